#include "engine/store/group_writer.hpp"

#include <cassert>
#include <future>
#include <iterator>
#include <utility>

namespace herald {

group_writer::group_writer(
  lmdb_environment& environment, const group_writer_settings& settings)
  : environment_{environment}, settings_{settings} {
  assert(settings.waiting_max > 0 && settings.commit_max > 0);
  if (settings_.own_thread)
    thread_ = std::thread{[this] { loop(); }};
}

group_writer::~group_writer() {
  stop();
}

void group_writer::submit(work todo, completion done) {
  failure refused{fault::busy, "too many writes are waiting; try again"};
  {
    std::lock_guard lock{mutex_};
    if (stopping_) {
      refused = {fault::unavailable, "the store is closing"};
    } else if (jobs_.size() < settings_.waiting_max) {
      jobs_.push_back({std::move(todo), std::move(done)});
      news_.notify_one();
      return;
    }
  }
  done(std::unexpected{std::move(refused)});
}

result<void> group_writer::run(work todo) {
  std::promise<result<void>> answer;
  auto outcome = answer.get_future();
  submit(std::move(todo),
    [&answer](const result<void>& done) { answer.set_value(done); });
  if (!settings_.own_thread)
    while (turn() > 0)
      continue;
  return outcome.get();
}

std::size_t group_writer::turn() {
  assert(!settings_.own_thread);
  auto jobs = take();
  settle(jobs);
  return jobs.size();
}

void group_writer::stop() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
    news_.notify_one();
  }
  if (thread_.joinable())
    thread_.join();
  if (!settings_.own_thread)
    while (turn() > 0)
      continue;
}

std::size_t group_writer::waiting() const {
  std::lock_guard lock{mutex_};
  return jobs_.size();
}

void group_writer::loop() {
  for (;;) {
    {
      std::unique_lock lock{mutex_};
      news_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty())
        return;
    }
    auto jobs = take();
    settle(jobs);
  }
}

std::deque<group_writer::job> group_writer::take() {
  std::lock_guard lock{mutex_};
  std::deque<job> jobs;
  if (jobs_.size() <= settings_.commit_max) {
    jobs.swap(jobs_);
    return jobs;
  }
  auto end = jobs_.begin() + static_cast<std::ptrdiff_t>(settings_.commit_max);
  jobs.assign(
    std::make_move_iterator(jobs_.begin()), std::make_move_iterator(end));
  jobs_.erase(jobs_.begin(), end);
  return jobs;
}

void group_writer::settle(std::deque<job>& jobs) {
  if (jobs.empty())
    return;
  auto outcome = environment_.write([&](lmdb_transaction& transaction) {
    for (const auto& each : jobs) {
      if (auto done = each.todo(transaction); !done)
        return done;
      if (transaction.failed())
        break;
    }
    return result<void>{};
  });
  if (outcome || jobs.size() == 1) {
    for (const auto& each : jobs)
      each.done(outcome);
    return;
  }
  // One of them failed, so none is written: each by itself then.
  for (const auto& each : jobs)
    each.done(environment_.write(each.todo));
}

} // namespace herald
