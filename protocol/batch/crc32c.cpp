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

// Three rows of so many bytes are taken at once, since the instruction can
// begin every cycle but takes three; then the first two are moved past the rows
// behind them.
constexpr std::size_t row_bytes = 4096;

// What a state becomes when a row of zeros follows, byte by byte of the state;
// it is linear in the state.
using past_a_row = std::array<std::array<std::uint32_t, 256>, 4>;

past_a_row make_past_a_row() {
  std::array<std::uint32_t, 32> of_bit;
  static constexpr std::array<char, row_bytes> zeros{};
  for (std::size_t bit = 0; bit < 32; ++bit)
    of_bit[bit] = by_table(zeros.data(), zeros.size(), 1u << bit);
  past_a_row result{};
  for (std::size_t part = 0; part < 4; ++part)
    for (std::size_t value = 0; value < 256; ++value)
      for (std::size_t bit = 0; bit < 8; ++bit)
        if (value >> bit & 1)
          result[part][value] ^= of_bit[8 * part + bit];
  return result;
}

std::uint32_t move_past(const past_a_row& table, std::uint64_t state) {
  return table[0][state & 0xff] ^ table[1][state >> 8 & 0xff]
    ^ table[2][state >> 16 & 0xff] ^ table[3][state >> 24 & 0xff];
}

__attribute__((target("sse4.2"))) std::uint32_t three_rows(
  const char* data, std::uint32_t crc) {
  static const auto table = make_past_a_row();
  std::uint64_t first = crc, second = 0, third = 0;
  for (std::size_t i = 0; i < row_bytes; i += 8) {
    std::uint64_t words[3];
    std::memcpy(&words[0], data + i, 8);
    std::memcpy(&words[1], data + row_bytes + i, 8);
    std::memcpy(&words[2], data + 2 * row_bytes + i, 8);
    first = _mm_crc32_u64(first, words[0]);
    second = _mm_crc32_u64(second, words[1]);
    third = _mm_crc32_u64(third, words[2]);
  }
  second ^= move_past(table, first);
  return static_cast<std::uint32_t>(third) ^ move_past(table, second);
}

__attribute__((target("sse4.2"))) std::uint32_t by_instruction(
  const char* data, std::size_t size, std::uint32_t crc) {
  for (; size >= 3 * row_bytes; data += 3 * row_bytes, size -= 3 * row_bytes)
    crc = three_rows(data, crc);
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
