#include "protocol/schema/json.hpp"

#include "protocol/schema/json_reader.hpp"
#include "tests/schema/samples.hpp"

#include <catch2/catch.hpp>
#include <simdjson.h>

#include <limits>

using namespace herald;
using namespace std::literals;

namespace {

HERALD_RECORD(player, "herald.sample", "Player", "Who plays.",
  (std::int32_t, kills, "Kills."), (std::optional<std::int64_t>, gold, "Gold."),
  (std::optional<double>, share, "A share."),
  (std::optional<float>, single, "A float."),
  (std::optional<std::string>, lane, "The lane."),
  (std::optional<binary>, key, "A key."),
  (samples::numbers, challenges, "Challenges.", {}));
using players_by_key = std::map<std::string, player>;
HERALD_RECORD(game, "herald.sample", "Game", "A game.",
  (std::vector<player>, participants, "Players."),
  (std::optional<players_by_key>, frames, "By number."));

std::string encoded(double x) {
  std::string out;
  json_encode(type_of<double>(), &x, out);
  return out;
}

/// The pointer and detail of the failure.
template <class T = player>
std::string problem(std::string_view json) {
  json_report report;
  const auto read = json_decode<T>(json, report);
  if (read)
    return "";
  CHECK(read.error().code == fault::invalid_input);
  const auto text = report.pointer.empty()
    ? report.detail
    : report.pointer + ": " + report.detail;
  CHECK(read.error().message == text);
  return text;
}

} // namespace

TEST_CASE("a record is a JSON object of what is there, in its order") {
  player x;
  x.kills = -3;
  x.lane = "TOP";
  x.key = binary{"\xff\0"s};
  x.challenges = {{"b", 0.1}, {"a", 2}};
  CHECK(json_encode(x)
    == R"({"kills":-3,"lane":"TOP","key":"/wA=","challenges":{"a":2,"b":0.1}})");
  CHECK(json_decode<player>(json_encode(x)) == x);
}

TEST_CASE("an absent value in a list is null") {
  std::vector<std::optional<std::int32_t>> x{std::nullopt, 1};
  std::string out;
  json_encode(type_of<decltype(x)>(), &x, out);
  CHECK(out == "[null,1]");
}

TEST_CASE("a JSON number is the shortest that reads back as the same") {
  CHECK(encoded(0) == "0");
  CHECK(encoded(-0.0) == "-0.0");
  CHECK(encoded(1) == "1");
  CHECK(encoded(0.1) == "0.1");
  CHECK(encoded(1e22) == "1e+22");
  CHECK(encoded(49312930912163225600.0) == "4.9312930912163226e+19");
  CHECK(encoded(5e-324) == "5e-324");
  CHECK(encoded(123456.789) == "123456.789");
}

TEST_CASE("numbers that JSON does not have become null") {
  CHECK(encoded(std::numeric_limits<double>::quiet_NaN()) == "null");
  CHECK(encoded(std::numeric_limits<double>::infinity()) == "null");
  CHECK(encoded(-std::numeric_limits<double>::infinity()) == "null");
}

TEST_CASE("JSON strings are escaped and always UTF-8") {
  const auto quoted = [](std::string_view text) {
    std::string out;
    json_encode_string(text, out);
    return out;
  };
  CHECK(quoted("") == R"("")");
  CHECK(quoted("a\"\\/\b\f\n\r\t\x01\x1f\x7f\0"s)
    == "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000\"");
  CHECK(quoted("é€😀") == "\"é€😀\"");
  CHECK(quoted("\xff"
               "a\xc3")
    == "\"\ufffda\ufffd\"");
  CHECK(quoted("\xc0\x80") == "\"\ufffd\ufffd\"");           // too long
  CHECK(quoted("\xed\xa0\x80") == "\"\ufffd\ufffd\ufffd\""); // surrogate
  CHECK(quoted("\xf4\x90\x80\x80").size() == 2 + 4 * 3);     // > U+10FFFF
}

TEST_CASE("a missing field is refused at its pointer") {
  CHECK(problem("{}") == "/kills: missing, expected a 32-bit integer");
  CHECK(problem<game>(R"({"participants":[{"kills":1},{}]})")
    == "/participants/1/kills: missing, expected a 32-bit integer");
  CHECK(problem<game>(R"({"participants":[],"frames":{"a/b~":{}}})")
    == "/frames/a~1b~0/kills: missing, expected a 32-bit integer");
}

TEST_CASE("a wrong JSON type is refused with what was found") {
  CHECK(problem(R"({"kills":"3"})")
    == "/kills: expected a 32-bit integer, found a string");
  CHECK(problem(R"({"kills":null})")
    == "/kills: expected a 32-bit integer, found null");
  CHECK(
    problem(R"({"kills":1,"lane":7})") == "/lane: expected a string, found 7");
  CHECK(problem(R"({"kills":1,"share":true})")
    == "/share: expected a number, found true");
  CHECK(problem(R"({"kills":1,"key":"%"})")
    == "/key: expected a string of base64, found a string");
  CHECK(problem(R"({"kills":1,"challenges":[]})")
    == "/challenges: expected an object, found an array");
  CHECK(problem<game>(R"({"participants":{}})")
    == "/participants: expected an array, found an object");
  CHECK(problem("[]") == "expected an object, found an array");
}

TEST_CASE("a JSON integer must fit") {
  CHECK(json_decode<player>(R"({"kills":-2147483648})")->kills == INT32_MIN);
  CHECK(problem(R"({"kills":2147483648})")
    == "/kills: expected a 32-bit integer, found 2147483648");
  CHECK(json_decode<player>(R"({"kills":1,"gold":9223372036854775807})")->gold
    == INT64_MAX);
  CHECK(problem(R"({"kills":1,"gold":9223372036854775808})")
    == "/gold: expected a 64-bit integer, found 9223372036854775808");
  CHECK(problem(R"({"kills":1,"gold":1e19})")
    == "/gold: expected a 64-bit integer, found 1e+19");
  CHECK(problem(R"({"kills":1,"single":1e39})")
    == "/single: expected a number, found 1e+39");
}

TEST_CASE("a float passes for an integer when it has no fraction") {
  CHECK(json_decode<player>(R"({"kills":3.0})")->kills == 3);
  CHECK(json_decode<player>(R"({"kills":1e3})")->kills == 1000);
  CHECK(problem(R"({"kills":1.5})")
    == "/kills: expected a 32-bit integer, found 1.5");
}

TEST_CASE("an integer passes for a float") {
  CHECK(json_decode<player>(R"({"kills":1,"share":2})")->share == 2.0);
  CHECK(
    json_decode<player>(R"({"kills":1,"share":18446744073709551615})")->share
    == 18446744073709551615.0);
}

TEST_CASE("null is the same as absent for an optional field") {
  const auto read = json_decode<player>(R"({"kills":1,"gold":null})");
  REQUIRE(read);
  CHECK(!read->gold);
}

TEST_CASE("a property that is given twice is refused") {
  CHECK(problem(R"({"kills":1,"kills":1})") == "/kills: given twice");
  CHECK(problem(R"({"kills":1,"challenges":{"a":1,"a":2}})")
    == "/challenges/a: given twice");
}

TEST_CASE("unknown properties are counted by path and skipped") {
  json_report report;
  const auto json = R"({"participants":[
      {"kills":1,"PlayerScore3":1,"challenges":{"a":1.5,"legendaryItemUsed":[1]}},
      {"PlayerScore3":{"x":{}},"kills":2}],
    "frames":{"1":{"kills":3,"odd":null}},"more":[]})";
  const auto read = json_decode<game>(json, report);
  REQUIRE(read);
  CHECK(read->participants[0].challenges == samples::numbers{{"a", 1.5}});
  CHECK(read->participants[1].kills == 2);
  using counted = std::map<std::string, std::uint64_t>;
  CHECK(report.unknown
    == counted{{"frames/*/odd", 1}, {"more", 1},
      {"participants/PlayerScore3", 2},
      {"participants/challenges/legendaryItemUsed", 1}});
  REQUIRE(json_decode<game>(json, report));
  CHECK(report.unknown["participants/PlayerScore3"] == 4);
}

TEST_CASE("a report lists so many unknown paths and shortens long ones") {
  std::string json = R"({"kills":1)";
  for (std::size_t i = 0; i < json_report_paths_max + 5; ++i)
    json += ",\"x" + std::to_string(i) + "\":0";
  json += "}";
  json_report report;
  REQUIRE(json_decode<player>(json, report));
  CHECK(report.unknown.size() == json_report_paths_max);
  CHECK(report.unknown_not_listed == 5);

  json_report other;
  REQUIRE(json_decode<player>(
    "{\"kills\":1,\"" + std::string(99, 'k') + "é\":0}", other));
  CHECK(other.unknown.begin()->first == std::string(99, 'k'));
}

TEST_CASE("escaped keys are the keys that they stand for") {
  CHECK(json_decode<player>(R"({"\u006bills":4})")->kills == 4);
}

TEST_CASE("a text that is not JSON is refused") {
  for (std::string_view text :
    {"", " ", "{", "}", "{\"kills\":1}}", "{\"kills\":01}", "{\"kills\":1,}",
      "{\"kills\":1} x", "{'kills':1}", "{\"kills\":NaN}", "\xff",
      "{\"kills\":1,\"x\":\"\xff\"}", "{\"kills\":1,\"x\":[}",
      "{\"kills\":1e999}", "\xef\xbb\xbf{\"kills\":1}"}) {
    INFO(text);
    json_report report;
    const auto read = json_decode<player>(text, report);
    REQUIRE(!read);
    CHECK(read.error().message.starts_with("this is not JSON: "));
    CHECK(report.detail == read.error().message);
    CHECK(report.pointer.empty());
  }
  const std::string deep = "{\"kills\":1,\"x\":" + std::string(5000, '[')
    + std::string(5000, ']') + "}";
  CHECK(problem(deep).starts_with("this is not JSON: "));
}

TEST_CASE("a part of a parsed document is decoded with its own pointer") {
  json_parser parser;
  const auto root = parser.parse(
    R"({"info":[{"participants":[{"kills":1,"new":1},{"kills":"x"}]}]})");
  REQUIRE(root);
  game x;
  json_report report;
  const auto done = json_decode(type_of<game>(), &x,
    root->at_pointer("/info/0").value(), "/info/0", report);
  REQUIRE(!done);
  CHECK(report.pointer == "/info/0/participants/1/kills");
  CHECK(report.unknown.contains("info/participants/new"));
}

TEST_CASE("a parser takes documents of any size, one after the other") {
  json_parser parser;
  const std::string large = "[" + std::string(20'000'000, ' ') + "]";
  for (std::string_view text : {"[1]"sv, std::string_view{large}, "[2]"sv}) {
    const auto root = parser.parse(text);
    REQUIRE(root);
    CHECK(root->is_array());
  }
  CHECK(!parser.parse("["));
  CHECK(parser.parse("[]"));
}
