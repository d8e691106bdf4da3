#pragma once

#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace herald {

class batch_view;

// What the log remembers of an idempotent producer in one partition, so that a
// batch that is sent again is not stored again (KIP-98, and KIP-360 for
// producers that were forgotten). It stands in the table `producers` and
// changes in the transaction of the batch. Integers are big-endian.
//
//     key   = topic-uuid:byte[16] partition:u32 producer-id:u64
//     value = version:u8(1) epoch:i16 timestamp-ms:i64 count:u8 recent*
//     recent = first-sequence:i32 last-sequence:i32 first-offset:u64
//
// `recent` are the last batches of the latest epoch, oldest first, at most
// five: a client has five requests under way at most. They stay when their
// batches are trimmed or compacted away, so that whoever has the log's batches
// can tell what must stand here, but for those. Example: epoch 0, one batch
// with sequences 0 to 9 at offset 100, recorded at 1000 ms.
//
//     01 0000 00000000000003e8 01 00000000 00000009 0000000000000064

/// Who sent a batch, as its header says.
struct producer_mark {
  std::int64_t producer_id = -1;
  std::int16_t epoch = -1;
  std::int32_t first_sequence = -1;
  /// Of the batch's last record. Sequences go from 2^31 - 1 on to 0.
  std::int32_t last_sequence = -1;
};

/// The mark of an idempotent producer's batch; none in other batches.
std::optional<producer_mark> mark_of(const batch_view& batch);

/// How a batch stands to what was stored of its producer.
enum class sequence_verdict : std::uint8_t {
  /// It is the next one: to be stored.
  next,
  /// It is stored already.
  duplicate,
  /// Records between the last batch and this one are missing.
  out_of_order,
  /// A newer epoch of the producer has written.
  old_epoch,
};

/// One producer in one partition.
class producer_state {
public:
  static constexpr std::size_t recent_max = 5;

  struct recent_batch {
    std::int32_t first_sequence = 0;
    std::int32_t last_sequence = 0;
    offset first;
    bool operator==(const recent_batch&) const = default;
  };

  /// A producer of which nothing is known: whatever sequence it begins with is
  /// the next one.
  producer_state() = default;

  /// fault::damaged or version when the bytes are no state.
  static result<producer_state> decode(bytes_view value);
  bytes encode() const;

  /// For sequence_verdict::duplicate `first` is the offset that the batch has
  /// had since.
  struct verdict {
    sequence_verdict which = sequence_verdict::next;
    offset first;
  };
  verdict judge(const producer_mark& batch) const;

  /// Remembers a batch that is stored behind the others; before that, judge()
  /// has called it the next one.
  void remember(
    const producer_mark& batch, offset first, std::int64_t timestamp_ms);

  /// Remembers a batch that is stored in front of the others, after
  /// forget_from(): for all of the producer's batches from there back, newest
  /// first. False once there is nothing more to learn from older ones.
  bool recall(
    const producer_mark& batch, offset first, std::int64_t timestamp_ms);

  /// Forgets the batches from offset `from` on; whether there were any.
  bool forget_from(offset from);

  std::int16_t epoch() const { return epoch_; }
  /// Record time of the last batch.
  std::int64_t timestamp_ms() const { return timestamp_ms_; }
  const std::vector<recent_batch>& recent() const { return recent_; }
  bool operator==(const producer_state&) const = default;

private:
  std::int16_t epoch_ = -1;
  std::int64_t timestamp_ms_ = 0;
  std::vector<recent_batch> recent_;
};

/// What is remembered of a partition's producers at one moment, as
/// event_log::inspect_producers() shows it.
struct remembered_producers {
  /// Of the partition at that moment: the batches up to there are remembered.
  offset log_end;
  offset committed_end;
  /// By producer id, ascending.
  std::vector<std::pair<std::int64_t, producer_state>> states;
};

/// The sequence `by` places after `sequence`.
std::int32_t later_sequence(std::int32_t sequence, std::uint32_t by);

} // namespace herald
