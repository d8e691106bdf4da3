#include "engine/log/log_state.hpp"

#include <cassert>
#include <cstring>

namespace herald {

namespace {

constexpr std::size_t topic_name_bytes_max = 249;

uuid random_uuid(const std::function<std::uint64_t()>& random) {
  uuid id;
  for (std::size_t i = 0; i < 16; i += 8) {
    auto word = random();
    std::memcpy(id.value.data() + i, &word, 8);
  }
  // RFC 9562, version 4.
  id.value[6] = static_cast<std::uint8_t>((id.value[6] & 0x0f) | 0x40);
  id.value[8] = static_cast<std::uint8_t>((id.value[8] & 0x3f) | 0x80);
  return id;
}

bool is_topic_name(std::string_view name) {
  constexpr std::string_view allowed
    = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= topic_name_bytes_max && name != "."
    && name != ".." && name.find_first_not_of(allowed) == name.npos;
}

} // namespace

std::string to_string(const uuid& id) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * id.value.size());
  for (auto byte : id.value) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

bool is_internal_topic(std::string_view name) {
  return name == schemas_topic || name == audit_topic;
}

result<topic_info> event_log::create_topic(std::string_view name,
  std::uint32_t partitions, const topic_settings& settings) {
  auto& self = *self_;
  if (!is_topic_name(name))
    return fail(fault::invalid_input,
      fmt::format("'{}' is not a topic name: 1 to {} characters of a-z, A-Z, "
                  "0-9, '.', '_' and '-'",
        name, topic_name_bytes_max));
  std::lock_guard lock{self.write_mutex_};
  if (auto known = find_topic(name)) {
    if (known->partitions != partitions)
      return fail(fault::conflict,
        fmt::format("topic '{}' has {} partitions, not {}", name,
          known->partitions, partitions));
    return *known;
  }
  if (partitions == 0)
    return fail(fault::invalid_input, "a topic has at least one partition");
  if (self.partitions_ + std::uint64_t{partitions}
    > self.settings_.partitions_max)
    return fail(fault::too_large,
      fmt::format("topic '{}' would make more than {} partitions in all", name,
        self.settings_.partitions_max));
  if (self.settings_.check_settings)
    if (auto fine = self.settings_.check_settings(name, settings); !fine)
      return std::unexpected{std::move(fine).error()};
  topic_info info{.name = std::string{name},
    .id = random_uuid(self.settings_.random),
    .number = static_cast<std::uint32_t>(self.topics_.size()),
    .partitions = partitions};
  auto topic = std::make_unique<topic_state>();
  topic->info = info;
  topic->partitions = std::make_unique<partition_state[]>(partitions);
  auto written = self.env_->write_tables([&](MDB_txn* transaction) {
    auto code = put_row(transaction, self.tables_.topics, info.name,
      encode_topic(info, settings));
    for (std::uint32_t i = 0; !code && i < partitions; ++i) {
      auto& partition = topic->partitions[i];
      partition.where = {info.number, i};
      partition_numbers numbers;
      numbers.anchor = numbers.head = first_anchor(info.id.value, i);
      partition.publish(numbers);
      partition.table.name = partition_table(info.id, i);
      code = open_table(transaction, partition.table, MDB_CREATE);
      if (!code)
        code = put_row(transaction, self.tables_.partitions,
          partition_key(info.id, i), encode_numbers(numbers));
      if (!code)
        code = put_row(transaction, self.tables_.terms, term_key(info.id, i, 0),
          offset_key({0}));
    }
    return code;
  });
  if (!written)
    return std::unexpected{std::move(written).error()};
  std::lock_guard topics{self.topics_mutex_};
  self.adopt_settings(*topic, settings);
  self.topics_.push_back(std::move(topic));
  self.numbers_.emplace(info.name, info.number);
  self.partitions_ += partitions;
  return info;
}

std::optional<topic_info> event_log::find_topic(std::string_view name) const {
  std::shared_lock lock{self_->topics_mutex_};
  auto at = self_->numbers_.find(name);
  if (at == self_->numbers_.end())
    return std::nullopt;
  return self_->topics_[at->second]->info;
}

std::optional<topic_info> event_log::find_topic(std::uint32_t number) const {
  std::shared_lock lock{self_->topics_mutex_};
  if (number >= self_->topics_.size() || !self_->topics_[number]
    || self_->topics_[number]->deleted)
    return std::nullopt;
  return self_->topics_[number]->info;
}

std::vector<topic_info> event_log::topics() const {
  std::shared_lock lock{self_->topics_mutex_};
  std::vector<topic_info> result;
  for (auto& topic : self_->topics_)
    if (topic && !topic->deleted)
      result.push_back(topic->info);
  return result;
}

std::shared_ptr<const topic_settings> event_log::settings_of(
  std::uint32_t topic) const {
  std::shared_lock lock{self_->topics_mutex_};
  if (topic >= self_->topics_.size() || !self_->topics_[topic]
    || self_->topics_[topic]->deleted)
    return nullptr;
  return self_->topics_[topic]->settings;
}

// Under the write lock and that of the topics.
void event_log::impl::adopt_settings(
  topic_state& topic, const topic_settings& settings) {
  topic.settings = std::make_shared<const topic_settings>(settings);
  for (std::uint32_t i = 0; i < topic.info.partitions; ++i)
    topic.partitions[i].log_append_time = settings.log_append_time();
}

result<topic_settings> event_log::alter_topic(
  std::string_view name, std::span<const setting_change> changes) {
  auto& self = *self_;
  std::lock_guard lock{self.write_mutex_};
  auto topic = find_topic(name);
  if (!topic)
    return fail(fault::not_found, fmt::format("there is no topic '{}'", name));
  if (name == schemas_topic)
    return fail(fault::forbidden,
      fmt::format("the settings of topic '{}' are Herald's own", name));
  auto settings = *settings_of(topic->number);
  if (auto fine = settings.apply(changes); !fine)
    return std::unexpected{std::move(fine).error()};
  if (self.settings_.check_settings)
    if (auto fine = self.settings_.check_settings(name, settings); !fine)
      return std::unexpected{std::move(fine).error()};
  auto written = self.env_->write([&](MDB_txn* transaction) {
    return put_row(transaction, self.tables_.topics, topic->name,
      encode_topic(*topic, settings));
  });
  if (!written)
    return std::unexpected{std::move(written).error()};
  std::lock_guard topics{self.topics_mutex_};
  self.adopt_settings(*self.topics_[topic->number], settings);
  return settings;
}

result<void> event_log::delete_topic(
  std::string_view name, const step_settings& step) {
  auto& self = *self_;
  std::vector<partition_commit> news;
  // A backup copies what it has begun with.
  std::shared_lock upkeep{self.upkeep_mutex_, std::try_to_lock};
  if (!upkeep)
    return std::unexpected{upkeep_is_busy()};
  {
    std::lock_guard lock{self.write_mutex_};
    auto topic = find_topic(name);
    if (!topic)
      return fail(
        fault::not_found, fmt::format("there is no topic '{}'", name));
    if (is_internal_topic(name))
      return fail(fault::forbidden,
        fmt::format("topic '{}' is Herald's own and stays", name));
    auto written = self.env_->write(
      [&](MDB_txn* transaction) {
        auto key = to_value(topic->name);
        auto code
          = mdb_del(transaction, self.tables_.topics.handle, &key, nullptr);
        if (!code)
          code = put_row(transaction, self.tables_.meta, next_topic_key,
            encode_u64(self.topics_.size()));
        if (!code)
          code = put_row(transaction, self.tables_.meta, deleted_key(topic->id),
            encode_u64(topic->partitions));
        return code;
      },
      true);
    if (!written)
      return std::unexpected{std::move(written).error()};
    std::lock_guard topics{self.topics_mutex_};
    auto& state = *self.topics_[topic->number];
    state.deleted = true;
    for (std::uint32_t i = 0; i < topic->partitions; ++i) {
      auto& partition = state.partitions[i];
      partition.deleted = true;
      news.push_back({partition.where, {partition.committed_end}});
    }
    self.numbers_.erase(topic->name);
    self.deleted_.emplace_back(topic->id, topic->partitions);
  }
  self.tell(news);
  while (!step.go_on || step.go_on()) {
    auto more = free_deleted(step);
    if (!more)
      return std::unexpected{std::move(more).error()};
    if (!*more)
      return {};
  }
  return {};
}

partition_state* event_log::impl::find_any(partition_id where) const {
  std::shared_lock lock{topics_mutex_};
  if (where.topic >= topics_.size() || !topics_[where.topic]
    || where.partition >= topics_[where.topic]->info.partitions)
    return nullptr;
  return &topics_[where.topic]->partitions[where.partition];
}

partition_state* event_log::impl::find(partition_id where) const {
  auto* partition = find_any(where);
  return partition && !partition->deleted ? partition : nullptr;
}

partition_state& event_log::impl::at(partition_id where) const {
  auto* partition = find_any(where);
  assert(partition && "no such partition");
  return *partition;
}

result<void> event_log::impl::still_there(
  const partition_state& partition) const {
  if (!partition.deleted)
    return {};
  std::shared_lock lock{topics_mutex_};
  return fail(fault::not_found,
    fmt::format("topic '{}' has been deleted",
      topics_[partition.where.topic]->info.name));
}

result<void> event_log::impl::open(partition_state& partition) const {
  auto opened = env_->open(partition.table);
  // The table of a deleted topic may be gone.
  if (auto fine = still_there(partition); !fine)
    return fine;
  return opened;
}

offset event_log::log_start(partition_id where) const {
  return {self_->at(where).log_start};
}

offset event_log::committed_end(partition_id where) const {
  return {self_->at(where).committed_end};
}

offset event_log::log_end(partition_id where) const {
  return {self_->at(where).log_end};
}

std::int64_t event_log::last_timestamp_ms(partition_id where) const {
  return self_->at(where).last_timestamp_ms;
}

std::uint64_t event_log::term(partition_id where) const {
  return self_->at(where).term;
}

bool event_log::has_gaps(partition_id where) const {
  return self_->at(where).gaps;
}

bool event_log::has_partition(partition_id where) const {
  return self_->find(where) != nullptr;
}

} // namespace herald
