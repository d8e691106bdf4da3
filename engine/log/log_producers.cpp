#include "engine/log/checked_row.hpp"
#include "engine/log/log_state.hpp"
#include "protocol/batch/big_endian.hpp"

#include <cassert>

namespace herald {

namespace {

producer_mark mark_of(const batch_view& batch) {
  return {batch.producer_id(), batch.producer_epoch(), batch.base_sequence(),
    later_sequence(batch.base_sequence(),
      static_cast<std::uint32_t>(batch.last_offset_delta()))};
}

failure refusal(const producer_mark& batch, sequence_verdict verdict,
  const producer_state& known) {
  if (verdict == sequence_verdict::old_epoch)
    return {fault::fenced,
      fmt::format("producer {} writes with epoch {}, but epoch {} has written "
                  "already",
        batch.producer_id, batch.epoch, known.epoch())};
  return {fault::out_of_order,
    fmt::format("producer {} sent a batch with sequence {} after {}",
      batch.producer_id, batch.first_sequence,
      known.recent().back().last_sequence)};
}

// A state as it is stored, with a check behind it.
result<producer_state> read_state(bytes_view key, bytes_view stored) {
  auto row = without_row_check(key, stored);
  if (!row)
    return fail(fault::damaged,
      fmt::format("the entry of a producer: {}", row.error().message));
  return producer_state::decode(*row);
}

} // namespace

int event_log::impl::judge_producer(MDB_txn* transaction, append_item& item,
  const partition_state& partition,
  std::optional<producer_state>& known) const {
  auto batch = batch_view::parse_unchecked(item.view());
  assert(batch);
  if (batch->producer_id() < 0 || batch->base_sequence() < 0)
    return 0;
  auto mark = mark_of(*batch);
  auto name = producer_key(
    topic_id(partition), partition.where.partition, mark.producer_id);
  auto key = to_value(name);
  MDB_val value{};
  auto code = mdb_get(transaction, tables_.producers, &key, &value);
  known.emplace();
  if (code == MDB_NOTFOUND)
    return 0;
  if (code)
    return code;
  auto stored = read_state(name, to_view(value));
  if (!stored) {
    item.refused = named(
      std::move(stored).error(), partition.where, partition.next.log_end);
    return 0;
  }
  known = std::move(*stored);
  auto verdict = known->judge(mark);
  if (verdict.which == sequence_verdict::duplicate) {
    item.duplicate = true;
    item.first = verdict.first;
    item.next = {verdict.first.value
      + static_cast<std::uint64_t>(batch->last_offset_delta()) + 1};
  } else if (verdict.which != sequence_verdict::next) {
    item.refused = named(refusal(mark, verdict.which, *known), partition.where,
      partition.next.log_end);
  }
  return 0;
}

int event_log::impl::put_producer(MDB_txn* transaction, const append_item& item,
  const partition_state& partition, producer_state& known) const {
  auto batch = batch_view::parse_unchecked(item.view());
  assert(batch);
  auto mark = mark_of(*batch);
  known.remember(mark, item.first, batch->max_timestamp_ms());
  return put_row(transaction, tables_.producers,
    producer_key(
      topic_id(partition), partition.where.partition, mark.producer_id),
    known.encode());
}

// Forgets what producers sent from `from` on, which is being cut off.
int event_log::impl::cut_producers(MDB_txn* transaction,
  const partition_state& partition, offset from, failure& refused) const {
  auto prefix = partition_key(topic_id(partition), partition.where.partition);
  std::vector<std::pair<bytes, producer_state>> changed;
  {
    lmdb_cursor cursor{transaction, tables_.producers};
    auto code = cursor.seek(prefix);
    for (; !code && cursor.key().starts_with(prefix);
      code = cursor.move(MDB_NEXT)) {
      auto state = read_state(cursor.key(), cursor.value());
      if (!state) {
        refused = named(std::move(state).error(), partition.where, from);
        return log_environment::abandon;
      }
      if (state->forget_from(from))
        changed.emplace_back(cursor.key(), std::move(*state));
    }
    if (code && code != MDB_NOTFOUND)
      return code;
  }
  for (auto& [name, state] : changed) {
    auto key = to_value(name);
    auto code = state.recent().empty()
      ? mdb_del(transaction, tables_.producers, &key, nullptr)
      : put_row(transaction, tables_.producers, name, state.encode());
    if (code)
      return code;
  }
  return 0;
}

result<std::int64_t> event_log::allocate_producer_ids(std::uint32_t count) {
  assert(count > 0 && count <= 1u << 16);
  auto& self = *self_;
  std::lock_guard lock{self.write_mutex_};
  std::uint64_t first = 0;
  auto written = self.env_->write([&](MDB_txn* transaction) {
    bytes_view value;
    auto code = get_row(transaction, self.tables_.meta, producer_id_key, value);
    if (code && code != MDB_NOTFOUND)
      return code;
    if (!code && value.size() != 8)
      return MDB_CORRUPTED;
    first = code ? 0 : load_big_endian<std::uint64_t>(value.data());
    return put_row(transaction, self.tables_.meta, producer_id_key,
      encode_u64(first + count));
  });
  if (!written)
    return std::unexpected{std::move(written).error()};
  return static_cast<std::int64_t>(first);
}

} // namespace herald
