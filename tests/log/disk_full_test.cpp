#include "engine/log/log_writer.hpp"
#include "tests/log/fixture.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <sys/mount.h>

namespace herald {

namespace {

namespace fs = std::filesystem;

// A file system of 16 MiB, where the test may mount one.
class small_disk {
public:
  small_disk() {
    mounted_
      = ::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=16m") == 0;
  }
  ~small_disk() {
    if (mounted_)
      ::umount(folder_.path().c_str());
  }
  explicit operator bool() const { return mounted_; }
  fs::path path() const { return folder_.path(); }

private:
  scratch_folder folder_;
  bool mounted_ = false;
};

} // namespace

TEST_CASE("a disk at its reserve refuses appends and keeps what it has") {
  scratch_folder folder;
  auto settings = small_log();
  auto batches = std::uint64_t{0};
  partition_id where;
  {
    auto log = event_log::open(folder.path(), settings);
    REQUIRE(log);
    where = {(*log)->create_topic("t", 1)->number, 0};
  }
  settings.reserve_bytes = std::uint64_t{1} << 60; // no disk has that much left
  {
    auto log = event_log::open(folder.path(), settings);
    REQUIRE(log);
    result<void> done;
    while (done) {
      append_item item{
        .where = where, .batch = batch_of({std::string(9'000, 'x')})};
      done = (*log)->append({&item, 1});
      batches += done ? 1 : 0;
    }
    CHECK(done.error().code == fault::storage_full);
    CHECK((*log)->usage().disk_full);
    CHECK_FALSE((*log)->failed());
    CHECK((*log)->committed_end(where).value == batches);
    CHECK(batches > 5);
    // What was not committed can still be given back.
    CHECK((*log)->read(where, {0}, 1u << 30)->size() == batches);
  }
  settings.reserve_bytes = 0;
  auto log = event_log::open(folder.path(), settings);
  REQUIRE(log);
  append_item item{
    .where = where, .batch = batch_of({std::string(9'000, 'x')})};
  CHECK((*log)->append({&item, 1}));
  CHECK((*log)->committed_end(where).value == batches + 1);
  log->reset();
  CHECK(verify_log(folder.path())->problems.empty());
}

TEST_CASE("a full disk costs nothing that was acknowledged and heals itself") {
  small_disk disk;
  if (!disk) {
    WARN("skipped: only root can mount a small file system");
    return;
  }
  auto settings = small_log();
  settings.step_bytes = 1u << 20;
  settings.reserve_bytes = 2u << 20;
  auto opened = event_log::open(disk.path() / "data", settings);
  REQUIRE(opened);
  auto& log = **opened;
  partition_id where{log.create_topic("t", 1)->number, 0};
  log_writer writer{log, {.own_thread = false}};
  std::ofstream{disk.path() / "filler"} << std::string(8u << 20, 'f');
  std::uint64_t acknowledged = 0;
  std::optional<fault> refused;
  auto fill = [&] {
    refused.reset();
    while (!refused) {
      writer.append(where, batch_of({std::string(60'000, 'x')}),
        [&](const append_outcome& how) {
          if (how)
            ++acknowledged;
          else
            refused = how.error().code;
        });
      writer.turn();
      REQUIRE(acknowledged < 1'000);
    }
  };
  fill();
  CHECK(refused == fault::storage_full);
  REQUIRE(writer.trouble());
  CHECK(writer.trouble()->code == fault::storage_full);
  CHECK(log.committed_end(where).value == acknowledged);
  CHECK(fs::space(disk.path()).available >= (1u << 20));
  auto before = acknowledged;
  fs::remove(disk.path() / "filler");
  fill();
  CHECK(acknowledged > before + 50);
  writer.stop();
  opened->reset();
  auto report = verify_log(disk.path() / "data");
  REQUIRE(report);
  CHECK(report->problems.empty());
  CHECK(report->records == acknowledged);
}

TEST_CASE("a log opens on a disk that is full to the last byte") {
  small_disk disk;
  if (!disk) {
    WARN("skipped: only root can mount a small file system");
    return;
  }
  auto settings = small_log();
  partition_id where;
  {
    auto log = event_log::open(disk.path() / "data", settings);
    REQUIRE(log);
    where = {(*log)->create_topic("t", 1)->number, 0};
    append_item item{.where = where, .batch = batch_of({"kept"})};
    REQUIRE((*log)->append({&item, 1}));
  }
  std::ofstream{disk.path() / "filler"} << std::string(16u << 20, 'f');
  CHECK(fs::space(disk.path()).available == 0);
  settings.initial_bytes = 4u << 20;
  auto log = event_log::open(disk.path() / "data", settings);
  REQUIRE(log);
  CHECK((*log)->read(where, {0}, 1'000)->size() == 1);
  result<void> done;
  for (auto i = 0; done && i < 1'000; ++i) {
    append_item item{
      .where = where, .batch = batch_of({std::string(9'000, 'x')})};
    done = (*log)->append({&item, 1});
  }
  REQUIRE_FALSE(done);
  CHECK(done.error().code == fault::storage_full);
  CHECK_FALSE((*log)->failed());
}

} // namespace herald
