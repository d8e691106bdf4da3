#pragma once

#include "engine/base/limits.hpp"
#include "engine/edge/static_assets.hpp"
#include "engine/edge/web_socket.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace herald {

class answer_slot;
class metrics_registry;
class time_source;
struct settings;

/// A request, read whole and within its bounds.
struct server_request {
  /// In upper case. A HEAD request reaches the handler of GET as "GET"; the
  /// server leaves the body out.
  std::string method;
  /// Percent-decoded path, without the query.
  std::string path;
  /// What the {names} of the route's pattern stand for, decoded.
  std::map<std::string, std::string> params;
  /// Decoded, in the order of the query.
  std::vector<std::pair<std::string, std::string>> query;
  /// Names in lower case.
  std::vector<std::pair<std::string, std::string>> headers;
  bytes body;
  /// IP address of the other side.
  std::string remote_address;

  /// The first value of a header, or nothing.
  std::optional<std::string_view> header(std::string_view lower_case) const;
  /// The first value of a query parameter, or nothing.
  std::optional<std::string_view> query_value(std::string_view name) const;
};

/// An answer. nosniff, Date, Content-Length and, unless given, Cache-Control
/// (no-store, or no-cache with an ETag) are added by the server.
struct server_response {
  int status = 200;
  std::string content_type = "application/json";
  bytes body;
  /// Bytes that live as long as the program, sent in place of `body`.
  bytes_view lasting_body;
  /// With its quotes. A GET that names it in If-None-Match gets a 304.
  std::string etag;
  /// Further headers. Control characters in values are replaced by spaces.
  std::vector<std::pair<std::string, std::string>> headers;
};

/// An error as RFC 9457 writes it (application/problem+json), with the type
/// "urn:herald:problem:<code>". The codes are part of the API.
struct problem {
  int status = 500;
  /// In kebab-case: "document-refused".
  std::string code;
  /// One sentence about this case, for a person.
  std::string detail;
  /// Further members of the object, as strings: {{"pointer", "/info/gameId"}}.
  std::vector<std::pair<std::string, std::string>> members;
  /// Becomes a Retry-After header.
  std::optional<std::chrono::seconds> retry_after;
};

/// The problem that tells a client of a failure: the code is the fault's name
/// with hyphens, the status follows from it (busy and unavailable: 503 with
/// Retry-After), and the detail is its message; for the node's own troubles
/// (damaged, io) the message stays in the log and the detail is general.
problem problem_of(const failure& why);

/// The body of a streamed answer (chunked). Members may be called from any
/// thread, one at a time.
class body_stream {
public:
  enum class outcome : std::uint8_t {
    /// Taken, and there is room for more.
    more,
    /// Taken; wait for room before the next one.
    wait,
    /// The client is gone, or the stream was aborted; nothing was taken.
    gone,
  };

  body_stream() = default;

  /// Sends a piece. Who ignores `wait` until twice limits::stream_bytes are
  /// waiting has the stream aborted.
  outcome write(bytes piece);

  /// Calls `then` once, on an io thread, when there is room (soon, if there is
  /// now) or the client is gone; if it was gone before, here and at once.
  void on_room(std::function<void()> then);

  /// Blocks until there is room; false when the client is gone or the time is
  /// over. For a thread of the caller's own, never for an io thread.
  bool wait_for_room(std::chrono::milliseconds at_most);

  /// Completes the answer. A stream that is dropped without it is cut off, so
  /// that the client notices.
  void end();

private:
  friend class responder;
  struct state;
  std::shared_ptr<state> state_;
};

/// The duty to answer one request. Copies share it. The first answer counts
/// and later ones are ignored; if the last copy goes without one, the client
/// gets a 500 problem. Any thread; it may outlive the server.
class responder {
public:
  responder() = default;

  void respond(server_response answer) const;
  void respond(const problem& answer) const;
  /// Status 200 (or `status`) with a JSON text.
  void respond_json(bytes text, int status = 200) const;
  /// Sends the head (its body is not used) and streams the rest.
  body_stream begin(server_response head) const;

private:
  friend responder make_responder(std::shared_ptr<answer_slot> slot);
  struct state;
  std::shared_ptr<state> state_;
};

/// Answers a request, now or later, here or on another thread. Runs on an io
/// thread and must not block; an exception becomes a 500 problem.
using request_handler = std::function<void(server_request, responder)>;

struct route_options {
  /// A longer body is refused with 413 before the handler hears of it.
  std::size_t body_bytes_max = limits::request_body_bytes;
};

/// What a server needs to know; `server_options` takes it from the settings.
struct http_server_options {
  std::string address = "127.0.0.1";
  /// 0 picks a free one.
  std::uint16_t port = 0;
  std::uint32_t threads = 2;
  std::size_t max_connections = 8192;
  std::size_t connections_per_address = limits::connections_per_address;
  /// For addresses of loopback too; otherwise they have no such bound.
  bool count_loopback_addresses = false;
  std::size_t requests_in_flight = limits::requests_in_flight;
  std::size_t bodies_in_flight_bytes = limits::bodies_in_flight_bytes;
  std::size_t outbox_bytes = 1u << 20;
  std::size_t socket_outbox_frames = limits::socket_outbox_frames;
  /// Allowed in Host beside loopback's names with the port listened on.
  std::vector<std::string> hosts;
  /// Allowed in Origin beside the pages that this server itself serves.
  std::vector<std::string> origins;
  std::chrono::milliseconds request_header_time = limits::request_header_time;
  std::chrono::milliseconds request_body_time = limits::request_body_time;
  std::chrono::milliseconds idle_time = limits::idle_time;
  std::chrono::milliseconds answer_time = limits::answer_time;
  std::chrono::milliseconds write_time = limits::write_time;
  std::chrono::milliseconds socket_idle_time = limits::socket_idle_time;
  std::chrono::milliseconds socket_handshake_time
    = limits::socket_handshake_time;
  /// For the Date header; the machine's clock when null. Outlives the server.
  const time_source* time = nullptr;
};

http_server_options server_options(const settings& from);

/// The HTTP and WebSocket edge of a node: routes, bounds, health and metrics
/// on threads of its own. Set it up (route, web_socket, assets, readiness)
/// from one thread, then start it; afterwards only the members that say so may
/// be called.
///
/// Every request must name an allowed Host; one that changes state, and every
/// WebSocket, must come from an allowed Origin if it names any. /livez,
/// /readyz and /metrics are there from the beginning.
class http_server {
public:
  /// `metrics` outlives the server.
  http_server(http_server_options options, metrics_registry& metrics);
  /// Stops at once if stop() was not called.
  ~http_server();
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  /// `pattern` is a path whose segments are texts or {names}, such as
  /// "/v1/matches/{id}"; a text wins over a name. A route is there once.
  void route(std::string_view method, std::string_view pattern,
    request_handler handler, route_options options = {});

  /// Speaks WebSocket on `path`; a plain request there gets a 426.
  void web_socket(std::string_view path, web_socket_endpoint endpoint);

  /// Serves files with ETag, a Content-Security-Policy and, for immutable
  /// ones, a year of caching.
  void assets(std::span<const static_asset> files);

  /// A condition for /readyz: returns the reason why the node is not ready, or
  /// nothing. Called on an io thread at each request; must not block.
  void readiness(
    std::string name, std::function<std::optional<std::string>()> reason);

  /// Listens and starts the threads; returns the port. Fails with
  /// fault::in_use (the port is taken), fault::forbidden or fault::io.
  result<std::uint16_t> start();

  /// Stops listening, closes the sockets with `code`, lets requests that are
  /// on their way finish, cuts off what remains after `deadline`, and ends the
  /// threads. Responders that still exist become idle. Any thread, but not one
  /// of the server's; the second call does nothing.
  void stop(std::chrono::milliseconds deadline = std::chrono::seconds(5),
    close_code code = close_code::restart);

  /// The port listened on; 0 before start. Any thread.
  std::uint16_t port() const;

  /// WebSockets that are open now. Any thread.
  std::size_t sessions() const;

private:
  struct implementation;
  std::unique_ptr<implementation> implementation_;
};

} // namespace herald
