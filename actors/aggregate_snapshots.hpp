#pragma once

#include "engine/base/metrics.hpp"
#include "engine/log/event_log.hpp"
#include "engine/store/snapshot_store.hpp"
#include "protocol/bytes.hpp"
#include "protocol/position.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace herald {

/// When a host stores the state of an aggregate: whichever comes first.
struct snapshot_policy {
  /// Events since the last snapshot.
  std::uint64_t events = 500;
  /// Bytes of their payloads.
  std::uint64_t bytes = 1u << 20;
  /// What it took to bring the state back: one that is slow to come back is
  /// stored as soon as it is there.
  std::chrono::nanoseconds replay_time = std::chrono::milliseconds(20);

  bool due(std::uint64_t events_since, std::uint64_t bytes_since,
    std::chrono::nanoseconds replayed_for) const {
    return events_since >= events || bytes_since >= bytes
      || replayed_for >= replay_time;
  }
};

/// The snapshots of a node's aggregates as their hosts see them: which of them
/// can be believed, and how many were taken, used and refused. Log, store and
/// metrics outlive it. Any thread.
class aggregate_snapshots {
public:
  /// `now_ms` is the wall clock, `steady_now` one that never falls.
  aggregate_snapshots(const event_log& log, snapshot_store& store,
    const snapshot_policy& policy, metrics_registry& metrics,
    std::function<std::int64_t()> now_ms,
    std::function<std::chrono::nanoseconds()> steady_now);

  const snapshot_policy& policy() const { return policy_; }
  std::chrono::nanoseconds steady_now() const { return steady_now_(); }

  /// What find() found.
  struct stored_state {
    std::optional<state_snapshot> usable;
    /// There was one that cannot be believed; it was counted and logged, and
    /// another should take its place.
    bool refused = false;
  };

  /// The snapshot of an aggregate. One that is damaged, of another format or
  /// incarnation, or beyond `end` (the log was restored from an older copy) is
  /// refused: the state then comes from the log.
  stored_state find(partition_id where, std::string_view key,
    const state_format& format, offset end);

  /// Counts that a state was made from a snapshot.
  void count_used() { used_.add(); }

  /// Counts and logs a snapshot that passed find() and yet cannot be decoded.
  void refuse(partition_id where, std::string_view key, const failure& reason);

  /// Hands a state that holds all events before `next`, each of them
  /// committed, to the writer. Losing it costs time and nothing else, so
  /// nobody is told.
  void take(partition_id where, std::string_view key,
    const state_format& format, offset next, bytes state);

  /// How many were taken, used and refused since the start.
  struct totals {
    std::uint64_t taken = 0;
    std::uint64_t used = 0;
    std::uint64_t refused = 0;
  };
  totals counts() const {
    return {taken_.value(), used_.value(), refused_.value()};
  }

  /// What is stored; see snapshot_store.
  result<snapshot_usage> usage() const { return store_.usage(); }
  result<std::uint64_t> clear() { return store_.clear(); }

private:
  followed_partition durable_name(partition_id where) const;

  const event_log& log_;
  snapshot_store& store_;
  snapshot_policy policy_;
  std::function<std::int64_t()> now_ms_;
  std::function<std::chrono::nanoseconds()> steady_now_;
  counter& taken_;
  counter& used_;
  counter& refused_;
  /// An upgrade or a restore makes all snapshots worthless at once: that is
  /// said once.
  std::atomic<bool> outdated_told_{false};
};

} // namespace herald
