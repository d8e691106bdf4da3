#pragma once

#include "protocol/schema/record.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// A record with every kind of field, under names that a fuzzer finds soon.

namespace herald::fuzz {

HERALD_RECORD(inner_shape, "f", "I", "A record within another.",
  (bool, b, "Yes or no."), (std::optional<std::string>, s, "Maybe a text."),
  (std::int32_t, d, "A number with a default.", 7));

// The macro takes no type with a comma.
using numbers_by_name = std::map<std::string, double>;
using shapes_by_name = std::map<std::string, inner_shape>;

HERALD_RECORD(shape, "f", "S", "All kinds of fields.", (std::int32_t, i, "32."),
  (std::int64_t, l, "64."), (float, f, "A float.", 0),
  (double, d, "A double.", 0), (std::string, s, "A text.", ""),
  (binary, y, "Bytes.", {}), (std::vector<std::int32_t>, a, "Numbers.", {}),
  (numbers_by_name, m, "Numbers by name.", {}),
  (std::vector<inner_shape>, r, "Records.", {}),
  (shapes_by_name, n, "Records by name.", {}),
  (std::optional<inner_shape>, o, "Maybe a record."));

} // namespace herald::fuzz
