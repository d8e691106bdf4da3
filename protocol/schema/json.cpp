#include "protocol/schema/json.hpp"

#include "protocol/schema/base64.hpp"

#include <cassert>
#include <charconv>
#include <cmath>

namespace herald {

namespace {

/// Bytes of the UTF-8 character that `text` begins with; 0 when it is none.
/// The first byte is 0x80 or more.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto continues = [&](std::size_t i, unsigned low, unsigned high) {
    return byte(i) >= low && byte(i) <= high;
  };
  const auto lead = byte(0);
  if (lead >= 0xc2 && lead <= 0xdf)
    return continues(1, 0x80, 0xbf) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const auto low = lead == 0xe0 ? 0xa0u : 0x80u;
    const auto high = lead == 0xed ? 0x9fu : 0xbfu; // no surrogates
    return continues(1, low, high) && continues(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const auto low = lead == 0xf0 ? 0x90u : 0x80u;
    const auto high = lead == 0xf4 ? 0x8fu : 0xbfu; // up to U+10FFFF
    return continues(1, low, high) && continues(2, 0x80, 0xbf)
        && continues(3, 0x80, 0xbf)
      ? 4
      : 0;
  }
  return 0;
}

void escape(unsigned char c, std::string& out) {
  constexpr std::string_view digits = "0123456789abcdef";
  switch (c) {
  case '"':
    out += "\\\"";
    return;
  case '\\':
    out += "\\\\";
    return;
  case '\b':
    out += "\\b";
    return;
  case '\f':
    out += "\\f";
    return;
  case '\n':
    out += "\\n";
    return;
  case '\r':
    out += "\\r";
    return;
  case '\t':
    out += "\\t";
    return;
  default:
    out += "\\u00";
    out += digits[c >> 4];
    out += digits[c & 15];
  }
}

template <class T>
void append_number(T number, std::string& out) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  out.append(text, end);
}

template <class T>
void append_float(T number, std::string& out) {
  if (!std::isfinite(number)) {
    out += "null";
  } else if (number == 0 && std::signbit(number)) {
    out += "-0.0"; // readers take "-0" for an integer, which has no sign
  } else if (std::abs(number) >= T{1e18}) {
    // Readers take a long row of digits for an integer of too many bits.
    char text[32];
    const auto end = std::to_chars(
      text, text + sizeof text, number, std::chars_format::scientific)
                       .ptr;
    out.append(text, end);
  } else {
    append_number(number, out);
  }
}

template <class T>
const T& as(const void* value) {
  return *static_cast<const T*>(value);
}

void encode_record(const type& of, const void* value, std::string& out) {
  char before = '{';
  for (const auto& x : of.fields) {
    const auto* member = static_cast<const char*>(value) + x.place;
    const auto* held = x.of;
    const void* inside = member;
    if (held->what == kind::optional) {
      inside = held->get(member);
      held = held->element;
      if (inside == nullptr)
        continue;
    }
    out += before;
    out += '"';
    out += x.name;
    out += "\":";
    json_encode(*held, inside, out);
    before = ',';
  }
  if (before == '{')
    out += '{';
  out += '}';
}

void encode_array(const type& of, const void* value, std::string& out) {
  std::size_t count = 0;
  const auto* item = static_cast<const char*>(of.items(value, count));
  out += '[';
  for (std::size_t i = 0; i < count; ++i, item += of.element->size) {
    if (i != 0)
      out += ',';
    json_encode(*of.element, item, out);
  }
  out += ']';
}

void encode_map(const type& of, const void* value, std::string& out) {
  char before = '{';
  for_each_entry(of, value, [&](std::string_view key, const void* entry) {
    out += before;
    json_encode_string(key, out);
    out += ':';
    json_encode(*of.element, entry, out);
    before = ',';
  });
  if (before == '{')
    out += '{';
  out += '}';
}

} // namespace

void json_encode_string(std::string_view text, std::string& out) {
  out += '"';
  std::size_t written = 0;
  std::size_t at = 0;
  const auto flush = [&] { out.append(text, written, at - written); };
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c >= 0x80) {
      if (const auto length = character_length(text.substr(at)); length != 0) {
        at += length;
        continue;
      }
      flush();
      out += "\xef\xbf\xbd"; // U+FFFD
    } else if (c < 0x20 || c == '"' || c == '\\') {
      flush();
      escape(c, out);
    } else {
      ++at;
      continue;
    }
    written = ++at;
  }
  flush();
  out += '"';
}

void json_encode(const type& described, const void* value, std::string& out) {
  switch (described.what) {
  case kind::boolean:
    out += as<bool>(value) ? "true" : "false";
    return;
  case kind::int32:
    return append_number(as<std::int32_t>(value), out);
  case kind::int64:
    return append_number(as<std::int64_t>(value), out);
  case kind::float32:
    return append_float(as<float>(value), out);
  case kind::float64:
    return append_float(as<double>(value), out);
  case kind::string:
    return json_encode_string(as<std::string>(value), out);
  case kind::bytes:
    out += '"';
    base64_encode(as<binary>(value).value, out);
    out += '"';
    return;
  case kind::array:
    return encode_array(described, value, out);
  case kind::map:
    return encode_map(described, value, out);
  case kind::record:
    return encode_record(described, value, out);
  case kind::optional:
    if (const auto* inside = described.get(value))
      json_encode(*described.element, inside, out);
    else
      out += "null"; // in an array or a map, where it cannot be left out
    return;
  }
  assert(!"a kind that is none");
}

} // namespace herald
