#pragma once

#include "protocol/batch/compression.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace herald {

// Kafka's record batch, message format v2: on disk, between nodes and to
// clients. All integers are big-endian; "varint" is zigzag.
//
//     batch  = base-offset:i64 length:i32 leader-epoch:i32 magic:i8(2)
//              crc:u32 attributes:i16 last-offset-delta:i32
//              base-timestamp:i64 max-timestamp:i64 producer-id:i64
//              producer-epoch:i16 base-sequence:i32 record-count:i32 records
//     record = length:varint attributes:i8(0) timestamp-delta:varint
//              offset-delta:varint key value header-count:varint header*
//     key    = size:varint byte*        ; size -1: null. So is value.
//     header = size:varint byte* value
//
// `length` counts from leader-epoch to the end; the CRC-32C covers attributes
// to the end, so that base-offset and leader-epoch can be set later without
// touching it. Attributes: bits 0-2 compression (of `records` as one block),
// 3 all records have max-timestamp, 4 transactional, 5 control.

/// Bytes in front of the records.
constexpr std::size_t batch_header_bytes = 61;

/// A header of a record: a name and a value that may be null.
struct record_header {
  bytes_view key;
  std::optional<bytes_view> value;
  bool operator==(const record_header&) const = default;
};

/// One record, seen in place. Valid as long as the batch's bytes and, if they
/// are compressed, the record_reader that gave it (inside for_each(): for the
/// length of the visit).
struct record_view {
  offset at;
  /// Milliseconds since 1970: the record time.
  std::int64_t timestamp_ms = 0;
  std::optional<bytes_view> key;
  std::optional<bytes_view> value;
  /// The headers as encoded; headers() and header() read them.
  std::uint32_t header_count = 0;
  bytes_view header_bytes;

  /// All headers, in order; allocates, so not for hot paths.
  std::vector<record_header> headers() const;

  /// Value of the first header of that name; none if it is absent or null.
  std::optional<bytes_view> header(bytes_view name) const;
};

/// Collects records into one batch. A value for one thread. Its memory grows
/// with what is added, so whoever adds bounds that (size_bytes()).
class batch_builder {
public:
  /// The batch starts at this record time, in milliseconds since 1970.
  explicit batch_builder(std::int64_t base_timestamp_ms);

  /// Appends a record; the bytes are copied. A record time below that of the
  /// record before it (or the base) is raised to it, since record time never
  /// decreases within a partition.
  void add(std::optional<bytes_view> key, std::optional<bytes_view> value,
    std::int64_t timestamp_ms, std::span<const record_header> headers = {});

  bool empty() const { return count_ == 0; }
  std::uint32_t record_count() const { return count_; }

  /// What finish() will return without compression.
  std::size_t size_bytes() const { return out_.size(); }

  /// The finished batch with base offset 0, leader epoch 0 and no producer id;
  /// the builder is empty again, with the same base time. Asserts that there
  /// is a record.
  bytes finish(compression codec = compression::none);

private:
  void start();

  bytes out_;
  std::int64_t base_timestamp_ms_;
  std::int64_t max_timestamp_ms_ = 0;
  std::uint32_t count_ = 0;
};

/// A checked batch over bytes that somebody else keeps alive. Cheap to copy.
class batch_view {
public:
  /// Checks that `data` is exactly one batch: magic, length, CRC, a known
  /// codec, counts that can be. fault::invalid_input says what is wrong. The
  /// records themselves are checked when they are read.
  static result<batch_view> parse(bytes_view data);

  /// The same without the CRC, for bytes that were checked a moment ago.
  static result<batch_view> parse_unchecked(bytes_view data);

  bytes_view data() const { return data_; }
  std::size_t size_bytes() const { return data_.size(); }

  offset base_offset() const;
  /// The offset of the last record, and the one after it.
  offset last_offset() const;
  offset next_offset() const { return last_offset().next(); }
  std::int32_t leader_epoch() const;
  std::uint32_t crc() const;
  std::int16_t attributes() const;
  compression codec() const;
  bool log_append_time() const { return attributes() & 0x08; }
  bool transactional() const { return attributes() & 0x10; }
  bool control() const { return attributes() & 0x20; }
  std::int32_t last_offset_delta() const;
  std::int64_t base_timestamp_ms() const;
  std::int64_t max_timestamp_ms() const;
  std::int64_t producer_id() const;
  std::int16_t producer_epoch() const;
  std::int32_t base_sequence() const;
  std::uint32_t record_count() const;
  /// The records, still compressed.
  bytes_view payload() const { return data_.substr(batch_header_bytes); }

  /// Calls `visit(const record_view&)` for every record in order, until one
  /// returns false (a visitor without a result sees all). Compressed records
  /// are inflated into memory of the call, at most `bytes_max` of it.
  /// Malformed records end it with fault::invalid_input.
  template <class Visit>
  result<void> for_each(
    Visit&& visit, std::size_t bytes_max = inflated_bytes_max) const;

private:
  explicit batch_view(bytes_view data) : data_{data} {}

  bytes_view data_;
};

/// Reads the records of a batch one after the other. The batch's bytes and the
/// reader must outlive the records; the reader must not move in between.
class record_reader {
public:
  explicit record_reader(
    const batch_view& batch, std::size_t bytes_max = inflated_bytes_max);

  record_reader(const record_reader&) = delete;
  record_reader& operator=(const record_reader&) = delete;

  /// The next record, valid until the next call (what its views point to
  /// stays); null after the last. A record that is cut off, lies about a
  /// length or has the wrong offset, and bytes after the last one, are
  /// fault::invalid_input; inflating beyond the bound is fault::too_large.
  result<const record_view*> next();

private:
  batch_view batch_;
  std::size_t bytes_max_;
  bytes inflated_;
  bytes_view rest_;
  record_view record_;
  std::int64_t last_delta_ = -1;
  std::uint32_t seen_ = 0;
  bool started_ = false;
};

template <class Visit>
result<void> batch_view::for_each(Visit&& visit, std::size_t bytes_max) const {
  record_reader reader{*this, bytes_max};
  for (;;) {
    auto record = reader.next();
    if (!record)
      return std::unexpected{std::move(record).error()};
    if (!*record)
      return {};
    if constexpr (std::is_void_v<
                    std::invoke_result_t<Visit&, const record_view&>>) {
      visit(**record);
    } else if (!visit(**record)) {
      return {};
    }
  }
}

/// Reads every record of a batch that came from outside, as Kafka's
/// LogValidator does: offsets 0 to n - 1 without a gap, as many as the header
/// says, no control batch, a sequence wherever there is a producer id. The log
/// may store what passes. fault::invalid_input or fault::too_large otherwise.
result<void> check_records(
  const batch_view& batch, std::size_t bytes_max = inflated_bytes_max);

/// Size of the batch that starts `data`, from its length field: for taking a
/// row of batches apart. fault::invalid_input when it is cut off or the length
/// cannot be.
result<std::size_t> first_batch_bytes(bytes_view data);

/// Set what the broker sets, in place; the CRC does not cover them. `batch`
/// holds a whole batch.
void set_base_offset(std::span<char> batch, offset base);
void set_leader_epoch(std::span<char> batch, std::int32_t epoch);

/// A batch with the header of `like`, but these records: `records` as they are
/// encoded without compression, `count` of them, compressed with `codec`.
/// Offsets, producer and base time stay.
bytes with_records(const batch_view& like, compression codec,
  bytes_view records, std::uint32_t count, std::int64_t max_timestamp_ms);

/// Marks the batch as sent by an idempotent producer: its id, epoch and the
/// sequence of the first record (KIP-98), and renews the CRC.
void set_producer(std::span<char> batch, std::int64_t producer_id,
  std::int16_t epoch, std::int32_t base_sequence);

/// Gives every record of the batch the record time `timestamp_ms` without
/// touching the records ("log append time"), and renews the CRC.
void set_log_append_time(std::span<char> batch, std::int64_t timestamp_ms);

} // namespace herald
