#include "engine/store/lmdb_environment.hpp"
#include "full_disk.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>

#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace herald;

namespace {

struct environment_fixture {
  temporary_folder folder;
  lmdb_settings settings{.directory = folder.path() / "below" / "store",
    .name = "sample",
    .map_bytes = 256u << 10,
    .map_step_bytes = 64u << 10};

  std::unique_ptr<lmdb_environment> open() {
    return must(lmdb_environment::open(settings));
  }

  std::filesystem::path data() const { return settings.directory / "data.mdb"; }

  static void put(lmdb_environment& environment, lmdb_table table,
    bytes_view key, bytes_view value) {
    must(environment.write([&](lmdb_transaction& transaction) {
      transaction.put(table, key, value);
      return result<void>{};
    }));
  }

  static std::optional<bytes> get(
    const lmdb_environment& environment, lmdb_table table, bytes_view key) {
    std::optional<bytes> found;
    must(environment.read([&](lmdb_transaction& transaction) {
      if (auto value = transaction.get(table, key))
        found.emplace(*value);
      return result<void>{};
    }));
    return found;
  }

  static std::vector<bytes> keys(const lmdb_environment& environment,
    lmdb_table table, const key_range& range, scan_order order,
    std::size_t limit = all_rows) {
    std::vector<bytes> found;
    must(environment.read([&](lmdb_transaction& transaction) {
      auto visited = transaction.scan(
        table, range, order, limit, [&](bytes_view key, bytes_view) {
          found.emplace_back(key);
          return true;
        });
      CHECK(visited == found.size());
      return result<void>{};
    }));
    return found;
  }
};

} // namespace

TEST_CASE_METHOD(
  environment_fixture, "what was written is there after opening again") {
  {
    auto store = open();
    put(*store, must(store->table("a")), "key", "value");
  }
  auto store = open();
  CHECK(get(*store, must(store->table("a")), "key") == "value");
  CHECK(get(*store, must(store->table("a")), "other") == std::nullopt);
}

TEST_CASE_METHOD(environment_fixture, "only the owner may read the files") {
  auto store = open();
  auto mode = [](const std::filesystem::path& path) {
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 0777;
  };
  CHECK(mode(settings.directory) == 0700);
  for (const auto& file :
    std::filesystem::directory_iterator{settings.directory}) {
    INFO(file.path());
    CHECK(mode(file.path()) == 0600);
  }
}

TEST_CASE_METHOD(
  environment_fixture, "a store that is open is not opened a second time") {
  auto store = open();
  CHECK(fault_of(lmdb_environment::open(settings)) == fault::in_use);
  store.reset();
  open();
}

TEST_CASE_METHOD(environment_fixture, "a file that was cut off is refused") {
  {
    auto store = open();
    auto table = must(store->table("a"));
    for (int i = 0; i < 40; ++i)
      put(*store, table, std::to_string(i), bytes(4000, 'x'));
  }
  auto cut_to = GENERATE(std::uintmax_t{0}, 100, 4096, 8192, 12288, 100'000);
  INFO(cut_to);
  std::filesystem::resize_file(data(), cut_to);
  CHECK(fault_of(lmdb_environment::open(settings)) == fault::damaged);
  settings.read_only = true;
  CHECK(fault_of(lmdb_environment::open(settings)) == fault::damaged);
}

TEST_CASE_METHOD(
  environment_fixture, "a data file that is gone is a loss, not a new store") {
  open();
  std::filesystem::remove(data());
  CHECK(fault_of(lmdb_environment::open(settings)) == fault::damaged);
  CHECK_FALSE(std::filesystem::exists(data()));
}

TEST_CASE_METHOD(environment_fixture,
  "a power cut while a store is being made leaves nothing half made") {
  auto fresh = settings.directory / "new";
  std::filesystem::create_directories(fresh);
  std::ofstream{fresh / "data.mdb"} << "half a meta page";
  open();
  CHECK_FALSE(std::filesystem::exists(fresh));
}

TEST_CASE_METHOD(environment_fixture, "a foreign file is refused") {
  open();
  std::ofstream{data(), std::ios::binary} << bytes(65536, 'x');
  CHECK(fault_of(lmdb_environment::open(settings)) == fault::damaged);
}

TEST_CASE_METHOD(environment_fixture,
  "a start that was cut short before the first byte begins again") {
  std::filesystem::create_directories(settings.directory);
  std::ofstream{data()};
  auto store = open();
  put(*store, must(store->table("a")), "key", "value");
}

TEST_CASE_METHOD(
  environment_fixture, "a small map grows with what is written") {
  auto store = open();
  auto table = must(store->table("a"));
  auto before = store->usage();
  CHECK(before.map_bytes == settings.map_bytes);
  // More than the map at once, and then more again.
  for (int round = 0; round < 3; ++round)
    must(store->write([&](lmdb_transaction& transaction) {
      for (int i = 0; i < 100; ++i)
        transaction.put(
          table, std::to_string(round * 100 + i), bytes(10'000, 'x'));
      return result<void>{};
    }));
  auto after = store->usage();
  CHECK(after.map_bytes > 3'000'000);
  CHECK(after.used_bytes <= after.map_bytes);
  CHECK(std::filesystem::file_size(data()) >= after.map_bytes);
  must(store->read([&](lmdb_transaction& transaction) {
    CHECK(transaction.count(table) == 300);
    return result<void>{};
  }));
  store.reset();
  store = open();
  CHECK(get(*store, must(store->table("a")), "299") == bytes(10'000, 'x'));
}

TEST_CASE_METHOD(
  environment_fixture, "reads go on while the map grows under them") {
  auto store = open();
  auto table = must(store->table("a"));
  put(*store, table, "key", "value");
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i)
    readers.emplace_back([&] {
      while (!done) {
        auto read = store->read([&](lmdb_transaction& transaction) {
          wrong += transaction.get(table, "key") != "value";
          return result<void>{};
        });
        wrong += !read;
        wrong += store->usage().map_bytes == 0;
      }
    });
  for (int i = 0; i < 100; ++i)
    put(*store, table, std::to_string(i), bytes(20'000, 'x'));
  done = true;
  for (auto& each : readers)
    each.join();
  CHECK(wrong == 0);
  CHECK(store->usage().map_bytes > 2'000'000);
  CHECK(store->usage().readers == 0);
}

TEST_CASE_METHOD(environment_fixture,
  "a map at its bound refuses the write and keeps the rest") {
  settings.map_bytes_max = 512u << 10;
  auto store = open();
  auto table = must(store->table("a"));
  put(*store, table, "small", "value");
  auto outcome = store->write([&](lmdb_transaction& transaction) {
    for (int i = 0; i < 100; ++i)
      transaction.put(table, std::to_string(i), bytes(10'000, 'x'));
    return result<void>{};
  });
  CHECK(fault_of(outcome) == fault::storage_full);
  CHECK(!store->failed());
  CHECK(get(*store, table, "small") == "value");
  CHECK(get(*store, table, "0") == std::nullopt);
  put(*store, table, "small", "other");
}

TEST_CASE_METHOD(environment_fixture, "a failed write leaves nothing behind") {
  auto store = open();
  auto table = must(store->table("a"));
  SECTION("because the work failed") {
    CHECK(fault_of(store->write([&](lmdb_transaction& transaction) {
      transaction.put(table, "key", "value");
      return result<void>{fail(fault::conflict, "no")};
    }))
      == fault::conflict);
  }
  SECTION("because the work threw") {
    CHECK_THROWS_AS(
      store->write([&](lmdb_transaction& transaction) -> result<void> {
        transaction.put(table, "key", "value");
        throw std::runtime_error{"no"};
      }),
      std::runtime_error);
  }
  SECTION("because one step of it failed and nobody looked") {
    CHECK(fault_of(store->write([&](lmdb_transaction& transaction) {
      transaction.put(table, "key", "value");
      transaction.put(table, bytes(512, 'k'), "value");
      transaction.put(table, "other", "value");
      CHECK(transaction.get(table, "key") == std::nullopt);
      return result<void>{};
    }))
      == fault::too_large);
  }
  CHECK(get(*store, table, "key") == std::nullopt);
  put(*store, table, "key", "later");
  CHECK(get(*store, table, "key") == "later");
}

TEST_CASE_METHOD(environment_fixture, "keys and values have bounds") {
  auto store = open();
  auto table = must(store->table("a"));
  auto try_put = [&](bytes_view key, bytes_view value) {
    return store->write([&](lmdb_transaction& transaction) {
      transaction.put(table, key, value);
      return result<void>{};
    });
  };
  must(try_put(bytes(store_key_bytes_max, 'k'), ""));
  CHECK(get(*store, table, bytes(store_key_bytes_max, 'k')) == "");
  CHECK(fault_of(try_put(bytes(store_key_bytes_max + 1, 'k'), ""))
    == fault::too_large);
  CHECK(fault_of(try_put("", "")) == fault::too_large);
  must(try_put("large", bytes(store_value_bytes_max, 'v')));
  CHECK(get(*store, table, "large")->size() == store_value_bytes_max);
  CHECK(fault_of(try_put("larger", bytes(store_value_bytes_max + 1, 'v')))
    == fault::too_large);
  CHECK(get(*store, table, "") == std::nullopt);
  CHECK(get(*store, table, bytes(10'000, 'k')) == std::nullopt);
}

TEST_CASE_METHOD(environment_fixture, "a scan sees its range, either way") {
  auto store = open();
  auto table = must(store->table("a"));
  for (bytes_view key : {"b1", "a", "b3", "c", "b2"})
    put(*store, table, key, "");
  using list = std::vector<bytes>;
  auto forward = scan_order::forward;
  auto backward = scan_order::backward;
  CHECK(keys(*store, table, {}, forward) == list{"a", "b1", "b2", "b3", "c"});
  CHECK(keys(*store, table, {}, backward) == list{"c", "b3", "b2", "b1", "a"});
  auto b = key_range::with_prefix("b");
  CHECK(keys(*store, table, b, forward) == list{"b1", "b2", "b3"});
  CHECK(keys(*store, table, b, backward) == list{"b3", "b2", "b1"});
  CHECK(keys(*store, table, b, forward, 2) == list{"b1", "b2"});
  CHECK(keys(*store, table, b, backward, 1) == list{"b3"});
  CHECK(keys(*store, table, b, backward, 0) == list{});
  CHECK(keys(*store, table, {"b2", "c"}, forward) == list{"b2", "b3"});
  CHECK(keys(*store, table, {"b2", "c"}, backward) == list{"b3", "b2"});
  CHECK(keys(*store, table, {"b2", "zz"}, backward) == list{"c", "b3", "b2"});
  CHECK(keys(*store, table, {"d", {}}, forward) == list{});
  CHECK(keys(*store, table, {"d", {}}, backward) == list{});
  CHECK(keys(*store, table, {"", ""}, backward) == list{});
  CHECK(keys(*store, table, {"c", "a"}, forward) == list{});
  CHECK(keys(*store, table, {"c", "a"}, backward) == list{});
}

TEST_CASE("a prefix of the highest bytes has a range of its own") {
  CHECK(key_range::with_prefix("a\xff\xff").until == "b");
  CHECK(key_range::with_prefix("\xff").until == std::nullopt);
  CHECK(key_range::with_prefix("\x7f").until == "\x80");
  CHECK(key_range::with_prefix("").until == std::nullopt);
}

TEST_CASE_METHOD(environment_fixture, "reading only needs no writing") {
  settings.read_only = true;
  CHECK(fault_of(lmdb_environment::open(settings)) == fault::not_found);
  CHECK(!std::filesystem::exists(settings.directory));
  settings.read_only = false;
  {
    auto store = open();
    put(*store, must(store->table("a")), "key", "value");
  }
  settings.read_only = true;
  auto before = std::filesystem::last_write_time(data());
  {
    auto store = open();
    CHECK(get(*store, must(store->table("a")), "key") == "value");
    CHECK(fault_of(store->table("b")) == fault::not_found);
    CHECK(
      fault_of(store->write([](lmdb_transaction&) { return result<void>{}; }))
      == fault::forbidden);
  }
  CHECK(std::filesystem::last_write_time(data()) == before);
}

TEST_CASE_METHOD(environment_fixture, "too many tables are refused") {
  settings.tables_max = 2;
  auto store = open();
  must(store->table("a"));
  must(store->table("b"));
  CHECK(fault_of(store->table("c")) == fault::too_large);
  CHECK(must(store->table("a")) == store->tables()->at("a"));
  put(*store, must(store->table("b")), "key", "value");
}

TEST_CASE_METHOD(environment_fixture,
  "after a commit that the disk refused nothing more is written") {
  auto store = open();
  auto table = must(store->table("a"));
  put(*store, table, "key", "before");
  auto write = [&](bytes_view value) {
    return store->write([&](lmdb_transaction& transaction) {
      transaction.put(table, "key", value);
      return result<void>{};
    });
  };
  failure refused;
  {
    full_disk full{4096};
    auto outcome = write("during");
    CHECK(fault_of(outcome) == fault::io);
    refused = outcome.error();
  }
  CHECK(store->failed() == refused);
  auto later = write("after");
  CHECK(fault_of(later) == fault::io);
  CHECK(later.error() == refused);
  CHECK(get(*store, table, "key") == "before");
  store.reset();
  store = open();
  table = must(store->table("a"));
  CHECK(get(*store, table, "key") == "before");
  must(write("after"));
}

namespace {

/// What a child process that ran `work` wrote to standard error, and how it
/// ended.
std::pair<std::string, int> in_child(const std::function<void()>& work) {
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    ::dup2(pipe[1], STDERR_FILENO);
    work();
    ::_exit(0);
  }
  ::close(pipe[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t got; (got = ::read(pipe[0], buffer, sizeof(buffer))) > 0;)
    said.append(buffer, static_cast<std::size_t>(got));
  ::close(pipe[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return {said, status};
}

} // namespace

TEST_CASE_METHOD(environment_fixture,
  "LMDB does not end the process without a line in the log") {
  {
    auto store = open();
    auto table = must(store->table("a"));
    must(store->write([&](lmdb_transaction& transaction) {
      for (int i = 0; i < 1000; ++i)
        transaction.put(table, std::to_string(i), bytes(100, 'x'));
      return result<void>{};
    }));
  }
  // Leaves every inner page of the tree with one child, which LMDB asserts
  // against. In a page flags are at byte 10, and the end of its list of
  // children at byte 12.
  std::fstream file{data(), std::ios::in | std::ios::out | std::ios::binary};
  std::string page(4096, 0);
  int changed = 0;
  for (std::streamoff at = 0; file.seekg(at) && file.read(page.data(), 4096);
    at += 4096)
    if (page[10] == 1 && page[11] == 0) {
      page[12] = 18;
      page[13] = 0;
      file.seekp(at);
      file.write(page.data(), 4096);
      ++changed;
    }
  file.close();
  REQUIRE(changed > 0);
  auto [said, status] = in_child([&] {
    if (auto store = lmdb_environment::open(settings))
      if (auto table = (*store)->table("a"))
        static_cast<void>((*store)->read([&](lmdb_transaction& transaction) {
          transaction.get(*table, "500");
          return result<void>{};
        }));
  });
  INFO(said);
  CHECK(WIFSIGNALED(status));
  CHECK(said.find("LMDB found its file damaged") != std::string::npos);
  CHECK(said.find("sample") != std::string::npos);
}
