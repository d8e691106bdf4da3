#include "engine/edge/http_message.hpp"

#include "engine/edge/route_table.hpp"

#include <catch2/catch.hpp>

using namespace herald;

TEST_CASE("a target is cut first and decoded then") {
  auto got = parse_target("/v1/matches/EUW1%2F1?a=1&b=x+y%26z&c&&d=");
  REQUIRE(got);
  CHECK(got->path == "/v1/matches/EUW1/1");
  CHECK(got->segments == std::vector<std::string>{"v1", "matches", "EUW1/1"});
  CHECK(got->query
    == std::vector<std::pair<std::string, std::string>>{
      {"a", "1"}, {"b", "x y&z"}, {"c", ""}, {"d", ""}});
}

TEST_CASE("the root has no segments") {
  CHECK(parse_target("/")->segments.empty());
  CHECK(parse_target("/?x=1")->segments.empty());
}

TEST_CASE("the absolute form names its host itself") {
  auto got = parse_target("http://example.org:80/a?b=c");
  REQUIRE(got);
  CHECK(got->authority == "example.org:80");
  CHECK(got->path == "/a");
  CHECK(parse_target("http://example.org")->path == "/");
}

TEST_CASE("damaged targets are refused") {
  for (auto text : {"", "*", "a", "example.org:80", "/%", "/%4", "/%zz",
         "/a%00b", "/a%0d%0ab", "http://", "http:///a", "/a?%"}) {
    INFO(text);
    CHECK_FALSE(parse_target(text));
  }
}

TEST_CASE("a date is written as HTTP wants it") {
  CHECK(http_date(784'111'777'000) == "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_CASE("entity tags are compared weakly and in lists") {
  CHECK(names_etag("\"a\"", "\"a\""));
  CHECK(names_etag("W/\"a\"", "\"a\""));
  CHECK(names_etag("\"x\", \"a\"", "\"a\""));
  CHECK(names_etag("*", "\"a\""));
  CHECK_FALSE(names_etag("\"b\"", "\"a\""));
  CHECK_FALSE(names_etag("", "\"a\""));
  CHECK_FALSE(names_etag("*", ""));
}

TEST_CASE("a header value cannot start another header") {
  server_response answer;
  answer.headers.emplace_back("X-Name", "a\r\nSet-Cookie: b");
  auto text = head_text(answer, body_framing::length, 0, true, 0);
  CHECK(text.find("X-Name: a  Set-Cookie: b\r\n") != std::string::npos);
}

TEST_CASE("a problem is a JSON object with its own members") {
  problem what;
  what.status = 422;
  what.code = "document-refused";
  what.detail = "say \"no\"";
  what.members = {{"pointer", "/info/gameId"}};
  CHECK(to_response(what).body
    == R"({"type":"urn:herald:problem:document-refused",)"
       R"("title":"Unprocessable Entity","status":422,)"
       R"("detail":"say \"no\"","pointer":"/info/gameId"})"
       "\n");
}

TEST_CASE("a failure of the node itself is not told to clients") {
  auto told = problem_of({fault::io, "cannot write /var/lib/herald/log"});
  CHECK(told.status == 500);
  CHECK(told.detail.find("/var") == std::string::npos);
  auto busy = problem_of({fault::busy, "the writer is full"});
  CHECK(busy.status == 503);
  CHECK(busy.code == "busy");
  CHECK(busy.retry_after == std::chrono::seconds(1));
  CHECK(problem_of({fault::invalid_input, "x"}).code == "invalid-input");
}

TEST_CASE("texts win over names, and other methods are known") {
  route_table table;
  for (auto [method, pattern] :
    {std::pair{"GET", "/a/{x}"}, std::pair{"GET", "/a/b"},
      std::pair{"POST", "/a/{x}"}, std::pair{"GET", "/"}}) {
    auto route = std::make_unique<route_entry>();
    route->method = method;
    route->pattern = pattern;
    route->segments = pattern_segments(pattern);
    table.add(std::move(route));
  }
  CHECK(table.find("GET", {"a", "b"}).route->pattern == "/a/b");
  auto named = table.find("HEAD", {"a", "c"});
  CHECK(named.route->pattern == "/a/{x}");
  CHECK(named.params.at("x") == "c");
  CHECK(table.find("POST", {"a", "b"}).route->method == "POST");
  CHECK(table.find("GET", {}).route->pattern == "/");
  CHECK_FALSE(table.find("GET", {"a", ""}).route);
  auto wrong = table.find("DELETE", {"a", "b"});
  CHECK_FALSE(wrong.route);
  CHECK(wrong.allowed == std::vector<std::string>{"GET", "HEAD", "POST"});
  CHECK(table.find("GET", {"c"}).allowed.empty());
}
