#pragma once

#include "actors/aggregate.hpp"
#include "actors/any_event.hpp"
#include "actors/riot/live.hpp"
#include "actors/riot/replay.hpp"
#include "engine/store/snapshot_store.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace herald {

/// What the match aggregate must remember to decide: what it has recorded, by
/// content, and the short forms that the rules compare.
struct match_state {
  /// Content hash of every document recorded -> its event. A document counts
  /// once, for ever.
  std::map<std::string, offset> documents;

  struct recorded {
    offset at;
    std::int32_t revision = 0;
  };
  std::optional<recorded> completed;
  std::optional<riot::match_summary> summary;
  std::optional<recorded> timeline;
  std::optional<riot::timeline_summary> replay;

  std::optional<offset> started;
  /// The last event about the running game, and what it told.
  std::optional<offset> live_at;
  riot::live_state live;
  std::int64_t live_observed_ms = 0;
  std::string live_source;
};

/// Records a match document that passed the rules it can break alone. The
/// event is whole but for revision and supersedes.
struct record_match {
  std::shared_ptr<const any_event> event;
  std::shared_ptr<const riot::match_summary> summary;
};

/// The same for a timeline.
struct record_timeline {
  std::shared_ptr<const any_event> event;
  std::shared_ptr<const riot::timeline_summary> summary;
};

/// One look at the running game through a player's game client.
struct observe_live {
  std::string match_id;
  std::shared_ptr<const riot::live_observation> seen;
  std::int64_t observed_ms = 0;
  std::string principal;
  /// Player ids by participant, where they are known.
  std::map<std::int32_t, std::string> player_ids;
};

/// The running game as spectator-v5 shows it.
struct observe_spectator {
  std::shared_ptr<const any_event> event;
  std::int64_t game_length_s = 0;
  std::int64_t observed_ms = 0;
};

using match_command = std::variant<record_match, record_timeline, observe_live,
  observe_spectator>;

/// The match: everything that is known of one game. Its key is the match id.
struct match_aggregate {
  using state = match_state;
  using command = match_command;
  static constexpr std::string_view topic = "match";

  /// Pure. `next` is the offset that the first event will have.
  static decision decide(
    const match_state& state, const match_command& command, offset next);
  static void evolve(match_state& state, const any_event& event, offset at);

  /// The state in a snapshot: MessagePack of match_snapshot. Equal states have
  /// equal bytes.
  static state_format stored_format();
  static bytes encode_state(const state& state);
  static result<state> decode_state(bytes_view stored);
};

/// spectator-v5 says only that a game still runs; that is told again after
/// this long without other news.
constexpr std::int64_t still_running_interval_ms = 60'000;

} // namespace herald
