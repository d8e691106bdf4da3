#include "engine/edge/socket_session.hpp"

#include "engine/base/logging.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <deque>
#include <exception>
#include <type_traits>

namespace herald {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// A frame that waits for its turn.
struct waiting_frame {
  std::shared_ptr<const std::string> content;
  bool is_text = false;
};

/// The socket below the WebSocket. Beast would end a connection by waiting for
/// the other side to end it too; here the session does that, within a bound and
/// after its owner was told.
class socket_layer : public beast::tcp_stream {
public:
  using beast::tcp_stream::tcp_stream;
};

template <class Handler>
void async_teardown(beast::role_type, socket_layer& layer, Handler&& handler) {
  error_code ignored;
  layer.socket().shutdown(tcp::socket::shutdown_send, ignored);
  asio::post(layer.get_executor(),
    beast::bind_front_handler(std::forward<Handler>(handler), error_code{}));
}

/// One reader (the coroutine `run`) and one writer (`pump`, which calls itself
/// after each write) on the socket's strand. Other threads reach only what
/// stands under the mutex, and may post until the strand has set `ended_` (or,
/// to cut it off, `let_go_`), which it does before the server can go away.
class socket_session final
  : public web_socket_session,
    public edge_client,
    public std::enable_shared_from_this<socket_session> {
public:
  socket_session(
    server_core& core, tcp::socket socket, socket_agreement agreement)
    : core_(core), agreement_(std::move(agreement)),
      callbacks_(agreement_.endpoint->callbacks),
      id_(core.session_ids.fetch_add(1) + 1), executor_(socket.get_executor()),
      stream_(std::move(socket)), patience_(executor_),
      allowed_messages_(limits::socket_messages_burst),
      allowed_at_(core.time.steady_now()) {}

  asio::awaitable<void> run(http::request<http::empty_body> upgrade);

  // Any thread:

  std::uint64_t id() const override { return id_; }

  std::string_view subprotocol() const override {
    return agreement_.subprotocol->name;
  }

  send_outcome send(
    std::shared_ptr<const std::string> frame, bool is_text) override;

  std::size_t outbox_bytes() const override {
    std::lock_guard lock(mutex_);
    return outbox_bytes_;
  }

  void close(close_code code, std::string_view reason) override {
    std::lock_guard lock(mutex_);
    start_close(code, reason);
  }

  void drain(close_code code) override { close(code, "the node is stopping"); }

  void cut() override {
    std::lock_guard lock(mutex_);
    if (let_go_)
      return;
    asio::post(executor_, [self = shared_from_this()] { self->cut_off(); });
  }

private:
  // Under the lock:
  void start_close(close_code code, std::string_view reason);
  void wake_pump();

  // On the strand:

  /// Calls the owner; what it must not throw ends this session alone.
  template <class... Args>
  void tell(
    const std::function<void(const web_socket_session_ptr&, Args...)>& callback,
    std::type_identity_t<Args>... args) {
    if (!callback)
      return;
    try {
      callback(shared_from_this(), std::move(args)...);
    } catch (const std::exception& error) {
      log_error("edge", "A WebSocket's owner failed",
        {{"subprotocol", subprotocol()}, {"reason", error.what()}});
      close(close_code::internal, "the node failed");
    }
  }

  void set_up();
  void pump();
  void write(waiting_frame frame);
  void written(error_code error, std::size_t size);
  void send_close(close_code code, std::string reason);
  void cut_off() {
    if (stream_)
      beast::get_lowest_layer(*stream_).close();
  }
  void let_go_when_done();
  bool take_message();
  void receive(bytes message);
  close_code end(error_code why);
  asio::awaitable<void> linger();

  server_core& core_;
  socket_agreement agreement_;
  const web_socket_endpoint& callbacks_;
  const std::uint64_t id_;
  // An owner may keep a session longer than the server lives, so these three,
  // which belong to the server, go when the last operation has ended.
  asio::any_io_executor executor_;
  std::optional<websocket::stream<socket_layer>> stream_;
  /// For the close handshake; then the connection is cut off.
  std::optional<asio::steady_timer> patience_;
  /// Token bucket of messages and pings.
  double allowed_messages_;
  std::chrono::nanoseconds allowed_at_;
  bool reading_ = true;
  bool writing_ = false;
  bool closing_socket_ = false;
  bool close_sent_ = false;

  mutable std::mutex mutex_;
  std::deque<waiting_frame> outbox_;
  /// With the frame that is being written.
  std::size_t outbox_bytes_ = 0;
  /// More than half of the outbox was full since on_room was called.
  bool was_full_ = false;
  bool pump_awake_ = false;
  bool closing_ = false;
  bool ended_ = false;
  bool let_go_ = false;
  close_code close_code_{};
  std::string close_reason_;
};

send_outcome socket_session::send(
  std::shared_ptr<const std::string> frame, bool is_text) {
  assert(frame);
  std::lock_guard lock(mutex_);
  if (closing_ || ended_)
    return send_outcome::closed;
  auto size = frame->size();
  bool too_much = outbox_bytes_ + size > core_.options.outbox_bytes
    || outbox_.size() >= core_.options.socket_outbox_frames;
  if (too_much && outbox_bytes_ > 0) {
    start_close(close_code::slow, "too slow, the outbox is full");
    return send_outcome::full;
  }
  outbox_bytes_ += size;
  if (outbox_bytes_ > core_.options.outbox_bytes / 2)
    was_full_ = true;
  outbox_.push_back({std::move(frame), is_text});
  wake_pump();
  return send_outcome::queued;
}

void socket_session::start_close(close_code code, std::string_view reason) {
  if (closing_ || ended_)
    return;
  closing_ = true;
  close_code_ = code;
  close_reason_ = reason.substr(0, 123);
  if (code == close_code::slow)
    outbox_.clear();
  wake_pump();
  asio::post(executor_, [self = shared_from_this()] {
    if (!self->patience_)
      return;
    self->patience_->expires_after(self->core_.options.socket_handshake_time);
    self->patience_->async_wait([self](error_code error) {
      if (!error)
        self->cut_off();
    });
  });
}

void socket_session::wake_pump() {
  if (std::exchange(pump_awake_, true))
    return;
  asio::post(executor_, [self = shared_from_this()] { self->pump(); });
}

void socket_session::pump() {
  std::unique_lock lock(mutex_);
  if (writing_ || ended_ || close_sent_)
    return;
  if (!outbox_.empty()) {
    auto frame = std::move(outbox_.front());
    outbox_.pop_front();
    lock.unlock();
    write(std::move(frame));
    return;
  }
  pump_awake_ = false;
  if (!closing_)
    return;
  auto code = close_code_;
  auto reason = close_reason_;
  lock.unlock();
  send_close(code, std::move(reason));
}

void socket_session::write(waiting_frame frame) {
  writing_ = true;
  stream_->text(frame.is_text);
  auto buffer = asio::buffer(*frame.content);
  stream_->async_write(buffer,
    [self = shared_from_this(), content = std::move(frame.content)](
      error_code error, std::size_t) {
      self->written(error, content->size());
    });
}

void socket_session::written(error_code error, std::size_t size) {
  writing_ = false;
  bool room = false;
  {
    std::lock_guard lock(mutex_);
    outbox_bytes_ -= size;
    if (was_full_ && outbox_bytes_ < core_.options.outbox_bytes / 4) {
      was_full_ = false;
      room = !closing_ && !ended_;
    }
  }
  if (error) {
    // The reader notices and ends the session.
    cut_off();
    let_go_when_done();
    return;
  }
  core_.metrics.sent_frames.add();
  core_.metrics.sent_bytes.add(size);
  if (room)
    tell(callbacks_.on_room);
  pump();
  let_go_when_done();
}

void socket_session::send_close(close_code code, std::string reason) {
  close_sent_ = true;
  websocket::close_reason why{
    static_cast<websocket::close_code>(code), std::string_view{reason}};
  closing_socket_ = true;
  stream_->async_close(why, [self = shared_from_this()](error_code) {
    self->closing_socket_ = false;
    self->let_go_when_done();
  });
}

void socket_session::let_go_when_done() {
  if (reading_ || writing_ || closing_socket_)
    return;
  patience_.reset();
  stream_.reset();
  std::lock_guard lock(mutex_);
  let_go_ = true;
  executor_ = {};
}

/// One more message or ping; false when there have been too many.
bool socket_session::take_message() {
  auto now = core_.time.steady_now();
  std::chrono::duration<double> since = now - allowed_at_;
  allowed_at_ = now;
  allowed_messages_ = std::min<double>(limits::socket_messages_burst,
    allowed_messages_ + since.count() * limits::socket_messages_per_second);
  if (allowed_messages_ >= 1) {
    allowed_messages_ -= 1;
    return true;
  }
  close(close_code::policy, "too many messages");
  return false;
}

void socket_session::receive(bytes message) {
  {
    std::lock_guard lock(mutex_);
    if (closing_)
      return;
  }
  if (!take_message())
    return;
  if (stream_->got_text() != agreement_.subprotocol->is_text) {
    close(close_code::unsupported,
      agreement_.subprotocol->is_text ? "text frames are spoken here"
                                      : "binary frames are spoken here");
    return;
  }
  core_.metrics.received_messages.add();
  tell(callbacks_.on_message, std::move(message));
}

void socket_session::set_up() {
  websocket::stream_base::timeout timeouts;
  timeouts.handshake_timeout = core_.options.socket_handshake_time;
  timeouts.idle_timeout = core_.options.socket_idle_time;
  timeouts.keep_alive_pings = true;
  stream_->set_option(timeouts);
  stream_->set_option(
    websocket::stream_base::decorator([this](websocket::response_type& answer) {
      answer.set(
        http::field::sec_websocket_protocol, agreement_.subprotocol->name);
      answer.set(http::field::server, "herald");
    }));
  stream_->read_message_max(limits::socket_message_bytes);
  stream_->auto_fragment(false);
  stream_->control_callback(
    [this](websocket::frame_type kind, beast::string_view) {
      if (kind != websocket::frame_type::close)
        take_message();
    });
}

/// What the session ended with: our code if we closed it, else theirs.
close_code socket_session::end(error_code why) {
  std::lock_guard lock(mutex_);
  ended_ = true;
  outbox_.clear();
  if (closing_)
    return close_code_;
  if (why == websocket::error::closed) {
    auto code = stream_->reason().code;
    return code == websocket::close_code::none ? close_code::normal
                                               : close_code{code};
  }
  if (why == websocket::error::message_too_big)
    return close_code::too_large;
  if (why == websocket::error::bad_frame_payload)
    return close_code::invalid_text;
  if (why == websocket::condition::protocol_violation)
    return close_code::protocol_error;
  return close_code::abnormal;
}

asio::awaitable<void> socket_session::run(
  http::request<http::empty_body> upgrade) {
  auto self = shared_from_this();
  set_up();
  auto [refused] = co_await stream_->async_accept(upgrade, as_result);
  if (refused) {
    end(refused);
    reading_ = false;
    let_go_when_done();
    co_return;
  }
  registration known{core_, this};
  core_.metrics.sockets.set(
    static_cast<double>(core_.session_count.fetch_add(1) + 1));
  if (core_.draining)
    close(close_code::restart, "the node is stopping");
  tell(callbacks_.on_open);
  error_code why;
  beast::flat_buffer buffer;
  while (!why) {
    auto [error, size] = co_await stream_->async_read(buffer, as_result);
    why = error;
    if (why)
      break;
    receive(beast::buffers_to_string(buffer.data()));
    buffer.clear();
  }
  auto code = end(why);
  core_.metrics.closed(code).add();
  core_.metrics.sockets.set(
    static_cast<double>(core_.session_count.fetch_sub(1) - 1));
  agreement_.place = {};
  tell(callbacks_.on_close, code);
  owner_data.reset();
  // After its close frame a client sends nothing more.
  if (writing_ || why == websocket::error::closed)
    cut_off();
  else if (!closing_socket_)
    co_await linger();
  reading_ = false;
  let_go_when_done();
}

/// Lets the client read the close frame while it is still sending: closing at
/// once would reset the connection and could take the frame away.
asio::awaitable<void> socket_session::linger() {
  auto& layer = beast::get_lowest_layer(*stream_);
  layer.expires_after(limits::linger_time);
  std::array<char, 4096> sink;
  for (;;) {
    auto [error, size]
      = co_await layer.async_read_some(asio::buffer(sink), as_result);
    if (error)
      break;
  }
}

} // namespace

asio::awaitable<void> run_socket_session(server_core& core, tcp::socket socket,
  http::request<http::empty_body> upgrade, socket_agreement agreement) {
  auto session = std::make_shared<socket_session>(
    core, std::move(socket), std::move(agreement));
  co_await session->run(std::move(upgrade));
}

} // namespace herald
