#pragma once

#include "actors/event_codec.hpp"
#include "actors/riot/replay.hpp"
#include "engine/store/follower.hpp"
#include "engine/store/view_store.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace herald {

/// Read models of the topic `match`, all made from one decoded event.
///
///     match.state      match id -> state (match_patch.hpp), MessagePack
///     match.list       inverted startedAt:u64 match-id -> list entry, JSON
///     match.live       match id -> empty, while the game is played
///     match.player     player id 00 match id -> empty, while the game is
///     played match.documents  content hash (hex) -> partition:u32 offset:u64
///                      kind:u8 match-id
///     match.summary    match id -> riot::match_summary, Avro
///     match.timeline   match id -> riot::timeline_summary, Avro
class match_projection final : public projection {
public:
  explicit match_projection(const event_codec& codec) : codec_(codec) {}
  std::string_view name() const override { return follower_name; }
  std::uint32_t version() const override { return 1; }
  std::vector<std::string> topics() const override { return {"match"}; }
  std::vector<std::string> tables() const override;
  result<void> apply(const position& at, const record_view& record,
    view_transaction& views) override;

  static constexpr std::string_view follower_name = "matches";

private:
  const event_codec& codec_;
};

/// A document of a match that the log holds as an event.
struct recorded_document {
  std::uint32_t partition = 0;
  offset at;
  /// "match" or "timeline".
  std::string kind;
  std::string match_id;
};

/// Queries on those read models; from any thread.
class match_views {
public:
  match_views(const event_log& log, const view_store& views);

  /// The state of a match and the offset of the first event that it does not
  /// contain; fault::not_found.
  result<std::pair<nlohmann::json, offset>> state(std::string_view match) const;

  /// List entries, latest start first, at most `limit`. `state` narrows it to
  /// "live", "finished", "aborted" or "unknown"; empty: all, the live ones
  /// first.
  result<nlohmann::json> list(std::string_view state, std::size_t limit) const;

  /// The live game of a player; fault::not_found.
  result<std::string> match_of_player(std::string_view player_id) const;

  std::optional<recorded_document> document(std::string_view hash) const;

  /// Calls `visit` for every match document in the order of match ids, with
  /// its timeline where there is one. False stops it. Reads some hundred
  /// matches in each transaction.
  result<void> for_each_summary(const std::function<bool(
      const riot::match_summary&, const riot::timeline_summary*)>& visit) const;

  /// Up to where the views have read the partition of `match`.
  offset cursor(std::uint32_t partition) const;

  /// The committed ends of all partitions of `match`, for wait().
  std::vector<offset> log_ends() const;

  /// Waits until the views have read up to these ends (one per partition), so
  /// that whoever was told of an event finds it there. False when the time is
  /// over. Blocks: not for threads of the edge.
  bool wait(const std::vector<offset>& ends,
    std::chrono::milliseconds at_most = std::chrono::seconds(5)) const;
  /// The same without waiting.
  bool have(const std::vector<offset>& ends) const;

  /// How many matches are being played.
  std::uint64_t live_count() const;
  std::uint64_t match_count() const;

private:
  const event_log& log_;
  const view_store& views_;
  topic_info topic_;
};

} // namespace herald
