#include "engine/log/log_writer.hpp"
#include "engine/log/producer_state.hpp"
#include "tests/log/fixture.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace herald;

namespace {

using strings = std::vector<std::string>;

struct producer_fixture : log_fixture {
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

TEST_CASE_METHOD(producer_fixture, "producer ids are given out once") {
  CHECK(log->allocate_producer_ids(1'000).value() == 0);
  CHECK(log->allocate_producer_ids(1).value() == 1'000);
  reopen();
  CHECK(log->allocate_producer_ids(1).value() == 1'001);
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
