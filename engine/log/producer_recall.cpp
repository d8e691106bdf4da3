#include "engine/log/producer_recall.hpp"

#include "protocol/batch/record_batch.hpp"

#include <utility>

namespace herald {

void producer_recall::forget(
  std::int64_t producer_id, producer_state state, offset from) {
  auto remembered = state.recent().size();
  if (!state.forget_from(from))
    return;
  // Where there were fewer than there can be, they were all of the epoch.
  auto none_left = state.recent().empty();
  auto older = remembered == producer_state::recent_max
    || (none_left && state.epoch() > 0);
  if (older || !none_left)
    wanted_.emplace(producer_id, older);
  changed_.emplace(producer_id, std::move(state));
}

void producer_recall::see(const batch_view& batch, offset base) {
  if (auto mark = mark_of(batch))
    recall({*mark, base, batch.max_timestamp_ms()});
}

void producer_recall::gather(const batch_view& batch, offset base) {
  auto mark = mark_of(batch);
  if (!mark || !wanted_.contains(mark->producer_id))
    return;
  auto& sent = gathered_[mark->producer_id];
  sent.push_back({*mark, base, batch.max_timestamp_ms()});
  // One more than can be remembered ends the search.
  if (sent.size() > producer_state::recent_max + 1)
    sent.pop_front();
}

void producer_recall::see_gathered() {
  for (auto& [id, sent] : std::exchange(gathered_, {}))
    for (auto batch = sent.rbegin(); batch != sent.rend(); ++batch)
      recall(*batch);
}

void producer_recall::recall(const sent_batch& batch) {
  auto producer = wanted_.find(batch.mark.producer_id);
  if (producer == wanted_.end())
    return;
  auto more = changed_[batch.mark.producer_id].recall(
    batch.mark, batch.base, batch.timestamp_ms);
  if (!more || !producer->second)
    wanted_.erase(producer);
}

} // namespace herald
