#pragma once

#include "actors/cursor_keeper.hpp"
#include "actors/event_codec.hpp"
#include "actors/match/match_views.hpp"
#include "actors/replay/replay_desk.hpp"
#include "engine/base/metrics.hpp"
#include "engine/log/retention.hpp"
#include "engine/store/follower.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace herald {

/// What a node's retention rests on. All of it outlives the retention.
struct log_keeping {
  event_log* log = nullptr;
  const event_codec* codec = nullptr;
  const match_views* matches = nullptr;
  const follower_driver* followers = nullptr;
  const cursor_keeper* cursors = nullptr;
  const replay_desk* replays = nullptr;
  metrics_registry* metrics = nullptr;
  /// Followers whose cursors the keeper has, with the topic that they read.
  std::vector<std::pair<std::string, std::uint32_t>> kept;
  /// Milliseconds since 1970, for the records in `audit`. From any thread.
  std::function<std::int64_t()> now_ms;
};

/// The node's side of retention: every view, every follower with a kept cursor
/// and every replay is waited for; a match is closed when it is finished or
/// aborted, as of its last event; deletions are events in the topic `audit`,
/// durable before they happen and written even on a full disk, since they make
/// room; who is waited for stands in the log and in herald_retention_held.
retention_seams make_retention_seams(const log_keeping& parts);

/// log_settings::check_settings of a node: herald.retention.state is for the
/// topic `match` and the state "closed" alone, since nothing else comes to an
/// end, and nobody compacts an aggregate's topic, whose events all count.
result<void> check_topic_settings(
  std::string_view topic, const topic_settings& settings);

} // namespace herald
