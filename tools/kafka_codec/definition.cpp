#include "tools/kafka_codec/definition.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <fstream>
#include <limits>
#include <map>
#include <stdexcept>

namespace herald::kafka_codec {

namespace {

using nlohmann::json;

constexpr std::array plain_types{"bool", "int8", "int16", "uint16", "int32",
  "uint32", "int64", "float64", "uuid", "string", "bytes", "records"};

constexpr std::array keywords{"default", "delete", "operator", "register",
  "private", "public", "new", "class", "namespace", "switch", "export"};

bool is_one_of(const auto& list, const std::string& wanted) {
  return std::ranges::find(list, wanted) != std::end(list);
}

// Anything that the generator does not know how to write, with the place.
[[noreturn]] void refuse(std::string_view where, std::string_view what) {
  throw std::runtime_error{fmt::format("{}: {}", where, what)};
}

std::int16_t number(std::string_view text) {
  std::int16_t value = 0;
  auto end = text.data() + text.size();
  auto [at, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc{} || at != end)
    refuse(text, "no version");
  return value;
}

// Reads the structures of one message, depth first.
class definition_reader {
public:
  definition_reader(const json& whole, message& into)
    : whole_{whole}, message_{into} {}

  void read() {
    for (auto& common : whole_.value("commonStructs", json::array()))
      common_[common.at("name")] = common;
    auto body = make_structure(
      message_.name, message_.type, "", whole_.at("fields"), message_.versions);
    body->about = whole_.value("about", "");
    message_.structures.push_back(body);
    avoid_clashes();
  }

private:
  std::shared_ptr<structure> make_structure(const std::string& name,
    const std::string& type, const std::string& path, const json& fields,
    version_range versions) {
    auto made = std::make_shared<structure>();
    made->name = name;
    made->type = type;
    made->path = path;
    made->versions = versions;
    for (auto& one : fields)
      if (auto found = read_field(one, path, versions); found)
        made->fields.push_back(std::move(*found));
    return made;
  }

  std::optional<field> read_field(
    const json& source, const std::string& path, version_range around) {
    field made;
    made.name = source.at("name");
    auto where = path.empty() ? made.name : path + "." + made.name;
    made.versions
      = version_range::parse(source.at("versions").get<std::string>())
          .and_of(around);
    if (made.versions.empty())
      return std::nullopt;
    made.member = snake_case(made.name);
    if (is_one_of(keywords, made.member))
      made.member += '_';
    made.type = source.at("type");
    if (made.type.starts_with("[]")) {
      made.array = true;
      made.type.erase(0, 2);
    }
    made.nullable
      = version_range::parse(source.value("nullableVersions", "none"))
          .and_of(made.versions);
    made.about = source.value("about", "");
    read_default(source, made);
    read_tag(source, where, made);
    read_flexibility(source, where, made);
    if (!is_one_of(plain_types, made.type))
      made.of = structure_of(source, where, made);
    check(where, made);
    return made;
  }

  static void read_default(const json& source, field& made) {
    if (auto found = source.find("default"); found != source.end())
      made.default_text
        = found->is_string() ? found->get<std::string>() : found->dump();
  }

  void read_tag(const json& source, const std::string& where, field& made) {
    if (!source.contains("tag"))
      return;
    auto& tag = source.at("tag");
    made.tag = tag.is_string()
      ? static_cast<std::uint32_t>(number(tag.get<std::string>()))
      : tag.get<std::uint32_t>();
    auto tagged
      = version_range::parse(source.at("taggedVersions").get<std::string>());
    if (!tagged.covers(made.versions) || !message_.flexible.covers(tagged))
      refuse(where, "is tagged in some of its versions only");
  }

  void read_flexibility(
    const json& source, const std::string& where, field& made) {
    if (!source.contains("flexibleVersions"))
      return;
    if (source.at("flexibleVersions") != "none" || made.type != "string"
      || made.array)
      refuse(where, "has flexible versions of its own");
    made.inflexible = true;
  }

  std::shared_ptr<structure> structure_of(
    const json& source, const std::string& where, const field& made) {
    if (auto known = known_.find(made.type); known != known_.end()) {
      known->second->versions = known->second->versions.hull(made.versions);
      return known->second;
    }
    auto common = common_.find(made.type);
    if (!source.contains("fields") && common == common_.end())
      refuse(where, fmt::format("unknown type '{}'", made.type));
    // A common structure is written for all versions: it may be used again.
    auto shared = common != common_.end();
    auto inner = make_structure(made.type, snake_case(made.type),
      shared ? made.type : where,
      shared ? common->second.at("fields") : source.at("fields"),
      shared ? message_.versions : made.versions);
    inner->about = made.about;
    known_[made.type] = inner;
    message_.structures.push_back(inner);
    return inner;
  }

  static void check(const std::string& where, const field& made) {
    auto optional = !made.nullable.empty();
    auto may_be_null = made.array || made.of || made.type == "string"
      || made.type == "bytes" || made.type == "records";
    if (optional && !may_be_null)
      refuse(where, "a null of this type");
    if (optional && made.of && !made.array
      && (!made.nullable.covers(made.versions) || made.tag))
      refuse(where, "a struct that may be null in some versions only");
    if (made.array && (made.type == "bool" || made.type == "records"))
      refuse(where, "an array of this type");
  }

  // A type and a member of one name cannot live in one struct.
  void avoid_clashes() {
    for (auto& one : message_.structures)
      for (auto& other : message_.structures)
        for (auto& member : other->fields)
          if (member.member == one->type)
            one->type += "_value";
  }

  const json& whole_;
  message& message_;
  std::map<std::string, json> common_;
  std::map<std::string, std::shared_ptr<structure>> known_;
};

message read_message(
  const json& whole, std::int16_t lowest, std::int16_t highest) {
  message made;
  made.name = whole.at("name");
  made.type = snake_case(made.name);
  made.api_key = whole.value("apiKey", -1);
  made.versions = {lowest, highest};
  auto valid
    = version_range::parse(whole.at("validVersions").get<std::string>());
  if (!valid.covers(made.versions))
    refuse(made.name,
      fmt::format("versions {} to {} are wanted, {} to {} defined", lowest,
        highest, valid.lowest, valid.highest));
  made.flexible
    = version_range::parse(whole.at("flexibleVersions").get<std::string>());
  definition_reader{whole, made}.read();
  return made;
}

} // namespace

version_range version_range::parse(std::string_view text) {
  if (text == "none")
    return {};
  if (text.ends_with('+'))
    return {number(text.substr(0, text.size() - 1)),
      std::numeric_limits<std::int16_t>::max()};
  if (auto dash = text.find('-'); dash != text.npos)
    return {number(text.substr(0, dash)), number(text.substr(dash + 1))};
  return {number(text), number(text)};
}

version_range version_range::and_of(const version_range& other) const {
  if (empty() || other.empty())
    return {};
  return {std::max(lowest, other.lowest), std::min(highest, other.highest)};
}

version_range version_range::hull(const version_range& other) const {
  return {std::min(lowest, other.lowest), std::max(highest, other.highest)};
}

result<message> read_definition(const std::filesystem::path& file,
  std::int16_t lowest, std::int16_t highest) {
  std::ifstream in{file};
  if (!in)
    return fail(fault::io, fmt::format("cannot read {}", file.string()));
  try {
    return read_message(json::parse(in, nullptr, true, true), lowest, highest);
  } catch (const std::exception& problem) {
    return fail(fault::invalid_input,
      fmt::format("{}: {}", file.string(), problem.what()));
  }
}

std::string snake_case(std::string_view name) {
  std::string made;
  for (auto next : name) {
    auto upper = std::isupper(static_cast<unsigned char>(next));
    if (upper && !made.empty())
      made += '_';
    made += upper
      ? static_cast<char>(std::tolower(static_cast<unsigned char>(next)))
      : next;
  }
  return made;
}

} // namespace herald::kafka_codec
