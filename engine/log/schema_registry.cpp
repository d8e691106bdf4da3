#include "engine/log/schema_registry.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace herald {

namespace {

using json = nlohmann::ordered_json;

auto damaged(std::string_view what) {
  return fail(fault::damaged,
    fmt::format("a record of {} is not of its form: {}", schemas_topic, what));
}

} // namespace

result<void> schema_registry::apply(
  std::optional<bytes_view> key, std::optional<bytes_view> value) {
  try {
    if (!key)
      return damaged("it has no key");
    if (json::parse(*key).at("keytype") != "SCHEMA" || !value)
      return {};
    auto body = json::parse(*value);
    auto id = body.at("id").get<std::int32_t>();
    auto text = body.at("schema").get<std::string>();
    auto subject = body.at("subject").get<std::string>();
    auto number = body.at("version").get<std::int32_t>();
    by_text_.try_emplace(text, id);
    by_id_.insert_or_assign(id, std::move(text));
    by_subject_[std::move(subject)].push_back({number, id});
    return {};
  } catch (const json::exception& error) {
    return damaged(error.what());
  }
}

std::optional<schema_info> schema_registry::propose(
  std::string_view subject, std::string_view text) const {
  schema_info schema{
    .subject = std::string{subject}, .version = 1, .text = std::string{text}};
  auto known = find(text);
  schema.id = known ? *known : by_id_.empty() ? 1 : by_id_.rbegin()->first + 1;
  if (auto at = by_subject_.find(subject); at != by_subject_.end()) {
    if (std::ranges::find(at->second, schema.id, &version::id)
      != at->second.end())
      return std::nullopt;
    schema.version
      = std::ranges::max_element(at->second, {}, &version::number)->number + 1;
  }
  return schema;
}

result<schema_registry::record> schema_registry::encode(
  const schema_info& schema) {
  json key{{"keytype", "SCHEMA"}, {"subject", schema.subject},
    {"version", schema.version}, {"magic", 1}};
  json value{{"subject", schema.subject}, {"version", schema.version},
    {"id", schema.id}, {"schema", schema.text}, {"deleted", false}};
  try {
    return record{key.dump(), value.dump()};
  } catch (const json::exception&) {
    return fail(fault::invalid_input,
      "a schema cannot be registered: its subject or text is not UTF-8");
  }
}

std::optional<std::int32_t> schema_registry::find(std::string_view text) const {
  auto at = by_text_.find(std::string{text});
  if (at == by_text_.end())
    return std::nullopt;
  return at->second;
}

const std::string* schema_registry::text(std::int32_t id) const {
  auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : &at->second;
}

std::vector<schema_info> schema_registry::versions(
  std::string_view subject) const {
  std::vector<schema_info> result;
  for (auto& [name, versions] : by_subject_)
    if (subject.empty() || name == subject)
      for (auto& each : versions)
        result.push_back({each.id, name, each.number, by_id_.at(each.id)});
  return result;
}

} // namespace herald
