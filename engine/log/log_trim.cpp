#include "engine/log/checked_row.hpp"
#include "engine/log/log_state.hpp"
#include "protocol/big_endian.hpp"

#include <optional>

// Deleting from the front of a partition, and what deleted topics leave.

namespace herald {

namespace {

std::uint64_t term_of(bytes_view key, const bytes& prefix) {
  return load_big_endian<std::uint64_t>(key.data() + prefix.size());
}

} // namespace

result<trimmed> event_log::trim(
  partition_id where, offset up_to, const step_settings& step) {
  auto& self = *self_;
  auto& partition = self.at(where);
  trimmed all;
  auto upkeep = self.begin_upkeep(partition);
  if (!upkeep)
    return std::unexpected{std::move(upkeep).error()};
  if (auto opened = self.open(partition); !opened)
    return std::unexpected{std::move(opened).error()};
  for (;;) {
    {
      std::lock_guard lock{self.write_mutex_};
      if (auto fine = self.still_there(partition); !fine)
        return std::unexpected{std::move(fine).error()};
      if (up_to > partition.now.committed_end)
        return fail(fault::invalid_input,
          fmt::format("{} is behind the committed end of {}",
            self.place(where, up_to), partition.now.committed_end.value));
      auto numbers = partition.now;
      trimmed did;
      failure refused;
      std::vector<segment_info> gone;
      auto written = self.env_->write(
        [&](MDB_txn* transaction) {
          numbers = partition.now;
          numbers.log_start = std::max(numbers.log_start, up_to);
          did = {};
          auto left = false;
          if (auto code = self.trim_segments(
                transaction, partition, numbers, gone, left, refused))
            return code;
          // What the environment has below the start is in segments, too.
          if (left) {
            did.finished = true;
            return self.put_numbers(transaction, partition, numbers);
          }
          return self.trim_step(
            transaction, partition, step, numbers, did, refused);
        },
        true);
      if (!written)
        return std::unexpected{std::move(written).error()};
      if (!*written)
        return std::unexpected{std::move(refused)};
      partition.publish(numbers);
      self.drop_segments(where, gone);
      for (auto& segment : gone) {
        did.batches += segment.batches;
        did.bytes += segment.file_bytes;
      }
      all.batches += did.batches;
      all.bytes += did.bytes;
      all.finished = did.finished;
    }
    if (all.finished || (step.go_on && !step.go_on()))
      return all;
  }
}

// Deletes batches that lie below the log start, from the first one on, and
// moves the anchor of the chain behind them.
int event_log::impl::trim_step(MDB_txn* transaction,
  const partition_state& partition, const step_settings& step,
  partition_numbers& numbers, trimmed& did, failure& refused) const {
  lmdb_cursor cursor{transaction, partition.table};
  auto damaged = [&](offset at) {
    refused
      = named({fault::damaged, "its entry is damaged"}, partition.where, at);
    return log_environment::abandon;
  };
  auto& cleaning = numbers.cleaning;
  auto seams = cleaning.seam_count;
  auto code = cursor.move(MDB_FIRST);
  std::optional<offset> base;
  for (; !code; code = cursor.move(MDB_FIRST)) {
    base = offset_of_key(cursor.key());
    auto entry = cursor.value();
    if (!base || entry.size() < entry_header_bytes)
      return damaged(base.value_or(numbers.log_start));
    auto batch = batch_view::parse_unchecked(entry.substr(entry_header_bytes));
    if (!batch)
      return damaged(*base);
    if (batch->next_offset() > numbers.log_start) {
      did.finished = true;
      break;
    }
    if (did.batches > 0
      && (did.batches >= step.batches_max
        || did.bytes + entry.size() > step.bytes_max))
      break;
    while (cleaning.seam_count > 0 && *base >= cleaning.seams[0].at)
      numbers.erase_seam(0);
    numbers.anchor = told_chain(entry);
    ++did.batches;
    did.bytes += entry.size();
    if (code = cursor.remove(); code)
      return code;
  }
  if (code && code != MDB_NOTFOUND)
    return code;
  did.finished = did.finished || code == MDB_NOTFOUND;
  // Where all in front of a seam is gone, the chain begins behind it.
  while (cleaning.seam_count > 0
    && (code == MDB_NOTFOUND || (base && *base >= cleaning.seams[0].at))) {
    numbers.anchor = cleaning.seams[0].after;
    numbers.erase_seam(0);
  }
  // A pass of compaction that is going on has the first seam, and goes on from
  // what is left.
  if (cleaning.pass_end > offset{0} && cleaning.seam_count < seams)
    numbers.begin_seam();
  if (did.finished)
    if (code = trim_terms(transaction, partition, numbers.log_start); code)
      return code == MDB_CORRUPTED ? damaged(numbers.log_start) : code;
  return put_numbers(transaction, partition, numbers);
}

// Forgets the terms that ended below the start. The one that ended there is the
// last one when what follows is cut off.
int event_log::impl::trim_terms(
  MDB_txn* transaction, const partition_state& partition, offset start) const {
  auto prefix = partition_key(topic_id(partition), partition.where.partition);
  lmdb_cursor cursor{transaction, tables_.terms};
  std::optional<std::uint64_t> before;
  auto code = cursor.seek(prefix);
  while (!code && cursor.key().starts_with(prefix)) {
    auto row = without_row_check(cursor.key(), cursor.value());
    auto first = row ? offset_of_key(*row) : std::nullopt;
    if (cursor.key().size() != prefix.size() + 8 || !first)
      return MDB_CORRUPTED;
    if (*first >= start)
      return 0;
    auto term = term_of(cursor.key(), prefix);
    if (before) {
      auto name
        = term_key(topic_id(partition), partition.where.partition, *before);
      code = cursor.seek(name);
      if (!code)
        code = cursor.remove();
      if (code)
        return code;
    }
    before = term;
    code = cursor.seek(
      term_key(topic_id(partition), partition.where.partition, term + 1));
  }
  return code == MDB_NOTFOUND ? 0 : code;
}

// -- deleted topics -----------------------------------------------------------

result<bool> event_log::free_deleted(const step_settings& step) {
  auto& self = *self_;
  std::lock_guard lock{self.write_mutex_};
  if (self.deleted_.empty())
    return false;
  auto& [id, left] = self.deleted_.front();
  if (left > 0) {
    auto emptied = false;
    auto freed = self.env_->write_tables(
      [&](MDB_txn* transaction) {
        return self.free_partition(transaction, id, left - 1, step, emptied);
      },
      true);
    if (!freed)
      return std::unexpected{std::move(freed).error()};
    if (!emptied)
      return true;
  }
  auto closed = self.env_->write_alone([&](MDB_txn* transaction) {
    auto code = left > 0 ? self.close_partition(transaction, id, left - 1) : 0;
    auto name = deleted_key(id);
    auto key = to_value(name);
    if (code)
      return code;
    return left > 1
      ? put_row(transaction, self.tables_.meta, name, encode_u64(left - 1))
      : mdb_del(transaction, self.tables_.meta.handle, &key, nullptr);
  });
  if (!closed)
    return std::unexpected{std::move(closed).error()};
  if (left > 0) {
    --left;
    --self.partitions_;
  }
  if (left == 0)
    self.deleted_.erase(self.deleted_.begin());
  return !self.deleted_.empty();
}

// Deletes some of a deleted partition's batches.
int event_log::impl::free_partition(MDB_txn* transaction, const uuid& id,
  std::uint32_t partition, const step_settings& step, bool& emptied) {
  emptied = false;
  log_table table{partition_table(id, partition)};
  auto code = open_table(transaction, table);
  if (code == MDB_NOTFOUND) {
    emptied = true;
    return 0;
  }
  if (code)
    return code;
  lmdb_cursor cursor{transaction, table};
  std::size_t batches = 0, bytes = 0;
  for (code = cursor.move(MDB_FIRST); !code; code = cursor.move(MDB_FIRST)) {
    bytes += cursor.value().size();
    if (batches++ > 0 && (batches > step.batches_max || bytes > step.bytes_max))
      return 0;
    if (code = cursor.remove(); code)
      return code;
  }
  if (code != MDB_NOTFOUND)
    return code;
  auto prefix = partition_key(id, partition);
  lmdb_cursor producers{transaction, tables_.producers};
  for (code = producers.seek(prefix);
    !code && producers.key().starts_with(prefix);
    code = producers.seek(prefix)) {
    if (batches++ > step.batches_max)
      return 0;
    if (code = producers.remove(); code)
      return code;
  }
  emptied = !code || code == MDB_NOTFOUND;
  return emptied ? 0 : code;
}

// Gives up a deleted partition's empty table and its rows in the others.
int event_log::impl::close_partition(
  MDB_txn* transaction, const uuid& id, std::uint32_t partition) {
  log_table table{partition_table(id, partition)};
  auto code = open_table(transaction, table);
  if (!code)
    code = mdb_drop(transaction, table.handle, 1);
  if (code && code != MDB_NOTFOUND)
    return code;
  if (code = free_segments(transaction, id, partition); code)
    return code;
  auto prefix = partition_key(id, partition);
  auto key = to_value(prefix);
  code = mdb_del(transaction, tables_.partitions.handle, &key, nullptr);
  if (code && code != MDB_NOTFOUND)
    return code;
  lmdb_cursor terms{transaction, tables_.terms};
  for (code = terms.seek(prefix); !code && terms.key().starts_with(prefix);
    code = terms.seek(prefix))
    if (code = terms.remove(); code)
      return code;
  return code == MDB_NOTFOUND ? 0 : code;
}

} // namespace herald
