#include "tests/log/fixture.hpp"
#include "tests/proof/folder_check.hpp"
#include "tests/proof/proof.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <cstring>
#include <fstream>

namespace herald {

namespace {

namespace fs = std::filesystem;

// How many calls a worker has made, of which it did not hear.
std::uint64_t calls_of(const fs::path& counter) {
  std::uint64_t calls = 0;
  std::ifstream file{counter, std::ios::binary};
  file.read(reinterpret_cast<char*>(&calls), sizeof calls);
  return calls;
}

struct outcomes {
  std::uint64_t runs = 0;
  std::uint64_t heeded = 0;
  std::uint64_t went_on = 0;
};

// Fails the 1st, 2nd, 3rd... call until a run does not come to the n-th.
outcomes fail_each(const char* how, std::uint64_t fails) {
  outcomes seen;
  for (std::uint64_t n = 1;; ++n) {
    scratch_folder scratch;
    auto folder = scratch.path() / "data";
    auto counter = scratch.path() / "calls";
    acknowledged heard;
    auto code = run_worker(folder,
      {.disk = {fmt::format("HERALD_DISK_FAIL={}", how),
         fmt::format("HERALD_DISK_FAIL_AT={}", n),
         fmt::format("HERALD_DISK_FAILS={}", fails),
         fmt::format("HERALD_DISK_COUNT={}", counter.string())},
        .commits = 5},
      heard);
    INFO(how << " at call " << n << ": exit code " << code);
    CHECK((code == 0 || code == 74));
    auto wrong = check_folder(folder, heard);
    INFO(wrong);
    CHECK(wrong.empty());
    if (calls_of(counter) < n) {
      CHECK(code == 0);
      CHECK(heard.records.size() == 5 * work_threads * 2);
      return seen;
    }
    ++seen.runs;
    ++(code == 0 ? seen.went_on : seen.heeded);
    REQUIRE(n < 2'000);
  }
}

} // namespace

TEST_CASE("a call to the disk that fails costs nothing acknowledged") {
  auto how = GENERATE(as<std::string>{}, "EIO", "ENOSPC", "EINTR", "SHORT");
  auto seen = fail_each(how.c_str(), 1);
  fmt::print("{} at each of {} calls: {} runs stopped, {} went on\n", how,
    seen.runs, seen.heeded, seen.went_on);
  CHECK(seen.runs > 50);
}

TEST_CASE("a disk that fails for good costs nothing acknowledged") {
  auto how = GENERATE(as<std::string>{}, "EIO", "ENOSPC", "EROFS");
  auto seen = fail_each(how.c_str(), 0);
  fmt::print("{} from each of {} calls on: {} runs stopped, {} went on\n", how,
    seen.runs, seen.heeded, seen.went_on);
}

} // namespace herald
