#include "engine/log/archive.hpp"
#include "engine/log/checked_row.hpp"
#include "engine/log/log_tables.hpp"
#include "engine/log/log_writer.hpp"
#include "engine/log/producer_state.hpp"
#include "tests/log/fixture.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace herald;

namespace {

using strings = std::vector<std::string>;

struct producer_fixture : log_fixture {
  /// What verify says, one line each, after the producer's row was changed to
  /// another state, or removed where there is none.
  strings problems_with(
    const std::optional<producer_state>& state, std::int64_t producer = 7) {
    auto key = producer_key(log->find_topic("match")->id, 0, producer);
    auto row = state ? with_row_check(key, state->encode()) : bytes{};
    edit(producers_table, [&](MDB_txn* transaction, MDB_dbi table) {
      MDB_val name{key.size(), key.data()};
      MDB_val value{row.size(), row.data()};
      REQUIRE((state ? mdb_put(transaction, table, &name, &value, 0)
                     : mdb_del(transaction, table, &name, nullptr))
        == 0);
    });
    strings lines;
    for (auto& problem : verify().problems)
      lines.push_back(to_string(problem));
    open();
    CHECK(live_problems() == lines);
    return lines;
  }

  /// The same of the log while it is open.
  strings live_problems() const {
    auto report = verify_open_log(*log);
    REQUIRE(report);
    strings lines;
    for (auto& problem : report->problems)
      lines.push_back(to_string(problem));
    return lines;
  }

  append_item send(const strings& values, std::int32_t sequence,
    std::int16_t epoch = 0, std::int64_t producer = 7, bool visible = true) {
    append_item item{.where = match, .batch = batch_of(values)};
    set_producer(item.batch, producer, epoch, sequence);
    REQUIRE(log->append({&item, 1}, visible));
    return item;
  }

  fault refusal_of(const append_item& item) {
    REQUIRE(item.refused);
    return item.refused->code;
  }
};

} // namespace

TEST_CASE_METHOD(
  producer_fixture, "a batch that is sent again is stored once") {
  send({"a", "b"}, 0);
  append({"foreign"});
  send({"c"}, 2);
  auto again = send({"a", "b"}, 0);
  CHECK(again.duplicate);
  CHECK(again.first == offset{0});
  CHECK(again.next == offset{2});
  CHECK(values() == strings{"a", "b", "foreign", "c"});
}

TEST_CASE_METHOD(
  producer_fixture, "what was sent is remembered over a restart") {
  send({"a", "b"}, 0);
  reopen();
  CHECK(send({"a", "b"}, 0).duplicate);
  CHECK_FALSE(send({"c"}, 2).duplicate);
  CHECK(values() == strings{"a", "b", "c"});
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(producer_fixture, "a gap in the sequence is refused") {
  send({"a"}, 0);
  CHECK(refusal_of(send({"c"}, 2)) == fault::out_of_order);
  CHECK_FALSE(send({"b"}, 1).refused);
  CHECK(values() == strings{"a", "b"});
}

TEST_CASE_METHOD(
  producer_fixture, "a batch older than the last five is out of order") {
  for (auto i = 0; i < 6; ++i)
    send({std::to_string(i)}, i);
  CHECK(send({"1"}, 1).duplicate);
  CHECK(refusal_of(send({"0"}, 0)) == fault::out_of_order);
}

TEST_CASE_METHOD(
  producer_fixture, "a new epoch begins at zero and ends the old") {
  send({"a"}, 0);
  CHECK(refusal_of(send({"b"}, 1, 1)) == fault::out_of_order);
  CHECK_FALSE(send({"b"}, 0, 1).refused);
  CHECK(refusal_of(send({"c"}, 1, 0)) == fault::fenced);
  CHECK(values() == strings{"a", "b"});
}

TEST_CASE_METHOD(
  producer_fixture, "an unknown producer may begin anywhere (KIP-360)") {
  CHECK_FALSE(send({"a"}, 41).refused);
  CHECK_FALSE(send({"b"}, 42).refused);
}

TEST_CASE_METHOD(
  producer_fixture, "the sequence goes on at zero after its end") {
  constexpr auto last = std::numeric_limits<std::int32_t>::max();
  send({"a", "b"}, last - 1);
  CHECK_FALSE(send({"c"}, 0).refused);
  send({"d", "e"}, 1);
  CHECK(send({"a", "b"}, last - 1).duplicate);
  send({"x"}, last, 0, 8);
  CHECK_FALSE(send({"y"}, 0, 0, 8).refused);
  CHECK(values() == strings{"a", "b", "c", "d", "e", "x", "y"});
}

TEST_CASE_METHOD(
  producer_fixture, "a batch across the end of the sequence is one batch") {
  constexpr auto last = std::numeric_limits<std::int32_t>::max();
  send({"a", "b", "c"}, last);
  CHECK_FALSE(send({"d"}, 2).refused);
}

TEST_CASE_METHOD(
  producer_fixture, "one refused batch leaves the rest of its group in") {
  std::vector<append_item> group;
  for (auto sequence : {0, 1, 3, 1, 2}) {
    append_item item{
      .where = match, .batch = batch_of({std::to_string(sequence)})};
    set_producer(item.batch, 7, 0, sequence);
    group.push_back(std::move(item));
  }
  group.push_back({.where = match, .batch = batch_of({"other"})});
  REQUIRE(log->append(group));
  CHECK(refusal_of(group[2]) == fault::out_of_order);
  CHECK(group[3].duplicate);
  CHECK(group[3].first == offset{1});
  CHECK(group[5].first == offset{3});
  CHECK(values() == strings{"0", "1", "2", "other"});
}

TEST_CASE_METHOD(producer_fixture,
  "what is cut off is forgotten, so that it can be sent again") {
  send({"a"}, 0);
  send({"b"}, 1, 0, 7, false);
  send({"n"}, 0, 0, 9, false);
  REQUIRE(log->cut_off(match, {1}));
  CHECK_FALSE(send({"b"}, 1).duplicate);
  CHECK_FALSE(send({"n"}, 0, 0, 9).duplicate);
  CHECK(values() == strings{"a", "b", "n"});
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(producer_fixture,
  "when the last five are cut off, those before them are remembered") {
  for (auto i = 0; i < 4; ++i)
    send({std::to_string(i)}, i);
  append({"foreign"});
  for (auto i = 4; i < 9; ++i)
    send({std::to_string(i)}, i, 0, 7, false);
  send({"n"}, 0, 0, 9, false);
  REQUIRE(log->cut_off(match, {5}));
  CHECK(verify().problems.empty());
  reopen();
  CHECK(refusal_of(send({"5"}, 5)) == fault::out_of_order);
  auto again = send({"0"}, 0);
  CHECK(again.duplicate);
  CHECK(again.first == offset{0});
  CHECK_FALSE(send({"4"}, 4).duplicate);
  CHECK(values() == strings{"0", "1", "2", "3", "foreign", "4"});
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(producer_fixture,
  "when a whole epoch is cut off, the one before it goes on") {
  for (auto i = 0; i < 7; ++i)
    send({std::to_string(i)}, i);
  send({"x"}, 0, 1, 7, false);
  REQUIRE(log->cut_off(match, {7}));
  CHECK(verify().problems.empty());
  reopen();
  CHECK(send({"2"}, 2).duplicate);
  CHECK(refusal_of(send({"1"}, 1)) == fault::out_of_order);
  CHECK_FALSE(send({"7"}, 7).refused);
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(producer_fixture, "producer ids are given out once") {
  CHECK(log->allocate_producer_ids(1'000).value() == 0);
  CHECK(log->allocate_producer_ids(1).value() == 1'000);
  reopen();
  CHECK(log->allocate_producer_ids(1).value() == 1'001);
}

TEST_CASE_METHOD(
  producer_fixture, "verify compares what is remembered with what is stored") {
  for (auto i = 0; i < 3; ++i)
    send({std::to_string(i)}, i);
  send({"other"}, 0, 0, 9);
  producer_state state;
  auto remember = [&](std::int32_t sequence, std::uint64_t at,
                    std::int64_t time = 1'000, std::int16_t epoch = 0) {
    state.remember({.producer_id = 7,
                     .epoch = epoch,
                     .first_sequence = sequence,
                     .last_sequence = sequence},
      {at}, time);
  };
  remember(0, 0);
  remember(1, 1);
  SECTION("a batch that is missing at the end") {
    CHECK(problems_with(state)
      == strings{"match/0@2: producer 7: this batch of it is not remembered as "
                 "it is stored"});
  }
  SECTION("one that is missing at the start") {
    state = {};
    remember(1, 1);
    remember(2, 2);
    CHECK(problems_with(state)
      == strings{"match/0@0: producer 7: this batch of it is not remembered as "
                 "it is stored"});
  }
  SECTION("one with another sequence") {
    remember(3, 2);
    CHECK(problems_with(state)
      == strings{"match/0@2: producer 7: this batch of it is not remembered as "
                 "it is stored"});
  }
  SECTION("one that was never stored") {
    remember(2, 2);
    remember(3, 3);
    CHECK(problems_with(state)
      == strings{"match/0@3: producer 7: a batch of it is remembered here that "
                 "is not stored"});
  }
  SECTION("another epoch") {
    state = {};
    remember(0, 2, 1'000, 1);
    CHECK(problems_with(state)
      == strings{"match/0@2: producer 7: a batch of it is remembered here that "
                 "is not stored"});
    send({"a"}, 0, 2);
    state = {};
    remember(2, 2);
    CHECK(problems_with(state)
      == strings{
        "match/0@4: producer 7: its epoch 0 is remembered, 2 is stored"});
  }
  SECTION("another record time") {
    remember(2, 2, 999);
    CHECK(problems_with(state)
      == strings{"match/0@2: producer 7: another record time of its last batch "
                 "is remembered"});
  }
  SECTION("nothing") {
    CHECK(problems_with({})
      == strings{"match/0@2: producer 7: nothing is remembered of it"});
    CHECK(problems_with(producer_state{}).size() == 1);
  }
  SECTION("a producer that never was") {
    remember(2, 2);
    CHECK(problems_with(state, 8).size() == 1);
  }
  SECTION("what is right") {
    remember(2, 2);
    CHECK(problems_with(state).empty());
  }
}

TEST_CASE_METHOD(producer_fixture,
  "what is trimmed or compacted away may still be remembered") {
  auto keyed = [&](std::string_view key, std::int32_t sequence,
                 std::int64_t producer = 7) {
    batch_builder batch{1'000 + sequence};
    batch.add(bytes_view{key}, bytes_view{"v"}, 1'000 + sequence);
    append_item item{.where = match, .batch = batch.finish()};
    set_producer(item.batch, producer, 0, sequence);
    REQUIRE(log->append({&item, 1}));
    REQUIRE_FALSE(item.refused);
  };
  for (auto i = 0; i < 12; ++i)
    keyed(i % 3 == 0 ? "a" : "b", i);
  keyed("a", 0, 9);
  keyed("b", 0, 10);
  SECTION("compacted") {
    REQUIRE(log->compact(match, 10'000, {.even_if_clean = true}));
    CHECK(verify().problems.empty());
    open();
    for (auto i = 12; i < 19; ++i)
      keyed(i % 3 == 0 ? "a" : "b", i);
    CHECK(verify().problems.empty());
    open();
    REQUIRE(log->compact(match, 10'000, {.even_if_clean = true}));
    CHECK(verify().problems.empty());
  }
  SECTION("archived and detached") {
    for (auto up_to : {6, 12}) {
      REQUIRE(log->archive(match, {static_cast<std::uint64_t>(up_to)}, {}));
      CHECK(live_problems().empty());
    }
    keyed("b", 12);
    while (!log->segments(match).empty()) {
      REQUIRE(log->detach_segment(log->segments(match).front().file));
      CHECK(live_problems().empty());
    }
    CHECK(verify().problems.empty());
  }
  SECTION("trimmed") {
    for (auto up_to : {9, 13, 14}) {
      REQUIRE(log->trim(match, {static_cast<std::uint64_t>(up_to)}));
      CHECK(verify().problems.empty());
      open();
    }
    keyed("b", 12);
    CHECK(verify().problems.empty());
    open();
    producer_state state;
    state.remember(
      {.producer_id = 7, .epoch = 0, .first_sequence = 11, .last_sequence = 11},
      {11}, 1'011);
    CHECK(problems_with(state).size() == 1);
  }
}

TEST_CASE("a producer's state has the bytes that are written down") {
  producer_state state;
  state.remember(
    {.producer_id = 7, .epoch = 0, .first_sequence = 0, .last_sequence = 9},
    {100}, 1'000);
  auto golden = std::string{"\x01\0\0\0\0\0\0\0\0\x03\xe8\x01"
                            "\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\x64",
    28};
  CHECK(state.encode() == golden);
  CHECK(producer_state::decode(golden).value() == state);
  for (std::size_t size = 0; size < golden.size(); ++size)
    CHECK_FALSE(producer_state::decode(golden.substr(0, size)));
  golden[0] = 2;
  CHECK(producer_state::decode(golden).error().code == fault::version);
}

TEST_CASE_METHOD(
  producer_fixture, "the writer tells a producer how its batch ended") {
  log_writer writer{*log, {.own_thread = false}};
  std::vector<append_outcome> outcomes;
  for (auto sequence : {0, 0, 5}) {
    auto batch = batch_of({"a"});
    set_producer(batch, 7, 0, sequence);
    writer.append(match, batch,
      [&](const append_outcome& ended) { outcomes.push_back(ended); });
  }
  writer.turn();
  REQUIRE(outcomes.size() == 3);
  CHECK(outcomes[0].value() == outcomes[1].value());
  CHECK(outcomes[2].error().code == fault::out_of_order);
}
