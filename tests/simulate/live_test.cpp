#include "tools/simulate/live.hpp"

#include "tools/simulate/documents.hpp"
#include "tools/simulate/generator.hpp"
#include "tools/simulate/tables.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

using nlohmann::json;
using namespace herald::simulate;

namespace {

game rift_game(std::uint32_t index) {
  game_options options;
  options.aram_percent = options.remake_percent = options.aborted_percent = 0;
  return make_game(11, index, options);
}

json live_at(const game& played, std::int64_t time_ms, int participant = 1) {
  return json::parse(all_game_data(played, time_ms, participant));
}

// The events of a timeline document up to a time.
std::vector<json> timeline_until(const game& played, std::int64_t time_ms) {
  std::vector<json> events;
  auto document = json::parse(timeline_document(played));
  for (const auto& frame : document["info"]["frames"])
    for (const auto& event : frame["events"])
      if (event["timestamp"].get<std::int64_t>() <= time_ms)
        events.push_back(event);
  return events;
}

std::int64_t milliseconds(const json& seconds) {
  return static_cast<std::int64_t>(seconds.get<double>() * 1000 + 0.5);
}

std::string name_of(const game& played, int id) {
  return id == 0 ? "" : played.contestants[id - 1].who.game_name;
}

} // namespace

TEST_CASE("scores in a live game are what the timeline says so far") {
  auto played = rift_game(0);
  for (std::int64_t minute = 0; minute * 60'000 < played.length_ms; ++minute) {
    auto now = minute * 60'000 + 17'003;
    CAPTURE(now);
    std::map<int, int> kills, deaths, assists, levels;
    for (const auto& event : timeline_until(played, now)) {
      if (event["type"] == "CHAMPION_KILL") {
        ++kills[event["killerId"]];
        ++deaths[event["victimId"]];
        for (const auto& id :
          event.value("assistingParticipantIds", json::array()))
          ++assists[id];
      } else if (event["type"] == "LEVEL_UP") {
        levels[event["participantId"]] = event["level"];
      }
    }
    auto live = live_at(played, now);
    REQUIRE(live["allPlayers"].size() == 10);
    for (auto id = 1; id <= 10; ++id) {
      const auto& player = live["allPlayers"][id - 1];
      CHECK(player["scores"]["kills"] == kills[id]);
      CHECK(player["scores"]["deaths"] == deaths[id]);
      CHECK(player["scores"]["assists"] == assists[id]);
      CHECK(player["level"] == std::max(1, levels[id]));
      CHECK(player["team"] == (id <= 5 ? "ORDER" : "CHAOS"));
      CHECK(player["riotIdGameName"] == name_of(played, id));
    }
  }
}

TEST_CASE("minions in a live game are the frame's at the frame's time") {
  auto played = rift_game(1);
  for (const auto& frame : played.frames) {
    auto live = live_at(played, frame.at_ms);
    for (auto i = 0; i < 10; ++i)
      CHECK(live["allPlayers"][i]["scores"]["creepScore"]
        == frame.standings[i].minions + frame.standings[i].jungle_minions);
  }
}

TEST_CASE("kills are announced when the timeline has them") {
  auto played = rift_game(2);
  auto live = live_at(played, played.length_ms);
  std::vector<std::tuple<std::int64_t, std::string, std::string>> said, known;
  for (const auto& event : live["events"]["Events"])
    if (event["EventName"] == "ChampionKill")
      said.emplace_back(milliseconds(event["EventTime"]), event["KillerName"],
        event["VictimName"]);
  for (const auto& event : timeline_until(played, played.length_ms))
    if (event["type"] == "CHAMPION_KILL")
      known.emplace_back(event["timestamp"].get<std::int64_t>(),
        name_of(played, event["killerId"]), name_of(played, event["victimId"]));
  REQUIRE(said.size() == known.size());
  for (std::size_t i = 0; i < said.size(); ++i) {
    CHECK(std::get<0>(said[i]) == std::get<0>(known[i]));
    CHECK(std::get<2>(said[i]) == std::get<2>(known[i]));
    if (!std::get<1>(known[i]).empty())
      CHECK(std::get<1>(said[i]) == std::get<1>(known[i]));
    else
      CHECK((std::get<1>(said[i]).starts_with("Turret_")
        || std::get<1>(said[i]).starts_with("Minion_")));
  }
}

TEST_CASE("objectives are announced as often as the teams took them") {
  for (std::uint32_t index = 0; index < 8; ++index) {
    auto played = rift_game(index);
    std::map<std::string, int> said;
    auto live = live_at(played, played.length_ms);
    for (const auto& event : live["events"]["Events"])
      ++said[event["EventName"]];
    auto sum = [&](objective_count team_summary::* what) {
      return (played.teams[0].*what).kills + (played.teams[1].*what).kills;
    };
    CHECK(said["TurretKilled"] == sum(&team_summary::towers));
    CHECK(said["InhibKilled"] == sum(&team_summary::inhibitors));
    CHECK(said["DragonKill"] == sum(&team_summary::dragons));
    CHECK(said["HeraldKill"] == sum(&team_summary::heralds));
    CHECK(said["BaronKill"] == sum(&team_summary::barons));
    CHECK(said["HordeKill"] == sum(&team_summary::horde));
    CHECK(said["FirstBrick"] == (said["TurretKilled"] > 0 ? 1 : 0));
    CHECK(said["GameStart"] == 1);
    CHECK(said["GameEnd"] == 1);
  }
}

TEST_CASE("the events at one time begin the events at every later time") {
  auto played = rift_game(3);
  auto all = live_at(played, played.length_ms)["events"]["Events"];
  std::size_t shown = 0;
  for (std::int64_t now = 0; now <= played.length_ms; now += 9'771) {
    auto events = json::parse(event_data(played, now, 1))["Events"];
    CHECK(events.size() >= shown);
    shown = events.size();
    for (std::size_t i = 0; i < shown; ++i) {
      CHECK(events[i]["EventID"] == i);
      CHECK(events[i] == all[i]);
      CHECK(milliseconds(events[i]["EventTime"]) <= now);
    }
    if (shown < all.size())
      CHECK(milliseconds(all[shown]["EventTime"]) > now);
  }
}

TEST_CASE("whoever looks wins with his own team") {
  auto played = rift_game(4);
  for (auto id : {1, 10}) {
    auto last
      = live_at(played, played.length_ms, id)["events"]["Events"].back();
    CHECK(last["EventName"] == "GameEnd");
    CHECK(last["Result"] == (team_of(id) == played.winner ? "Win" : "Lose"));
  }
}

TEST_CASE("a dead player's respawn timer runs down to nothing") {
  auto played = rift_game(5);
  for (const auto& one : played.happenings) {
    if (one.kind != happening_kind::champion_killed
      || one.at_ms + one.length_ms >= played.length_ms)
      continue;
    auto at = [&](std::int64_t now) {
      return live_at(played, now)["allPlayers"][one.victim - 1];
    };
    CHECK(at(one.at_ms)["isDead"] == true);
    CHECK(milliseconds(at(one.at_ms)["respawnTimer"]) == one.length_ms);
    CHECK(milliseconds(at(one.at_ms + 1'000)["respawnTimer"])
      == one.length_ms - 1'000);
    CHECK(at(one.at_ms + one.length_ms)["isDead"] == false);
    CHECK(at(one.at_ms + one.length_ms)["respawnTimer"] == 0.0);
  }
}

TEST_CASE("a live game ends with the items of the match document") {
  for (std::uint32_t index = 0; index < 10; ++index) {
    auto played = make_game(11, index);
    if (played.shape == game_shape::aborted)
      continue;
    auto match = json::parse(match_document(played));
    auto live = live_at(played, played.length_ms);
    for (auto i = 0; i < 10; ++i) {
      std::multiset<int> expected, shown;
      const auto& who = match["info"]["participants"][i];
      for (auto slot = 0; slot < 7; ++slot)
        expected.insert(who["item" + std::to_string(slot)].get<int>());
      expected.erase(0);
      for (const auto& held : live["allPlayers"][i]["items"]) {
        shown.insert(held["itemID"].get<int>());
        CHECK(held["price"].get<int>() >= 0);
        CHECK(held["slot"].get<int>() <= 6);
      }
      CHECK(shown == expected);
    }
  }
}

TEST_CASE("the active player is the one whose client it is") {
  auto played = rift_game(6);
  for (auto id = 1; id <= 10; ++id) {
    auto live = live_at(played, 700'000, id);
    const auto& active = live["activePlayer"];
    const auto& who = played.contestants[id - 1].who;
    CHECK(active["riotId"] == who.game_name + "#" + who.tag_line);
    CHECK(active["level"] == live["allPlayers"][id - 1]["level"]);
    auto learnt = 0;
    for (auto key : {"Q", "W", "E", "R"})
      learnt += active["abilities"][key]["abilityLevel"].get<int>();
    CHECK(learnt <= active["level"].get<int>());
    CHECK(learnt > 0);
  }
}

TEST_CASE("parts of the live client data are the whole's") {
  auto played = rift_game(7);
  auto live = live_at(played, 900'000);
  CHECK(json::parse(event_data(played, 900'000, 1)) == live["events"]);
  CHECK(json::parse(game_stats(played, 900'000)) == live["gameData"]);
  CHECK(json::parse(player_list(played, 900'000)) == live["allPlayers"]);
  CHECK(live["gameData"]["gameTime"] == 900.0);
}

TEST_CASE("live documents have whatever their descriptions require") {
  const std::filesystem::path shared
    = std::filesystem::path{HERALD_SOURCE_DIR} / "../shared/data/riot/schema";
  if (!std::filesystem::exists(shared)) {
    WARN("skipped: there are no descriptions beside the repository");
    return;
  }
  auto read = [&](const char* name) {
    std::ifstream in{shared / name};
    return json::parse(in)["components"]["schemas"];
  };
  auto check = [](auto& self, const json& schemas, const json& value,
                 const std::string& name) -> void {
    const auto& schema = schemas.at(name);
    for (const auto& wanted : schema.value("required", json::array())) {
      CAPTURE(name, wanted.get<std::string>());
      CHECK(value.contains(wanted.get<std::string>()));
    }
    for (const auto& [key, type] : schema["properties"].items()) {
      if (!value.contains(key))
        continue;
      auto of = type.contains("items") ? type["items"] : type;
      if (!of.contains("$ref"))
        continue;
      auto ref = of["$ref"].template get<std::string>();
      ref = ref.substr(ref.rfind('/') + 1);
      if (schemas.at(ref).value("type", "object") != "object")
        continue;
      if (value[key].is_array())
        for (const auto& one : value[key])
          self(self, schemas, one, ref);
      else
        self(self, schemas, value[key], ref);
    }
  };
  auto played = rift_game(8);
  auto live = read("liveclient-openapi.json");
  for (auto now : {0, 400'000, 1'000'000})
    check(check, live, live_at(played, now), "LiveClientData.AllGameData");
  check(check, read("openapi-3.0.0.min.json"),
    json::parse(current_game(played, 300'000)), "spectator-v5.CurrentGameInfo");
}

TEST_CASE("a spectator sees who plays, and no score") {
  auto played = rift_game(9);
  auto seen = json::parse(current_game(played, 754'321));
  CHECK(seen["gameLength"] == 754);
  CHECK(seen["gameId"] == played.game_id);
  CHECK(seen["gameStartTime"] == played.start_ms);
  CHECK(seen["platformId"] == "EUW1");
  REQUIRE(seen["participants"].size() == 10);
  for (auto i = 0; i < 10; ++i) {
    const auto& who = seen["participants"][i];
    CHECK(who["puuid"] == played.contestants[i].who.puuid);
    CHECK(who["championId"] == played.contestants[i].plays->id);
    CHECK_FALSE(who.contains("kills"));
  }
}
