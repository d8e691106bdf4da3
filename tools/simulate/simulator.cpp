#include "tools/simulate/simulator.hpp"

#include "tools/simulate/archive.hpp"
#include "tools/simulate/certificate.hpp"
#include "tools/simulate/documents.hpp"
#include "tools/simulate/live.hpp"
#include "tools/simulate/riot_api.hpp"
#include "tools/simulate/schedule.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <fmt/core.h>
#include <fstream>
#include <thread>

namespace herald::simulate {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

constexpr std::uint32_t header_bytes_max = 16 * 1024;
constexpr std::uint64_t body_bytes_max = 64 * 1024;
constexpr int connections_max = 512;
constexpr auto idle_time = std::chrono::seconds{60};

// How long, in simulated time, a game client still shows the end of a game.
constexpr std::int64_t end_shown_ms = 30'000;

// What a port and its connections share.
struct desk {
  std::function<api_answer(const api_request&)> answer;
  int connections = 0;
};

std::int64_t steady_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
    std::chrono::steady_clock::now().time_since_epoch())
    .count();
}

std::int64_t system_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
    std::chrono::system_clock::now().time_since_epoch())
    .count();
}

result<tcp::endpoint> parse_endpoint(std::string_view text) {
  auto colon = text.rfind(':');
  auto wrong = [&] {
    return fail(fault::invalid_input,
      fmt::format("\"{}\" is no ADDRESS:PORT, such as 127.0.0.1:8088", text));
  };
  if (colon == text.npos)
    return wrong();
  auto host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  unsigned port = 0;
  auto digits = text.substr(colon + 1);
  auto [end, error]
    = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  boost::system::error_code bad;
  auto address = asio::ip::make_address(std::string{host}, bad);
  if (bad || error != std::errc{} || end != digits.data() + digits.size()
    || port > 65'535)
    return wrong();
  return tcp::endpoint{address, static_cast<std::uint16_t>(port)};
}

result<tcp::acceptor> listen_on(asio::io_context& io, tcp::endpoint where) {
  boost::system::error_code error;
  tcp::acceptor acceptor{io};
  acceptor.open(where.protocol(), error);
  if (!error)
    acceptor.set_option(asio::socket_base::reuse_address{true}, error);
  if (!error)
    acceptor.bind(where, error);
  if (!error)
    acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return fail(
      error == asio::error::address_in_use ? fault::in_use : fault::io,
      fmt::format("cannot listen on {}:{}: {}", where.address().to_string(),
        where.port(), error.message()));
  return acceptor;
}

// One connection, plain or TLS: requests are answered one after the other.
template <class Stream>
class session : public std::enable_shared_from_this<session<Stream>> {
public:
  session(Stream stream, std::shared_ptr<desk> at)
    : stream_{std::move(stream)}, desk_{std::move(at)} {
    ++desk_->connections;
  }
  ~session() { --desk_->connections; }

  void start() {
    if constexpr (requires { stream_.next_layer(); }) {
      expire();
      stream_.async_handshake(asio::ssl::stream_base::server,
        [self = this->shared_from_this()](beast::error_code error) {
          if (!error)
            self->read();
        });
    } else {
      read();
    }
  }

private:
  void expire() { beast::get_lowest_layer(stream_).expires_after(idle_time); }

  void read() {
    parser_.emplace();
    parser_->header_limit(header_bytes_max);
    parser_->body_limit(body_bytes_max);
    expire();
    http::async_read(stream_, buffer_, *parser_,
      [self = this->shared_from_this()](beast::error_code error, std::size_t) {
        if (!error)
          self->respond();
      });
  }

  void respond() {
    const auto& asked = parser_->get();
    auto view
      = [](auto text) { return std::string_view{text.data(), text.size()}; };
    auto answer = desk_->answer({view(asked.method_string()),
      view(asked.target()), view(asked["X-Riot-Token"])});
    response_ = {};
    response_.version(asked.version());
    response_.result(static_cast<unsigned>(answer.status));
    response_.set(http::field::content_type, "application/json;charset=utf-8");
    for (const auto& [name, value] : answer.headers)
      response_.set(name, value);
    response_.body() = std::move(answer.body);
    response_.keep_alive(asked.keep_alive());
    response_.prepare_payload();
    if (asked.method() == http::verb::head)
      response_.body().clear();
    expire();
    http::async_write(stream_, response_,
      [self = this->shared_from_this()](beast::error_code error, std::size_t) {
        if (!error && self->response_.keep_alive())
          self->read();
      });
  }

  Stream stream_;
  std::shared_ptr<desk> desk_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
};

// A port with what answers there.
class door {
public:
  door(tcp::acceptor acceptor,
    std::function<api_answer(const api_request&)> answer,
    asio::ssl::context* tls)
    : acceptor_{std::move(acceptor)},
      desk_{std::make_shared<desk>(std::move(answer))}, tls_{tls} {}

  void open() { accept(); }

private:
  void accept() {
    acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted)
        return;
      if (!error && desk_->connections < connections_max)
        serve(std::move(socket));
      accept();
    });
  }

  void serve(tcp::socket socket) {
    beast::tcp_stream stream{std::move(socket)};
    if (tls_ != nullptr) {
      using tls_stream = beast::ssl_stream<beast::tcp_stream>;
      std::make_shared<session<tls_stream>>(
        tls_stream{std::move(stream), *tls_}, desk_)
        ->start();
    } else {
      std::make_shared<session<beast::tcp_stream>>(std::move(stream), desk_)
        ->start();
    }
  }

  tcp::acceptor acceptor_;
  std::shared_ptr<desk> desk_;
  asio::ssl::context* tls_;
};

} // namespace

class simulator::implementation {
public:
  explicit implementation(simulate_options options)
    : options_{std::move(options)},
      steady_ms_{options_.steady_ms ? options_.steady_ms : steady_clock_ms},
      began_ms_{steady_ms_()},
      clock_start_ms_{options_.clock_start_ms.value_or(system_clock_ms())} {}

  ~implementation() { stop(); }

  result<void> open() {
    if (!(options_.speed > 0) || options_.speed > 100'000)
      return fail(fault::invalid_input, "the speed must be above 0");
    if (options_.concurrent < 1 || options_.concurrent > 1'000)
      return fail(fault::invalid_input,
        "the number of concurrent games must be 1 to 1000");
    if (options_.kinds.people_per_table < 10)
      return fail(
        fault::invalid_input, "a table needs at least 10 people to play");
    if (auto made = open_source(); !made)
      return made;
    if (auto made = open_api(); !made)
      return made;
    if (options_.live_client)
      if (auto made = open_live_clients(); !made)
        return made;
    for (auto& one : doors_)
      one->open();
    thread_ = std::thread{[this] { io_->run(); }};
    return {};
  }

  void stop() {
    if (!thread_.joinable())
      return;
    io_->stop();
    thread_.join();
    // The ports first, then what is left of the connections.
    doors_.clear();
    io_.reset();
  }

  std::int64_t now_ms() const {
    auto passed = static_cast<double>(steady_ms_() - began_ms_);
    return clock_start_ms_ + static_cast<std::int64_t>(passed * options_.speed);
  }

  std::uint16_t port() const { return api_port_; }

  std::string base_url() const { return api_url_; }

  std::vector<std::string> live_client_urls() const { return live_urls_; }

  std::vector<followed_player> followed() const {
    std::vector<followed_player> all;
    if (schedule_)
      for (std::uint32_t table = 0; table < options_.concurrent; ++table)
        all.push_back({schedule_->regular(table), table});
    return all;
  }

  std::vector<scheduled_game> games() const {
    std::vector<scheduled_game> all;
    if (!schedule_)
      return all;
    auto now = now_ms();
    for (const auto& one : schedule_->started(now))
      all.push_back({one.match_id, one.table, one.start_ms, one.end_ms,
        now < one.end_ms && one.shape != game_shape::aborted});
    if (all.size() > 1'000)
      all.erase(all.begin(), all.end() - 1'000);
    return all;
  }

  std::optional<std::string> match_in_progress(std::uint32_t table) const {
    if (!schedule_ || table >= options_.concurrent)
      return std::nullopt;
    auto played = schedule_->game_at(table, now_ms(), end_shown_ms);
    if (!played)
      return std::nullopt;
    return played->match_id();
  }

private:
  result<void> open_source() {
    if (options_.from) {
      auto opened = archive::open(*options_.from);
      if (!opened)
        return std::unexpected{opened.error()};
      source_ = std::move(*opened);
      return {};
    }
    schedule_settings settings;
    settings.seed = options_.seed;
    settings.games = options_.games;
    settings.past_games = options_.past_games;
    settings.publish_after_ms = std::int64_t{options_.publish_after_s} * 1000;
    settings.pause_ms = std::int64_t{options_.pause_s} * 1000;
    settings.clock_start_ms = clock_start_ms_;
    settings.kinds = options_.kinds;
    settings.kinds.tables = options_.concurrent;
    auto made = std::make_unique<schedule>(settings);
    schedule_ = made.get();
    source_ = std::move(made);
    return {};
  }

  result<void> open_api() {
    auto app = parse_limits(options_.app_limits);
    auto method = parse_limits(options_.method_limits);
    if (!app || !method)
      return std::unexpected{(!app ? app : method).error()};
    api_.emplace(
      *source_, api_settings{options_.api_key, *app, *method}, steady_ms_);
    auto where = parse_endpoint(options_.listen);
    if (!where)
      return std::unexpected{where.error()};
    auto added = add_door(*where, nullptr, [this](const api_request& request) {
      return api_->answer(request, now_ms());
    });
    if (!added)
      return std::unexpected{added.error()};
    api_port_ = added->port();
    api_url_ = url("http", *added);
    return {};
  }

  result<void> open_live_clients() {
    if (!schedule_)
      return fail(fault::invalid_input,
        "a folder of finished matches has no game in progress to show");
    auto first = parse_endpoint(*options_.live_client);
    if (!first)
      return std::unexpected{first.error()};
    auto signed_by_itself = make_self_signed();
    if (!signed_by_itself)
      return std::unexpected{signed_by_itself.error()};
    tls_.use_certificate(
      asio::buffer(signed_by_itself->certificate), asio::ssl::context::pem);
    tls_.use_private_key(
      asio::buffer(signed_by_itself->key), asio::ssl::context::pem);
    if (first->port() != 0 && first->port() + options_.concurrent > 65'536)
      return fail(fault::invalid_input,
        "there are not enough ports above " + *options_.live_client);
    for (std::uint32_t table = 0; table < options_.concurrent; ++table) {
      auto where = *first;
      if (where.port() != 0)
        where.port(static_cast<std::uint16_t>(where.port() + table));
      auto added
        = add_door(where, &tls_, [this, table](const api_request& request) {
            return live_client(table, request);
          });
      if (!added)
        return std::unexpected{added.error()};
      live_urls_.push_back(url("https", *added));
    }
    return {};
  }

  result<tcp::endpoint> add_door(tcp::endpoint where, asio::ssl::context* tls,
    std::function<api_answer(const api_request&)> answer) {
    auto acceptor = listen_on(*io_, where);
    if (!acceptor)
      return std::unexpected{acceptor.error()};
    auto bound = acceptor->local_endpoint();
    doors_.push_back(
      std::make_unique<door>(std::move(*acceptor), std::move(answer), tls));
    return bound;
  }

  static std::string url(std::string_view scheme, const tcp::endpoint& where) {
    auto host = where.address().to_string();
    return where.address().is_v6()
      ? fmt::format("{}://[{}]:{}", scheme, host, where.port())
      : fmt::format("{}://{}:{}", scheme, host, where.port());
  }

  // A game client knows no keys and no limits, and has nothing to say between
  // games.
  api_answer live_client(std::uint32_t table, const api_request& request) {
    api_answer answer;
    auto absent = [&] {
      answer.status = 404;
      answer.body = R"({"errorCode":"RESOURCE_NOT_FOUND","httpStatus":404,)"
                    R"("implementationDetails":{},)"
                    R"("message":"Invalid URI format"})";
      return answer;
    };
    auto now = now_ms();
    auto played = schedule_->game_at(table, now, end_shown_ms);
    if (!played || request.method != "GET")
      return absent();
    auto puuid = schedule_->regular(table).puuid;
    auto participant = 1;
    while (played->contestants[participant - 1].who.puuid != puuid)
      ++participant;
    auto time_ms = now - played->start_ms;
    auto path = request.target.substr(0, request.target.find('?'));
    if (path == "/liveclientdata/allgamedata")
      answer.body = all_game_data(*played, time_ms, participant);
    else if (path == "/liveclientdata/eventdata")
      answer.body = event_data(*played, time_ms, participant);
    else if (path == "/liveclientdata/gamestats")
      answer.body = game_stats(*played, time_ms);
    else if (path == "/liveclientdata/playerlist")
      answer.body = player_list(*played, time_ms);
    else
      return absent();
    return answer;
  }

  simulate_options options_;
  std::function<std::int64_t()> steady_ms_;
  std::int64_t began_ms_;
  std::int64_t clock_start_ms_;
  std::unique_ptr<match_source> source_;
  schedule* schedule_ = nullptr;
  std::optional<riot_api> api_;
  std::optional<asio::io_context> io_{std::in_place, 1};
  asio::ssl::context tls_{asio::ssl::context::tls_server};
  std::vector<std::unique_ptr<door>> doors_;
  std::uint16_t api_port_ = 0;
  std::string api_url_;
  std::vector<std::string> live_urls_;
  std::thread thread_;
};

result<std::unique_ptr<simulator>> simulator::start(simulate_options options) {
  auto made = std::make_unique<implementation>(std::move(options));
  if (auto opened = made->open(); !opened)
    return std::unexpected{opened.error()};
  return std::unique_ptr<simulator>{new simulator{std::move(made)}};
}

simulator::simulator(std::unique_ptr<implementation> implementation)
  : implementation_{std::move(implementation)} {}

simulator::~simulator() = default;

void simulator::stop() {
  implementation_->stop();
}

std::uint16_t simulator::port() const {
  return implementation_->port();
}

std::string simulator::base_url_template() const {
  return implementation_->base_url() + "/{route}";
}

std::vector<std::string> simulator::live_client_urls() const {
  return implementation_->live_client_urls();
}

std::vector<followed_player> simulator::followed() const {
  return implementation_->followed();
}

std::vector<scheduled_game> simulator::games() const {
  return implementation_->games();
}

std::optional<std::string> simulator::match_in_progress(
  std::uint32_t table) const {
  return implementation_->match_in_progress(table);
}

std::int64_t simulator::now_ms() const {
  return implementation_->now_ms();
}

result<std::uint64_t> write_games(const std::filesystem::path& directory,
  std::uint64_t seed, std::uint32_t count, const game_options& options) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return fail(fault::io,
      "cannot make the folder " + directory.string() + ": " + error.message());
  std::uint64_t written = 0;
  bytes text;
  auto write = [&](const std::string& name) {
    std::ofstream out{directory / name, std::ios::binary};
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.close();
    written += text.size();
    return !out.fail();
  };
  for (std::uint32_t index = 0; index < count; ++index) {
    auto played = make_game(seed, index, options);
    auto id = played.match_id();
    text.clear();
    append_match(played, text);
    auto good = write(id + ".match.json");
    text.clear();
    append_timeline(played, text);
    if (!good || !write(id + ".timeline.json"))
      return fail(fault::io,
        "cannot write " + (directory / id).string()
          + ".*.json; is the disk "
            "full?");
  }
  return written;
}

int run_simulate(const simulate_options& options) {
  auto failed = [](const failure& why) {
    std::fprintf(stderr, "herald simulate: %s\n", why.message.c_str());
    return why.code == fault::invalid_input ? 2
      : why.code == fault::io               ? 74
                                            : 1;
  };
  if (options.write) {
    auto count = options.games == 0 ? 100 : options.games;
    auto kinds = options.kinds;
    kinds.tables = std::max<std::uint32_t>(1, options.concurrent);
    auto written = write_games(*options.write, options.seed, count, kinds);
    if (!written)
      return failed(written.error());
    std::printf("%u games, %llu bytes in %s\n", count,
      static_cast<unsigned long long>(*written), options.write->c_str());
    return 0;
  }
  // Signals are caught before any thread could take them.
  asio::io_context io{1};
  asio::signal_set signals{io, SIGINT, SIGTERM};
  auto running = simulator::start(options);
  if (!running)
    return failed(running.error());
  std::printf(
    "herald simulate ready %s\n", (*running)->base_url_template().c_str());
  auto number = 0;
  for (const auto& one : (*running)->live_client_urls())
    std::printf("live client %d at %s\n", number++, one.c_str());
  for (const auto& one : (*running)->followed())
    std::printf("player %s#%s plays at table %u\n", one.who.game_name.c_str(),
      one.who.tag_line.c_str(), one.table);
  std::fflush(stdout);
  signals.async_wait([](const boost::system::error_code&, int) {});
  io.run();
  (*running)->stop();
  return 0;
}

} // namespace herald::simulate
