#pragma once

#include "engine/log/segment.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace herald {

/// How a segment stores its entries.
struct segment_packing {
  /// False: blocks and entries as they are, for backups, which must cost little
  /// time. True: records inflated where that can be undone, blocks in zstd.
  bool pack = true;
  /// Used where a block holds mostly values of their schema.
  std::vector<segment_dictionary> dictionaries;
};

/// Writes one segment, entry by entry. One thread at a time. The file is made
/// under its name and `.new`; publish() gives it its own name. What was not
/// published is removed with the writer.
class segment_writer {
public:
  /// Starts the file `path`.new (an older one is overwritten), with its
  /// folders. Faults: io, storage_full, too_large.
  static result<std::unique_ptr<segment_writer>> create(
    const std::filesystem::path& path, const segment_identity& identity,
    segment_packing packing = {});

  /// The same into memory, for tests: finish() and then take().
  static result<std::unique_ptr<segment_writer>> create(
    const segment_identity& identity, segment_packing packing = {});

  ~segment_writer();
  segment_writer(const segment_writer&) = delete;
  segment_writer& operator=(const segment_writer&) = delete;

  /// Appends an entry as the log stores it. It must follow on the one before it
  /// in offset and chain (fault::damaged: nothing is archived that cannot be
  /// proven). Faults: too_large, io, storage_full.
  result<void> add(bytes_view entry);

  /// Bytes of batches added so far.
  std::uint64_t batch_bytes() const;

  /// One after the last record added; the segment's first offset before that.
  offset next() const;

  /// Ends the file and syncs it; it can be read under its `.new` name.
  result<segment_summary> finish();

  /// Reads all of the file back, as segment_reader::verify() does (of one that
  /// is not packed, verify_bytes(): its entries are as they were added), and
  /// gives it its own name, durably. After finish().
  result<void> publish();

  /// What was written, after finish(), of a writer into memory.
  bytes take();

private:
  struct impl;
  explicit segment_writer(std::unique_ptr<impl> self);

  std::unique_ptr<impl> self_;
};

} // namespace herald
