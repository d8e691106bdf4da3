#include "actors/api/task_pool.hpp"

namespace herald {

task_pool::task_pool(std::size_t threads, std::size_t waiting_max)
  : waiting_max_(waiting_max) {
  for (std::size_t i = 0; i < threads; ++i)
    threads_.emplace_back([this] { run(); });
}

task_pool::~task_pool() {
  stop();
}

bool task_pool::submit(std::function<void()> task) {
  std::lock_guard guard{mutex_};
  if (stopping_ || waiting_.size() >= waiting_max_)
    return false;
  waiting_.push_back(std::move(task));
  wake_.notify_one();
  return true;
}

bool task_pool::stopping() const {
  std::lock_guard guard{mutex_};
  return stopping_;
}

void task_pool::stop() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
    waiting_.clear();
    wake_.notify_all();
  }
  for (auto& thread : threads_)
    if (thread.joinable())
      thread.join();
}

void task_pool::run() {
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_)
        return;
      task = std::move(waiting_.front());
      waiting_.pop_front();
    }
    task();
  }
}

} // namespace herald
