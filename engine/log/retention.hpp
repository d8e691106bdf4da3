#pragma once

#include "engine/log/event_log.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace herald {

/// A deletion that is about to happen: the records [from, to) of a partition.
struct log_deletion {
  std::string topic;
  std::uint32_t partition = 0;
  offset from;
  offset to;
  /// Of the batches that go as a whole.
  std::uint64_t bytes = 0;
  /// Such as "retention.ms=604800000", "topic deleted" or "detached to FILE".
  std::string reason;
  /// Who wanted it: "retention" or the name of a client.
  std::string principal;
  bool operator==(const log_deletion&) const = default;
};

/// A follower that has not read what is to go.
struct follower_position {
  std::string name;
  offset next;
};

/// A partition whose retention waits for a follower.
struct retention_hold {
  std::string topic;
  std::uint32_t partition = 0;
  std::string follower;
  /// Where the follower stands, and where the log would start without it.
  offset at;
  offset wanted;
  bool operator==(const retention_hold&) const = default;
};

/// What retention asks of the rest of a node. All are called on the thread that
/// runs turn(), remove(), detach() or delete_topic(), without a lock of the
/// log.
struct retention_seams {
  /// The follower that is furthest behind in a partition; none when nobody
  /// follows it. Nobody does when empty.
  std::function<std::optional<follower_position>(partition_id)> slowest;
  /// The largest offset in [from, up_to] below which every record's aggregate
  /// has been in the rule's state for the rule's time; may stop early and go on
  /// in the next turn. Topics with herald.retention.state keep everything when
  /// empty.
  std::function<result<offset>(partition_id, const state_retention& rule,
    offset from, offset up_to, std::int64_t now_ms)>
    state_end;
  /// Makes the deletion known durably before it happens; what it refuses does
  /// not happen. Nothing is announced when empty.
  std::function<result<void>(const log_deletion&)> announce;
  /// A partition of the topic has begun to wait for a follower (`hold`) or goes
  /// on (null); `waiting` of its partitions wait now.
  std::function<void(
    std::string_view topic, std::size_t waiting, const retention_hold* hold)>
    on_held;
  /// A turn could not do its work in a partition, which it will try again.
  std::function<void(
    std::string_view topic, std::uint32_t partition, const failure& why)>
    on_failure;
};

/// Limits of a retention.
struct retention_settings {
  /// Between two turns of the own thread.
  std::chrono::milliseconds interval{std::chrono::minutes{5}};
  /// Batches of one partition that a turn deletes at most.
  std::size_t batches_max = 100'000;
  step_settings step;
  std::size_t keys_max = 1u << 20;
};

/// What one turn did.
struct retention_turn {
  std::uint64_t batches_deleted = 0;
  std::uint64_t bytes_deleted = 0;
  std::uint64_t records_compacted = 0;
  std::uint64_t partitions_failed = 0;
  bool operator==(const retention_turn&) const = default;
};

/// Lets go of what the topics' settings say may go: by record time
/// (retention.ms), size (retention.bytes) and state (herald.retention.state),
/// never past a follower that has not read it; compacts the topics that want
/// it; and frees the pages of deleted topics. Whole batches go, from the oldest
/// on; the newest batch of a partition stays.
///
/// The log must outlive it. All calls from any thread, but for the log's own
/// commit listeners.
class retention {
public:
  retention(event_log& log, retention_seams seams,
    const retention_settings& settings = {});
  /// Stops as stop() does.
  ~retention();
  retention(const retention&) = delete;
  retention& operator=(const retention&) = delete;

  /// Looks once at every partition. What fails is reported and counted, and the
  /// next partition is looked at.
  retention_turn turn(std::int64_t now_ms);

  /// Deletes the records below `up_to` because somebody said so, announced like
  /// all deletions; returns the log start. A follower that has not read them is
  /// fault::conflict. Otherwise like event_log::trim().
  result<offset> remove(
    partition_id where, offset up_to, std::string_view principal);

  /// Takes a segment out of the log, announced like a deletion, since its
  /// records are not to be read any more. A follower that has not read them is
  /// fault::conflict. Otherwise like event_log::detach_segment().
  result<void> detach(std::string_view file, std::string_view principal);

  /// Announces and deletes a topic; event_log::delete_topic().
  result<void> delete_topic(std::string_view name, std::string_view principal);

  /// Who has read least of a partition, of those who must have read it before
  /// it goes.
  std::optional<follower_position> slowest(partition_id where) const;

  /// What all turns since the start have done.
  retention_turn totals() const;

  /// Where a follower keeps back what should be gone, as of the last turn.
  std::vector<retention_hold> holds() const;

  /// Starts a thread that turns once per interval, at the time of `now_ms`.
  /// Without it turn() works when it is called.
  void start(std::function<std::int64_t()> now_ms);
  /// Ends the thread after the commit that it is in.
  void stop();

private:
  struct plan;
  bool going_on() const;
  void look_at_all(std::int64_t now_ms, retention_turn& did);
  result<void> apply_policies(partition_id where, const topic_info& topic,
    const topic_settings& settings, std::int64_t now_ms, retention_turn& did);
  result<plan> plan_deletion(partition_id where, const topic_settings& settings,
    std::int64_t now_ms) const;
  result<void> hold_back(
    const topic_info& topic, partition_id where, plan& planned);
  result<void> measure(partition_id where, plan& planned) const;
  result<trimmed> delete_planned(const topic_info& topic, partition_id where,
    const plan& planned, std::string_view principal);
  bool has_leftovers(partition_id where) const;
  void finish_deletions(retention_turn& did);
  void set_hold(const topic_info& topic, std::uint32_t partition,
    std::optional<retention_hold> hold);
  void run(const std::function<std::int64_t()>& now_ms);

  event_log& log_;
  retention_seams seams_;
  retention_settings settings_;
  /// One turn, removal or deletion of a topic at a time.
  std::mutex work_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<retention_hold> holds_;
  retention_turn totals_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace herald
