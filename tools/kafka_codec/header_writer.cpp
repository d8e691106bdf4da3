#include "tools/kafka_codec/writers.hpp"

#include <fmt/format.h>

#include <sstream>

namespace herald::kafka_codec {

namespace {

// A comment in lines of at most 80 characters, after `indent` spaces.
std::string comment(std::string_view text, std::size_t indent) {
  std::string out, line;
  auto start = std::string(indent, ' ') + "///";
  std::istringstream words{std::string{text}};
  for (std::string word; words >> word;) {
    if (!line.empty() && start.size() + line.size() + word.size() + 1 > 80) {
      out += start + line + "\n";
      line.clear();
    }
    line += " " + word;
  }
  return line.empty() ? out : out + start + line + "\n";
}

std::string versions_of(const version_range& range) {
  return range.lowest == range.highest
    ? fmt::format("Version {}", range.lowest)
    : fmt::format("Versions {} to {}", range.lowest, range.highest);
}

std::string sentence(std::string text) {
  if (!text.empty() && !text.ends_with('.'))
    text += '.';
  return text;
}

// What Kafka says about a field, and where it is not in every version, which.
std::string about(const field& of, const version_range& around) {
  auto text = sentence(of.about);
  if (!of.versions.covers(around))
    text += fmt::format(
      "{}{} only.", text.empty() ? "" : " ", versions_of(of.versions));
  return text;
}

std::string fields_text(const structure& of, std::size_t indent) {
  std::string out;
  auto space = std::string(indent, ' ');
  for (auto& one : of.fields) {
    out += comment(about(one, of.versions), indent);
    auto value = default_expression(one);
    out += fmt::format("{}{} {}{};\n", space, member_type(one), one.member,
      value == "{}"     ? "{}"
        : value.empty() ? ""
                        : " = " + value);
  }
  return out;
}

std::string struct_text(const message& of) {
  auto out = comment(fmt::format("{}, versions {} to {}.", of.name,
                       of.versions.lowest, of.versions.highest),
    0);
  out += fmt::format("struct {} {{\n", of.type);
  out += fmt::format(
    "  static constexpr message_info info{{\"{}\", {}, {}, {}, {}}};\n\n",
    of.name, of.api_key, of.versions.lowest, of.versions.highest,
    of.flexible.empty() ? "never_flexible"
                        : std::to_string(of.flexible.lowest));
  for (auto& inner : of.structures) {
    if (inner.get() == &of.body())
      break;
    out += comment(inner->about.empty()
        ? fmt::format("What {} holds.", inner->path)
        : sentence(inner->about),
      2);
    out += fmt::format("  struct {} {{\n", inner->type);
    out += fields_text(*inner, 4);
    out += fmt::format(
      "    bool operator==(const {}&) const = default;\n  }};\n\n",
      inner->type);
  }
  out += fields_text(of.body(), 2);
  out += fmt::format(
    "  bool operator==(const {}&) const = default;\n}};\n\n", of.type);
  return out;
}

std::string declarations(const message& of) {
  auto out = fmt::format(
    "template <>\nresult<{0}> decode<{0}>(bytes_view body, std::int16_t "
    "version);\n"
    "void encode(const {0}& message, std::int16_t version, encoder& out);\n\n",
    of.type);
  // What follows a header is another message.
  if (of.api_key < 0)
    out
      += fmt::format("/// Reads a header from the front of a frame and leaves "
                     "the decoder behind it.\n"
                     "void read(decoder& in, {}& to, std::int16_t version);"
                     "\n\n",
        of.type);
  return out;
}

bool is_used(const message_group& group, std::string_view text) {
  for (auto& one : group.messages)
    if (struct_text(one).find(text) != std::string::npos)
      return true;
  return false;
}

} // namespace

std::string header_text(const message_group& group) {
  std::vector<std::string> definitions;
  for (auto& one : group.messages)
    definitions.push_back(one.name + ".json");
  auto out = "#pragma once\n\n" + origin_comment(definitions) + "\n";
  if (is_used(group, "bytes_view"))
    out += "#include \"protocol/bytes.hpp\"\n";
  out += "#include \"protocol/failure.hpp\"\n";
  if (is_used(group, "error "))
    out += "#include \"protocol/kafka/error.hpp\"\n";
  out += "#include \"protocol/kafka/message.hpp\"\n";
  if (is_used(group, "record_set"))
    out += "#include \"protocol/kafka/record_set.hpp\"\n";
  out += "\n#include <cstdint>\n";
  if (is_used(group, "numeric_limits"))
    out += "#include <limits>\n";
  if (is_used(group, "std::optional"))
    out += "#include <optional>\n";
  if (is_used(group, "std::string"))
    out += "#include <string>\n";
  if (is_used(group, "std::vector"))
    out += "#include <vector>\n";
  out += "\nnamespace herald::kafka {\n\n";
  if (group.api_name.empty())
    out += "class decoder;\n\n";
  for (auto& one : group.messages)
    out += struct_text(one);
  out
    += "// What decode() and encode() promise: protocol/kafka/message.hpp.\n\n";
  for (auto& one : group.messages)
    out += declarations(one);
  return out + "} // namespace herald::kafka\n";
}

std::string api_keys_text(const std::vector<message_group>& groups) {
  auto out = "#pragma once\n\n" + origin_comment({"the requests"})
    + "\n#include <cstdint>\n\nnamespace herald::kafka {\n\n"
      "/// The APIs that the codec knows, by Kafka's numbers.\n"
      "enum class api_key : std::int16_t {\n";
  for (auto& group : groups)
    if (!group.api_name.empty())
      out += fmt::format(
        "  {} = {},\n", group.stem, group.messages.front().api_key);
  return out + "};\n\n} // namespace herald::kafka\n";
}

std::string message_list_text(const std::vector<message_group>& groups) {
  auto out = "#pragma once\n\n" + origin_comment({"the requests and responses"})
    + "\n";
  std::string requests, responses;
  for (auto& group : groups) {
    if (group.api_name.empty())
      continue;
    out += fmt::format("#include \"protocol/kafka/{}.hpp\"\n", group.stem);
    auto comma = requests.empty() ? "" : ", ";
    requests += comma + group.messages[0].type;
    responses += comma + group.messages[1].type;
  }
  return out
    + "\nnamespace herald::kafka {\n\n"
      "/// A row of types, for code that does the same with all of them.\n"
      "template <class... Message>\nstruct message_list {};\n\n"
      "/// All requests that the codec knows, by their numbers, and the "
      "responses\n/// in the same order.\n"
      "using all_requests = message_list<"
    + requests + ">;\nusing all_responses = message_list<" + responses
    + ">;\n\n} // namespace herald::kafka\n";
}

} // namespace herald::kafka_codec
