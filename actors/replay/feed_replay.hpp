#pragma once

#include "actors/event_codec.hpp"
#include "actors/event_index.hpp"
#include "actors/feed/feed_hub.hpp"
#include "actors/replay/replay_range.hpp"
#include "protocol/batch/record_batch.hpp"
#include "protocol/failure.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace herald {

/// Shows records of `match` to the subscribers of "replay:MATCH", and to nobody
/// else. It keeps the states of the matches that somebody watches, at most
/// `states_max` of them; those of others it folds again when they are needed.
/// One thread; all that it borrows outlives it.
class feed_replay {
public:
  static constexpr std::size_t states_max = 64;

  /// `wait` waits a moment for the hub to have room; true: give up.
  feed_replay(const event_index& index, const event_codec& codec, feed_hub& hub,
    std::function<bool()> wait);
  ~feed_replay();

  /// Shows one record, later than those before it; whether anybody watches its
  /// match.
  result<bool> show(const replay_part& part, const record_view& record);

  /// Tells everybody who saw something that it is over, after the state for
  /// those who could not keep up.
  void end();

private:
  struct watched;
  result<watched*> state_before(
    const replay_part& part, const record_view& record);
  bool hand_over(const replayed_piece& piece);
  void let_go_of_one();

  const event_index& index_;
  const event_codec& codec_;
  feed_hub& hub_;
  std::function<bool()> wait_;
  /// Every match that was shown; null when its state was let go of.
  std::map<std::string, std::unique_ptr<watched>> states_;
  std::size_t kept_ = 0;
  std::uint64_t uses_ = 0;
};

} // namespace herald
