#pragma once

#include "protocol/failure.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// An Avro schema that somebody else wrote, parsed. For the sources of this
/// room.

namespace herald {

/// What a writer put into the data.
enum class avro_kind : std::uint8_t {
  null,
  boolean,
  int_,
  long_,
  float_,
  double_,
  bytes,
  string,
  array,
  map,
  record,
  union_,
  enumeration,
  fixed
};

/// How a schema spells a kind, such as "long".
std::string_view to_string(avro_kind what);

struct avro_schema_node {
  struct member {
    std::string name;
    std::size_t of = 0;
  };

  avro_kind what = avro_kind::null;
  /// record, enumeration, fixed: the full name.
  std::string name;
  /// record.
  std::vector<member> fields;
  /// array, map: what is inside. union_: the branches.
  std::vector<std::size_t> inside;
  /// fixed: its length in bytes.
  std::int64_t length = 0;
};

/// The nodes of a schema refer to each other by index, since a record may
/// contain itself.
struct avro_writer_schema {
  std::vector<avro_schema_node> nodes;
  std::size_t root = 0;
};

/// Parses the JSON of a schema. Fails with fault::invalid_input when it is
/// longer than avro_schema_bytes_max, nests deeper than avro_nesting_max or is
/// no Avro 1.11 schema. Aliases, docs, defaults and logical types of a writer
/// do not matter to a reader and are not kept.
result<avro_writer_schema> parse_avro_schema(std::string_view json);

} // namespace herald
