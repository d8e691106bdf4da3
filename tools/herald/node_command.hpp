#pragma once

#include <string>

namespace herald {

/// What `herald node` was asked to do.
struct node_command_options {
  /// Configuration file; empty: config.toml of the working folder, if it is
  /// there, else the defaults.
  std::string config;
  /// Both override the file where they are not empty.
  std::string data_folder;
  std::string listen;
  std::string kafka;
  /// Only checks the configuration.
  bool check = false;
};

/// Runs a node until SIGINT or SIGTERM, then drains it. Returns the exit code.
int run_node_command(const node_command_options& options);

} // namespace herald
