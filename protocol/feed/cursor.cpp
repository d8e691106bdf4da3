#include "protocol/feed/cursor.hpp"

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

void put(bytes& out, std::uint64_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift);
}

std::uint64_t get(bytes_view in, int size) {
  std::uint64_t value = 0;
  for (int i = 0; i < size; ++i)
    value = value << 8 | static_cast<unsigned char>(in[i]);
  return value;
}

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
  put(out, cursor.incarnation, 8);
  put(out, cursor.entries.size(), 2);
  for (auto& entry : cursor.entries) {
    put(out, entry.partition, 4);
    put(out, entry.next.value, 8);
  }
  put(out, sum_of(out), 4);
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
  if (get(in.substr(body.size()), 4) != sum_of(body))
    return refuse();
  feed_cursor cursor;
  cursor.incarnation = get(in.substr(1), 8);
  auto count = get(in.substr(9), 2);
  if (body.size() != head_bytes + count * entry_bytes)
    return refuse();
  for (std::size_t i = 0; i < count; ++i) {
    auto at = body.substr(head_bytes + i * entry_bytes);
    cursor.entries.push_back(
      {static_cast<std::uint32_t>(get(at, 4)), offset{get(at.substr(4), 8)}});
  }
  return cursor;
}

} // namespace herald
