#pragma once

#include "engine/log/segment.hpp"
#include "protocol/batch/record_batch.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace herald {

// The sections of a segment file (engine/log/segment.hpp) to bytes and back.
// For segment_writer and segment_reader alone.

constexpr std::size_t segment_check_bytes = 16;
constexpr std::size_t segment_footer_bytes = 40;
/// Of a header up to its size, which tells how much to read.
constexpr std::size_t segment_header_front_bytes = 16;
constexpr std::size_t segment_block_front_bytes = 44;
constexpr std::size_t segment_dictionary_front_bytes = 12;
/// In front of an item.
constexpr std::size_t segment_item_front_bytes = 5;
/// Of the item's entry: the entry's header and the batch's.
constexpr std::size_t segment_entry_front_bytes
  = entry_header_bytes + batch_header_bytes;

enum class segment_form : std::uint8_t { as_is = 0, inflated = 1 };
enum class segment_zip : std::uint8_t { none = 0, zstd = 1 };

/// A line of the index.
struct segment_index_line {
  std::uint64_t position = 0;
  offset first;
  /// Of all entries up to and with this block.
  std::int64_t last_ms = 0;
  bool operator==(const segment_index_line&) const = default;
};

/// What stands in front of a block's bytes.
struct segment_block_front {
  segment_zip zip = segment_zip::none;
  /// Counted from 1; 0 is none.
  std::uint8_t dictionary = 0;
  std::uint32_t packed = 0;
  std::uint32_t plain = 0;
  std::uint32_t entries = 0;
  offset first;
  offset next;
  std::int64_t last_ms = 0;
};

struct segment_trailer {
  /// Without file_bytes and digest.
  segment_summary summary;
  std::vector<segment_index_line> index;
};

struct segment_footer {
  std::uint64_t trailer_position = 0;
  std::uint64_t file_bytes = 0;
  segment_digest digest{};
};

/// Whole sections with their checks. Names must be short enough (asserted).
bytes encode_header(const segment_identity& identity, std::size_t dictionaries);
bytes encode_dictionary(const segment_dictionary& dictionary);
bytes encode_block(const segment_block_front& front, bytes_view packed);
bytes encode_trailer(const segment_trailer& trailer);
/// The footer up to its digest, which depends on it.
bytes encode_footer_front(const segment_footer& footer);
bytes encode_footer_end(const segment_digest& digest);

/// Sizes of whole sections, of their first bytes. fault::damaged or version.
result<std::size_t> header_bytes(bytes_view front);
result<std::size_t> dictionary_bytes(bytes_view front);

struct segment_header {
  segment_identity identity;
  std::size_t dictionaries = 0;
};

/// Whole sections, checked. fault::damaged says what is wrong, not where.
result<segment_header> decode_header(bytes_view section);
result<segment_dictionary> decode_dictionary(bytes_view section);
result<segment_block_front> decode_block(bytes_view section);
result<segment_trailer> decode_trailer(bytes_view section);
result<segment_footer> decode_footer(bytes_view section);

/// Appends the item for an entry: with `inflate` in form 1 where compressing
/// again yields the same bytes. Returns the part of `to` that holds the
/// records, inflated; empty in form 0. fault::too_large.
result<bytes_view> append_item(bytes& to, bytes_view entry, bool inflate);

/// Visits the records of a batch whose records were inflated already.
result<void> for_each_inflated(const batch_view& batch, bytes_view records,
  const std::function<void(const record_view&)>& visit);

/// Follows the entries of a segment: what writer and reader both hold true.
class segment_follower {
public:
  explicit segment_follower(const segment_identity& identity);

  /// Reads the next entry, whose base offset its batch says. Checks place,
  /// chain (not of one that was encoded anew) and record time, and counts it.
  /// Any fault's words say what is wrong, not where.
  result<entry_view> follow(bytes_view entry, bool anew = false);

  /// Without file_bytes and digest.
  const segment_summary& seen() const { return seen_; }

private:
  bool chained(bytes_view stored, const entry_view& entry);

  const segment_identity& identity_;
  std::size_t seams_passed_ = 0;
  segment_summary seen_;
};

/// An item of a block's plain bytes.
struct segment_item {
  segment_form form = segment_form::as_is;
  /// At least segment_entry_front_bytes.
  bytes_view body;

  offset base() const;
  /// One after the last record; of the header, so unchecked.
  offset next() const;
};

/// Takes the first item away from `rest`.
result<segment_item> take_item(bytes_view& rest);

/// The entry of an item of form 1, with its records compressed again.
struct segment_entry {
  bytes entry;
  /// The bytes are not those that the log had.
  bool anew = false;
};
result<segment_entry> rebuild_entry(const segment_item& item);

} // namespace herald
