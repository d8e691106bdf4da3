#include "tools/herald/bench_growth.hpp"

#include "engine/log/event_log.hpp"
#include "tools/herald/exit_code.hpp"
#include "tools/herald/measure.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace herald {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t record_bytes = 200;
// 64 KiB, as a busy producer sends them.
constexpr std::size_t records_per_batch = 300;
// In one commit, over all partitions in turn: 8 MB.
constexpr std::size_t batches_per_commit = 125;
constexpr std::uint64_t records_per_commit
  = records_per_batch * batches_per_commit;
constexpr std::uint64_t million = 1'000'000;
// The part of a log over which its cost is measured.
constexpr std::uint64_t measured_records = million;
constexpr int measurements = 5;
constexpr std::uint64_t disk_bytes_per_record = 240;
constexpr double goal = 1.4;

struct cost {
  double cpu_us = 0;
  double wall_us = 0;
};

/// A log that is written as fast as it goes, batch after batch, over all its
/// partitions in turn.
class growing_log {
public:
  growing_log(const fs::path& folder, std::uint32_t partitions)
    : folder_{folder}, partitions_{partitions},
      batch_{make_batch(records_per_batch, record_bytes)} {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    log_ = tried(event_log::open(folder_, {}));
    topic_ = tried(log_->create_topic("bench", partitions)).number;
  }
  ~growing_log() {
    log_.reset();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  growing_log(const growing_log&) = delete;
  growing_log& operator=(const growing_log&) = delete;

  /// The middle cost of several stretches.
  cost measure(std::uint64_t kept = UINT64_MAX) {
    std::vector<double> cpu, wall;
    for (int i = 0; i < measurements; ++i) {
      auto each = write(measured_records, kept);
      cpu.push_back(each.cpu_us);
      wall.push_back(each.wall_us);
    }
    return {median(cpu), median(wall)};
  }

  /// Appends `records`. When a quarter more than `kept` is there, deletes all
  /// but the newest `kept`.
  cost write(std::uint64_t records, std::uint64_t kept = UINT64_MAX) {
    auto cpu = cpu_seconds();
    auto start = bench_clock::now();
    std::uint64_t done = 0;
    for (; done < records; done += records_per_commit) {
      commit();
      since_trim_ += records_per_commit;
      if (written_ > kept && since_trim_ > kept / 4) {
        trim(kept / partitions_);
        since_trim_ = 0;
      }
    }
    auto each = 1e6 / static_cast<double>(done);
    return {(cpu_seconds() - cpu) * each, seconds_since(start) * each};
  }

  /// Appends until the log holds so many.
  void fill(std::uint64_t records) {
    while (written_ < records)
      commit();
  }

  std::uint64_t file_bytes() const { return log_->usage().used_bytes; }

private:
  void commit() {
    std::vector<append_item> items(batches_per_commit);
    for (auto& item : items) {
      item.where = {topic_, next_++ % partitions_};
      item.batch = batch_;
    }
    tried(log_->append(items));
    written_ += records_per_commit;
  }

  void trim(std::uint64_t kept_of_each) {
    for (std::uint32_t i = 0; i < partitions_; ++i) {
      partition_id where{topic_, i};
      auto end = log_->committed_end(where).value;
      if (end > kept_of_each)
        tried(log_->trim(where, {end - kept_of_each}));
    }
  }

  fs::path folder_;
  std::uint32_t partitions_;
  bytes batch_;
  std::unique_ptr<event_log> log_;
  std::uint32_t topic_ = 0;
  std::uint32_t next_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t since_trim_ = 0;
};

void print(const std::string& what, const cost& now, const cost& least) {
  fmt::print("  {:<44} {:>7.3f} us CPU ({:.2f}) {:>7.3f} us ({:.2f})\n", what,
    now.cpu_us, now.cpu_us / least.cpu_us, now.wall_us,
    now.wall_us / least.wall_us);
  std::fflush(stdout);
}

void by_records(const fs::path& folder) {
  growing_log log{folder, 1};
  cost least;
  for (auto stored : {1 * million, 10 * million, 100 * million}) {
    auto room = fs::space(folder.parent_path()).available;
    if (room < stored * disk_bytes_per_record + (1u << 30)) {
      fmt::print(
        "  {} million records do not fit on the disk\n", stored / million);
      return;
    }
    log.fill(stored);
    auto now = log.measure();
    if (stored == million)
      least = now;
    print(
      fmt::format("{} million records stored", stored / million), now, least);
  }
}

void by_partitions(const fs::path& folder) {
  cost least;
  for (std::uint32_t partitions : {1, 100, 1'000}) {
    growing_log log{folder, partitions};
    log.fill(million);
    auto now = log.measure();
    if (partitions == 1)
      least = now;
    print(fmt::format("{} partitions", partitions), now, least);
  }
}

void with_retention(const fs::path& folder) {
  growing_log kept{folder, 8};
  kept.fill(2 * million);
  auto least = kept.measure();
  print("8 partitions, everything is kept", least, least);
  growing_log log{folder, 8};
  log.write(2 * million, million);
  auto before = log.file_bytes();
  auto now = log.measure(million);
  print("8 partitions, the newest million is kept", now, least);
  fmt::print("  the file in use grew from {:.0f} to {:.0f} MB meanwhile\n",
    static_cast<double>(before) / 1e6,
    static_cast<double>(log.file_bytes()) / 1e6);
}

} // namespace

int bench_growth(const fs::path& folder) {
  try {
    fmt::print("cost of a record of {} B, {} to a batch, {} batches to a "
               "commit; in brackets the ratio to the first line (goal {})\n",
      record_bytes, records_per_batch, batches_per_commit, goal);
    auto log = folder / "herald-bench-growth";
    by_records(log);
    by_partitions(log);
    with_retention(log);
    return exit_ok;
  } catch (const std::exception& error) {
    fmt::print(stderr, "herald bench growth: {}\n", error.what());
    return exit_io;
  }
}

} // namespace herald
