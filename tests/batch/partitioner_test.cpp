#include "protocol/batch/partitioner.hpp"

#include <catch2/catch.hpp>

#include <vector>

namespace herald {

TEST_CASE("murmur2 yields what Kafka's Java clients expect") {
  // The values of Kafka's own test of its Utils class.
  auto java
    = [](bytes_view key) { return static_cast<std::int32_t>(murmur2(key)); };
  CHECK(java("21") == -973932308);
  CHECK(java("foobar") == -790332482);
  CHECK(java("a-little-bit-long-string") == -985981536);
  CHECK(java("a-little-bit-longer-string") == -1486304829);
  CHECK(java("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8") == -58897971);
  CHECK(java("abc") == 479470107);
}

TEST_CASE("keys spread over the partitions and stay where they are") {
  CHECK(partition_of("foobar", 1) == 0);
  CHECK(partition_of("foobar", 32) == (0xD0E4967Eu & 0x7fffffff) % 32);
  std::vector<int> counts(32);
  for (auto i = 0; i < 3'200; ++i)
    ++counts[partition_of("EUW1_" + std::to_string(i), 32)];
  for (auto count : counts)
    CHECK(count > 50);
}

} // namespace herald
