#pragma once

#include "engine/log/entry.hpp"
#include "engine/log/segment.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace herald {

/// What segment_reader::verify() has seen.
struct segment_check {
  /// Entries that could not be given back byte by byte, since the library that
  /// compresses has become another one. Their records are sound.
  std::uint64_t encoded_anew = 0;
};

/// Reads a segment. All calls come from any thread. Nothing in a file that is
/// cut off, damaged or hostile can do more than make a call end in
/// fault::damaged, whose words say which file and where.
class segment_reader {
public:
  /// Opens a file and checks its header, trailer and footer. The file is read
  /// piece by piece and never mapped. Faults: not_found, damaged, version (a
  /// newer format), io.
  static result<std::unique_ptr<segment_reader>> open(
    const std::filesystem::path& path);

  /// The same over bytes in memory, which are called `name` in failures.
  static result<std::unique_ptr<segment_reader>> open_bytes(
    bytes content, std::string name = "segment");

  ~segment_reader();
  segment_reader(const segment_reader&) = delete;
  segment_reader& operator=(const segment_reader&) = delete;

  const segment_identity& identity() const;
  const segment_summary& summary() const;
  const std::vector<segment_dictionary>& dictionaries() const;
  std::size_t blocks() const;
  /// As it was opened.
  const std::filesystem::path& path() const;

  /// Visits the entries in order from the one that holds `from` on, until
  /// `visit` returns false or they end. An entry and its bytes live for the
  /// length of the visit. Each was checked as read_entry() does. `from` outside
  /// of the segment visits nothing.
  using visitor = std::function<bool(offset base, const entry_view& entry)>;
  result<void> visit(offset from, const visitor& visit) const;

  /// The first record whose record time is not below `timestamp_ms`; none when
  /// all are older.
  result<std::optional<offset>> offset_at_time(std::int64_t timestamp_ms) const;

  /// Reads every byte and compares the digest alone.
  result<void> verify_bytes() const;

  /// Reads every byte and checks all there is: digest, checks, the chain from
  /// anchor to head, offsets without gaps, record times, counts, that every
  /// record can be read, that the index is right.
  result<segment_check> verify() const;

private:
  struct impl;
  explicit segment_reader(std::unique_ptr<impl> self);

  std::unique_ptr<impl> self_;
};

} // namespace herald
