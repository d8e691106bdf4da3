#include "actors/cursor_keeper.hpp"

#include "engine/base/logging.hpp"

#include <cassert>
#include <chrono>

namespace herald {

namespace {

constexpr auto write_interval = std::chrono::milliseconds(250);

followed_partition followed(const event_log& log, partition_id where) {
  auto topic = log.find_topic(where.topic);
  assert(topic);
  return {topic->id.value, where.partition};
}

} // namespace

cursor_keeper::cursor_keeper(const event_log& log, view_store& views)
  : log_(log), views_(views), thread_([this] { run(); }) {}

cursor_keeper::~cursor_keeper() {
  stop();
}

result<void> cursor_keeper::adopt(const std::string& follower) {
  std::optional<follower_record> known;
  auto read = views_.read([&](const view_snapshot& views) -> result<void> {
    known = views.follower(follower);
    return {};
  });
  if (!read)
    return read;
  follower_record now{log_.incarnation(), 1, {}};
  if (known == now)
    return {};
  return views_.update([&](view_transaction& views) -> result<void> {
    views.reset(follower, now);
    return {};
  });
}

offset cursor_keeper::get(
  const std::string& follower, partition_id where) const {
  {
    std::lock_guard guard{mutex_};
    if (auto found = dirty_.find({follower, where}); found != dirty_.end())
      return found->second;
  }
  return stored(follower, where);
}

offset cursor_keeper::stored(
  const std::string& follower, partition_id where) const {
  auto next = log_.log_start(where);
  (void)views_.read([&](const view_snapshot& views) -> result<void> {
    next = views.cursor(follower, followed(log_, where)).value_or(next);
    return {};
  });
  return next;
}

void cursor_keeper::set(
  const std::string& follower, partition_id where, offset next) {
  std::lock_guard guard{mutex_};
  bool first = dirty_.empty();
  dirty_[{follower, where}] = next;
  if (first)
    wake_.notify_one();
}

void cursor_keeper::stop() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable())
    thread_.join();
}

void cursor_keeper::run() {
  for (;;) {
    {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [this] { return stopping_ || !dirty_.empty(); });
      wake_.wait_for(lock, write_interval, [this] { return stopping_; });
      if (stopping_ && dirty_.empty())
        return;
    }
    write();
    std::lock_guard guard{mutex_};
    if (stopping_ && dirty_.empty())
      return;
  }
}

void cursor_keeper::write() {
  decltype(dirty_) now;
  {
    std::lock_guard guard{mutex_};
    now = dirty_;
  }
  auto written = views_.update([&](view_transaction& views) -> result<void> {
    for (auto& [which, next] : now)
      views.set_cursor(which.first, followed(log_, which.second), next);
    return {};
  });
  if (!written)
    log_error("views", "Cursors cannot be written",
      {{"reason", written.error().message}});
  std::lock_guard guard{mutex_};
  for (auto& [which, next] : now) {
    auto found = dirty_.find(which);
    if (found != dirty_.end() && (found->second == next || !written))
      dirty_.erase(found);
  }
}

} // namespace herald
