#include "engine/edge/connection.hpp"

#include "engine/base/logging.hpp"
#include "engine/edge/exchange.hpp"
#include "engine/edge/http_message.hpp"
#include "engine/edge/socket_session.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/version.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>

// Older ones carry a zlib with known holes and lack per-operation cancellation.
static_assert(BOOST_BEAST_VERSION >= 345);

namespace herald {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

/// Operations answer with a tuple that starts with the error.
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

using head_parser = http::request_parser<http::empty_body>;
using body_parser = http::request_parser<http::string_body>;

/// Room for reading: headers and what follows them at once.
constexpr std::size_t read_buffer_bytes = 2 * limits::request_header_bytes;
/// For bodies that need more than a few reads.
constexpr std::size_t body_buffer_bytes = 64 * 1024;

problem make_problem(int status, std::string code, std::string detail) {
  problem out;
  out.status = status;
  out.code = std::move(code);
  out.detail = std::move(detail);
  return out;
}

problem busy_problem(std::string detail) {
  auto out = make_problem(503, "busy", std::move(detail));
  out.retry_after = std::chrono::seconds(1);
  return out;
}

/// Whether an error came from what the client sent, not from the socket.
bool is_http_error(const error_code& error) {
  static const auto& category
    = http::make_error_code(http::error::end_of_stream).category();
  return error.category() == category;
}

bool changes_state(http::verb method) {
  return method != http::verb::get && method != http::verb::head
    && method != http::verb::options;
}

class connection final : public edge_client,
                         public std::enable_shared_from_this<connection> {
public:
  connection(server_core& core, tcp::socket socket)
    : core_(core), socket_(std::move(socket)),
      watchdog_(socket_.get_executor()), answered_(socket_.get_executor()) {
    error_code error;
    remote_ = socket_.remote_endpoint(error).address();
  }

  ~connection() override { core_.release(remote_); }

  asio::awaitable<void> run();

  void drain(close_code) override {
    on_strand([](connection& self) {
      if (self.idle_)
        self.close();
    });
  }

  void cut() override {
    on_strand([](connection& self) { self.close(); });
  }

private:
  /// One request, from its head to its answer.
  struct exchange_state {
    /// What the request takes up until it is answered.
    allowance::share body_share;
    allowance::share request_share;
    head_parser head;
    request_target target;
    std::string host;
    bool has_body = false;
    bool is_head = false;
    bool keep_alive = false;
    unsigned version = 11;
    const route_entry* counted = nullptr;
    std::chrono::nanoseconds started{};
  };

  enum class on_time_over : std::uint8_t { stop_reading, close };

  template <class F>
  void on_strand(F act) {
    // A stopping server finds us only while run() keeps us alive.
    asio::post(
      socket_.get_executor(), [self = shared_from_this(), act] { act(*self); });
  }

  void close() {
    cut_ = true;
    error_code ignored;
    socket_.close(ignored);
    answered_.cancel();
  }

  void arm(milliseconds time, on_time_over then) {
    time_over_ = false;
    watchdog_.expires_after(time);
    watchdog_.async_wait([self = shared_from_this(), then](error_code error) {
      // A wait that was overtaken by its cancellation arms nothing any more.
      if (error || self->watchdog_.expiry() > std::chrono::steady_clock::now())
        return;
      self->time_over_ = true;
      error_code ignored;
      if (then == on_time_over::close) {
        self->close();
        return;
      }
      // Also for reads that start after this one, within the same operation.
      self->socket_.shutdown(tcp::socket::shutdown_receive, ignored);
      self->socket_.cancel(ignored);
    });
  }

  void disarm() {
    watchdog_.expires_at(std::chrono::steady_clock::time_point::max());
  }

  asio::awaitable<bool> wait_for_bytes(milliseconds at_most);
  asio::awaitable<bool> serve_one();
  asio::awaitable<bool> refuse_head(error_code error);
  std::optional<problem> check_head(exchange_state& now);
  asio::awaitable<bool> upgrade(exchange_state& now, socket_endpoint& endpoint);
  asio::awaitable<bool> serve_asset(
    exchange_state& now, const static_asset& asset);
  asio::awaitable<bool> serve_route(
    exchange_state& now, route_table::match match);
  asio::awaitable<bool> read_body(
    exchange_state& now, const route_entry& route, server_request& request);
  asio::awaitable<bool> await_answer(
    exchange_state& now, std::shared_ptr<answer_slot> slot);
  asio::awaitable<bool> stream(exchange_state& now, server_response& head,
    std::shared_ptr<stream_queue> queue);
  asio::awaitable<bool> refuse(exchange_state& now, problem why);
  asio::awaitable<bool> answer(
    exchange_state& now, server_response& what, bool keep_alive);
  asio::awaitable<bool> write(std::string_view head, std::string_view body);
  asio::awaitable<void> linger();

  void count(const exchange_state& now, int status) {
    auto digit = static_cast<std::size_t>(std::clamp(status / 100, 1, 5));
    now.counted->answers[digit]->add();
  }

  void time(const exchange_state& now) {
    std::chrono::duration<double> took = core_.time.steady_now() - now.started;
    now.counted->seconds->observe(took.count());
  }

  server_core& core_;
  tcp::socket socket_;
  asio::ip::address remote_;
  boost::beast::flat_buffer buffer_{body_buffer_bytes};
  /// Ends an operation that takes too long.
  asio::steady_timer watchdog_;
  /// Cancelled when a handler has something for us.
  asio::steady_timer answered_;
  bool time_over_ = false;
  bool cut_ = false;
  bool idle_ = false;
};

asio::awaitable<void> connection::run() {
  auto self = shared_from_this();
  registration known{core_, this};
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  bool first = true;
  bool open = true;
  while (open && !cut_ && !core_.draining) {
    if (buffer_.size() == 0) {
      auto patience
        = first ? core_.options.request_header_time : core_.options.idle_time;
      open = co_await wait_for_bytes(patience);
      if (!open)
        break;
    }
    first = false;
    open = co_await serve_one();
  }
  watchdog_.cancel();
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

asio::awaitable<bool> connection::wait_for_bytes(milliseconds at_most) {
  idle_ = true;
  // Thousands may be idle, so they have no buffer meanwhile.
  buffer_.shrink_to_fit();
  arm(at_most, on_time_over::close);
  auto [nothing]
    = co_await socket_.async_wait(tcp::socket::wait_read, as_result);
  idle_ = false;
  if (nothing || cut_)
    co_return false;
  buffer_.reserve(read_buffer_bytes);
  auto [error, size] = co_await socket_.async_read_some(
    buffer_.prepare(read_buffer_bytes), as_result);
  disarm();
  if (error)
    co_return false;
  buffer_.commit(size);
  co_return true;
}

asio::awaitable<bool> connection::serve_one() {
  exchange_state now;
  now.head.header_limit(limits::request_header_bytes);
  now.head.body_limit(boost::none);
  arm(core_.options.request_header_time, on_time_over::stop_reading);
  auto [error, size]
    = co_await http::async_read_header(socket_, buffer_, now.head, as_result);
  disarm();
  now.started = core_.time.steady_now();
  now.counted = &core_.other_entry;
  if (error)
    co_return co_await refuse_head(error);
  auto why = check_head(now);
  if (why)
    co_return co_await refuse(now, std::move(*why));
  auto endpoint = core_.endpoints.find(now.target.path);
  if (endpoint != core_.endpoints.end())
    co_return co_await upgrade(now, *endpoint->second);
  auto asset = core_.assets.find(now.target.path);
  if (asset != core_.assets.end())
    co_return co_await serve_asset(now, *asset->second);
  auto method = now.head.get().method_string();
  auto match
    = core_.routes.find({method.data(), method.size()}, now.target.segments);
  co_return co_await serve_route(now, std::move(match));
}

asio::awaitable<bool> connection::refuse_head(error_code error) {
  if (cut_ || error == http::error::end_of_stream)
    co_return false;
  problem why;
  if (time_over_)
    why = make_problem(
      408, "request-timeout", "The request's headers did not come in time.");
  else if (error == http::error::header_limit
    || error == http::error::buffer_overflow)
    why = make_problem(431, "headers-too-large",
      fmt::format("Request line and headers may have {} bytes together.",
        limits::request_header_bytes));
  else if (is_http_error(error))
    why = make_problem(400, "bad-request",
      fmt::format("This is not HTTP/1.1: {}.", error.message()));
  else
    co_return false;
  exchange_state now;
  now.counted = &core_.other_entry;
  now.has_body = true;
  now.started = core_.time.steady_now();
  co_return co_await refuse(now, std::move(why));
}

std::optional<problem> connection::check_head(exchange_state& now) {
  auto& head = now.head.get();
  now.version = head.version();
  now.is_head = head.method() == http::verb::head;
  now.keep_alive = head.keep_alive();
  now.has_body
    = now.head.chunked() || now.head.content_length().value_or(0) > 0;
  auto bad = [](std::string detail) {
    return make_problem(400, "bad-request", std::move(detail));
  };
  if (now.version != 10 && now.version != 11)
    return make_problem(
      505, "version-not-supported", "HTTP/1.1 is spoken here.");
  if (std::distance(head.begin(), head.end())
    > static_cast<std::ptrdiff_t>(limits::request_headers))
    return make_problem(431, "headers-too-large",
      fmt::format("A request may have {} headers.", limits::request_headers));
  auto raw = head.target();
  auto target = parse_target({raw.data(), raw.size()});
  if (!target)
    return bad("The request's target is not a path, or damaged.");
  now.target = std::move(*target);
  if (head.count(http::field::host) != 1)
    return bad("A request names one Host.");
  auto host = head[http::field::host];
  now.host = std::string{host.data(), host.size()};
  if (!now.target.authority.empty())
    now.host = now.target.authority;
  if (!core_.host_allowed(now.host))
    return make_problem(403, "host-not-allowed",
      "This node does not go by that Host; [edge] hosts names those that it "
      "goes by.");
  auto origin = head.find(http::field::origin);
  bool opens_socket = core_.endpoints.contains(now.target.path);
  if (origin != head.end() && (opens_socket || changes_state(head.method()))) {
    std::string_view value{origin->value().data(), origin->value().size()};
    if (head.count(http::field::origin) != 1
      || !core_.origin_allowed(value, now.host))
      return make_problem(403, "origin-not-allowed",
        "Pages of that Origin may not do this; [edge] origins names those "
        "that may.");
  }
  return {};
}

asio::awaitable<bool> connection::upgrade(
  exchange_state& now, socket_endpoint& endpoint) {
  auto& head = now.head.get();
  if (head.method() != http::verb::get) {
    auto why = make_problem(
      405, "method-not-allowed", "A WebSocket is opened by GET.");
    now.keep_alive = false;
    auto refusal = to_response(why);
    refusal.headers.emplace_back("Allow", "GET");
    core_.metrics.problems(why.code).add();
    bool sent = co_await answer(now, refusal, false);
    if (sent)
      co_await linger();
    co_return false;
  }
  if (!boost::beast::websocket::is_upgrade(head)) {
    auto why = make_problem(
      426, "upgrade-required", "WebSocket (RFC 6455) is spoken at this path.");
    auto refusal = to_response(why);
    refusal.headers.emplace_back("Upgrade", "websocket");
    core_.metrics.problems(why.code).add();
    co_await answer(now, refusal, false);
    co_return false;
  }
  socket_agreement agreement;
  agreement.endpoint = &endpoint;
  std::string names;
  for (auto& known : endpoint.callbacks.subprotocols) {
    names += (names.empty() ? "" : ", ") + known.name;
    if (agreement.subprotocol)
      continue;
    for (auto& field : head) {
      if (field.name() != http::field::sec_websocket_protocol)
        continue;
      if (http::token_list{field.value()}.exists(known.name))
        agreement.subprotocol = &known;
    }
  }
  if (!agreement.subprotocol)
    co_return co_await refuse(now,
      make_problem(400, "unsupported-subprotocol",
        "Sec-WebSocket-Protocol must offer one of " + names + "."));
  if (buffer_.size() > 0 || now.has_body)
    co_return co_await refuse(now,
      make_problem(400, "bad-request",
        "Nothing may follow the request before the upgrade."));
  agreement.place = endpoint.sessions.take(1);
  if (!agreement.place)
    co_return co_await refuse(
      now, busy_problem("There are as many WebSockets as there may be."));
  auto request = now.head.release();
  core_.other_entry.answers[1]->add();
  watchdog_.cancel();
  buffer_.shrink_to_fit();
  // From here on the session is what a stopping server talks to.
  co_await run_socket_session(
    core_, std::move(socket_), std::move(request), std::move(agreement));
  co_return false;
}

asio::awaitable<bool> connection::serve_asset(
  exchange_state& now, const static_asset& asset) {
  now.counted = &core_.asset_entry;
  auto method = now.head.get().method();
  if (method != http::verb::get && method != http::verb::head) {
    auto why = make_problem(
      405, "method-not-allowed", "This is a file: GET and HEAD only.");
    auto refusal = to_response(why);
    refusal.headers.emplace_back("Allow", "GET, HEAD");
    core_.metrics.problems(why.code).add();
    bool keep = now.keep_alive && !now.has_body;
    bool sent = co_await answer(now, refusal, keep);
    if (sent && !keep)
      co_await linger();
    co_return sent&& keep;
  }
  if (now.has_body)
    co_return co_await refuse(
      now, make_problem(413, "body-too-large", "A file takes no body."));
  server_response out;
  out.content_type = asset.content_type;
  out.lasting_body = asset.content;
  out.etag = asset.etag;
  out.headers.emplace_back("Cache-Control",
    asset.immutable ? "public, max-age=31536000, immutable" : "no-cache");
  out.headers.emplace_back("Content-Security-Policy",
    "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'");
  out.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
  out.headers.emplace_back("Referrer-Policy", "no-referrer");
  co_return co_await answer(now, out, now.keep_alive);
}

asio::awaitable<bool> connection::serve_route(
  exchange_state& now, route_table::match match) {
  if (!match.route && match.allowed.empty())
    co_return co_await refuse(
      now, make_problem(404, "not-found", "There is nothing at this path."));
  if (!match.route) {
    auto allowed = fmt::format("{}", fmt::join(match.allowed, ", "));
    auto why = make_problem(405, "method-not-allowed",
      fmt::format("Allowed at this path: {}.", allowed));
    auto refusal = to_response(why);
    refusal.headers.emplace_back("Allow", allowed);
    core_.metrics.problems(why.code).add();
    bool keep = now.keep_alive && !now.has_body;
    bool sent = co_await answer(now, refusal, keep);
    if (sent && !keep)
      co_await linger();
    co_return sent&& keep;
  }
  auto& route = *match.route;
  now.counted = &route;
  server_request request;
  request.params = std::move(match.params);
  for (auto& field : now.head.get()) {
    auto name = field.name_string();
    auto value = field.value();
    request.headers.emplace_back(lower_case({name.data(), name.size()}),
      std::string{value.data(), value.size()});
  }
  if (now.has_body) {
    bool read = co_await read_body(now, route, request);
    if (!read)
      co_return false;
  }
  now.request_share = core_.requests.take(1);
  if (!now.request_share)
    co_return co_await refuse(
      now, busy_problem("As many requests are being worked on as may be."));
  request.method = route.method;
  request.path = now.target.path;
  request.query = now.target.query;
  request.remote_address = remote_.to_string();
  now.started = core_.time.steady_now();
  auto slot = std::make_shared<answer_slot>([self = shared_from_this()] {
    asio::post(
      self->socket_.get_executor(), [self] { self->answered_.cancel(); });
  });
  auto reply_to = make_responder(slot);
  std::string thrown;
  try {
    route.handler(std::move(request), reply_to);
  } catch (const std::exception& error) {
    thrown = error.what();
  } catch (...) {
    thrown = "an exception that is none";
  }
  if (!thrown.empty()) {
    log_error("edge", "A handler failed",
      {{"route", route.pattern}, {"reason", thrown}});
    reply_to.respond(make_problem(
      500, "internal", "The node cannot answer; its log says why."));
  }
  reply_to = {};
  bool keep = co_await await_answer(now, slot);
  slot->let_go();
  // An answer that came when nobody waited any more.
  if (auto late = slot->take(); late && late->stream)
    if (auto then = late->stream->let_go())
      then();
  co_return keep;
}

/// Reads the body into the request, or refuses it.
asio::awaitable<bool> connection::read_body(
  exchange_state& now, const route_entry& route, server_request& request) {
  std::size_t most = route.options.body_bytes_max;
  auto length = now.head.content_length();
  auto too_large = [&] {
    return make_problem(413, "body-too-large",
      fmt::format("A body may have {} bytes here.", most));
  };
  if (length && *length > most)
    co_return co_await refuse(now, too_large());
  now.body_share = core_.body_bytes.take(length ? *length : most);
  if (!now.body_share)
    co_return co_await refuse(
      now, busy_problem("As many bytes of bodies are being read as may be."));
  auto expect = now.head.get()[http::field::expect];
  if (boost::beast::iequals(expect, "100-continue")) {
    bool sent = co_await write("HTTP/1.1 100 Continue\r\n\r\n", {});
    if (!sent)
      co_return false;
  }
  bool large = !length || *length > read_buffer_bytes;
  if (large)
    buffer_.reserve(body_buffer_bytes);
  body_parser body{std::move(now.head)};
  body.body_limit(most);
  arm(core_.options.request_body_time, on_time_over::stop_reading);
  auto [error, size]
    = co_await http::async_read(socket_, buffer_, body, as_result);
  disarm();
  if (large)
    buffer_.shrink_to_fit();
  if (!error) {
    request.body = std::move(body.get().body());
    now.has_body = false;
    co_return true;
  }
  if (cut_)
    co_return false;
  if (error == http::error::body_limit)
    co_return co_await refuse(now, too_large());
  if (time_over_)
    co_return co_await refuse(now,
      make_problem(
        408, "request-timeout", "The request's body did not come in time."));
  if (!is_http_error(error))
    co_return false;
  co_return co_await refuse(now,
    make_problem(400, "bad-request",
      fmt::format("The body is not HTTP/1.1: {}.", error.message())));
}

asio::awaitable<bool> connection::await_answer(
  exchange_state& now, std::shared_ptr<answer_slot> slot) {
  auto deadline = std::chrono::steady_clock::now() + core_.options.answer_time;
  for (;;) {
    auto ready = slot->take();
    if (!ready) {
      if (cut_)
        co_return false;
      if (std::chrono::steady_clock::now() >= deadline)
        co_return co_await refuse(now,
          make_problem(504, "no-answer", "The answer did not come in time."));
      answered_.expires_at(deadline);
      co_await answered_.async_wait(as_result);
      continue;
    }
    now.body_share = {};
    now.request_share = {};
    if (ready->dropped && core_.draining)
      co_return co_await refuse(now, busy_problem("The node is stopping."));
    if (ready->dropped) {
      log_error("edge", "A handler let its responder go without an answer",
        {{"route", now.counted->pattern}});
      co_return co_await refuse(now,
        make_problem(
          500, "internal", "The node cannot answer; its log says why."));
    }
    if (!ready->stream) {
      bool sent = co_await answer(now, ready->head, now.keep_alive);
      co_return sent&& now.keep_alive;
    }
    bool whole = co_await stream(now, ready->head, ready->stream);
    if (auto then = ready->stream->let_go())
      then();
    co_return whole;
  }
}

asio::awaitable<bool> connection::stream(exchange_state& now,
  server_response& head, std::shared_ptr<stream_queue> queue) {
  bool chunked = now.version == 11;
  bool keep = now.keep_alive && chunked && !core_.draining;
  auto framing = chunked ? body_framing::chunked : body_framing::until_close;
  count(now, head.status);
  bool sent = co_await write(
    head_text(head, framing, 0, keep, core_.time.now_ms()), {});
  if (!sent || now.is_head)
    co_return sent&& keep;
  auto deadline = std::chrono::steady_clock::now() + core_.options.write_time;
  for (;;) {
    auto batch = queue->take();
    if (batch.size > 0) {
      std::string text;
      if (chunked)
        text = fmt::format("{:x}\r\n", batch.size);
      text.reserve(text.size() + batch.size + 2);
      for (auto& piece : batch.pieces)
        text += piece;
      if (chunked)
        text += "\r\n";
      sent = co_await write(text, {});
      if (!sent)
        co_return false;
      deadline = std::chrono::steady_clock::now() + core_.options.write_time;
    }
    if (auto then = queue->sent(batch.size))
      then();
    if (batch.then == stream_queue::state::aborted)
      co_return false;
    if (batch.then == stream_queue::state::ended) {
      if (chunked)
        sent = co_await write("0\r\n\r\n", {});
      time(now);
      co_return sent&& keep;
    }
    if (batch.size > 0)
      continue;
    if (cut_ || std::chrono::steady_clock::now() >= deadline)
      co_return false;
    answered_.expires_at(deadline);
    co_await answered_.async_wait(as_result);
  }
}

/// Answers with a problem of the edge itself. What is left of the request is
/// not read, so the connection ends unless there is nothing left.
asio::awaitable<bool> connection::refuse(exchange_state& now, problem why) {
  core_.metrics.problems(why.code).add();
  bool keep = now.keep_alive && !now.has_body;
  auto what = to_response(why);
  bool sent = co_await answer(now, what, keep);
  if (sent && !keep)
    co_await linger();
  co_return sent&& keep;
}

asio::awaitable<bool> connection::answer(
  exchange_state& now, server_response& what, bool keep_alive) {
  bool reads = now.head.get().method() == http::verb::get || now.is_head;
  auto tags = now.head.get()[http::field::if_none_match];
  if (what.status == 200 && reads
    && names_etag({tags.data(), tags.size()}, what.etag))
    what.status = 304;
  std::string_view body
    = what.lasting_body.empty() ? bytes_view{what.body} : what.lasting_body;
  auto head = head_text(what, body_framing::length, body.size(),
    keep_alive && !core_.draining, core_.time.now_ms());
  if (now.is_head || what.status == 304 || what.status == 204)
    body = {};
  bool sent = co_await write(head, body);
  count(now, what.status);
  time(now);
  co_return sent;
}

asio::awaitable<bool> connection::write(
  std::string_view head, std::string_view body) {
  do {
    auto first = body.substr(0, limits::write_piece_bytes);
    std::array<asio::const_buffer, 2> buffers{
      asio::buffer(head.data(), head.size()),
      asio::buffer(first.data(), first.size())};
    arm(core_.options.write_time, on_time_over::close);
    auto [error, size]
      = co_await asio::async_write(socket_, buffers, as_result);
    disarm();
    if (error || cut_)
      co_return false;
    head = {};
    body.remove_prefix(first.size());
  } while (!body.empty());
  co_return true;
}

/// Lets the client read our last words while it is still sending: closing at
/// once would reset the connection and could take them away.
asio::awaitable<void> connection::linger() {
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  arm(limits::linger_time, on_time_over::close);
  buffer_.clear();
  for (;;) {
    auto [error, size] = co_await socket_.async_read_some(
      buffer_.prepare(read_buffer_bytes), as_result);
    if (error || cut_)
      break;
  }
  disarm();
}

asio::awaitable<void> say_no(
  std::shared_ptr<tcp::socket> socket, std::string text) {
  co_await asio::async_write(*socket, asio::buffer(text), as_result);
  error_code ignored;
  socket->shutdown(tcp::socket::shutdown_send, ignored);
  std::array<char, 1024> sink;
  for (;;) {
    auto [error, size]
      = co_await socket->async_read_some(asio::buffer(sink), as_result);
    if (error)
      co_return;
  }
}

} // namespace

void serve_connection(server_core& core, tcp::socket socket) {
  auto executor = socket.get_executor();
  auto made = std::make_shared<connection>(core, std::move(socket));
  asio::co_spawn(executor, made->run(), asio::detached);
}

void refuse_connection(server_core& core, tcp::socket socket) {
  auto what = to_response(busy_problem("There are too many connections."));
  auto text = head_text(what, body_framing::length, what.body.size(), false,
                core.time.now_ms())
    + what.body;
  // The answer fits into the socket's buffer; whoever does not read it within
  // the time is cut off by the timer.
  auto executor = socket.get_executor();
  auto shared = std::make_shared<tcp::socket>(std::move(socket));
  auto timer
    = std::make_shared<asio::steady_timer>(executor, limits::linger_time);
  timer->async_wait([shared, timer](error_code) {
    error_code ignored;
    shared->close(ignored);
  });
  asio::co_spawn(executor, say_no(shared, std::move(text)),
    [shared, timer](std::exception_ptr) { timer->cancel(); });
}

} // namespace herald
