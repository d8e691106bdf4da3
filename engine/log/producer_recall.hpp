#pragma once

#include "engine/log/producer_state.hpp"
#include "protocol/position.hpp"

#include <cstdint>
#include <deque>
#include <map>

namespace herald {

class batch_view;

/// Takes the end of a partition back out of what is remembered of its
/// producers: their batches from there on are forgotten, and what they sent
/// before is remembered instead. First forget() for each producer, then the
/// partition's batches that are left, the newest first, until nothing more is
/// wanted(). For one thread.
class producer_recall {
public:
  /// Forgets what a producer has sent from `from` on. What is left is in
  /// changed(), unless there was nothing to forget.
  void forget(std::int64_t producer_id, producer_state state, offset from);

  /// Whether older batches would tell more.
  bool wanted() const { return !wanted_.empty(); }

  /// The batch in front of all that were seen before.
  void see(const batch_view& batch, offset base);

  /// For batches that can be read forward alone: gather() each of a stretch,
  /// the oldest first, and then take them with see_gathered(). Keeps the last
  /// few of each wanted producer.
  void gather(const batch_view& batch, offset base);
  void see_gathered();

  /// What is to be remembered now of the producers of whom something was
  /// forgotten. Those without a recent batch are forgotten altogether.
  const std::map<std::int64_t, producer_state>& changed() const {
    return changed_;
  }

private:
  struct sent_batch {
    producer_mark mark;
    offset base;
    std::int64_t timestamp_ms = 0;
  };
  void recall(const sent_batch& batch);

  std::map<std::int64_t, producer_state> changed_;
  // Whether older batches than those that are left are to be recalled, too.
  std::map<std::int64_t, bool> wanted_;
  std::map<std::int64_t, std::deque<sent_batch>> gathered_;
};

} // namespace herald
