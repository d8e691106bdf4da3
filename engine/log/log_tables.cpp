#include "engine/log/log_tables.hpp"

#include "protocol/batch/big_endian.hpp"

#include <fmt/format.h>

#include <cstring>

namespace herald {

namespace {

constexpr char value_version = 1;

template <class T>
void put(bytes& out, T value) {
  char raw[sizeof value];
  store_big_endian(raw, value);
  out.append(raw, sizeof raw);
}

template <std::size_t N>
void put(bytes& out, const std::array<std::uint8_t, N>& value) {
  out.append(reinterpret_cast<const char*>(value.data()), N);
}

template <class T>
void take(bytes_view& from, T& value) {
  value = load_big_endian<T>(from.data());
  from.remove_prefix(sizeof value);
}

template <std::size_t N>
void take(bytes_view& from, std::array<std::uint8_t, N>& value) {
  std::memcpy(value.data(), from.data(), N);
  from.remove_prefix(N);
}

// Checks version and size of a table value and moves behind the version.
result<void> open_value(
  bytes_view& value, std::size_t size, std::string_view what) {
  if (!value.empty() && static_cast<std::uint8_t>(value[0]) > value_version)
    return fail(fault::version,
      fmt::format("{} is of version {}, this Herald knows {}", what,
        static_cast<std::uint8_t>(value[0]), int{value_version}));
  if (value.size() != size || value[0] != value_version)
    return fail(fault::damaged, fmt::format("{} is damaged", what));
  value.remove_prefix(1);
  return {};
}

} // namespace

std::string partition_table(const uuid& topic, std::uint32_t partition) {
  return fmt::format("{}/{}", to_string(topic), partition);
}

bytes partition_key(const uuid& topic, std::uint32_t partition) {
  bytes key;
  put(key, topic.value);
  put(key, partition);
  return key;
}

bytes term_key(const uuid& topic, std::uint32_t partition, std::uint64_t term) {
  auto key = partition_key(topic, partition);
  put(key, term);
  return key;
}

bytes producer_key(
  const uuid& topic, std::uint32_t partition, std::int64_t producer_id) {
  auto key = partition_key(topic, partition);
  put(key, producer_id);
  return key;
}

bytes offset_key(offset at) {
  bytes key;
  put(key, at.value);
  return key;
}

std::optional<offset> offset_of_key(bytes_view key) {
  if (key.size() != 8)
    return std::nullopt;
  return offset{load_big_endian<std::uint64_t>(key.data())};
}

bytes encode_topic(const topic_info& topic) {
  bytes out(1, value_version);
  put(out, topic.id.value);
  put(out, topic.number);
  put(out, topic.partitions);
  return out;
}

result<topic_info> decode_topic(std::string_view name, bytes_view value) {
  auto what = fmt::format("the entry of topic '{}'", name);
  if (auto fine = open_value(value, 25, what); !fine)
    return std::unexpected{std::move(fine).error()};
  topic_info topic{.name = std::string{name}};
  take(value, topic.id.value);
  take(value, topic.number);
  take(value, topic.partitions);
  return topic;
}

bytes encode_numbers(const partition_numbers& numbers) {
  bytes out(1, value_version);
  put(out, numbers.log_start.value);
  put(out, numbers.log_end.value);
  put(out, numbers.committed_end.value);
  put(out, numbers.term);
  put(out, numbers.last_term);
  put(out, numbers.last_timestamp_ms);
  put(out, numbers.anchor);
  put(out, numbers.head);
  return out;
}

result<partition_numbers> decode_numbers(bytes_view value) {
  if (auto fine = open_value(value, 81, "the entry of a partition"); !fine)
    return std::unexpected{std::move(fine).error()};
  partition_numbers numbers;
  take(value, numbers.log_start.value);
  take(value, numbers.log_end.value);
  take(value, numbers.committed_end.value);
  take(value, numbers.term);
  take(value, numbers.last_term);
  take(value, numbers.last_timestamp_ms);
  take(value, numbers.anchor);
  take(value, numbers.head);
  if (numbers.log_start > numbers.committed_end
    || numbers.committed_end > numbers.log_end)
    return fail(fault::damaged, "the offsets of a partition contradict");
  return numbers;
}

} // namespace herald
