#include "engine/base/json_text.hpp"
#include "engine/base/limits.hpp"
#include "engine/base/logging.hpp"

#include <catch2/catch.hpp>

using namespace herald;

namespace {

// 2026-01-31T12:00:00.250Z
constexpr std::int64_t noon = 1'769'860'800'250;

std::string human(std::string_view message, log_fields fields = {}) {
  return format_log_line(
    log_format::human, log_level::warning, noon, "edge", message, fields);
}

std::string json(std::string_view message, log_fields fields = {}) {
  return format_log_line(
    log_format::json, log_level::warning, noon, "edge", message, fields);
}

std::string as_json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

} // namespace

TEST_CASE("a human line carries time, level, room, message and fields") {
  CHECK(human("Too many connections", {{"limit", 4096}, {"from", "::1"}})
    == "2026-01-31T12:00:00.250Z warning edge: Too many connections, "
       "limit=4096, from=::1");
}

TEST_CASE("a JSON line keeps numbers as numbers") {
  CHECK(json("Too many connections", {{"limit", 4096}, {"from", "::1"}})
    == R"({"time":"2026-01-31T12:00:00.250Z","level":"warning",)"
       R"("room":"edge","message":"Too many connections",)"
       R"("limit":4096,"from":"::1"})");
}

TEST_CASE("no value can start a line or a field of its own") {
  CHECK(human("Refused", {{"name", "x\n2026 error edge: all is lost"}})
    == "2026-01-31T12:00:00.250Z warning edge: Refused, "
       "name=\"x\\n2026 error edge: all is lost\"");
  CHECK(human("Refused", {{"name", "a, limit=1"}})
    == "2026-01-31T12:00:00.250Z warning edge: Refused, "
       "name=\"a, limit=1\"");
}

TEST_CASE("what a terminal would obey is escaped in both formats") {
  // ESC, DEL, C1's CSI, right-to-left override, a byte that is not UTF-8.
  std::string evil = "\x1b[2J\x7f\xc2\x9b\xe2\x80\xae\xff";
  CHECK(as_json(evil) == "\"\\u001b[2J\\u007f\\u009b\\u202e\xef\xbf\xbd\"");
  std::string printable;
  append_printable(printable, evil);
  CHECK(printable == "\\x1b[2J\\x7f\\x9b\\u202e\\xff");
}

TEST_CASE("text that is UTF-8 stays as it is") {
  CHECK(as_json("Zoë 漢字 🎮") == "\"Zoë 漢字 🎮\"");
}

TEST_CASE("broken UTF-8 is replaced byte by byte") {
  // Overlong slash, a surrogate, a character that is cut off.
  CHECK(as_json("\xc0\xaf") == "\"\xef\xbf\xbd\xef\xbf\xbd\"");
  CHECK(as_json("\xed\xa0\x80") == "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  CHECK(as_json("\xe2\x82") == "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST_CASE("a line of 10 MB is cut and stays one JSON object") {
  std::string flood(10'000'000, '\n');
  auto line = json(flood, {{"name", flood}, {"limit", 7}});
  CHECK(line.size() < limits::log_line_bytes + 256);
  CHECK(line.ends_with("\"limit\":7}"));
  CHECK(line.find('\n') == std::string::npos);
  CHECK(line.find("...") != std::string::npos);
}
