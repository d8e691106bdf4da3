#include "engine/store/view_build.hpp"

#include "engine/log/event_log.hpp"
#include "engine/store/format.hpp"
#include "protocol/batch/record_batch.hpp"
#include "protocol/big_endian.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <random>
#include <thread>

using namespace herald;

namespace {

/// Counts how often each value was seen.
class counting final : public projection {
public:
  std::string_view name() const override { return "counting"; }
  std::uint32_t version() const override { return version_; }
  std::vector<std::string> topics() const override { return {"t"}; }
  std::vector<std::string> tables() const override {
    return {"counts", "last"};
  }
  result<void> apply(const position& at, const record_view& record,
    view_transaction& views) override {
    std::uint64_t count = 0;
    if (auto known = views.get("counts", *record.value))
      count = take_big_endian<std::uint64_t>(*known).value();
    views.put("counts", *record.value, big_endian(count + 1));
    views.put("last", big_endian(at.where.partition), big_endian(at.at.value));
    return {};
  }
  std::uint32_t version_ = 1;
};

/// A log with two partitions that a live projection follows.
struct build_fixture {
  temporary_folder folder;
  std::unique_ptr<event_log> log = must(event_log::open(folder.path()));
  topic_info topic = must(log->create_topic("t", 2));
  std::unique_ptr<view_store> views = must(view_store::open(folder.path()));
  counting live, again;
  std::unique_ptr<follower_driver> driver;

  build_fixture() { start(); }

  void start() {
    driver = std::make_unique<follower_driver>(
      *log, *views, follower_settings{.own_thread = false});
    driver->add(live);
    must(driver->start());
  }

  void append(std::uint32_t partition, const std::vector<std::string>& values) {
    batch_builder builder{1000};
    for (const auto& value : values)
      builder.add(std::nullopt, value, 1000);
    append_item item{{topic.number, partition}, builder.finish(), {}, {}};
    must(log->append({&item, 1}));
  }

  void follow() {
    while (must(driver->turn()) > 0) {
    }
  }

  view_build begin(const std::optional<build_positions>& resume = {}) {
    return must(view_build::again(again, *log, *views, resume));
  }

  static std::uint64_t run(view_build& build) {
    std::uint64_t all = 0;
    for (std::uint64_t some; (some = must(build.step())) > 0;)
      all += some;
    return all;
  }

  std::uint64_t count(std::string_view value) const {
    auto found = must(views->get("counts", value));
    if (!found)
      return 0;
    bytes_view rest{*found};
    return take_big_endian<std::uint64_t>(rest).value();
  }

  /// A row that no record made.
  void spoil() {
    must(views->update([](view_transaction& all) -> result<void> {
      all.put("counts", "a", big_endian(std::uint64_t{99}));
      return {};
    }));
  }
};

} // namespace

TEST_CASE_METHOD(build_fixture,
  "the old tables answer until the new ones take over in one commit") {
  append(0, {"a", "a", "b"});
  append(1, {"a"});
  follow();
  spoil();
  auto build = begin();
  CHECK(run(build) == 4);
  CHECK(count("a") == 99);
  // What comes meanwhile is in the old ones at once, and later in both.
  append(1, {"b", "c"});
  follow();
  CHECK(count("b") == 2);
  CHECK(count("a") == 99);
  CHECK(must(build.swap()));
  CHECK(count("a") == 3);
  CHECK(count("b") == 2);
  CHECK(count("c") == 1);
  // The driver goes on in the new ones, without a gap.
  append(0, {"a"});
  follow();
  CHECK(count("a") == 4);
}

TEST_CASE_METHOD(
  build_fixture, "a read that began before the swap sees the old tables") {
  append(0, {"a"});
  follow();
  spoil();
  auto build = begin();
  run(build);
  // A reader in the middle of its transaction; the swap does not wait for it.
  must(views->read([&](const view_snapshot& before) -> result<void> {
    std::thread{[&] { CHECK(must(build.swap())); }}.join();
    auto row = before.get("counts", "a");
    CHECK(row == big_endian(std::uint64_t{99}));
    return {};
  }));
  CHECK(count("a") == 1);
}

TEST_CASE_METHOD(build_fixture, "rebuilt tables are there after a restart") {
  append(0, {"a", "b"});
  follow();
  for (int round = 0; round < 3; ++round) {
    spoil();
    auto build = begin();
    run(build);
    CHECK(must(build.swap()));
    CHECK(count("a") == 1);
    driver.reset();
    views.reset();
    views = must(view_store::open(folder.path()));
    start();
    CHECK(count("a") == 1);
    follow();
    CHECK(count("a") == 1);
    auto compared = must(compare_with_fold(again, *log, *views, folder.path()));
    CHECK(!compared.skipped);
    CHECK(compared.equal());
  }
}

TEST_CASE_METHOD(build_fixture,
  "a build goes on where it was left, and only "
  "there") {
  append(0, {"a", "a"});
  append(1, {"b"});
  follow();
  {
    auto build = begin();
    CHECK(must(build.step()) == 2);
  }
  auto at = [](std::uint64_t first, std::uint64_t second) {
    return build_positions{{"t", {0, {first}}}, {"t", {1, {second}}}};
  };
  auto refused = view_build::again(again, *log, *views, at(1, 0));
  CHECK(fault_of(refused) == fault::conflict);
  CHECK(refused.error().message.find("t/0:2,t/1:0") != std::string::npos);
  // Also after a restart.
  driver.reset();
  views.reset();
  views = must(view_store::open(folder.path()));
  start();
  auto build = begin(at(2, 0));
  CHECK(run(build) == 1);
  CHECK(must(build.swap()));
  CHECK(count("a") == 2);
  CHECK(count("b") == 1);
  // It is finished: there is nothing to go on with.
  CHECK(fault_of(view_build::again(again, *log, *views, at(2, 0)))
    == fault::conflict);
}

TEST_CASE_METHOD(
  build_fixture, "a build that begins anew forgets what was left") {
  append(0, {"a", "a"});
  append(1, {"b"});
  follow();
  {
    auto build = begin();
    CHECK(must(build.step()) == 2);
  }
  auto build = begin();
  CHECK(run(build) == 3);
  CHECK(must(build.swap()));
  CHECK(count("a") == 2);
}

TEST_CASE_METHOD(
  build_fixture, "a comparison finds a wrong row and leaves it alone") {
  append(0, {"a", "b"});
  follow();
  auto compare = [&] {
    auto build = begin();
    run(build);
    return *must(build.compare());
  };
  CHECK(compare().equal());
  spoil();
  auto found = compare();
  CHECK_FALSE(found.equal());
  REQUIRE(found.tables.size() == 2);
  CHECK_FALSE(found.tables[0].equal());
  CHECK(found.tables[1].equal());
  CHECK(count("a") == 99);
}

TEST_CASE_METHOD(build_fixture, "a build waits for the live tables") {
  append(0, {"a"});
  follow();
  append(0, {"a"});
  auto build = begin();
  CHECK(run(build) == 1);
  CHECK(must(build.swap()));
  CHECK(count("a") == 1);
  follow();
  CHECK(count("a") == 2);
}

TEST_CASE_METHOD(
  build_fixture, "a view that is not in its present version is not built") {
  append(0, {"a"});
  follow();
  again.version_ = 2;
  CHECK(fault_of(view_build::again(again, *log, *views)) == fault::unavailable);
}

TEST_CASE_METHOD(
  build_fixture, "too much news makes a swap wait for another step") {
  append(0, {"a"});
  follow();
  auto build = begin();
  run(build);
  append(1, std::vector<std::string>(10'001, "b"));
  follow();
  CHECK_FALSE(must(build.swap()));
  CHECK(run(build) == 10'001);
  CHECK(must(build.swap()));
  CHECK(count("b") == 10'001);
}

TEST_CASE_METHOD(build_fixture,
  "a copy holds a range, and nothing of it is "
  "seen in the live tables") {
  append(0, {"a", "a", "b"});
  append(1, {"a"});
  follow();
  auto before = must(views->digest("counts"));
  temporary_folder elsewhere;
  auto copy = must(view_store::open(elsewhere.path()));
  auto part = [&](std::uint64_t next, std::uint64_t end) {
    followed at{{topic.number, 0}, key_of(topic, 0), "t", {next}};
    return std::vector<build_part>{{at, {end}}};
  };
  auto build = must(view_build::copy(again, *log, *copy, part(1, 2)));
  CHECK(run(build) == 1);
  auto row = must(copy->get("counts", "a"));
  CHECK(row == big_endian(std::uint64_t{1}));
  CHECK(must(copy->get("counts", "b")) == std::nullopt);
  CHECK(fault_of(view_build::copy(again, *log, *copy, part(1, 3)))
    == fault::conflict);
  auto more = must(view_build::copy(again, *log, *copy, part(2, 3)));
  CHECK(run(more) == 1);
  CHECK(must(copy->get("counts", "b")) == big_endian(std::uint64_t{1}));
  CHECK(must(views->digest("counts")) == before);
}

TEST_CASE_METHOD(build_fixture,
  "whatever happens between the steps, the tables are the fold of the log") {
  auto* given = std::getenv("HERALD_SEED");
  auto seed = given ? std::strtoull(given, nullptr, 10)
                    : std::uint64_t{std::random_device{}()};
  INFO("HERALD_SEED=" << seed);
  std::mt19937_64 random{seed};
  std::optional<view_build> build;
  int swaps = 0;
  for (int i = 0; i < 300; ++i) {
    switch (random() % 6) {
    case 0:
    case 1: {
      std::vector<std::string> values(1 + random() % 5);
      for (auto& value : values)
        value = std::string(1, static_cast<char>('a' + random() % 5));
      append(random() % 2, values);
      break;
    }
    case 2:
      must(driver->turn());
      break;
    case 3:
      if (!build)
        build = begin();
      break;
    case 4:
      if (build)
        must(build->step());
      break;
    default:
      if (build && must(build->swap())) {
        ++swaps;
        build.reset();
      }
    }
  }
  follow();
  CHECK(swaps > 0);
  auto compared = must(compare_with_fold(again, *log, *views, folder.path()));
  CHECK(compared.equal());
}

TEST_CASE("a folder of the format before is taken over") {
  temporary_folder folder;
  must(view_store::open(folder.path()));
  {
    auto raw = must(lmdb_environment::open(
      {.directory = folder.path() / "views", .name = "views"}));
    auto table = must(raw->table(format_table));
    must(raw->write([&](lmdb_transaction& transaction) {
      transaction.put(table, format_key, big_endian(std::uint32_t{1}));
      return result<void>{};
    }));
  }
  {
    view_store_settings reading;
    reading.read_only = true;
    must(view_store::open(folder.path(), reading));
  }
  must(view_store::open(folder.path()));
  auto raw = must(lmdb_environment::open(
    {.directory = folder.path() / "views", .name = "views"}));
  auto table = must(raw->table(format_table));
  must(raw->read([&](lmdb_transaction& transaction) {
    CHECK(transaction.get(table, format_key) == big_endian(std::uint32_t{2}));
    return result<void>{};
  }));
}
