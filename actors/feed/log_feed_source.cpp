#include "actors/feed/log_feed_source.hpp"

#include "actors/match/match_patch.hpp"
#include "protocol/batch/partitioner.hpp"

#include <nlohmann/json.hpp>

#include <cassert>

namespace herald {

namespace {

constexpr std::size_t read_bytes = 256 * 1024;
constexpr std::size_t list_length = 200;

} // namespace

log_feed_source::log_feed_source(const event_log& log, const event_codec& codec,
  const event_index& index, const match_views& views)
  : log_(log), codec_(codec), index_(index), views_(views) {
  auto topic = log.find_topic("match");
  assert(topic);
  topic_ = *topic;
}

std::uint64_t log_feed_source::incarnation() const {
  return log_.incarnation();
}

std::uint32_t log_feed_source::partitions() const {
  return topic_.partitions;
}

std::uint32_t log_feed_source::partition_of(std::string_view match) const {
  return herald::partition_of(match, topic_.partitions);
}

offset log_feed_source::committed_end(std::uint32_t partition) const {
  return log_.committed_end({topic_.number, partition});
}

offset log_feed_source::log_start(std::uint32_t partition) const {
  return log_.log_start({topic_.number, partition});
}

result<feed_event> log_feed_source::event_of(const record_view& record) const {
  feed_event seen;
  seen.at = record.at;
  seen.match = record.key.value_or("");
  seen.time_ms = record.timestamp_ms;
  auto event = codec_.decode(record.value.value_or(""));
  if (!event)
    return std::unexpected(event.error());
  seen.name = name_of(*event);
  seen.patch = std::make_shared<const nlohmann::json>(
    match_patch(*event, record.timestamp_ms));
  return seen;
}

result<std::vector<feed_event>> log_feed_source::read(std::uint32_t partition,
  offset from, offset end, const std::function<bool(std::string_view)>& wanted,
  offset& reached) {
  std::vector<feed_event> events;
  auto batches = log_.read({topic_.number, partition}, from, read_bytes);
  if (!batches)
    return std::unexpected(batches.error());
  for (auto& stored : *batches) {
    auto batch = batch_view::parse_unchecked(stored.batch);
    if (!batch)
      return std::unexpected(batch.error());
    result<void> seen;
    auto read = batch->for_each([&](const record_view& record) {
      if (record.at < from || record.at >= end)
        return true;
      if (wanted(record.key.value_or(""))) {
        auto event = event_of(record);
        if (!event) {
          seen = std::unexpected(event.error());
          return false;
        }
        events.push_back(std::move(*event));
      } else {
        feed_event other;
        other.at = record.at;
        other.match = record.key.value_or("");
        events.push_back(std::move(other));
      }
      return true;
    });
    if (!seen)
      return std::unexpected(seen.error());
    if (!read)
      return std::unexpected(read.error());
    reached = std::min(stored.next, end);
  }
  return events;
}

result<std::vector<feed_event>> log_feed_source::events_of(
  std::string_view match, offset from, offset end, std::size_t count,
  offset& reached) {
  std::vector<feed_event> events;
  auto read = index_.for_each_event(
    {topic_.number, partition_of(match)}, match, from, end,
    [&](const record_view& record) -> result<void> {
      auto event = event_of(record);
      if (!event)
        return std::unexpected(event.error());
      events.push_back(std::move(*event));
      return {};
    },
    count);
  if (!read)
    return std::unexpected(read.error());
  reached = events.size() < count ? end : events.back().at.next();
  return events;
}

result<feed_snapshot> log_feed_source::snapshot(std::string_view match) {
  auto state = views_.state(match);
  if (!state)
    return std::unexpected(state.error());
  return feed_snapshot{
    std::make_shared<const nlohmann::json>(std::move(state->first)),
    state->second};
}

result<std::pair<std::shared_ptr<const nlohmann::json>, feed_cursor>>
log_feed_source::list() {
  // The cursor first: what the list has beyond it is told once more.
  feed_cursor cursor{log_.incarnation(), {}};
  for (std::uint32_t p = 0; p < topic_.partitions; ++p)
    cursor.entries.push_back({p, view_cursor(p)});
  auto entries = views_.list("", list_length);
  if (!entries)
    return std::unexpected(entries.error());
  return std::pair{std::make_shared<const nlohmann::json>(
                     nlohmann::json{{"matches", std::move(*entries)}}),
    std::move(cursor)};
}

result<nlohmann::json> log_feed_source::summary(std::string_view match) {
  auto state = views_.state(match);
  if (!state)
    return std::unexpected(state.error());
  return match_list_entry(state->first);
}

offset log_feed_source::view_cursor(std::uint32_t partition) {
  return views_.cursor(partition);
}

} // namespace herald
