#pragma once

#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <cstddef>

namespace herald {

// A row of one of the log's small tables, whose values carry no checksum of
// their own as batches do: a topic, the offsets of a partition, the
// incarnation.
//
//     stored = value check:u64(big-endian)
//     check  = XXH3-64, seed = the key's length, of key value
//
// So a flipped bit in either of them, or a value under another row's key, is
// told from what was written.
//
// Example: key "cluster" with the value "abc".
//
//     61 62 63 eb2907a86026d097

/// Bytes that the check adds to a value.
constexpr std::size_t row_check_bytes = 8;

/// What is stored for `value` under `key`.
bytes with_row_check(bytes_view key, bytes_view value);

/// The value in what is stored under `key`, in place; fault::damaged when the
/// check is not that of key and value.
result<bytes_view> without_row_check(bytes_view key, bytes_view stored);

} // namespace herald
