#include "engine/store/fold.hpp"

#include "protocol/batch/record_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

namespace herald {
namespace {

/// One record, with whatever apply() throws turned into a failure.
result<void> apply_one(projection& follower, const position& at,
  const record_view& record, view_transaction& views) {
  try {
    return follower.apply(at, record, views);
  } catch (const std::exception& thrown) {
    return fail(fault::invalid_input, thrown.what());
  } catch (...) {
    return fail(fault::invalid_input, "an unknown exception");
  }
}

} // namespace

followed_partition key_of(const topic_info& topic, std::uint32_t partition) {
  return {topic.id.value, partition};
}

std::optional<std::string> reason_history_is_gone(const projection& follower,
  const event_log& log, const view_snapshot& views) {
  for (const auto& name : follower.topics()) {
    auto topic = log.find_topic(name);
    for (std::uint32_t i = 0; topic && i < topic->partitions; ++i) {
      partition_id where{topic->number, i};
      auto origin = views.origin(follower.name(), key_of(*topic, i));
      if (!origin)
        continue;
      if (auto start = log.log_start(where); start > *origin)
        return fmt::format(
          "not comparable before offset {} of {}/{}, where the log starts now: "
          "its tables are kept, since they hold what follows from earlier "
          "records",
          start.value, name, i);
      if (log.has_gaps(where))
        return fmt::format("{}/{} was compacted: its tables are kept, since "
                           "they hold what follows from records that are gone",
          name, i);
    }
  }
  return std::nullopt;
}

follower_record record_of(const projection& follower, const event_log& log) {
  follower_record record{
    log.incarnation(), follower.version(), follower.tables()};
  std::sort(record.tables.begin(), record.tables.end());
  return record;
}

failure stopped_at(const projection& follower, const followed& part, offset at,
  const failure& reason) {
  return {reason.code,
    fmt::format("the projection {} stopped at {}/{}@{}: {}", follower.name(),
      part.topic, part.where.partition, at.value, reason.message)};
}

result<std::uint64_t> fold(projection& follower, const followed& part,
  const std::vector<stored_batch>& from, offset end, view_transaction& views) {
  std::uint64_t count = 0;
  for (const auto& stored : from) {
    auto stop = [&](offset at, const failure& reason) {
      return std::unexpected{stopped_at(follower, part, at, reason)};
    };
    // The log checked it when it was read.
    auto batch = batch_view::parse_unchecked(stored.batch);
    if (!batch)
      return stop(stored.base, batch.error());
    if (batch->control())
      continue;
    result<void> applied;
    auto at = stored.base;
    auto read = batch->for_each([&](const record_view& record) {
      if (record.at < part.next || record.at >= end)
        return true;
      at = record.at;
      applied = apply_one(follower, {part.where, at}, record, views);
      if (applied && views.failed())
        applied = std::unexpected{*views.failed()};
      ++count;
      return applied.has_value();
    });
    if (!read)
      return stop(stored.base, read.error());
    if (!applied)
      return stop(at, applied.error());
  }
  return count;
}

} // namespace herald
