#include "protocol/feed/cursor.hpp"

#include <catch2/catch.hpp>

using namespace herald;

TEST_CASE("a cursor comes back as it was written") {
  feed_cursor cursor{0x0123456789abcdef, {{7, {12}}, {31, {1ull << 40}}}};
  auto back = parse_cursor(to_string(cursor));
  REQUIRE(back);
  CHECK(*back == cursor);
}

TEST_CASE("a cursor has the bytes that its format says") {
  CHECK(to_string(feed_cursor{1, {{7, {12}}}})
    == "AQAAAAAAAAABAAEAAAAHAAAAAAAAAAyFmmaL");
}

TEST_CASE("a cursor with any other byte is refused") {
  auto text = to_string(feed_cursor{42, {{1, {99}}}});
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto other = text;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    INFO(i);
    CHECK(!parse_cursor(other));
  }
  for (std::string_view foreign : {"", "12", "null", "****", "AQ=="})
    CHECK(!parse_cursor(foreign));
  CHECK(!parse_cursor(std::string(100'000, 'A')));
  CHECK(!parse_cursor(text + "A"));
  CHECK(!parse_cursor(text.substr(0, text.size() - 1)));
}
