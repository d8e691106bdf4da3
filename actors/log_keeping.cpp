#include "actors/log_keeping.hpp"

#include "engine/base/logging.hpp"
#include "protocol/batch/partitioner.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <unordered_map>

namespace herald {

namespace {

constexpr std::size_t records_looked_at_max = 20'000;
constexpr std::size_t read_bytes = 1u << 20;
constexpr std::string_view closed_state = "closed";

std::optional<follower_position> slowest(
  const log_keeping& parts, partition_id where) {
  auto least = parts.followers->slowest(where);
  for (auto& [name, topic] : parts.kept) {
    if (topic != where.topic)
      continue;
    auto next = parts.cursors->stored(name, where);
    if (!least || next < least->second)
      least = {name, next};
  }
  if (auto replay = parts.replays->slowest(where);
    replay && (!least || replay->second < least->second))
    least = {"replay " + replay->first, replay->second};
  if (!least)
    return std::nullopt;
  return follower_position{least->first, least->second};
}

// Whether the match has been over for so long.
bool is_closed(const match_views& matches, std::string_view match,
  std::int64_t for_ms, std::int64_t now_ms) {
  auto state = matches.state(match);
  if (!state)
    return false;
  auto which = state->first.value("state", "");
  auto updated = state->first.value("updatedAt", now_ms);
  return (which == "finished" || which == "aborted")
    && updated <= now_ms - for_ms;
}

// Batch by batch, copied, since looking up states takes its time.
result<offset> state_end(const log_keeping& parts, partition_id where,
  const state_retention& rule, offset from, offset up_to, std::int64_t now_ms) {
  std::unordered_map<std::string, bool> known;
  std::size_t count = 0;
  auto end = from;
  while (end < up_to && count < records_looked_at_max) {
    auto batches = parts.log->read(where, end, read_bytes);
    if (!batches)
      return std::unexpected{std::move(batches).error()};
    for (auto& stored : *batches) {
      auto batch = batch_view::parse_unchecked(stored.batch);
      auto closed = true;
      auto whole = batch->for_each([&](const record_view& record) {
        if (record.at < from)
          return true;
        auto [entry, fresh]
          = known.try_emplace(std::string{record.key.value_or("")});
        if (fresh)
          entry->second
            = is_closed(*parts.matches, entry->first, rule.for_ms, now_ms);
        ++count;
        return closed = entry->second;
      });
      if (!whole)
        return std::unexpected{std::move(whole).error()};
      if (!closed)
        return end;
      end = std::min(stored.next, up_to);
    }
  }
  return end;
}

result<void> announce(const log_keeping& parts, const log_deletion& what) {
  event::records_deleted deleted;
  deleted.topic = what.topic;
  deleted.partition = static_cast<std::int32_t>(what.partition);
  deleted.fromOffset = static_cast<std::int64_t>(what.from.value);
  deleted.toOffset = static_cast<std::int64_t>(what.to.value);
  deleted.byteCount = static_cast<std::int64_t>(what.bytes);
  deleted.reason = what.reason;
  deleted.principal = what.principal;
  auto topic = parts.log->find_topic(audit_topic);
  if (!topic)
    return fail(fault::not_found, "the topic 'audit' is missing");
  auto now = parts.now_ms();
  batch_builder batch{now};
  batch.add(
    what.topic, parts.codec->encode(any_event{std::move(deleted)}), now);
  append_item item{
    .where = {topic->number, partition_of(what.topic, topic->partitions)},
    .batch = batch.finish()};
  return parts.log->append({&item, 1}, true, true);
}

void tell_of_hold(const log_keeping& parts, std::string_view topic,
  std::size_t waiting, const retention_hold* hold) {
  parts.metrics
    ->make_gauge("herald_retention_held",
      "Partitions whose retention waits for a follower",
      {{"topic", std::string{topic}}})
    .set(static_cast<double>(waiting));
  if (hold)
    log_warning("retention", "Old records stay until a follower has read them",
      {{"topic", hold->topic}, {"partition", std::to_string(hold->partition)},
        {"follower", hold->follower}, {"at", std::to_string(hold->at.value)},
        {"wanted", std::to_string(hold->wanted.value)}});
}

} // namespace

retention_seams make_retention_seams(const log_keeping& given) {
  auto parts = std::make_shared<const log_keeping>(given);
  retention_seams seams;
  seams.slowest
    = [parts](partition_id where) { return slowest(*parts, where); };
  seams.state_end = [parts](partition_id where, const state_retention& rule,
                      offset from, offset up_to, std::int64_t now_ms) {
    return state_end(*parts, where, rule, from, up_to, now_ms);
  };
  seams.announce
    = [parts](const log_deletion& what) { return announce(*parts, what); };
  seams.on_held = [parts](std::string_view topic, std::size_t waiting,
                    const retention_hold* hold) {
    tell_of_hold(*parts, topic, waiting, hold);
  };
  seams.on_failure
    = [](std::string_view topic, std::uint32_t partition, const failure& why) {
        log_error("retention", "Retention could not do its work",
          {{"topic", std::string{topic}},
            {"partition", std::to_string(partition)}, {"reason", why.message}});
      };
  return seams;
}

result<void> check_topic_settings(
  std::string_view topic, const topic_settings& settings) {
  if (auto& rule = settings.retention_state()) {
    if (topic != "match")
      return fail(fault::invalid_input,
        fmt::format("herald.retention.state cannot be set for topic '{}': only "
                    "what the topic 'match' is about comes to an end",
          topic));
    if (rule->state != closed_state)
      return fail(fault::invalid_input,
        fmt::format("herald.retention.state: a match has no state '{}'; "
                    "allowed: \"closed + DURATION\"",
          rule->state));
  }
  if (settings.compacts() && (holds_events(topic) || topic == "riot.raw"))
    return fail(fault::invalid_input,
      fmt::format("topic '{}' cannot be compacted: each of its events counts; "
                  "allowed for cleanup.policy: delete",
        topic));
  return {};
}

} // namespace herald
