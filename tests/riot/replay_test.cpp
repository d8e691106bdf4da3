#include "actors/riot/replay.hpp"

#include "actors/riot/export.hpp"
#include "protocol/schema/avro.hpp"
#include "protocol/schema/record.hpp"
#include "tests/riot/base_document.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

using namespace herald;
using namespace herald::riot;
using event::timeline_event;

namespace {

timeline_event kill(std::int64_t at, std::int32_t killer, std::int32_t victim,
  std::vector<std::int32_t> helpers = {}) {
  timeline_event happened;
  happened.type = "CHAMPION_KILL";
  happened.timestamp = at;
  happened.killerId = killer;
  happened.victimId = victim;
  if (!helpers.empty())
    happened.assistingParticipantIds = std::move(helpers);
  return happened;
}

timeline_event building(std::int64_t at, std::int32_t loser, const char* what) {
  timeline_event happened;
  happened.type = "BUILDING_KILL";
  happened.timestamp = at;
  happened.teamId = loser;
  happened.buildingType = what;
  return happened;
}

timeline_event monster(std::int64_t at, std::int32_t team, const char* what) {
  timeline_event happened;
  happened.type = "ELITE_MONSTER_KILL";
  happened.timestamp = at;
  happened.killerTeamId = team;
  happened.monsterType = what;
  return happened;
}

timeline_event game_end(std::int64_t at, std::int32_t winner) {
  timeline_event happened;
  happened.type = "GAME_END";
  happened.timestamp = at;
  happened.winningTeam = winner;
  return happened;
}

/// Ten participants whose gold is 100 times their number, and the minute's.
event::timeline_frame frame(std::int32_t at, std::int32_t minute,
  std::vector<timeline_event> events = {}) {
  event::timeline_frame made;
  made.timestamp = at;
  made.events = std::move(events);
  for (std::int32_t id = 1; id <= 10; ++id) {
    auto& who = made.participantFrames.emplace_back();
    who.participantId = id;
    who.totalGold = 100 * id + minute;
    who.xp = 10 * id;
    who.level = 1 + minute;
    who.minionsKilled = id * minute;
    who.jungleMinionsKilled = minute;
  }
  return made;
}

/// Two minutes in which every rule of counting has its case.
event::match_timeline_recorded small_timeline() {
  event::match_timeline_recorded timeline;
  timeline.matchId = "EUW1_7";
  timeline.frameInterval = 60'000;
  timeline.frames.push_back(frame(0, 0));
  timeline.frames.push_back(frame(60'010, 1,
    {kill(30'000, 0, 4), kill(40'000, 7, 1, {6, 8}), kill(50'000, 2, 7)}));
  timeline.frames.push_back(frame(95'000, 2,
    {kill(60'010, 2, 8, {1}), building(61'000, 200, "TOWER_BUILDING"),
      building(62'000, 100, "TOWER_BUILDING"),
      building(63'000, 200, "INHIBITOR_BUILDING"),
      monster(64'000, 100, "DRAGON"), monster(65'000, 300, "DRAGON"),
      monster(66'000, 200, "RIFTHERALD"), monster(67'000, 200, "BARON_NASHOR"),
      monster(68'000, 100, "HORDE"), monster(69'000, 100, "ATAKHAN"),
      game_end(95'000, 100)}));
  return timeline;
}

match_summary small_match() {
  match_summary match;
  match.match_id = "EUW1_7";
  match.outcome = "finished";
  match.queue_id = 420;
  match.game_mode = "CLASSIC";
  match.duration_text = "95";
  match.duration_ms = 95'000;
  match_line who;
  who.participant_id = 7;
  who.team_id = 200;
  who.champion_id = 62;
  who.win = false;
  who.kills = 1;
  who.deaths = 2;
  who.assists = 3;
  who.gold = 4;
  who.xp = 5;
  who.level = 6;
  who.lane_cs = 8;
  who.jungle_cs = 9;
  match.participants.push_back(who);
  return match;
}

} // namespace

TEST_CASE("kills, deaths and assists are counted from the events") {
  const auto summary = replay(small_timeline());
  REQUIRE(summary.participants.size() == 10);
  const auto& lines = summary.participants;
  CHECK(lines[1].kills == 2);
  CHECK(lines[6].kills == 1);
  CHECK(lines[6].deaths == 1);
  CHECK(lines[3].deaths == 1);
  CHECK(lines[5].assists == 1);
  CHECK(lines[0].assists == 1);
}

TEST_CASE("an execution kills without a killer and draws no first blood") {
  const auto summary = replay(small_timeline());
  CHECK(summary.first_blood == 7);
  CHECK(summary.blue.kills == 2);
  CHECK(summary.red.kills == 1);
}

TEST_CASE("gold, experience, level and minions are the last frame's") {
  const auto summary = replay(small_timeline());
  const auto& line = summary.participants[4];
  CHECK(line.gold == 502);
  CHECK(line.xp == 50);
  CHECK(line.level == 3);
  CHECK(line.lane_cs == 10);
  CHECK(line.jungle_cs == 2);
}

TEST_CASE("a building counts for who did not lose it, 300 for nobody") {
  const auto summary = replay(small_timeline());
  CHECK(summary.blue.towers == 1);
  CHECK(summary.red.towers == 1);
  CHECK(summary.blue.inhibitors == 1);
  CHECK(summary.red.inhibitors == 0);
  CHECK(summary.blue.dragons == 1);
  CHECK(summary.red.dragons == 0);
  CHECK(summary.red.heralds == 1);
  CHECK(summary.red.barons == 1);
  CHECK(summary.blue.horde == 1);
}

TEST_CASE("the end and its winner are GAME_END's") {
  const auto summary = replay(small_timeline());
  CHECK(summary.end_ms == 95'000);
  CHECK(summary.winning_team == 100);
  CHECK(summary.match_id == "EUW1_7");
  CHECK_FALSE(summary.aborted);
}

TEST_CASE("an event at the very time of a frame belongs to that minute") {
  const auto summary = replay(small_timeline());
  REQUIRE(summary.minutes.size() == 3);
  // The kill at 60,010 stands in the next frame's list.
  CHECK(summary.minutes[1].blue.kills == 2);
  CHECK(summary.minutes[1].blue.towers == 0);
  CHECK(summary.minutes[2].blue.towers == 1);
}

TEST_CASE("a timeline without frames or participants can be replayed") {
  CHECK(replay({}).minutes.empty());
  auto timeline = small_timeline();
  for (auto& each : timeline.frames)
    each.participantFrames.clear();
  const auto summary = replay(timeline);
  CHECK(summary.participants.empty());
  CHECK(summary.blue.kills == 2);
}

TEST_CASE("ids that nobody has change no line") {
  auto timeline = small_timeline();
  timeline.frames[1].events.push_back(kill(59'000, 99, -5, {0, 77}));
  timeline.frames[1].events.push_back(building(59'500, 300, "TOWER_BUILDING"));
  const auto summary = replay(timeline);
  CHECK(summary.participants.size() == 10);
  CHECK(summary.blue.towers == 1);
}

TEST_CASE("a participant number beyond any mode does not cost memory") {
  auto timeline = small_timeline();
  timeline.frames[0].participantFrames.back().participantId = 2'000'000'000;
  CHECK(replay(timeline).participants.size() <= 64);
}

TEST_CASE("summaries survive being stored") {
  const auto timeline = replay(small_timeline());
  const auto read = avro_decode<timeline_summary>(avro_encode(timeline));
  REQUIRE(read);
  CHECK(*read == timeline);
  const auto match = summarize(
    std::get<event::match_completed>(accepted(base_match()).content));
  const auto again = avro_decode<match_summary>(avro_encode(match));
  REQUIRE(again);
  CHECK(*again == match);
}

TEST_CASE("a summary has what the document says") {
  const auto source = base_match();
  const auto match
    = summarize(std::get<event::match_completed>(accepted(source).content));
  const auto& info = source["info"];
  CHECK(match.match_id == source["metadata"]["matchId"]);
  CHECK(match.duration_ms == info["gameDuration"].get<std::int64_t>() * 1000);
  CHECK(match.started_at == info["gameStartTimestamp"]);
  CHECK(match.ended_at == info["gameEndTimestamp"]);
  const auto& who = info["participants"][7];
  CHECK(match.participants[7].gold == who["goldEarned"]);
  CHECK(match.participants[7].items[6] == who["item6"]);
  CHECK(match.teams[1].dragons
    == info["teams"][1]["objectives"]["dragon"]["kills"]);
  CHECK(match.teams[0].bans.size() == info["teams"][0]["bans"].size());
}

TEST_CASE("a length in milliseconds prints as seconds without idle zeros") {
  event::match_completed match;
  const std::pair<std::int64_t, const char*> lengths[]
    = {{1'284'897, "1284.897"}, {1'499'300, "1499.3"}, {1'499'050, "1499.05"},
      {1'500'000, "1500"}, {7, "0.007"}};
  for (const auto& [length, text] : lengths) {
    match.gameDuration = length;
    CHECK(summarize(match).duration_text == text);
    CHECK(summarize(match).duration_ms == length);
  }
  match.gameDuration = 1843;
  match.gameEndTimestamp = 1;
  CHECK(summarize(match).duration_text == "1843");
  CHECK(summarize(match).duration_ms == 1'843'000);
}

TEST_CASE("a players line has the columns of the header") {
  const auto timeline = replay(small_timeline());
  bytes out;
  append_players_csv(small_match(), &timeline, out);
  CHECK(out == "EUW1_7,420,CLASSIC,95,7,200,62,0,1,2,3,4,5,6,8,9,1\n");
  const auto columns = [](std::string_view line) {
    return std::count(line.begin(), line.end(), ',');
  };
  CHECK(columns(players_csv_header()) == columns(out));
  CHECK(players_csv_header().back() == '\n');
}

TEST_CASE("first blood is the timeline's word where there is one") {
  auto match = small_match();
  bytes out;
  append_players_csv(match, nullptr, out);
  CHECK(out.ends_with(",9,0\n"));
  match.participants[0].first_blood = true;
  out.clear();
  append_players_csv(match, nullptr, out);
  CHECK(out.ends_with(",9,1\n"));
  auto timeline = replay(small_timeline());
  timeline.first_blood = 2;
  out.clear();
  append_players_csv(match, &timeline, out);
  CHECK(out.ends_with(",9,0\n"));
}

TEST_CASE("a minutes line has both teams' sums at the frame") {
  bytes out;
  append_minutes_csv(small_match(), replay(small_timeline()), out);
  CHECK(out
    == "EUW1_7,0,0,1500,4000,150,400,5,5,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0\n"
       "EUW1_7,1,60010,1505,4005,150,400,10,10,20,45,2,1,0,0,0,0,0,0,0,0,"
       "0,0,0,0\n"
       "EUW1_7,2,95000,1510,4010,150,400,15,15,40,90,2,1,1,1,1,0,1,0,0,1,"
       "0,1,1,0\n");
  const auto line = out.substr(0, out.find('\n') + 1);
  CHECK(std::count(line.begin(), line.end(), ',')
    == std::ranges::count(minutes_csv_header(), ','));
}

TEST_CASE("Arena, Swarm and aborted games have no minutes") {
  const auto timeline = replay(small_timeline());
  auto match = small_match();
  for (const auto* mode : {"CHERRY", "STRAWBERRY"}) {
    match.game_mode = mode;
    bytes out;
    append_minutes_csv(match, timeline, out);
    CHECK(out.empty());
    append_players_csv(match, &timeline, out);
    CHECK_FALSE(out.empty());
  }
  const auto aborted = summarize(
    std::get<event::match_completed>(accepted(aborted_match()).content));
  bytes out;
  append_players_csv(aborted, nullptr, out);
  append_minutes_csv(aborted, timeline, out);
  CHECK(out.empty());
}

TEST_CASE("text that would break a table is quoted") {
  auto match = small_match();
  match.game_mode = "A,\"B\"";
  bytes out;
  append_players_csv(match, nullptr, out);
  CHECK(out.starts_with("EUW1_7,420,\"A,\"\"B\"\"\",95,"));
}
