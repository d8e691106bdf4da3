#pragma once

#include "protocol/failure.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace herald {

/// The node's side of the operators' console: a Unix socket in the data folder
/// whose file permissions (owner only) are its protection. A request is one
/// line of JSON, `{"command":"events","arguments":["--topic","match"]}`, and
/// so is its answer; a connection may ask as often as it likes. At most
/// `connections_max` connections and `line_max_bytes` per request.
class control_server {
public:
  static constexpr std::size_t connections_max = 16;
  static constexpr std::size_t line_max_bytes = 64 * 1024;

  /// Answers one request line with one line (without the line feed). Runs on
  /// the connection's own thread.
  using handler = std::function<std::string(std::string_view line)>;

  /// Listens on `path`; a socket file that a killed node left is replaced.
  /// Fails with fault::io, or fault::too_large when the path does not fit into
  /// a socket address (107 bytes).
  static result<std::unique_ptr<control_server>> start(
    const std::filesystem::path& path, handler answer);

  /// Ends all connections and removes the socket file.
  ~control_server();

private:
  struct implementation;
  explicit control_server(std::unique_ptr<implementation> implementation);
  std::unique_ptr<implementation> implementation_;
};

/// The console's side. One thread at a time.
class control_client {
public:
  /// Fails with fault::unavailable when no node listens there.
  static result<control_client> connect(const std::filesystem::path& path);
  control_client(control_client&& other) noexcept;
  control_client& operator=(control_client&& other) noexcept;
  ~control_client();

  /// Sends one line and waits for the one that answers it.
  result<std::string> ask(std::string_view line);

private:
  explicit control_client(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
  std::string buffered_;
};

} // namespace herald
