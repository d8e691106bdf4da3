#include "engine/log/log_tables.hpp"

#include "protocol/big_endian.hpp"

#include <fmt/format.h>

#include <cstring>

namespace herald {

namespace {

constexpr char segment_value_version = 1;
// Of a segment's value, up to the file's name.
constexpr std::size_t segment_value_bytes = 1 + 8 + 32 + 6 * 8 + 16;
constexpr std::uint8_t value_version = 2;
constexpr std::size_t topic_bytes = 24;
constexpr std::size_t numbers_bytes = 80;
constexpr std::size_t cleaning_bytes = 45;
constexpr std::size_t seam_bytes = 40;

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

// Checks the version of a table value and that it is as long as every version
// is; moves behind the version and returns it.
result<std::uint8_t> open_value(
  bytes_view& value, std::size_t size, std::string_view what) {
  auto version
    = value.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(value[0]);
  if (version > value_version)
    return fail(fault::version,
      fmt::format("{} is of version {}, this Herald knows {}", what, version,
        value_version));
  if (version == 0 || value.size() < 1 + size
    || (version == 1 && value.size() != 1 + size))
    return fail(fault::damaged, fmt::format("{} is damaged", what));
  value.remove_prefix(1);
  return version;
}

// Takes so many bytes, if there are as many.
std::optional<bytes_view> take_text(bytes_view& from, std::size_t size) {
  if (from.size() < size)
    return std::nullopt;
  auto text = from.substr(0, size);
  from.remove_prefix(size);
  return text;
}

// The settings behind a topic's entry.
result<topic_settings> take_settings(bytes_view from, std::string_view what) {
  topic_settings settings;
  auto damaged
    = [&] { return fail(fault::damaged, fmt::format("{} is damaged", what)); };
  while (!from.empty()) {
    std::uint8_t name_size = 0;
    take(from, name_size);
    auto name = take_text(from, name_size);
    if (!name || from.size() < 2)
      return damaged();
    std::uint16_t value_size = 0;
    take(from, value_size);
    auto value = take_text(from, value_size);
    if (!value)
      return damaged();
    if (auto set = settings.set(*name, *value); !set)
      return fail(fault::version,
        fmt::format("{} has a setting that this Herald does not know: {}", what,
          set.error().message));
  }
  return settings;
}

void put_cleaning(bytes& out, const cleaning_numbers& cleaning) {
  put(out, cleaning.generation);
  put(out, cleaning.clean_end.value);
  put(out, cleaning.pass_end.value);
  put(out, cleaning.clean_bytes);
  put(out, cleaning.tombstones_below.value);
  put(out, cleaning.tombstones_since_ms);
  put(out, cleaning.seam_count);
  for (std::size_t i = 0; i < cleaning.seam_count; ++i) {
    put(out, cleaning.seams[i].at.value);
    put(out, cleaning.seams[i].before);
    put(out, cleaning.seams[i].after);
  }
}

bool take_cleaning(bytes_view from, cleaning_numbers& cleaning) {
  if (from.size() < cleaning_bytes)
    return false;
  take(from, cleaning.generation);
  take(from, cleaning.clean_end.value);
  take(from, cleaning.pass_end.value);
  take(from, cleaning.clean_bytes);
  take(from, cleaning.tombstones_below.value);
  take(from, cleaning.tombstones_since_ms);
  take(from, cleaning.seam_count);
  if (cleaning.seam_count > cleaning.seams.size()
    || from.size() != cleaning.seam_count * seam_bytes)
    return false;
  for (std::size_t i = 0; i < cleaning.seam_count; ++i) {
    take(from, cleaning.seams[i].at.value);
    take(from, cleaning.seams[i].before);
    take(from, cleaning.seams[i].after);
  }
  return cleaning.seam_count < 2 || cleaning.seams[0].at < cleaning.seams[1].at;
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

bytes deleted_key(const uuid& topic) {
  bytes key{deleted_prefix};
  put(key, topic.value);
  return key;
}

std::optional<offset> offset_of_key(bytes_view key) {
  if (key.size() != 8)
    return std::nullopt;
  return offset{load_big_endian<std::uint64_t>(key.data())};
}

void partition_numbers::erase_seam(std::size_t index) {
  for (auto i = index + 1; i < cleaning.seam_count; ++i)
    cleaning.seams[i - 1] = cleaning.seams[i];
  cleaning.seams[--cleaning.seam_count] = {};
}

void partition_numbers::begin_seam() {
  for (auto i = cleaning.seam_count++; i > 0; --i)
    cleaning.seams[i] = cleaning.seams[i - 1];
  cleaning.seams[0] = {offset{0}, anchor, anchor};
}

bytes encode_topic(const topic_info& topic, const topic_settings& settings) {
  bytes out(1, settings.given().empty() ? 1 : 2);
  put(out, topic.id.value);
  put(out, topic.number);
  put(out, topic.partitions);
  for (auto& [name, value] : settings.given()) {
    put(out, static_cast<std::uint8_t>(name.size()));
    out += name;
    put(out, static_cast<std::uint16_t>(value.size()));
    out += value;
  }
  return out;
}

result<topic_info> decode_topic(
  std::string_view name, bytes_view value, topic_settings* settings) {
  auto what = fmt::format("the entry of topic '{}'", name);
  if (auto fine = open_value(value, topic_bytes, what); !fine)
    return std::unexpected{std::move(fine).error()};
  topic_info topic;
  topic.name = name;
  take(value, topic.id.value);
  take(value, topic.number);
  take(value, topic.partitions);
  auto stored = take_settings(value, what);
  if (!stored)
    return std::unexpected{std::move(stored).error()};
  if (settings)
    *settings = std::move(*stored);
  return topic;
}

bytes encode_numbers(const partition_numbers& numbers) {
  auto cleaned = numbers.cleaning != cleaning_numbers{};
  bytes out(1, cleaned ? 2 : 1);
  put(out, numbers.log_start.value);
  put(out, numbers.log_end.value);
  put(out, numbers.committed_end.value);
  put(out, numbers.term);
  put(out, numbers.last_term);
  put(out, numbers.last_timestamp_ms);
  put(out, numbers.anchor);
  put(out, numbers.head);
  if (cleaned)
    put_cleaning(out, numbers.cleaning);
  return out;
}

result<partition_numbers> decode_numbers(bytes_view value) {
  constexpr std::string_view what = "the entry of a partition";
  auto version = open_value(value, numbers_bytes, what);
  if (!version)
    return std::unexpected{std::move(version).error()};
  partition_numbers numbers;
  take(value, numbers.log_start.value);
  take(value, numbers.log_end.value);
  take(value, numbers.committed_end.value);
  take(value, numbers.term);
  take(value, numbers.last_term);
  take(value, numbers.last_timestamp_ms);
  take(value, numbers.anchor);
  take(value, numbers.head);
  if (*version == 2 && !take_cleaning(value, numbers.cleaning))
    return fail(fault::damaged, fmt::format("{} is damaged", what));
  if (numbers.log_start > numbers.committed_end
    || numbers.committed_end > numbers.log_end)
    return fail(fault::damaged, "the offsets of a partition contradict");
  return numbers;
}

bytes segment_key(const uuid& topic, std::uint32_t partition, offset first) {
  auto key = partition_key(topic, partition);
  put(key, first.value);
  return key;
}

bytes encode_segment(const segment_info& segment) {
  bytes out(1, segment_value_version);
  put(out, segment.next.value);
  put(out, segment.anchor);
  put(out, segment.head);
  put(out, segment.batches);
  put(out, segment.records);
  put(out, segment.batch_bytes);
  put(out, segment.first_ms);
  put(out, segment.last_ms);
  put(out, segment.file_bytes);
  put(out, segment.digest);
  out += segment.file;
  return out;
}

result<segment_info> decode_segment(bytes_view key, bytes_view value) {
  if (!value.empty() && value[0] > segment_value_version)
    return fail(fault::version, "the entry of a segment is of a newer version");
  if (key.size() != 28 || value.size() <= segment_value_bytes
    || value[0] != segment_value_version)
    return fail(fault::damaged, "the entry of a segment is damaged");
  key.remove_prefix(20);
  value.remove_prefix(1);
  segment_info segment;
  take(key, segment.first.value);
  take(value, segment.next.value);
  take(value, segment.anchor);
  take(value, segment.head);
  take(value, segment.batches);
  take(value, segment.records);
  take(value, segment.batch_bytes);
  take(value, segment.first_ms);
  take(value, segment.last_ms);
  take(value, segment.file_bytes);
  take(value, segment.digest);
  segment.file = value;
  if (segment.next <= segment.first)
    return fail(fault::damaged, "the offsets of a segment contradict");
  return segment;
}

bytes encode_live(const live_numbers& live) {
  bytes out(1, segment_value_version);
  put(out, live.start.value);
  put(out, live.anchor);
  return out;
}

result<live_numbers> decode_live(bytes_view value) {
  if (!value.empty() && value[0] > segment_value_version)
    return fail(
      fault::version, "the live start of a partition is of a newer version");
  if (value.size() != 25 || value[0] != segment_value_version)
    return fail(fault::damaged, "the live start of a partition is damaged");
  value.remove_prefix(1);
  live_numbers live;
  take(value, live.start.value);
  take(value, live.anchor);
  return live;
}

} // namespace herald
