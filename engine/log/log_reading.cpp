#include "engine/log/log_state.hpp"

#include <algorithm>

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

namespace {

// Moves to the last entry whose key is not above `from`; to the first one where
// all are.
int find_batch(lmdb_cursor& cursor, offset from) {
  auto code = cursor.seek(offset_key(from));
  if (code == MDB_NOTFOUND)
    return cursor.move(MDB_LAST);
  if (!code && offset_of_key(cursor.key()) != from) {
    code = cursor.move(MDB_PREV);
    if (code == MDB_NOTFOUND)
      return cursor.move(MDB_FIRST);
    // A key of a branch page has led astray.
    auto found = code ? std::nullopt : offset_of_key(cursor.key());
    if (found && *found > from)
      code = MDB_CORRUPTED;
  }
  return code;
}

// What an entry takes in LMDB's pages: a share of one, or pages of its own
// where two would not fit into one.
std::uint64_t page_bytes(std::uint64_t entry) {
  constexpr std::uint64_t page = 4'096, page_header = 16, node_header = 8;
  auto node = entry + node_header + sizeof(offset);
  return node <= (page - page_header) / 2
    ? node
    : (entry + page_header + page - 1) / page * page;
}

} // namespace

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
  bool gaps = partition.gaps;
  auto code = find_batch(cursor, from);
  auto expected = std::optional<offset>{};
  for (; !code; code = cursor.move(MDB_NEXT)) {
    auto base = offset_of_key(cursor.key());
    if (!base)
      return damaged(expected.value_or(from), "its key is damaged");
    if (expected && (gaps ? *base < *expected : *base != *expected))
      return damaged(*expected,
        fmt::format("the records up to {} are missing", base->value));
    auto entry = read_entry(cursor.value(), *base, gaps);
    if (!entry)
      return std::unexpected{
        named(std::move(entry).error(), partition.where, *base)};
    // Only now: a key that is not its batch's may stand for any offset.
    if (*base >= end)
      return {};
    auto next = entry->batch.next_offset();
    if (!expected && gaps && next <= from)
      continue;
    if (!expected && ((!gaps && *base > from) || next <= from))
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
  if (auto fine = still_there(partition); !fine)
    return fine;
  // The end first: a transaction that begins after it sees all below it.
  offset end{partition.committed_end};
  if (from > end || from.value < partition.log_start)
    return fail(fault::not_found,
      fmt::format("{} is outside of [{}, {})", place(where, from),
        partition.log_start.load(), end.value));
  // Archived batches first, one segment after the other, then those of the
  // environment. Whether it has them is asked when its transaction has begun.
  auto enough = false;
  while (from < end && !enough) {
    auto archived = false;
    auto read = reading(where, [&](MDB_txn* transaction) -> result<void> {
      archived = from.value < partition.live_start;
      return archived ? result<void>{}
                      : walk(transaction, partition, from, end, visit);
    });
    if (!read || !archived)
      return read;
    auto before = from;
    read
      = visit_archived(where, from, [&](offset base, const entry_view& entry) {
          from = entry.batch.next_offset();
          enough = !visit(base, entry);
          return !enough;
        });
    if (!read)
      return read;
    if (from == before)
      return std::unexpected{
        named({fault::damaged, "its segment does not hold it"}, where, from)};
  }
  return {};
}

result<void> event_log::visit(partition_id where, offset from,
  const std::function<bool(offset base, offset next, bytes_view batch)>& visit)
  const {
  return self_->walk_committed(
    where, from, [&](offset base, const entry_view& entry) {
      return visit(base, entry.batch.next_offset(), entry.batch.data());
    });
}

result<void> event_log::lend(partition_id where, offset from, std::size_t count,
  const std::function<void(std::span<const bytes_view> batches)>& use) const {
  auto& partition = self_->at(where);
  offset end{partition.committed_end};
  auto archived = false;
  auto lent = self_->reading(where, [&](MDB_txn* transaction) -> result<void> {
    archived = from.value < partition.live_start;
    if (archived)
      return {};
    std::vector<bytes_view> batches;
    batches.reserve(count);
    lmdb_cursor cursor{transaction, partition.table};
    auto code = cursor.seek(offset_key(from));
    if (!code && offset_of_key(cursor.key()) != from)
      code = MDB_NOTFOUND;
    while (
      !code && batches.size() < count && offset_of_key(cursor.key()) < end) {
      auto entry = cursor.value();
      if (entry.size() <= entry_header_bytes)
        break;
      batches.push_back(entry.substr(entry_header_bytes));
      code = cursor.move(MDB_NEXT);
    }
    if (code && code != MDB_NOTFOUND)
      return std::unexpected{self_->named(
        lmdb_failure("read", data_folder() / "log", code), where, from)};
    if (batches.empty())
      return fail(fault::not_found,
        fmt::format("no batch starts at {}", self_->place(where, from)));
    use(batches);
    return {};
  });
  return archived ? self_->lend_archived(where, from, count, use) : lent;
}

// Batches of a segment have to be made first: a few at a time.
result<void> event_log::impl::lend_archived(partition_id where, offset from,
  std::size_t count,
  const std::function<void(std::span<const bytes_view> batches)>& use) const {
  constexpr std::size_t bytes_max = 256u << 10;
  std::vector<bytes> made;
  std::size_t sum = 0;
  auto read
    = visit_archived(where, from, [&](offset base, const entry_view& entry) {
        if (made.empty() && base != from)
          return false;
        made.emplace_back(entry.batch.data());
        sum += made.back().size();
        return made.size() < count && sum < bytes_max;
      });
  if (!read)
    return read;
  if (made.empty())
    return fail(fault::not_found,
      fmt::format("no batch starts at {}", place(where, from)));
  std::vector<bytes_view> batches{made.begin(), made.end()};
  use(batches);
  return {};
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

namespace {

// A segment goes as a whole or not at all.
batch_summary as_batch(const segment_info& segment) {
  return {segment.first, segment.next, segment.last_ms, segment.file_bytes,
    segment.file_bytes};
}

} // namespace

// What the entry under the cursor says of itself.
result<batch_summary> event_log::impl::summary(
  const lmdb_cursor& cursor, partition_id where) const {
  auto base = offset_of_key(cursor.key());
  auto entry = cursor.value();
  auto batch = entry.size() < entry_header_bytes
    ? fail(fault::damaged, "its entry is damaged")
    : batch_view::parse_unchecked(entry.substr(entry_header_bytes));
  if (!base || !batch || batch->base_offset() != *base)
    return std::unexpected{
      named({fault::damaged,
              batch ? "its key is damaged" : std::move(batch).error().message},
        where, base.value_or(offset{at(where).log_start}))};
  return batch_summary{*base, batch->next_offset(), batch->max_timestamp_ms(),
    entry.size(), page_bytes(entry.size())};
}

result<std::vector<batch_summary>> event_log::survey(
  partition_id where, offset from, std::size_t count_max) const {
  using summaries = std::vector<batch_summary>;
  auto& partition = self_->at(where);
  offset end{partition.committed_end};
  if (from > end || from.value < partition.log_start)
    return fail(fault::not_found,
      fmt::format("{} is outside of [{}, {})", self_->place(where, from),
        partition.log_start.load(), end.value));
  if (from.value < partition.live_start) {
    summaries archived;
    for (auto& segment : self_->shelf_.of(where))
      if (segment.next > from && archived.size() < count_max)
        archived.push_back(as_batch(segment));
    if (!archived.empty())
      return archived;
  }
  return self_->reading(where, [&](MDB_txn* transaction) -> result<summaries> {
    summaries found;
    lmdb_cursor cursor{transaction, partition.table};
    auto code = from == end ? MDB_NOTFOUND : find_batch(cursor, from);
    for (; !code && found.size() < count_max; code = cursor.move(MDB_NEXT)) {
      auto batch = self_->summary(cursor, where);
      if (!batch)
        return std::unexpected{std::move(batch).error()};
      if (batch->base >= end)
        break;
      if (batch->next > from)
        found.push_back(*batch);
    }
    if (code && code != MDB_NOTFOUND)
      return std::unexpected{self_->named(
        lmdb_failure("read", data_folder() / "log", code), where, from)};
    return found;
  });
}

result<std::optional<batch_summary>> event_log::first_stored(
  partition_id where) const {
  using answer = result<std::optional<batch_summary>>;
  auto& partition = self_->at(where);
  if (auto segments = self_->shelf_.of(where); !segments.empty())
    return as_batch(segments.front());
  return self_->reading(where, [&](MDB_txn* transaction) -> answer {
    lmdb_cursor cursor{transaction, partition.table};
    auto code = cursor.move(MDB_FIRST);
    if (code == MDB_NOTFOUND)
      return std::nullopt;
    if (code)
      return std::unexpected{lmdb_failure("read", data_folder() / "log", code)};
    return self_->summary(cursor, where);
  });
}

result<std::uint64_t> event_log::stored_bytes(partition_id where) const {
  auto& partition = self_->at(where);
  std::uint64_t archived = 0;
  for (auto& segment : self_->shelf_.of(where))
    archived += segment.file_bytes;
  return self_->reading(
    where, [&](MDB_txn* transaction) -> result<std::uint64_t> {
      MDB_stat stat{};
      if (auto code
        = mdb_stat(transaction, table_in(transaction, partition.table), &stat))
        return std::unexpected{
          lmdb_failure("read", data_folder() / "log", code)};
      return archived
        + stat.ms_psize
        * (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages);
    });
}

result<partition_numbers> event_log::impl::read_numbers(
  MDB_txn* transaction, bytes_view key, partition_id where) const {
  bytes_view row;
  auto code = get_row(transaction, tables_.partitions, key, row);
  auto numbers = code
    ? std::unexpected{lmdb_failure("read", folder_.path() / "log", code)}
    : decode_numbers(row);
  if (!numbers)
    return std::unexpected{
      named(std::move(numbers).error(), where, {at(where).log_start})};
  return numbers;
}

result<inspected_rows> event_log::inspect(
  partition_id where, offset from, std::size_t bytes_max) const {
  auto& partition = self_->at(where);
  auto name = partition_key(self_->id_of(partition), where.partition);
  auto unreadable = [&](int code) {
    return std::unexpected{self_->named(
      lmdb_failure("read", data_folder() / "log", code), where, from)};
  };
  return self_->reading(
    where, [&](MDB_txn* transaction) -> result<inspected_rows> {
      inspected_rows found;
      bytes_view row;
      auto numbers = self_->read_numbers(transaction, name, where);
      if (!numbers)
        return std::unexpected{std::move(numbers).error()};
      found.numbers = *numbers;
      // Where batches were archived, the environment begins behind them.
      auto archived = get_row(transaction, self_->tables_.segments, name, row);
      if (archived && archived != MDB_NOTFOUND)
        return unreadable(archived);
      if (!archived) {
        auto live = decode_live(row);
        if (!live)
          return std::unexpected{
            self_->named(std::move(live).error(), where, from)};
        found.numbers.log_start = live->start;
        found.numbers.anchor = live->anchor;
      }
      lmdb_cursor cursor{transaction, partition.table};
      auto code = cursor.seek(offset_key(from));
      auto end = code == MDB_NOTFOUND;
      if (code && !end)
        return unreadable(code);
      code = cursor.move(end ? MDB_LAST : MDB_PREV);
      if (!code)
        found.before.emplace(cursor.key(), cursor.value());
      else if (code != MDB_NOTFOUND)
        return unreadable(code);
      if (end)
        return found;
      std::size_t sum = 0;
      code = cursor.seek(offset_key(from));
      for (; !code && sum < bytes_max; code = cursor.move(MDB_NEXT)) {
        found.rows.emplace_back(cursor.key(), cursor.value());
        sum += cursor.value().size();
      }
      if (code && code != MDB_NOTFOUND)
        return unreadable(code);
      return found;
    });
}

result<std::optional<offset>> event_log::offset_at_time(
  partition_id where, std::int64_t timestamp_ms) const {
  using answer = result<std::optional<offset>>;
  auto& partition = self_->at(where);
  offset end{partition.committed_end};
  offset start{partition.log_start};
  if (end == start || partition.last_timestamp_ms < timestamp_ms)
    return std::nullopt;
  if (auto segment = self_->shelf_.at_time(where, timestamp_ms)) {
    auto reader = self_->shelf_.open(*segment);
    if (!reader)
      return std::unexpected{std::move(reader).error()};
    auto found = (*reader)->offset_at_time(timestamp_ms);
    if (found && *found && **found < offset{partition.log_start})
      return offset{partition.log_start};
    return found;
  }
  return self_->reading(where, [&](MDB_txn* transaction) -> answer {
    // Record time never decreases, so the batch is found by halving the
    // offsets.
    auto low = std::max(start, offset{partition.live_start});
    auto high = end;
    std::optional<offset> found;
    while (low < high) {
      offset middle{low.value + (high.value - low.value) / 2};
      auto seen = false;
      auto looked = self_->walk(transaction, partition, middle, end,
        [&](offset base, const entry_view& entry) {
          seen = true;
          if (entry.batch.max_timestamp_ms() >= timestamp_ms) {
            // Behind a gap the batch begins after the middle.
            high = std::min(base, middle);
            found = base;
          } else {
            low = entry.batch.next_offset();
          }
          return false;
        });
      if (!looked)
        return std::unexpected{std::move(looked).error()};
      if (!seen)
        return std::unexpected{
          self_->named({fault::damaged, "no batch holds it"}, where, middle)};
    }
    if (!found)
      return std::nullopt;
    auto first = *found;
    result<void> records;
    auto looked = self_->walk(transaction, partition, *found, end,
      [&](offset, const entry_view& entry) {
        records = entry.batch.for_each([&](const record_view& record) {
          // Where the log starts within the batch, not before that.
          first = record.at;
          return first < start || record.timestamp_ms < timestamp_ms;
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
