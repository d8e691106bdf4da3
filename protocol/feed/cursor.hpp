#pragma once

#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace herald {

/// Where a reader of feeds stands: the next offset of each partition that its
/// channel spans, in one incarnation of the log. To clients it is an opaque
/// string that they hand back as it came.
///
/// The string is base64url (RFC 4648, section 5, without padding) of
///   byte   version, 1
///   u64    incarnation
///   u16    number of entries
///   entry  u32 partition, u64 next offset
///   u32    XXH64 of all bytes before it, low half
/// with integers in big-endian order. Example: a match in partition 7, next
/// offset 12, incarnation 1 is 1 + 8 + 2 + 12 + 4 = 27 bytes, 36 characters.
struct feed_cursor {
  struct entry {
    std::uint32_t partition = 0;
    offset next;
    bool operator==(const entry&) const = default;
  };
  std::uint64_t incarnation = 0;
  std::vector<entry> entries;
  bool operator==(const feed_cursor&) const = default;
};

/// At most this many partitions fit into one cursor.
constexpr std::size_t cursor_entries_max = 1'024;

std::string to_string(const feed_cursor& cursor);

/// Fails with fault::invalid_input when the text is not a cursor that
/// to_string() wrote.
result<feed_cursor> parse_cursor(std::string_view text);

} // namespace herald
