#include "tools/kafka_codec/writers.hpp"

#include <fmt/format.h>

namespace herald::kafka_codec {

namespace {

std::string fill_statement(const field& one, const structure& of) {
  auto carried = condition(one.versions, of.versions);
  auto nullable
    = one.nullable.empty() ? "false" : condition(one.nullable, one.versions);
  auto optional = !one.nullable.empty();
  std::string fill;
  if (one.array || (one.of && optional))
    fill = fmt::format("random.fill(to.{}, [&](auto& one) {{ {} }}{});\n",
      one.member, one.of ? "fill(random, one, version);" : "random.fill(one);",
      optional ? ", " + nullable : "");
  else if (one.of)
    fill = fmt::format("fill(random, to.{}, version);\n", one.member);
  else
    fill = fmt::format(
      "random.fill(to.{}{});\n", one.member, optional ? ", " + nullable : "");
  return carried == "true" ? fill : fmt::format("if ({})\n{}", carried, fill);
}

std::string fill_function(const structure& of, const message& in) {
  auto whole = &of == &in.body();
  std::string body;
  for (auto& one : of.fields)
    body += fill_statement(one, of);
  auto used = uses_version(body);
  return fmt::format(
    "void fill(random_values&{}, {}&{}, std::int16_t{}) {{\n{}}}\n\n",
    body.empty() ? "" : " random", whole ? in.type : in.type + "::" + of.type,
    body.empty() ? "" : " to", used ? " version" : "", body);
}

} // namespace

std::string random_header_text(const std::vector<message_group>& groups) {
  auto out = "#pragma once\n\n"
    + origin_comment({"the requests, responses and headers"})
    + "\n#include \"protocol/kafka/header.hpp\"\n"
      "#include \"protocol/kafka/messages.hpp\"\n"
      "#include \"tests/kafka/random_values.hpp\"\n\n"
      "#include <cstdint>\n\n"
      "namespace herald::kafka {\n\n"
      "/// Gives every field that the version carries a random value. The "
      "others\n/// stay as they are.\n";
  for (auto& group : groups)
    for (auto& one : group.messages)
      out += fmt::format(
        "void fill(random_values& random, {}& to, std::int16_t version);\n",
        one.type);
  return out + "\n} // namespace herald::kafka\n";
}

std::string random_source_text(const std::vector<message_group>& groups) {
  auto out = origin_comment({"the requests, responses and headers"})
    + "\n#include \"tests/kafka/random_messages.hpp\"\n\n"
      "namespace herald::kafka {\n\n";
  std::string inner, whole;
  for (auto& group : groups)
    for (auto& in : group.messages)
      for (auto& of : in.structures)
        (of.get() == &in.body() ? whole : inner) += fill_function(*of, in);
  return out + "namespace {\n\n" + inner + "} // namespace\n\n" + whole
    + "} // namespace herald::kafka\n";
}

} // namespace herald::kafka_codec
