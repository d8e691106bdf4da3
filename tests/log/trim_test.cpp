#include "tests/log/fixture.hpp"

#include "engine/log/log_tables.hpp"

#include <catch2/catch.hpp>

namespace herald {

namespace {

using strings = std::vector<std::string>;

// Stops after so many commits.
step_settings steps(int& left, std::size_t batches = 1) {
  step_settings step;
  step.batches_max = batches;
  step.go_on = [&left] { return --left > 0; };
  return step;
}

} // namespace

TEST_CASE_METHOD(log_fixture, "the log starts where it was trimmed to") {
  append({"a", "b"});
  append({"c", "d", "e"}, 2'000);
  append({"f"}, 3'000);
  auto did = log->trim(match, {3});
  REQUIRE(did);
  CHECK(did->finished);
  CHECK(did->batches == 1);
  CHECK(log->log_start(match) == offset{3});
  CHECK(log->read(match, {2}, 1).error().code == fault::not_found);
  auto read = log->read(match, {3}, 1'000);
  REQUIRE(read);
  // The batch that holds the start is whole, as Kafka's is.
  CHECK(read->front().base == offset{2});
  CHECK(log->offset_at_time(match, 0).value() == offset{3});
  CHECK(log->offset_at_time(match, 2'500).value() == offset{5});
  CHECK(log->trim(match, {7}).error().code == fault::invalid_input);
  CHECK(log->trim(match, {1})->finished);
  CHECK(log->log_start(match) == offset{3});
  reopen();
  CHECK(log->log_start(match) == offset{3});
  CHECK(verify().problems.empty());
  open();
  append({"g"}, 4'000);
  CHECK(values({5}) == strings{"f", "g"});
}

TEST_CASE_METHOD(log_fixture, "everything may go") {
  append({"a", "b"}, 5'000);
  REQUIRE(log->trim(match, {2}));
  reopen();
  CHECK(log->log_start(match) == offset{2});
  CHECK(log->log_end(match) == offset{2});
  CHECK(log->last_timestamp_ms(match) == 5'000);
  CHECK(log->read(match, {2}, 1)->empty());
  CHECK_FALSE(*log->first_stored(match));
  CHECK(verify().problems.empty());
  open();
  append({"c"}, 1'000);
  CHECK(values({2}) == strings{"c"});
  CHECK(log->last_timestamp_ms(match) == 5'000);
  append({"uncommitted"}, 6'000, false);
  REQUIRE(log->cut_off(match, {3}));
  CHECK(values({2}) == strings{"c"});
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(log_fixture, "a trim that was cut short is taken up") {
  for (auto i = 0; i < 5; ++i)
    append({std::to_string(i)});
  auto left = 1;
  auto did = log->trim(match, {4}, steps(left));
  REQUIRE(did);
  CHECK_FALSE(did->finished);
  CHECK(log->log_start(match) == offset{4});
  CHECK(values({4}) == strings{"4"});
  CHECK((*log->first_stored(match))->base == offset{1});
  reopen();
  CHECK(verify().problems.empty());
  open();
  CHECK(log->log_start(match) == offset{4});
  left = 100;
  did = log->trim(match, {0}, steps(left));
  REQUIRE(did);
  CHECK(did->finished);
  CHECK(did->batches == 3);
  CHECK((*log->first_stored(match))->base == offset{4});
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(log_fixture, "terms that are over go with their records") {
  append({"a"});
  REQUIRE(log->start_term(match, 3));
  append({"b"});
  append({"c"});
  REQUIRE(log->start_term(match, 5));
  append({"d"});
  using terms = std::vector<std::pair<std::uint64_t, offset>>;
  CHECK(log->terms(match) == terms{{0, {0}}, {3, {1}}, {5, {3}}});
  REQUIRE(log->trim(match, {2}));
  CHECK(log->terms(match) == terms{{3, {1}}, {5, {3}}});
  CHECK(verify().problems.empty());
  open();
  REQUIRE(log->trim(match, {4}));
  CHECK(log->terms(match) == terms{{5, {3}}});
  append({"e"});
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(
  log_fixture, "a batch that vanishes behind the log start is missed") {
  append({"first record"});
  append({"second record"});
  append({"third record"});
  REQUIRE(log->trim(match, {1}));
  // The anchor moved on: the batch that is now the first is chained to it.
  auto table = partition_table(log->find_topic("match")->id, match.partition);
  edit(table, [](MDB_txn* transaction, MDB_dbi entries) {
    auto name = offset_key({1});
    MDB_val key{name.size(), name.data()};
    REQUIRE(mdb_del(transaction, entries, &key, nullptr) == 0);
  });
  auto report = verify();
  REQUIRE(report.problems.size() == 1);
  CHECK(report.problems[0].what == "the records up to 2 are missing");
}

TEST_CASE_METHOD(log_fixture, "the file does not grow while as much goes") {
  std::string value(20'000, 'x');
  std::uint64_t after_some = 0;
  for (auto i = 0u; i < 400; ++i) {
    append({value + std::to_string(i)});
    if (i >= 20)
      REQUIRE(log->trim(match, {i - 20}));
    if (i == 100)
      after_some = log->usage().used_bytes;
  }
  CHECK(log->usage().used_bytes <= after_some);
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(log_fixture, "a survey tells of batches without their bytes") {
  append({"a", "b"}, 1'000);
  append({"c"}, 2'000);
  append({"hidden"}, 3'000, false);
  auto all = log->survey(match, {1}, 10);
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK((*all)[0].base == offset{0});
  CHECK((*all)[0].next == offset{2});
  CHECK((*all)[1].max_timestamp_ms == 2'000);
  CHECK((*all)[1].bytes > 60);
  CHECK(log->survey(match, {0}, 1)->size() == 1);
  CHECK(log->survey(match, {3}, 10)->empty());
  CHECK(log->survey(match, {9}, 10).error().code == fault::not_found);
  CHECK(*log->stored_bytes(match) >= 4096);
}

} // namespace herald
