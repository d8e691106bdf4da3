#include "tools/simulate/simulator.hpp"

#include "tools/companion/companion.hpp"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <curl/curl.h>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <unistd.h>

using nlohmann::json;
using namespace herald;
using namespace herald::simulate;
namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr std::int64_t clock_start = 1'800'000'000'000;

struct web_answer {
  long status = 0;
  std::string body;
  std::map<std::string, std::string> headers;
};

std::size_t append(char* data, std::size_t size, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

std::size_t keep_header(
  char* data, std::size_t size, std::size_t count, void* to) {
  std::string line{data, size * count};
  auto colon = line.find(": ");
  if (colon != line.npos)
    (*static_cast<std::map<std::string, std::string>*>(
      to))[line.substr(0, colon)]
      = line.substr(colon + 2, line.find_last_not_of("\r\n") - colon - 1);
  return size * count;
}

// Asks over the wire, as a client would.
web_answer get(const std::string& url, const std::string& token = "key") {
  web_answer answer;
  auto* curl = curl_easy_init();
  auto* headers
    = curl_slist_append(nullptr, ("X-Riot-Token: " + token).c_str());
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  if (!token.empty())
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, keep_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer.headers);
  if (curl_easy_perform(curl) == CURLE_OK)
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  return answer;
}

// A simulator whose real time stands still until a test moves it.
struct simulator_fixture {
  std::atomic<std::int64_t> real_ms{1'000};
  std::unique_ptr<simulator> running;

  simulate_options options() {
    simulate_options made;
    made.listen = "127.0.0.1:0";
    made.live_client = "127.0.0.1:0";
    made.seed = 31;
    made.concurrent = 2;
    made.speed = 20;
    made.clock_start_ms = clock_start;
    made.steady_ms = [this] { return real_ms.load(); };
    made.kinds.aram_percent = 0;
    made.kinds.remake_percent = 0;
    made.kinds.aborted_percent = 0;
    return made;
  }

  void start(simulate_options with) {
    auto started = simulator::start(std::move(with));
    REQUIRE(started);
    running = std::move(*started);
  }

  std::string url(const std::string& route, const std::string& path) {
    auto base = running->base_url_template();
    return base.replace(base.find("{route}"), 7, route) + path;
  }

  scheduled_game game_at_table(std::uint32_t table) {
    for (const auto& one : running->games())
      if (one.table == table && one.in_progress)
        return one;
    FAIL("no game at the table");
    return {};
  }

  // To a simulated time.
  void go_to(std::int64_t simulated_ms) {
    real_ms = 1'000 + (simulated_ms - clock_start + 19) / 20;
  }
};

// A node that remembers what it was sent and answers as it is told.
class fake_node {
public:
  fake_node()
    : acceptor_{io_, {asio::ip::make_address("127.0.0.1"), 0}},
      thread_{[this] { serve(); }} {}

  ~fake_node() {
    stopping_ = true;
    boost::system::error_code ignored;
    asio::ip::tcp::socket wake{io_};
    wake.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }

  std::string url() const {
    return "http://127.0.0.1:"
      + std::to_string(acceptor_.local_endpoint().port());
  }

  void answer_with(unsigned status) { status_ = status; }

  std::vector<json> received() {
    std::lock_guard lock{mutex_};
    return received_;
  }

  // Waits until so many reports have come.
  void await(std::size_t count) {
    std::unique_lock lock{mutex_};
    arrived_.wait(lock, [&] { return received_.size() >= count; });
  }

  std::string last_target() {
    std::lock_guard lock{mutex_};
    return target_;
  }

private:
  void serve() {
    while (!stopping_) {
      boost::system::error_code error;
      asio::ip::tcp::socket socket{io_};
      acceptor_.accept(socket, error);
      if (error || stopping_)
        return;
      boost::beast::flat_buffer buffer;
      while (!error) {
        http::request<http::string_body> request;
        http::read(socket, buffer, request, error);
        if (error)
          break;
        {
          std::lock_guard lock{mutex_};
          target_ = std::string{request.target()};
          received_.push_back(json::parse(request.body()));
        }
        arrived_.notify_all();
        http::response<http::string_body> response{
          static_cast<http::status>(status_.load()), request.version()};
        response.body() = "{}";
        // One report a connection, so that the next accept sees a stop.
        response.keep_alive(false);
        response.prepare_payload();
        http::write(socket, response, error);
        break;
      }
    }
  }

  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<json> received_;
  std::string target_;
  std::atomic<unsigned> status_{202};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

companion_options beside(const std::string& game, const std::string& node,
  std::vector<std::string>& said) {
  companion_options options;
  options.live_client_url = game;
  options.node_url = node;
  options.interval = std::chrono::milliseconds{1};
  options.backoff_max = std::chrono::milliseconds{1};
  options.say = [&said](std::string_view text) { said.emplace_back(text); };
  return options;
}

} // namespace

TEST_CASE_METHOD(simulator_fixture, "the simulator answers over the wire") {
  auto with = options();
  with.api_key = "right";
  start(with);
  auto who = running->followed().at(0).who;
  auto path = "/riot/account/v1/accounts/by-puuid/" + who.puuid;
  CHECK(get(url("europe", path), "").status == 401);
  CHECK(get(url("europe", path), "wrong").status == 403);
  auto account = get(url("europe", path), "right");
  CHECK(account.status == 200);
  CHECK(json::parse(account.body)["gameName"] == who.game_name);
  CHECK(account.headers["X-App-Rate-Limit"] == "500:10,30000:600");
  CHECK(account.headers["X-App-Rate-Limit-Count"] == "1:10,1:600");
  CHECK(account.headers["Content-Type"] == "application/json;charset=utf-8");
  CHECK(get(url("europe", "/lol/nothing"), "right").status == 404);
}

TEST_CASE_METHOD(simulator_fixture, "limits are enforced over the wire") {
  auto with = options();
  with.app_limits = "1:30";
  start(with);
  auto who = running->followed().at(0).who;
  auto path = url("europe", "/riot/account/v1/accounts/by-puuid/" + who.puuid);
  CHECK(get(path).status == 200);
  auto refused = get(path);
  CHECK(refused.status == 429);
  CHECK(refused.headers["Retry-After"] == "30");
  CHECK(refused.headers["X-Rate-Limit-Type"] == "application");
  real_ms += 30'000;
  CHECK(get(path).status == 200);
}

TEST_CASE_METHOD(
  simulator_fixture, "simulated time passes twenty times faster") {
  start(options());
  CHECK(running->now_ms() == clock_start);
  real_ms += 1'500;
  CHECK(running->now_ms() == clock_start + 30'000);
  auto spectator = "/lol/spectator/v5/active-games/by-summoner/"
    + running->followed().at(0).who.puuid;
  auto seen = json::parse(get(url("euw1", spectator)).body);
  CHECK(seen["gameLength"] == 150);
  real_ms += 1'000;
  auto later = json::parse(get(url("euw1", spectator)).body);
  CHECK(later["gameLength"] == 170);
}

TEST_CASE_METHOD(simulator_fixture, "a game runs, ends and is published") {
  start(options());
  auto game = game_at_table(1);
  CHECK(running->match_in_progress(1) == game.match_id);
  auto document = url("europe", "/lol/match/v5/matches/" + game.match_id);
  CHECK(get(document).status == 404);
  go_to(game.end_ms + 14'900);
  CHECK(get(document).status == 404);
  go_to(game.end_ms + 15'000);
  auto match = json::parse(get(document).body);
  CHECK(match["metadata"]["matchId"] == game.match_id);
  CHECK(match["info"]["gameEndTimestamp"] == game.end_ms);
  auto timeline = json::parse(get(document + "/timeline").body);
  CHECK(timeline["info"]["frames"].size() > 10);
  CHECK(running->match_in_progress(1) == game.match_id);
  go_to(game.end_ms + 30'000);
  CHECK(running->match_in_progress(1) == std::nullopt);
  go_to(game.end_ms + 60'000);
  CHECK(running->match_in_progress(1).value() != game.match_id);
}

TEST_CASE_METHOD(simulator_fixture, "each table's game client shows its game") {
  start(options());
  auto urls = running->live_client_urls();
  REQUIRE(urls.size() == 2);
  for (std::uint32_t table = 0; table < 2; ++table) {
    auto answer = get(urls[table] + "/liveclientdata/allgamedata");
    REQUIRE(answer.status == 200);
    auto live = json::parse(answer.body);
    auto who = running->followed().at(table).who;
    CHECK(live["activePlayer"]["riotIdGameName"] == who.game_name);
    auto began = game_at_table(table).start_ms;
    CHECK(live["gameData"]["gameTime"] == (clock_start - began) / 1000.0);
    for (auto part : {"eventdata", "gamestats", "playerlist"})
      CHECK(get(urls[table] + "/liveclientdata/" + part).status == 200);
    CHECK(get(urls[table] + "/liveclientdata/nothing").status == 404);
  }
  auto game = game_at_table(0);
  go_to(game.end_ms + 10'000);
  auto last = json::parse(get(urls[0] + "/liveclientdata/eventdata").body);
  CHECK(last["Events"].back()["EventName"] == "GameEnd");
  go_to(game.end_ms + 40'000);
  CHECK(get(urls[0] + "/liveclientdata/allgamedata").status == 404);
}

TEST_CASE_METHOD(simulator_fixture, "a stopped simulator leaves its ports") {
  start(options());
  auto path = url("europe", "/lol/x");
  CHECK(get(path).status == 404);
  auto again = options();
  again.listen = "127.0.0.1:" + std::to_string(running->port());
  auto second = simulator::start(again);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == fault::in_use);
  running->stop();
  running->stop();
  CHECK(get(path).status == 0);
  CHECK(simulator::start(again));
}

TEST_CASE_METHOD(simulator_fixture, "what cannot be simulated is refused") {
  auto refused = [](const simulate_options& with, fault code) {
    auto started = simulator::start(with);
    REQUIRE_FALSE(started);
    CHECK(started.error().code == code);
    CHECK_FALSE(started.error().message.empty());
  };
  auto with = options();
  with.speed = 0;
  refused(with, fault::invalid_input);
  with = options();
  with.concurrent = 0;
  refused(with, fault::invalid_input);
  with = options();
  with.listen = "nowhere";
  refused(with, fault::invalid_input);
  with = options();
  with.listen = "127.0.0.1:70000";
  refused(with, fault::invalid_input);
  with = options();
  with.app_limits = "many";
  refused(with, fault::invalid_input);
  with = options();
  with.live_client.reset();
  with.from = "/nowhere/at/all";
  refused(with, fault::io);
}

TEST_CASE_METHOD(
  simulator_fixture, "a folder of documents is served as it is") {
  auto name
    = (std::filesystem::temp_directory_path() / "simulate-XXXXXX").string();
  std::filesystem::path folder = mkdtemp(name.data());
  auto with = options();
  with.live_client.reset();
  with.from = folder;
  auto empty = simulator::start(with);
  REQUIRE_FALSE(empty);
  CHECK(empty.error().code == fault::not_found);
  REQUIRE(write_games(folder / "deep", 31, 6, with.kinds));
  start(with);
  auto who = make_person(31, 0, 0);
  auto ids = json::parse(
    get(url("europe", "/lol/match/v5/matches/by-puuid/" + who.puuid + "/ids"))
      .body);
  REQUIRE(ids.size() == 2);
  auto later = make_game(31, 3, with.kinds).match_id();
  CHECK(ids[0] == later);
  auto found = json::parse(get(url("europe",
                                 "/riot/account/v1/accounts/by-riot-id/"
                                   + who.game_name + "/" + who.tag_line))
      .body);
  CHECK(found["puuid"] == who.puuid);
  auto document = url("europe", "/lol/match/v5/matches/" + later);
  CHECK(json::parse(get(document).body)["metadata"]["matchId"] == later);
  CHECK(json::parse(get(document + "/timeline").body)["metadata"]["matchId"]
    == later);
  auto spectator
    = url("euw1", "/lol/spectator/v5/active-games/by-summoner/" + who.puuid);
  CHECK(get(spectator).status == 404);
  std::filesystem::remove_all(folder);
}

TEST_CASE_METHOD(simulator_fixture, "the companion reports what it sees") {
  start(options());
  fake_node node;
  std::vector<std::string> said;
  auto with = beside(running->live_client_urls()[0], node.url() + "/", said);
  with.match_id = "EUW1_77";
  companion one{with};
  CHECK(one.state() == companion_state::starting);
  CHECK(one.look() == companion_state::reporting);
  real_ms += 1'000;
  CHECK(one.look() == companion_state::reporting);
  CHECK(one.reported() == 2);
  CHECK(node.last_target() == "/v1/live");
  auto received = node.received();
  REQUIRE(received.size() == 2);
  CHECK(received[0]["matchId"] == "EUW1_77");
  CHECK(received[0]["allgamedata"]["gameData"]["gameTime"] == 120.0);
  CHECK(received[1]["allgamedata"]["gameData"]["gameTime"] == 140.0);
  // It speaks when something changes, not at every look.
  CHECK(said.size() == 1);
}

TEST_CASE_METHOD(
  simulator_fixture, "the companion outlives the game and the node") {
  start(options());
  auto game = game_at_table(0);
  std::vector<std::string> said;
  fake_node node;
  companion one{beside(running->live_client_urls()[0], node.url(), said)};
  CHECK(one.look() == companion_state::reporting);
  CHECK_FALSE(node.received()[0].contains("matchId"));
  node.answer_with(503);
  CHECK(one.look() == companion_state::no_node);
  node.answer_with(422);
  CHECK(one.look() == companion_state::refused);
  go_to(game.end_ms + 40'000);
  CHECK(one.look() == companion_state::no_game);
  node.answer_with(202);
  go_to(game.end_ms + 70'000);
  CHECK(one.look() == companion_state::reporting);
  running->stop();
  CHECK(one.look() == companion_state::no_game);
  CHECK(said.size() == 6);
}

TEST_CASE_METHOD(simulator_fixture, "a companion without a node says so") {
  start(options());
  std::string nobody;
  {
    fake_node gone;
    nobody = gone.url();
  }
  std::vector<std::string> said;
  companion one{beside(running->live_client_urls()[0], nobody, said)};
  CHECK(one.look() == companion_state::no_node);
  CHECK(one.look() == companion_state::no_node);
  REQUIRE(said.size() == 1);
  CHECK(said[0].find(nobody) != std::string::npos);
}

TEST_CASE_METHOD(simulator_fixture, "a companion looks until it is stopped") {
  start(options());
  fake_node node;
  std::vector<std::string> said;
  auto with = beside(running->live_client_urls()[0], node.url(), said);
  with.match_id_source
    = [this] { return running->match_in_progress(0).value_or(""); };
  companion one{with};
  one.start();
  node.await(3);
  one.stop();
  CHECK(node.received()[0]["matchId"] == game_at_table(0).match_id);
}

TEST_CASE_METHOD(simulator_fixture, "a companion may look just once") {
  start(options());
  fake_node node;
  std::vector<std::string> said;
  auto with = beside(running->live_client_urls()[1], node.url(), said);
  with.once = true;
  companion one{with};
  one.run();
  CHECK(node.received().size() == 1);
}
