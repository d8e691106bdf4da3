#include "actors/gateway/gateway.hpp"
#include "actors/gateway/routing.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <deque>
#include <map>

using namespace herald;

namespace {

/// A Riot that answers by path, a clock, and what the gateway handed on.
struct gateway_fixture {
  std::int64_t now = 0;
  std::map<std::string, std::deque<http_response>> answers;
  std::vector<std::string> asked;
  std::vector<std::int64_t> asked_at;
  std::vector<bytes> documents, live;
  std::pair<bool, bool> held{false, false};
  bool document_settles = true;

  static http_response answer(int status, bytes body = "{}",
    std::map<std::string, std::string> headers = {}) {
    return {status, std::move(headers), std::move(body)};
  }

  riot_gateway make() {
    riot_settings settings;
    settings.base_url = "http://riot/{route}";
    settings.api_key = secret{"RGAPI-test"};
    settings.players = {{"Some One", "EUW", "euw1"}};
    gateway_services services;
    services.call = [this](const http_request& request) {
      CHECK(request.headers[0]
        == std::pair<std::string, std::string>{"X-Riot-Token", "RGAPI-test"});
      auto path = request.url.substr(std::string{"http://riot"}.size());
      asked.push_back(path);
      asked_at.push_back(now);
      auto& queue = answers[path];
      if (queue.empty())
        return result<http_response>{answer(404)};
      auto next = queue.front();
      if (queue.size() > 1)
        queue.pop_front();
      return result<http_response>{next};
    };
    services.steady_ms = [this] { return now; };
    services.document = [this](bytes document) {
      documents.push_back(std::move(document));
      return document_settles;
    };
    services.live = [this](bytes game) { live.push_back(std::move(game)); };
    services.holds = [this](std::string_view) { return held; };
    return riot_gateway{settings, std::move(services)};
  }

  void run(riot_gateway& gateway, std::int64_t until) {
    while (now < until)
      now += std::max<std::int64_t>(gateway.turn(), 1);
  }

  std::size_t count(const std::string& path) const {
    return static_cast<std::size_t>(
      std::count(asked.begin(), asked.end(), path));
  }

  static constexpr const char* account
    = "/europe/riot/account/v1/accounts/by-riot-id/Some%20One/EUW";
  static constexpr const char* game
    = "/euw1/lol/spectator/v5/active-games/by-summoner/P";
  static constexpr const char* ids
    = "/europe/lol/match/v5/matches/by-puuid/P/ids?start=0&count=20";
  static constexpr const char* match = "/europe/lol/match/v5/matches/EUW1_7";
  static constexpr const char* timeline
    = "/europe/lol/match/v5/matches/EUW1_7/timeline";

  void know_player() { answers[account] = {answer(200, R"({"puuid":"P"})")}; }
};

} // namespace

TEST_CASE("every platform has its routes") {
  CHECK(routes_of("euw1")->match_region == "europe");
  CHECK(routes_of("KR")->match_region == "asia");
  CHECK(routes_of("oc1")->match_region == "sea");
  CHECK(routes_of("oc1")->account_region == "asia");
  CHECK(routes_of("th2")->match_region == "sea");
  CHECK(!routes_of("mars"));
  CHECK(riot_url("https://{route}.x/", "euw1", "/a") == "https://euw1.x/a");
}

TEST_CASE_METHOD(gateway_fixture,
  "a followed player's new match and its timeline are fetched once") {
  know_player();
  answers[ids] = {answer(200, R"(["EUW1_7"])")};
  answers[match] = {answer(200, "M")};
  answers[timeline] = {answer(200, "T")};
  auto gateway = make();
  run(gateway, 200'000);
  CHECK(documents == std::vector<bytes>{"M", "T"});
  CHECK(count(match) == 1);
  CHECK(count(account) == 1);
  CHECK(count(ids) > 2);
}

TEST_CASE_METHOD(gateway_fixture, "what the log holds is not fetched") {
  know_player();
  answers[ids] = {answer(200, R"(["EUW1_7"])")};
  held = {true, true};
  auto gateway = make();
  run(gateway, 100'000);
  CHECK(count(match) == 0);
  CHECK(count(timeline) == 0);
}

TEST_CASE_METHOD(gateway_fixture,
  "a match that is not there yet is asked for again, less and less often") {
  know_player();
  answers[ids] = {answer(200, R"(["EUW1_7"])")};
  auto gateway = make();
  run(gateway, 20 * 60'000);
  auto times = count(match);
  CHECK(times > 5);
  CHECK(times <= 12);
  std::vector<std::int64_t> at;
  for (std::size_t i = 0; i < asked.size(); ++i)
    if (asked[i] == match)
      at.push_back(asked_at[i]);
  CHECK(at[4] - at[3] > at[1] - at[0]);
}

TEST_CASE_METHOD(
  gateway_fixture, "a running game is handed on, and its end fetches it") {
  know_player();
  answers[game]
    = {answer(200, R"({"gameId":7,"platformId":"EUW1"})"), answer(404)};
  auto gateway = make();
  run(gateway, 65'000);
  CHECK(live.size() == 1);
  CHECK(count(match) >= 1);
}

TEST_CASE_METHOD(gateway_fixture, "Retry-After is obeyed, with some slack") {
  answers[account]
    = {answer(
         429, "", {{"retry-after", "7"}, {"x-rate-limit-type", "application"}}),
      answer(200, R"({"puuid":"P"})")};
  auto gateway = make();
  run(gateway, 30'000);
  REQUIRE(count(account) == 2);
  std::vector<std::int64_t> at;
  for (std::size_t i = 0; i < asked.size(); ++i)
    if (asked[i] == account)
      at.push_back(asked_at[i]);
  CHECK(at[1] - at[0] >= 7'500);
  CHECK(gateway.status().rate_limited == 1);
}

TEST_CASE_METHOD(
  gateway_fixture, "calls keep the distance that the announced limits allow") {
  know_player();
  std::string list = "[";
  for (int i = 0; i < 20; ++i)
    list += (i ? ",\"EUW1_" : "\"EUW1_") + std::to_string(i) + "\"";
  std::map<std::string, std::string> limits{
    {"x-app-rate-limit", "20:1,100:120"}};
  answers[ids] = {answer(200, list + "]", limits)};
  for (int i = 0; i < 20; ++i) {
    auto path = "/europe/lol/match/v5/matches/EUW1_" + std::to_string(i);
    answers[path] = {answer(200, "M", limits)};
    answers[path + "/timeline"] = {answer(200, "T", limits)};
  }
  auto gateway = make();
  run(gateway, 120'000);
  std::int64_t last = -10'000;
  for (std::size_t i = 2; i < asked.size(); ++i) {
    if (!asked[i].starts_with("/europe/lol"))
      continue;
    CHECK(asked_at[i] - last >= 1'200);
    last = asked_at[i];
  }
  CHECK(documents.size() == 40);
}

TEST_CASE_METHOD(gateway_fixture, "a key that is refused is never used again") {
  answers[account] = {answer(403)};
  auto gateway = make();
  run(gateway, 10 * 60'000);
  CHECK(asked.size() == 1);
  CHECK(!gateway.status().stopped.empty());
}

TEST_CASE_METHOD(gateway_fixture,
  "a document without an outcome is fetched again, one of a bad call is not") {
  know_player();
  answers[ids] = {answer(200, R"(["EUW1_7"])")};
  SECTION("the node had no room") {
    answers[match] = {answer(200, "M")};
    document_settles = false;
    auto gateway = make();
    run(gateway, 60'000);
    CHECK(count(match) > 2);
  }
  SECTION("Riot does not understand the id") {
    answers[match] = {answer(400)};
    auto gateway = make();
    run(gateway, 60'000);
    CHECK(count(match) == 1);
  }
}
