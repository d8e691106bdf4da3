#include "tools/kafka_codec/writers.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace herald::kafka_codec {

namespace {

// The statements for the fields of a structure that are not tagged, each in the
// condition that a version carries it.
template <class Statement>
std::string for_fields(const structure& of, Statement&& statement) {
  std::string out, pending, open = "true";
  int count = 0;
  auto close = [&] {
    if (open == "true")
      out += pending;
    else if (count == 1)
      out += fmt::format("if ({})\n{}", open, pending);
    else
      out += fmt::format("if ({}) {{\n{}}}\n", open, pending);
    pending.clear();
    count = 0;
  };
  for (auto& one : of.fields) {
    if (one.tag)
      continue;
    auto carried = condition(one.versions, of.versions);
    if (carried != open && !pending.empty())
      close();
    open = carried;
    pending += statement(one);
    ++count;
  }
  close();
  return out;
}

// Fewest bytes that a field can take on the wire, in any version.
std::size_t bytes_min(const field& of, const message& in);

std::size_t bytes_min(const structure& of, const message& in) {
  std::size_t sum = in.flexible.covers(of.versions) ? 1 : 0;
  for (auto& one : of.fields)
    if (!one.tag && one.versions.covers(of.versions))
      sum += bytes_min(one, in);
  return sum;
}

std::size_t element_bytes_min(const field& of, const message& in) {
  auto flexible = !of.inflexible && !in.flexible.and_of(of.versions).empty();
  if (of.of)
    return bytes_min(*of.of, in);
  if (of.type == "bool" || of.type == "int8")
    return 1;
  if (of.type == "int16" || of.type == "uint16")
    return 2;
  if (of.type == "int64" || of.type == "float64")
    return 8;
  if (of.type == "uuid")
    return 16;
  if (of.type == "string")
    return flexible ? 1 : 2;
  if (of.type == "bytes" || of.type == "records")
    return flexible ? 1 : 4;
  return 4;
}

std::size_t bytes_min(const field& of, const message& in) {
  if (of.array)
    return in.flexible.and_of(of.versions).empty() ? 4 : 1;
  if (of.of && !of.nullable.empty())
    return 1;
  return element_bytes_min(of, in);
}

std::string path_of(const field& one, const structure& of) {
  return of.path.empty() ? one.name : of.path + "." + one.name;
}

// ", version >= 3" where null is allowed in some versions only.
std::string nullable_argument(const field& one) {
  if (one.nullable.empty() || one.nullable.covers(one.versions))
    return "";
  return ", " + condition(one.nullable, one.versions);
}

std::string read_statement(
  const field& one, const structure& of, const message& in) {
  auto path = path_of(one, of);
  if (one.array)
    return fmt::format(
      "in.read_array(to.{}, \"{}\", {}, [&](auto& one) {{ {} }}{});\n",
      one.member, path, element_bytes_min(one, in),
      one.of ? "read(in, one, version);"
             : fmt::format("in.read(one, \"{}\");", path),
      nullable_argument(one));
  if (one.of && !one.nullable.empty())
    return fmt::format("in.read_struct(to.{}, \"{}\", [&](auto& one) {{ "
                       "read(in, one, version); }});\n",
      one.member, path);
  if (one.of)
    return fmt::format("read(in, to.{}, version);\n", one.member);
  return fmt::format("in.read{}(to.{}, \"{}\"{});\n",
    one.inflexible ? "_inflexible" : "", one.member, path,
    nullable_argument(one));
}

std::string write_statement(const field& one) {
  if (one.array)
    return fmt::format("out.write_array(from.{}, [&](auto& one) {{ {} }}{});\n",
      one.member, one.of ? "write(out, one, version);" : "out.write(one);",
      nullable_argument(one));
  if (one.of && !one.nullable.empty())
    return fmt::format("out.write_struct(from.{}, [&](auto& one) {{ "
                       "write(out, one, version); }});\n",
      one.member);
  if (one.of)
    return fmt::format("write(out, from.{}, version);\n", one.member);
  return fmt::format("out.write{}(from.{}{});\n",
    one.inflexible ? "_inflexible" : "", one.member, nullable_argument(one));
}

std::vector<const field*> tagged_fields(const structure& of) {
  std::vector<const field*> found;
  for (auto& one : of.fields)
    if (one.tag)
      found.push_back(&one);
  std::ranges::sort(found, {}, [](auto* one) { return *one->tag; });
  return found;
}

// The name of a structure in failures.
std::string spoken_name(const structure& of) {
  return of.path.empty() ? "the message" : of.path;
}

std::string read_tags(const structure& of, const message& in) {
  if (in.flexible.and_of(of.versions).empty())
    return "";
  auto tagged = tagged_fields(of);
  if (tagged.empty())
    return fmt::format(
      "in.read_tags(\"{}\", [](std::uint32_t) {{ return false; }});\n",
      spoken_name(of));
  auto out = fmt::format("in.read_tags(\"{}\", [&](std::uint32_t tag) {{\n"
                         "switch (tag) {{\n",
    spoken_name(of));
  for (auto* one : tagged) {
    auto carried = condition(one->versions, in.flexible.and_of(of.versions));
    out += fmt::format("case {}:\n", *one->tag);
    if (carried != "true")
      out += fmt::format("if (!({}))\nreturn false;\n", carried);
    out += read_statement(*one, of, in) + "return true;\n";
  }
  return out + "}\nreturn false;\n});\n";
}

std::string differs_from_default(const field& one, const message& in) {
  if (!one.nullable.empty() && one.default_text == "null")
    return fmt::format("from.{}.has_value()", one.member);
  if (one.array || one.type == "string" || one.type == "bytes")
    return fmt::format("!from.{}.empty()", one.member);
  if (one.of)
    return fmt::format(
      "from.{} != {}::{}{{}}", one.member, in.type, one.of->type);
  auto value = default_expression(one);
  if (one.type == "bool")
    return fmt::format("{}from.{}", value == "true" ? "!" : "", one.member);
  return fmt::format(
    "from.{} != {}", one.member, one.type == "uuid" ? "uuid{}" : value);
}

std::string write_tags(const structure& of, const message& in) {
  auto flexible = in.flexible.and_of(of.versions);
  if (flexible.empty())
    return "";
  std::string known, count, fields;
  for (auto* one : tagged_fields(of)) {
    auto carried = condition(one->versions, of.versions);
    auto name = "has_" + one->member;
    known += fmt::format("const bool {} = {}{};\n", name,
      carried == "true" ? "" : carried + " && ",
      differs_from_default(*one, in));
    count += (count.empty() ? "" : " + ") + name;
    fields += fmt::format("if ({})\nout.write_tag({}, [&] {{ {} }});\n", name,
      *one->tag, write_statement(*one));
  }
  return known
    + fmt::format("out.write_tag_count({});\n", count.empty() ? "0" : count)
    + fields;
}

// A function's head; the version is named if the body looks at it.
std::string function(const std::string& head, const std::string& body) {
  auto used = uses_version(body);
  return fmt::format(
    "{}std::int16_t{}) {{\n{}}}\n\n", head, used ? " version" : "", body);
}

std::string qualified(const structure& of, const message& in) {
  return &of == &in.body() ? in.type : in.type + "::" + of.type;
}

std::string read_function(const structure& of, const message& in) {
  auto body = for_fields(of, [&](auto& one) {
    return read_statement(one, of, in);
  }) + read_tags(of, in);
  return function(
    fmt::format("void read(decoder& in, {}& to, ", qualified(of, in)), body);
}

std::string write_function(const structure& of, const message& in) {
  auto body = for_fields(of, write_statement) + write_tags(of, in);
  return function(
    fmt::format("void write(encoder& out, const {}& from, ", qualified(of, in)),
    body);
}

std::string codec_functions(const message& of) {
  return fmt::format("template <>\n"
                     "result<{0}> decode<{0}>(bytes_view body, std::int16_t "
                     "version) {{\n"
                     "{0} to;\n"
                     "decoder in{{body, {0}::info, version}};\n"
                     "read(in, to, version);\n"
                     "return in.finish(std::move(to));\n}}\n\n"
                     "void encode(const {0}& from, std::int16_t version, "
                     "encoder& out) {{\n"
                     "out.begin({0}::info, version);\n"
                     "write(out, from, version);\n}}\n\n",
    of.type);
}

} // namespace

std::string source_text(const message_group& group) {
  std::vector<std::string> definitions;
  for (auto& one : group.messages)
    definitions.push_back(one.name + ".json");
  auto out = origin_comment(definitions)
    + fmt::format("\n#include \"protocol/kafka/{}.hpp\"\n\n"
                  "#include \"protocol/kafka/decoder.hpp\"\n"
                  "#include \"protocol/kafka/encoder.hpp\"\n\n"
                  "#include <utility>\n\n"
                  "namespace herald::kafka {{\n\nnamespace {{\n\n",
      group.stem);
  // The header's own functions are public: another message follows a header.
  auto is_public = [](const message& in, const structure& of) {
    return in.api_key < 0 && &of == &in.body();
  };
  std::string open;
  for (auto& in : group.messages)
    for (auto& of : in.structures) {
      (is_public(in, *of) ? open : out) += read_function(*of, in);
      out += write_function(*of, in);
    }
  out += "} // namespace\n\n" + open;
  for (auto& one : group.messages)
    out += codec_functions(one);
  return out + "} // namespace herald::kafka\n";
}

} // namespace herald::kafka_codec
