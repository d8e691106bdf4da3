#pragma once

#include "actors/api/console_answer.hpp"
#include "actors/api/node_services.hpp"

namespace herald {

/// The console's command `topics`: alone a list of them, or
///
///     create NAME [--partitions N] [--set NAME=VALUE]...
///     alter NAME [--set NAME=VALUE]... [--unset NAME]...
///     describe NAME
///     delete NAME --yes
///
/// Words that mean nothing are invalid_input, and nothing is changed. Runs on
/// the console's thread and waits for the disk.
nlohmann::ordered_json answer_topics(
  const node_services& node, console_words& arguments);

} // namespace herald
