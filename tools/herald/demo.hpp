#pragma once

#include <cstdint>
#include <string>

namespace herald {

/// What `herald demo` was asked to do.
struct demo_options {
  /// Empty: a fresh folder that is removed at the end.
  std::string data_folder;
  std::string listen = "127.0.0.1:8480";
  /// Simulated seconds per second.
  double speed = 30;
  std::uint32_t concurrent = 3;
  std::uint64_t seed = 7;
};

/// A node, a simulated Riot in which games are being played faster than real
/// time, and a companion beside each game client, in one process, until SIGINT
/// or SIGTERM. Prints one address. Returns the exit code.
int run_demo(const demo_options& options);

} // namespace herald
