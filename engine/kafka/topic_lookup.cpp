#include "engine/kafka/topic_lookup.hpp"

namespace herald {

std::optional<topic_info> find_topic_by_id(
  const event_log& log, const kafka::uuid& id) {
  for (auto& topic : log.topics())
    if (topic.id.value == id)
      return topic;
  return std::nullopt;
}

std::optional<partition_id> partition_at(
  const std::optional<topic_info>& topic, std::int32_t index) {
  if (!topic || index < 0
    || static_cast<std::uint32_t>(index) >= topic->partitions)
    return std::nullopt;
  return partition_id{topic->number, static_cast<std::uint32_t>(index)};
}

std::int32_t leader_epoch_of(const event_log& log, partition_id where) {
  return static_cast<std::int32_t>(log.term(where) & 0x7fffffff);
}

kafka::error check_leader_epoch(
  const event_log& log, partition_id where, std::int32_t epoch) {
  auto current = leader_epoch_of(log, where);
  if (epoch < 0 || epoch == current)
    return kafka::error::none;
  return epoch < current ? kafka::error::fenced_leader_epoch
                         : kafka::error::unknown_leader_epoch;
}

} // namespace herald
