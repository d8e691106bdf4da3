#include "protocol/batch/crc32c.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <string>

namespace herald {

namespace {

// The definition, bit by bit.
std::uint32_t by_definition(bytes_view data, std::uint32_t before = 0) {
  auto state = ~before;
  for (auto byte : data) {
    state ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit)
      state = state & 1 ? state >> 1 ^ 0x82F63B78u : state >> 1;
  }
  return ~state;
}

} // namespace

TEST_CASE("CRC-32C has its check values") {
  CHECK(crc32c("123456789") == 0xE3069283);
  CHECK(by_definition("123456789") == 0xE3069283);
  CHECK(crc32c("") == 0);
  CHECK(crc32c("", 0x12345678) == 0x12345678);
  // RFC 3720, B.4
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AA);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62A8AB43);
}

TEST_CASE("a CRC is that of the definition, in one piece and in two") {
  CHECK(rc::check("same value", [](const std::string& data) {
    auto long_data = data + data + data;
    auto cut = *rc::gen::inRange<std::size_t>(0, long_data.size() + 1);
    auto whole = crc32c(long_data);
    RC_ASSERT(whole == by_definition(long_data));
    auto head = crc32c(bytes_view{long_data}.substr(0, cut));
    RC_ASSERT(crc32c(bytes_view{long_data}.substr(cut), head) == whole);
  }));
}

TEST_CASE("a CRC is that of the definition over data of every length") {
  std::string data;
  for (std::size_t i = 0; i < 100'000; ++i)
    data.push_back(static_cast<char>(i * 2'654'435'761u >> 13));
  for (std::size_t size = 1; size < 1'200; ++size)
    CHECK(crc32c(bytes_view{data}.substr(size % 67, size))
      == by_definition(bytes_view{data}.substr(size % 67, size)));
  for (std::size_t size : {12'287u, 12'288u, 12'289u, 24'576u, 99'999u}) {
    auto part = bytes_view{data}.substr(1, size);
    CHECK(crc32c(part) == by_definition(part));
    CHECK(crc32c(part, 0x12345678) == by_definition(part, 0x12345678));
  }
}

} // namespace herald
