#include "engine/log/checked_row.hpp"
#include "engine/log/entry.hpp"

#include "engine/log/log_tables.hpp"
#include "tests/log/fixture.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

// The portable XXH3, to hold the processor's instructions against.
#define XXH_INLINE_ALL
#define XXH_VECTOR 0
#include <xxhash.h>

#include <algorithm>

namespace herald {

namespace {

std::string hex(bytes_view data) {
  std::string text;
  for (auto byte : data)
    text += fmt::format("{:02x}", static_cast<std::uint8_t>(byte));
  return text;
}

uuid some_uuid() {
  uuid id;
  for (std::uint8_t i = 0; i < 16; ++i)
    id.value[i] = i;
  return id;
}

} // namespace

TEST_CASE("an entry has the bytes that its grammar says") {
  auto batch = batch_of({"v"}, 1'700'000'000'000);
  set_base_offset(batch, {7});
  set_leader_epoch(batch, 3);
  bytes entry(entry_header_bytes + batch.size(), '\0');
  auto anchor = first_anchor(some_uuid().value, 2);
  auto chain = write_entry(entry.data(), 3, batch, anchor);
  CHECK(hex(entry)
    == "0100000000000000"                 // version, codec, zeros
       "0000000000000003"                 // term
       "a6e792a77bd5641a1bc03fb2f0bdea11" // chain
       "0000000000000007"                 // the batch: base offset,
       "0000003c00000003"                 // length, leader epoch,
       "026b77cd380000"                   // magic, CRC, attributes,
       "00000000"                         // last offset delta,
       "0000018bcfe56800"                 // base and
       "0000018bcfe56800"                 // max timestamp,
       "ffffffffffffffffffffffffffff"     // no producer,
       "00000001"                         // one record:
       "14000000066b6579027600");
  CHECK(told_chain(entry) == chain);
  CHECK(chain_of(entry, anchor) == chain);
  auto read = read_entry(entry, {7});
  REQUIRE(read);
  CHECK(read->term == 3);
  CHECK(read->chain == chain);
  CHECK(read->batch.data() == batch);
}

TEST_CASE("the chain is the same on every processor") {
  auto anchor = first_anchor(some_uuid().value, 2);
  for (std::size_t size : {1u, 100u, 1'000u, 10'000u, 300'000u}) {
    auto batch = batch_of({std::string(size, 'x')});
    bytes entry(entry_header_bytes + batch.size(), '\0');
    auto chain = write_entry(entry.data(), 3, batch, anchor);
    CHECK(chain_of(entry, anchor) == chain);
    auto hashed = entry;
    std::ranges::copy(anchor, hashed.begin() + 16);
    XXH128_canonical_t portable;
    XXH128_canonicalFromHash(
      &portable, XXH3_128bits(hashed.data(), hashed.size()));
    CHECK(std::ranges::equal(portable.digest, chain));
  }
}

TEST_CASE("an entry is refused for any bit that is wrong") {
  auto batch = batch_of({"value"});
  bytes entry(entry_header_bytes + batch.size(), '\0');
  chain_hash anchor{};
  auto chain = write_entry(entry.data(), 0, batch, anchor);
  REQUIRE(read_entry(entry, {0}));
  for (std::size_t bit = 0; bit < entry.size() * 8; ++bit) {
    auto wrong = entry;
    wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << bit % 8));
    auto read = read_entry(wrong, {0});
    auto chained = told_chain(wrong) == chain
      && chain_of(wrong, anchor) == told_chain(wrong);
    CHECK_FALSE((read && chained));
    CHECK_FALSE(chained);
  }
  for (std::size_t size = 0; size < entry.size(); ++size)
    CHECK_FALSE(read_entry(bytes_view{entry}.substr(0, size), {0}));
  CHECK_FALSE(read_entry(entry, {1}));
}

TEST_CASE("an entry of a newer version is told from a damaged one") {
  auto batch = batch_of({"v"});
  bytes entry(entry_header_bytes + batch.size(), '\0');
  write_entry(entry.data(), 0, batch, {});
  entry[0] = 2;
  CHECK(read_entry(entry, {0}).error().code == fault::version);
  entry[0] = 0;
  CHECK(read_entry(entry, {0}).error().code == fault::damaged);
}

TEST_CASE("the table values have the bytes that their grammar says") {
  topic_info topic{"match", some_uuid(), 5, 32};
  CHECK(hex(encode_topic(topic))
    == "01000102030405060708090a0b0c0d0e0f0000000500000020");
  CHECK(decode_topic("match", encode_topic(topic)) == topic);

  partition_numbers numbers{.log_start = {1},
    .log_end = {9},
    .committed_end = {8},
    .term = 4,
    .last_term = 3,
    .last_timestamp_ms = 1'700'000'000'000};
  numbers.anchor.fill(0xaa);
  numbers.head.fill(0xbb);
  CHECK(hex(encode_numbers(numbers))
    == "01"
       "0000000000000001"
       "0000000000000009"
       "0000000000000008"
       "0000000000000004"
       "0000000000000003"
       "0000018bcfe56800"
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
       "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
  CHECK(decode_numbers(encode_numbers(numbers)) == numbers);
  CHECK(
    partition_table(some_uuid(), 31) == "000102030405060708090a0b0c0d0e0f/31");
}

TEST_CASE("table values that are newer, cut off or contradict are refused") {
  topic_info topic{"match", some_uuid(), 5, 32};
  auto value = encode_topic(topic);
  CHECK(
    decode_topic("match", value.substr(0, 24)).error().code == fault::damaged);
  value[0] = 3;
  CHECK(decode_topic("match", value).error().code == fault::version);
  partition_numbers numbers{.log_end = {1}, .committed_end = {2}};
  CHECK(decode_numbers(encode_numbers(numbers)).error().code == fault::damaged);
  CHECK(decode_numbers("").error().code == fault::damaged);
}

TEST_CASE("the check of a row is that of its key and value") {
  auto stored = with_row_check("cluster", "abc");
  CHECK(hex(stored) == "616263eb2907a86026d097");
  CHECK(without_row_check("cluster", stored) == "abc");
  CHECK(without_row_check("cluste", stored).error().code == fault::damaged);
  CHECK(without_row_check("cluster", "abc").error().code == fault::damaged);
  for (auto& byte : stored) {
    byte ^= 4;
    CHECK_FALSE(without_row_check("cluster", stored));
    byte ^= 4;
  }
}

} // namespace herald
