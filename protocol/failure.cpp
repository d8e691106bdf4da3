#include "protocol/failure.hpp"

#include <utility>

namespace herald {

std::string_view to_string(fault code) {
  switch (code) {
  case fault::invalid_input:
    return "invalid_input";
  case fault::not_found:
    return "not_found";
  case fault::conflict:
    return "conflict";
  case fault::too_large:
    return "too_large";
  case fault::busy:
    return "busy";
  case fault::unavailable:
    return "unavailable";
  case fault::damaged:
    return "damaged";
  case fault::io:
    return "io";
  case fault::storage_full:
    return "storage_full";
  case fault::configuration:
    return "configuration";
  case fault::in_use:
    return "in_use";
  case fault::version:
    return "version";
  case fault::forbidden:
    return "forbidden";
  case fault::timeout:
    return "timeout";
  case fault::out_of_order:
    return "out_of_order";
  case fault::fenced:
    return "fenced";
  }
  return "unknown";
}

std::unexpected<failure> fail(fault code, std::string message) {
  return std::unexpected<failure>(failure{code, std::move(message)});
}

} // namespace herald
