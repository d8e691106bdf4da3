#include "actors/replay/feed_replay.hpp"

#include "actors/match/match_patch.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace herald {

using nlohmann::json;

/// A match that somebody watches, as far as it has been replayed.
struct feed_replay::watched {
  std::uint32_t partition = 0;
  json state;
  offset next;
  std::uint64_t used = 0;
};

feed_replay::feed_replay(const event_index& index, const event_codec& codec,
  feed_hub& hub, std::function<bool()> wait)
  : index_(index), codec_(codec), hub_(hub), wait_(std::move(wait)) {}

feed_replay::~feed_replay() = default;

/// The state of the record's match before the record.
result<feed_replay::watched*> feed_replay::state_before(
  const replay_part& part, const record_view& record) {
  std::string match{*record.key};
  auto& kept = states_[match];
  if (!kept) {
    kept = std::make_unique<watched>();
    kept->partition = part.where.partition;
    kept->state = empty_match_state(match);
    ++kept_;
  }
  kept->used = ++uses_;
  auto folded = index_.for_each_event(part.where, match, kept->next, record.at,
    [&](const record_view& before) -> result<void> {
      auto event = codec_.decode(before.value.value_or(""));
      if (!event)
        return std::unexpected(event.error());
      apply_patch(kept->state, match_patch(*event, before.timestamp_ms));
      return {};
    });
  if (!folded)
    return std::unexpected(folded.error());
  kept->next = record.at;
  return kept.get();
}

bool feed_replay::hand_over(const replayed_piece& piece) {
  while (!hub_.replay(piece))
    if (wait_())
      return false;
  return true;
}

result<bool> feed_replay::show(
  const replay_part& part, const record_view& record) {
  if (!record.key || !record.value)
    return false;
  std::string match{*record.key};
  auto demand = hub_.demand_of(match);
  if (demand == feed_hub::replay_demand::none)
    return false;
  auto kept = state_before(part, record);
  if (!kept)
    return std::unexpected(kept.error());
  auto event = codec_.decode(*record.value);
  if (!event)
    return std::unexpected(event.error());
  replayed_piece piece;
  piece.match = match;
  piece.partition = part.where.partition;
  if (demand == feed_hub::replay_demand::state) {
    piece.state = std::make_shared<const json>((*kept)->state);
    piece.state_next = record.at;
  }
  auto patch = match_patch(*event, record.timestamp_ms);
  apply_patch((*kept)->state, patch);
  (*kept)->next = record.at.next();
  piece.event = feed_event{record.at, match, std::string{name_of(*event)},
    record.timestamp_ms, std::make_shared<const json>(std::move(patch))};
  hand_over(piece);
  if (kept_ > states_max)
    let_go_of_one();
  return true;
}

/// Drops the state that was used least lately.
void feed_replay::let_go_of_one() {
  auto used
    = [](auto& entry) { return entry.second ? entry.second->used : ~0ul; };
  auto oldest = std::min_element(states_.begin(), states_.end(),
    [&](auto& a, auto& b) { return used(a) < used(b); });
  oldest->second.reset();
  --kept_;
}

void feed_replay::end() {
  for (auto& [match, kept] : states_) {
    replayed_piece piece;
    piece.match = match;
    if (kept && hub_.demand_of(match) == feed_hub::replay_demand::state) {
      piece.partition = kept->partition;
      piece.state = std::make_shared<const json>(kept->state);
      piece.state_next = kept->next;
    }
    piece.last = true;
    if (!hand_over(piece))
      return;
  }
  states_.clear();
  kept_ = 0;
}

} // namespace herald
