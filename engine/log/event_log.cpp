#include "engine/log/event_log.hpp"

#include "engine/log/log_state.hpp"

#include <algorithm>
#include <cassert>

namespace herald {

event_log::event_log(std::unique_ptr<impl> self) : self_{std::move(self)} {}

event_log::~event_log() = default;

std::uint64_t event_log::incarnation() const {
  return self_->incarnation_;
}

result<std::uint64_t> event_log::renew_incarnation() {
  std::lock_guard lock{self_->write_mutex_};
  auto fresh = self_->settings_.random();
  auto written = self_->env_->write([&](MDB_txn* transaction) {
    return put_row(
      transaction, self_->tables_.meta, incarnation_key, encode_u64(fresh));
  });
  if (!written)
    return std::unexpected{std::move(written).error()};
  self_->incarnation_ = fresh;
  return fresh;
}

const std::string& event_log::cluster_id() const {
  return self_->cluster_id_;
}

const std::filesystem::path& event_log::data_folder() const {
  return self_->folder_.path();
}

log_usage event_log::usage() const {
  return self_->env_->usage();
}

std::optional<failure> event_log::failed() const {
  return self_->env_->failed();
}

result<void> event_log::append(
  std::span<append_item> items, bool visible, bool use_reserve) {
  auto& self = *self_;
  std::vector<partition_commit> news;
  {
    std::lock_guard lock{self.write_mutex_};
    if (auto fine = self.check_items(items); !fine)
      return fine;
    auto written = self.env_->write(
      [&](MDB_txn* transaction) {
        return self.append_all(transaction, items, visible);
      },
      use_reserve);
    if (!written)
      return std::unexpected{std::move(written).error()};
    news = self.publish_touched();
  }
  if (!visible)
    return {};
  self.tell(news);
  return {};
}

result<void> event_log::impl::check_items(std::span<append_item> items) {
  places_.clear();
  for (auto& item : items) {
    // A topic may be deleted while batches for it wait; the others are in.
    auto* partition = find_any(item.where);
    if (!partition)
      return fail(fault::not_found,
        fmt::format("topic number {} has no partition {}", item.where.topic,
          item.where.partition));
    auto batch = batch_view::parse_unchecked(item.view());
    if (!batch)
      return std::unexpected{std::move(batch).error()};
    if (std::int64_t{batch->record_count()}
      != std::int64_t{batch->last_offset_delta()} + 1)
      return fail(fault::invalid_input,
        fmt::format("a batch has {} records for {} offsets",
          batch->record_count(), std::int64_t{batch->last_offset_delta()} + 1));
    // That of a deleted topic may be gone; append_all() says so.
    if (auto opened = open(*partition); !opened && !partition->deleted)
      return opened;
    places_.push_back(partition);
  }
  return {};
}

int event_log::impl::append_all(
  MDB_txn* transaction, std::span<append_item> items, bool visible) {
  for (auto* partition : touched_)
    partition->touched = false;
  touched_.clear();
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto& partition = *places_[i];
    if (auto fine = still_there(partition); !fine) {
      items[i].refused = std::move(fine).error();
      continue;
    }
    if (!partition.touched) {
      partition.touched = true;
      partition.next = partition.now;
      touched_.push_back(&partition);
    }
    if (auto code = append_one(transaction, items[i], partition, visible))
      return code;
  }
  for (auto* partition : touched_)
    if (auto code = put_numbers(transaction, *partition, partition->next))
      return code;
  return 0;
}

int event_log::impl::append_one(MDB_txn* transaction, append_item& item,
  partition_state& partition, bool visible) {
  item.duplicate = false;
  item.refused.reset();
  std::optional<producer_state> producer;
  if (auto code = judge_producer(transaction, item, partition, producer))
    return code;
  if (item.duplicate || item.refused)
    return 0;
  if (auto code = append_entry(transaction, item, partition, visible))
    return code;
  return producer ? put_producer(transaction, item, partition, *producer) : 0;
}

int event_log::impl::append_entry(MDB_txn* transaction, append_item& item,
  partition_state& partition, bool visible) {
  auto& next = partition.next;
  item.first = next.log_end;
  set_base_offset(item.data(), item.first);
  set_leader_epoch(
    item.data(), static_cast<std::int32_t>(next.term & 0x7fffffff));
  auto batch = batch_view::parse_unchecked(item.view());
  assert(batch);
  if (partition.log_append_time)
    set_log_append_time(
      item.data(), std::max(next.last_timestamp_ms, settings_.now_ms()));
  else if (first_timestamp_ms(*batch) < next.last_timestamp_ms
    || batch->max_timestamp_ms() < batch->base_timestamp_ms())
    set_log_append_time(
      item.data(), std::max(next.last_timestamp_ms, batch->max_timestamp_ms()));
  item.next = batch->next_offset();

  auto key_bytes = offset_key(item.first);
  auto key = to_value(key_bytes);
  MDB_val value{entry_header_bytes + item.view().size(), nullptr};
  if (auto code = mdb_put(transaction, partition.table.handle, &key, &value,
        MDB_APPEND | MDB_RESERVE))
    return code;
  next.head = write_entry(
    static_cast<char*>(value.mv_data), next.term, item.view(), next.head);
  if (next.term > next.last_term) {
    if (auto code = put_term(transaction, partition, next.term, item.first))
      return code;
    next.last_term = next.term;
  }
  next.log_end = item.next;
  next.last_timestamp_ms
    = std::max(next.last_timestamp_ms, batch->max_timestamp_ms());
  if (visible)
    next.committed_end = next.log_end;
  return 0;
}

int event_log::impl::put_numbers(MDB_txn* transaction,
  const partition_state& partition, const partition_numbers& numbers) const {
  return put_row(transaction, tables_.partitions,
    partition_key(topic_id(partition), partition.where.partition),
    encode_numbers(numbers));
}

int event_log::impl::put_term(MDB_txn* transaction,
  const partition_state& partition, std::uint64_t term, offset first) const {
  return put_row(transaction, tables_.terms,
    term_key(topic_id(partition), partition.where.partition, term),
    offset_key(first));
}

std::vector<partition_commit> event_log::impl::publish_touched() {
  std::vector<partition_commit> news;
  news.reserve(touched_.size());
  for (auto* partition : touched_) {
    partition->publish(partition->next);
    partition->touched = false;
    news.push_back({partition->where, partition->now.committed_end});
  }
  touched_.clear();
  return news;
}

result<void> event_log::advance_committed_end(partition_id where, offset end) {
  auto& self = *self_;
  auto& partition = self.at(where);
  {
    std::lock_guard lock{self.write_mutex_};
    if (auto fine = self.still_there(partition); !fine)
      return fine;
    auto numbers = partition.now;
    if (end < numbers.committed_end || end > numbers.log_end)
      return fail(fault::conflict,
        fmt::format("{} cannot become the committed end, which is {} of {}",
          self.place(where, end), numbers.committed_end.value,
          numbers.log_end.value));
    numbers.committed_end = end;
    auto written = self.env_->write([&](MDB_txn* transaction) {
      return self.put_numbers(transaction, partition, numbers);
    });
    if (!written)
      return std::unexpected{std::move(written).error()};
    partition.publish(numbers);
  }
  partition_commit news{where, end};
  self.tell({&news, 1});
  return {};
}

void event_log::on_commit(commit_listener listener) {
  std::lock_guard lock{self_->listeners_mutex_};
  auto more = std::make_shared<impl::listener_list>(*self_->listeners_);
  more->push_back(std::move(listener));
  self_->listeners_ = std::move(more);
}

void event_log::impl::tell(std::span<const partition_commit> news) const {
  std::unique_lock lock{listeners_mutex_};
  auto listeners = listeners_;
  lock.unlock();
  for (auto& listener : *listeners)
    listener(news);
}

} // namespace herald
