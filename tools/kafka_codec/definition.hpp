#pragma once

#include "protocol/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace herald::kafka_codec {

/// Versions from `lowest` to `highest`, both included; none if lowest is
/// higher. As Kafka writes them: "3-5", "3", "3+", "none".
struct version_range {
  std::int16_t lowest = 0;
  std::int16_t highest = -1;

  static version_range parse(std::string_view text);

  bool empty() const { return lowest > highest; }
  bool covers(const version_range& other) const {
    return other.empty()
      || (lowest <= other.lowest && other.highest <= highest);
  }
  version_range and_of(const version_range& other) const;
  /// From the lowest to the highest of both.
  version_range hull(const version_range& other) const;
};

struct structure;

/// A field, reduced to the versions that code is written for.
struct field {
  /// As Kafka spells it, and as C++ does.
  std::string name;
  std::string member;
  /// "int32", "string", ... or the name of a structure; without "[]".
  std::string type;
  bool array = false;
  /// The structure of that name; null for other types.
  std::shared_ptr<structure> of;
  /// The versions that carry it, within those of the structure it is in.
  version_range versions;
  /// The versions of these in which it may be null.
  version_range nullable;
  /// Its number among the tagged fields, if it is one.
  std::optional<std::uint32_t> tag;
  /// A string whose length has the old form in all versions.
  bool inflexible = false;
  /// As the definition has it: "", "null", "-1", "0x7fffffff", "true".
  std::string default_text;
  std::string about;
};

/// A struct of a message, or the message itself.
struct structure {
  std::string name;
  std::string type;
  /// "Topics.Partitions" for one that stands there; "" for the message.
  std::string path;
  std::string about;
  /// The versions in which it occurs.
  version_range versions;
  std::vector<field> fields;
};

/// A request, a response or a header.
struct message {
  /// As Kafka spells it ("ProduceRequest"), and as C++ does.
  std::string name;
  std::string type;
  std::int16_t api_key = -1;
  version_range versions;
  version_range flexible;
  /// Each behind those that it uses; the last one is the message itself.
  std::vector<std::shared_ptr<structure>> structures;

  const structure& body() const { return *structures.back(); }
};

/// Reads one definition (JSON with // comments) for the versions between
/// `lowest` and `highest`. fault::io if the file cannot be read,
/// fault::invalid_input, naming file and field, if it holds something that the
/// generator does not know: no code is better than wrong code.
result<message> read_definition(
  const std::filesystem::path& file, std::int16_t lowest, std::int16_t highest);

/// "TimeoutMs" -> "timeout_ms".
std::string snake_case(std::string_view name);

} // namespace herald::kafka_codec
