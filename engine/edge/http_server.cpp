#include "engine/edge/http_server.hpp"

#include "engine/base/json_text.hpp"
#include "engine/base/logging.hpp"
#include "engine/base/settings.hpp"
#include "engine/edge/connection.hpp"
#include "engine/edge/http_message.hpp"
#include "engine/edge/server_core.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <thread>

namespace herald {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// After accept ran out of descriptors or memory.
constexpr std::chrono::milliseconds accept_pause{100};

/// Descriptors that the rest of the process may need beside our connections.
constexpr rlim_t spare_descriptors = 256;

/// Raises the soft limit of open files as far as the connections need it, and
/// says how many connections there can be.
std::size_t connections_possible(std::size_t wanted) {
  rlimit now{};
  if (getrlimit(RLIMIT_NOFILE, &now) != 0)
    return wanted;
  rlim_t needed = wanted + spare_descriptors;
  if (now.rlim_cur < needed) {
    now.rlim_cur = std::min(needed, now.rlim_max);
    setrlimit(RLIMIT_NOFILE, &now);
    getrlimit(RLIMIT_NOFILE, &now);
  }
  if (now.rlim_cur >= needed)
    return wanted;
  auto possible = now.rlim_cur > 2 * spare_descriptors
    ? now.rlim_cur - spare_descriptors
    : now.rlim_cur / 2;
  log_warning("edge",
    "Fewer connections than configured, since the limit of open files is low",
    {{"max_connections", wanted}, {"possible", possible}});
  return possible;
}

failure listen_failure(
  const http_server_options& options, const error_code& error) {
  auto code = error == asio::error::address_in_use ? fault::in_use
    : error == asio::error::access_denied          ? fault::forbidden
                                                   : fault::io;
  auto hint = code == fault::in_use ? "; is another node running? Choose "
                                      "another port, or 0 for a free one"
                                    : "";
  return {code,
    fmt::format("cannot listen on {}:{}: {}{}", options.address, options.port,
      error.message(), hint)};
}

/// Takes connections in, one after the other, and hands them on.
class acceptor : public std::enable_shared_from_this<acceptor> {
public:
  explicit acceptor(server_core& core)
    : core_(core), strand_(asio::make_strand(core.io)), acceptor_(strand_),
      pause_(strand_) {}

  error_code listen(const std::string& address, std::uint16_t port) {
    error_code error;
    auto parsed = asio::ip::make_address(address, error);
    if (error)
      return error;
    tcp::endpoint where{parsed, port};
    acceptor_.open(where.protocol(), error);
    if (!error)
      acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error)
      acceptor_.bind(where, error);
    if (!error)
      acceptor_.listen(tcp::acceptor::max_listen_connections, error);
    return error;
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  void accept() {
    acceptor_.async_accept(asio::make_strand(core_.io),
      [self = shared_from_this()](
        error_code error, tcp::socket socket) mutable {
        self->accepted(error, std::move(socket));
      });
  }

  void stop() {
    asio::post(strand_, [self = shared_from_this()] {
      error_code ignored;
      self->acceptor_.close(ignored);
      self->pause_.cancel();
    });
  }

private:
  void accepted(error_code error, tcp::socket socket) {
    if (!acceptor_.is_open())
      return;
    if (error && error != asio::error::connection_aborted) {
      core_.metrics.refused("accept").add();
      pause_.expires_after(accept_pause);
      pause_.async_wait([self = shared_from_this()](error_code) {
        if (self->acceptor_.is_open())
          self->accept();
      });
      return;
    }
    if (!error)
      hand_on(std::move(socket));
    accept();
  }

  void hand_on(tcp::socket socket) {
    error_code error;
    auto from = socket.remote_endpoint(error);
    if (error)
      return;
    auto reason = core_.admit(from.address());
    if (!reason) {
      serve_connection(core_, std::move(socket));
      return;
    }
    core_.metrics.refused(*reason).add();
    refuse_connection(core_, std::move(socket));
  }

  server_core& core_;
  asio::strand<asio::io_context::executor_type> strand_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
};

std::string json_quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

} // namespace

http_server_options server_options(const settings& from) {
  http_server_options out;
  out.address = from.edge.listen.address;
  out.port = from.edge.listen.port;
  out.threads = from.edge.threads;
  out.max_connections = from.edge.max_connections;
  out.outbox_bytes = from.edge.outbox_bytes;
  out.hosts = from.edge.hosts;
  out.origins = from.edge.origins;
  return out;
}

struct http_server::implementation {
  implementation(http_server_options options, metrics_registry& metrics)
    : core(std::move(options), metrics) {}

  void check_ready(const server_request& request, const responder& reply_to);

  server_core core;
  std::shared_ptr<acceptor> listener;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>>
    work;
  std::vector<std::thread> threads;
  std::atomic<std::uint16_t> port{0};
  std::mutex stop_mutex;
  bool stopped = false;
};

/// Machines read the status; people add ?verbose.
void http_server::implementation::check_ready(
  const server_request& request, const responder& reply_to) {
  std::string checks;
  std::string reasons;
  auto note
    = [&](const std::string& name, const std::optional<std::string>& why) {
        checks += fmt::format("{}{{\"name\":{},\"ready\":{}",
          checks.empty() ? "" : ",", json_quoted(name), why ? "false" : "true");
        if (why) {
          checks += ",\"reason\":" + json_quoted(*why);
          reasons
            += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", name, *why);
        }
        checks += '}';
      };
  for (auto& [name, reason] : core.conditions)
    note(name, reason());
  if (core.draining)
    note("edge", "the node is stopping");
  if (!reasons.empty()) {
    problem why;
    why.status = 503;
    why.code = "not-ready";
    why.detail = reasons;
    why.retry_after = std::chrono::seconds(1);
    reply_to.respond(why);
    return;
  }
  if (request.query_value("verbose"))
    reply_to.respond_json(
      fmt::format("{{\"status\":\"ready\",\"checks\":[{}]}}\n", checks));
  else
    reply_to.respond_json("{\"status\":\"ready\"}\n");
}

http_server::http_server(http_server_options options, metrics_registry& metrics)
  : implementation_(
      std::make_unique<implementation>(std::move(options), metrics)) {
  assert(implementation_->core.options.threads > 0);
  route("GET", "/livez", [](server_request, responder reply_to) {
    reply_to.respond_json("{\"status\":\"alive\"}\n");
  });
  route("GET", "/readyz",
    [this](const server_request& request, const responder& reply_to) {
      implementation_->check_ready(request, reply_to);
    });
  route("GET", "/metrics", [&metrics](server_request, responder reply_to) {
    server_response out;
    out.content_type = "text/plain; version=0.0.4; charset=utf-8";
    out.body = metrics.exposition();
    reply_to.respond(std::move(out));
  });
}

http_server::~http_server() {
  stop(std::chrono::milliseconds(0));
}

void http_server::route(std::string_view method, std::string_view pattern,
  request_handler handler, route_options options) {
  assert(port() == 0 && handler);
  auto entry = std::make_unique<route_entry>();
  entry->method = method;
  entry->pattern = pattern;
  entry->segments = pattern_segments(pattern);
  entry->handler = std::move(handler);
  entry->options = options;
  implementation_->core.instrument(*entry);
  implementation_->core.routes.add(std::move(entry));
}

void http_server::web_socket(
  std::string_view path, web_socket_endpoint endpoint) {
  assert(port() == 0 && !endpoint.subprotocols.empty());
  [[maybe_unused]] auto [where, fresh]
    = implementation_->core.endpoints.emplace(
      path, std::make_unique<socket_endpoint>(std::move(endpoint)));
  assert(fresh);
}

void http_server::assets(std::span<const static_asset> files) {
  assert(port() == 0);
  for (auto& file : files)
    implementation_->core.assets[file.path] = &file;
}

void http_server::readiness(
  std::string name, std::function<std::optional<std::string>()> reason) {
  assert(port() == 0 && reason);
  implementation_->core.conditions.emplace_back(
    std::move(name), std::move(reason));
}

result<std::uint16_t> http_server::start() {
  assert(port() == 0);
  auto& core = implementation_->core;
  core.options.max_connections
    = connections_possible(core.options.max_connections);
  auto listener = std::make_shared<acceptor>(core);
  if (auto error = listener->listen(core.options.address, core.options.port))
    return std::unexpected(listen_failure(core.options, error));
  auto port = listener->port();
  auto allow = [&core](std::string_view host) {
    core.hosts.push_back(lower_case(host));
  };
  bool is_six = core.options.address.find(':') != std::string::npos;
  auto address
    = is_six ? fmt::format("[{}]", core.options.address) : core.options.address;
  for (std::string_view name :
    {std::string_view{address}, std::string_view{"localhost"},
      std::string_view{"127.0.0.1"}, std::string_view{"[::1]"}}) {
    allow(fmt::format("{}:{}", name, port));
    if (port == 80)
      allow(name);
  }
  for (auto& host : core.options.hosts)
    allow(host);
  implementation_->listener = std::move(listener);
  implementation_->work.emplace(core.io.get_executor());
  implementation_->port = port;
  implementation_->listener->accept();
  for (std::uint32_t i = 0; i < core.options.threads; ++i)
    implementation_->threads.emplace_back([&core] { core.io.run(); });
  return port;
}

void http_server::stop(std::chrono::milliseconds deadline, close_code code) {
  auto& core = implementation_->core;
  std::lock_guard lock(implementation_->stop_mutex);
  if (std::exchange(implementation_->stopped, true)
    || !implementation_->listener)
    return;
  core.draining = true;
  implementation_->listener->stop();
  core.for_each_client([code](edge_client& client) { client.drain(code); });
  if (!core.wait_until_empty(deadline))
    core.for_each_client([](edge_client& client) { client.cut(); });
  implementation_->work.reset();
  for (auto& thread : implementation_->threads)
    thread.join();
}

std::uint16_t http_server::port() const {
  return implementation_->port;
}

std::size_t http_server::sessions() const {
  return implementation_->core.session_count;
}

} // namespace herald
