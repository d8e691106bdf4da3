#pragma once

#include "protocol/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <utility>

namespace herald {

/// A node as a process of its own, so that its CPU time can be told from the
/// client's. Killed with the object, if it still runs.
class child_node {
public:
  /// Starts this program as a node on free ports and waits until it is ready.
  static result<child_node> start(const std::filesystem::path& data_folder);

  child_node(child_node&& other) noexcept;
  child_node& operator=(child_node&&) = delete;
  ~child_node();

  const std::string& url() const { return url_; }
  std::uint16_t kafka_port() const { return kafka_port_; }

  /// Seconds of processor that it has used so far.
  double cpu_seconds() const;
  /// Anonymous and shared memory, and pages of mapped files, in bytes now.
  std::pair<std::uint64_t, std::uint64_t> memory_bytes() const;

  /// Ends the node; CPU seconds that it has used, user and system.
  std::pair<double, double> stop();
  /// kill -9.
  void kill();

private:
  child_node(pid_t process) : process_{process} {}

  pid_t process_;
  std::string url_;
  std::uint16_t kafka_port_ = 0;
};

} // namespace herald
