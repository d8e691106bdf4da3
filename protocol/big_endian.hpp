#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
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

} // namespace herald
