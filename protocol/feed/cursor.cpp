#include "protocol/feed/cursor.hpp"

#include "protocol/big_endian.hpp"
#include "protocol/bytes.hpp"

#include <xxhash.h>

#include <array>
#include <cassert>

namespace herald {

namespace {

constexpr std::string_view alphabet
  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr char version = 1;
constexpr std::size_t entry_bytes = 12;
constexpr std::size_t head_bytes = 1 + 8 + 2;
constexpr std::size_t sum_bytes = 4;

std::string encode_base64url(bytes_view in) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (unsigned char c : in) {
    bits = bits << 8 | c;
    held += 8;
    while (held >= 6) {
      held -= 6;
      out += alphabet[bits >> held & 63];
    }
  }
  if (held > 0)
    out += alphabet[bits << (6 - held) & 63];
  return out;
}

bool decode_base64url(std::string_view in, bytes& out) {
  std::uint32_t bits = 0;
  int held = 0;
  for (char c : in) {
    auto value = alphabet.find(c);
    if (value == alphabet.npos)
      return false;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>(bits >> held);
    }
  }
  // What is left over must be padding: one text, one meaning.
  return held < 6 && (bits & ((1u << held) - 1)) == 0;
}

std::uint32_t sum_of(bytes_view in) {
  return static_cast<std::uint32_t>(XXH64(in.data(), in.size(), 0));
}

} // namespace

std::string to_string(const feed_cursor& cursor) {
  assert(cursor.entries.size() <= cursor_entries_max);
  bytes out{version};
  append_big_endian(out, cursor.incarnation);
  append_big_endian(out, static_cast<std::uint16_t>(cursor.entries.size()));
  for (auto& entry : cursor.entries) {
    append_big_endian(out, entry.partition);
    append_big_endian(out, entry.next.value);
  }
  append_big_endian(out, sum_of(out));
  return encode_base64url(out);
}

result<feed_cursor> parse_cursor(std::string_view text) {
  auto refuse = [] {
    return fail(fault::invalid_input,
      "this is not a cursor: hand back, unchanged, the one of the last frame "
      "that you saw, or leave it out to begin with a snapshot");
  };
  constexpr auto bytes_max
    = head_bytes + cursor_entries_max * entry_bytes + sum_bytes;
  if (text.size() > bytes_max * 4 / 3 + 4)
    return refuse();
  bytes raw;
  if (!decode_base64url(text, raw) || raw.size() < head_bytes + sum_bytes
    || raw[0] != version)
    return refuse();
  bytes_view in = raw;
  auto body = in.substr(0, in.size() - sum_bytes);
  if (load_big_endian<std::uint32_t>(in.data() + body.size()) != sum_of(body))
    return refuse();
  feed_cursor cursor;
  cursor.incarnation = load_big_endian<std::uint64_t>(in.data() + 1);
  std::size_t count = load_big_endian<std::uint16_t>(in.data() + 9);
  if (body.size() != head_bytes + count * entry_bytes)
    return refuse();
  for (std::size_t i = 0; i < count; ++i) {
    auto at = body.substr(head_bytes + i * entry_bytes);
    cursor.entries.push_back({load_big_endian<std::uint32_t>(at.data()),
      offset{load_big_endian<std::uint64_t>(at.data() + 4)}});
  }
  return cursor;
}

} // namespace herald
