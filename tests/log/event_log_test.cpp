#include "engine/log/event_log.hpp"

#include "engine/log/checked_row.hpp"
#include "engine/log/log_tables.hpp"
#include "engine/log/spare_environment.hpp"
#include "tests/log/fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

namespace herald {

namespace {

using strings = std::vector<std::string>;

void write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream{path} << text;
}

} // namespace

TEST_CASE_METHOD(
  log_fixture, "an empty folder becomes a log with its own ids") {
  CHECK(log->cluster_id().size() == 22);
  CHECK(log->incarnation() != 0);
  CHECK(log->find_topic("match")->partitions == 3);
  CHECK(log->find_topic(schemas_topic)->partitions == 1);
  CHECK_FALSE(log->find_topic("nothing"));
  CHECK(log->committed_end(match).value == 0);
  CHECK(values().empty());
}

TEST_CASE_METHOD(log_fixture, "reopening keeps everything") {
  append({"a", "b"});
  append({"c"});
  append_to({match.topic, 2}, {"z"});
  auto incarnation = log->incarnation();
  auto cluster = log->cluster_id();
  auto topics = log->topics();
  reopen();
  CHECK(values() == strings{"a", "b", "c"});
  CHECK(log->committed_end(match).value == 3);
  CHECK(log->committed_end({match.topic, 1}).value == 0);
  CHECK(log->committed_end({match.topic, 2}).value == 1);
  CHECK(log->incarnation() == incarnation);
  CHECK(log->cluster_id() == cluster);
  CHECK(log->topics() == topics);
  CHECK(append({"d"}).value == 3);
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(log_fixture, "a restored log gets another incarnation") {
  auto before = log->incarnation();
  auto fresh = log->renew_incarnation();
  REQUIRE(fresh);
  CHECK(*fresh != before);
  reopen();
  CHECK(log->incarnation() == *fresh);
}

TEST_CASE_METHOD(log_fixture, "a second opener is refused") {
  auto second = event_log::open(folder.path(), settings);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == fault::in_use);
  CHECK(append({"still works"}).value == 0);
  CHECK(verify_log(folder.path()).error().code == fault::in_use);
}

TEST_CASE_METHOD(log_fixture, "a newer format is refused") {
  log.reset();
  write_file(folder.path() / "format", "herald 2\n");
  CHECK(refusal().code == fault::version);
  CHECK(verify_log(folder.path()).error().code == fault::version);
}

TEST_CASE_METHOD(log_fixture, "a newer entry of a topic is refused") {
  edit(topics_table, [](MDB_txn* transaction, MDB_dbi table) {
    MDB_val key{5, const_cast<char*>("match")};
    MDB_val value{};
    REQUIRE(mdb_get(transaction, table, &key, &value) == 0);
    bytes newer{static_cast<char*>(value.mv_data), value.mv_size};
    newer[0] = 3;
    newer.resize(newer.size() - row_check_bytes);
    newer = with_row_check("match", newer);
    value = {newer.size(), newer.data()};
    REQUIRE(mdb_put(transaction, table, &key, &value, 0) == 0);
  });
  CHECK(refusal().code == fault::version);
}

TEST_CASE("somebody else's folder is refused and left alone") {
  scratch_folder folder;
  write_file(folder.path() / "thesis.txt", "years of work");
  auto opened = event_log::open(folder.path(), small_log());
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == fault::version);
  CHECK(opened.error().message.find("thesis.txt") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "format"));
  CHECK(verify_log(folder.path()).error().code == fault::not_found);
}

TEST_CASE_METHOD(log_fixture, "a data file that is cut off is not read") {
  append({std::string(100'000, 'x')});
  append({std::string(100'000, 'y')});
  log.reset();
  std::filesystem::resize_file(data_file(), 65'536);
  auto why = refusal();
  CHECK(why.code == fault::damaged);
  CHECK(why.message.find("cut off") != std::string::npos);
  CHECK(verify_log(folder.path()).error().code == fault::damaged);
  std::filesystem::resize_file(data_file(), 0);
  CHECK(refusal().code == fault::damaged);
}

TEST_CASE_METHOD(log_fixture, "a data file that is not LMDB's is refused") {
  log.reset();
  write_file(data_file(), std::string(20'000, 'x'));
  CHECK(refusal().code == fault::damaged);
}

TEST_CASE_METHOD(log_fixture, "an LMDB file of another program is refused") {
  log.reset();
  std::filesystem::remove_all(folder.path() / "log");
  std::filesystem::create_directory(folder.path() / "log");
  MDB_env* env = nullptr;
  REQUIRE(mdb_env_create(&env) == 0);
  REQUIRE(mdb_env_open(env, (folder.path() / "log").c_str(), 0, 0644) == 0);
  mdb_env_close(env);
  CHECK(refusal().code == fault::version);
}

TEST_CASE("a log that was never finished is made anew") {
  scratch_folder folder;
  write_file(folder.path() / "format", "herald 1\n");
  std::filesystem::create_directory(folder.path() / "log.new");
  write_file(folder.path() / "log.new" / "data.mdb", "half");
  CHECK(event_log::open(folder.path(), small_log()));
}

TEST_CASE_METHOD(log_fixture, "a topic is made once and never changes size") {
  auto again = log->create_topic("match", 3);
  REQUIRE(again);
  CHECK(again->number == match.topic);
  CHECK(log->create_topic("match", 4).error().code == fault::conflict);
  CHECK(log->create_topic("", 1).error().code == fault::invalid_input);
  CHECK(log->create_topic("..", 1).error().code == fault::invalid_input);
  CHECK(log->create_topic("a b", 1).error().code == fault::invalid_input);
  CHECK(log->create_topic("none", 0).error().code == fault::invalid_input);
  CHECK(log->create_topic(std::string(250, 'a'), 1).error().code
    == fault::invalid_input);
  CHECK(log->create_topic("many", 61).error().code == fault::too_large);
  CHECK(log->create_topic("many", 60));
  CHECK(log->topics().size() == 3);
}

TEST_CASE_METHOD(log_fixture, "a batch is read whole wherever one starts") {
  append({"a"});
  append({"b", "c", "d"});
  append({"e"});
  for (auto from : {1u, 2u, 3u}) {
    auto read = log->read(match, {from}, 1u << 20);
    REQUIRE(read);
    REQUIRE(read->size() == 2);
    CHECK(read->front().base.value == 1);
    CHECK(read->front().next.value == 4);
    CHECK(read->front().term == 0);
    CHECK(values_of(read->front().batch) == strings{"b", "c", "d"});
    CHECK(batch_view::parse(read->front().batch)->base_offset().value == 1);
  }
}

TEST_CASE_METHOD(log_fixture, "reading stops at its bound after one batch") {
  append({std::string(1'000, 'a')});
  append({std::string(1'000, 'b')});
  append({std::string(1'000, 'c')});
  CHECK(log->read(match, {0}, 0)->size() == 1);
  CHECK(log->read(match, {0}, 2'500)->size() == 2);
  CHECK(log->read(match, {0}, 1u << 20)->size() == 3);
  CHECK(log->read(match, {3}, 1u << 20)->empty());
  CHECK(log->read(match, {4}, 1u << 20).error().code == fault::not_found);
}

TEST_CASE_METHOD(log_fixture, "record time never decreases in a partition") {
  append({"a"}, 5'000);
  append({"b"}, 3'000);
  append({"c"}, 6'000);
  append_to({match.topic, 1}, {"other"}, 1'000);
  std::vector<std::int64_t> times;
  auto read = log->visit(match, {0}, [&](offset, offset, bytes_view data) {
    (void)batch_view::parse(data)->for_each(
      [&](const record_view& record) { times.push_back(record.timestamp_ms); });
    return true;
  });
  REQUIRE(read);
  CHECK(times == std::vector<std::int64_t>{5'000, 5'000, 6'000});
  CHECK(log->last_timestamp_ms(match) == 6'000);
  CHECK(log->last_timestamp_ms({match.topic, 1}) == 1'000);
  reopen();
  append({"d"}, 1);
  CHECK(log->last_timestamp_ms(match) == 6'000);
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(log_fixture, "a record is found by its time") {
  CHECK(log->offset_at_time(match, 0).value() == std::nullopt);
  for (auto i = 0; i < 50; ++i) {
    batch_builder batch{1'000 + i * 100};
    batch.add({}, "a", 1'000 + i * 100);
    batch.add({}, "b", 1'000 + i * 100 + 50);
    append_item item{.where = match, .batch = batch.finish()};
    REQUIRE(log->append({&item, 1}));
  }
  auto at = [&](std::int64_t time) {
    return log->offset_at_time(match, time).value();
  };
  CHECK(at(0) == offset{0});
  CHECK(at(1'000) == offset{0});
  CHECK(at(1'001) == offset{1});
  CHECK(at(1'050) == offset{1});
  CHECK(at(1'051) == offset{2});
  CHECK(at(3'500) == offset{50});
  CHECK(at(5'950) == offset{99});
  CHECK(at(5'951) == std::nullopt);
}

TEST_CASE_METHOD(
  log_fixture, "what is not committed is invisible and can be cut off") {
  append({"a", "b"});
  append({"c"}, 2'000, false);
  append({"d", "e"}, 3'000, false);
  CHECK(log->committed_end(match).value == 2);
  CHECK(log->log_end(match).value == 5);
  CHECK(values() == strings{"a", "b"});
  reopen();
  CHECK(values() == strings{"a", "b"});
  CHECK(log->log_end(match).value == 5);
  CHECK(log->cut_off(match, {1}).error().code == fault::conflict);
  CHECK(log->cut_off(match, {4}).error().code == fault::conflict);
  CHECK(log->cut_off(match, {6}).error().code == fault::conflict);
  REQUIRE(log->cut_off(match, {3}));
  CHECK(log->log_end(match).value == 3);
  CHECK(log->last_timestamp_ms(match) == 2'000);
  REQUIRE(log->advance_committed_end(match, {3}));
  CHECK(log->advance_committed_end(match, {2}).error().code == fault::conflict);
  CHECK(log->advance_committed_end(match, {4}).error().code == fault::conflict);
  CHECK(append({"f"}, 2'500).value == 3);
  CHECK(values() == strings{"a", "b", "c", "f"});
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(log_fixture, "a partition can be cut back to nothing") {
  append({"a"}, 9'000, false);
  REQUIRE(log->cut_off(match, {0}));
  CHECK(log->log_end(match).value == 0);
  CHECK(log->last_timestamp_ms(match) == 0);
  reopen();
  CHECK(append({"b"}).value == 0);
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(log_fixture, "each term knows its first offset") {
  using terms = std::vector<std::pair<std::uint64_t, offset>>;
  CHECK(log->terms(match).value() == terms{{0, {0}}});
  append({"a"});
  REQUIRE(log->start_term(match, 3));
  REQUIRE(log->start_term(match, 5));
  CHECK(log->start_term(match, 4).error().code == fault::conflict);
  CHECK(log->terms(match).value() == terms{{0, {0}}});
  append({"b"});
  append({"c"});
  REQUIRE(log->start_term(match, 6));
  append({"d"}, 1'000, false);
  CHECK(log->terms(match).value() == terms{{0, {0}}, {5, {1}}, {6, {3}}});
  CHECK(log->terms({match.topic, 1}).value() == terms{{0, {0}}});
  auto read = log->read(match, {1}, 1u << 20);
  REQUIRE(read);
  CHECK(read->front().term == 5);
  CHECK(batch_view::parse(read->front().batch)->leader_epoch() == 5);
  REQUIRE(log->cut_off(match, {3}));
  CHECK(log->terms(match).value() == terms{{0, {0}}, {5, {1}}});
  CHECK(log->term(match) == 6);
  append({"e"});
  CHECK(log->terms(match).value() == terms{{0, {0}}, {5, {1}}, {6, {3}}});
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(
  log_fixture, "a term that begins where all is trimmed can be cut off") {
  using terms = std::vector<std::pair<std::uint64_t, offset>>;
  append({"a"});
  REQUIRE(log->start_term(match, 4));
  append({"b"}, 1'000, false);
  REQUIRE(log->trim(match, {1}));
  REQUIRE(log->cut_off(match, {1}));
  CHECK(log->terms(match).value() == terms{{0, {0}}});
  append({"c"});
  CHECK(log->terms(match).value() == terms{{0, {0}}, {4, {1}}});
  REQUIRE(log->trim(match, {2}));
  CHECK(log->terms(match).value() == terms{{4, {1}}});
  reopen();
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(log_fixture, "the map grows from tiny to what is needed") {
  auto before = log->usage();
  CHECK(before.map_bytes <= before.file_bytes);
  for (auto i = 0; i < 120; ++i)
    append({std::string(100'000, static_cast<char>('a' + i % 26))});
  auto after = log->usage();
  CHECK(after.used_bytes > (11u << 20));
  CHECK(after.map_bytes <= after.file_bytes);
  CHECK(after.used_bytes <= after.map_bytes);
  CHECK(values().size() == 120);
  reopen();
  CHECK(values().size() == 120);
  auto report = verify();
  CHECK(report.problems.empty());
  CHECK(report.records == 120);
}

TEST_CASE("a log grows on a disk as it does in memory") {
  scratch_folder folder{scratch_folder::place::disk};
  auto log = event_log::open(folder.path(), small_log());
  REQUIRE(log);
  partition_id where{(*log)->create_topic("t", 1)->number, 0};
  for (auto i = 0; i < 30; ++i) {
    append_item item{
      .where = where, .batch = batch_of({std::string(100'000, 'x')})};
    REQUIRE((*log)->append({&item, 1}));
  }
  CHECK((*log)->read(where, {0}, 1u << 30)->size() == 30);
  log->reset();
  CHECK(verify_log(folder.path())->problems.empty());
}

TEST_CASE_METHOD(log_fixture, "one batch may be larger than a step") {
  append({std::string(5u << 20, 'x')});
  append({"small"});
  reopen();
  CHECK(values().front().size() == 5u << 20);
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(log_fixture, "a damaged batch is named and not handed out") {
  append({"before"});
  append({"the damaged value", "its neighbour"});
  append({"after"});
  append_to({match.topic, 1}, {"elsewhere"});
  append({"the last"});
  damage("the damaged value", 4);
  open();
  auto read = log->read(match, {0}, 1u << 20);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == fault::damaged);
  CHECK(read.error().message.starts_with("match/0@1: "));
  CHECK(log->read(match, {0}, 10)->size() == 1);
  CHECK(log->read(match, {3}, 1u << 20)->size() == 2);
  CHECK(log->read({match.topic, 1}, {0}, 1u << 20)->size() == 1);
}

TEST_CASE_METHOD(
  log_fixture, "a damaged last batch keeps the log from opening") {
  append({"a"});
  append({"the last value"});
  damage("the last value");
  auto why = refusal();
  CHECK(why.code == fault::damaged);
  CHECK(why.message.starts_with("match/0@1: "));
}

TEST_CASE_METHOD(log_fixture, "a lost batch is found when it is read") {
  append({"a"});
  append({"b"});
  append({"c"});
  auto table = partition_table(log->find_topic("match")->id, 0);
  edit(table, [](MDB_txn* transaction, MDB_dbi handle) {
    auto key_bytes = offset_key({1});
    MDB_val key{key_bytes.size(), key_bytes.data()};
    REQUIRE(mdb_del(transaction, handle, &key, nullptr) == 0);
  });
  open();
  auto read = log->read(match, {0}, 1u << 20);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == fault::damaged);
  CHECK(read.error().message.starts_with("match/0@1: "));
  CHECK_FALSE(log->read(match, {1}, 1u << 20));
}

TEST_CASE_METHOD(log_fixture, "an impossible page is a failure, not the end") {
  std::vector<append_item> group;
  for (auto i = 0; i < 400; ++i)
    group.push_back({match, batch_of({std::string(200, 'x')}), {}, {}});
  REQUIRE(log->append(group));
  log.reset();
  // Branch pages (flag 1) that claim to have no keys trip LMDB's assertion.
  std::fstream file{
    data_file(), std::ios::in | std::ios::out | std::ios::binary};
  std::string content{std::istreambuf_iterator<char>{file}, {}};
  file.clear();
  for (std::size_t page = 8192; page + 4096 <= content.size(); page += 4096)
    if (content[page + 10] == 1 && content[page + 11] == 0) {
      file.seekp(static_cast<std::streamoff>(page + 12));
      file.put(16).put(0);
    }
  file.close();
  CHECK(refusal().code == fault::damaged);
  auto report = verify();
  REQUIRE_FALSE(report.problems.empty());
  CHECK(report.problems.front().topic == "match");
}

TEST_CASE_METHOD(
  log_fixture, "appends to nowhere and of nonsense are refused") {
  append_item nowhere{.where = {99, 0}, .batch = batch_of({"a"})};
  CHECK(log->append({&nowhere, 1}).error().code == fault::not_found);
  append_item outside{.where = {match.topic, 3}, .batch = batch_of({"a"})};
  CHECK(log->append({&outside, 1}).error().code == fault::not_found);
  append_item nonsense{.where = match, .batch = "nonsense"};
  CHECK(log->append({&nonsense, 1}).error().code == fault::invalid_input);
  std::vector<append_item> half{{match, batch_of({"good"}), {}, {}}, nonsense};
  CHECK_FALSE(log->append(half));
  CHECK(log->committed_end(match).value == 0);
}

TEST_CASE_METHOD(log_fixture, "listeners hear of every committed end") {
  std::string heard;
  log->on_commit([&](std::span<const partition_commit> news) {
    for (auto& each : news)
      heard += std::to_string(each.where.partition) + "@"
        + std::to_string(each.committed_end.value) + " ";
    heard += "| ";
    CHECK(log->committed_end(news.front().where) == news.front().committed_end);
  });
  std::vector<append_item> group{{match, batch_of({"a", "b"}), {}, {}},
    {{match.topic, 2}, batch_of({"c"}), {}, {}},
    {match, batch_of({"d"}), {}, {}}};
  REQUIRE(log->append(group));
  CHECK(group[2].first.value == 2);
  append({"e"}, 1'000, false);
  REQUIRE(log->advance_committed_end(match, {4}));
  CHECK(heard == "0@3 2@1 | 0@4 | ");
}

TEST_CASE_METHOD(log_fixture, "ten thousand partitions work") {
  settings.partitions_max = 16'384;
  reopen();
  constexpr std::uint32_t topics = 10, each = 1'000;
  std::vector<std::uint32_t> made;
  for (std::uint32_t t = 0; t < topics; ++t) {
    auto topic = log->create_topic(std::to_string(t), each);
    REQUIRE(topic);
    made.push_back(topic->number);
  }
  auto place = [&](std::uint32_t i) {
    return partition_id{made[i % topics], i * 7 % each};
  };
  std::vector<append_item> items;
  for (std::uint32_t i = 0; i < 100; ++i)
    items.push_back(
      {.where = place(i), .batch = batch_of({std::to_string(i)})});
  REQUIRE(log->append(items));
  reopen();
  for (std::uint32_t i = 0; i < 100; ++i) {
    auto read = log->read(place(i), {0}, 1u << 20);
    REQUIRE(read);
    REQUIRE(read->size() == 1);
    CHECK(values_of(read->front().batch) == std::vector{std::to_string(i)});
  }
  CHECK(log->find_topic("9")->partitions == each);
}

TEST_CASE_METHOD(log_fixture, "partitions are first used by many at once") {
  settings.partitions_max = 4'096;
  reopen();
  constexpr std::uint32_t each = 300, threads = 6;
  std::vector<std::uint32_t> topics;
  for (auto name : {"left", "right", "doomed"})
    topics.push_back(log->create_topic(name, each)->number);
  std::vector<append_item> items;
  for (std::uint32_t i = 0; i < topics.size() * each; ++i)
    items.push_back({.where = {topics[i / each], i % each},
      .batch = batch_of({std::to_string(i)})});
  REQUIRE(log->append(items));
  reopen();
  // Readers, a writer and the deletion of a topic meet at tables that nobody
  // has opened yet.
  std::atomic<std::uint32_t> wrong{0};
  std::vector<std::jthread> all;
  for (std::uint32_t thread = 0; thread < threads; ++thread)
    all.emplace_back([&, thread] {
      for (std::uint32_t i = 0; i < topics.size() * each; ++i) {
        auto at = (i * 7 + thread * 50)
          % static_cast<std::uint32_t>(topics.size() * each);
        auto read = log->read({topics[at / each], at % each}, {0}, 1u << 20);
        if (read ? values_of(read->front().batch) != strings{std::to_string(at)}
                 : at / each != 2 || read.error().code != fault::not_found)
          ++wrong;
      }
    });
  all.emplace_back([&] {
    for (std::uint32_t i = 0; i < 2 * each; ++i) {
      append_item item{
        .where = {topics[i % 2], i / 2}, .batch = batch_of({"more"})};
      if (!log->append({&item, 1}))
        ++wrong;
    }
  });
  all.emplace_back([&] {
    if (!log->delete_topic("doomed", {}))
      ++wrong;
  });
  all.clear();
  CHECK(wrong == 0);
  for (std::uint32_t i = 0; i < 2 * each; ++i)
    CHECK(log->committed_end({topics[i / each], i % each}).value == 2);
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(
  log_fixture, "a second look at the file finds every table by its name") {
  append({"a", "b"});
  auto id = log->find_topic("match")->id;
  auto log_folder = folder.path() / "log";
  log.reset();
  auto second = spare_environment::open(log_folder, file_size(data_file()));
  REQUIRE(second);
  auto count = [&](std::string_view table) {
    MDB_txn* transaction = nullptr;
    MDB_stat stat{};
    auto* environment = (*second)->handle();
    REQUIRE(!mdb_txn_begin(environment, nullptr, MDB_RDONLY, &transaction));
    auto code = mdb_stat(transaction, (*second)->table(table), &stat);
    mdb_txn_abort(transaction);
    return code ? -1 : static_cast<int>(stat.ms_entries);
  };
  CHECK(count(partition_table(id, 0)) == 1);
  CHECK(count(partition_table(id, 2)) == 0);
  CHECK(count(topics_table) == 2);
  CHECK(count("nothing") == -1);
}

TEST_CASE_METHOD(log_fixture, "the same schema text has the same id") {
  settings.now_ms = [] { return 77; };
  reopen();
  auto first = log->register_schema("match-a", R"({"type":"int"})");
  auto second = log->register_schema("match-b", R"({"type":"long"})");
  REQUIRE(first);
  REQUIRE(second);
  CHECK(*first == 1);
  CHECK(*second == 2);
  CHECK(log->register_schema("match-a", R"({"type":"int"})") == *first);
  CHECK(log->register_schema("match-b", R"({"type":"int"})") == *first);
  auto where = partition_id{log->find_topic(schemas_topic)->number, 0};
  CHECK(log->committed_end(where).value == 3);
  CHECK(log->last_timestamp_ms(where) == 77);
  reopen();
  CHECK(log->schema(1) == R"({"type":"int"})");
  CHECK(log->schema(2) == R"({"type":"long"})");
  CHECK_FALSE(log->schema(3));
  auto versions = log->schemas("match-b");
  REQUIRE(versions.size() == 2);
  CHECK(versions[0].id == 2);
  CHECK(versions[1].id == 1);
  CHECK(versions[1].version == 2);
  CHECK(log->schemas().size() == 3);
  CHECK(log->register_schema("match-c", R"("null")") == 3);
  auto report = verify();
  CHECK(report.problems.empty());
  CHECK(report.schemas == 3);
}

TEST_CASE_METHOD(
  log_fixture, "schemas are records that Confluent's tools know") {
  REQUIRE(log->register_schema("s", R"({"type":"int"})"));
  auto where = partition_id{log->find_topic(schemas_topic)->number, 0};
  auto read = log->read(where, {0}, 1u << 20);
  REQUIRE(read);
  (void)batch_view::parse(read->front().batch)
    ->for_each([](const record_view& record) {
      CHECK(record.key
        == R"({"keytype":"SCHEMA","subject":"s","version":1,"magic":1})");
      CHECK(record.value
        == R"({"subject":"s","version":1,"id":1,)"
           R"("schema":"{\"type\":\"int\"}","deleted":false})");
    });
}

TEST_CASE_METHOD(
  log_fixture, "a schema that is no text or too long is refused") {
  CHECK(log->register_schema("s", "\xff").error().code == fault::invalid_input);
  CHECK(log->register_schema("", "x").error().code == fault::too_large);
  CHECK(log->register_schema("s", std::string(2u << 20, 'x')).error().code
    == fault::too_large);
}

} // namespace herald
