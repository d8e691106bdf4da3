#include "engine/store/format.hpp"
#include "engine/store/view_store.hpp"
#include "protocol/big_endian.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace herald;

namespace {

struct view_fixture {
  temporary_folder folder;
  std::unique_ptr<view_store> views;

  view_fixture() { open(); }

  void open() {
    views.reset();
    views = must(view_store::open(folder.path()));
    must(views->open_tables(std::vector<std::string>{"matches", "players"}));
  }

  void update(const std::function<void(view_transaction&)>& work) {
    must(views->update([&](view_transaction& transaction) {
      work(transaction);
      return result<void>{};
    }));
  }

  void read(const std::function<void(const view_snapshot&)>& work) const {
    must(views->read([&](const view_snapshot& snapshot) {
      work(snapshot);
      return result<void>{};
    }));
  }
};

constexpr followed_partition part(std::uint32_t number) {
  followed_partition where;
  where.topic.fill(0x11);
  where.partition = number;
  return where;
}

} // namespace

TEST_CASE_METHOD(view_fixture, "rows and cursors survive together") {
  update([](view_transaction& views) {
    views.put("matches", "EUW1_1", "live");
    views.set_cursor("matches", part(3), {42});
  });
  open();
  read([](const view_snapshot& views) {
    CHECK(views.get("matches", "EUW1_1") == "live");
    CHECK(views.cursor("matches", part(3)) == offset{42});
    CHECK(views.cursor("matches", part(4)) == std::nullopt);
    CHECK(views.cursor("match", part(3)) == std::nullopt);
  });
}

TEST_CASE_METHOD(
  view_fixture, "a failed update leaves neither rows nor cursors") {
  auto outcome = views->update([](view_transaction& views) {
    views.put("matches", "EUW1_1", "live");
    views.set_cursor("matches", part(3), {42});
    return result<void>{fail(fault::invalid_input, "no")};
  });
  CHECK(fault_of(outcome) == fault::invalid_input);
  read([](const view_snapshot& views) {
    CHECK(views.count("matches") == 0);
    CHECK(views.cursor("matches", part(3)) == std::nullopt);
  });
}

TEST_CASE_METHOD(view_fixture, "a cursor has the bytes that its format says") {
  update([](view_transaction& views) {
    views.set_cursor("matches", part(3), {42});
  });
  read([](const view_snapshot& views) {
    bytes key = "matches";
    key.push_back('\0');
    key += bytes(16, '\x11');
    key += bytes("\0\0\0\x03", 4);
    CHECK(views.get("@cursors", key) == bytes("\0\0\0\0\0\0\0\x2a", 8));
  });
}

TEST_CASE_METHOD(view_fixture, "a table that is not open is a failure") {
  auto outcome = views->read([](const view_snapshot& views) {
    CHECK(views.get("nothing", "key") == std::nullopt);
    return result<void>{};
  });
  CHECK(fault_of(outcome) == fault::not_found);
  CHECK(fault_of(views->get("nothing", "key")) == fault::not_found);
  CHECK(fault_of(views->clear("nothing")) == fault::not_found);
}

TEST_CASE_METHOD(view_fixture, "table names have rules") {
  for (std::string name :
    {std::string{}, std::string{"@cursors"}, std::string{"Upper"},
      std::string{"a b"}, std::string(65, 'a'), std::string("a\0b", 3)})
    CHECK(
      fault_of(views->open_tables(std::vector{name})) == fault::invalid_input);
  must(views->open_tables(std::vector{std::string(64, 'a')}));
}

TEST_CASE_METHOD(view_fixture, "bounds are kept by the store") {
  auto put = [this](bytes_view key, bytes_view value) {
    return views->update([&](view_transaction& transaction) {
      transaction.put("matches", key, value);
      return result<void>{};
    });
  };
  must(put(bytes(view_key_bytes_max, 'k'), "value"));
  CHECK(fault_of(put(bytes(view_key_bytes_max + 1, 'k'), "value"))
    == fault::too_large);
  CHECK(fault_of(put("key", bytes(view_value_bytes_max + 1, 'v')))
    == fault::too_large);
}

TEST_CASE_METHOD(view_fixture, "a reset forgets what one follower made") {
  update([](view_transaction& views) {
    views.reset("one", {7, 1, {"matches"}});
    views.reset("oneself", {7, 1, {"players"}});
    views.put("matches", "a", "1");
    views.put("players", "b", "2");
    for (std::uint32_t i = 0; i < 3; ++i) {
      views.set_cursor("one", part(i), {5});
      views.set_cursor("oneself", part(i), {6});
    }
  });
  read([](const view_snapshot& views) {
    CHECK(views.follower("one") == follower_record{7, 1, {"matches"}});
    CHECK(views.follower("two") == std::nullopt);
  });
  update([](view_transaction& views) { views.reset("one", {7, 2, {}}); });
  read([](const view_snapshot& views) {
    CHECK(views.follower("one") == follower_record{7, 2, {}});
    CHECK(views.count("matches") == 0);
    CHECK(views.count("players") == 1);
    CHECK(views.cursor("one", part(0)) == std::nullopt);
    CHECK(views.cursor("oneself", part(0)) == offset{6});
  });
}

TEST_CASE_METHOD(
  view_fixture, "a digest is of the rows, not of their history") {
  CHECK(to_string(must(views->digest("matches")))
    == "99aa06d3014798d86001c324468d497f");
  update([](view_transaction& views) {
    views.put("matches", "a", "1");
    views.put("matches", "b", "2");
    views.put("players", "b", "2");
    views.put("players", "c", "3");
    views.put("players", "a", "0");
  });
  CHECK(must(views->digest("matches")) != must(views->digest("players")));
  update([](view_transaction& views) {
    CHECK(views.erase("players", "c"));
    CHECK(!views.erase("players", "c"));
    views.put("players", "a", "1");
  });
  CHECK(must(views->digest("matches")) == must(views->digest("players")));
  must(views->clear("players"));
  CHECK(to_string(must(views->digest("players")))
    == "99aa06d3014798d86001c324468d497f");
}

TEST_CASE_METHOD(
  view_fixture, "a digest tells where a key ends and its value begins") {
  update([](view_transaction& views) {
    views.put("matches", "ab", "c");
    views.put("players", "a", "bc");
  });
  CHECK(must(views->digest("matches")) != must(views->digest("players")));
}

TEST_CASE_METHOD(view_fixture, "a digest of the same rows never changes") {
  update([](view_transaction& views) { views.put("matches", "key", "value"); });
  CHECK(to_string(must(views->digest("matches")))
    == "ea5543d95edae2c38928926bbc7ff50b");
}

TEST_CASE_METHOD(view_fixture, "views of another format are refused") {
  views.reset();
  {
    auto raw = must(lmdb_environment::open(
      {.directory = folder.path() / "views", .name = "views"}));
    auto table = must(raw->table(format_table));
    must(raw->write([&](lmdb_transaction& transaction) {
      transaction.put(table, format_key, big_endian(std::uint32_t{3}));
      return result<void>{};
    }));
  }
  CHECK(fault_of(view_store::open(folder.path())) == fault::version);
}

TEST_CASE_METHOD(view_fixture, "views can be read without being written") {
  update([](view_transaction& views) { views.put("matches", "a", "1"); });
  views.reset();
  auto found = must(view_store::open(folder.path(), {.read_only = true}));
  must(found->open_tables(std::vector<std::string>{"matches"}));
  CHECK(must(found->get("matches", "a")) == "1");
  CHECK(fault_of(found->clear("matches")) == fault::forbidden);
  CHECK(fault_of(found->open_tables(std::vector<std::string>{"new"}))
    == fault::not_found);
}

TEST_CASE("views that grow from a small map stay as they are") {
  temporary_folder folder;
  auto views = must(view_store::open(
    folder.path(), {.map_bytes = 128u << 10, .map_step_bytes = 32u << 10}));
  must(views->open_tables(std::vector<std::string>{"matches"}));
  int runs = 0;
  must(views->update([&](view_transaction& transaction) {
    ++runs;
    for (int i = 0; i < 1000; ++i)
      transaction.put("matches", std::to_string(i), bytes(1000, 'x'));
    return result<void>{};
  }));
  CHECK(runs > 1);
  must(views->read([](const view_snapshot& snapshot) {
    CHECK(snapshot.count("matches") == 1000);
    return result<void>{};
  }));
  CHECK(views->usage().map_bytes > 1'000'000);
}
