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

} // namespace herald
