#include "engine/kafka/request_table.hpp"
#include "engine/kafka/topic_lookup.hpp"
#include "protocol/batch/record_batch.hpp"
#include "protocol/kafka/list_offsets.hpp"
#include "protocol/kafka/offset_for_leader_epoch.hpp"

#include <algorithm>

namespace herald {

namespace {

// Special times of ListOffsets (ListOffsetsRequest.java): the end, the start,
// the newest record, the start and the end of what is kept locally.
constexpr std::int64_t latest = -1;
constexpr std::int64_t earliest = -2;
constexpr std::int64_t newest_record = -3;
constexpr std::int64_t earliest_local = -4;

using partition_offset
  = kafka::list_offsets_response::list_offsets_partition_response;

/// The record time of the record at that offset.
result<std::int64_t> time_of(
  const event_log& log, partition_id where, offset at) {
  std::int64_t found = -1;
  result<void> records;
  auto visited = log.visit(where, at, [&](offset, offset, bytes_view stored) {
    auto batch = batch_view::parse_unchecked(stored);
    if (batch)
      records = batch->for_each([&](const record_view& record) {
        found = record.timestamp_ms;
        return record.at < at;
      });
    return false;
  });
  if (!visited)
    return std::unexpected{std::move(visited).error()};
  if (!records)
    return std::unexpected{std::move(records).error()};
  return found;
}

result<void> find_by_time(const event_log& log, partition_id where,
  std::int64_t time, partition_offset& answer) {
  auto found = log.offset_at_time(where, time);
  if (!found)
    return std::unexpected{std::move(found).error()};
  if (!*found)
    return {};
  auto told = time_of(log, where, **found);
  if (!told)
    return std::unexpected{std::move(told).error()};
  answer.offset = static_cast<std::int64_t>((*found)->value);
  answer.timestamp = *told;
  return {};
}

void find_offset(kafka_core& core, partition_id where, std::int64_t time,
  partition_offset& answer) {
  auto& log = core.log();
  answer.leader_epoch = leader_epoch_of(log, where);
  result<void> found;
  switch (time) {
  case latest:
    answer.offset = static_cast<std::int64_t>(log.committed_end(where).value);
    break;
  case earliest:
  case earliest_local:
    answer.offset = static_cast<std::int64_t>(log.log_start(where).value);
    break;
  case newest_record:
    found = find_by_time(log, where, log.last_timestamp_ms(where), answer);
    break;
  default:
    if (time < 0)
      answer.error_code = kafka::error::unsupported_for_message_format;
    else
      found = find_by_time(log, where, time, answer);
  }
  if (!found) {
    answer.error_code = error_of(found.error());
    core.errors("ListOffsets", answer.error_code).add();
  }
}

} // namespace

handled handle_list_offsets(kafka_request& request) {
  auto asked = kafka::decode<kafka::list_offsets_request>(
    request.body(), request.version());
  if (!asked)
    return handled::hang_up;
  auto& core = request.session->core();
  kafka::list_offsets_response response;
  for (auto& asked_topic : asked->topics) {
    auto topic = core.log().find_topic(asked_topic.name);
    auto& answered = response.topics.emplace_back();
    answered.name = asked_topic.name;
    for (auto& asked_partition : asked_topic.partitions) {
      auto& answer = answered.partitions.emplace_back();
      answer.partition_index = asked_partition.partition_index;
      auto where = partition_at(topic, asked_partition.partition_index);
      if (!where) {
        answer.error_code = kafka::error::unknown_topic_or_partition;
        continue;
      }
      answer.error_code = check_leader_epoch(
        core.log(), *where, asked_partition.current_leader_epoch);
      if (answer.error_code == kafka::error::none)
        find_offset(core, *where, asked_partition.timestamp, answer);
    }
  }
  return answer_with(request, response);
}

namespace {

using epoch_end = kafka::offset_for_leader_epoch_response::epoch_end_offset;

// The largest epoch that is not above the one asked for, and where it ends
// (KIP-101, KIP-279).
void find_epoch_end(const event_log& log, partition_id where,
  std::int32_t epoch, epoch_end& answer) {
  auto terms = log.terms(where);
  if (!terms) {
    answer.error_code = error_of(terms.error());
    return;
  }
  std::int64_t found = 0;
  auto end = log.committed_end(where);
  for (auto& [term, first] : *terms) {
    if (static_cast<std::int64_t>(term) > epoch) {
      end = std::min(end, first);
      break;
    }
    found = static_cast<std::int64_t>(term);
  }
  answer.leader_epoch = static_cast<std::int32_t>(found);
  answer.end_offset = static_cast<std::int64_t>(end.value);
}

} // namespace

handled handle_offset_for_leader_epoch(kafka_request& request) {
  auto asked = kafka::decode<kafka::offset_for_leader_epoch_request>(
    request.body(), request.version());
  if (!asked)
    return handled::hang_up;
  auto& log = request.session->core().log();
  kafka::offset_for_leader_epoch_response response;
  for (auto& asked_topic : asked->topics) {
    auto topic = log.find_topic(asked_topic.topic);
    auto& answered = response.topics.emplace_back();
    answered.topic = asked_topic.topic;
    for (auto& asked_partition : asked_topic.partitions) {
      auto& answer = answered.partitions.emplace_back();
      answer.partition = asked_partition.partition;
      auto where = partition_at(topic, asked_partition.partition);
      answer.error_code = !where
        ? kafka::error::unknown_topic_or_partition
        : check_leader_epoch(log, *where, asked_partition.current_leader_epoch);
      if (answer.error_code == kafka::error::none)
        find_epoch_end(log, *where, asked_partition.leader_epoch, answer);
    }
  }
  return answer_with(request, response);
}

} // namespace herald
