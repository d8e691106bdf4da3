#include "engine/base/json_text.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

namespace herald {

namespace {

/// One step through a text that should be UTF-8.
struct code_point {
  char32_t value = 0;
  /// Bytes it takes; 1 for a byte that is not UTF-8.
  std::size_t length = 1;
  bool valid = true;
};

code_point next_code_point(std::string_view text) {
  auto at
    = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char first = at(0);
  if (first < 0x80)
    return {first, 1, true};
  std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  char32_t value = first & (0xffu >> (length + 1));
  if (first < 0xc2 || first > 0xf4 || text.size() < length)
    return {first, 1, false};
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80)
      return {first, 1, false};
    value = value << 6 | (at(i) & 0x3f);
  }
  bool overlong
    = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (overlong || surrogate || value > 0x10ffff)
    return {first, 1, false};
  return {value, length, true};
}

/// What a terminal or a reader of lines would obey rather than show: C0, DEL
/// and C1, line and paragraph separators, and marks of writing direction.
bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f
    || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069)
    || c == 0xfeff;
}

} // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    auto [value, length, valid] = next_code_point(text);
    if (!valid)
      out += "\xef\xbf\xbd";
    else if (value == '"' || value == '\\')
      (out += '\\') += static_cast<char>(value);
    else if (value == '\n')
      out += "\\n";
    else if (value == '\t')
      out += "\\t";
    else if (value == '\r')
      out += "\\r";
    else if (is_control(value))
      fmt::format_to(std::back_inserter(out), "\\u{:04x}",
        static_cast<std::uint32_t>(value));
    else
      out += text.substr(0, length);
    text.remove_prefix(length);
  }
  out += '"';
}

void append_printable(std::string& out, std::string_view text) {
  while (!text.empty()) {
    auto [value, length, valid] = next_code_point(text);
    auto number = static_cast<std::uint32_t>(value);
    if (value == '\n')
      out += "\\n";
    else if (value == '\t')
      out += "\\t";
    else if (value == '\r')
      out += "\\r";
    else if (!valid || (is_control(value) && value < 0x100))
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", number);
    else if (is_control(value))
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", number);
    else
      out += text.substr(0, length);
    text.remove_prefix(length);
  }
}

} // namespace herald
