#include "engine/log/log_writer.hpp"

#include "protocol/batch/record_batch.hpp"

#include <fmt/format.h>

#include <cassert>
#include <future>
#include <utility>

namespace herald {

namespace {

std::unexpected<failure> refusal_of(failure why) {
  return std::unexpected{std::move(why)};
}

} // namespace

log_writer::log_writer(event_log& log, const writer_settings& settings)
  : log_{log}, settings_{settings} {
  if (settings_.own_thread)
    thread_ = std::thread{[this] { run(); }};
}

log_writer::~log_writer() {
  stop();
}

failure log_writer::too_large(std::size_t bytes) const {
  return {fault::too_large,
    fmt::format("a batch has {} bytes, at most {} are taken", bytes,
      settings_.batch_bytes_max)};
}

result<std::uint32_t> log_writer::check(
  partition_id where, bytes_view data) const {
  if (data.size() > settings_.batch_bytes_max)
    return std::unexpected{too_large(data.size())};
  auto batch = batch_view::parse(data);
  if (!batch)
    return std::unexpected{std::move(batch).error()};
  auto count = std::int64_t{batch->record_count()};
  auto offsets = std::int64_t{batch->last_offset_delta()} + 1;
  if (count != offsets)
    return fail(fault::invalid_input,
      fmt::format("a batch has {} records for {} offsets", count, offsets));
  if (!log_.has_partition(where))
    return fail(fault::not_found,
      fmt::format(
        "topic number {} has no partition {}", where.topic, where.partition));
  return batch->record_count();
}

void log_writer::append(partition_id where, bytes batch, completion done) {
  if (auto records = check(where, batch))
    hand_over({.where = where, .batch = std::move(batch)}, *records,
      std::move(done), handed_over::now);
  else
    refuse(done, std::move(records).error());
}

void log_writer::append_checked(partition_id where, std::span<char> batch,
  std::shared_ptr<void> owner, std::uint32_t records, completion done,
  handed_over when) {
  hand_over({.where = where, .part = batch, .owner = std::move(owner)}, records,
    std::move(done), when);
}

void log_writer::hand_over(
  append_item item, std::uint32_t records, completion done, handed_over when) {
  auto size = item.view().size();
  if (size > settings_.batch_bytes_max) {
    refuse(done, too_large(size));
    return;
  }
  if (auto failed = log_.failed()) {
    refuse(done, std::move(*failed));
    return;
  }
  failure why;
  {
    std::lock_guard lock{mutex_};
    if (!stopping_ && !is_full(size)) {
      waiting_bytes_ += size;
      ++waiting_batches_;
      queue_.push_back({std::move(item), records, std::move(done)});
      if (idle_ && !committing_ && when == handed_over::now)
        wake_.notify_one();
      return;
    }
    why = stopping_
      ? failure{fault::unavailable, "the log writer has stopped"}
      : failure{fault::busy,
          fmt::format("{} batches with {} bytes wait for the disk: try again",
            waiting_batches_, waiting_bytes_)};
  }
  refuse(done, std::move(why));
}

bool log_writer::is_full(std::size_t more_bytes) const {
  return waiting_batches_ >= settings_.waiting_batches_max
    || (waiting_batches_ > 0
      && waiting_bytes_ + more_bytes > settings_.waiting_bytes_max);
}

bool log_writer::has_room(std::size_t bytes) const {
  std::lock_guard lock{mutex_};
  return stopping_ || !is_full(bytes);
}

void log_writer::refuse(const completion& done, failure why) {
  {
    std::lock_guard lock{mutex_};
    ++counts_.refused;
  }
  done(std::unexpected{std::move(why)});
}

append_outcome log_writer::append_and_wait(partition_id where, bytes batch) {
  assert(settings_.own_thread);
  std::promise<append_outcome> promise;
  auto outcome = promise.get_future();
  append(where, std::move(batch),
    [&promise](const append_outcome& ended) { promise.set_value(ended); });
  return outcome.get();
}

void log_writer::on_commit(event_log::commit_listener listener) {
  log_.on_commit(std::move(listener));
}

std::size_t log_writer::turn() {
  assert(!settings_.own_thread);
  std::unique_lock lock{mutex_};
  return commit_next(lock);
}

void log_writer::settle() {
  std::unique_lock lock{mutex_};
  // Whoever commits looks at the queue again.
  if (committing_ || queue_.empty() || !settings_.own_thread)
    return;
  if (waiting_bytes_ <= settings_.settle_bytes_max
    && small_commit_ <= settings_.settle_time_max && !stopping_)
    commit_next(lock);
  if (!queue_.empty() || stopping_)
    wake_.notify_one();
}

// Weighs the newest commit with an eighth, as TCP does with round trips.
void log_writer::remember_time(
  std::size_t bytes, std::chrono::nanoseconds took) {
  if (bytes <= settings_.settle_bytes_max)
    small_commit_ += (took - small_commit_) / 8;
}

void log_writer::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    idle_ = true;
    wake_.wait(
      lock, [this] { return !committing_ && (stopping_ || !queue_.empty()); });
    idle_ = false;
    if (queue_.empty())
      return;
    commit_next(lock);
  }
}

// Takes the next group from the queue and settles it; the lock is open
// meanwhile, so that what arrives waits for the commit after this one.
std::size_t log_writer::commit_next(std::unique_lock<std::mutex>& lock) {
  std::size_t size = 0;
  std::uint64_t records = 0;
  while (!queue_.empty()) {
    auto& next = queue_.front();
    auto bytes = next.item.view().size();
    if (!group_.empty() && size + bytes > settings_.commit_bytes_max)
      break;
    size += bytes;
    records += next.records;
    group_.push_back(std::move(next.item));
    done_.push_back(std::move(next.done));
    queue_.pop_front();
  }
  if (group_.empty())
    return 0;
  committing_ = true;
  lock.unlock();

  auto before = std::chrono::steady_clock::now();
  auto committed = log_.append(group_);
  auto took = std::chrono::steady_clock::now() - before;
  auto batches = done_.size();

  // Before anybody is answered: who hears of a commit finds it counted, and its
  // room free.
  lock.lock();
  waiting_bytes_ -= size;
  waiting_batches_ -= batches;
  remember_time(size, took);
  if (committed) {
    ++counts_.commits;
    counts_.batches += batches;
    counts_.records += records;
    counts_.bytes += size;
    trouble_.reset();
  } else {
    counts_.refused += batches;
    trouble_ = committed.error();
  }
  lock.unlock();

  for (std::size_t i = 0; i < batches; ++i)
    done_[i](!committed ? append_outcome{refusal_of(committed.error())}
        : group_[i].refused
        ? append_outcome{refusal_of(*group_[i].refused)}
        : append_outcome{{group_[i].where, group_[i].first, group_[i].next}});
  group_.clear();
  done_.clear();
  lock.lock();
  committing_ = false;
  return batches;
}

void log_writer::stop() {
  std::unique_lock lock{mutex_};
  stopping_ = true;
  wake_.notify_one();
  if (thread_.joinable()) {
    auto thread = std::move(thread_);
    lock.unlock();
    thread.join();
  } else {
    while (!settings_.own_thread && commit_next(lock) > 0) {
    }
  }
}

std::optional<failure> log_writer::trouble() const {
  if (auto failed = log_.failed())
    return failed;
  std::lock_guard lock{mutex_};
  return trouble_;
}

writer_counts log_writer::counts() const {
  std::lock_guard lock{mutex_};
  auto counts = counts_;
  counts.waiting_batches = waiting_batches_;
  counts.waiting_bytes = waiting_bytes_;
  return counts;
}

} // namespace herald
