#include "actors/api/console_topics.hpp"

#include "engine/log/retention.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

namespace herald {

namespace {

using json = nlohmann::ordered_json;

constexpr std::string_view principal = "console";
constexpr std::uint32_t partitions_max = 1'024;

/// What stands behind `topics create` and its like.
struct topic_words {
  std::string name;
  std::optional<std::uint32_t> partitions;
  std::vector<setting_change> changes;
  bool yes = false;
};

std::unexpected<failure> wrong(std::string why) {
  return fail(fault::invalid_input, std::move(why));
}

result<setting_change> read_set(const std::string& text) {
  auto equals = text.find('=');
  if (equals == text.npos || equals == 0)
    return wrong(fmt::format(
      "--set needs NAME=VALUE, such as \"retention.ms=7 d\", not '{}'", text));
  return setting_change{text.substr(0, equals), text.substr(equals + 1)};
}

result<std::uint32_t> read_partitions(const std::string& text) {
  std::uint32_t count = 0;
  auto [end, error]
    = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size() || count < 1
    || count > partitions_max)
    return wrong(
      fmt::format("--partitions needs a number from 1 to {}, not '{}'",
        partitions_max, text));
  return count;
}

/// Takes the words apart; `allowed` are the options of the command.
result<topic_words> read_words(std::string_view command,
  const console_words& arguments, std::initializer_list<const char*> allowed) {
  topic_words read;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    auto& word = arguments[i];
    if (!word.starts_with("--")) {
      if (!read.name.empty())
        return wrong(fmt::format(
          "'topics {}' needs one topic, not '{}' too", command, word));
      read.name = word;
      continue;
    }
    if (std::ranges::find(allowed, word) == allowed.end())
      return wrong(
        fmt::format("'topics {}' has no option '{}'", command, word));
    if (word == "--yes") {
      read.yes = true;
      continue;
    }
    if (++i == arguments.size())
      return wrong(fmt::format("{} needs a value", word));
    if (word == "--partitions") {
      auto count = read_partitions(arguments[i]);
      if (!count)
        return std::unexpected(count.error());
      read.partitions = *count;
    } else if (word == "--set") {
      auto change = read_set(arguments[i]);
      if (!change)
        return std::unexpected(change.error());
      read.changes.push_back(std::move(*change));
    } else {
      read.changes.push_back({arguments[i], std::nullopt});
    }
  }
  if (read.name.empty())
    return wrong(fmt::format("'topics {}' needs the name of a topic", command));
  return read;
}

std::unexpected<failure> unknown_topic(std::string_view name) {
  return fail(fault::not_found,
    fmt::format(
      "there is no topic '{}'; 'topics' lists those that there are", name));
}

json list(const node_services& node) {
  json rows = json::array();
  for (auto& topic : node.log->topics()) {
    std::uint64_t records = 0;
    std::int64_t last = 0;
    for (std::uint32_t p = 0; p < topic.partitions; ++p) {
      partition_id where{topic.number, p};
      records += node.log->committed_end(where).value
        - node.log->log_start(where).value;
      last = std::max(last, node.log->last_timestamp_ms(where));
    }
    rows.push_back({{"topic", topic.name}, {"partitions", topic.partitions},
      {"records", records}, {"lastRecordTime", last},
      {"id", to_string(topic.id)}});
  }
  return rows;
}

json settings_of(const topic_settings& settings) {
  json rows = json::array();
  for (auto& known : topic_settings::known()) {
    auto set = settings.is_set(known.name);
    if (!known.effective && !set)
      continue;
    rows.push_back(
      {{"setting", known.name}, {"value", settings.get(known.name)},
        {"source", set ? "set" : "default"}, {"effective", known.effective}});
  }
  return rows;
}

json partitions_of(const node_services& node, const topic_info& topic) {
  json rows = json::array();
  for (std::uint32_t p = 0; p < topic.partitions; ++p) {
    partition_id where{topic.number, p};
    rows.push_back(
      {{"partition", p}, {"start", node.log->log_start(where).value},
        {"end", node.log->committed_end(where).value},
        {"bytes", node.log->stored_bytes(where).value_or(0)},
        {"lastRecordTime", node.log->last_timestamp_ms(where)}});
  }
  return rows;
}

result<json> describe(const node_services& node, std::string_view name) {
  auto topic = node.log->find_topic(name);
  auto settings = topic ? node.log->settings_of(topic->number) : nullptr;
  if (!settings)
    return unknown_topic(name);
  json waiting = json::array();
  for (auto& hold : node.keeping->holds())
    if (hold.topic == name)
      waiting.push_back(
        {{"partition", hold.partition}, {"follower", hold.follower},
          {"at", hold.at.value}, {"wanted", hold.wanted.value}});
  return json{{"topic", topic->name}, {"id", to_string(topic->id)},
    {"clients",
      node.is_for_clients(topic->name) ? "may write" : "may only read"},
    {"settings", settings_of(*settings)},
    {"partitions", partitions_of(node, *topic)},
    {"retentionWaits", std::move(waiting)}};
}

result<json> create(const node_services& node, const console_words& arguments) {
  auto read = read_words("create", arguments, {"--partitions", "--set"});
  if (!read)
    return std::unexpected(read.error());
  if (node.log->find_topic(read->name))
    return fail(fault::conflict,
      fmt::format(
        "topic '{}' exists; 'topics alter' changes its settings", read->name));
  if (read->name.starts_with('_'))
    return wrong(fmt::format(
      "'{}' cannot name a topic: '_' comes first in Herald's own names",
      read->name));
  topic_settings settings;
  if (auto fine = settings.apply(read->changes); !fine)
    return std::unexpected(fine.error());
  auto made = node.log->create_topic(read->name,
    read->partitions.value_or(node.configuration->kafka.default_partitions),
    settings);
  if (!made)
    return std::unexpected(made.error());
  return describe(node, read->name);
}

result<json> alter(const node_services& node, const console_words& arguments) {
  auto read = read_words("alter", arguments, {"--set", "--unset"});
  if (!read)
    return std::unexpected(read.error());
  if (!node.log->find_topic(read->name))
    return unknown_topic(read->name);
  if (read->changes.empty())
    return wrong("'topics alter' needs --set NAME=VALUE or --unset NAME");
  auto altered = node.log->alter_topic(read->name, read->changes);
  if (!altered)
    return std::unexpected(altered.error());
  return describe(node, read->name);
}

result<json> describe_one(
  const node_services& node, const console_words& arguments) {
  auto read = read_words("describe", arguments, {});
  if (!read)
    return std::unexpected(read.error());
  return describe(node, read->name);
}

result<json> delete_one(
  const node_services& node, const console_words& arguments) {
  auto read = read_words("delete", arguments, {"--yes"});
  if (!read)
    return std::unexpected(read.error());
  auto topic = node.log->find_topic(read->name);
  if (!topic)
    return unknown_topic(read->name);
  if (node.is_own_topic(read->name))
    return fail(fault::forbidden,
      fmt::format("topic '{}' is Herald's own and stays", read->name));
  if (!read->yes)
    return wrong(
      fmt::format("this deletes all records of topic '{}' for good; say --yes",
        read->name));
  if (auto gone = node.keeping->delete_topic(read->name, principal); !gone)
    return std::unexpected(gone.error());
  return json{{"deleted", read->name}, {"id", to_string(topic->id)}};
}

} // namespace

json answer_topics(const node_services& node, console_words& arguments) {
  if (arguments.empty())
    return console_answer(list(node));
  static const std::map<std::string,
    result<json> (*)(const node_services&, const console_words&)>
    commands{{"create", create}, {"alter", alter}, {"describe", describe_one},
      {"delete", delete_one}};
  auto found = commands.find(arguments.front());
  if (found == commands.end())
    return console_error("invalid_input",
      fmt::format("'topics' has no command '{}'; there are create, alter, "
                  "describe and delete",
        arguments.front()));
  arguments.erase(arguments.begin());
  auto told = found->second(node, arguments);
  return told ? console_answer(std::move(*told)) : console_error(told.error());
}

} // namespace herald
