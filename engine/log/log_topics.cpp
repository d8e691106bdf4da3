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
  std::string text;
  for (auto byte : id.value)
    fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

result<topic_info> event_log::create_topic(
  std::string_view name, std::uint32_t partitions) {
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
  topic_info info{.name = std::string{name},
    .id = random_uuid(self.settings_.random),
    .number = static_cast<std::uint32_t>(self.topics_.size()),
    .partitions = partitions};
  auto topic = std::make_unique<topic_state>();
  topic->info = info;
  topic->partitions = std::make_unique<partition_state[]>(partitions);
  auto written = self.env_->write([&](MDB_txn* transaction) {
    auto code = put_row(
      transaction, self.tables_.topics, info.name, encode_topic(info));
    for (std::uint32_t i = 0; !code && i < partitions; ++i) {
      auto& partition = topic->partitions[i];
      partition.where = {info.number, i};
      partition_numbers numbers;
      numbers.anchor = numbers.head = first_anchor(info.id.value, i);
      partition.publish(numbers);
      code = mdb_dbi_open(transaction, partition_table(info.id, i).c_str(),
        MDB_CREATE, &partition.table);
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
  if (number >= self_->topics_.size())
    return std::nullopt;
  return self_->topics_[number]->info;
}

std::vector<topic_info> event_log::topics() const {
  std::shared_lock lock{self_->topics_mutex_};
  std::vector<topic_info> result;
  for (auto& topic : self_->topics_)
    result.push_back(topic->info);
  return result;
}

partition_state* event_log::impl::find(partition_id where) const {
  std::shared_lock lock{topics_mutex_};
  if (where.topic >= topics_.size()
    || where.partition >= topics_[where.topic]->info.partitions)
    return nullptr;
  return &topics_[where.topic]->partitions[where.partition];
}

partition_state& event_log::impl::at(partition_id where) const {
  auto* partition = find(where);
  assert(partition && "no such partition");
  return *partition;
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

bool event_log::has_partition(partition_id where) const {
  return self_->find(where) != nullptr;
}

} // namespace herald
