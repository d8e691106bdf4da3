#include "engine/kafka/request_table.hpp"
#include "engine/kafka/topic_lookup.hpp"
#include "protocol/kafka/metadata.hpp"

#include <algorithm>

namespace herald {

namespace {

using kafka::metadata_request;
using kafka::metadata_response;
using described = metadata_response::metadata_response_topic;

// Bits of AclOperation for the authorized operations of KIP-430: read, write,
// create, delete, alter, describe, describe configs, alter configs.
constexpr std::int32_t may_read_topic = 1 << 3 | 1 << 8 | 1 << 10;
constexpr std::int32_t may_change_topic
  = may_read_topic | 1 << 4 | 1 << 6 | 1 << 7 | 1 << 11;
constexpr std::int32_t may_use_cluster = 1 << 5 | 1 << 8 | 1 << 10;

described describe(const kafka_core& core, const topic_info& topic,
  const metadata_request& asked) {
  described answer;
  answer.name = topic.name;
  answer.topic_id = topic.id.value;
  answer.is_internal = topic.name == schemas_topic;
  for (std::uint32_t i = 0; i < topic.partitions; ++i) {
    auto& partition = answer.partitions.emplace_back();
    partition.partition_index = static_cast<std::int32_t>(i);
    partition.leader_id = kafka_node_id;
    partition.leader_epoch = leader_epoch_of(core.log(), {topic.number, i});
    partition.replica_nodes = {kafka_node_id};
    partition.isr_nodes = {kafka_node_id};
  }
  if (asked.include_topic_authorized_operations)
    answer.topic_authorized_operations
      = core.services.may_write(topic.name) ? may_change_topic : may_read_topic;
  return answer;
}

// Version 0 has no null, and asks for all topics with an empty list.
bool wants_all(const metadata_request& asked, std::int16_t version) {
  return version == 0 ? asked.topics && asked.topics->empty()
                      : !asked.topics.has_value();
}

bool may_create(const kafka_core& core, const metadata_request& asked) {
  return core.options.create_topics_on_first_use
    && asked.allow_auto_topic_creation;
}

described describe_asked(kafka_core& core, const metadata_request& asked,
  const metadata_request::metadata_request_topic& topic) {
  described missing;
  missing.name = topic.name;
  missing.topic_id = topic.topic_id;
  if (!topic.name) {
    auto found = find_topic_by_id(core.log(), topic.topic_id);
    if (found)
      return describe(core, *found, asked);
    missing.error_code = kafka::error::unknown_topic_id;
    return missing;
  }
  if (auto found = core.log().find_topic(*topic.name))
    return describe(core, *found, asked);
  missing.topic_id = {};
  missing.error_code = kafka::error::unknown_topic_or_partition;
  if (!may_create(core, asked))
    return missing;
  if (!core.services.may_write(*topic.name)) {
    missing.error_code = kafka::error::topic_authorization_failed;
    return missing;
  }
  auto created
    = core.log().create_topic(*topic.name, core.options.default_partitions);
  if (created)
    return describe(core, *created, asked);
  missing.error_code = created.error().code == fault::invalid_input
    ? kafka::error::invalid_topic_exception
    : error_of(created.error());
  core.errors("Metadata", missing.error_code).add();
  return missing;
}

metadata_response answer_of(
  kafka_core& core, const metadata_request& asked, std::int16_t version) {
  metadata_response response;
  response.brokers.push_back(
    {kafka_node_id, core.options.address, core.port, std::nullopt});
  response.cluster_id = core.log().cluster_id();
  response.controller_id = kafka_node_id;
  if (asked.include_cluster_authorized_operations)
    response.cluster_authorized_operations = may_use_cluster;
  if (wants_all(asked, version)) {
    for (auto& topic : core.log().topics())
      response.topics.push_back(describe(core, topic, asked));
    return response;
  }
  for (auto& topic : *asked.topics)
    response.topics.push_back(describe_asked(core, asked, topic));
  return response;
}

} // namespace

handled handle_metadata(kafka_request& request) {
  auto asked
    = kafka::decode<metadata_request>(request.body(), request.version());
  if (!asked)
    return handled::hang_up;
  auto& core = request.session->core();
  auto creates = asked->topics && may_create(core, *asked)
    && std::ranges::any_of(*asked->topics, [&](auto& topic) {
         return topic.name && !core.log().find_topic(*topic.name);
       });
  if (!creates)
    return answer_with(request, answer_of(core, *asked, request.version()));
  return answer_slowly(
    request, [asked = std::move(*asked)](const kafka_request& request) {
      return answer_of(request.session->core(), asked, request.version());
    });
}

} // namespace herald
