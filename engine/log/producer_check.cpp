#include "engine/log/producer_check.hpp"

#include "protocol/batch/record_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace herald {

void producer_check::see(const batch_view& batch) {
  if (auto mark = mark_of(batch))
    rebuilt_[mark->producer_id].remember(
      *mark, batch.base_offset(), batch.max_timestamp_ms());
}

std::optional<producer_check::finding> producer_check::compare(
  std::int64_t producer_id, const producer_state& remembered,
  const missing& gone) {
  auto found = [&](offset at, std::string_view what) {
    return finding{at, fmt::format("producer {}: {}", producer_id, what)};
  };
  producer_state stored;
  if (auto seen = rebuilt_.extract(producer_id))
    stored = std::move(seen.mapped());
  auto& known = remembered.recent();
  if (known.empty())
    return found(gone.first_stored, "no batch of it is remembered");
  for (std::size_t i = 1; i < known.size(); ++i)
    if (known[i - 1].first >= known[i].first)
      return found(known[i].first, "its batches are remembered out of order");
  if (stored.epoch() > remembered.epoch())
    return found(stored.recent().back().first,
      fmt::format("its epoch {} is remembered, {} is stored",
        remembered.epoch(), stored.epoch()));
  // Older ones than the remembered ones may be stored once there are enough.
  std::vector<producer_state::recent_batch> batches;
  if (stored.epoch() == remembered.epoch())
    for (auto& batch : stored.recent())
      if (batch.first >= known.front().first
        || known.size() < producer_state::recent_max)
        batches.push_back(batch);
  for (auto& batch : batches)
    if (std::ranges::find(known, batch) == known.end())
      return found(
        batch.first, "this batch of it is not remembered as it is stored");
  for (auto& batch : known)
    if (batch.first >= gone.first_stored && batch.first >= gone.compacted_below
      && std::ranges::find(batches, batch) == batches.end())
      return found(
        batch.first, "a batch of it is remembered here that is not stored");
  // Compaction may have taken the newest record.
  if (!batches.empty() && known.back().first >= gone.compacted_below
    && remembered.timestamp_ms() != stored.timestamp_ms())
    return found(known.back().first,
      "another record time of its last batch is remembered");
  return std::nullopt;
}

std::optional<producer_check::finding> producer_check::forgotten() const {
  if (rebuilt_.empty())
    return std::nullopt;
  auto& [producer_id, stored] = *rebuilt_.begin();
  return finding{stored.recent().back().first,
    fmt::format("producer {}: nothing is remembered of it", producer_id)};
}

} // namespace herald
