#pragma once

#include "actors/any_event.hpp"
#include "protocol/position.hpp"

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace herald {

/// Why an aggregate refused a command: the rule that was broken
/// ("riot.8.12"), the place in the document (a JSON pointer, may be empty) and
/// the words.
struct refusal {
  std::string rule;
  std::string pointer;
  std::string reason;
  bool operator==(const refusal&) const = default;
};

/// What decide() answers: the events that the command causes, or the offset
/// of the event that makes it superfluous, or a refusal.
using decision = std::variant<std::vector<std::shared_ptr<const any_event>>,
  offset, refusal>;

} // namespace herald
