#include "actors/riot/rules.hpp"

#include "protocol/schema/record.hpp"
#include "tests/riot/base_document.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <string>

using namespace herald;
using namespace herald::riot;

namespace {

match_summary short_match(const json& text) {
  return summarize(std::get<event::match_completed>(accepted(text).content));
}

timeline_summary short_timeline(const json& text) {
  return replay(
    std::get<event::match_timeline_recorded>(accepted(text).content));
}

/// Changes one place of a valid document, which then breaks one rule there.
void check_match(const char* rule, const char* pointer,
  const std::function<void(json& info, json& document)>& change) {
  auto source = base_match();
  change(source["info"], source);
  const auto why = refused(source);
  INFO(why.reason);
  CHECK(why.rule == rule);
  CHECK(why.pointer == pointer);
}

void check_timeline(
  const char* pointer, const std::function<void(json& info)>& change) {
  auto source = base_timeline();
  change(source["info"]);
  const auto why = refused(source);
  INFO(why.reason);
  CHECK(why.rule == "riot.8.11");
  CHECK(why.pointer == pointer);
}

/// Changes one number of an agreeing pair.
void check_pair_broken(const char* rule, const char* pointer,
  const std::function<void(match_summary&, timeline_summary&)>& change) {
  auto match = short_match(base_match());
  auto timeline = short_timeline(base_timeline());
  change(match, timeline);
  const auto why = check_pair(match, timeline);
  REQUIRE(why);
  INFO(why->reason);
  CHECK(why->rule == rule);
  CHECK(why->pointer == pointer);
}

json& participant(json& info, std::size_t place) {
  return info["participants"][place];
}

} // namespace

TEST_CASE("rule 1: the match id is platform and game id") {
  check_match("riot.8.1", "/metadata/matchId",
    [](json&, json& document) { document["metadata"]["matchId"] = "EUW1_1"; });
  check_match("riot.8.1", "/metadata/matchId",
    [](json& info, json&) { info["platformId"] = "KR"; });
}

TEST_CASE("rule 2: participants are numbered by their place") {
  check_match("riot.8.2", "/info/participants/4/participantId",
    [](json& info, json&) { participant(info, 4)["participantId"] = 6; });
}

TEST_CASE("rule 3: the listed PUUIDs are those of the non-bots, in order") {
  check_match("riot.8.3", "/metadata/participants", [](json&, json& document) {
    document["metadata"]["participants"].erase(3);
  });
  check_match(
    "riot.8.3", "/metadata/participants/0", [](json&, json& document) {
      auto& listed = document["metadata"]["participants"];
      std::swap(listed[0], listed[1]);
    });
  check_match("riot.8.3", "/info/participants/2/puuid",
    [](json& info, json&) { participant(info, 2)["puuid"] = "short"; });
  check_match("riot.8.3", "/info/participants/7/puuid", [](json& info, json&) {
    participant(info, 7)["puuid"] = participant(info, 1)["puuid"];
  });
  check_match("riot.8.3", "/metadata/participants",
    [](json& info, json&) { participant(info, 9)["puuid"] = "BOT"; });
}

TEST_CASE("rule 3 never repeats a PUUID in what it says") {
  auto source = base_match();
  const std::string puuid = source["metadata"]["participants"][0];
  auto& listed = source["metadata"]["participants"];
  std::swap(listed[0], listed[1]);
  CHECK(refused(source).reason.find(puuid.substr(0, 20)) == std::string::npos);
}

TEST_CASE("rule 4: created, started, ended, and no longer than that") {
  const auto shift = [](const char* name, std::int64_t by) {
    return [=](json& info, json&) {
      info[name] = info["gameStartTimestamp"].get<std::int64_t>() + by;
    };
  };
  check_match("riot.8.4", "/info/gameStartTimestamp", shift("gameCreation", 1));
  check_match(
    "riot.8.4", "/info/gameEndTimestamp", shift("gameEndTimestamp", 0));
  check_match(
    "riot.8.4", "/info/gameEndTimestamp", shift("gameEndTimestamp", -5));
  check_match("riot.8.4", "/info/gameDuration", [](json& info, json&) {
    info["gameDuration"] = info["gameDuration"].get<std::int64_t>() + 3;
  });
  check_match("riot.8.4", "/info/gameDuration",
    [](json& info, json&) { info["gameDuration"] = -1; });
  check_match("riot.8.4", "/info/gameCreation",
    [](json& info, json&) { info["gameCreation"] = INT64_MIN; });
  check_match("riot.8.4", "/info/gameDuration",
    [](json& info, json&) { info["gameDuration"] = INT64_MAX; });
}

TEST_CASE("rule 4: a game may be shorter than its end minus its start") {
  auto source = base_match();
  auto& end = source["info"]["gameEndTimestamp"];
  end = end.get<std::int64_t>() + 280'000;
  accepted(source);
}

TEST_CASE("rule 5: two teams of five, blue first, five champions each") {
  check_match("riot.8.5", "/info/teams",
    [](json& info, json&) { std::swap(info["teams"][0], info["teams"][1]); });
  check_match("riot.8.5", "/info/teams",
    [](json& info, json&) { info["teams"].erase(1); });
  check_match("riot.8.5", "/info/participants/4/teamId",
    [](json& info, json&) { participant(info, 4)["teamId"] = 200; });
  check_match(
    "riot.8.5", "/info/participants/3/championName", [](json& info, json&) {
      participant(info, 3)["championName"]
        = participant(info, 1)["championName"];
    });
  check_match("riot.8.5", "/info/participants", [](json& info, json& document) {
    info["participants"].erase(9);
    document["metadata"]["participants"].erase(9);
  });
}

TEST_CASE("rule 5: both teams may play the same champion, in One for All all") {
  auto source = base_match();
  auto& info = source["info"];
  participant(info, 7)["championName"] = participant(info, 1)["championName"];
  accepted(source);
  info["gameMode"] = "ONEFORALL";
  for (std::size_t i = 0; i < 5; ++i)
    participant(info, i)["championName"] = "Teemo";
  accepted(source);
}

TEST_CASE("rule 6: one team wins, and all of it") {
  check_match("riot.8.6", "/info/teams/1/win", [](json& info, json&) {
    for (auto& team : info["teams"])
      team["win"] = true;
  });
  check_match("riot.8.6", "/info/teams/1/win", [](json& info, json&) {
    for (auto& team : info["teams"])
      team["win"] = false;
  });
  check_match("riot.8.6", "/info/participants/6/win", [](json& info, json&) {
    participant(info, 6)["win"] = !participant(info, 6)["win"].get<bool>();
  });
}

TEST_CASE("rule 7: everybody tells the same about a surrender") {
  check_match("riot.8.7", "/info/participants/5/gameEndedInSurrender",
    [](json& info, json&) {
      auto& flag = participant(info, 5)["gameEndedInSurrender"];
      flag = !flag.get<bool>();
    });
  check_match("riot.8.7", "/info/participants/1/gameEndedInEarlySurrender",
    [](json& info, json&) {
      participant(info, 1)["gameEndedInEarlySurrender"] = true;
    });
}

TEST_CASE("rule 8: first blood is drawn once") {
  check_match(
    "riot.8.8", "/info/participants/9/firstBloodKill", [](json& info, json&) {
      for (std::size_t i = 0; i < 10; ++i)
        participant(info, i)["firstBloodKill"] = i == 2 || i == 9;
    });
  auto source = base_match();
  for (auto& who : source["info"]["participants"])
    who["firstBloodKill"] = false;
  accepted(source);
}

TEST_CASE("rule 9: multikills nest, sprees fit, no count is negative") {
  check_match(
    "riot.8.9", "/info/participants/2/tripleKills", [](json& info, json&) {
      participant(info, 2)["doubleKills"] = 1;
      participant(info, 2)["tripleKills"] = 2;
    });
  check_match(
    "riot.8.9", "/info/participants/2/pentaKills", [](json& info, json&) {
      participant(info, 2)["doubleKills"] = 1;
      participant(info, 2)["tripleKills"] = 1;
      participant(info, 2)["quadraKills"] = 0;
      participant(info, 2)["pentaKills"] = 1;
    });
  check_match("riot.8.9", "/info/participants/0/largestKillingSpree",
    [](json& info, json&) {
      participant(info, 0)["largestKillingSpree"]
        = participant(info, 0)["kills"].get<int>() + 1;
    });
  check_match("riot.8.9", "/info/participants/8/wardsPlaced",
    [](json& info, json&) { participant(info, 8)["wardsPlaced"] = -1; });
  check_match("riot.8.9", "/info/participants/8/pushPings",
    [](json& info, json&) { participant(info, 8)["pushPings"] = -1; });
  check_match(
    "riot.8.9", "/info/teams/1/objectives/tower/kills", [](json& info, json&) {
      info["teams"][1]["objectives"]["tower"]["kills"] = -2;
    });
}

TEST_CASE("rule 10: times fit into the game, damage adds up") {
  const auto add = [](const char* name, std::int64_t by) {
    return [=](json& info, json&) {
      auto& value = participant(info, 3)[name];
      value = value.get<std::int64_t>() + by;
    };
  };
  check_match(
    "riot.8.10", "/info/participants/3/timePlayed", [](json& info, json&) {
      participant(info, 3)["timePlayed"]
        = info["gameDuration"].get<std::int64_t>() + 2;
    });
  check_match("riot.8.10", "/info/participants/3/longestTimeSpentLiving",
    [](json& info, json&) {
      participant(info, 3)["longestTimeSpentLiving"]
        = info["gameDuration"].get<std::int64_t>() + 2;
    });
  check_match("riot.8.10", "/info/participants/3/totalDamageDealtToChampions",
    [](json& info, json&) {
      participant(info, 3)["totalDamageDealtToChampions"]
        = participant(info, 3)["totalDamageDealt"].get<std::int64_t>() + 1;
    });
  check_match("riot.8.10", "/info/participants/3/totalDamageTaken",
    add("totalDamageTaken", 10));
  check_match("riot.8.10", "/info/participants/3/totalDamageTaken",
    add("magicDamageTaken", 10));
}

TEST_CASE("rule 10: damage may be rounded and time may be a second over") {
  auto source = base_match();
  auto& info = source["info"];
  auto& damage = participant(info, 0)["totalDamageTaken"];
  damage = participant(info, 0)["physicalDamageTaken"].get<std::int64_t>()
    + participant(info, 0)["magicDamageTaken"].get<std::int64_t>()
    + participant(info, 0)["trueDamageTaken"].get<std::int64_t>() + 2;
  participant(info, 0)["timePlayed"]
    = info["gameDuration"].get<std::int64_t>() + 1;
  accepted(source);
}

TEST_CASE("what real games break is no rule") {
  auto source = base_match();
  auto& who = participant(source["info"], 0);
  who["goldSpent"] = who["goldEarned"].get<std::int64_t>() + 500;
  who["totalTimeSpentDead"]
    = source["info"]["gameDuration"].get<std::int64_t>() + 100;
  who["champLevel"] = 24;
  who["magicDamageDealt"] = 1;
  source["info"]["teams"][0]["objectives"]["champion"]["kills"] = 199;
  accepted(source);
}

TEST_CASE("rule 11: a timeline is of its match") {
  check_timeline("/info/gameId", [](json& info) { info["gameId"] = 1; });
  check_timeline("/info/frames/0/events/0/gameId",
    [](json& info) { info["frames"][0]["events"][0]["gameId"] = 5; });
  auto source = base_timeline();
  source["metadata"]["matchId"] = "EUW1_5";
  CHECK(refused(source).rule == "riot.8.11");
}

TEST_CASE("rule 11: frames stand a minute apart") {
  check_timeline(
    "/info/frameInterval", [](json& info) { info["frameInterval"] = 30'000; });
  check_timeline(
    "/info/frames/5/timestamp", [](json& info) { info["frames"].erase(5); });
  check_timeline("/info/frames/3/timestamp", [](json& info) {
    info["frames"][3]["timestamp"]
      = info["frames"][3]["timestamp"].get<int>() - 20'000;
  });
}

TEST_CASE("rule 11: frames may drift as they did in patch 16.1") {
  auto source = base_timeline();
  int late = 0;
  for (auto& frame : source["info"]["frames"]) {
    frame["timestamp"] = frame["timestamp"].get<int>() + late;
    late += 11'000;
  }
  accepted(source);
}

TEST_CASE("rule 11: events stand in the order of time") {
  auto source = base_timeline();
  auto& events = source["info"]["frames"][4]["events"];
  REQUIRE(events.size() > 2);
  events[1]["timestamp"] = 5;
  const auto why = refused(source);
  CHECK(why.rule == "riot.8.11");
  CHECK(why.pointer == "/info/frames/4/events/1/timestamp");
}

TEST_CASE("rule 11: a time that is none is refused") {
  auto source = base_timeline();
  source["info"]["frames"].back()["events"].back()["timestamp"] = INT64_MAX;
  CHECK(refused(source).rule == "riot.8.11");
  for (auto& frame : source["info"]["frames"])
    for (auto& happened : frame["events"])
      happened["timestamp"] = INT64_MIN;
  CHECK(refused(source).rule == "riot.8.11");
}

TEST_CASE("rule 11: the game ends once, and that is the last event") {
  const auto end_of
    = [](json& info) -> json& { return info["frames"].back()["events"]; };
  check_timeline("/info/frames",
    [&](json& info) { end_of(info).erase(end_of(info).size() - 1); });
  auto twice = base_timeline();
  end_of(twice["info"]).push_back(end_of(twice["info"]).back());
  CHECK(refused(twice).rule == "riot.8.11");
  auto after = base_timeline();
  auto late = end_of(after["info"]).back();
  late["type"] = "WARD_PLACED";
  end_of(after["info"]).push_back(late);
  CHECK(refused(after).rule == "riot.8.11");
}

TEST_CASE("rule 11: gold, experience, level and minions never fall") {
  for (const auto* name :
    {"totalGold", "xp", "level", "minionsKilled", "jungleMinionsKilled"}) {
    auto source = base_timeline();
    auto& frames = source["info"]["frames"];
    frames[6]["participantFrames"]["2"][name] = 100'000;
    frames[7]["participantFrames"]["2"][name] = 99'999;
    const auto why = refused(source);
    CHECK(why.rule == "riot.8.11");
    CHECK(
      why.pointer == "/info/frames/7/participantFrames/2/" + std::string{name});
  }
}

TEST_CASE("a generated match and its timeline agree") {
  CHECK_FALSE(
    check_pair(short_match(base_match()), short_timeline(base_timeline())));
}

TEST_CASE("rule 12: each participant's numbers are the replayed ones") {
  using line = replay_line;
  const std::pair<const char*, std::int32_t line::*> numbers[]
    = {{"kills", &line::kills}, {"deaths", &line::deaths},
      {"assists", &line::assists}, {"goldEarned", &line::gold},
      {"champExperience", &line::xp}, {"champLevel", &line::level},
      {"totalMinionsKilled", &line::lane_cs},
      {"neutralMinionsKilled", &line::jungle_cs}};
  for (const auto& [name, member] : numbers)
    check_pair_broken("riot.8.12",
      (std::string{"/info/participants/6/"} + name).c_str(),
      [member = member](auto&, timeline_summary& timeline) {
        ++(timeline.participants[6].*member);
      });
  check_pair_broken(
    "riot.8.12", "/info/participants", [](auto&, timeline_summary& timeline) {
      timeline.participants.pop_back();
    });
}

TEST_CASE("rule 12: each team's objectives are the replayed ones") {
  const std::pair<const char*, std::int32_t match_team::*> numbers[]
    = {{"tower", &match_team::towers}, {"inhibitor", &match_team::inhibitors},
      {"dragon", &match_team::dragons}, {"riftHerald", &match_team::heralds},
      {"baron", &match_team::barons}};
  for (const auto& [name, member] : numbers)
    check_pair_broken("riot.8.12",
      (std::string{"/info/teams/1/objectives/"} + name + "/kills").c_str(),
      [member = member](
        match_summary& match, auto&) { ++(match.teams[1].*member); });
  check_pair_broken("riot.8.12", "/info/teams/0/objectives/horde/kills",
    [](match_summary& match, auto&) {
      match.teams[0].horde = match.teams[0].horde.value_or(0) + 1;
    });
}

TEST_CASE("rule 12: a document that knows no void grubs is not asked") {
  auto match = short_match(base_match());
  auto timeline = short_timeline(base_timeline());
  match.teams[0].horde.reset();
  timeline.blue.horde = 3;
  CHECK_FALSE(check_pair(match, timeline));
}

TEST_CASE("rule 13: the timeline ends with the game, and the same team wins") {
  check_pair_broken("riot.8.13", "/info/gameDuration",
    [](match_summary& match, auto&) { match.duration_ms += 5'000; });
  check_pair_broken(
    "riot.8.13", "/info/teams/0/win", [](auto&, timeline_summary& timeline) {
      timeline.winning_team = 300 - timeline.winning_team;
    });
}

TEST_CASE("rule 13: Arena may end late, it and Swarm need no winner") {
  auto match = short_match(base_match());
  auto timeline = short_timeline(base_timeline());
  timeline.winning_team = 300 - timeline.winning_team;
  match.game_mode = "STRAWBERRY";
  CHECK_FALSE(check_pair(match, timeline));
  match.game_mode = "CHERRY";
  timeline.end_ms = match.duration_ms + 6'000;
  CHECK_FALSE(check_pair(match, timeline));
  timeline.end_ms = match.duration_ms + 8'000;
  CHECK(check_pair(match, timeline));
}

TEST_CASE("rule 13: a timeline without a winner contradicts nobody") {
  auto match = short_match(base_match());
  auto timeline = short_timeline(base_timeline());
  timeline.winning_team = 0;
  CHECK_FALSE(check_pair(match, timeline));
}

TEST_CASE("an aborted match agrees with an aborted timeline only") {
  const auto match = short_match(aborted_match());
  const auto timeline = short_timeline(aborted_timeline());
  CHECK_FALSE(check_pair(match, timeline));
  CHECK(check_pair(match, short_timeline(base_timeline())));
  CHECK(check_pair(short_match(base_match()), timeline));
}
