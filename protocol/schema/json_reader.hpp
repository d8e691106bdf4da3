#pragma once

#include "protocol/schema/json.hpp"

#include <memory>
#include <string_view>

/// For sources that look into a JSON document themselves before, beside or
/// after decoding a part of it into a struct. They include <simdjson.h> too,
/// which costs seconds, and this header does not.

namespace simdjson::dom {
class element;
} // namespace simdjson::dom

namespace herald {

/// Parses documents one after the other and keeps the memory that it took for
/// the largest, about 14 bytes for each byte of the document. Not for two
/// threads at once.
class json_parser {
public:
  json_parser();
  ~json_parser();
  json_parser(json_parser&&) noexcept;
  json_parser& operator=(json_parser&&) noexcept;

  /// Parses the whole text and checks all of it. The element, and all strings
  /// of it, are valid until the next call or the end of the parser. Failures
  /// are fault::invalid_input and say what is wrong in general: there is no
  /// place to name. Nesting is limited to 1024.
  result<simdjson::dom::element> parse(std::string_view json);

private:
  struct state;
  std::unique_ptr<state> state_;
};

/// json_decode() of a value that is already parsed. `pointer` is its own JSON
/// pointer ("/info"), with which the pointers and paths of the report begin.
result<void> json_decode(const type& described, void* value,
  const simdjson::dom::element& json, std::string_view pointer,
  json_report& report);

} // namespace herald
