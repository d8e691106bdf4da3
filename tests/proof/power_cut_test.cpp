#include "tests/log/fixture.hpp"
#include "tests/proof/folder_check.hpp"
#include "tests/proof/proof.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <random>

namespace herald {

namespace {

constexpr int killed = 128 + 9;

// A worker whose power is cut at the n-th call.
int cut_at(const std::filesystem::path& folder, std::uint64_t run,
  std::uint64_t call, std::uint64_t seed, bool lying, acknowledged& heard) {
  worker_run how{.disk = {fmt::format("HERALD_DISK_CUT={}", call),
                   fmt::format("HERALD_DISK_SEED={}", seed)},
    .run = run};
  if (lying)
    how.disk.push_back("HERALD_DISK_LIE=1");
  return run_worker(folder, how, heard);
}

} // namespace

TEST_CASE("a power cut loses, doubles and spoils nothing") {
  auto seed = printed_seed();
  INFO("HERALD_SEED=" << seed);
  std::mt19937_64 random{seed};
  std::size_t records = 0, people = 0, early = 0;
  auto points = number_of("HERALD_POINTS", 300);
  // One folder lives through several cuts.
  for (std::uint64_t point = 0; point < points;) {
    scratch_folder scratch;
    auto folder = scratch.path() / "data";
    acknowledged heard;
    for (std::uint64_t run = 0; run < 12 && point < points; ++run, ++point) {
      auto before = heard.records.size();
      // A quarter of them while the folder is being made or opened.
      auto call = 1 + random() % (random() % 4 == 0 ? 60 : 500);
      auto how = cut_at(folder, run, call, random(), false, heard);
      INFO("point " << point << ", run " << run << ", call " << call);
      REQUIRE(how == killed);
      auto wrong = check_folder(folder, heard);
      INFO(wrong);
      REQUIRE(wrong.empty());
      early += heard.records.size() == before ? 1 : 0;
    }
    records += heard.records.size();
    people += heard.people.size();
  }
  fmt::print("{} power cuts ({} before the first record): {} records and {} "
             "people acknowledged, all there\n",
    points, early, records, people);
  CHECK(records > points);
}

TEST_CASE("a disk that lies about syncs is found out") {
  auto seed = printed_seed();
  INFO("HERALD_SEED=" << seed);
  std::mt19937_64 random{seed};
  auto found = 0;
  std::map<std::string, int> words;
  for (auto i = 0; i < 60; ++i) {
    scratch_folder scratch;
    auto folder = scratch.path() / "data";
    acknowledged heard;
    REQUIRE(
      cut_at(folder, 0, 150 + random() % 350, random(), true, heard) == killed);
    auto wrong = check_folder(folder, heard);
    found += wrong.empty() ? 0 : 1;
    ++words[wrong.substr(0, wrong.find_first_of(":0123456789"))];
  }
  fmt::print("{} of 60 lies found out\n", found);
  for (auto& [what, count] : words)
    fmt::print("  {} x {}...\n", count, what);
  CHECK(found == 60);
}

} // namespace herald
