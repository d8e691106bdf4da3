#pragma once

#include "actors/aggregate.hpp"
#include "actors/any_event.hpp"
#include "engine/store/snapshot_store.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace herald {

/// What the player aggregate must remember: the totals, and how far each
/// partition of `match` has been counted. Causes of one partition come in
/// order, so one offset per partition tells what was counted already.
struct player_state {
  struct counted {
    std::int64_t cause = -1;
    offset at;
  };
  event::player_totals totals;
  std::map<std::int32_t, counted> counted_to;
};

/// Counts a match for a player: adds `match`, and takes back `corrected`, what
/// an earlier version of the same match had added.
struct count_match {
  std::string player_id;
  std::string principal;
  std::string source;
  std::string match_id;
  std::int32_t cause_partition = 0;
  std::int64_t cause_offset = 0;
  event::player_totals match;
  std::optional<event::player_totals> corrected;
};

/// The player: totals over all matches. Its key is the player id.
struct player_aggregate {
  using state = player_state;
  using command = count_match;
  static constexpr std::string_view topic = "player";

  static decision decide(
    const player_state& state, const count_match& command, offset next);
  static void evolve(player_state& state, const any_event& event, offset at);

  /// The state in a snapshot: MessagePack of player_snapshot. Equal states have
  /// equal bytes.
  static state_format stored_format();
  static bytes encode_state(const state& state);
  static result<state> decode_state(bytes_view stored);
};

/// What one match adds to the totals of one of its participants.
event::player_totals totals_of(const event::participant& player);

event::player_totals operator+(
  const event::player_totals& a, const event::player_totals& b);
event::player_totals operator-(
  const event::player_totals& a, const event::player_totals& b);

} // namespace herald
