#include "protocol/schema/avro_writer_schema.hpp"

#include "protocol/schema/avro.hpp"
#include "protocol/schema/json_reader.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

namespace herald {

namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::array<std::pair<std::string_view, avro_kind>, 8> primitives = {{
  {"null", avro_kind::null},
  {"boolean", avro_kind::boolean},
  {"int", avro_kind::int_},
  {"long", avro_kind::long_},
  {"float", avro_kind::float_},
  {"double", avro_kind::double_},
  {"bytes", avro_kind::bytes},
  {"string", avro_kind::string},
}};

std::optional<avro_kind> primitive(std::string_view name) {
  for (const auto& [known, what] : primitives)
    if (known == name)
      return what;
  return std::nullopt;
}

bool has_field(const avro_schema_node& record, std::string_view name) {
  return std::ranges::find(record.fields, name, &avro_schema_node::member::name)
    != record.fields.end();
}

std::optional<std::string_view> text_of(const object& json, const char* key) {
  std::string_view text;
  if (json.at_key(key).get_string().get(text) != simdjson::SUCCESS)
    return std::nullopt;
  return text;
}

class parser {
public:
  result<avro_writer_schema> run(const element& json) {
    const auto root = node(json, "", 0);
    if (!root)
      return fail(fault::invalid_input, "this is no Avro schema: " + problem_);
    schema_.root = *root;
    return std::move(schema_);
  }

private:
  using index = std::optional<std::size_t>;

  index refuse(std::string problem) {
    problem_ = std::move(problem);
    return std::nullopt;
  }

  bool wrong(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  std::size_t add(avro_kind what, std::string name = {}) {
    schema_.nodes.push_back({what, std::move(name)});
    return schema_.nodes.size() - 1;
  }

  index node(const element& json, std::string_view space, std::size_t depth) {
    if (depth > avro_nesting_max)
      return refuse("it nests too deeply");
    if (json.is_string())
      return reference(json.get_string().value_unsafe(), space);
    if (json.is_array())
      return alternatives(json.get_array().value_unsafe(), space, depth);
    if (!json.is_object())
      return refuse("a type is a name, a list or an object");
    const object definition = json.get_object().value_unsafe();
    element what;
    if (definition.at_key("type").get(what) != simdjson::SUCCESS)
      return refuse("an object lacks \"type\"");
    if (!what.is_string())
      return node(what, space, depth + 1);
    const std::string_view name = what.get_string().value_unsafe();
    if (name == "array")
      return container(avro_kind::array, definition, "items", space, depth);
    if (name == "map")
      return container(avro_kind::map, definition, "values", space, depth);
    if (name == "record" || name == "error")
      return named(avro_kind::record, definition, space, depth);
    if (name == "enum")
      return named(avro_kind::enumeration, definition, space, depth);
    if (name == "fixed")
      return named(avro_kind::fixed, definition, space, depth);
    return reference(name, space);
  }

  index reference(std::string_view name, std::string_view space) {
    if (const auto what = primitive(name))
      return add(*what);
    const auto known = named_.find(full(name, space));
    if (known == named_.end())
      return refuse("\"" + std::string{name} + "\" is not defined");
    return known->second;
  }

  index alternatives(const simdjson::dom::array& json, std::string_view space,
    std::size_t depth) {
    const auto made = add(avro_kind::union_);
    for (const auto branch : json) {
      if (branch.is_array())
        return refuse("a union stands directly in a union");
      const auto inside = node(branch, space, depth + 1);
      if (!inside)
        return inside;
      schema_.nodes[made].inside.push_back(*inside);
    }
    if (schema_.nodes[made].inside.empty())
      return refuse("a union has no branches");
    return made;
  }

  index container(avro_kind what, const object& json, const char* key,
    std::string_view space, std::size_t depth) {
    const auto made = add(what);
    element content;
    if (json.at_key(key).get(content) != simdjson::SUCCESS)
      return refuse(std::string{to_string(what)} + " lacks \"" + key + '"');
    const auto inside = node(content, space, depth + 1);
    if (inside)
      schema_.nodes[made].inside.push_back(*inside);
    return inside ? index{made} : inside;
  }

  index named(avro_kind what, const object& json, std::string_view space,
    std::size_t depth) {
    const auto given = text_of(json, "name");
    if (!given || given->empty())
      return refuse(std::string{to_string(what)} + " lacks a name");
    auto name = full(*given, text_of(json, "namespace").value_or(space));
    if (primitive(name))
      return refuse("\"" + name + "\" is the name of a primitive type");
    const auto made = add(what, name);
    if (!named_.emplace(name, made).second)
      return refuse("\"" + name + "\" is defined twice");
    if (what == avro_kind::record)
      return members(made, json, name, depth) ? index{made} : std::nullopt;
    if (what == avro_kind::fixed
      && (json.at_key("size").get(schema_.nodes[made].length)
          != simdjson::SUCCESS
        || schema_.nodes[made].length < 0))
      return refuse("\"" + name + "\" lacks a size");
    return made;
  }

  bool members(std::size_t made, const object& json, const std::string& name,
    std::size_t depth) {
    const auto dot = name.rfind('.');
    const auto space = dot == name.npos ? std::string{} : name.substr(0, dot);
    simdjson::dom::array fields;
    if (json.at_key("fields").get_array().get(fields) != simdjson::SUCCESS)
      return wrong("\"" + name + "\" lacks a list of fields");
    for (const auto item : fields) {
      object field;
      element content;
      std::optional<std::string_view> called;
      if (item.get_object().get(field) == simdjson::SUCCESS)
        called = text_of(field, "name");
      if (!called || field.at_key("type").get(content) != simdjson::SUCCESS)
        return wrong("a field of \"" + name + "\" lacks its name or type");
      if (has_field(schema_.nodes[made], *called))
        return wrong("\"" + name + "\" has two fields named \""
          + std::string{*called} + '"');
      const auto of = node(content, space, depth + 1);
      if (!of)
        return false;
      schema_.nodes[made].fields.push_back({std::string{*called}, *of});
    }
    return true;
  }

  static std::string full(std::string_view name, std::string_view space) {
    if (space.empty() || name.find('.') != name.npos)
      return std::string{name};
    return std::string{space} + '.' + std::string{name};
  }

  avro_writer_schema schema_;
  std::map<std::string, std::size_t> named_;
  std::string problem_;
};

} // namespace

std::string_view to_string(avro_kind what) {
  for (const auto& [name, known] : primitives)
    if (known == what)
      return name;
  switch (what) {
  case avro_kind::array:
    return "array";
  case avro_kind::map:
    return "map";
  case avro_kind::record:
    return "record";
  case avro_kind::union_:
    return "union";
  case avro_kind::enumeration:
    return "enum";
  default:
    return "fixed";
  }
}

result<avro_writer_schema> parse_avro_schema(std::string_view json) {
  if (json.size() > avro_schema_bytes_max)
    return fail(fault::invalid_input,
      "this is no Avro schema: it is longer than "
        + std::to_string(avro_schema_bytes_max) + " bytes");
  json_parser reader;
  const auto root = reader.parse(json);
  if (!root)
    return fail(
      fault::invalid_input, "this is no Avro schema: " + root.error().message);
  return parser{}.run(*root);
}

} // namespace herald
