#pragma once

#include "protocol/failure.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace herald {

/// What a command that takes long tells before its answer. Used on the thread
/// of the connection, within the handler.
class control_stream {
public:
  virtual ~control_stream() = default;

  /// Sends a line (without line feed) that comes before the answer. Lines are
  /// gathered and leave at wait(), or when they are many; this blocks while
  /// the client does not read. False: the client is gone.
  virtual bool send(std::string_view line) = 0;

  /// Waits, until the client wants it to end at the latest; zero only looks.
  /// True: the client asked to stop or is gone, or the node is being stopped.
  /// Once true it stays so.
  virtual bool wait(std::chrono::milliseconds at_most) = 0;
};

/// The node's side of the operators' console: a Unix socket in the data folder
/// whose file permissions (owner only) are its protection. A request is one
/// line of JSON, `{"command":"events","arguments":["--topic","match"]}`, and
/// so is its answer; a connection may ask as often as it likes. At most
/// `connections_max` connections and `line_max_bytes` per request.
///
/// An answer may have more lines before it: each of them starts with '+', the
/// answer never does. While they come, the client may send the line "stop";
/// one that comes too late is not answered.
///
///     -> {"command":"replay","arguments":["--topic","match"]}
///     <- +{"progress":{"records":1000}}
///     -> stop
///     <- {"answer":{"stopped":true}}
class control_server {
public:
  static constexpr std::size_t connections_max = 16;
  static constexpr std::size_t line_max_bytes = 64 * 1024;

  /// Answers one request line with one line (without the line feed), and may
  /// tell more before it. Runs on the connection's own thread.
  using handler
    = std::function<std::string(std::string_view line, control_stream& more)>;

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

  /// Sends one line and waits for the one that answers it. `on_line` sees the
  /// lines before it.
  result<std::string> ask(std::string_view line,
    const std::function<void(std::string_view line)>& on_line = {});

  /// Asks the command that runs to end early; its answer still comes. May be
  /// called while another thread, or the one that a signal interrupted, is in
  /// ask(): it only writes to the socket.
  void stop() noexcept;

private:
  explicit control_client(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
  std::string buffered_;
};

} // namespace herald
