#include "engine/kafka/kafka_server.hpp"

#include "engine/base/logging.hpp"
#include "engine/kafka/kafka_core.hpp"
#include "engine/kafka/kafka_session.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <cassert>
#include <chrono>
#include <cstdint>
#include <thread>
#include <unordered_set>
#include <vector>

namespace herald {

namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;

constexpr auto look_interval = 5s;

} // namespace

struct kafka_server::implementation {
  /// A thread with the connections that stay with it.
  struct lane {
    boost::asio::io_context context{1};
    std::optional<
      boost::asio::executor_work_guard<boost::asio::io_context::executor_type>>
      work{context.get_executor()};
    boost::asio::steady_timer timer{context};
    std::unordered_set<std::shared_ptr<kafka_session>> sessions;
    std::thread thread;
  };

  implementation(const kafka_options& options, const kafka_services& services)
    : core{options, services},
      acceptor{lanes.emplace_back(std::make_unique<lane>())->context},
      pause{acceptor.get_executor()} {
    for (unsigned i = 1; i < options.threads; ++i)
      lanes.push_back(std::make_unique<lane>());
  }

  result<void> listen() {
    auto& options = core.options;
    boost::system::error_code error;
    auto address = boost::asio::ip::make_address(options.address, error);
    auto refuse = [&](const char* what) {
      return fail(
        error == boost::asio::error::address_in_use ? fault::in_use : fault::io,
        fmt::format("cannot {} {}:{} for Kafka clients: {}", what,
          options.address, options.port, error.message()));
    };
    if (error)
      return refuse("listen on");
    tcp::endpoint endpoint{address, options.port};
    acceptor.open(endpoint.protocol(), error);
    if (!error)
      acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
    if (!error)
      acceptor.bind(endpoint, error);
    if (!error)
      acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
    if (error)
      return refuse("listen on");
    core.port = acceptor.local_endpoint(error).port();
    return {};
  }

  void run() {
    accept();
    for (auto& lane : lanes) {
      look_after(*lane);
      lane->thread = std::thread{[&lane = *lane] { lane.context.run(); }};
    }
  }

  void accept() {
    auto& lane = *lanes[next_lane++ % lanes.size()];
    acceptor.async_accept(lane.context,
      [this, &lane](boost::system::error_code error, tcp::socket socket) {
        if (!acceptor.is_open())
          return;
        if (error) {
          // Out of descriptors, most likely: not in a busy loop.
          pause.expires_after(100ms);
          pause.async_wait([this](boost::system::error_code stopped) {
            if (!stopped)
              accept();
          });
          return;
        }
        admit(lane, std::move(socket));
        accept();
      });
  }

  void admit(lane& lane, tcp::socket socket) {
    if (core.connections.value()
      >= static_cast<double>(core.options.connections_max)) {
      core.refused_connections.add();
      return;
    }
    auto session
      = std::make_shared<kafka_session>(core, lane.context, std::move(socket));
    boost::asio::post(lane.context, [&lane, session] {
      lane.sessions.insert(session);
      session->start();
    });
  }

  void look_after(lane& lane) {
    lane.timer.expires_after(look_interval);
    lane.timer.async_wait([this, &lane](boost::system::error_code error) {
      if (error)
        return;
      auto now = std::chrono::steady_clock::now();
      for (auto& session : lane.sessions)
        session->look_after(now);
      std::erase_if(
        lane.sessions, [](auto& session) { return session->closed(); });
      look_after(lane);
    });
  }

  void stop() {
    if (std::exchange(stopped, true))
      return;
    boost::asio::post(lanes.front()->context, [this] {
      boost::system::error_code ignored;
      acceptor.close(ignored);
      pause.cancel();
    });
    for (auto& lane : lanes)
      boost::asio::post(lane->context, [&lane = *lane] {
        for (auto& session : lane.sessions)
          session->close("");
        lane.sessions.clear();
        lane.timer.cancel();
        lane.work.reset();
      });
    core.stop();
    for (auto& lane : lanes)
      if (lane->thread.joinable())
        lane->thread.join();
  }

  kafka_core core;
  std::vector<std::unique_ptr<lane>> lanes;
  tcp::acceptor acceptor;
  boost::asio::steady_timer pause;
  std::size_t next_lane = 0;
  bool stopped = false;
};

kafka_server::kafka_server(std::unique_ptr<implementation> implementation)
  : implementation_{std::move(implementation)} {}

kafka_server::~kafka_server() {
  stop();
}

result<std::unique_ptr<kafka_server>> kafka_server::start(
  const kafka_options& options, const kafka_services& services) {
  assert(options.threads > 0);
  auto made = std::make_unique<implementation>(options, services);
  if (auto listening = made->listen(); !listening)
    return std::unexpected{std::move(listening).error()};
  made->run();
  return std::unique_ptr<kafka_server>{new kafka_server{std::move(made)}};
}

std::uint16_t kafka_server::port() const {
  return implementation_->core.port;
}

void kafka_server::committed(std::span<const partition_commit> news) {
  implementation_->core.waiters.committed(news);
}

void kafka_server::stop() {
  implementation_->stop();
}

} // namespace herald
