#include "tools/herald/bench_feed.hpp"

#include "engine/client/http_client.hpp"
#include "tools/herald/exit_code.hpp"
#include "tools/herald/node.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

namespace herald {

namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
using tcp = net::ip::tcp;
using steady = std::chrono::steady_clock;

constexpr std::size_t subscribers = 1'000;
constexpr unsigned updates_per_second = 50;
constexpr const char* match = "EUW1_1";

int complain(const failure& why) {
  fmt::print(stderr, "herald bench: {}\n", why.message);
  return exit_code_of(why.code);
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// When each update was reported, by the offset-independent number that its
/// game time carries, and how long its frames took.
struct stopwatch {
  std::vector<std::atomic<std::int64_t>> sent_ns;
  std::vector<std::uint32_t> took_us;
  std::uint64_t frames = 0;
  explicit stopwatch(std::size_t updates) : sent_ns(updates) {
    took_us.reserve(updates * subscribers);
  }
};

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
    steady::now().time_since_epoch())
    .count();
}

/// The number of an update: whole seconds of its game time.
std::size_t number_of(std::string_view frame) {
  constexpr std::string_view member = "\"gameTime\":";
  auto at = frame.find(member);
  if (at == frame.npos)
    return ~std::size_t{0};
  return static_cast<std::size_t>(
    std::strtod(frame.data() + at + member.size(), nullptr));
}

/// One subscriber; all of them live on one thread.
class subscriber : public std::enable_shared_from_this<subscriber> {
public:
  subscriber(net::io_context& io, stopwatch& watch)
    : socket_(io), watch_(watch) {}

  void connect(const tcp::endpoint& node) {
    beast::get_lowest_layer(socket_).connect(node);
    socket_.set_option(beast::websocket::stream_base::decorator(
      [](beast::websocket::request_type& request) {
        request.set(
          beast::http::field::sec_websocket_protocol, "herald.v1.json");
      }));
    socket_.handshake("127.0.0.1:" + std::to_string(node.port()), "/v1/feed");
    auto wanted
      = fmt::format(R"({{"type":"subscribe","id":"m","match":"{}"}})", match);
    socket_.text(true);
    socket_.write(net::buffer(wanted));
  }

  void listen() {
    socket_.async_read(buffer_,
      [self = shared_from_this()](beast::error_code error, std::size_t) {
        if (error)
          return;
        auto arrived = now_ns();
        auto text = beast::buffers_to_string(self->buffer_.data());
        self->buffer_.clear();
        if (text.find("\"type\":\"update\"") != text.npos) {
          auto number = number_of(text);
          if (number < self->watch_.sent_ns.size()) {
            auto sent = self->watch_.sent_ns[number].load();
            if (sent > 0) {
              self->watch_.took_us.push_back(
                static_cast<std::uint32_t>((arrived - sent) / 1000));
              ++self->watch_.frames;
            }
          }
        }
        self->listen();
      });
  }

private:
  beast::websocket::stream<beast::tcp_stream> socket_;
  beast::flat_buffer buffer_;
  stopwatch& watch_;
};

/// A look at the game whose clock is `number` seconds.
bytes report(std::size_t number) {
  auto players = nlohmann::json::array();
  for (int i = 0; i < 10; ++i)
    players.push_back({{"championName", "Ahri"}, {"isBot", true},
      {"isDead", false}, {"items", nlohmann::json::array()}, {"level", 1},
      {"position", "MIDDLE"}, {"rawChampionName", "Ahri"},
      {"respawnTimer", 0.0},
      {"scores",
        {{"assists", 0}, {"creepScore", static_cast<int>(number) * 10},
          {"deaths", 0}, {"kills", 0}, {"wardScore", 0.0}}},
      {"summonerName", fmt::format("bot {}", i)},
      {"team", i < 5 ? "ORDER" : "CHAOS"}});
  nlohmann::json body{{"matchId", match},
    {"allgamedata",
      {{"activePlayer", {{"error", "spectating"}}},
        {"allPlayers", std::move(players)},
        {"events", {{"Events", nlohmann::json::array()}}},
        {"gameData",
          {{"gameMode", "CLASSIC"}, {"gameTime", static_cast<double>(number)},
            {"mapName", "Map11"}, {"mapNumber", 11},
            {"mapTerrain", "Default"}}}}}};
  return body.dump();
}

result<void> post(http_client& client, const std::string& url, bytes body) {
  http_request request;
  request.method = "POST";
  request.url = url + "/v1/live";
  request.headers = {{"Content-Type", "application/json"}};
  request.body = body;
  auto answer = client.perform(request);
  if (!answer)
    return std::unexpected(answer.error());
  if (answer->status != 202)
    return fail(fault::invalid_input,
      fmt::format("the node answered {}: {}", answer->status, answer->body));
  return {};
}

} // namespace

int bench_feed(const std::filesystem::path& folder, unsigned seconds) {
  settings configured;
  configured.storage.data_folder = folder / "data";
  configured.edge.listen.port = 0;
  configured.kafka.listen.reset();
  auto running = node::start(configured);
  if (!running)
    return complain(running.error());
  auto url = (*running)->url();
  http_client client;
  if (auto first = post(client, url, report(1)); !first)
    return complain(first.error());

  auto updates = static_cast<std::size_t>(seconds) * updates_per_second;
  stopwatch watch{updates + 2};
  net::io_context io;
  auto port
    = static_cast<unsigned short>(std::stoi(url.substr(url.rfind(':') + 1)));
  tcp::endpoint address{net::ip::make_address("127.0.0.1"), port};
  for (std::size_t i = 0; i < subscribers; ++i) {
    auto one = std::make_shared<subscriber>(io, watch);
    one->connect(address);
    one->listen();
  }
  std::thread listening{[&] { io.run(); }};

  auto cpu = cpu_seconds();
  auto start = steady::now();
  for (std::size_t i = 0; i < updates; ++i) {
    std::this_thread::sleep_until(
      start + i * std::chrono::microseconds(1'000'000 / updates_per_second));
    watch.sent_ns[i + 2] = now_ns();
    if (auto sent = post(client, url, report(i + 2)); !sent) {
      io.stop();
      listening.join();
      return complain(sent.error());
    }
  }
  // The last frames may still be on their way.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  auto wall = std::chrono::duration<double>(steady::now() - start).count();
  auto used = cpu_seconds() - cpu;
  io.stop();
  listening.join();

  auto& took = watch.took_us;
  std::sort(took.begin(), took.end());
  auto percentile = [&](double p) {
    return took.empty()
      ? 0.0
      : took[static_cast<std::size_t>(p * (took.size() - 1))] / 1000.0;
  };
  fmt::print("feed: {} subscribers of one match, {} updates/s, {} s\n",
    subscribers, updates_per_second, seconds);
  fmt::print("frames: {} of {}, {:.0f}/s\n", watch.frames,
    updates * subscribers, watch.frames / wall);
  fmt::print("report to frame: p50 {:.2f} ms, p99 {:.2f} ms\n", percentile(0.5),
    percentile(0.99));
  fmt::print("CPU: {:.2f} s, {:.2f} s per million frames (node and "
             "subscribers in one process)\n",
    used, watch.frames == 0 ? 0.0 : used * 1e6 / watch.frames);
  (*running)->stop();
  return exit_ok;
}

} // namespace herald
