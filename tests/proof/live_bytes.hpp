#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace herald {

/// What a range of bytes in an LMDB data file is for.
enum class byte_use : std::uint8_t {
  meta,      ///< the fields of the meta pages that count
  structure, ///< page headers, places of nodes, node headers, table
             ///< descriptions
  key,       ///< of a leaf
  separator, ///< key of a branch: live as far as it divides the keys otherwise
  value,     ///< in a page with others
  big_value, ///< in pages of its own
  free_page, ///< numbers in the list of free pages
};

/// A range of bytes whose change alters an answer of the file.
struct live_range {
  std::uint64_t at = 0;
  std::uint32_t bytes = 0;
  byte_use use = byte_use::meta;
};

/// The live bytes of a sound data file, read from its newest meta page on. Not
/// live are: pages that are not in use, the gap between the places of a page's
/// nodes and its nodes, what rounds a node up to an even size, the first key of
/// a branch (never looked at), the older meta page but for what tells the two
/// apart, the number of the last page and the list of free pages but for the
/// numbers in it (they only say where the next commit goes).
///
/// It is written for tests, apart from engine/log/page_file.cpp, and trusts
/// the file.
std::vector<live_range> live_bytes(std::string_view file);

} // namespace herald
