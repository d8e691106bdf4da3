#pragma once

#include "engine/kafka/kafka_core.hpp"
#include "engine/log/event_log.hpp"
#include "protocol/kafka/error.hpp"
#include "protocol/kafka/message.hpp"
#include "protocol/position.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace herald {

/// The topic with Kafka's id.
std::optional<topic_info> find_topic_by_id(
  const event_log& log, const kafka::uuid& id);

/// The partition of a topic; none when the topic has no such partition.
std::optional<partition_id> partition_at(
  const std::optional<topic_info>& topic, std::int32_t index);

/// Whether the epoch that a client believes to be the leader's is right; -1 is
/// always. fenced_leader_epoch or unknown_leader_epoch otherwise (KIP-320).
kafka::error check_leader_epoch(
  const event_log& log, partition_id where, std::int32_t epoch);

/// The leader's epoch of a partition, as clients see it.
std::int32_t leader_epoch_of(const event_log& log, partition_id where);

} // namespace herald
