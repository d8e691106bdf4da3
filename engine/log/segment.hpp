#pragma once

#include "engine/log/entry.hpp"
#include "engine/log/event_log.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace herald {

// A segment: an immutable file with the entries of one partition over a range
// of offsets, that says itself what it is. The archive and backups are made of
// them. Integers are big-endian; every `check` is the XXH3-128 (canonical) of
// its section before it, `digest` that of the whole file before it.
//
//     segment    = header dictionary* block* trailer footer
//     header     = "HERALDSG" version:u8(1) dictionaries:u8 zero:u16 size:u32
//                  cluster:text topic:text topic-uuid:byte[16] partition:u32
//                  incarnation:u64 generation:u64 first:u64 anchor:byte[16]
//                  seams:u8 seam* check       ; size: of the header as a whole
//     seam       = at:u64 before:byte[16] after:byte[16]
//     text       = size:u16 byte*
//     dictionary = "DICT" schema:u32 size:u32 byte* check
//     block      = "BLCK" packing:u8 dictionary:u8 zero:u16 packed:u32
//                  plain:u32 entries:u32 first:u64 next:u64 last-time:i64
//                  byte[packed] check
//     trailer    = "TRLR" size:u32 next:u64 batches:u64 records:u64 bytes:u64
//                  first-time:i64 last-time:i64 head:byte[16]
//                  terms:u32 (term:u64 first:u64)*
//                  blocks:u32 (position:u64 first:u64 last-time:i64)*
//                  check
//     footer     = trailer-position:u64 file-size:u64 digest "HERALDSG"
//
// `anchor` is the chain before the first entry, `head` that of the last one,
// `bytes` sums up the batches as the log had them. Entries follow on one
// another without gaps where `generation` is 0; a partition that was compacted
// may have gaps between and within its batches, and seams, as the log has them
// (engine/log/log_tables.hpp): at the first entry at or behind `at` the chain
// goes on from `after`, and ended in `before`. A block's bytes are items,
// as they are (packing 0) or in one zstd frame (packing 1), made with the
// `dictionary`-th dictionary of the file or with none (0):
//
//     item       = form:u8 size:u32 byte[size]
//     form 0     : an entry as in the log (engine/log/entry.hpp)
//     form 1     : an entry whose records are not compressed by themselves: the
//                  entry's header and the batch's, 93 bytes as in the log, and
//                  the records inflated
//
// Form 1 is used where compressing the records again yields the very bytes that
// were there, which the writer has tried. The reader does so too and gives back
// the same entry, checked by the batch's CRC and by the chain. If the library
// that compresses has become another one, the bytes may differ: then the batch
// is given back with the same header, offsets and records, but its own length
// and CRC, and the proof of its records is the block's check. What a foreign
// client compressed in its own way always stays in form 0.
//
// A dictionary is trained on values that start with the id of one schema (byte
// 0, schema:u32, Avro). A block uses that of the type with most bytes in it.
//
// Example: tests/log/segment_test.cpp, a segment of one entry, byte by byte.

constexpr std::string_view segment_magic = "HERALDSG";
constexpr std::uint8_t segment_version = 1;

/// Plain bytes of items after which a block ends: what a reader inflates to see
/// one batch.
constexpr std::size_t segment_block_bytes = 256u << 10;
/// Of one block, plain or packed: larger entries are fault::too_large. A reader
/// allocates no more than that at a time, whatever the file says.
constexpr std::size_t segment_block_bytes_max = 128u << 20;
constexpr std::size_t segment_dictionaries_max = 32;
constexpr std::size_t segment_seams_max = 16;
constexpr std::size_t segment_dictionary_bytes_max = 112u << 10;
/// Of header and trailer; the latter holds 24 bytes for each block.
constexpr std::size_t segment_section_bytes_max = 64u << 20;
/// End of a segment's file name.
constexpr std::string_view segment_suffix = ".segment";

/// XXH3-128, canonical: a checksum, not a defence against forgers.
using segment_digest = std::array<std::uint8_t, 16>;

/// 32 lower-case hex digits.
std::string to_string(const segment_digest& digest);
/// The digest that such digits spell; fault::invalid_input.
result<segment_digest> parse_digest(std::string_view text);
/// Of bytes in memory.
segment_digest digest_of(bytes_view data);

/// A place where the chain does not go on from the entry in front.
struct segment_seam {
  offset at;
  chain_hash before{};
  chain_hash after{};
  bool operator==(const segment_seam&) const = default;
};

/// Which entries a segment holds, known before the first of them.
struct segment_identity {
  /// Of the log that wrote it, when it did.
  std::string cluster;
  std::uint64_t incarnation = 0;
  std::string topic;
  uuid topic_id;
  std::uint32_t partition = 0;
  /// Passes of compaction over the partition: 0 means that there are no gaps.
  std::uint64_t generation = 0;
  offset first;
  /// The chain in front of the first entry.
  chain_hash anchor{};
  /// Ascending; none where there are no gaps.
  std::vector<segment_seam> seams;
  bool operator==(const segment_identity&) const = default;
};

/// What is known of them after the last one.
struct segment_summary {
  /// One after the last record; the first offset when there is no entry.
  offset next;
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  /// Of the batches, as in the log.
  std::uint64_t batch_bytes = 0;
  /// Record times of the first and the last record, 0 without entries.
  std::int64_t first_ms = 0;
  std::int64_t last_ms = 0;
  /// The chain of the last entry; the anchor when there is none.
  chain_hash head{};
  /// The terms of the entries, ascending, each with the first offset that it
  /// wrote in this segment.
  std::vector<std::pair<std::uint64_t, offset>> terms;
  std::uint64_t file_bytes = 0;
  /// Of the whole file but its last 24 bytes (the digest and the magic).
  segment_digest digest{};
  bool operator==(const segment_summary&) const = default;
};

/// A dictionary as a segment carries it.
struct segment_dictionary {
  /// Values of this schema it was trained on.
  std::int32_t schema = 0;
  bytes content;
  bool operator==(const segment_dictionary&) const = default;
};

/// "00000000000000000042.segment": sorts by offset.
std::string segment_file_name(offset first);

} // namespace herald
