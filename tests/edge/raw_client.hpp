#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace herald {

/// What a server answered, byte for byte where it matters.
struct raw_response {
  int status = 0;
  /// Names in lower case.
  std::map<std::string, std::string> headers;
  std::string body;
  /// The sizes of the chunks of a chunked body.
  std::size_t chunks = 0;
  /// Whether the body came whole, by its length or its last chunk.
  bool complete = false;
};

struct raw_frame {
  int opcode = 0;
  std::string payload;
  /// Of a close frame; 1005 when it has none.
  int close_code() const;
};

/// A client on a blocking loopback socket that writes exactly the bytes that
/// it is told to. Everything that waits gives up after 20 seconds by throwing,
/// so a test ends by itself.
class raw_client {
public:
  explicit raw_client(std::uint16_t port, int receive_buffer_bytes = 0);
  ~raw_client();
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;

  void send(std::string_view bytes);
  /// As `send`, but lets the server end the connection in the middle.
  bool try_send(std::string_view bytes);
  /// No more is to come from us.
  void shut_down();

  /// One answer; `to_head` ones have no body.
  raw_response receive(bool to_head = false);
  /// GET with the right Host, and its answer.
  raw_response get(std::string_view path, std::string_view headers = {});
  raw_response request(std::string_view method, std::string_view path,
    std::string_view headers = {}, std::string_view body = {});
  /// Whether the server has ended the connection, after whatever it sent.
  bool closed();

  /// Asks for the upgrade; 101 when it is granted.
  raw_response upgrade(std::string_view path, std::string_view subprotocols,
    std::string_view headers = {});
  /// A frame as clients send them, with a mask.
  void send_frame(int opcode, std::string_view payload, bool last = true);
  static std::string frame(
    int opcode, std::string_view payload, bool last = true);
  /// Nothing when the connection ended.
  std::optional<raw_frame> receive_frame();
  /// The code of the close frame that comes after whatever else, which it
  /// answers; 1006 when the connection ends without.
  int closed_with();

  std::string host() const;

private:
  /// Reads more; false at the end.
  bool fill();
  bool fill_to(std::size_t size);
  std::string take(std::size_t size);
  std::string take_line();

  int descriptor_ = -1;
  std::uint16_t port_;
  std::string buffer_;
};

} // namespace herald
