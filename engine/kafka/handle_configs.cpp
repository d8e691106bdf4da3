#include "engine/kafka/request_table.hpp"
#include "engine/kafka/topic_lookup.hpp"
#include "protocol/kafka/alter_configs.hpp"
#include "protocol/kafka/describe_configs.hpp"
#include "protocol/kafka/incremental_alter_configs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace herald {

namespace {

using kafka::alter_configs_request;
using kafka::alter_configs_response;
using kafka::describe_configs_request;
using kafka::describe_configs_response;
using kafka::incremental_alter_configs_request;
using kafka::incremental_alter_configs_response;
using described = describe_configs_response::describe_configs_result;
using described_setting
  = describe_configs_response::describe_configs_resource_result;

// Types of resources (ConfigResource.Type), sources (DescribeConfigsResponse.
// ConfigSource) and types of values (ConfigType) as Kafka numbers them.
constexpr std::int8_t topic_resource = 2;
constexpr std::int8_t broker_resource = 4;
constexpr std::int8_t from_topic = 1;
constexpr std::int8_t from_broker = 4;
constexpr std::int8_t from_default = 5;
constexpr std::int8_t string_type = 2;

struct refusal {
  kafka::error code = kafka::error::none;
  std::string why;
};

bool wants(
  const std::optional<std::vector<std::string>>& keys, std::string_view name) {
  return !keys || std::ranges::find(*keys, name) != keys->end();
}

described_setting setting_of(std::string_view name, std::string value,
  std::int8_t source, bool read_only) {
  described_setting setting;
  setting.name = name;
  setting.value = std::move(value);
  setting.config_source = source;
  setting.read_only = read_only;
  setting.config_type = string_type;
  setting.documentation.reset();
  return setting;
}

void describe_topic(const kafka_core& core,
  const describe_configs_request::describe_configs_resource& asked,
  const describe_configs_request& request, described& answer) {
  auto topic = core.log().find_topic(asked.resource_name);
  auto settings = topic ? core.log().settings_of(topic->number) : nullptr;
  if (!settings) {
    answer.error_code = kafka::error::unknown_topic_or_partition;
    answer.error_message = "there is no such topic";
    return;
  }
  auto read_only = !core.services.may_write(asked.resource_name);
  for (auto& known : topic_settings::known()) {
    if (!wants(asked.configuration_keys, known.name))
      continue;
    auto given = settings->is_set(known.name);
    auto& setting = answer.configs.emplace_back(setting_of(known.name,
      settings->get(known.name), given ? from_topic : from_default, read_only));
    if (request.include_documentation)
      setting.documentation = std::string{known.allowed};
    if (request.include_synonyms) {
      if (given)
        setting.synonyms.push_back(
          {std::string{known.name}, setting.value, from_topic});
      setting.synonyms.push_back(
        {std::string{known.name}, std::string{known.fallback}, from_default});
    }
  }
}

void describe_broker(const kafka_core& core,
  const describe_configs_request::describe_configs_resource& asked,
  described& answer) {
  auto& id = asked.resource_name;
  if (!id.empty() && id != std::to_string(kafka_node_id)) {
    answer.error_code = kafka::error::invalid_request;
    answer.error_message = fmt::format("there is no broker {}", id);
    return;
  }
  auto& options = core.options;
  for (auto& [name, value] :
    std::initializer_list<std::pair<std::string_view, std::string>>{
      {"auto.create.topics.enable",
        options.create_topics_on_first_use ? "true" : "false"},
      {"num.partitions", std::to_string(options.default_partitions)},
      {"default.replication.factor", "1"},
      {"socket.request.max.bytes", std::to_string(options.request_bytes_max)},
      {"fetch.max.bytes", std::to_string(options.fetch_bytes_max)},
      {"max.connections", std::to_string(options.connections_max)},
      {"connections.max.idle.ms", std::to_string(options.idle_ms)}})
    if (wants(asked.configuration_keys, name))
      answer.configs.push_back(setting_of(name, value, from_broker, true));
}

} // namespace

handled handle_describe_configs(kafka_request& request) {
  auto asked = kafka::decode<describe_configs_request>(
    request.body(), request.version());
  if (!asked)
    return handled::hang_up;
  auto& core = request.session->core();
  describe_configs_response response;
  for (auto& resource : asked->resources) {
    auto& answer = response.results.emplace_back();
    answer.error_message.reset();
    answer.resource_type = resource.resource_type;
    answer.resource_name = resource.resource_name;
    if (resource.resource_type == topic_resource) {
      describe_topic(core, resource, *asked, answer);
    } else if (resource.resource_type == broker_resource) {
      describe_broker(core, resource, answer);
    } else {
      answer.error_code = kafka::error::invalid_request;
      answer.error_message = fmt::format(
        "resources of type {} have no settings", resource.resource_type);
    }
  }
  return answer_with(request, response);
}

namespace {

/// Checks and, unless only that is wanted, stores changes of one resource.
refusal alter(kafka_core& core, std::int8_t type, const std::string& name,
  std::span<const setting_change> changes, bool only_check) {
  if (type != topic_resource)
    return {
      kafka::error::invalid_request, "only settings of topics can be changed"};
  auto topic = core.log().find_topic(name);
  auto settings = topic ? core.log().settings_of(topic->number) : nullptr;
  if (!settings)
    return {kafka::error::unknown_topic_or_partition, "there is no such topic"};
  if (!core.services.may_write(name))
    return {kafka::error::topic_authorization_failed,
      fmt::format("topic '{}' is Herald's own", name)};
  auto tried = *settings;
  if (auto applied = tried.apply(changes); !applied)
    return {kafka::error::invalid_config, applied.error().message};
  if (only_check)
    return {};
  if (auto altered = core.log().alter_topic(name, changes); !altered)
    return {altered.error().code == fault::invalid_input
        ? kafka::error::invalid_config
        : error_of(altered.error()),
      altered.error().message};
  return {};
}

template <class Answer>
void tell(kafka_core& core, std::string_view api, const refusal& refused,
  Answer& answer) {
  answer.error_message.reset();
  if (refused.code == kafka::error::none)
    return;
  answer.error_code = refused.code;
  answer.error_message = refused.why;
  core.errors(api, refused.code).add();
}

/// AlterConfigs says what all settings shall be: what it leaves out falls back.
std::vector<setting_change> whole_change(const kafka_core& core,
  const alter_configs_request::alter_configs_resource& asked) {
  std::vector<setting_change> changes;
  auto topic = core.log().find_topic(asked.resource_name);
  if (auto settings = topic ? core.log().settings_of(topic->number) : nullptr)
    for (auto& [name, value] : settings->given())
      changes.push_back({name, std::nullopt});
  for (auto& config : asked.configs)
    changes.push_back({config.name, config.value});
  return changes;
}

// IncrementalAlterConfigs' operations (AlterConfigOp.OpType).
enum class operation : std::int8_t { set, unset, append, subtract };

/// A list with a value more or less.
std::string edit_list(
  const std::string& list, std::string_view value, bool append) {
  std::vector<std::string_view> values;
  std::string_view rest{list};
  while (!rest.empty()) {
    auto end = std::min(rest.find(','), rest.size());
    if (auto one = rest.substr(0, end); one != value && !one.empty())
      values.push_back(one);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (append)
    values.push_back(value);
  return fmt::format("{}", fmt::join(values, ","));
}

std::expected<std::vector<setting_change>, refusal> changes_of(
  const kafka_core& core,
  const incremental_alter_configs_request::alter_configs_resource& asked) {
  std::vector<setting_change> changes;
  auto topic = core.log().find_topic(asked.resource_name);
  auto settings = topic ? core.log().settings_of(topic->number) : nullptr;
  for (auto& config : asked.configs) {
    auto which = static_cast<operation>(config.config_operation);
    auto value = config.value.value_or("");
    switch (which) {
    case operation::set:
      changes.push_back({config.name, value});
      break;
    case operation::unset:
      changes.push_back({config.name, std::nullopt});
      break;
    case operation::append:
    case operation::subtract:
      if (config.name != "cleanup.policy" || !settings)
        return std::unexpected{refusal{kafka::error::invalid_config,
          fmt::format("'{}' is not a list", config.name)}};
      changes.push_back({config.name,
        edit_list(
          settings->get(config.name), value, which == operation::append)});
      break;
    default:
      return std::unexpected{refusal{kafka::error::invalid_request,
        fmt::format("there is no operation {}", config.config_operation)}};
    }
  }
  return changes;
}

} // namespace

handled handle_alter_configs(kafka_request& request) {
  auto asked
    = kafka::decode<alter_configs_request>(request.body(), request.version());
  if (!asked)
    return handled::hang_up;
  return answer_slowly(
    request, [asked = std::move(*asked)](const kafka_request& request) {
      auto& core = request.session->core();
      alter_configs_response response;
      for (auto& resource : asked.resources) {
        auto& answer = response.responses.emplace_back();
        answer.resource_type = resource.resource_type;
        answer.resource_name = resource.resource_name;
        tell(core, "AlterConfigs",
          alter(core, resource.resource_type, resource.resource_name,
            whole_change(core, resource), asked.validate_only),
          answer);
      }
      return response;
    });
}

handled handle_incremental_alter_configs(kafka_request& request) {
  auto asked = kafka::decode<incremental_alter_configs_request>(
    request.body(), request.version());
  if (!asked)
    return handled::hang_up;
  return answer_slowly(
    request, [asked = std::move(*asked)](const kafka_request& request) {
      auto& core = request.session->core();
      incremental_alter_configs_response response;
      for (auto& resource : asked.resources) {
        auto& answer = response.responses.emplace_back();
        answer.resource_type = resource.resource_type;
        answer.resource_name = resource.resource_name;
        auto changes = changes_of(core, resource);
        tell(core, "IncrementalAlterConfigs",
          changes ? alter(core, resource.resource_type, resource.resource_name,
                      *changes, asked.validate_only)
                  : changes.error(),
          answer);
      }
      return response;
    });
}

} // namespace herald
