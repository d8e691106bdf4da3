#include "protocol/schema/avro.hpp"

#include "tests/schema/samples.hpp"

#include <catch2/catch.hpp>

#include <cstdio>

using namespace herald;
using namespace std::string_literals;

namespace {

std::string hex(bytes_view data) {
  std::string text;
  for (const unsigned char byte : data) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

HERALD_RECORD(
  number, "herald.sample", "Number", "One number.", (std::int64_t, x, "It."));

HERALD_RECORD(small_number, "herald.sample", "SmallNumber", "One number.",
  (std::int32_t, x, "It."));

HERALD_RECORD(with_defaults, "herald.sample", "WithDefaults", "Defaults.",
  (std::int32_t, revision, "An int.", 1),
  (binary, key, "Bytes.", (binary{"\x01\xff"})),
  (std::vector<std::int32_t>, list, "A list.", {}),
  (samples::objective, bounty, "A record.", (samples::objective{true, 2})),
  (std::optional<samples::objective>, other, "An optional."));

} // namespace

TEST_CASE("the schema of a record has a fixed text") {
  CHECK(avro_schema(type_of<samples::team>())
    == R"({"type":"record","name":"Team","namespace":"herald.sample",)"
       R"("doc":"What a team has.","fields":[)"
       R"({"name":"teamId","type":"int","doc":"100 for blue, 200 for red."},)"
       R"({"name":"baron","type":{"type":"record","name":"Objective",)"
       R"("namespace":"herald.sample",)"
       R"("doc":"One kind of objective, as one team took it.","fields":[)"
       R"({"name":"first","type":"boolean",)"
       R"("doc":"Whether this team took the first one."},)"
       R"({"name":"kills","type":"int","doc":"How many this team took."}]},)"
       R"("doc":"Barons."},)"
       R"({"name":"atakhan","type":["null","herald.sample.Objective"],)"
       R"("doc":"Atakhans, where there are any.","default":null},)"
       R"({"name":"others","type":{"type":"array",)"
       R"("items":"herald.sample.Objective"},"doc":"The rest."}]})");
}

TEST_CASE("defaults are part of a schema") {
  CHECK(avro_schema(type_of<with_defaults>())
    == R"({"type":"record","name":"WithDefaults",)"
       R"("namespace":"herald.sample","doc":"Defaults.","fields":[)"
       R"({"name":"revision","type":"int","doc":"An int.","default":1},)"
       R"({"name":"key","type":"bytes","doc":"Bytes.",)"
       "\"default\":\"\\u0001\u00ff\"},"
       R"({"name":"list","type":{"type":"array","items":"int"},)"
       R"("doc":"A list.","default":[]},)"
       R"({"name":"bounty","type":{"type":"record","name":"Objective",)"
       R"("namespace":"herald.sample",)"
       R"("doc":"One kind of objective, as one team took it.","fields":[)"
       R"({"name":"first","type":"boolean",)"
       R"("doc":"Whether this team took the first one."},)"
       R"({"name":"kills","type":"int","doc":"How many this team took."}]},)"
       R"("doc":"A record.","default":{"first":true,"kills":2}},)"
       R"({"name":"other","type":["null","herald.sample.Objective"],)"
       R"("doc":"An optional.","default":null}]})");
}

TEST_CASE("Avro integers are zigzag varints") {
  const std::pair<std::int64_t, std::string_view> vectors[] = {
    {0, "00"},
    {-1, "01"},
    {1, "02"},
    {-64, "7f"},
    {64, "8001"},
    {-65, "8101"},
    {INT64_MAX, "feffffffffffffffff01"},
    {INT64_MIN, "ffffffffffffffffff01"},
  };
  for (const auto& [value, text] : vectors) {
    const auto data = avro_encode(number{value});
    CHECK(hex(data) == text);
    CHECK(avro_decode<number>(data) == number{value});
  }
}

TEST_CASE("every kind of field has its Avro bytes") {
  samples::everything x;
  x.truth = true;
  x.small = -2;
  x.large = 300;
  x.single = 1.5f;
  x.real = -0.25;
  x.text = "é";
  x.raw = {"\0\xff"s};
  x.list = {1, 2};
  x.words = {"a"};
  x.challenges = {{"k", 1}};
  x.tally = {{"b", 2}, {"a", 1}};
  x.ours = {100, {true, 3}, samples::objective{false, 1}, {}};
  x.maybeLarge = 5;
  x.gaps = {std::nullopt, 7};
  CHECK(hex(avro_encode(x))
    == "01"
       "03"
       "d804"
       "0000c03f"
       "000000000000d0bf"
       "04c3a9"
       "0400ff"
       "04020400"
       "02026100"
       "02026b000000000000f03f00"
       "040261020262"
       "0400"
       "c801"
       "0106"
       "020002"
       "00" // ours
       "00"
       "00" // teams, named
       "00"
       "020a"
       "00"
       "00"
       "00"
       "00"
       "00"
       "00"
       "0400020e00"
       "02"
       "10612022"
       "66696c6522"
       "000000000000d03f"
       "01"
       "0401ff"
       "00"
       "0104");
  CHECK(avro_decode<samples::everything>(avro_encode(x)) == x);
}

TEST_CASE("arrays come in blocks of any size, with or without lengths") {
  const auto read
    = [](bytes_view data) { return avro_decode<with_defaults>(data); };
  const auto rest = "\x01\x04\0"s; // bounty, other
  with_defaults wanted;
  wanted.list = {1, 2, 3};
  const auto start = "\x02\x04\x01\xff"s; // revision, key
  CHECK(read(start + "\x06\x02\x04\x06\0"s + rest) == wanted);
  CHECK(read(start + "\x02\x02\x04\x04\x06\0"s + rest) == wanted);
  CHECK(read(start + "\x05\x06\x02\x04\x06\0"s + rest) == wanted);
  CHECK(!read(start + "\x05\x7e\x02\x04\x06\0"s + rest));
}

TEST_CASE("bytes that break the rules of Avro are refused with place and why") {
  const auto number_problem = [](bytes_view data) {
    return avro_decode<small_number>(data).error().message;
  };
  const auto start
    = "cannot read Avro data as herald.sample.SmallNumber, at byte "s;
  CHECK(number_problem("") == start + "0: the data ends too early");
  CHECK(number_problem("\x80") == start + "1: the data ends too early");
  CHECK(
    number_problem("\x02\x02") == start + "1: bytes are left over at the end");
  CHECK(number_problem("\x80\x80\x80\x80\x10")
    == start + "5: an int has more than 32 bits");
  CHECK(number_problem("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")
    == start + "10: an integer has more than 64 bits");

  const auto problem = [](bytes_view data) {
    return avro_decode<with_defaults>(data).error().message;
  };
  CHECK(problem("\x02\x03").ends_with("a length is negative"));
  CHECK(
    problem("\x02\x08").ends_with("a length goes beyond the end of the data"));
  CHECK(problem("\x02\0\0\x02"s).ends_with("a boolean is neither 0 nor 1"));
  CHECK(
    problem("\x02\0\0\x01\x02\x04"s).ends_with("a union has no such branch"));
}
