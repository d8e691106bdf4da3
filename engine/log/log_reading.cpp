#include "engine/log/log_state.hpp"

namespace herald {

std::string event_log::impl::place(partition_id where, offset at) const {
  std::shared_lock lock{topics_mutex_};
  return fmt::format(
    "{}/{}@{}", topics_[where.topic]->info.name, where.partition, at.value);
}

failure event_log::impl::named(
  failure why, partition_id where, offset at) const {
  why.message = fmt::format("{}: {}", place(where, at), why.message);
  return why;
}

// Visits the entries from the one that holds `from` up to `end`, checked.
template <class Visit>
result<void> event_log::impl::walk(MDB_txn* transaction,
  const partition_state& partition, offset from, offset end,
  Visit&& visit) const {
  auto damaged = [&](offset at, std::string why) {
    return std::unexpected{
      named({fault::damaged, std::move(why)}, partition.where, at)};
  };
  lmdb_cursor cursor{transaction, partition.table};
  auto code = cursor.seek(offset_key(from));
  if (code == MDB_NOTFOUND)
    code = cursor.move(MDB_LAST);
  else if (!code && offset_of_key(cursor.key()) != from)
    code = cursor.move(MDB_PREV);
  auto expected = std::optional<offset>{};
  for (; !code; code = cursor.move(MDB_NEXT)) {
    auto base = offset_of_key(cursor.key());
    if (!base)
      return damaged(expected.value_or(from), "its key is damaged");
    if (expected && *base != *expected)
      return damaged(*expected,
        fmt::format("the records up to {} are missing", base->value));
    if (*base >= end)
      return {};
    auto entry = read_entry(cursor.value(), *base);
    if (!entry)
      return std::unexpected{
        named(std::move(entry).error(), partition.where, *base)};
    auto next = entry->batch.next_offset();
    if (!expected && (*base > from || next <= from))
      return damaged(from, "no batch holds it");
    if (!visit(*base, *entry) || next >= end)
      return {};
    expected = next;
  }
  if (code == MDB_NOTFOUND)
    return damaged(expected.value_or(from),
      fmt::format("the records up to {} are missing", end.value));
  return std::unexpected{
    named(lmdb_failure("read", folder_.path() / "log", code), partition.where,
      expected.value_or(from))};
}

template <class Visit>
result<void> event_log::impl::walk_committed(
  partition_id where, offset from, Visit&& visit) const {
  auto& partition = at(where);
  // The end first: a transaction that begins after it sees all below it.
  offset end{partition.committed_end};
  if (from > end || from.value < partition.log_start)
    return fail(fault::not_found,
      fmt::format("{} is outside of [{}, {})", place(where, from),
        partition.log_start.load(), end.value));
  if (from == end)
    return {};
  return reading(where, [&](MDB_txn* transaction) {
    return walk(transaction, partition, from, end, visit);
  });
}

result<void> event_log::visit(partition_id where, offset from,
  const std::function<bool(offset base, offset next, bytes_view batch)>& visit)
  const {
  return self_->walk_committed(
    where, from, [&](offset base, const entry_view& entry) {
      return visit(base, entry.batch.next_offset(), entry.batch.data());
    });
}

result<std::vector<stored_batch>> event_log::read(
  partition_id where, offset from, std::size_t bytes_max) const {
  std::vector<stored_batch> found;
  std::size_t sum = 0;
  auto read = self_->walk_committed(
    where, from, [&](offset base, const entry_view& entry) {
      auto size = entry.batch.size_bytes();
      if (!found.empty() && sum + size > bytes_max)
        return false;
      sum += size;
      found.push_back({base, entry.batch.next_offset(), entry.term,
        bytes{entry.batch.data()}});
      return sum < bytes_max;
    });
  if (!read)
    return std::unexpected{std::move(read).error()};
  return found;
}

result<stored_piece> event_log::inspect(
  partition_id where, offset from, std::size_t bytes_max) const {
  auto& partition = self_->at(where);
  auto name = partition_key(find_topic(where.topic)->id, where.partition);
  auto unreadable = [&](int code) {
    return std::unexpected{self_->named(
      lmdb_failure("read", data_folder() / "log", code), where, from)};
  };
  return self_->reading(
    where, [&](MDB_txn* transaction) -> result<stored_piece> {
      stored_piece piece;
      bytes_view row;
      if (auto code
        = get_row(transaction, self_->tables_.partitions, name, row))
        return unreadable(code);
      auto numbers = decode_numbers(row);
      if (!numbers)
        return std::unexpected{
          self_->named(std::move(numbers).error(), where, from)};
      piece.numbers = *numbers;
      std::size_t sum = 0;
      lmdb_cursor cursor{transaction, partition.table};
      auto code = cursor.seek(offset_key(from));
      for (; !code && sum < bytes_max; code = cursor.move(MDB_NEXT)) {
        piece.rows.emplace_back(cursor.key(), cursor.value());
        sum += cursor.value().size();
      }
      if (code && code != MDB_NOTFOUND)
        return unreadable(code);
      return piece;
    });
}

result<std::optional<offset>> event_log::offset_at_time(
  partition_id where, std::int64_t timestamp_ms) const {
  using answer = result<std::optional<offset>>;
  auto& partition = self_->at(where);
  offset end{partition.committed_end};
  if (end.value == partition.log_start
    || partition.last_timestamp_ms < timestamp_ms)
    return std::nullopt;
  return self_->reading(where, [&](MDB_txn* transaction) -> answer {
    // Record time never decreases, so the batch is found by halving the
    // offsets.
    offset low{partition.log_start};
    auto high = end;
    std::optional<offset> found;
    while (low < high) {
      offset middle{low.value + (high.value - low.value) / 2};
      auto looked = self_->walk(transaction, partition, middle, end,
        [&](offset base, const entry_view& entry) {
          if (entry.batch.max_timestamp_ms() >= timestamp_ms) {
            high = base;
            found = base;
          } else {
            low = entry.batch.next_offset();
          }
          return false;
        });
      if (!looked)
        return std::unexpected{std::move(looked).error()};
    }
    if (!found)
      return std::nullopt;
    auto first = *found;
    result<void> records;
    auto looked = self_->walk(transaction, partition, *found, end,
      [&](offset, const entry_view& entry) {
        records = entry.batch.for_each([&](const record_view& record) {
          first = record.at;
          return record.timestamp_ms < timestamp_ms;
        });
        return false;
      });
    if (!looked)
      return std::unexpected{std::move(looked).error()};
    if (!records)
      return std::unexpected{
        self_->named({fault::damaged, records.error().message}, where, *found)};
    return first;
  });
}

} // namespace herald
