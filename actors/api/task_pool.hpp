#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace herald {

/// A few threads for answers that take long, such as exports, so that they
/// never hold up the edge. Bounded: submit() refuses what finds no room.
class task_pool {
public:
  task_pool(std::size_t threads, std::size_t waiting_max);
  /// Waits for tasks that run; those that wait are dropped.
  ~task_pool();
  task_pool(const task_pool&) = delete;
  task_pool& operator=(const task_pool&) = delete;

  /// False when too many wait or the pool has stopped.
  bool submit(std::function<void()> task);

  /// Tasks should look at this now and then and end early.
  bool stopping() const;
  void stop();

private:
  void run();

  std::size_t waiting_max_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

} // namespace herald
