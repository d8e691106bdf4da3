#include "tests/log/fixture.hpp"

#include "engine/log/batch_filter.hpp"
#include "engine/log/log_tables.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <optional>

namespace herald {

namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

// A batch of keys and values; the value "-" is none.
bytes keyed(const pairs& records, std::int64_t time = 1'000,
  compression codec = compression::none) {
  batch_builder batch{time};
  for (auto& [key, value] : records)
    batch.add(key,
      value == "-" ? std::nullopt : std::optional<bytes_view>{value}, time);
  return batch.finish(codec);
}

struct compaction_fixture : log_fixture {
  compaction_settings eager{.even_if_clean = true};

  offset write(const pairs& records, std::int64_t time = 1'000,
    compression codec = compression::none) {
    append_item item{.where = match, .batch = keyed(records, time, codec)};
    REQUIRE(log->append({&item, 1}));
    return item.first;
  }

  compacted compact(std::int64_t now = 10'000) {
    auto did = log->compact(match, now, eager);
    if (!did)
      FAIL(did.error().message);
    return *did;
  }

  // "offset:key=value" of all that can be read.
  std::vector<std::string> contents(offset from = {0}) {
    std::vector<std::string> found;
    auto read = log->visit(match, std::max(from, log->log_start(match)),
      [&](offset, offset, bytes_view data) {
        auto done
          = batch_view::parse(data)->for_each([&](const record_view& record) {
              found.push_back(std::to_string(record.at.value) + ":"
                + std::string{record.key.value_or("")} + "="
                + std::string{record.value.value_or("-")});
            });
        REQUIRE(done);
        return true;
      });
    if (!read)
      FAIL(read.error().message);
    return found;
  }

  void check_soundness() {
    auto report = verify();
    for (auto& problem : report.problems)
      FAIL_CHECK(to_string(problem));
    open();
  }
};

using strings = std::vector<std::string>;

} // namespace

TEST_CASE("a filtered batch is what it was without the records that went") {
  auto codec = static_cast<compression>(GENERATE(0, 1, 2, 3, 4));
  batch_builder builder{1'000};
  builder.add("a", "1", 1'000);
  builder.add("b", "2", 2'000);
  builder.add("c", std::string(1'000, 'x'), 3'000);
  auto data = builder.finish(codec);
  set_base_offset(data, {7});
  set_producer(data, 5, 1, 40);
  auto batch = *batch_view::parse(data);
  auto filtered = filter_batch(
    batch, [](const record_view& record) { return record.key != "c"; });
  REQUIRE(filtered);
  CHECK(filtered->removed == 1);
  auto left = batch_view::parse(*filtered->batch);
  REQUIRE(left);
  CHECK(left->base_offset() == offset{7});
  CHECK(left->next_offset() == offset{10});
  CHECK(left->record_count() == 2);
  CHECK(left->codec() == codec);
  CHECK(left->producer_id() == 5);
  CHECK(left->base_sequence() == 40);
  CHECK(left->base_timestamp_ms() == 1'000);
  CHECK(left->max_timestamp_ms() == 2'000);
  CHECK(values_of(*filtered->batch) == strings{"1", "2"});
  auto middle = filter_batch(
    batch, [](const record_view& record) { return record.key != "b"; });
  CHECK(values_of(*middle->batch) == strings{"1", std::string(1'000, 'x')});
  CHECK_FALSE(filter_batch(batch, [](auto&) { return true; })->batch);
  CHECK(filter_batch(batch, [](auto&) { return false; })->batch->empty());
}

TEST_CASE_METHOD(
  compaction_fixture, "of records with the same key the newest stays") {
  write({{"a", "1"}, {"b", "1"}, {"a", "2"}});
  write({{"b", "2"}});
  write({{"c", "1"}, {"a", "3"}}, 2'000, compression::zstd);
  write({{"d", "1"}}, 3'000);
  auto did = compact();
  CHECK(did.began);
  CHECK(did.finished);
  CHECK(did.records_removed == 3);
  CHECK(did.batches_removed == 1);
  CHECK(did.clean_end == offset{6});
  strings left{"3:b=2", "4:c=1", "5:a=3", "6:d=1"};
  CHECK(contents() == left);
  CHECK(log->has_gaps(match));
  check_soundness();
  CHECK(contents() == left);
  CHECK(contents({2}) == left);
  CHECK(contents({4}) == strings{"4:c=1", "5:a=3", "6:d=1"});
  CHECK(log->offset_at_time(match, 0).value() == offset{3});
  CHECK(log->offset_at_time(match, 1'500).value() == offset{4});
  CHECK(log->offset_at_time(match, 2'500).value() == offset{6});
  CHECK_FALSE(log->offset_at_time(match, 3'500).value());
}

TEST_CASE_METHOD(compaction_fixture, "the log goes on after a pass") {
  write({{"a", "1"}});
  write({{"a", "2"}});
  write({{"a", "3"}});
  compact();
  CHECK(contents() == strings{"1:a=2", "2:a=3"});
  write({{"b", "1"}});
  write({{"a", "4"}});
  compact();
  CHECK(contents() == strings{"2:a=3", "3:b=1", "4:a=4"});
  check_soundness();
  write({{"b", "2"}});
  CHECK(compact().finished);
  CHECK(contents() == strings{"3:b=1", "4:a=4", "5:b=2"});
  CHECK_FALSE(compact().began);
  check_soundness();
}

TEST_CASE_METHOD(compaction_fixture, "records without a key are left alone") {
  append_item item{.where = match, .batch = [] {
                     batch_builder batch{1'000};
                     batch.add(std::nullopt, "kept", 1'000);
                     batch.add("a", "1", 1'000);
                     return batch.finish();
                   }()};
  REQUIRE(log->append({&item, 1}));
  write({{"a", "2"}});
  write({{"b", "1"}});
  compact();
  CHECK(contents() == strings{"0:=kept", "2:a=2", "3:b=1"});
  check_soundness();
}

TEST_CASE_METHOD(
  compaction_fixture, "a record without a value goes after its time") {
  std::vector<setting_change> changes{{"delete.retention.ms", "100"}};
  REQUIRE(log->alter_topic("match", changes));
  write({{"a", "1"}});
  write({{"a", "-"}});
  write({{"z", "1"}});
  compact(10'000);
  CHECK(contents() == strings{"1:a=-", "2:z=1"});
  CHECK_FALSE(compact(10'099).began);
  CHECK(compact(10'100).records_removed == 1);
  CHECK(contents() == strings{"2:z=1"});
  CHECK_FALSE(compact(99'000).began);
  check_soundness();
}

TEST_CASE_METHOD(compaction_fixture, "young records wait for their lag") {
  std::vector<setting_change> changes{{"min.compaction.lag.ms", "1000"}};
  REQUIRE(log->alter_topic("match", changes));
  write({{"a", "1"}}, 1'000);
  write({{"a", "2"}}, 2'000);
  write({{"a", "3"}}, 3'000);
  write({{"b", "1"}}, 4'000);
  CHECK_FALSE(compact(1'500).began);
  compact(3'000);
  CHECK(contents() == strings{"1:a=2", "2:a=3", "3:b=1"});
  compact(4'000);
  CHECK(contents() == strings{"2:a=3", "3:b=1"});
  check_soundness();
}

TEST_CASE_METHOD(
  compaction_fixture, "little news is not worth a pass by itself") {
  eager.even_if_clean = false;
  std::string value(3'000, 'x');
  for (auto i = 0; i < 20; ++i)
    write({{"key" + std::to_string(i), value}});
  CHECK(compact().began);
  write({{"key1", value}});
  write({{"key2", value}});
  CHECK_FALSE(compact().began);
  for (auto i = 0; i < 25; ++i)
    write({{"key" + std::to_string(i % 3), value}});
  CHECK(compact().records_removed > 20);
}

TEST_CASE_METHOD(
  compaction_fixture, "more keys than fit into memory take more passes") {
  eager.keys_max = 2;
  for (auto round = 0; round < 2; ++round)
    for (auto i = 0; i < 6; ++i)
      write({{std::to_string(i), std::to_string(round)}});
  write({{"end", "1"}});
  auto passes = 0;
  while (compact().began)
    ++passes;
  CHECK(passes >= 6);
  CHECK(contents()
    == strings{
      "6:0=1", "7:1=1", "8:2=1", "9:3=1", "10:4=1", "11:5=1", "12:end=1"});
  check_soundness();
}

TEST_CASE_METHOD(compaction_fixture, "a pass goes on where it was stopped") {
  for (auto i = 0; i < 12; ++i)
    write({{std::to_string(i % 5), std::to_string(i)}, {"same", "x"}});
  eager.step.batches_max = 1;
  eager.step.go_on = [] { return false; };
  auto commits = 0;
  compacted did;
  do {
    did = compact();
    ++commits;
    // Whatever comes in between.
    if (commits == 3)
      write({{"0", "new"}});
    check_soundness();
    if (commits == 5)
      REQUIRE(log->trim(match, {9}));
  } while (!did.finished);
  CHECK(commits >= 9);
  check_soundness();
  eager = {.even_if_clean = true};
  compact();
  CHECK(contents()
    == strings{"14:2=7", "16:3=8", "18:4=9", "20:0=10", "22:1=11", "23:same=x",
      "24:0=new"});
  check_soundness();
}

TEST_CASE_METHOD(compaction_fixture, "what is damaged is not chained anew") {
  write({{"a", "an old value"}});
  write({{"b", "precious"}});
  write({{"a", "new"}});
  write({{"c", "new"}});
  log.reset();
  damage("precious");
  open();
  auto did = log->compact(match, 10'000, eager);
  REQUIRE_FALSE(did);
  CHECK(did.error().code == fault::damaged);
  CHECK(did.error().message.find("match/0@1") != std::string::npos);
  CHECK_FALSE(verify().problems.empty());
}

TEST_CASE_METHOD(
  compaction_fixture, "a missing end of the clean part is found") {
  write({{"a", "1"}});
  write({{"a", "2"}});
  write({{"b", "precious"}});
  write({{"c", "1"}});
  compact();
  edit(partition_table(log->find_topic("match")->id, 0),
    [](MDB_txn* transaction, MDB_dbi table) {
      auto name = offset_key({2});
      MDB_val key{name.size(), name.data()};
      REQUIRE(mdb_del(transaction, table, &key, nullptr) == 0);
    });
  auto report = verify();
  REQUIRE(report.problems.size() == 1);
  CHECK(report.problems[0].what
    == "the chain of hashes does not end where compaction has left it");
}

} // namespace herald
