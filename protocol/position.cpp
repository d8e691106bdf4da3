#include "protocol/position.hpp"

#include <fmt/format.h>

namespace herald {

std::string to_string(const position& at) {
  return fmt::format(
    "{}/{}@{}", at.where.topic, at.where.partition, at.at.value);
}

} // namespace herald
