#include "actors/riot/live.hpp"

#include "actors/riot/item_prices.hpp"
#include "actors/riot/replay.hpp"
#include "protocol/schema/avro.hpp"
#include "protocol/schema/json.hpp"
#include "protocol/schema/record.hpp"
#include "tests/riot/base_document.hpp"
#include "tools/simulate/documents.hpp"
#include "tools/simulate/generator.hpp"
#include "tools/simulate/live.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <string>

using namespace herald;
using namespace herald::riot;

namespace {

/// What a client shows of a game of two against two: Ann and Bob are blue, Cid
/// and a bot are red.
json all_game_data() {
  const auto player = [](const char* name, const char* team, int kills) {
    return json{{"championName", "Wukong"},
      {"rawChampionName", "game_character_displayname_MonkeyKing"},
      {"isBot", false}, {"isDead", false}, {"items", json::array()},
      {"level", 3}, {"position", "TOP"}, {"respawnTimer", 0.0},
      {"riotId", std::string{name} + "#EUW"}, {"riotIdGameName", name},
      {"riotIdTagLine", "EUW"}, {"summonerName", name},
      {"scores",
        {{"assists", 1}, {"creepScore", 20}, {"deaths", 0}, {"kills", kills},
          {"wardScore", 0.5}}},
      {"team", team}, {"unknown", "x"}};
  };
  json data;
  data["activePlayer"] = {{"summonerName", "Ann"}};
  data["allPlayers"] = {player("Ann", "ORDER", 2), player("Bob", "ORDER", 1),
    player("Cid", "CHAOS", 0), player("Garen Bot", "CHAOS", 4)};
  data["allPlayers"][3]["isBot"] = true;
  data["events"]["Events"] = json::array();
  data["gameData"] = {{"gameMode", "CLASSIC"}, {"gameTime", 100.5},
    {"mapName", "Map11"}, {"mapNumber", 11}, {"mapTerrain", "Default"}};
  return data;
}

json& add_event(json& data, const char* name, json members = {}) {
  auto& events = data["events"]["Events"];
  json happened{{"EventID", events.size()}, {"EventName", name},
    {"EventTime", 10.0 * static_cast<double>(events.size())}};
  if (members.is_object())
    happened.update(members);
  events.push_back(std::move(happened));
  return events.back();
}

live_observation seen(const json& data) {
  auto read = read_live(data.dump());
  if (!read)
    FAIL(read.error().pointer << ' ' << read.error().reason);
  return std::move(*read);
}

/// The only event of a feed that has one.
event::live_event one_event(const char* name, json members) {
  auto data = all_game_data();
  add_event(data, name, std::move(members));
  auto observed = seen(data);
  REQUIRE(observed.events.size() == 1);
  return observed.events[0];
}

simulate::game generated_game() {
  simulate::game_options options;
  options.remake_percent = options.aborted_percent = options.aram_percent = 0;
  return simulate::make_game(1, 0, options);
}

} // namespace

TEST_CASE("players of a running game are numbered, teams are 100 and 200") {
  const auto observed = seen(all_game_data());
  CHECK(observed.game_time == 100.5);
  CHECK(observed.game_mode == "CLASSIC");
  CHECK(observed.map_id == 11);
  CHECK_FALSE(observed.spectating);
  REQUIRE(observed.participants.size() == 4);
  CHECK(observed.participants[2].participantId == 3);
  CHECK(observed.participants[0].teamId == 100);
  CHECK(observed.participants[2].teamId == 200);
  CHECK(observed.participants[0].kills == 2);
}

TEST_CASE("a champion has one name in every language") {
  auto data = all_game_data();
  data["allPlayers"][0]["championName"] = "\u9f4a\u5929\u5927\u8056";
  CHECK(seen(data).participants[0].championName == "MonkeyKing");
  data["allPlayers"][0].erase("rawChampionName");
  CHECK(seen(data).participants[0].championName == "\u9f4a\u5929\u5927\u8056");
}

TEST_CASE("names of a running game stay with its people, bots have none") {
  const auto observed = seen(all_game_data());
  REQUIRE(observed.people.size() == 3);
  CHECK(observed.people[1].participant_id == 2);
  CHECK(observed.people[1].game_name == "Bob");
  CHECK(observed.people[1].tag_line == "EUW");
  CHECK(observed.people[1].puuid.empty());
}

TEST_CASE("an old client knows summoner names alone") {
  auto data = all_game_data();
  for (auto& player : data["allPlayers"]) {
    player.erase("riotId");
    player.erase("riotIdGameName");
    player.erase("riotIdTagLine");
    player.erase("isBot");
  }
  add_event(data, "ChampionKill",
    {{"KillerName", "Ann"}, {"VictimName", "Cid"}, {"Assisters", {"Bob"}}});
  const auto observed = seen(data);
  CHECK(observed.events[0].killerId == 1);
  CHECK(observed.events[0].victimId == 3);
  CHECK(observed.people.size() == 4);
}

TEST_CASE("a kill names participants by number") {
  const auto kill = one_event("ChampionKill",
    {{"KillerName", "Cid"}, {"VictimName", "Ann"},
      {"Assisters", {"Garen Bot", "Somebody else"}}});
  CHECK(kill.killerId == 3);
  CHECK(kill.victimId == 1);
  CHECK(kill.assisterIds == std::vector<std::int32_t>{4});
  CHECK(kill.teamId == 200);
}

TEST_CASE("names are found with their tag line too") {
  const auto kill = one_event(
    "ChampionKill", {{"KillerName", "Bob#EUW"}, {"VictimName", "Cid#EUW"}});
  CHECK(kill.killerId == 2);
  CHECK(kill.victimId == 3);
}

TEST_CASE("a hidden name is nobody and reaches no event") {
  auto data = all_game_data();
  add_event(data, "ChampionKill",
    {{"KillerName", "Miss Fortune"}, {"VictimName", "Secret Person"}});
  add_event(
    data, "BaronKill", {{"KillerName", "Secret Person"}, {"Stolen", "False"}});
  add_event(data, "Secret Person", {{"Result", "Secret Person"}});
  const auto found = difference({}, seen(data));
  REQUIRE(found.update.events.size() == 2);
  CHECK_FALSE(found.update.events[0].killerId);
  CHECK_FALSE(found.update.events[0].teamId);
  CHECK(avro_encode(found.update).find("Secret") == bytes::npos);
  CHECK(avro_encode(found.update).find("Ann") == bytes::npos);
}

TEST_CASE("two players of one name are told apart by nobody") {
  auto data = all_game_data();
  data["allPlayers"][1]["riotIdGameName"] = "Ann";
  data["allPlayers"][1]["summonerName"] = "Ann";
  add_event(
    data, "ChampionKill", {{"KillerName", "Ann"}, {"VictimName", "Cid"}});
  const auto kill = seen(data).events[0];
  CHECK_FALSE(kill.killerId);
  CHECK(kill.teamId == 100);
}

TEST_CASE("a turret or minion that kills is told, with its team") {
  const auto by_turret = one_event("ChampionKill",
    {{"KillerName", "Turret_T2_C_05_A"}, {"VictimName", "Ann"}});
  CHECK_FALSE(by_turret.killerId);
  CHECK(by_turret.structure == "Turret_T2_C_05_A");
  CHECK(by_turret.teamId == 200);
  const auto by_minion = one_event("ChampionKill",
    {{"KillerName", "Minion_T100L2S13N0077"}, {"VictimName", "Cid"}});
  CHECK(by_minion.monsterType == "Minion_T100L2S13N0077");
  CHECK(by_minion.teamId == 100);
  const auto by_monster = one_event(
    "ChampionKill", {{"KillerName", "SRU_Baron12.1.1"}, {"VictimName", "Cid"}});
  CHECK_FALSE(by_monster.killerId);
}

TEST_CASE("a building counts for the other team than its owner") {
  for (const auto* name : {"Turret_T1_L_03_A", "Turret_TOrder_L2_P3_25215_0"})
    CHECK(one_event("TurretKilled",
            {{"KillerName", "Minion_T200L2S13N0077"}, {"TurretKilled", name}})
            .teamId
      == 200);
  for (const auto* name : {"Turret_T2_C_02_A", "Turret_TChaos_L1_P4_39243_0"})
    CHECK(
      one_event("TurretKilled", {{"KillerName", "Ann"}, {"TurretKilled", name}})
        .teamId
      == 100);
  const auto inhibitor = one_event(
    "InhibKilled", {{"KillerName", "Cid"}, {"InhibKilled", "Barracks_T1_L1"}});
  CHECK(inhibitor.teamId == 200);
  CHECK(inhibitor.structure == "Barracks_T1_L1");
}

TEST_CASE("a dragon has its kind, its thief and its team") {
  const auto dragon = one_event("DragonKill",
    {{"KillerName", "Bob"}, {"DragonType", "Fire"}, {"Stolen", "True"},
      {"Assisters", {"Ann"}}});
  CHECK(dragon.monsterType == "Fire");
  CHECK(dragon.stolen == true);
  CHECK(dragon.killerId == 2);
  CHECK(dragon.teamId == 100);
}

TEST_CASE("first blood, aces, multikills and the end have their fields") {
  CHECK(one_event("FirstBlood", {{"Recipient", "Cid"}}).killerId == 3);
  const auto ace = one_event("Ace", {{"Acer", "Ann"}, {"AcingTeam", "ORDER"}});
  CHECK(ace.killerId == 1);
  CHECK(ace.teamId == 100);
  CHECK(one_event("Multikill", {{"KillerName", "Ann"}, {"KillStreak", 3}})
          .killStreak
    == 3);
  CHECK(one_event("GameEnd", {{"Result", "Win"}}).result == "Win");
}

TEST_CASE("objectives are counted from the events, kills from the scores") {
  auto data = all_game_data();
  add_event(data, "GameStart");
  add_event(data, "DragonKill", {{"KillerName", "Ann"}, {"DragonType", "Air"}});
  add_event(data, "HordeKill", {{"KillerName", "Cid"}});
  add_event(data, "HordeKill", {{"KillerName", "Cid"}});
  add_event(data, "HeraldKill", {{"KillerName", "Bob"}});
  add_event(data, "TurretKilled",
    {{"KillerName", "Bob"}, {"TurretKilled", "Turret_T2_L_03_A"}});
  add_event(data, "InhibKilled",
    {{"KillerName", "Cid"}, {"InhibKilled", "Barracks_T1_C1"}});
  add_event(data, "BaronKill", {{"KillerName", "Cid"}});
  const auto teams = difference({}, seen(data)).update.teams;
  REQUIRE(teams.size() == 2);
  CHECK(teams[0] == event::live_team{100, 3, 1, 0, 1, 1, 0, 0, 0});
  CHECK(teams[1] == event::live_team{200, 4, 0, 1, 0, 0, 1, 2, 0});
}

TEST_CASE("only events that were not told yet are told") {
  auto data = all_game_data();
  add_event(data, "GameStart");
  add_event(data, "DragonKill", {{"KillerName", "Ann"}});
  const auto first = difference({}, seen(data));
  CHECK(first.update.events.size() == 2);
  data["gameData"]["gameTime"] = 101.5;
  add_event(data, "DragonKill", {{"KillerName", "Ann"}});
  const auto second = difference(first.after, seen(data));
  REQUIRE(second.update.events.size() == 1);
  CHECK(second.update.events[0].eventId == 2);
  CHECK(second.update.teams[0].dragons == 2);
  CHECK(second.changed);
}

TEST_CASE("looking again changes nothing, nor does a look that came late") {
  auto data = all_game_data();
  add_event(data, "GameStart");
  const auto first = difference({}, seen(data));
  CHECK(first.changed);
  CHECK_FALSE(difference(first.after, seen(data)).changed);
  data["gameData"]["gameTime"] = 50.0;
  data["allPlayers"][0]["scores"]["kills"] = 0;
  add_event(data, "MinionsSpawning");
  const auto late = difference(first.after, seen(data));
  CHECK_FALSE(late.changed);
  CHECK(late.after == first.after);
}

TEST_CASE("a clock that moves is no news, a score is") {
  auto data = all_game_data();
  const auto first = difference({}, seen(data));
  data["gameData"]["gameTime"] = 110.0;
  data["allPlayers"][1]["respawnTimer"] = 3.5;
  data["allPlayers"][1]["scores"]["wardScore"] = 0.75;
  const auto quiet = difference(first.after, seen(data));
  CHECK_FALSE(quiet.changed);
  CHECK(quiet.after.game_time == 110.0);
  data["allPlayers"][1]["scores"]["creepScore"] = 30;
  CHECK(difference(quiet.after, seen(data)).changed);
}

TEST_CASE("sample events, all numbered 0, are not told") {
  auto data = all_game_data();
  for (const auto* name : {"GameStart", "MinionsSpawning", "FirstBrick"})
    add_event(data, name)["EventID"] = 0;
  add_event(data, "TurretKilled",
    {{"EventID", 0}, {"TurretKilled", "Turret_T2_L_03_A"}});
  add_event(data, "GameEnd", {{"EventID", 53}, {"Result", "Win"}});
  const auto found = difference({}, seen(data));
  REQUIRE(found.update.events.size() == 2);
  CHECK(found.update.events[0].name == "GameStart");
  CHECK(found.update.events[1].name == "GameEnd");
  CHECK(found.update.teams[0].towers == 0);
  CHECK(found.after.last_event_id == 53);
}

TEST_CASE("items are worth what they cost in all") {
  auto data = all_game_data();
  // Trinity Force: 333 for the last step, ten times that in all.
  data["allPlayers"][0]["items"] = {{{"itemID", 3078}, {"price", 333}},
    {{"itemID", 2003}, {"count", 2}, {"price", 50}},
    {{"itemID", 999'999}, {"count", 1}, {"price", 7}}};
  const auto who = seen(data).participants[0];
  CHECK(who.items == std::vector<std::int32_t>{3078, 2003, 999'999});
  CHECK(who.itemGold == *item_price(3078) + 2 * *item_price(2003) + 7);
  CHECK(*item_price(3078) > 3000);
  CHECK_FALSE(item_price(0));
  const auto found = difference({}, seen(data));
  CHECK(found.update.teams[0].itemGold == who.itemGold);
}

TEST_CASE("prices without reason stay a number") {
  auto data = all_game_data();
  data["allPlayers"][0]["items"]
    = {{{"itemID", 1}, {"count", 2'000'000'000}, {"price", 2'000'000'000}},
      {{"itemID", 2}, {"count", -5}, {"price", -5}}};
  data["allPlayers"][0]["scores"]["kills"] = 2'000'000'000;
  data["allPlayers"][1]["scores"]["kills"] = 2'000'000'000;
  const auto found = difference({}, seen(data));
  CHECK(found.update.teams[0].kills == 2'147'483'647);
  CHECK(*found.update.teams[0].itemGold == 1'000'000);
}

TEST_CASE("a spectator's client is trusted less") {
  auto data = all_game_data();
  data["activePlayer"]
    = {{"error", "Spectator mode doesn't currently support this feature"}};
  const auto observed = seen(data);
  CHECK(observed.spectating);
  CHECK(difference({}, observed).update.confidence == 0.8);
  data.erase("activePlayer");
  CHECK(difference({}, seen(data)).update.confidence == 1.0);
}

TEST_CASE("what is no answer of a client is refused with its place") {
  const auto refused_at = [](const std::function<void(json&)>& change) {
    auto data = all_game_data();
    change(data);
    const auto read = read_live(data.dump());
    REQUIRE_FALSE(read);
    CHECK(read.error().rule == "shape");
    return read.error().pointer;
  };
  CHECK(refused_at([](json& x) { x.erase("gameData"); }) == "/gameData");
  CHECK(refused_at([](json& x) { x.erase("allPlayers"); }) == "/allPlayers");
  CHECK(refused_at([](json& x) { x.erase("events"); }) == "/events");
  CHECK(refused_at([](json& x) { x["allPlayers"][1].erase("scores"); })
    == "/allPlayers/1/scores");
  CHECK(refused_at([](json& x) { x["gameData"]["gameTime"] = "soon"; })
    == "/gameData/gameTime");
  CHECK(refused_at([](json& x) {
    for (int i = 0; i < 100; ++i)
      x["allPlayers"].push_back(x["allPlayers"][0]);
  }) == "/allPlayers");
  for (const auto* text : {"", "null", "[]", "{\"httpStatus\":404}", "<html>"})
    CHECK_FALSE(read_live(text));
}

TEST_CASE("a generated game seen live ends as its document says") {
  const auto game = generated_game();
  const auto match = summarize(std::get<event::match_completed>(
    read_document(simulate::match_document(game))->content));
  live_state state;
  std::size_t told = 0;
  constexpr std::int64_t step_ms = 10'000;
  for (auto at = std::int64_t{0}; at < game.length_ms + step_ms;
    at += step_ms) {
    const auto observed = read_live(simulate::all_game_data(game, at, 1));
    REQUIRE(observed);
    auto found = difference(state, *observed);
    told += found.update.events.size();
    state = std::move(found.after);
  }
  CHECK(told == static_cast<std::size_t>(state.last_event_id) + 1);
  REQUIRE(match.teams.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(state.teams[i].towers == match.teams[i].towers);
    CHECK(state.teams[i].inhibitors == match.teams[i].inhibitors);
    CHECK(state.teams[i].dragons == match.teams[i].dragons);
    CHECK(state.teams[i].heralds == match.teams[i].heralds);
    CHECK(state.teams[i].barons == match.teams[i].barons);
    CHECK(state.teams[i].horde == match.teams[i].horde.value_or(0));
  }
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(state.participants[i].kills == match.participants[i].kills);
    CHECK(state.participants[i].deaths == match.participants[i].deaths);
    CHECK(state.participants[i].assists == match.participants[i].assists);
    CHECK(state.participants[i].championName
      == match.participants[i].champion_name);
  }
}

TEST_CASE("a state of a running game survives being stored") {
  const auto game = generated_game();
  const auto observed = read_live(simulate::all_game_data(game, 600'000, 3));
  REQUIRE(observed);
  const auto state = difference({}, *observed).after;
  const auto read = avro_decode<live_state>(avro_encode(state));
  REQUIRE(read);
  CHECK(*read == state);
}

TEST_CASE("spectator-v5 starts a live match") {
  const auto game = generated_game();
  auto start = read_spectator(simulate::current_game(game, 90'000));
  REQUIRE(start);
  const auto& content = start->content;
  CHECK(content.matchId == game.match_id());
  CHECK(content.source == "spectator-v5");
  CHECK(content.confidence == 0.9);
  CHECK(content.gameStartTime == game.start_ms);
  CHECK(content.queueId == game.queue_id);
  CHECK(content.participants.size() == 10);
  CHECK(content.participants[0].teamId == 100);
  CHECK(start->people.size() == 10);
  CHECK(start->people[4].puuid == game.contestants[4].who.puuid);
  CHECK(start->people[4].tag_line == game.contestants[4].who.tag_line);
  set_player_id(*start, start->people[4], "00f1e2d3c4b5a697");
  CHECK(start->content.participants[4].playerId == "00f1e2d3c4b5a697");
}

TEST_CASE("hidden players and bots of spectator-v5 are nobody") {
  auto info = json::parse(simulate::current_game(generated_game(), 90'000));
  info["participants"][2]["puuid"] = nullptr;
  info["participants"][2]["riotId"] = "Lux";
  info["participants"][3].erase("puuid");
  info["participants"][4]["bot"] = true;
  const auto start = read_spectator(info.dump());
  REQUIRE(start);
  CHECK(start->people.size() == 7);
  CHECK(start->people[2].participant_id == 6);
  CHECK(start->content.participants.size() == 10);
  CHECK(avro_encode(start->content).find("Lux") == bytes::npos);
}

TEST_CASE("spectator-v5 without what the event needs is refused") {
  auto info = json::parse(simulate::current_game(generated_game(), 90'000));
  info["participants"][3].erase("championId");
  CHECK(read_spectator(info.dump()).error().pointer
    == "/participants/3/championId");
  info.erase("participants");
  CHECK(read_spectator(info.dump()).error().pointer == "/participants");
  CHECK_FALSE(read_spectator("{}"));
}
