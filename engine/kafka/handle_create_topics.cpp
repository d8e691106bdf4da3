#include "engine/kafka/request_table.hpp"
#include "engine/kafka/topic_lookup.hpp"
#include "protocol/kafka/create_topics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace herald {

namespace {

using kafka::create_topics_request;
using kafka::create_topics_response;
using asked_topic = create_topics_request::creatable_topic;
using topic_result = create_topics_response::creatable_topic_result;

struct refusal {
  kafka::error code = kafka::error::none;
  std::string why;
};

// The number of partitions: told, the broker's own, or one for each assignment.
std::expected<std::uint32_t, refusal> partitions_of(
  const kafka_core& core, const asked_topic& asked) {
  if (!asked.assignments.empty()) {
    if (asked.num_partitions != -1 || asked.replication_factor != -1)
      return std::unexpected{refusal{kafka::error::invalid_request,
        "with an assignment of replicas, the numbers of partitions and "
        "replicas must be -1"}};
    std::set<std::int32_t> seen;
    for (auto& one : asked.assignments)
      if (one.broker_ids != std::vector{kafka_node_id}
        || !seen.insert(one.partition_index).second)
        return std::unexpected{refusal{kafka::error::invalid_replica_assignment,
          fmt::format("partition {} must be assigned once, to broker {}",
            one.partition_index, kafka_node_id)}};
    if (*seen.begin() != 0
      || *seen.rbegin() + 1 != static_cast<std::int32_t>(seen.size()))
      return std::unexpected{refusal{kafka::error::invalid_replica_assignment,
        "the partitions must be numbered from 0 on without a gap"}};
    return static_cast<std::uint32_t>(seen.size());
  }
  if (asked.replication_factor != -1 && asked.replication_factor != 1)
    return std::unexpected{refusal{kafka::error::invalid_replication_factor,
      fmt::format("a replication factor of {} is not possible: there is one "
                  "broker",
        asked.replication_factor)}};
  if (asked.num_partitions == -1)
    return core.options.default_partitions;
  if (asked.num_partitions < 1)
    return std::unexpected{refusal{kafka::error::invalid_partitions,
      fmt::format("a topic cannot have {} partitions", asked.num_partitions)}};
  return static_cast<std::uint32_t>(asked.num_partitions);
}

result<topic_settings> settings_of(const asked_topic& asked) {
  topic_settings settings;
  std::vector<setting_change> changes;
  for (auto& config : asked.configs)
    changes.push_back({config.name, config.value});
  if (auto applied = settings.apply(changes); !applied)
    return std::unexpected{std::move(applied).error()};
  return settings;
}

// ConfigSource: set for the topic, and what holds by default.
constexpr std::int8_t from_topic = 1;
constexpr std::int8_t from_default = 5;

void tell_settings(const topic_settings& settings, topic_result& answer) {
  answer.configs.emplace();
  for (auto& known : topic_settings::known())
    answer.configs->push_back({.name = std::string{known.name},
      .value = settings.get(known.name),
      .config_source
      = settings.is_set(known.name) ? from_topic : from_default});
}

refusal create(kafka_core& core, const asked_topic& asked, bool only_check,
  topic_result& answer) {
  if (core.log().find_topic(asked.name))
    return {kafka::error::topic_already_exists,
      fmt::format("topic '{}' exists already", asked.name)};
  if (!core.services.may_write(asked.name))
    return {kafka::error::topic_authorization_failed,
      fmt::format("'{}' is a name of Herald's own", asked.name)};
  auto partitions = partitions_of(core, asked);
  if (!partitions)
    return partitions.error();
  auto settings = settings_of(asked);
  if (!settings)
    return {kafka::error::invalid_config, settings.error().message};
  tell_settings(*settings, answer);
  answer.num_partitions = static_cast<std::int32_t>(*partitions);
  answer.replication_factor = 1;
  if (only_check)
    return {};
  auto created = core.log().create_topic(asked.name, *partitions, *settings);
  if (created) {
    answer.topic_id = created->id.value;
    return {};
  }
  auto& why = created.error();
  auto code = why.code == fault::invalid_input
    ? kafka::error::invalid_topic_exception
    : why.code == fault::too_large ? kafka::error::invalid_partitions
                                   : error_of(why);
  return {code, why.message};
}

create_topics_response answer_of(
  kafka_core& core, const create_topics_request& asked) {
  create_topics_response response;
  for (auto& topic : asked.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = topic.name;
    answer.error_message.reset();
    auto same
      = std::ranges::count(asked.topics, topic.name, &asked_topic::name);
    auto refused = same > 1
      ? refusal{kafka::error::invalid_request,
          fmt::format("topic '{}' is asked for twice", topic.name)}
      : create(core, topic, asked.validate_only, answer);
    if (refused.code == kafka::error::none)
      continue;
    answer.error_code = refused.code;
    answer.error_message = refused.why;
    core.errors("CreateTopics", refused.code).add();
  }
  return response;
}

} // namespace

handled handle_create_topics(kafka_request& request) {
  auto asked
    = kafka::decode<create_topics_request>(request.body(), request.version());
  if (!asked)
    return handled::hang_up;
  return answer_slowly(
    request, [asked = std::move(*asked)](const kafka_request& request) {
      return answer_of(request.session->core(), asked);
    });
}

} // namespace herald
