#pragma once

#include "engine/log/event_log.hpp"
#include "protocol/position.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

namespace herald {

/// A fetch that waits for records. `wake` is called from the committing
/// thread, at most once until rearm().
class fetch_waiter {
public:
  explicit fetch_waiter(std::function<void()> wake) : wake_{std::move(wake)} {}
  fetch_waiter(const fetch_waiter&) = delete;
  fetch_waiter& operator=(const fetch_waiter&) = delete;

  void wake() {
    if (!woken_.exchange(true))
      wake_();
  }
  /// Before looking into the log again, so that no commit is missed.
  void rearm() { woken_ = false; }

private:
  std::function<void()> wake_;
  std::atomic<bool> woken_{false};
};

/// Which fetch waits for which partition. From any thread.
class fetch_waiters {
public:
  using waiter_ptr = std::shared_ptr<fetch_waiter>;

  /// The waiter stays until remove() with the same partitions.
  void add(const waiter_ptr& waiter, std::span<const partition_id> partitions);
  void remove(
    const waiter_ptr& waiter, std::span<const partition_id> partitions);

  /// Wakes those that wait for one of these partitions. Quick when nobody does.
  void committed(std::span<const partition_commit> news);

private:
  struct hash {
    std::size_t operator()(const partition_id& where) const {
      return std::hash<std::uint64_t>{}(
        std::uint64_t{where.topic} << 32 | where.partition);
    }
  };

  std::atomic<std::size_t> count_{0};
  std::mutex mutex_;
  std::unordered_map<partition_id, std::vector<waiter_ptr>, hash> waiting_;
};

} // namespace herald
