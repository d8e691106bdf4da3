#include "actors/replay/replay.hpp"

#include <algorithm>

namespace herald {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t read_bytes = 256 * 1024;
constexpr auto report_interval = 1s;
// How long a stop may go unnoticed.
constexpr auto look_interval = 50ms;

/// Shows one batch; whether to go on.
result<bool> show_batch(const stored_batch& stored, replay_part& part,
  replay_clock& clock,
  const std::function<result<bool>(const replay_part&, const record_view&)>&
    show) {
  auto batch = batch_view::parse_unchecked(stored.batch);
  if (!batch)
    return std::unexpected(batch.error());
  bool more = true;
  if (!batch->control()) {
    result<bool> shown = false;
    auto read = batch->for_each([&](const record_view& record) {
      if (record.at < part.next)
        return true;
      if (record.at >= part.end)
        return false;
      shown = show(part, record);
      if (!shown)
        return false;
      part.next = record.at.next();
      more = clock.advance(1, *shown ? 1 : 0);
      return more;
    });
    if (!shown)
      return shown;
    if (!read)
      return std::unexpected(read.error());
  }
  if (more)
    part.next = std::max(part.next, std::min(stored.next, part.end));
  return more;
}

} // namespace

replay_clock::replay_clock(const replay_pace& pace, std::uint64_t total)
  : pace_(pace), started_(pace.now()), reported_(started_), looked_(started_) {
  progress_.total = total;
}

bool replay_clock::advance(std::uint64_t passed, std::uint64_t shown) {
  progress_.records += passed;
  shown_ += shown;
  auto now = pace_.now();
  if (now - reported_ >= report_interval) {
    reported_ = now;
    report();
  }
  if (pace_.rate > 0 && shown > 0)
    return wait_for_rate();
  if (now - looked_ < look_interval)
    return true;
  looked_ = now;
  return !pace_.wait(0ms);
}

bool replay_clock::wait_for_rate() {
  for (;;) {
    // The next record is due when those before it have had their time.
    auto due = started_
      + std::chrono::nanoseconds(static_cast<std::int64_t>(
        static_cast<double>(shown_) * 1e9 / static_cast<double>(pace_.rate)));
    auto now = pace_.now();
    auto left = std::chrono::ceil<std::chrono::milliseconds>(due - now);
    if (now - looked_ < look_interval && left <= 1ms)
      return true;
    looked_ = now;
    auto slice = std::clamp<std::chrono::milliseconds>(left, 0ms, 1000ms);
    if (pace_.wait(slice))
      return false;
    if (left <= slice)
      return true;
    if (pace_.now() - reported_ >= report_interval) {
      reported_ = pace_.now();
      report();
    }
  }
}

void replay_clock::report() const {
  if (pace_.progress)
    pace_.progress(progress_);
}

std::uint64_t records_left(const std::vector<replay_part>& parts) {
  std::uint64_t sum = 0;
  for (auto& part : parts)
    sum += part.end.value - std::min(part.end, part.next).value;
  return sum;
}

result<bool> replay(const event_log& log, std::vector<replay_part>& parts,
  replay_clock& clock,
  const std::function<result<bool>(
    const replay_part&, const record_view& record)>& show) {
  for (auto& part : parts)
    while (part.next < part.end) {
      auto batches = log.read(part.where, part.next, read_bytes);
      if (!batches)
        return std::unexpected(batches.error());
      if (batches->empty())
        return fail(
          fault::damaged, "the log ends before the range that was asked for");
      for (auto& stored : *batches) {
        if (part.next >= part.end)
          break;
        auto more = show_batch(stored, part, clock, show);
        if (!more || !*more)
          return more;
      }
    }
  return true;
}

} // namespace herald
