#include "engine/store/snapshot_store.hpp"

#include "protocol/big_endian.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace herald;

namespace {

constexpr followed_partition part(std::uint32_t number) {
  followed_partition where;
  where.topic.fill(0x11);
  where.partition = number;
  return where;
}

struct snapshot_fixture {
  temporary_folder folder;
  std::unique_ptr<view_store> views = must(view_store::open(folder.path()));
  std::unique_ptr<snapshot_store> snapshots
    = must(snapshot_store::open(*views, {.own_thread = false}));

  void put(const std::string& key, const state_snapshot& snapshot) {
    int ended = 0;
    snapshots->put(part(3), key, snapshot, [&](const result<void>& done) {
      CHECK(done);
      ++ended;
    });
    snapshots->turn();
    CHECK(ended == 1);
  }

  bytes row_key(const std::string& key) {
    return bytes(16, '\x11') + bytes{"\0\0\0\3", 4} + key;
  }
};

state_snapshot some_state(std::uint64_t next, std::string state) {
  return {2, {next}, {1, 3}, 4, std::move(state)};
}

} // namespace

TEST_CASE_METHOD(snapshot_fixture, "the latest snapshot of a key is kept") {
  CHECK(must(snapshots->get(part(3), "a")) == std::nullopt);
  put("a", some_state(10, "old"));
  put("a", some_state(20, "new"));
  put("b", some_state(30, ""));
  CHECK(must(snapshots->get(part(3), "a")) == some_state(20, "new"));
  CHECK(must(snapshots->get(part(3), "b")) == some_state(30, ""));
  CHECK(must(snapshots->get(part(4), "a")) == std::nullopt);
  CHECK(must(snapshots->get(part(3), std::string(600, 'k'))) == std::nullopt);
}

TEST_CASE_METHOD(
  snapshot_fixture, "a snapshot's row has the bytes that its format says") {
  put("k", some_state(41, "s"));
  auto row = must(views->get(snapshot_store::table, row_key("k")));
  REQUIRE(row);
  bytes expected{"\1"
                 "\0\0\0\0\0\0\0\2"
                 "\0\0\0\0\0\0\0\x29"
                 "\0\0\0\1"
                 "\0\0\0\0\0\0\0\3"
                 "\0\0\0\0\0\0\0\4"
                 "s",
    38};
  CHECK(row->substr(0, row->size() - 8) == expected);
}

TEST_CASE_METHOD(snapshot_fixture,
  "every change of a snapshot's row is found, wherever it is") {
  put("k", some_state(41, "state"));
  put("other", some_state(41, "state"));
  auto sound = *must(views->get(snapshot_store::table, row_key("k")));
  auto write = [&](const bytes& row) {
    must(views->update([&](view_transaction& rows) {
      rows.put(snapshot_store::table, row_key("k"), row);
      return result<void>{};
    }));
  };
  for (std::size_t i = 0; i < sound.size(); ++i)
    for (int bit : {0, 7}) {
      auto changed = sound;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      write(changed);
      CHECK(fault_of(snapshots->get(part(3), "k")) == fault::damaged);
    }
  for (std::size_t size : {std::size_t{0}, sound.size() - 1}) {
    write(sound.substr(0, size));
    CHECK(fault_of(snapshots->get(part(3), "k")) == fault::damaged);
  }
  // The row of another aggregate is none of this one.
  write(*must(views->get(snapshot_store::table, row_key("other"))));
  CHECK(fault_of(snapshots->get(part(3), "k")) == fault::damaged);
  write(sound);
  CHECK(must(snapshots->get(part(3), "k")));
}

TEST_CASE_METHOD(
  snapshot_fixture, "snapshots are counted, and deleted all at once") {
  CHECK(must(snapshots->usage()).count == 0);
  CHECK(must(snapshots->usage()).oldest_ms == std::nullopt);
  for (int i = 0; i < 2'500; ++i) {
    auto one = some_state(1, "state");
    one.taken_ms = 1'000 + (i * 7) % 2'500;
    snapshots->put(
      part(i % 5), std::to_string(i), one, [](const result<void>&) {});
    if (i % 100 == 0)
      snapshots->turn();
  }
  snapshots->turn();
  auto usage = must(snapshots->usage());
  CHECK(usage.count == 2'500);
  CHECK(usage.oldest_ms == 1'000);
  CHECK(usage.bytes > 2'500 * (20 + 37 + 5 + 8));
  CHECK(must(snapshots->clear()) == 2'500);
  CHECK(must(snapshots->usage()).count == 0);
}

TEST_CASE_METHOD(
  snapshot_fixture, "what does not fit is refused and writes nothing") {
  auto refused = [&](const std::string& key, std::size_t state_bytes) {
    std::optional<fault> told;
    snapshots->put(part(3), key, some_state(1, bytes(state_bytes, 's')),
      [&](const result<void>& done) { told = fault_of(done); });
    return told;
  };
  CHECK(refused(std::string(snapshot_key_bytes_max + 1, 'k'), 1)
    == fault::too_large);
  CHECK(refused("k", snapshot_state_bytes_max + 1) == fault::too_large);
  snapshots->turn();
  CHECK(must(snapshots->usage()).count == 0);
  put(std::string(snapshot_key_bytes_max, 'k'),
    some_state(1, bytes(snapshot_state_bytes_max, 's')));
  // Beyond what may wait, nothing piles up.
  std::size_t busy = 0;
  for (int i = 0; i < 300; ++i)
    snapshots->put(part(3), "k", some_state(1, "s"),
      [&](const result<void>& done) { busy += !done; });
  CHECK(busy == 300 - 256);
}
