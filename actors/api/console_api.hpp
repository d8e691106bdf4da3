#pragma once

#include "actors/api/node_services.hpp"

#include <string>
#include <string_view>

namespace herald {

/// Answers one line of the control socket (engine/console) with one line:
/// {"answer": ...} or {"error": {"code", "message"}}. The commands are those
/// that `help` lists. From any thread.
std::string answer_console(
  const node_services& services, std::string_view line);

} // namespace herald
