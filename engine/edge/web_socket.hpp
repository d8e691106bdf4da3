#pragma once

#include "protocol/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace herald {

/// Why a WebSocket was closed, as the other side sees it (RFC 6455, section
/// 7.4.1, and Herald's own from 4400 on). After 1001, 1012, 1013, 4408 and
/// 4429 a client comes back; after the others that would not help.
enum class close_code : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  /// A text frame where binary ones are spoken, or the other way round.
  unsupported = 1003,
  /// The connection broke without a close frame; never sent.
  abnormal = 1006,
  /// A text frame that is not UTF-8.
  invalid_text = 1007,
  /// Too many messages.
  policy = 1008,
  /// A message above limits::socket_message_bytes.
  too_large = 1009,
  internal = 1011,
  /// The node is being restarted.
  restart = 1012,
  try_again = 1013,
  unauthorized = 4401,
  forbidden = 4403,
  /// The client reads too slowly and its outbox is full.
  slow = 4408,
  rate = 4429,
};

/// What became of a frame.
enum class send_outcome : std::uint8_t {
  queued,
  /// There was no room; the session is being closed with close_code::slow.
  full,
  /// The session had ended or was ending.
  closed,
};

/// One open WebSocket. Every member may be called from any thread, also within
/// the endpoint's callbacks, and does not block. Frames leave in the order in
/// which send took them. Abstract, so that a feed can be tested without one.
class web_socket_session {
public:
  virtual ~web_socket_session() = default;

  /// Counts up from 1 within the server's life.
  virtual std::uint64_t id() const = 0;

  /// The one that was agreed upon, out of the endpoint's list.
  virtual std::string_view subprotocol() const = 0;

  /// Puts one message into the outbox. The bytes are shared, not copied: the
  /// same frame serves all sockets. A text frame must be UTF-8. A frame that
  /// finds the outbox empty is taken whatever its size.
  virtual send_outcome send(
    std::shared_ptr<const std::string> frame, bool is_text)
    = 0;

  /// Bytes in the outbox, for an owner who would rather send less than be
  /// closed as slow.
  virtual std::size_t outbox_bytes() const = 0;

  /// Sends what is in the outbox, then the close frame; later frames are
  /// refused. With close_code::slow the outbox is dropped. The reason has at
  /// most 123 bytes. The first call counts.
  virtual void close(close_code code, std::string_view reason) = 0;

  /// Whatever the endpoint wants to keep with the session. Set it in on_open;
  /// it is let go of after on_close.
  std::shared_ptr<void> owner_data;
};

using web_socket_session_ptr = std::shared_ptr<web_socket_session>;

/// One of the languages that an endpoint speaks.
struct web_socket_subprotocol {
  /// As in Sec-WebSocket-Protocol, such as "herald.v1.json".
  std::string name;
  /// Whether its messages are text frames; others are refused with 1003.
  bool is_text = true;
};

/// What a path speaks over WebSockets. The callbacks run on the edge's io
/// threads, must not block and must not throw; those of one session never
/// overlap and come in the order on_open, on_message..., on_close, and on_close
/// comes exactly once to each session that had its on_open.
struct web_socket_endpoint {
  /// In the order of preference. The first that the client offers is taken;
  /// a client that offers none of them is refused with 400.
  std::vector<web_socket_subprotocol> subprotocols;
  /// Sessions at one time. Beyond: 503 with Retry-After.
  std::size_t sessions_max = 4096;
  std::function<void(const web_socket_session_ptr&)> on_open;
  std::function<void(const web_socket_session_ptr&, bytes message)> on_message;
  /// `code` is what was sent or received, whichever came first.
  std::function<void(const web_socket_session_ptr&, close_code code)> on_close;
  /// Optional: the outbox had been filled above its half and is below a
  /// quarter again. The owner may send what it held back.
  std::function<void(const web_socket_session_ptr&)> on_room;
};

} // namespace herald
