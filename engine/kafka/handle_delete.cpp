#include "engine/kafka/request_table.hpp"
#include "engine/kafka/topic_lookup.hpp"
#include "protocol/kafka/delete_records.hpp"
#include "protocol/kafka/delete_topics.hpp"

#include <fmt/format.h>

namespace herald {

namespace {

using kafka::delete_records_request;
using kafka::delete_records_response;
using kafka::delete_topics_request;
using kafka::delete_topics_response;

void delete_topic(kafka_core& core, const std::optional<topic_info>& topic,
  delete_topics_response::deletable_topic_result& answer) {
  auto refuse = [&](kafka::error code, std::string why) {
    answer.error_code = code;
    answer.error_message = std::move(why);
    core.errors("DeleteTopics", code).add();
  };
  if (!topic) {
    auto named = answer.name.has_value();
    return refuse(named ? kafka::error::unknown_topic_or_partition
                        : kafka::error::unknown_topic_id,
      "there is no such topic");
  }
  answer.name = topic->name;
  answer.topic_id = topic->id.value;
  if (!core.services.may_write(topic->name))
    return refuse(kafka::error::topic_authorization_failed,
      fmt::format("topic '{}' is Herald's own", topic->name));
  if (auto deleted = core.services.delete_topic(topic->name); !deleted)
    refuse(error_of(deleted.error()), deleted.error().message);
}

} // namespace

handled handle_delete_topics(kafka_request& request) {
  auto asked
    = kafka::decode<delete_topics_request>(request.body(), request.version());
  if (!asked)
    return handled::hang_up;
  return answer_slowly(
    request, [asked = std::move(*asked)](const kafka_request& request) {
      auto& core = request.session->core();
      delete_topics_response response;
      for (auto& name : asked.topic_names) {
        auto& answer = response.responses.emplace_back();
        answer.name = name;
        delete_topic(core, core.log().find_topic(name), answer);
      }
      for (auto& topic : asked.topics) {
        auto& answer = response.responses.emplace_back();
        answer.name = topic.name;
        answer.topic_id = topic.topic_id;
        delete_topic(core,
          topic.name ? core.log().find_topic(*topic.name)
                     : find_topic_by_id(core.log(), topic.topic_id),
          answer);
      }
      return response;
    });
}

namespace {

// -1 stands for the end.
kafka::error delete_records(kafka_core& core, const std::string& topic,
  partition_id where, std::int64_t up_to) {
  if (!core.services.may_write(topic))
    return kafka::error::topic_authorization_failed;
  auto& log = core.log();
  auto end = log.committed_end(where);
  auto to = up_to == -1 ? end : offset{static_cast<std::uint64_t>(up_to)};
  if (up_to < -1 || to > end)
    return kafka::error::offset_out_of_range;
  if (to <= log.log_start(where))
    return kafka::error::none; // They are gone already, as with Kafka.
  auto trimmed = core.services.delete_records(where, to);
  return trimmed ? kafka::error::none : error_of(trimmed.error());
}

} // namespace

handled handle_delete_records(kafka_request& request) {
  auto asked
    = kafka::decode<delete_records_request>(request.body(), request.version());
  if (!asked)
    return handled::hang_up;
  return answer_slowly(
    request, [asked = std::move(*asked)](const kafka_request& request) {
      auto& core = request.session->core();
      delete_records_response response;
      for (auto& asked_topic : asked.topics) {
        auto topic = core.log().find_topic(asked_topic.name);
        auto& answered = response.topics.emplace_back();
        answered.name = asked_topic.name;
        for (auto& partition : asked_topic.partitions) {
          auto& answer = answered.partitions.emplace_back();
          answer.partition_index = partition.partition_index;
          auto where = partition_at(topic, partition.partition_index);
          answer.error_code = where
            ? delete_records(core, asked_topic.name, *where, partition.offset)
            : kafka::error::unknown_topic_or_partition;
          answer.low_watermark = answer.error_code == kafka::error::none
            ? static_cast<std::int64_t>(core.log().log_start(*where).value)
            : -1;
          if (answer.error_code != kafka::error::none)
            core.errors("DeleteRecords", answer.error_code).add();
        }
      }
      return response;
    });
}

} // namespace herald
