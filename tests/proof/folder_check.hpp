#pragma once

#include "tests/proof/workload.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace herald {

/// What the workers of a folder said was acknowledged.
struct acknowledged {
  /// Partition and offset of each record.
  std::map<work_record, std::pair<std::uint32_t, std::uint64_t>> records;
  /// Run and number of a person, and the id.
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> people;
  std::set<std::uint64_t> keys;
  /// Lines that cannot be, such as a key given out twice.
  std::vector<std::string> contradictions;

  /// A line of a worker.
  void hear(const std::string& line);
  bool empty() const {
    return records.empty() && people.empty() && keys.empty();
  }
};

/// A worker, started with the disk's settings (disk_shim.c) in its environment.
struct worker_run {
  std::vector<std::string> disk;
  std::uint64_t run = 0;
  /// 0: until it is killed.
  std::uint64_t commits = 0;
};

/// Runs a worker to its end and hears what it says; its exit code, or 128 and
/// the number of a signal.
int run_worker(const std::filesystem::path& folder, const worker_run& how,
  acknowledged& heard);

/// What is wrong with a folder after its worker has ended: empty when `verify`
/// finds it sound, it opens, and everything acknowledged is there once, in
/// order, with nothing foreign among it; people have their ids, keys are new,
/// views are the fold of a part of the log, and all of it after catching up.
/// In a process of its own, which nothing that it reads can end unseen.
std::string check_folder(
  const std::filesystem::path& folder, const acknowledged& heard);

} // namespace herald
