#include "engine/store/follower.hpp"

#include "engine/log/event_log.hpp"
#include "engine/log/log_writer.hpp"
#include "protocol/batch/record_batch.hpp"
#include "protocol/big_endian.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

using namespace herald;

namespace {

/// Counts how often each value was seen, and remembers the last position.
class counting : public projection {
public:
  explicit counting(std::string name, std::vector<std::string> topics = {"t"})
    : name_{std::move(name)}, topics_{std::move(topics)} {}

  std::string_view name() const override { return name_; }
  std::uint32_t version() const override { return version_; }
  std::vector<std::string> topics() const override { return topics_; }
  std::vector<std::string> tables() const override {
    return {name_ + ".counts", name_ + ".last"};
  }
  result<void> apply(const position& at, const record_view& record,
    view_transaction& views) override {
    ++applied;
    std::uint64_t count = 0;
    if (auto known = views.get(name_ + ".counts", *record.value))
      count = take_big_endian<std::uint64_t>(*known).value();
    views.put(name_ + ".counts", *record.value, big_endian(count + step));
    views.put(name_ + ".last", big_endian(at.where.partition),
      big_endian(record.at.value));
    CHECK(at.at == record.at);
    return before_end ? before_end(at) : result<void>{};
  }

  std::uint32_t version_ = 1;
  std::uint64_t step = 1;
  std::uint64_t applied = 0;
  /// Runs after the rows of a record were written.
  std::function<result<void>(const position&)> before_end;

private:
  std::string name_;
  std::vector<std::string> topics_;
};

struct follower_fixture {
  temporary_folder folder;
  std::unique_ptr<event_log> log;
  std::unique_ptr<view_store> views;
  topic_info topic;
  follower_settings settings{.own_thread = false};
  std::vector<std::string> heard;

  follower_fixture() {
    open();
    topic = must(log->create_topic("t", 2));
  }

  void open() {
    log.reset();
    log = must(event_log::open(folder.path()));
    open_views();
  }

  void open_views() {
    views.reset();
    views = must(view_store::open(folder.path()));
  }

  void append(std::uint32_t partition, const std::vector<std::string>& values) {
    append_to(topic, partition, values);
  }

  void append_to(const topic_info& to, std::uint32_t partition,
    const std::vector<std::string>& values) {
    batch_builder builder{1000};
    for (const auto& value : values)
      builder.add(std::nullopt, value, 1000);
    append_item item{{to.number, partition}, builder.finish(), {}, {}};
    must(log->append({&item, 1}));
  }

  std::unique_ptr<follower_driver> start(std::vector<projection*> projections) {
    auto driver = std::make_unique<follower_driver>(*log, *views, settings);
    for (auto* each : projections)
      driver->add(*each);
    driver->on_applied(
      [this](const projection& which, partition_id where, offset next) {
        heard.push_back(
          fmt::format("{} {}@{}", which.name(), where.partition, next.value));
      });
    must(driver->start());
    return driver;
  }

  static std::size_t run(follower_driver& driver) {
    std::size_t all = 0;
    for (std::size_t records; (records = must(driver.turn())) > 0;)
      all += records;
    return all;
  }

  std::uint64_t count(const counting& of, std::string_view value) const {
    must(views->open_tables(of.tables()));
    auto found = must(views->get(std::string{of.name()} + ".counts", value));
    if (!found)
      return 0;
    bytes_view rest{*found};
    return take_big_endian<std::uint64_t>(rest).value();
  }

  std::optional<offset> cursor(
    const counting& of, std::uint32_t partition) const {
    std::optional<offset> found;
    must(views->read([&](const view_snapshot& snapshot) {
      found = snapshot.cursor(of.name(), {topic.id.value, partition});
      return result<void>{};
    }));
    return found;
  }

  view_digest digest(const counting& of) const {
    must(views->open_tables(of.tables()));
    return must(views->digest(std::string{of.name()} + ".counts"));
  }
};

using lines = std::vector<std::string>;

} // namespace

TEST_CASE_METHOD(follower_fixture, "a follower folds what is there and comes") {
  counting one{"one"};
  append(0, {"a", "b", "a"});
  auto driver = start({&one});
  CHECK(driver->status().at(0).lag == 3);
  CHECK(run(*driver) == 3);
  CHECK(count(one, "a") == 2);
  CHECK(cursor(one, 0) == offset{3});
  CHECK(cursor(one, 1) == std::nullopt);
  append(1, {"a"});
  append(0, {"c"});
  CHECK(run(*driver) == 2);
  CHECK(count(one, "a") == 3);
  CHECK(cursor(one, 1) == offset{1});
  auto status = driver->status().at(0);
  CHECK(status.lag == 0);
  CHECK(status.applied == 5);
  CHECK(status.stopped == std::nullopt);
  CHECK(status.reset == std::nullopt);
}

TEST_CASE_METHOD(
  follower_fixture, "a follower goes on after its cursor when it comes back") {
  counting one{"one"};
  append(0, {"a", "b"});
  run(*start({&one}));
  open();
  append(0, {"a"});
  auto driver = start({&one});
  CHECK(run(*driver) == 1);
  CHECK(one.applied == 3);
  CHECK(count(one, "a") == 2);
}

TEST_CASE_METHOD(
  follower_fixture, "listeners hear of a cursor after its commit") {
  counting one{"one"};
  counting two{"two"};
  append(0, {"a", "b"});
  auto driver = start({&one, &two});
  std::vector<std::uint64_t> committed;
  one.before_end = [&](const position&) {
    CHECK(heard.empty());
    return result<void>{};
  };
  run(*driver);
  std::sort(heard.begin(), heard.end());
  CHECK(heard == lines{"one 0@2", "two 0@2"});
}

TEST_CASE_METHOD(follower_fixture, "projections of one round share a commit") {
  counting one{"one"};
  counting two{"two"};
  append(0, {"a"});
  append(1, {"b"});
  auto driver = start({&one, &two});
  auto before = views->usage().commits;
  CHECK(must(driver->turn()) == 4);
  CHECK(views->usage().commits == before + 1);
}

TEST_CASE_METHOD(follower_fixture,
  "a projection that fails keeps the state of its last whole transaction") {
  counting one{"one"};
  counting two{"two"};
  append(0, {"a", "b"});
  auto driver = start({&one, &two});
  run(*driver);
  auto before = digest(one);
  append(0, {"a", "bad", "c"});
  bool throws = GENERATE(false, true);
  one.before_end = [&](const position& at) {
    if (at.at.value != 3)
      return result<void>{};
    if (throws)
      throw std::runtime_error{"the record is strange"};
    return result<void>{fail(fault::invalid_input, "the record is strange")};
  };
  CHECK(run(*driver) == 3);
  CHECK(digest(one) == before);
  CHECK(cursor(one, 0) == offset{2});
  CHECK(count(two, "c") == 1);
  CHECK(cursor(two, 0) == offset{5});
  auto status = driver->status();
  REQUIRE(status.at(0).stopped);
  CHECK(status.at(0).stopped->code == fault::invalid_input);
  CHECK(status.at(0).stopped->message
    == "the projection one stopped at t/0@3: the record is strange");
  CHECK(status.at(0).lag == 3);
  CHECK(status.at(1).stopped == std::nullopt);
  CHECK(!driver->failed());

  // It never skips: it stays where it is, and goes on once it can.
  auto seen = one.applied;
  append(1, {"d"});
  run(*driver);
  CHECK(one.applied == seen);
  driver.reset();
  one.before_end = {};
  auto again = start({&one, &two});
  CHECK(run(*again) == 4);
  CHECK(count(one, "a") == 2);
  CHECK(count(one, "bad") == 1);
}

TEST_CASE_METHOD(follower_fixture,
  "a row beyond its bounds stops the projection that wrote it") {
  counting one{"one"};
  counting two{"two"};
  append(0, {std::string(600, 'k')});
  auto driver = start({&one, &two});
  CHECK(run(*driver) == 0);
  auto status = driver->status();
  CHECK(status.at(0).stopped->code == fault::too_large);
  CHECK(status.at(0).stopped->message
    == "the projection one stopped at t/0@0: a key of 600 bytes: it must have "
       "1 to 511");
  CHECK(status.at(1).stopped->code == fault::too_large);
  CHECK(!driver->failed());
}

TEST_CASE_METHOD(follower_fixture, "another version is made again") {
  counting one{"one"};
  append(0, {"a", "b"});
  run(*start({&one}));
  one.version_ = 2;
  one.step = 10;
  auto driver = start({&one});
  CHECK(driver->status().at(0).reset == "its version went from 1 to 2");
  CHECK(run(*driver) == 2);
  CHECK(count(one, "a") == 10);
  driver.reset();
  CHECK(start({&one})->status().at(0).reset == std::nullopt);
}

TEST_CASE_METHOD(follower_fixture, "another incarnation is made again") {
  counting one{"one"};
  append(0, {"a", "b"});
  run(*start({&one}));
  must(log->renew_incarnation());
  auto driver = start({&one});
  CHECK(driver->status().at(0).reset == "the log has another incarnation");
  CHECK(count(one, "a") == 0);
  CHECK(run(*driver) == 2);
  CHECK(count(one, "a") == 1);
}

TEST_CASE_METHOD(
  follower_fixture, "views that are ahead of the log are made again") {
  counting one{"one"};
  append(0, {"a", "b"});
  run(*start({&one}));
  must(views->update([&](view_transaction& transaction) {
    transaction.set_cursor("one", {topic.id.value, 0}, {3});
    return result<void>{};
  }));
  auto driver = start({&one});
  CHECK(driver->status().at(0).reset
    == "it has read t/0 up to 3, the log ends at 2");
  CHECK(run(*driver) == 2);
  CHECK(count(one, "a") == 1);
}

TEST_CASE_METHOD(
  follower_fixture, "a rebuilt view has the same bytes as the old one") {
  counting one{"one"};
  for (int i = 0; i < 50; ++i)
    append(i % 2, {std::to_string(i % 7), std::to_string(i % 5)});
  // Small steps first, large ones the second time.
  settings.read_bytes_max = 1;
  settings.transaction_bytes_max = 200;
  run(*start({&one}));
  auto before = digest(one);
  views.reset();
  std::filesystem::remove_all(folder.path() / "views");
  open_views();
  settings = {.own_thread = false};
  CHECK(run(*start({&one})) == 100);
  CHECK(digest(one) == before);
}

TEST_CASE_METHOD(follower_fixture, "a round is bounded, and all take turns") {
  counting one{"one"};
  counting two{"two"};
  settings.read_bytes_max = 1;
  settings.transaction_bytes_max = 1;
  for (int i = 0; i < 3; ++i)
    append(0, {"a"});
  append(1, {"b"});
  auto driver = start({&one, &two});
  CHECK(must(driver->turn()) == 1);
  CHECK(must(driver->turn()) == 1);
  // Whoever came first, the other came second.
  CHECK(one.applied == 1);
  CHECK(two.applied == 1);
  CHECK(run(*driver) == 6);
}

TEST_CASE_METHOD(follower_fixture, "a topic that is made later is followed") {
  counting one{"one", {"t", "later"}};
  auto driver = start({&one});
  CHECK(run(*driver) == 0);
  auto later = must(log->create_topic("later", 1));
  append_to(later, 0, {"a"});
  append(0, {"a"});
  CHECK(run(*driver) == 2);
  CHECK(count(one, "a") == 2);
}

TEST_CASE_METHOD(follower_fixture, "compressed batches are followed as well") {
  counting one{"one"};
  batch_builder builder{1000};
  for (int i = 0; i < 100; ++i)
    builder.add(std::nullopt, "a", 1000);
  append_item item{
    {topic.number, 0}, builder.finish(compression::zstd), {}, {}};
  must(log->append({&item, 1}));
  CHECK(run(*start({&one})) == 100);
  CHECK(count(one, "a") == 100);
}

TEST_CASE_METHOD(follower_fixture,
  "a map that grows in the middle of a round folds nothing twice") {
  views.reset();
  std::filesystem::remove_all(folder.path() / "views");
  views = must(view_store::open(
    folder.path(), {.map_bytes = 128u << 10, .map_step_bytes = 16u << 10}));
  counting one{"one"};
  for (int i = 0; i < 20; ++i) {
    std::vector<std::string> values;
    for (int j = 0; j < 100; ++j)
      values.push_back(fmt::format("{}-{:0400}", i, j));
    append(0, values);
  }
  auto driver = start({&one});
  CHECK(run(*driver) == 2000);
  CHECK(one.applied > 2000);
  CHECK(count(one, fmt::format("7-{:0400}", 42)) == 1);
  CHECK(driver->status().at(0).applied == 2000);
}

TEST_CASE_METHOD(follower_fixture,
  "a store that is full stops the driver, not the projection") {
  views.reset();
  std::filesystem::remove_all(folder.path() / "views");
  views = must(view_store::open(folder.path(),
    {.map_bytes = 128u << 10,
      .map_step_bytes = 16u << 10,
      .map_bytes_max = 128u << 10}));
  counting one{"one"};
  std::vector<std::string> values;
  for (int j = 0; j < 1000; ++j)
    values.push_back(fmt::format("{:0400}", j));
  append(0, values);
  auto driver = start({&one});
  CHECK(fault_of(driver->turn()) == fault::storage_full);
  CHECK(driver->failed()->code == fault::storage_full);
  CHECK(driver->status().at(0).stopped == std::nullopt);
  CHECK(fault_of(driver->turn()) == fault::storage_full);
}

TEST_CASE_METHOD(
  follower_fixture, "the driver's thread follows the writer to its end") {
  counting one{"one"};
  settings.own_thread = true;
  log_writer writer{*log};
  auto driver = std::make_unique<follower_driver>(*log, *views, settings);
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t reached = 0;
  driver->on_applied([&](const projection&, partition_id, offset next) {
    std::lock_guard lock{mutex};
    reached = next.value;
    changed.notify_all();
  });
  driver->add(one);
  writer.on_commit([&](std::span<const partition_commit>) { driver->wake(); });
  must(driver->start());
  for (int i = 0; i < 20; ++i) {
    batch_builder builder{1000};
    builder.add(std::nullopt, "a", 1000);
    must(writer.append_and_wait({topic.number, 0}, builder.finish()));
  }
  {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return reached == 20; });
  }
  CHECK(count(one, "a") == 20);
  writer.stop();
  driver->stop();
}

TEST_CASE_METHOD(
  follower_fixture, "views that are the fold of the log compare equal") {
  counting one{"one"};
  append(0, {"a", "b"});
  append(1, {"c"});
  run(*start({&one}));
  // What came after the cursors is not part of it.
  append(0, {"d"});
  auto found = must(compare_with_fold(one, *log, *views, folder.path()));
  CHECK(found.equal());
  CHECK(found.skipped == std::nullopt);
  CHECK(found.records == 3);
  CHECK(found.tables.size() == 2);

  SECTION("from a store that is open for reading only as well") {
    views.reset();
    views = must(view_store::open(folder.path(), {.read_only = true}));
    CHECK(must(compare_with_fold(one, *log, *views, folder.path())).equal());
  }
  SECTION("and one changed byte is found, with its table") {
    must(views->update([](view_transaction& transaction) {
      transaction.put("one.counts", "a", big_endian(std::uint64_t{2}));
      return result<void>{};
    }));
    auto changed = must(compare_with_fold(one, *log, *views, folder.path()));
    CHECK(!changed.equal());
    for (const auto& table : changed.tables)
      CHECK(table.equal() == (table.table != "one.counts"));
  }
  SECTION("and a cursor beyond the end of the log is damage") {
    must(views->update([&](view_transaction& transaction) {
      transaction.set_cursor("one", {topic.id.value, 1}, {2});
      return result<void>{};
    }));
    CHECK(fault_of(compare_with_fold(one, *log, *views, folder.path()))
      == fault::damaged);
  }
  SECTION("and another version is not compared") {
    one.version_ = 2;
    auto skipped = must(compare_with_fold(one, *log, *views, folder.path()));
    CHECK(skipped.skipped);
    CHECK(skipped.equal());
  }
  SECTION("and nothing of the scratch folder is left") {
    for (const auto& each : std::filesystem::directory_iterator{folder.path()})
      CHECK(each.path().filename().native().starts_with("fold-") == false);
  }
}

TEST_CASE_METHOD(
  follower_fixture, "views whose history is gone are kept, not compared") {
  counting one{"one"};
  append(0, {"a", "b"});
  append(0, {"c"});
  run(*start({&one}));
  REQUIRE(log->trim({topic.number, 0}, offset{2}));
  auto found = must(compare_with_fold(one, *log, *views, folder.path()));
  REQUIRE(found.skipped);
  CHECK(found.skipped->find("not comparable before offset 2 of t/0")
    != std::string::npos);
  CHECK(found.equal());
  CHECK(must(reason_not_to_rebuild(one, *log, *views)) == found.skipped);

  SECTION("and go on") {
    append(0, {"a"});
    run(*start({&one}));
    CHECK(count(one, "a") == 2);
  }
  SECTION("and are not cleared for another version") {
    one.version_ = 2;
    auto driver = start({&one});
    REQUIRE(driver->status()[0].stopped);
    CHECK(driver->status()[0].stopped->code == fault::conflict);
    CHECK(count(one, "a") == 1);
  }
  SECTION("until somebody deletes them") {
    views.reset();
    std::filesystem::remove_all(folder.path() / "views");
    open_views();
    run(*start({&one}));
    CHECK(count(one, "a") == 0);
    CHECK(count(one, "c") == 1);
    CHECK_FALSE(must(reason_not_to_rebuild(one, *log, *views)));
    auto again = must(compare_with_fold(one, *log, *views, folder.path()));
    CHECK_FALSE(again.skipped);
    CHECK(again.equal());
    CHECK(again.records == 1);
  }
}

TEST_CASE_METHOD(
  follower_fixture, "a projection that has not run yet is not compared") {
  counting one{"one"};
  auto found = must(compare_with_fold(one, *log, *views, folder.path()));
  CHECK(found.skipped == "it has not run yet");
}
