#include "tools/simulate/documents.hpp"
#include "tools/simulate/generator.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

// Every rule that can be checked with certainty, written again from its
// description: over documents alone, knowing nothing of the generator.

using nlohmann::json;
using namespace herald::simulate;

namespace {

constexpr std::uint32_t games = 200;

// Remakes and the abyss come often enough that 200 games have some.
game_options mixed() {
  game_options options;
  options.remake_percent = 5;
  options.aborted_percent = 0;
  options.aram_percent = 20;
  return options;
}

struct pair {
  json match;
  json timeline;
};

const std::vector<pair>& all_pairs() {
  static const std::vector<pair> all = [] {
    std::vector<pair> made;
    for (std::uint32_t index = 0; index < games; ++index) {
      auto played = make_game(7, index, mixed());
      made.push_back({json::parse(match_document(played)),
        json::parse(timeline_document(played))});
    }
    return made;
  }();
  return all;
}

// Calls `check` with each pair and says which one it was when it fails.
template <class Check>
void for_each_pair(Check check) {
  for (const auto& one : all_pairs()) {
    CAPTURE(one.match["metadata"]["matchId"].get<std::string>());
    check(one.match, one.timeline);
  }
}

// A participant's integer.
std::int64_t of(const json& who, const char* name) {
  return who.at(name).get<std::int64_t>();
}

const json& people(const json& match) {
  return match["info"]["participants"];
}

} // namespace

TEST_CASE("rule 1: the match id is the platform and the game id") {
  for_each_pair([](const json& match, const json&) {
    const auto& info = match["info"];
    CHECK(match["metadata"]["matchId"]
      == info["platformId"].get<std::string>() + "_"
        + std::to_string(info["gameId"].get<std::int64_t>()));
    CHECK(info["gameId"].get<std::int64_t>() > 0xffff'ffffLL);
  });
}

TEST_CASE("rule 2: participants are numbered in order from 1") {
  for_each_pair([](const json& match, const json&) {
    REQUIRE(people(match).size() == 10);
    for (std::size_t i = 0; i < 10; ++i)
      CHECK(of(people(match)[i], "participantId") == std::int64_t(i) + 1);
  });
}

TEST_CASE("rule 3: the metadata lists the participants' ids in order") {
  for_each_pair([](const json& match, const json&) {
    std::set<std::string> seen;
    const auto& listed = match["metadata"]["participants"];
    REQUIRE(listed.size() == 10);
    for (std::size_t i = 0; i < 10; ++i) {
      auto puuid = listed[i].get<std::string>();
      CHECK(people(match)[i]["puuid"] == puuid);
      CHECK(puuid.size() == 78);
      CHECK(puuid.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
                                    "nopqrstuvwxyz0123456789-_")
        == std::string::npos);
      CHECK(seen.insert(puuid).second);
    }
  });
}

TEST_CASE("rule 4: a game begins before it ends and lasts no longer") {
  for_each_pair([](const json& match, const json&) {
    const auto& info = match["info"];
    auto creation = of(info, "gameCreation");
    auto start = of(info, "gameStartTimestamp");
    auto end = of(info, "gameEndTimestamp");
    CHECK(creation <= start);
    CHECK(start < end);
    CHECK(of(info, "gameDuration") * 1000 <= end - start + 1000);
    CHECK(end - start - of(info, "gameDuration") * 1000 <= 1500);
  });
}

TEST_CASE("rule 5: two teams of five with different champions") {
  for_each_pair([](const json& match, const json&) {
    const auto& teams = match["info"]["teams"];
    REQUIRE(teams.size() == 2);
    CHECK(teams[0]["teamId"] == 100);
    CHECK(teams[1]["teamId"] == 200);
    std::map<std::int64_t, std::set<std::int64_t>> champions;
    for (std::size_t i = 0; i < 10; ++i) {
      CHECK(of(people(match)[i], "teamId") == (i < 5 ? 100 : 200));
      champions[of(people(match)[i], "teamId")].insert(
        of(people(match)[i], "championId"));
    }
    CHECK(champions[100].size() == 5);
    CHECK(champions[200].size() == 5);
  });
}

TEST_CASE("rule 6: exactly one team wins, and all of it does") {
  for_each_pair([](const json& match, const json&) {
    const auto& teams = match["info"]["teams"];
    CHECK(teams[0]["win"] != teams[1]["win"]);
    for (std::size_t i = 0; i < 10; ++i)
      CHECK(people(match)[i]["win"] == teams[i / 5]["win"]);
  });
}

TEST_CASE("rule 7: everybody agrees on how the game ended") {
  auto remakes = 0, surrenders = 0;
  for_each_pair([&](const json& match, const json&) {
    for (const auto& who : people(match))
      for (auto name : {"gameEndedInEarlySurrender", "gameEndedInSurrender"})
        CHECK(who[name] == people(match)[0][name]);
    remakes += people(match)[0]["gameEndedInEarlySurrender"].get<bool>();
    surrenders += people(match)[0]["gameEndedInSurrender"].get<bool>();
  });
  CHECK(remakes > 0);
  CHECK(surrenders > 0);
}

TEST_CASE("rule 8: at most one draws first blood") {
  for_each_pair([](const json& match, const json& timeline) {
    std::int64_t said = 0;
    auto count = 0;
    for (const auto& who : people(match))
      if (who["firstBloodKill"].get<bool>()) {
        ++count;
        said = of(who, "participantId");
      }
    CHECK(count <= 1);
    std::int64_t first = 0;
    for (const auto& frame : timeline["info"]["frames"])
      for (const auto& event : frame["events"])
        if (first == 0 && event["type"] == "CHAMPION_KILL")
          first = of(event, "killerId");
    CHECK(said == first);
  });
}

TEST_CASE("rule 9: greater multikills are rarer and nothing is negative") {
  for_each_pair([](const json& match, const json&) {
    for (const auto& who : people(match)) {
      CHECK(of(who, "doubleKills") >= of(who, "tripleKills"));
      CHECK(of(who, "tripleKills") >= of(who, "quadraKills"));
      CHECK(of(who, "quadraKills") >= of(who, "pentaKills"));
      CHECK(of(who, "largestKillingSpree") <= of(who, "kills"));
      CHECK(of(who, "largestMultiKill") <= of(who, "kills"));
      for (const auto& [name, value] : who.items())
        if (value.is_number_integer()) {
          CAPTURE(name);
          CHECK(value.get<std::int64_t>() >= 0);
        }
    }
  });
}

TEST_CASE("rule 10: times fit into the game and damage adds up") {
  for_each_pair([](const json& match, const json&) {
    auto duration = of(match["info"], "gameDuration");
    for (const auto& who : people(match)) {
      CHECK(of(who, "timePlayed") <= duration + 1);
      CHECK(of(who, "longestTimeSpentLiving") <= duration + 1);
      CHECK(
        of(who, "totalDamageDealtToChampions") <= of(who, "totalDamageDealt"));
      CHECK(of(who, "totalDamageTaken")
        == of(who, "physicalDamageTaken") + of(who, "magicDamageTaken")
          + of(who, "trueDamageTaken"));
    }
  });
}

TEST_CASE("rule 11: a timeline goes forward minute by minute to its end") {
  for_each_pair([](const json& match, const json& timeline) {
    CHECK(timeline["metadata"] == match["metadata"]);
    const auto& info = timeline["info"];
    CHECK(info["gameId"] == match["info"]["gameId"]);
    CHECK(info["frameInterval"] == 60'000);
    const auto& frames = info["frames"];
    REQUIRE(frames.size() >= 2);
    CHECK(of(frames[0], "timestamp") == 0);
    std::int64_t last_event = 0;
    auto ends = 0;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      auto now = of(frames[i], "timestamp");
      auto before = i == 0 ? 0 : of(frames[i - 1], "timestamp");
      if (i > 0 && i + 1 < frames.size()) {
        CHECK(now - before >= 60'000);
        CHECK(now - before < 60'200);
      }
      for (const auto& event : frames[i]["events"]) {
        auto at = of(event, "timestamp");
        CHECK(at >= last_event);
        CHECK(at <= now);
        if (i > 0)
          CHECK(at > before);
        last_event = at;
        ends += event["type"] == "GAME_END";
      }
      if (i == 0)
        continue;
      for (auto id = 1; id <= 10; ++id) {
        auto key = std::to_string(id);
        const auto& was = frames[i - 1]["participantFrames"][key];
        const auto& is = frames[i]["participantFrames"][key];
        for (auto name :
          {"totalGold", "xp", "level", "minionsKilled", "jungleMinionsKilled"})
          CHECK(of(was, name) <= of(is, name));
      }
    }
    CHECK(ends == 1);
    CHECK(frames.back()["events"].back()["type"] == "GAME_END");
  });
}

namespace {

// What a replay of a timeline counts.
struct replay {
  struct person {
    std::int64_t kills = 0, deaths = 0, assists = 0, level = 1;
  };
  std::map<std::int64_t, person> people;
  std::map<std::int64_t, std::map<std::string, std::int64_t>> teams;
  std::map<std::string, std::int64_t> firsts;

  void take(std::int64_t team, const std::string& what) {
    if (teams[100][what] + teams[200][what] == 0)
      firsts[what] = team;
    ++teams[team][what];
  }

  void add(const json& event) {
    auto type = event["type"].get<std::string>();
    if (type == "CHAMPION_KILL") {
      auto killer = of(event, "killerId");
      auto victim = of(event, "victimId");
      if (killer > 0) {
        ++people[killer].kills;
        if (!firsts.contains("champion"))
          firsts["champion"] = killer <= 5 ? 100 : 200;
      }
      ++people[victim].deaths;
      ++teams[victim <= 5 ? 200 : 100]["champion"];
      if (event.contains("assistingParticipantIds"))
        for (const auto& id : event["assistingParticipantIds"])
          ++people[id.get<std::int64_t>()].assists;
    } else if (type == "BUILDING_KILL") {
      take(of(event, "teamId") == 100 ? 200 : 100,
        event["buildingType"] == "TOWER_BUILDING" ? "tower" : "inhibitor");
    } else if (type == "ELITE_MONSTER_KILL") {
      const std::map<std::string, std::string> names{{"DRAGON", "dragon"},
        {"RIFTHERALD", "riftHerald"}, {"BARON_NASHOR", "baron"},
        {"HORDE", "horde"}};
      take(of(event, "killerTeamId"), names.at(event["monsterType"]));
    } else if (type == "LEVEL_UP") {
      CHECK(of(event, "level") == people[of(event, "participantId")].level + 1);
      ++people[of(event, "participantId")].level;
    }
  }
};

} // namespace

TEST_CASE("rule 12: replaying the timeline gives the match document") {
  for_each_pair([](const json& match, const json& timeline) {
    replay counted;
    for (const auto& frame : timeline["info"]["frames"]) {
      for (const auto& event : frame["events"])
        counted.add(event);
      for (auto id = 1; id <= 10; ++id)
        CHECK(of(frame["participantFrames"][std::to_string(id)], "level")
          == counted.people[id].level);
    }
    const auto& last = timeline["info"]["frames"].back()["participantFrames"];
    for (const auto& who : people(match)) {
      auto id = of(who, "participantId");
      const auto& frame = last[std::to_string(id)];
      CHECK(of(who, "kills") == counted.people[id].kills);
      CHECK(of(who, "deaths") == counted.people[id].deaths);
      CHECK(of(who, "assists") == counted.people[id].assists);
      CHECK(of(who, "goldEarned") == of(frame, "totalGold"));
      CHECK(of(who, "champExperience") == of(frame, "xp"));
      CHECK(of(who, "champLevel") == of(frame, "level"));
      CHECK(of(who, "totalMinionsKilled") == of(frame, "minionsKilled"));
      CHECK(
        of(who, "neutralMinionsKilled") == of(frame, "jungleMinionsKilled"));
    }
    for (const auto& team : match["info"]["teams"])
      for (const auto& [name, taken] : team["objectives"].items()) {
        CAPTURE(name);
        auto id = of(team, "teamId");
        CHECK(of(taken, "kills") == counted.teams[id][name]);
        auto first = counted.firsts.find(name);
        CHECK(taken["first"].get<bool>()
          == (first != counted.firsts.end() && first->second == id));
      }
  });
}

TEST_CASE("rule 13: the timeline's end names the winner in time") {
  for_each_pair([](const json& match, const json& timeline) {
    const auto& end = timeline["info"]["frames"].back()["events"].back();
    const auto& teams = match["info"]["teams"];
    CHECK(of(end, "winningTeam") == (teams[0]["win"].get<bool>() ? 100 : 200));
    auto off = of(end, "timestamp") - of(match["info"], "gameDuration") * 1000;
    CHECK(std::abs(off) <= 2'000);
  });
}
