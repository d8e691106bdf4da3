#include "engine/log/checked_row.hpp"
#include "engine/log/log_state.hpp"
#include "protocol/big_endian.hpp"

#include <algorithm>

namespace herald {

result<void> event_log::cut_off(partition_id where, offset from) {
  auto& self = *self_;
  auto& partition = self.at(where);
  if (auto opened = self.open(partition); !opened)
    return opened;
  std::lock_guard lock{self.write_mutex_};
  if (auto fine = self.still_there(partition); !fine)
    return fine;
  auto numbers = partition.now;
  if (from < numbers.committed_end || from > numbers.log_end)
    return fail(fault::conflict,
      fmt::format("{} cannot become the log end, which is {}, committed {}",
        self.place(where, from), numbers.log_end.value,
        numbers.committed_end.value));
  failure refused;
  auto written = self.env_->write(
    [&](MDB_txn* transaction) {
      numbers = partition.now;
      return self.cut(transaction, partition, from, numbers, refused);
    },
    true);
  if (!written)
    return std::unexpected{std::move(written).error()};
  if (!*written)
    return std::unexpected{std::move(refused)};
  partition.publish(numbers);
  return {};
}

// Deletes the entries from `from` on and recomputes what they had changed.
int event_log::impl::cut(MDB_txn* transaction, const partition_state& partition,
  offset from, partition_numbers& numbers, failure& refused) const {
  lmdb_cursor cursor{transaction, partition.table};
  auto code = cursor.move(MDB_LAST);
  while (!code && offset_of_key(cursor.key()) >= from) {
    code = cursor.remove();
    if (!code)
      code = cursor.move(MDB_LAST);
  }
  numbers.log_end = numbers.log_start;
  numbers.head = numbers.anchor;
  // Where nothing is left and something was trimmed, time goes on from it.
  if (numbers.log_start == offset{0})
    numbers.last_timestamp_ms = 0;
  if (!code) {
    auto base = offset_of_key(cursor.key());
    if (!base)
      return MDB_CORRUPTED;
    auto entry = read_entry(cursor.value(), *base, partition.gaps);
    if (!entry) {
      refused = named(std::move(entry).error(), partition.where, *base);
      return log_environment::abandon;
    }
    numbers.log_end = entry->batch.next_offset();
    numbers.head = entry->chain;
    numbers.last_timestamp_ms = entry->batch.max_timestamp_ms();
  } else if (code != MDB_NOTFOUND) {
    return code;
  }
  if (numbers.log_end != from) {
    refused
      = named({fault::conflict, "no batch starts here"}, partition.where, from);
    return log_environment::abandon;
  }
  auto& id = topic_id(partition);
  auto prefix = partition_key(id, partition.where.partition);
  lmdb_cursor terms{transaction, tables_.terms};
  numbers.last_term = 0;
  code = terms.seek(term_key(id, partition.where.partition, 1));
  while (!code && terms.key().starts_with(prefix)) {
    auto term
      = load_big_endian<std::uint64_t>(terms.key().data() + prefix.size());
    auto row = without_row_check(terms.key(), terms.value());
    auto first = row ? offset_of_key(*row) : std::nullopt;
    if (!first)
      return MDB_CORRUPTED;
    if (*first >= from)
      code = terms.remove();
    else
      numbers.last_term = term;
    if (!code)
      code = terms.seek(term_key(id, partition.where.partition, term + 1));
  }
  if (code && code != MDB_NOTFOUND)
    return code;
  if (code = cut_producers(transaction, partition, from, refused); code)
    return code;
  return put_numbers(transaction, partition, numbers);
}

result<void> event_log::start_term(partition_id where, std::uint64_t term) {
  auto& self = *self_;
  auto& partition = self.at(where);
  std::lock_guard lock{self.write_mutex_};
  if (auto fine = self.still_there(partition); !fine)
    return fine;
  auto numbers = partition.now;
  if (term < numbers.term)
    return fail(fault::conflict,
      fmt::format("{} is in term {}, {} is over",
        self.place(where, numbers.log_end), numbers.term, term));
  numbers.term = term;
  auto written = self.env_->write([&](MDB_txn* transaction) {
    return self.put_numbers(transaction, partition, numbers);
  });
  if (!written)
    return std::unexpected{std::move(written).error()};
  partition.publish(numbers);
  return {};
}

result<std::vector<std::pair<std::uint64_t, offset>>> event_log::terms(
  partition_id where) const {
  using found_terms = std::vector<std::pair<std::uint64_t, offset>>;
  auto& partition = self_->at(where);
  auto id = self_->id_of(partition);
  return self_->reading(
    where, [&](MDB_txn* transaction) -> result<found_terms> {
      found_terms found;
      auto prefix = partition_key(id, partition.where.partition);
      bytes_view value;
      if (auto code
        = get_row(transaction, self_->tables_.partitions, prefix, value))
        return std::unexpected{
          lmdb_failure("read", data_folder() / "log", code)};
      auto numbers = decode_numbers(value);
      if (!numbers)
        return std::unexpected{std::move(numbers).error()};
      lmdb_cursor cursor{transaction, self_->tables_.terms};
      auto code = cursor.seek(prefix);
      for (; !code && cursor.key().starts_with(prefix);
        code = cursor.move(MDB_NEXT)) {
        auto row = without_row_check(cursor.key(), cursor.value());
        auto first = row ? offset_of_key(*row) : std::nullopt;
        if (cursor.key().size() != prefix.size() + 8 || !first)
          return fail(fault::damaged, "the table of terms is damaged");
        found.emplace_back(
          load_big_endian<std::uint64_t>(cursor.key().data() + prefix.size()),
          *first);
      }
      if (code && code != MDB_NOTFOUND)
        return std::unexpected{
          lmdb_failure("read", data_folder() / "log", code)};
      // A row whose key is damaged is not among them.
      if (found.empty() || found.back().first != numbers->last_term
        || found.front().second > numbers->log_start)
        return fail(fault::damaged, "the table of terms is damaged");
      return found;
    });
}

} // namespace herald
