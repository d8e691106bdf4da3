#include "engine/log/checked_row.hpp"
#include "engine/log/log_state.hpp"
#include "engine/log/producer_recall.hpp"
#include "protocol/big_endian.hpp"

#include <cassert>

namespace herald {

namespace {

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
  auto mark = mark_of(*batch);
  if (!mark)
    return 0;
  auto name = producer_key(
    topic_id(partition), partition.where.partition, mark->producer_id);
  auto key = to_value(name);
  MDB_val value{};
  auto code = mdb_get(transaction, tables_.producers.handle, &key, &value);
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
  auto verdict = known->judge(*mark);
  if (verdict.which == sequence_verdict::duplicate) {
    item.duplicate = true;
    item.first = verdict.first;
    item.next = {verdict.first.value
      + static_cast<std::uint64_t>(batch->last_offset_delta()) + 1};
  } else if (verdict.which != sequence_verdict::next) {
    item.refused = named(refusal(*mark, verdict.which, *known), partition.where,
      partition.next.log_end);
  }
  return 0;
}

int event_log::impl::put_producer(MDB_txn* transaction, const append_item& item,
  const partition_state& partition, producer_state& known) const {
  auto batch = batch_view::parse_unchecked(item.view());
  assert(batch);
  auto mark = mark_of(*batch);
  assert(mark);
  known.remember(*mark, item.first, batch->max_timestamp_ms());
  return put_row(transaction, tables_.producers,
    producer_key(
      topic_id(partition), partition.where.partition, mark->producer_id),
    known.encode());
}

// Forgets what producers sent from `from` on, which has been cut off, and
// remembers what they sent before that instead.
int event_log::impl::cut_producers(MDB_txn* transaction,
  const partition_state& partition, offset from, failure& refused) const {
  auto prefix = partition_key(topic_id(partition), partition.where.partition);
  producer_recall recall;
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
      recall.forget(
        load_big_endian<std::int64_t>(cursor.key().data() + prefix.size()),
        std::move(*state), from);
    }
    if (code && code != MDB_NOTFOUND)
      return code;
  }
  if (auto code = recall_producers(transaction, partition, recall, refused))
    return code;
  for (auto& [id, state] : recall.changed()) {
    auto name
      = producer_key(topic_id(partition), partition.where.partition, id);
    auto key = to_value(name);
    auto code = state.recent().empty()
      ? mdb_del(transaction, tables_.producers.handle, &key, nullptr)
      : put_row(transaction, tables_.producers, name, state.encode());
    if (code)
      return code;
  }
  return 0;
}

// Reads the partition from its end back until all that is wanted is known.
int event_log::impl::recall_producers(MDB_txn* transaction,
  const partition_state& partition, producer_recall& recall,
  failure& refused) const {
  auto damaged = [&](failure why, offset at) {
    refused = named(std::move(why), partition.where, at);
    return log_environment::abandon;
  };
  auto oldest = partition.now.log_end;
  lmdb_cursor cursor{transaction, partition.table};
  auto code = recall.wanted() ? cursor.move(MDB_LAST) : MDB_NOTFOUND;
  for (; !code && recall.wanted(); code = cursor.move(MDB_PREV)) {
    auto base = offset_of_key(cursor.key());
    auto stored = cursor.value();
    auto batch = stored.size() < entry_header_bytes
      ? fail(fault::damaged, "its entry is damaged")
      : batch_view::parse_unchecked(stored.substr(entry_header_bytes));
    if (!base || !batch)
      return damaged({fault::damaged, "its entry is damaged"},
        base.value_or(offset{partition.log_start}));
    recall.see(*batch, *base);
    oldest = *base;
  }
  if (code && code != MDB_NOTFOUND)
    return code;
  // What is older may be archived.
  auto segments = shelf_.of(partition.where);
  for (; recall.wanted() && !segments.empty(); segments.pop_back()) {
    auto& segment = segments.back();
    auto reader = shelf_.open(segment);
    if (!reader)
      return damaged(std::move(reader).error(), segment.first);
    auto read = (*reader)->visit(
      segment.first, [&](offset base, const entry_view& entry) {
        if (base < oldest)
          recall.gather(entry.batch, base);
        return base < oldest;
      });
    if (!read)
      return damaged(std::move(read).error(), segment.first);
    recall.see_gathered();
  }
  return 0;
}

result<remembered_producers> event_log::inspect_producers(
  partition_id where) const {
  auto prefix = partition_key(self_->id_of(self_->at(where)), where.partition);
  return self_->reading(
    where, [&](MDB_txn* transaction) -> result<remembered_producers> {
      auto numbers = self_->read_numbers(transaction, prefix, where);
      if (!numbers)
        return std::unexpected{std::move(numbers).error()};
      remembered_producers found{numbers->log_end, numbers->committed_end, {}};
      lmdb_cursor cursor{transaction, self_->tables_.producers};
      auto code = cursor.seek(prefix);
      for (; !code && cursor.key().starts_with(prefix);
        code = cursor.move(MDB_NEXT)) {
        auto state = read_state(cursor.key(), cursor.value());
        if (!state || cursor.key().size() != prefix.size() + 8)
          return std::unexpected{self_->named(state
              ? failure{fault::damaged, "the key of a producer is damaged"}
              : state.error(),
            where, {0})};
        found.states.emplace_back(
          load_big_endian<std::int64_t>(cursor.key().data() + prefix.size()),
          std::move(*state));
      }
      if (code && code != MDB_NOTFOUND)
        return std::unexpected{self_->named(
          lmdb_failure("read", data_folder() / "log", code), where, {0})};
      return found;
    });
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
