#include "engine/store/group_writer.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <atomic>

#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace herald;

namespace {

struct writer_fixture {
  temporary_folder folder;
  std::unique_ptr<lmdb_environment> store = must(
    lmdb_environment::open({.directory = folder.path(), .name = "sample"}));
  lmdb_table table = must(store->table("a"));
  std::vector<std::string> heard;

  group_writer::work put(bytes key) {
    return [this, key](lmdb_transaction& transaction) {
      transaction.put(table, key, "value");
      return result<void>{};
    };
  }

  static group_writer::work refuse() {
    return [](lmdb_transaction&) {
      return result<void>{fail(fault::conflict, "no")};
    };
  }

  group_writer::completion hear(std::string name) {
    return [this, name](const result<void>& outcome) {
      heard.push_back(name
        + (outcome ? " done"
                   : " " + std::string{to_string(outcome.error().code)}));
    };
  }

  bool has(bytes_view key) const {
    bool found = false;
    must(store->read([&](lmdb_transaction& transaction) {
      found = transaction.get(table, key).has_value();
      return result<void>{};
    }));
    return found;
  }

  std::uint64_t commits() const { return store->usage().commits; }
};

using lines = std::vector<std::string>;

} // namespace

TEST_CASE_METHOD(writer_fixture, "what waits together is committed together") {
  group_writer writer{*store, {.own_thread = false}};
  auto before = commits();
  for (auto name : {"a", "b", "c"})
    writer.submit(put(name), hear(name));
  CHECK(heard.empty());
  CHECK(!has("a"));
  CHECK(writer.waiting() == 3);
  CHECK(writer.turn() == 3);
  CHECK(commits() == before + 1);
  CHECK(heard == lines{"a done", "b done", "c done"});
  CHECK(has("c"));
  CHECK(writer.turn() == 0);
}

TEST_CASE_METHOD(
  writer_fixture, "work that fails does not take its neighbours with it") {
  group_writer writer{*store, {.own_thread = false}};
  writer.submit(put("a"), hear("a"));
  writer.submit(refuse(), hear("b"));
  writer.submit(put(bytes(600, 'k')), hear("long"));
  writer.submit(put("c"), hear("c"));
  writer.turn();
  CHECK(heard == lines{"a done", "b conflict", "long too_large", "c done"});
  CHECK(has("a"));
  CHECK(has("c"));
}

TEST_CASE_METHOD(writer_fixture, "a full writer refuses and says busy") {
  group_writer writer{*store, {.waiting_max = 2, .own_thread = false}};
  for (auto name : {"a", "b", "c"})
    writer.submit(put(name), hear(name));
  CHECK(heard == lines{"c busy"});
  writer.turn();
  CHECK(heard == lines{"c busy", "a done", "b done"});
}

TEST_CASE_METHOD(writer_fixture, "a commit takes a bounded number") {
  group_writer writer{*store, {.commit_max = 2, .own_thread = false}};
  for (auto name : {"a", "b", "c"})
    writer.submit(put(name), hear(name));
  CHECK(writer.turn() == 2);
  CHECK(heard == lines{"a done", "b done"});
  CHECK(writer.turn() == 1);
}

TEST_CASE_METHOD(writer_fixture, "stopping commits what waits and no more") {
  bool own_thread = GENERATE(false, true);
  group_writer writer{*store, {.own_thread = own_thread}};
  writer.submit(put("a"), hear("a"));
  writer.stop();
  CHECK(heard == lines{"a done"});
  writer.submit(put("b"), hear("b"));
  CHECK(heard == lines{"a done", "b unavailable"});
  CHECK(!has("b"));
}

TEST_CASE_METHOD(
  writer_fixture, "callers on many threads all get their answer") {
  group_writer writer{*store};
  std::vector<std::thread> callers;
  std::atomic<int> refused = 0;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&, i] {
      for (int j = 0; j < 25; ++j)
        if (!writer.run(put(std::to_string(i * 100 + j))))
          ++refused;
    });
  for (auto& each : callers)
    each.join();
  CHECK(refused == 0);
  must(store->read([&](lmdb_transaction& transaction) {
    CHECK(transaction.count(table) == 100);
    return result<void>{};
  }));
}
