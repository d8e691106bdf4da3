#include "actors/riot/document.hpp"

#include "protocol/schema/avro.hpp"
#include "protocol/schema/json.hpp"
#include "protocol/schema/record.hpp"
#include "tests/riot/base_document.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace herald;
using namespace herald::riot;

namespace {

const event::match_completed& match_of(const document& doc) {
  return std::get<event::match_completed>(doc.content);
}

const event::match_timeline_recorded& timeline_of(const document& doc) {
  return std::get<event::match_timeline_recorded>(doc.content);
}

refusal refused_text(const std::string& text) {
  auto read = read_document(text);
  if (read)
    FAIL("was accepted");
  return read.error();
}

} // namespace

TEST_CASE("a match document becomes match.completed under Riot's names") {
  const auto source = base_match();
  const auto doc = accepted(source);
  CHECK(doc.kind() == document_kind::match);
  CHECK_FALSE(doc.aborted);
  CHECK(doc.match_id == source["metadata"]["matchId"]);
  CHECK(doc.unknown.empty());
  const auto& match = match_of(doc);
  CHECK(match.outcome == "finished");
  const auto event = json::parse(json_encode(match));
  // Whatever the event has and the document has too is the same.
  for (const auto& [key, value] : source["info"].items())
    if (key != "participants")
      CHECK(event[key] == value);
  for (std::size_t i = 0; i < match.participants.size(); ++i) {
    auto from = source["info"]["participants"][i];
    const auto& to = event["participants"][i];
    for (const auto* name : {"puuid", "summonerId", "summonerName",
           "riotIdGameName", "riotIdTagline"}) {
      CHECK_FALSE(to.contains(name));
      from.erase(name);
    }
    if (from.contains("challenges")) {
      auto items = from["challenges"].value("legendaryItemUsed", json{});
      from["challenges"].erase("legendaryItemUsed");
      CHECK(to.value("legendaryItemUsed", json{}) == items);
    }
    for (const auto& [key, value] : from.items()) {
      INFO(key);
      CHECK(to[key] == value);
    }
  }
}

TEST_CASE("a timeline becomes match.timeline.recorded, frames as a list") {
  const auto source = base_timeline();
  const auto doc = accepted(source);
  CHECK(doc.kind() == document_kind::timeline);
  CHECK(doc.unknown.empty());
  const auto& timeline = timeline_of(doc);
  const auto event = json::parse(json_encode(timeline));
  REQUIRE(event["frames"].size() == source["info"]["frames"].size());
  for (std::size_t f = 0; f < timeline.frames.size(); ++f) {
    const auto& from = source["info"]["frames"][f];
    CHECK(event["frames"][f]["events"] == from["events"]);
    CHECK(event["frames"][f]["timestamp"] == from["timestamp"]);
    for (std::size_t i = 0; i < 10; ++i)
      CHECK(event["frames"][f]["participantFrames"][i]
        == from["participantFrames"][std::to_string(i + 1)]);
  }
  CHECK(timeline.participants.size() == 10);
  CHECK(doc.people.size() == 10);
}

TEST_CASE("people are told apart from the event and get ids of Herald's") {
  const auto source = base_match();
  auto doc = accepted(source);
  REQUIRE(doc.people.size() == 10);
  const auto& who = source["info"]["participants"][3];
  CHECK(doc.people[3].participant_id == 4);
  CHECK(doc.people[3].puuid == who["puuid"]);
  CHECK(doc.people[3].game_name == who["riotIdGameName"]);
  CHECK(doc.people[3].tag_line == who["riotIdTagline"]);
  set_player_id(doc, doc.people[3], "00f1e2d3c4b5a697");
  CHECK(match_of(doc).participants[3].playerId == "00f1e2d3c4b5a697");
  CHECK_FALSE(match_of(doc).participants[2].playerId);
  // No byte of the event names anybody.
  const auto written = avro_encode(match_of(doc));
  for (const auto& person : doc.people) {
    CHECK(written.find(person.puuid) == written.npos);
    CHECK(written.find(person.game_name) == written.npos);
  }
}

TEST_CASE("a document cannot give player ids or Herald's own fields") {
  auto source = base_match();
  source["info"]["participants"][0]["playerId"] = "ffffffffffffffff";
  source["info"]["principal"] = "mallory";
  source["info"]["outcome"] = "aborted";
  source["info"]["revision"] = 9;
  const auto doc = accepted(source);
  CHECK_FALSE(match_of(doc).participants[0].playerId);
  CHECK(match_of(doc).principal.empty());
  CHECK(match_of(doc).outcome == "finished");
  CHECK(match_of(doc).revision == 1);
  CHECK(doc.unknown.at("info/participants/playerId") == 1);
  CHECK(doc.unknown.at("info/principal") == 1);
}

TEST_CASE("unknown properties are counted and refuse nothing") {
  auto source = base_match();
  for (auto& who : source["info"]["participants"])
    who["brandNew"] = {{"deep", {1, 2}}};
  source["info"]["season"] = "later";
  source["metadata"]["region"] = nullptr;
  source["extra"] = 1;
  const auto doc = accepted(source);
  CHECK(doc.unknown
    == std::map<std::string, std::uint64_t>{{"info/participants/brandNew", 10},
      {"info/season", 1}, {"metadata/region", 1}, {"extra", 1}});
}

TEST_CASE("more unknown properties than a report holds are summed up") {
  auto source = base_match();
  for (int i = 0; i < 250; ++i)
    source["info"]["new" + std::to_string(i)] = i;
  const auto doc = accepted(source);
  CHECK(doc.unknown.size() == unknown_paths_max + 1);
  CHECK(doc.unknown.at("(others)") == 150);
}

TEST_CASE("every required property of a match is needed") {
  const auto source = base_match();
  const auto remove = [&](const std::string& pointer) {
    auto changed = source;
    const json::json_pointer at{pointer};
    changed.at(at.parent_pointer()).erase(at.back());
    INFO(pointer);
    const auto why = refused(changed);
    CHECK(why.rule == "shape");
    CHECK(why.pointer == pointer);
  };
  for (const auto* name : {"gameCreation", "gameDuration", "gameId", "gameMode",
         "gameName", "gameStartTimestamp", "gameType", "gameVersion", "mapId",
         "participants", "platformId", "queueId", "teams"})
    remove(std::string{"/info/"} + name);
  for (const auto* name : {"matchId", "dataVersion", "participants"})
    remove(std::string{"/metadata/"} + name);
  for (const auto* name :
    {"kills", "puuid", "summonerId", "summonerName", "perks", "win"})
    remove(std::string{"/info/participants/3/"} + name);
  for (const auto* name : {"bans", "objectives", "teamId", "win",
         "objectives/tower", "objectives/dragon/kills"})
    remove(std::string{"/info/teams/1/"} + name);
  remove("/info/participants/0/perks/statPerks/flex");
}

TEST_CASE("every optional property may be absent or null") {
  auto source = base_match();
  const auto& known = type_of<event::participant>();
  for (auto& who : source["info"]["participants"])
    for (const auto& field : known.fields)
      if (field.may_be_absent()) {
        if (who["participantId"] == 1)
          who[std::string{field.name}] = nullptr;
        else
          who.erase(std::string{field.name});
      }
  for (auto& team : source["info"]["teams"]) {
    team.erase("feats");
    team["objectives"].erase("horde");
    team["objectives"].erase("atakhan");
  }
  source["info"].erase("tournamentCode");
  source["info"]["endOfGameResult"] = nullptr;
  const auto doc = accepted(source);
  CHECK_FALSE(match_of(doc).participants[0].challenges);
  CHECK_FALSE(match_of(doc).teams[0].objectives.horde);
}

TEST_CASE("a property of the wrong type is refused with its place") {
  const auto check = [](const char* pointer, json wrong) {
    auto source = base_match();
    source[json::json_pointer{pointer}] = std::move(wrong);
    INFO(pointer);
    const auto why = refused(source);
    CHECK(why.rule == "shape");
    CHECK(why.pointer == pointer);
    CHECK_FALSE(why.reason.empty());
  };
  check("/info/participants/2/kills", "7");
  check("/info/participants/2/kills", 7.5);
  check("/info/participants/2/kills", 3'000'000'000);
  check("/info/participants/2/kills", nullptr);
  check("/info/participants/2/win", 1);
  check("/info/participants/2/puuid", nullptr);
  check("/info/participants/2/summonerName", 5);
  check("/info/participants/2", json::array());
  check("/info/participants", json::object());
  check("/info/gameId", "7123456789");
  check("/info/teams/0/bans/0/championId", true);
  check("/metadata/matchId", 5);
  check("/metadata/participants/4", 5);
  check("/metadata", "x");
  check("/info", json::array());
  check("/info/participants/0/challenges/legendaryItemUsed/0", "x");
}

TEST_CASE("what is foreign, empty, cut off or no JSON is refused as a shape") {
  const auto whole = base_match().dump();
  for (const auto& text : {std::string{}, std::string{" "}, std::string{"null"},
         std::string{"[]"}, std::string{"{}"}, std::string{"42"},
         std::string{"{\"status\":{\"message\":\"Data not found\","
                     "\"status_code\":404}}"},
         std::string{"{\"metadata\":{},\"info\":{}}"},
         std::string{"<html></html>"}, std::string{"\x89PNG\r\n\x1a\n"},
         std::string(1000, '['), std::string(1000, '\0'),
         std::string{"\xff\xfe{"}, whole.substr(0, whole.size() / 2),
         whole.substr(0, whole.size() - 1), whole + "x", whole + whole}) {
    INFO(text.substr(0, 60));
    CHECK(refused_text(text).rule == "shape");
  }
}

TEST_CASE("invalid UTF-8 is no JSON") {
  auto text = base_match().dump();
  const auto at = text.find("CLASSIC");
  text[at] = '\xff';
  CHECK(refused_text(text).rule == "shape");
}

TEST_CASE("a match of another API is refused with what it lacks") {
  // match-v4 had no metadata; Teamfight Tactics has other participants.
  CHECK(refused(json{{"gameId", 1}, {"participantIdentities", json::array()}})
          .pointer
    == "/metadata");
  json tactics{{"metadata",
                 {{"data_version", "5"}, {"match_id", "EUW1_1"},
                   {"participants", json::array()}}},
    {"info", {{"participants", json::array()}, {"tft_set_number", 9}}}};
  CHECK(refused(tactics).pointer.starts_with("/metadata/"));
}

TEST_CASE("a property given twice is refused") {
  auto text = base_match().dump();
  text.insert(text.find("\"gameId\""), "\"gameId\":1,");
  CHECK(refused_text(text).rule == "shape");
  auto twice = base_match().dump();
  twice.insert(twice.size() - 1, ",\"info\":{}");
  CHECK(refused_text(twice).rule == "shape");
}

TEST_CASE("a document above the limit is not read") {
  const auto why = refused_text(std::string(document_bytes_max, ' ') + "{}");
  CHECK(why.rule == "shape");
  CHECK(why.pointer.empty());
}

TEST_CASE("names may be escaped, accented or from right to left") {
  auto source = base_match();
  source["info"]["participants"][0]["riotIdGameName"] = "Bj\u00f6rk \u202e\"";
  auto escaped = source.dump(-1, ' ', true);
  const auto doc = read_document(escaped);
  REQUIRE(doc);
  CHECK(doc->people[0].game_name == "Bj\u00f6rk \u202e\"");
}

TEST_CASE("an aborted match has an id, an outcome and nothing else") {
  const auto source = aborted_match();
  REQUIRE(source["metadata"]["participants"].size() == 10);
  const auto doc = accepted(source);
  CHECK(doc.aborted);
  CHECK(doc.people.empty());
  CHECK(match_of(doc).outcome == "aborted");
  CHECK(match_of(doc).matchId == source["metadata"]["matchId"]);
  CHECK(match_of(doc).participants.empty());
}

TEST_CASE("an aborted timeline has one frame without participants") {
  const auto source = aborted_timeline();
  REQUIRE(source["info"]["frames"][0]["participantFrames"].is_null());
  const auto doc = accepted(source);
  CHECK(doc.aborted);
  CHECK(doc.people.empty());
  CHECK(timeline_of(doc).frames.size() == 1);
}

TEST_CASE("a match without participants is aborted only when all is empty") {
  auto source = base_match();
  source["info"]["participants"] = json::array();
  source["metadata"]["participants"] = json::array();
  CHECK(refused(source).rule == "riot.8.5");
}

TEST_CASE("an aborted document still needs an id that can be a key") {
  auto source = aborted_match();
  for (const auto& id : {std::string{}, std::string{"EUW1"},
         std::string{"EUW1_"}, std::string{"_12"}, std::string{"EUW1_1x"},
         std::string{"a/../b_1"}, std::string(300, '1')}) {
    source["metadata"]["matchId"] = id;
    INFO(id);
    CHECK(refused(source).pointer == "/metadata/matchId");
  }
}

TEST_CASE("a remake says so") {
  const auto doc = accepted(remake_match());
  CHECK(match_of(doc).outcome == "remake");
  CHECK(doc.people.size() == 10);
}

TEST_CASE("a finished game flagged Abort_Unexpected is judged by its content") {
  auto source = base_match();
  source["info"]["endOfGameResult"] = "Abort_Unexpected";
  const auto doc = accepted(source);
  CHECK_FALSE(doc.aborted);
  CHECK(match_of(doc).outcome == "finished");
}

TEST_CASE("bots are no people") {
  auto source = base_match();
  for (std::size_t i = 5; i < 10; ++i)
    make_bot(source, i);
  const auto doc = accepted(source);
  CHECK(doc.people.size() == 5);
  CHECK(doc.people.back().participant_id == 5);
  CHECK(match_of(doc).participants.size() == 10);
}

TEST_CASE("bots among the players keep the numbers of the others") {
  auto source = base_match();
  make_bot(source, 1);
  const auto doc = accepted(source);
  REQUIRE(doc.people.size() == 9);
  CHECK(doc.people[1].participant_id == 3);
}

TEST_CASE("a game of patch 10.25 is accepted with its nonsense ids") {
  auto source = base_match();
  auto& info = source["info"];
  info["gameVersion"] = "10.25.348.1797";
  info["gameDuration"] = info["gameDuration"].get<std::int64_t>() * 1000 + 897;
  info.erase("gameEndTimestamp");
  info.erase("endOfGameResult");
  info.erase("tournamentCode");
  std::int32_t nonsense = 37'225'015;
  for (auto& who : info["participants"]) {
    who["championId"] = nonsense++;
    who["summoner1Id"] = 5'182'308;
    who.erase("challenges");
    who.erase("missions");
    who.erase("riotIdGameName");
    who["riotIdName"] = "";
  }
  const auto doc = accepted(source);
  CHECK(match_of(doc).participants[0].championId == 37'225'015);
  CHECK(doc.unknown.empty());
}

TEST_CASE("Arena and Swarm are accepted in their own shapes") {
  CHECK(match_of(accepted(arena_match())).participants.size() == 8);
  CHECK(match_of(accepted(swarm_match())).participants.size() == 3);
}

TEST_CASE("challenges are numbers, whole or not, with the list beside them") {
  auto source = base_match();
  auto& challenges = source["info"]["participants"][0]["challenges"];
  challenges["12AssistStreakCount"] = 1;
  challenges["moreEnemyJungleThanOpponent"] = -140.6;
  challenges["legendaryItemUsed"] = {3078, 6333};
  const auto doc = accepted(source);
  const auto& who = match_of(doc).participants[0];
  REQUIRE(who.challenges);
  CHECK(who.challenges->at("12AssistStreakCount") == 1.0);
  CHECK(who.challenges->at("moreEnemyJungleThanOpponent") == -140.6);
  CHECK(who.challenges->count("legendaryItemUsed") == 0);
  CHECK(who.legendaryItemUsed == std::vector<std::int32_t>{3078, 6333});
}

TEST_CASE("scores of both spellings are kept, as numbers") {
  auto source = base_match();
  auto& who = source["info"]["participants"][0];
  who["PlayerScore3"] = 12.75;
  who["playerScore4"] = 2;
  who["missions"] = {{"PlayerScore0", 1}, {"playerScore1", -1.5}};
  const auto doc = accepted(source);
  const auto& read = match_of(doc).participants[0];
  CHECK(read.PlayerScore3 == 12.75);
  CHECK(read.playerScore4 == 2.0);
  CHECK(read.missions->PlayerScore0 == 1.0);
  CHECK(read.missions->playerScore1 == -1.5);
  CHECK(doc.unknown.empty());
}

TEST_CASE("an old timeline does not say who played") {
  auto source = base_timeline();
  source["info"].erase("gameId");
  source["info"].erase("participants");
  const auto doc = accepted(source);
  CHECK(doc.people.empty());
  CHECK(timeline_of(doc).participants.empty());
}

TEST_CASE("participants of a timeline above 10 are sorted as numbers") {
  auto source = base_timeline();
  for (auto& frame : source["info"]["frames"]) {
    auto extra = frame["participantFrames"]["10"];
    extra["participantId"] = 12;
    frame["participantFrames"]["12"] = std::move(extra);
  }
  const auto doc = accepted(source);
  const auto& frames = timeline_of(doc).frames[0].participantFrames;
  CHECK(frames[1].participantId == 2);
  CHECK(frames.back().participantId == 12);
}

TEST_CASE("a participant frame under another's number is refused") {
  auto source = base_timeline();
  source["info"]["frames"][2]["participantFrames"]["3"]["participantId"] = 4;
  const auto why = refused(source);
  CHECK(why.rule == "shape");
  CHECK(why.pointer == "/info/frames/2/participantFrames/3/participantId");
}
