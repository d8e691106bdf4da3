#pragma once

#include "engine/log/producer_state.hpp"
#include "protocol/position.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace herald {

class batch_view;

/// Rebuilds from a partition's batches what the log must remember of their
/// producers, and compares it with what it does remember. For one thread.
/// Memory: one producer_state for each producer of the partition.
class producer_check {
public:
  /// What does not fit, and at which of the producer's batches.
  struct finding {
    offset at;
    std::string what;
  };

  /// The partition's batches, each once and in order.
  void see(const batch_view& batch);

  /// Where batches may be missing that are remembered rightly, since they were
  /// trimmed or compacted away.
  struct missing {
    /// Where the first stored batch starts, or the log ends.
    offset first_stored;
    /// Compaction has been below it; 0 when there was none.
    offset compacted_below;
  };

  /// Compares what is remembered of one producer, after the last see(); each
  /// producer once.
  std::optional<finding> compare(std::int64_t producer_id,
    const producer_state& remembered, const missing& gone);

  /// A producer with stored batches for which compare() was not called, so that
  /// nothing is remembered of it; none when there is no such producer.
  std::optional<finding> forgotten() const;

private:
  std::map<std::int64_t, producer_state> rebuilt_;
};

} // namespace herald
