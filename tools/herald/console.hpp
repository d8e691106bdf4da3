#pragma once

#include <string>
#include <vector>

namespace herald {

/// What `herald console` was asked to do.
struct console_options {
  std::string data_folder;
  bool json = false;
  /// One command with its arguments; empty: a prompt.
  std::vector<std::string> command;
};

/// Sends one command to the node that serves the data folder and prints its
/// answer, or offers a prompt with history and completion. Returns the exit
/// code: 1 when the node refused the command or does not run, 2 for a command
/// that does not exist.
int run_console(const console_options& options);

} // namespace herald
