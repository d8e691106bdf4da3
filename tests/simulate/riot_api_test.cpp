#include "tools/simulate/riot_api.hpp"

#include "tools/simulate/schedule.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <nlohmann/json.hpp>

using nlohmann::json;
using namespace herald::simulate;

namespace {

constexpr std::int64_t clock_start = 1'800'000'000'000;

schedule_settings three_tables() {
  schedule_settings settings;
  settings.seed = 21;
  settings.clock_start_ms = clock_start;
  settings.kinds.aram_percent = 0;
  settings.kinds.remake_percent = 0;
  settings.kinds.aborted_percent = 0;
  return settings;
}

// An API over generated games, with both clocks by hand.
struct api_fixture {
  schedule games{three_tables()};
  std::int64_t real_ms = 5'000;
  std::int64_t now_ms = clock_start;
  api_settings settings;
  std::optional<riot_api> api;
  std::string token = "RGAPI-key";
  std::string puuid = games.regular(0).puuid;

  api_fixture() { limits("1000:10", "1000:10"); }

  void limits(const char* app, const char* method) {
    settings.app_limits = *parse_limits(app);
    settings.method_limits = *parse_limits(method);
    api.emplace(games, settings, [this] { return real_ms; });
  }

  api_answer get(const std::string& target) {
    return api->answer({"GET", target, token}, now_ms);
  }

  json body(const std::string& target) {
    auto answer = get(target);
    CAPTURE(target, answer.body);
    REQUIRE(answer.status == 200);
    return json::parse(answer.body);
  }

  std::string match_ids(const std::string& query = "") {
    return "/europe/lol/match/v5/matches/by-puuid/" + puuid + "/ids" + query;
  }

  static std::string header(const api_answer& of, const std::string& name) {
    for (const auto& [key, value] : of.headers)
      if (key == name)
        return value;
    return "";
  }
};

} // namespace

TEST_CASE_METHOD(api_fixture, "a request needs the right key") {
  settings.api_key = "RGAPI-right";
  limits("10:10", "10:10");
  token = "";
  auto none = get(match_ids());
  CHECK(none.status == 401);
  CHECK(none.headers.empty());
  token = "RGAPI-wrong";
  auto wrong = get(match_ids());
  CHECK(wrong.status == 403);
  CHECK(json::parse(wrong.body)
    == json{{"status", {{"message", "Forbidden"}, {"status_code", 403}}}});
  token = "RGAPI-right";
  CHECK(get(match_ids()).status == 200);
}

TEST_CASE_METHOD(api_fixture, "an account is found by either of its names") {
  auto who = games.regular(1);
  auto by_id = body("/europe/riot/account/v1/accounts/by-riot-id/"
    + who.game_name + "/" + who.tag_line);
  CHECK(by_id["puuid"] == who.puuid);
  auto by_puuid
    = body("/americas/riot/account/v1/accounts/by-puuid/" + who.puuid);
  CHECK(by_puuid == by_id);
  auto lower = who.game_name;
  for (auto& one : lower)
    one = static_cast<char>(std::tolower(one));
  CHECK(body("/riot/account/v1/accounts/by-riot-id/" + lower + "/"
          + who.tag_line)["puuid"]
    == who.puuid);
  CHECK(get("/riot/account/v1/accounts/by-riot-id/Nobody/EUW").status == 404);
  CHECK(body("/euw1/lol/summoner/v4/summoners/by-puuid/" + puuid)["puuid"]
    == puuid);
}

TEST_CASE_METHOD(api_fixture, "an id of another project is refused") {
  auto answer
    = get("/euw1/lol/spectator/v5/active-games/by-summoner/not-an-id");
  CHECK(answer.status == 400);
  CHECK(answer.body.find("Exception decrypting") != std::string::npos);
}

TEST_CASE_METHOD(api_fixture, "a running game is seen and has no document") {
  auto active = "/euw1/lol/spectator/v5/active-games/by-summoner/" + puuid;
  auto seen = body(active);
  auto id = "EUW1_" + std::to_string(seen["gameId"].get<std::int64_t>());
  CHECK(seen["gameLength"] == 120);
  CHECK(get("/europe/lol/match/v5/matches/" + id).status == 404);
  CHECK(get("/europe/lol/match/v5/matches/" + id + "/timeline").status == 404);

  // The end, seen from the schedule.
  auto end = games.game_at(0, now_ms)->end_ms;
  now_ms = end - 1;
  CHECK(get(active).status == 200);
  now_ms = end;
  CHECK(get(active).status == 404);
  CHECK(get("/europe/lol/match/v5/matches/" + id).status == 404);
  now_ms = end + 15'000;
  auto match = body("/europe/lol/match/v5/matches/" + id);
  CHECK(match["metadata"]["matchId"] == id);
  auto timeline = body("/europe/lol/match/v5/matches/" + id + "/timeline");
  CHECK(timeline["metadata"] == match["metadata"]);
  CHECK(body(match_ids())[0] == id);

  // After a pause the next game begins.
  now_ms = end + 60'000;
  CHECK(body(active)["gameId"] != seen["gameId"]);
}

TEST_CASE_METHOD(api_fixture, "match ids are listed by count, time and kind") {
  now_ms += 20 * 3'600'000;
  auto all = body(match_ids("?count=100"));
  REQUIRE(all.size() > 30);
  CHECK(body(match_ids()).size() == 20);
  CHECK(body(match_ids("?start=3&count=4"))
    == json{all[3], all[4], all[5], all[6]});
  CHECK(body(match_ids("?count=0")).empty());
  CHECK(get(match_ids("?count=101")).status == 400);
  CHECK(get(match_ids("?count=many")).status == 400);
  CHECK(get(match_ids("?type=strange")).status == 400);
  auto started = [&](const json& id) {
    return body("/europe/lol/match/v5/matches/"
             + id.get<std::string>())["info"]["gameStartTimestamp"]
             .get<std::int64_t>()
      / 1000;
  };
  auto middle = started(all[10]);
  auto since
    = body(match_ids("?count=100&startTime=" + std::to_string(middle)));
  CHECK(since.size() == 11);
  auto until
    = body(match_ids("?count=100&endTime=" + std::to_string(middle - 1)));
  CHECK(since.size() + until.size() == all.size());
  auto solo = body(match_ids("?count=100&queue=420"));
  auto ranked = body(match_ids("?count=100&type=ranked"));
  auto normal = body(match_ids("?count=100&type=normal"));
  CHECK(solo.size() <= ranked.size());
  CHECK(ranked.size() + normal.size() == all.size());
  CHECK(body(match_ids("?count=100&type=normal&queue=420")).empty());
}

TEST_CASE_METHOD(api_fixture, "league entries count the ranked games played") {
  auto played = [&] {
    auto sum = 0;
    for (const auto& one :
      body("/euw1/lol/league/v4/entries/by-puuid/" + puuid)) {
      CHECK(one["puuid"] == puuid);
      CHECK(one["leaguePoints"] >= 0);
      CHECK(one["leaguePoints"] < 100);
      sum += one["wins"].get<int>() + one["losses"].get<int>();
    }
    return sum;
  };
  auto before = played();
  auto ranked_before = body(match_ids("?count=100&type=ranked")).size();
  now_ms += 5 * 3'600'000;
  auto ranked_after = body(match_ids("?count=100&type=ranked")).size();
  CHECK(ranked_after > ranked_before);
  CHECK(played() - before == int(ranked_after - ranked_before));
}

TEST_CASE_METHOD(api_fixture, "what nobody serves is not found") {
  CHECK(get("/").status == 404);
  CHECK(get("/europe/lol/unknown/v1/thing").status == 404);
  CHECK(get("/europe/lol/match/v5/matches/EUW1_1/unknown").status == 404);
  CHECK(api->answer({"POST", match_ids(), token}, now_ms).status == 405);
  auto missing = get("/europe/lol/match/v5/matches/EUW1_1");
  CHECK(missing.status == 404);
  CHECK(json::parse(missing.body)["errorCode"] == "NOT_FOUND");
}

TEST_CASE_METHOD(api_fixture, "answers carry the limits and their counts") {
  limits("20:1,100:120", "50:10");
  get(match_ids());
  auto answer = get(match_ids());
  CHECK(header(answer, "X-App-Rate-Limit") == "20:1,100:120");
  CHECK(header(answer, "X-App-Rate-Limit-Count") == "2:1,2:120");
  CHECK(header(answer, "X-Method-Rate-Limit") == "50:10");
  CHECK(header(answer, "X-Method-Rate-Limit-Count") == "2:10");
  auto other = get("/europe/lol/match/v5/matches/EUW1_1");
  CHECK(header(other, "X-App-Rate-Limit-Count") == "3:1,3:120");
  CHECK(header(other, "X-Method-Rate-Limit-Count") == "1:10");
  auto elsewhere = get("/euw1/lol/league/v4/entries/by-puuid/" + puuid);
  CHECK(header(elsewhere, "X-App-Rate-Limit-Count") == "1:1,1:120");
}

TEST_CASE_METHOD(api_fixture, "who asks too often waits for the window's end") {
  limits("2:10", "100:10");
  get(match_ids());
  real_ms += 3'500;
  get(match_ids());
  auto refused = get(match_ids());
  CHECK(refused.status == 429);
  CHECK(header(refused, "X-Rate-Limit-Type") == "application");
  CHECK(header(refused, "Retry-After") == "7");
  CHECK(header(refused, "X-App-Rate-Limit-Count") == "3:10");
  CHECK(get(match_ids()).status == 429);
  CHECK(get("/euw1/lol/league/v4/entries/by-puuid/" + puuid).status == 200);
  real_ms += 6'500;
  CHECK(get(match_ids()).status == 200);

  limits("100:10", "1:60");
  CHECK(get(match_ids()).status == 200);
  auto method = get(match_ids());
  CHECK(method.status == 429);
  CHECK(header(method, "X-Rate-Limit-Type") == "method");
  CHECK(header(method, "Retry-After") == "60");
  CHECK(get("/europe/lol/match/v5/matches/EUW1_1").status == 404);
}

TEST_CASE("limits are written as Riot writes them") {
  auto two = parse_limits("20:1,100:120");
  REQUIRE(two);
  REQUIRE(two->size() == 2);
  CHECK((*two)[1].limit == 100);
  CHECK((*two)[1].seconds == 120);
  CHECK(parse_limits("")->empty());
  for (auto wrong : {"20", "20:", ":1", "0:1", "a:b", "1:1;2:2", "-1:1"})
    CHECK_FALSE(parse_limits(wrong));
}

TEST_CASE("games stop when there have been as many as asked") {
  auto settings = three_tables();
  settings.games = 7;
  settings.past_games = 1;
  schedule games{settings};
  auto far = clock_start + 48 * std::int64_t{3'600'000};
  CHECK(games.started(far).size() == 7);
  CHECK(games.game_at(0, far) == nullptr);
}

TEST_CASE("a table's next game follows when the one before has ended") {
  schedule games{three_tables()};
  auto all = games.started(clock_start + 10 * std::int64_t{3'600'000});
  std::map<std::uint32_t, std::int64_t> free_from;
  for (const auto& one : all) {
    if (free_from.contains(one.table))
      CHECK(one.start_ms == free_from[one.table] + 60'000);
    free_from[one.table] = one.end_ms;
  }
  CHECK(free_from.size() == 3);
}
