#pragma once

#include "actors/api/node_services.hpp"

#include <string>
#include <string_view>

namespace herald {

class control_stream;

/// Answers one line of the control socket (engine/console) with one line:
/// {"answer": ...} or {"error": {"code", "message"}}. The commands are those
/// that `help` lists; those that take long tell `more` before their answer.
/// From any thread.
std::string answer_console(
  const node_services& services, std::string_view line, control_stream& more);

} // namespace herald
