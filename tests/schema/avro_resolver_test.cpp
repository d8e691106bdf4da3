#include "protocol/schema/avro.hpp"
#include "protocol/schema/json.hpp"
#include "tests/schema/samples.hpp"

#include <catch2/catch.hpp>

using namespace herald;
using namespace std::string_literals;

namespace {

HERALD_RECORD(wide_numbers, "herald.sample", "Numbers", "Widened since.",
  (std::int64_t, a, "Was an int."), (float, b, "Was an int."),
  (double, c, "Was a long."), (double, d, "Was a float."),
  (float, e, "Was a long."));

HERALD_RECORD(texts, "herald.sample", "Texts", "Changed sides.",
  (std::string, a, "Was bytes."), (binary, b, "Was a string."));

HERALD_RECORD(today, "herald.sample", "Today", "As it is today.",
  (std::int32_t, kept, "Always there."),
  (std::optional<std::int64_t>, maybe, "May be absent."),
  (std::string, added, "Has a default.", "new"),
  (std::vector<samples::objective>, list, "Records.", {}),
  (samples::counts, tally, "A map.", {}));

/// Reads data of a writer's schema; gives the value as JSON, or the failure.
template <class T>
std::string read(std::string_view schema, bytes_view data) {
  const auto resolver = avro_resolver::make(schema, type_of<T>());
  if (!resolver)
    return "make: " + resolver.error().message;
  const auto value = resolver->template decode<T>(data);
  return value ? json_encode(*value) : "decode: " + value.error().message;
}

std::string record(std::string_view name, std::string_view fields) {
  return R"({"type":"record","name":")" + std::string{name} + R"(","fields":[)"
    + std::string{fields} + "]}";
}

std::string today_of(std::string_view fields) {
  return record("Today", fields);
}

const std::string kept = R"({"name":"kept","type":"int"})";

} // namespace

TEST_CASE("numbers widen as far as Avro lets them") {
  const auto schema = record("Numbers",
    R"({"name":"a","type":"int"},{"name":"b","type":"int"},
       {"name":"c","type":"long"},{"name":"d","type":"float"},
       {"name":"e","type":"long"})");
  CHECK(read<wide_numbers>(schema, "\x01\x04\x06\0\0\0\x3f\x08"s)
    == R"({"a":-1,"b":2,"c":3,"d":0.5,"e":4})");
}

TEST_CASE("numbers never narrow") {
  for (const auto& [writer, name] :
    {std::pair{"long", "int"}, {"float", "int"}, {"double", "int"}}) {
    const auto schema
      = today_of(R"({"name":"kept","type":")"s + writer + "\"}");
    CHECK(read<today>(schema, "")
      == "make: the writer's schema does not fit herald.sample.Today: kept: "
         "a writer's "s
        + writer + " cannot be read as " + name);
  }
}

TEST_CASE("strings and bytes pass for each other") {
  const auto schema = record(
    "Texts", R"({"name":"a","type":"bytes"},{"name":"b","type":"string"})");
  CHECK(read<texts>(schema, "\x04hi\x02y") == R"({"a":"hi","b":"eQ=="})");
}

TEST_CASE("what the writer lacked takes its default or stays absent") {
  CHECK(read<today>(today_of(kept), "\x0e")
    == R"({"kept":7,"added":"new","list":[],"tally":{}})");
}

TEST_CASE("what the writer lacked and has no default is refused") {
  CHECK(read<today>(today_of(""), "")
    == "make: the writer's schema does not fit herald.sample.Today: "
       "Today of the writer lacks kept, which has no default");
}

TEST_CASE("what the reader lacks is skipped, whatever it is") {
  const std::pair<std::string_view, bytes> cases[] = {
    {R"("null")", ""s},
    {R"("boolean")", "\x01"s},
    {R"("int")", "\x80\x01"s},
    {R"("long")", "\x80\x80\x80\x80\x80\x80\x80\x01"s},
    {R"("float")", "\0\0\0\0"s},
    {R"("double")", "\0\0\0\0\0\0\0\0"s},
    {R"("string")", "\x04hi"s},
    {R"("bytes")", "\x02\xff"s},
    {R"({"type":"fixed","name":"F","size":3})", "abc"s},
    {R"({"type":"enum","name":"E","symbols":["A","B"]})", "\x02"s},
    {R"({"type":"array","items":"int"})", "\x04\x02\x04\0"s},
    {R"({"type":"array","items":"int"})", "\x03\x04\x02\x04\0"s},
    {R"({"type":"map","values":"int"})", "\x02\x02k\x04\0"s},
    {R"(["null","string"])", "\x02\x02x"s},
    {R"({"type":"record","name":"R","fields":[
          {"name":"a","type":"int"},{"name":"b","type":["null","R"]}]})",
      "\x02\x02\x04\0"s},
    {R"({"type":"int","logicalType":"date"})", "\x02"s},
  };
  for (const auto& [type, data] : cases) {
    INFO(type);
    const auto schema
      = today_of(R"({"name":"old","type":)" + std::string{type} + "}," + kept);
    CHECK(read<today>(schema, data + "\x0e")
      == R"({"kept":7,"added":"new","list":[],"tally":{}})");
  }
}

TEST_CASE("fields are matched by name, not by place") {
  const auto schema = today_of(
    R"({"name":"tally","type":{"type":"map","values":"int"}},
       {"name":"added","type":"string"},)"
    + kept);
  CHECK(read<today>(schema, "\x02\x02k\x04\0\x06old\x0e"s)
    == R"({"kept":7,"added":"old","list":[],"tally":{"k":2}})");
}

TEST_CASE("a plain field may become optional") {
  const auto schema = today_of(R"({"name":"maybe","type":"int"},)" + kept);
  CHECK(read<today>(schema, "\x08\x0e")
    == R"({"kept":7,"maybe":4,"added":"new","list":[],"tally":{}})");
  const auto always_null
    = today_of(R"({"name":"maybe","type":"null"},)" + kept);
  CHECK(read<today>(always_null, "\x0e")
    == R"({"kept":7,"added":"new","list":[],"tally":{}})");
}

TEST_CASE("unions are resolved branch by branch") {
  const auto schema = today_of(
    R"({"name":"maybe","type":["string","long","null","int"]},)" + kept);
  const auto with_maybe = R"({"kept":7,"maybe":4,"added":"new","list":[],)"
                          R"("tally":{}})"s;
  CHECK(read<today>(schema, "\x02\x08\x0e") == with_maybe);
  CHECK(read<today>(schema, "\x06\x08\x0e") == with_maybe);
  CHECK(read<today>(schema, "\x04\x0e")
    == R"({"kept":7,"added":"new","list":[],"tally":{}})");
  CHECK(read<today>(schema, "\0\x02x\x0e"s)
    == "decode: cannot read Avro data of the writer's schema, at byte 1: "
       "maybe: a writer's string cannot be read as long");
  CHECK(read<today>(schema, "\x08\x0e")
    == "decode: cannot read Avro data of the writer's schema, at byte 1: "
       "a union has no such branch");
}

TEST_CASE("an optional field may become plain, as long as it was there") {
  const auto schema = today_of(R"({"name":"kept","type":["null","int"]})");
  CHECK(read<today>(schema, "\x02\x0e")
    == R"({"kept":7,"added":"new","list":[],"tally":{}})");
  CHECK(read<today>(schema, "\0"s)
    == "decode: cannot read Avro data of the writer's schema, at byte 1: "
       "kept: a writer's null cannot be read as int");
}

TEST_CASE("a union of which nothing fits is refused at once") {
  const auto schema = today_of(R"({"name":"kept","type":["null","string"]})");
  CHECK(read<today>(schema, "")
    == "make: the writer's schema does not fit herald.sample.Today: kept: "
       "a writer's string cannot be read as int");
}

TEST_CASE("records inside are resolved too, and refer to each other") {
  const auto schema = today_of(
    R"({"name":"first","type":{"type":"record","name":"Objective",
         "namespace":"herald.old","fields":[
           {"name":"kills","type":"int"},{"name":"gone","type":"string"},
           {"name":"first","type":"boolean"}]}},
       {"name":"list","type":{"type":"array","items":"herald.old.Objective"}},)"
    + kept);
  const auto objective = "\x06\x02x\x01"s;
  CHECK(read<today>(schema, objective + "\x02" + objective + "\0\x0e"s)
    == R"({"kept":7,"added":"new","list":[{"first":true,"kills":3}],)"
       R"("tally":{}})");
}

TEST_CASE("records match by their names without namespace") {
  const auto other = record("Tomorrow", kept);
  CHECK(read<today>(other, "\x0e")
    == "make: the writer's schema does not fit herald.sample.Today: "
       "a writer's record Tomorrow cannot be read as herald.sample.Today");
  CHECK(read<today>(record("somewhere.else.Today", kept), "\x0e")
    == R"({"kept":7,"added":"new","list":[],"tally":{}})");
}

TEST_CASE("a schema that is a union of records finds its branch") {
  const auto schema = "[" + record("Other", R"({"name":"x","type":"int"})")
    + "," + today_of(kept) + "]";
  CHECK(read<today>(schema, "\x02\x0e")
    == R"({"kept":7,"added":"new","list":[],"tally":{}})");
  CHECK(read<today>(schema, "\0\x02"s).starts_with("decode: "));
}

TEST_CASE("names without a namespace take the one around them") {
  const auto schema
    = R"({"type":"record","name":"Today","namespace":"herald.sample","fields":[
          {"name":"old","type":{"type":"fixed","name":"Hash","size":2}},
          {"name":"older","type":"herald.sample.Hash"},
          {"name":"oldest","type":"Hash"},)"
    + kept + "]}";
  CHECK(read<today>(schema, "aabbcc\x0e")
    == R"({"kept":7,"added":"new","list":[],"tally":{}})");
}
