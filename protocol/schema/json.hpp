#pragma once

#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/schema/record.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

/// JSON (RFC 8259): a record is an object of its fields by name, an optional
/// field that is absent is left out, binary is base64, integers are numbers
/// whatever their size. To read a part of a document that is already parsed, or
/// many documents in a row, see json_reader.hpp.
///
/// All functions may be called from any thread.

namespace herald {

/// Appends the value at `value` to `out`, without white space and with the
/// fields in the order of their list. A float takes the shortest form that
/// reads back as the same; NaN and the infinities, which JSON does not have,
/// become null. Bytes in strings that are not UTF-8 become U+FFFD, so the
/// result is always JSON.
void json_encode(const type& described, const void* value, std::string& out);

template <described_record T>
std::string json_encode(const T& value) {
  std::string out;
  json_encode(type_of<T>(), &value, out);
  return out;
}

/// Appends `text` in quotes, escaped.
void json_encode_string(std::string_view text, std::string& out);

/// Distinct paths that a report lists; more are only counted.
constexpr std::size_t json_report_paths_max = 1000;

/// What json_decode() noticed besides the value. Reports add up: one report may
/// serve many calls.
struct json_report {
  /// Properties that the description does not know, by path and how often they
  /// came. Paths have no indices, and '*' for the keys of maps:
  /// "info/participants/PlayerScore3".
  std::map<std::string, std::uint64_t> unknown;
  /// Occurrences of unknown properties that found no room in `unknown`.
  std::uint64_t unknown_not_listed = 0;

  /// After a failure: the JSON pointer (RFC 6901) of the place, such as
  /// "/info/participants/3/kills", and what is wrong with it.
  std::string pointer;
  std::string detail;
};

/// Reads a JSON text into a freshly constructed object; after a failure it
/// holds an unspecified part of the text. Strict about what the description
/// says, tolerant about what it does not:
/// - A field that is missing is refused, unless it is optional or has a
///   default. For an optional field null is the same as absent.
/// - A wrong type is refused, with what was expected and what was found. An
///   integer passes for a float; a float passes for an integer when it has no
///   fraction; an integer that does not fit is refused. A number without
///   fraction and exponent that needs more than 64 bits is no JSON here.
/// - A property that is given twice is refused.
/// - Unknown properties are skipped and counted in the report. So are entries
///   of a map of numbers or strings whose value is something else.
/// All failures are fault::invalid_input; the message holds pointer and detail
/// of the report.
result<void> json_decode(const type& described, void* value,
  std::string_view json, json_report& report);

template <described_record T>
result<T> json_decode(std::string_view json, json_report& report) {
  T value{};
  if (auto done = json_decode(type_of<T>(), &value, json, report); !done)
    return std::unexpected{std::move(done.error())};
  return value;
}

template <described_record T>
result<T> json_decode(std::string_view json) {
  json_report report;
  return json_decode<T>(json, report);
}

} // namespace herald
