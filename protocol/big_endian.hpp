#pragma once

#include "protocol/bytes.hpp"

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

namespace herald {

/// Reads a big-endian integer at any alignment. At least sizeof(T) bytes must
/// be there.
template <std::integral T>
T load_big_endian(const char* from) {
  std::make_unsigned_t<T> value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1)
    value = std::byteswap(value);
  return static_cast<T>(value);
}

/// Writes a big-endian integer at any alignment over sizeof(T) bytes.
template <std::integral T>
void store_big_endian(char* to, T x) {
  auto value = static_cast<std::make_unsigned_t<T>>(x);
  if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1)
    value = std::byteswap(value);
  std::memcpy(to, &value, sizeof value);
}

/// Appends a number in big-endian order, so that keys sort as their numbers do.
template <std::unsigned_integral T>
void append_big_endian(bytes& out, T value) {
  for (std::size_t i = sizeof(T); i-- > 0;)
    out.push_back(static_cast<char>(value >> (8 * i)));
}

/// The number as bytes of its own.
template <std::unsigned_integral T>
bytes big_endian(T value) {
  bytes out;
  append_big_endian(out, value);
  return out;
}

/// Takes a number off the front of `from`; none, and `from` as it was, when it
/// is too short.
template <std::unsigned_integral T>
std::optional<T> take_big_endian(bytes_view& from) {
  if (from.size() < sizeof(T))
    return std::nullopt;
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value << 8 | static_cast<unsigned char>(from[i]));
  from.remove_prefix(sizeof(T));
  return value;
}

} // namespace herald
