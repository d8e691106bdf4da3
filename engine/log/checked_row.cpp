#include "engine/log/checked_row.hpp"

#include "protocol/big_endian.hpp"

#include <xxhash.h>

#include <cstdint>
#include <string>

namespace herald {

namespace {

std::uint64_t check_of(bytes_view key, bytes_view value) {
  bytes both{key};
  both += value;
  return XXH3_64bits_withSeed(both.data(), both.size(), key.size());
}

} // namespace

bytes with_row_check(bytes_view key, bytes_view value) {
  char check[row_check_bytes];
  store_big_endian(check, check_of(key, value));
  bytes stored{value};
  stored.append(check, sizeof check);
  return stored;
}

result<bytes_view> without_row_check(bytes_view key, bytes_view stored) {
  if (stored.size() < row_check_bytes)
    return fail(fault::damaged, "it is too short for its check");
  auto value = stored.substr(0, stored.size() - row_check_bytes);
  auto told = load_big_endian<std::uint64_t>(stored.data() + value.size());
  if (told != check_of(key, value))
    return fail(fault::damaged, "its check does not match");
  return value;
}

} // namespace herald
