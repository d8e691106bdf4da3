#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace herald {

/// The bounds of the edge, the metrics and the configuration, each with what
/// happens there. Those that an operator may choose stand in `settings`; the
/// log, the views and the vault have theirs in their own settings structs.
struct limits {
  // Connections and requests.

  /// Request line and headers together. Beyond: 431, connection closed.
  static constexpr std::size_t request_header_bytes = 8 * 1024;
  /// Headers of one request. Beyond: 431, connection closed.
  static constexpr std::size_t request_headers = 64;
  /// Body of a request on a route that sets no other bound. Beyond: 413.
  static constexpr std::size_t request_body_bytes = 64 * 1024;
  /// All bodies that are being read or worked on. Beyond: 503, Retry-After.
  static constexpr std::size_t bodies_in_flight_bytes = 256u << 20;
  /// Requests that handlers have not answered yet. Beyond: 503, Retry-After.
  static constexpr std::size_t requests_in_flight = 1024;
  /// Connections of one IP address (of one /64 with IPv6) that is not
  /// loopback. Beyond: 503 and closed before anything is read.
  static constexpr std::size_t connections_per_address = 256;
  /// From the first byte of a request to the end of its headers. Then: 408.
  static constexpr std::chrono::seconds request_header_time{10};
  /// For the whole body of a request. Then: 408.
  static constexpr std::chrono::seconds request_body_time{60};
  /// Between two requests of a connection. Then: closed.
  static constexpr std::chrono::seconds idle_time{60};
  /// For a handler to answer or to begin its stream. Then: 504.
  static constexpr std::chrono::seconds answer_time{60};
  /// For a client to take `write_piece_bytes` of an answer, and for a handler
  /// to continue its stream. Then: connection cut off.
  static constexpr std::chrono::seconds write_time{30};
  static constexpr std::size_t write_piece_bytes = 64 * 1024;
  /// For a client to take in a refusal while it is still sending. Then: cut.
  static constexpr std::chrono::seconds linger_time{2};
  /// What a streamed answer may be ahead of its client. body_stream::write
  /// says `wait` above it and aborts the stream at twice as much.
  static constexpr std::size_t stream_bytes = 1u << 20;

  // WebSockets.

  /// One message of a client. Beyond: closed with 1009.
  static constexpr std::size_t socket_message_bytes = 64 * 1024;
  /// Frames waiting for one client (bytes: `edge.outbox_bytes`). Beyond:
  /// closed with 4408.
  static constexpr std::size_t socket_outbox_frames = 16 * 1024;
  /// Messages and pings of one client: as many at once, and as many per
  /// second. Beyond: closed with 1008.
  static constexpr std::size_t socket_messages_burst = 1024;
  static constexpr std::size_t socket_messages_per_second = 128;
  /// A client that says nothing gets a ping after half of this time, and is
  /// cut off after all of it.
  static constexpr std::chrono::seconds socket_idle_time{50};
  /// For the upgrade, and for the end of a connection that is being closed.
  /// Then: cut off.
  static constexpr std::chrono::seconds socket_handshake_time{5};

  // Metrics, log lines and configuration.

  /// Label sets of one metric. More is a mistake of ours: assert.
  static constexpr std::size_t series_per_metric = 1024;
  /// One log line; the rest is cut off and replaced by "...".
  static constexpr std::size_t log_line_bytes = 16 * 1024;
  /// The configuration file. Beyond: refused.
  static constexpr std::size_t settings_file_bytes = 1u << 20;
  /// The file with an API key. Beyond: refused.
  static constexpr std::size_t key_file_bytes = 4 * 1024;
};

} // namespace herald
