#include "protocol/batch/crc32c.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <string>

namespace herald {

TEST_CASE("CRC-32C has its check value, by instruction and by table") {
  CHECK(crc32c("123456789") == 0xE3069283);
  CHECK(crc32c_by_table("123456789") == 0xE3069283);
  CHECK(crc32c("") == 0);
  // RFC 3720, B.4
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AA);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62A8AB43);
}

TEST_CASE("both ways to compute a CRC agree, in one piece and in two") {
  CHECK(rc::check("same value", [](const std::string& data) {
    auto long_data = data + data + data;
    auto cut = *rc::gen::inRange<std::size_t>(0, long_data.size() + 1);
    auto whole = crc32c(long_data);
    RC_ASSERT(whole == crc32c_by_table(long_data));
    auto head = crc32c(bytes_view{long_data}.substr(0, cut));
    RC_ASSERT(crc32c(bytes_view{long_data}.substr(cut), head) == whole);
  }));
}

TEST_CASE("both ways to compute a CRC agree over long data") {
  std::string data;
  for (std::size_t i = 0; i < 100'000; ++i)
    data.push_back(static_cast<char>(i * 2'654'435'761u >> 13));
  for (std::size_t size : {12'287u, 12'288u, 12'289u, 24'576u, 99'999u}) {
    auto part = bytes_view{data}.substr(1, size);
    CHECK(crc32c(part) == crc32c_by_table(part));
    CHECK(crc32c(part, 0x12345678) == crc32c_by_table(part, 0x12345678));
  }
}

} // namespace herald
