#include "actors/api/long_task.hpp"

#include <utility>

namespace herald {

bool long_task::handle::report(
  std::uint64_t done_bytes, std::uint64_t total_bytes, std::string_view at) {
  {
    std::lock_guard lock{owner_.mutex_};
    auto& progress = *owner_.progress_;
    progress.done_bytes = done_bytes;
    progress.total_bytes = total_bytes;
    progress.at = at;
  }
  return going_on();
}

bool long_task::handle::going_on() const {
  return !owner_.cancelled_;
}

long_task::~long_task() {
  stop();
}

result<std::uint64_t> long_task::start(std::string_view name, work what) {
  std::unique_lock lock{mutex_};
  if (stopped_)
    return fail(fault::unavailable, "the node is stopping");
  if (progress_ && progress_->running)
    return fail(fault::busy,
      "'" + progress_->name
        + "' is running: 'task' shows how far it is, 'task stop' ends it");
  // The thread of the last one has nothing left to do.
  if (thread_.joinable())
    thread_.join();
  auto id = progress_ ? progress_->id + 1 : 1;
  progress_ = task_progress{.id = id,
    .name = std::string{name},
    .at = {},
    .running = true,
    .outcome = std::nullopt};
  cancelled_ = false;
  thread_ = std::thread{[this, what = std::move(what)] {
    handle mine{*this};
    auto outcome = what(mine);
    std::lock_guard lock{mutex_};
    progress_->outcome = std::move(outcome);
    progress_->running = false;
  }};
  return id;
}

std::optional<task_progress> long_task::status() const {
  std::lock_guard lock{mutex_};
  return progress_;
}

bool long_task::cancel() {
  std::lock_guard lock{mutex_};
  cancelled_ = true;
  return progress_ && progress_->running;
}

void long_task::stop() {
  std::thread last;
  {
    std::lock_guard lock{mutex_};
    stopped_ = true;
    cancelled_ = true;
    last = std::exchange(thread_, {});
  }
  if (last.joinable())
    last.join();
}

} // namespace herald
