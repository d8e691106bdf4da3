#include "protocol/batch/crc32c.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#  include <nmmintrin.h>
#endif

namespace herald {

namespace {

// tables[0] advances by one byte; tables[k] by one byte followed by k zeros, so
// that eight bytes take eight independent look-ups ("slicing by eight").
constexpr auto tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> result{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    auto x = i;
    for (int bit = 0; bit < 8; ++bit)
      x = x & 1 ? x >> 1 ^ 0x82F63B78u : x >> 1;
    result[0][i] = x;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t i = 0; i < 256; ++i) {
      auto x = result[k - 1][i];
      result[k][i] = x >> 8 ^ result[0][x & 0xff];
    }
  return result;
}();

std::uint32_t by_table(const char* data, std::size_t size, std::uint32_t crc) {
  auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(data[i]); };
  for (; size >= 8; data += 8, size -= 8) {
    auto low = crc
      ^ (std::uint32_t{byte(0)} | std::uint32_t{byte(1)} << 8
        | std::uint32_t{byte(2)} << 16 | std::uint32_t{byte(3)} << 24);
    crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff]
      ^ tables[5][low >> 16 & 0xff] ^ tables[4][low >> 24] ^ tables[3][byte(4)]
      ^ tables[2][byte(5)] ^ tables[1][byte(6)] ^ tables[0][byte(7)];
  }
  for (; size > 0; ++data, --size)
    crc = crc >> 8 ^ tables[0][(crc ^ byte(0)) & 0xff];
  return crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) std::uint32_t by_instruction(
  const char* data, std::size_t size, std::uint32_t crc) {
  std::uint64_t wide = crc;
  for (; size >= 8; data += 8, size -= 8) {
    std::uint64_t word;
    std::memcpy(&word, data, sizeof word);
    wide = _mm_crc32_u64(wide, word);
  }
  auto narrow = static_cast<std::uint32_t>(wide);
  for (; size > 0; ++data, --size)
    narrow = _mm_crc32_u8(narrow, static_cast<std::uint8_t>(*data));
  return narrow;
}

const auto best = __builtin_cpu_supports("sse4.2") ? by_instruction : by_table;

#else

constexpr auto best = by_table;

#endif

} // namespace

std::uint32_t crc32c(bytes_view data, std::uint32_t before) {
  return ~best(data.data(), data.size(), ~before);
}

std::uint32_t crc32c_by_table(bytes_view data, std::uint32_t before) {
  return ~by_table(data.data(), data.size(), ~before);
}

} // namespace herald
