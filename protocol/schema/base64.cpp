#include "protocol/schema/base64.hpp"

#include <array>
#include <cstdint>

namespace herald {

namespace {

constexpr std::string_view digits
  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 64;

constexpr auto values = [] {
  std::array<std::uint8_t, 256> result{};
  result.fill(no_digit);
  for (std::size_t i = 0; i < digits.size(); ++i)
    result[static_cast<unsigned char>(digits[i])]
      = static_cast<std::uint8_t>(i);
  return result;
}();

} // namespace

void base64_encode(bytes_view data, std::string& out) {
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const unsigned char byte : data) {
    group = group << 8 | byte;
    for (bits += 8; bits >= 6; bits -= 6)
      out += digits[group >> (bits - 6) & 63];
  }
  if (bits > 0) {
    out += digits[group << (6 - bits) & 63];
    out.append(bits == 2 ? 2 : 1, '=');
  }
}

bool base64_decode(std::string_view text, bytes& out) {
  if (text.size() % 4 != 0)
    return false;
  for (int i = 0; i < 2 && text.ends_with('='); ++i)
    text.remove_suffix(1);
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const unsigned char c : text) {
    if (values[c] == no_digit)
      return false;
    group = group << 6 | values[c];
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(group >> bits & 255);
    }
  }
  return bits < 6 && (group & ((1u << bits) - 1)) == 0;
}

} // namespace herald
