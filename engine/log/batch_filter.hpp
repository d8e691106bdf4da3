#pragma once

#include "protocol/batch/record_batch.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <cstdint>
#include <functional>
#include <optional>

namespace herald {

/// What is left of a batch.
struct filtered_batch {
  /// The batch without the records that went; empty where all went, none where
  /// none went.
  std::optional<bytes> batch;
  std::uint32_t removed = 0;
  /// Of its records, before they were compressed: what looking at them cost.
  std::size_t inflated_bytes = 0;
};

/// The batch without the records that `keep` refuses. Everything else stays as
/// it was, as Kafka's log cleaner leaves it: base offset, last offset delta,
/// base time, producer id, epoch and sequence, codec, and the bytes of each
/// record. The newest record time is that of the records that are left, unless
/// the batch has append time. fault::invalid_input or fault::too_large when the
/// records cannot be read.
///
/// Example: of offsets 5, 6, 7 in a batch that begins at 5, record 6 goes: the
/// batch still begins at 5 and ends at 7, and says that it has 2 records.
result<filtered_batch> filter_batch(
  const batch_view& batch, const std::function<bool(const record_view&)>& keep);

} // namespace herald
