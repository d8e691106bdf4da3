#include "engine/log/producer_state.hpp"

#include "protocol/batch/record_batch.hpp"
#include "protocol/big_endian.hpp"

namespace herald {

namespace {

constexpr char value_version = 1;
constexpr std::size_t head_bytes = 12;
constexpr std::size_t recent_bytes = 16;

template <class T>
void put(bytes& out, T value) {
  auto at = out.size();
  out.resize(at + sizeof value);
  store_big_endian(out.data() + at, value);
}

} // namespace

std::int32_t later_sequence(std::int32_t sequence, std::uint32_t by) {
  return static_cast<std::int32_t>(
    (static_cast<std::uint32_t>(sequence) + by) & 0x7fffffffu);
}

std::optional<producer_mark> mark_of(const batch_view& batch) {
  if (batch.producer_id() < 0 || batch.base_sequence() < 0)
    return std::nullopt;
  return producer_mark{batch.producer_id(), batch.producer_epoch(),
    batch.base_sequence(),
    later_sequence(batch.base_sequence(),
      static_cast<std::uint32_t>(batch.last_offset_delta()))};
}

result<producer_state> producer_state::decode(bytes_view value) {
  if (!value.empty() && value[0] > value_version)
    return fail(fault::version,
      "the entry of a producer is of a newer version of Herald");
  if (value.size() < head_bytes || value[0] != value_version
    || value.size()
      != head_bytes
        + recent_bytes * static_cast<std::uint8_t>(value[head_bytes - 1]))
    return fail(fault::damaged, "the entry of a producer is damaged");
  producer_state state;
  state.epoch_ = load_big_endian<std::int16_t>(value.data() + 1);
  state.timestamp_ms_ = load_big_endian<std::int64_t>(value.data() + 3);
  for (value.remove_prefix(head_bytes); !value.empty();
    value.remove_prefix(recent_bytes))
    state.recent_.push_back({load_big_endian<std::int32_t>(value.data()),
      load_big_endian<std::int32_t>(value.data() + 4),
      {load_big_endian<std::uint64_t>(value.data() + 8)}});
  if (state.recent_.size() > recent_max)
    return fail(fault::damaged, "the entry of a producer is damaged");
  return state;
}

bytes producer_state::encode() const {
  bytes out(1, value_version);
  put(out, epoch_);
  put(out, timestamp_ms_);
  put(out, static_cast<std::uint8_t>(recent_.size()));
  for (auto& batch : recent_) {
    put(out, batch.first_sequence);
    put(out, batch.last_sequence);
    put(out, batch.first.value);
  }
  return out;
}

producer_state::verdict producer_state::judge(
  const producer_mark& batch) const {
  if (recent_.empty())
    return {};
  if (batch.epoch < epoch_)
    return {sequence_verdict::old_epoch, {}};
  if (batch.epoch > epoch_)
    return {batch.first_sequence == 0 ? sequence_verdict::next
                                      : sequence_verdict::out_of_order,
      {}};
  for (auto& known : recent_)
    if (known.first_sequence == batch.first_sequence
      && known.last_sequence == batch.last_sequence)
      return {sequence_verdict::duplicate, known.first};
  auto expected = later_sequence(recent_.back().last_sequence, 1);
  return {batch.first_sequence == expected ? sequence_verdict::next
                                           : sequence_verdict::out_of_order,
    {}};
}

bool producer_state::forget_from(offset from) {
  return std::erase_if(recent_, [from](const recent_batch& batch) {
    return batch.first >= from;
  }) > 0;
}

void producer_state::remember(
  const producer_mark& batch, offset first, std::int64_t timestamp_ms) {
  if (batch.epoch != epoch_)
    recent_.clear();
  epoch_ = batch.epoch;
  timestamp_ms_ = timestamp_ms;
  if (recent_.size() == recent_max)
    recent_.erase(recent_.begin());
  recent_.push_back({batch.first_sequence, batch.last_sequence, first});
}

bool producer_state::recall(
  const producer_mark& batch, offset first, std::int64_t timestamp_ms) {
  if (recent_.empty())
    epoch_ = batch.epoch;
  if (recent_.empty() || first == recent_.back().first)
    timestamp_ms_ = timestamp_ms;
  if (recent_.empty() || first < recent_.front().first) {
    if (batch.epoch != epoch_ || recent_.size() == recent_max)
      return false;
    recent_.insert(
      recent_.begin(), {batch.first_sequence, batch.last_sequence, first});
  }
  return recent_.size() < recent_max;
}

} // namespace herald
