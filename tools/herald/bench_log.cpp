#include "tools/herald/bench_log.hpp"

#include "engine/log/event_log.hpp"
#include "engine/log/log_writer.hpp"
#include "tools/herald/exit_code.hpp"
#include "tools/herald/measure.hpp"
#include "tools/herald/plain_lmdb.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace herald {

namespace {

using clock = bench_clock;
namespace fs = std::filesystem;

// Room for LMDB's own pages beside the values.
constexpr std::size_t slack_bytes = 64u << 20;
// What the log writer commits at once when more waits than that.
constexpr std::size_t commit_bytes = 8u << 20;

class work_folder {
public:
  explicit work_folder(fs::path path) : path_{std::move(path)} {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~work_folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

private:
  fs::path path_;
};

struct throughput {
  double seconds = 0;
  double cpu_seconds = 0;
  double ack_p50_us = 0;
  double ack_p99_us = 0;
  double batches_per_commit = 0;
};

// Hands out room for `window` batches on their way.
class window_of {
public:
  explicit window_of(std::size_t size) : free_{size}, size_{size} {}
  void take() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return free_ > 0; });
    --free_;
  }
  void give() {
    std::lock_guard lock{mutex_};
    if (++free_ == 1 || free_ == size_)
      changed_.notify_one();
  }
  void wait_for_all() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return free_ == size_; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t free_;
  std::size_t size_;
};

void append_batches(log_writer& writer, partition_id where, const bytes& batch,
  std::size_t count, std::size_t window, std::vector<double>& acks) {
  acks.assign(count, 0);
  window_of room{window};
  for (std::size_t i = 0; i < count; ++i) {
    room.take();
    auto copy = batch;
    auto start = clock::now();
    writer.append(where, std::move(copy), [&, i, start](auto& outcome) {
      assert(outcome);
      acks[i] = seconds_since(start);
      room.give();
    });
  }
  room.wait_for_all();
}

throughput run_herald(
  const bench_log_options& options, const bytes& batch, std::size_t batches) {
  work_folder folder{options.folder / "herald-bench-log"};
  log_settings settings;
  settings.initial_bytes = batches * batch.size() * 9 / 8 + slack_bytes;
  auto log = tried(event_log::open(folder.path(), settings));
  auto topic = tried(
    log->create_topic("bench", static_cast<std::uint32_t>(options.threads)));
  log_writer writer{*log, {.commit_bytes_max = commit_bytes}};
  std::vector<std::vector<double>> acks(options.threads);
  std::vector<std::thread> threads;
  auto cpu = cpu_seconds();
  auto start = clock::now();
  for (std::size_t t = 0; t < options.threads; ++t)
    threads.emplace_back([&, t] {
      append_batches(writer, {topic.number, static_cast<std::uint32_t>(t)},
        batch, batches / options.threads, options.window, acks[t]);
    });
  for (auto& thread : threads)
    thread.join();
  throughput result{
    .seconds = seconds_since(start), .cpu_seconds = cpu_seconds() - cpu};
  std::vector<double> all;
  for (auto& each : acks)
    all.insert(all.end(), each.begin(), each.end());
  result.ack_p50_us = percentile_us(all, 0.5);
  result.ack_p99_us = percentile_us(all, 0.99);
  auto counts = writer.counts();
  result.batches_per_commit
    = static_cast<double>(counts.batches) / static_cast<double>(counts.commits);
  return result;
}

throughput run_plain(
  const bench_log_options& options, const bytes& batch, std::size_t batches) {
  work_folder folder{options.folder / "plain-bench-log"};
  plain_lmdb lmdb{folder.path(), batches * batch.size() * 9 / 8 + slack_bytes};
  auto per_commit = std::max<std::size_t>(1, commit_bytes / batch.size());
  auto cpu = cpu_seconds();
  auto start = clock::now();
  for (std::size_t done = 0; done < batches;) {
    lmdb.begin();
    for (std::size_t i = 0; i < per_commit && done < batches; ++i, ++done)
      lmdb.append(batch);
    lmdb.commit();
  }
  return {.seconds = seconds_since(start), .cpu_seconds = cpu_seconds() - cpu};
}

void bench_throughput(
  const bench_log_options& options, std::size_t record_bytes) {
  auto records
    = std::max<std::size_t>(1, options.batch_bytes / (record_bytes + 25));
  auto batch = make_batch(records, record_bytes);
  auto batches
    = options.run_bytes / batch.size() / options.threads * options.threads;
  std::vector<throughput> ours, theirs;
  std::vector<double> ratios;
  for (std::size_t run = 0; run < options.runs; ++run) {
    // In turn, so that a disk that changes its mind changes it for both.
    theirs.push_back(run_plain(options, batch, batches));
    ours.push_back(run_herald(options, batch, batches));
    ratios.push_back(theirs.back().seconds / ours.back().seconds);
  }
  auto total = static_cast<double>(batches);
  auto gb = total * static_cast<double>(batch.size()) / 1e9;
  auto middle = [](const std::vector<throughput>& runs, auto member) {
    std::vector<double> values;
    for (auto& run : runs)
      values.push_back(run.*member);
    return median(values);
  };
  auto speed = [&](const std::vector<throughput>& runs) {
    auto seconds = middle(runs, &throughput::seconds);
    return fmt::format("{:>9.0f} records/s {:>6.0f} MB/s {:>6.2f} CPU s/GB",
      total * static_cast<double>(records) / seconds, gb * 1e3 / seconds,
      middle(runs, &throughput::cpu_seconds) / gb);
  };
  fmt::print("{} records of {} B in a batch of {} B, {} threads, {:.1f} GB\n",
    records, record_bytes, batch.size(), options.threads, gb);
  fmt::print("  log writer  {}\n", speed(ours));
  fmt::print("  plain LMDB  {}\n", speed(theirs));
  fmt::print("  ratio       {:.2f} (goal 0.6; runs {:.2f})\n", median(ratios),
    fmt::join(ratios, " "));
  fmt::print("  ack         p50 {:.0f} us, p99 {:.0f} us, {:.0f} batches per "
             "commit\n",
    middle(ours, &throughput::ack_p50_us),
    middle(ours, &throughput::ack_p99_us),
    middle(ours, &throughput::batches_per_commit));
  std::fflush(stdout);
}

void bench_synchronous(const bench_log_options& options) {
  auto batch = make_batch(1, 1'000);
  work_folder ours{options.folder / "herald-bench-log"};
  work_folder theirs{options.folder / "plain-bench-log"};
  auto log = tried(event_log::open(ours.path(), {}));
  auto topic = tried(log->create_topic("bench", 1));
  log_writer writer{*log};
  plain_lmdb lmdb{theirs.path(), 16u << 20};
  std::vector<double> herald, plain;
  for (std::size_t i = 0; i < options.synchronous; ++i) {
    auto copy = batch;
    auto start = clock::now();
    tried(writer.append_and_wait({topic.number, 0}, std::move(copy)));
    herald.push_back(seconds_since(start));
    start = clock::now();
    lmdb.begin();
    lmdb.append(batch);
    lmdb.commit();
    plain.push_back(seconds_since(start));
  }
  auto ours_us = percentile_us(herald, 0.5);
  auto plain_us = percentile_us(plain, 0.5);
  fmt::print("one record of 1000 B at a time, {} times\n", options.synchronous);
  fmt::print("  log writer  p50 {:.0f} us, p99 {:.0f} us\n", ours_us,
    percentile_us(herald, 0.99));
  fmt::print("  plain LMDB  p50 {:.0f} us, p99 {:.0f} us\n", plain_us,
    percentile_us(plain, 0.99));
  fmt::print("  ratio       {:.2f}  (goal 1.2)\n", ours_us / plain_us);
}

} // namespace

int bench_log(const bench_log_options& options) {
  try {
    for (auto size : options.record_bytes)
      bench_throughput(options, size);
    bench_synchronous(options);
    return exit_ok;
  } catch (const std::exception& error) {
    fmt::print(stderr, "herald bench log: {}\n", error.what());
    return exit_io;
  }
}

} // namespace herald
