#pragma once

#include "protocol/failure.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace herald {

/// The words behind a command of the console.
using console_words = std::vector<std::string>;

/// {"answer": what}
inline nlohmann::ordered_json console_answer(nlohmann::ordered_json what) {
  return {{"answer", std::move(what)}};
}

/// {"error": {"code", "message"}}
inline nlohmann::ordered_json console_error(
  std::string_view code, const std::string& message) {
  return {{"error", {{"code", code}, {"message", message}}}};
}

inline nlohmann::ordered_json console_error(const failure& why) {
  return console_error(to_string(why.code), why.message);
}

} // namespace herald
