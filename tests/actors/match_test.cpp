#include "actors/match/match_aggregate.hpp"
#include "actors/match/match_patch.hpp"
#include "actors/riot/document.hpp"
#include "tools/simulate/documents.hpp"
#include "tools/simulate/generator.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace herald;
using nlohmann::json;

namespace {

using events = std::vector<std::shared_ptr<const any_event>>;

simulate::game finished_game() {
  simulate::game_options kinds;
  kinds.remake_percent = kinds.aborted_percent = kinds.aram_percent = 0;
  return simulate::make_game(11, 0, kinds);
}

record_match match_command_of(const std::string& text, const char* hash) {
  auto read = riot::read_document(text);
  REQUIRE(read);
  auto& match = std::get<event::match_completed>(read->content);
  match.contentHash = hash;
  auto summary
    = std::make_shared<const riot::match_summary>(riot::summarize(match));
  return {std::make_shared<const any_event>(std::move(match)), summary};
}

record_timeline timeline_command_of(const std::string& text, const char* hash) {
  auto read = riot::read_document(text);
  REQUIRE(read);
  auto& timeline = std::get<event::match_timeline_recorded>(read->content);
  timeline.contentHash = hash;
  auto summary
    = std::make_shared<const riot::timeline_summary>(riot::replay(timeline));
  return {std::make_shared<const any_event>(std::move(timeline)), summary};
}

/// A match aggregate and the offsets that its events get.
struct match_fixture {
  match_state state;
  offset next{0};

  decision decide(match_command command) {
    return match_aggregate::decide(state, command, next);
  }

  /// Decides and applies; the events.
  events obey(match_command command) {
    auto decided = decide(std::move(command));
    auto* all = std::get_if<events>(&decided);
    if (!all)
      return {};
    for (auto& event : *all) {
      match_aggregate::evolve(state, *event, next);
      next = next.next();
    }
    return *all;
  }
};

} // namespace

TEST_CASE_METHOD(match_fixture, "a document counts once, for ever") {
  auto game = finished_game();
  auto text = simulate::match_document(game);
  CHECK(obey(match_command_of(text, "aa")).size() == 1);
  CHECK(std::get<offset>(decide(match_command_of(text, "aa"))) == offset{0});
  CHECK(
    obey(timeline_command_of(simulate::timeline_document(game), "bb")).size()
    == 1);
  CHECK(std::get<offset>(decide(match_command_of(text, "aa"))) == offset{0});
}

TEST_CASE_METHOD(
  match_fixture, "the same match with other content is a correction") {
  auto text = simulate::match_document(finished_game());
  obey(match_command_of(text, "aa"));
  auto all = obey(match_command_of(text, "cc"));
  REQUIRE(all.size() == 1);
  auto& second = std::get<event::match_completed>(*all[0]);
  CHECK(second.revision == 2);
  CHECK(second.supersedes == 0);
  // The first one, sent again, is still the first one.
  CHECK(std::get<offset>(decide(match_command_of(text, "aa"))) == offset{0});
}

TEST_CASE_METHOD(match_fixture,
  "a timeline that does not give the match's numbers is refused, in either "
  "order") {
  auto game = finished_game();
  auto match = json::parse(simulate::match_document(game));
  match["info"]["participants"][0]["kills"]
    = match["info"]["participants"][0]["kills"].get<int>() + 1;
  match["info"]["participants"][0]["largestKillingSpree"] = 0;
  auto wrong = match_command_of(match.dump(), "aa");
  auto timeline = timeline_command_of(simulate::timeline_document(game), "bb");

  SECTION("match first") {
    obey(wrong);
    CHECK(std::get<refusal>(decide(timeline)).rule == "riot.8.12");
  }
  SECTION("timeline first") {
    obey(timeline);
    auto why = std::get<refusal>(decide(wrong));
    CHECK(why.rule == "riot.8.12");
    CHECK(!why.pointer.empty());
  }
}

TEST_CASE_METHOD(match_fixture, "a game that ended gets no live news") {
  auto game = finished_game();
  obey(match_command_of(simulate::match_document(game), "aa"));
  observe_live late;
  late.match_id = "EUW1_1";
  late.seen = std::make_shared<const riot::live_observation>();
  CHECK(std::get<refusal>(decide(late)).rule == "match.ended");
  observe_spectator stale;
  event::match_live_started started;
  stale.event = std::make_shared<const any_event>(started);
  CHECK(std::get<offset>(decide(stale)) == offset{0});
}

TEST_CASE_METHOD(match_fixture,
  "the first look starts the game and a repeated one is nothing") {
  auto seen = std::make_shared<riot::live_observation>();
  seen->game_time = 61.5;
  seen->game_mode = "CLASSIC";
  event::live_participant player;
  player.participantId = 1;
  player.teamId = 100;
  seen->participants = {player};
  observe_live look{"EUW1_42", seen, 1'000'000, "companion", {}};
  auto all = obey(look);
  REQUIRE(all.size() == 2);
  auto& started = std::get<event::match_live_started>(*all[0]);
  CHECK(started.gameId == 42);
  CHECK(started.platformId == "EUW1");
  CHECK(started.gameStartTime == 1'000'000 - 61'500);
  CHECK(std::get<event::match_live_updated>(*all[1]).gameTime == 61.5);
  CHECK(std::get<offset>(decide(look)) == offset{1});
}

TEST_CASE_METHOD(
  match_fixture, "spectator-v5 says that a game runs once a minute at most") {
  event::match_live_started started;
  started.matchId = "EUW1_42";
  started.source = "spectator-v5";
  auto event = std::make_shared<const any_event>(started);
  CHECK(obey(observe_spectator{event, 10, 1'000'000}).size() == 1);
  CHECK(obey(observe_spectator{event, 40, 1'030'000}).size() == 1);
  CHECK(obey(observe_spectator{event, 70, 1'060'000}).empty());
  auto all = obey(observe_spectator{event, 100, 1'090'001});
  REQUIRE(all.size() == 1);
  auto& running = std::get<event::match_live_updated>(*all[0]);
  CHECK(running.gameTime == 100);
  CHECK(running.teams.empty());
}

TEST_CASE("the state after all events is the fold of their patches") {
  auto game = finished_game();
  auto match = match_command_of(simulate::match_document(game), "aa");
  auto timeline = timeline_command_of(simulate::timeline_document(game), "bb");
  auto state = empty_match_state("EUW1_1");
  apply_patch(state, match_patch(*timeline.event, 1));
  CHECK(state.at("state") == "unknown");
  CHECK(state.at("gold").size() == timeline.summary->minutes.size());
  apply_patch(state, match_patch(*match.event, 2));
  CHECK(state.at("state") == "finished");
  CHECK(state.at("timeline") == true);
  CHECK(state.at("participants").size() == 10);

  // The other order gives the same state but for the time of the last update.
  auto other = empty_match_state("EUW1_1");
  apply_patch(other, match_patch(*match.event, 2));
  apply_patch(other, match_patch(*timeline.event, 2));
  CHECK(other == state);

  int kills = 0;
  for (auto& entry : state.at("feed"))
    kills += entry.at("kind") == "kill" && entry.at("killerId") != 0;
  auto& last = timeline.summary->minutes.back();
  CHECK(kills == last.blue.kills + last.red.kills);
  CHECK(
    state.at("gold").back().at("difference") == last.blue.gold - last.red.gold);
  auto entry = match_list_entry(state);
  CHECK(entry.at("champions").at("blue").size() == 5);
  CHECK(entry.at("winner")
    == match.summary->teams[match.summary->teams[0].win ? 0 : 1].team_id);
}

TEST_CASE("live updates append to the chart and the feed") {
  event::match_live_updated update;
  update.gameTime = 60;
  event::live_team blue, red;
  blue.teamId = 100;
  blue.itemGold = 3'000;
  red.teamId = 200;
  red.itemGold = 2'500;
  update.teams = {blue, red};
  event::live_event kill;
  kill.name = "ChampionKill";
  kill.killerId = 1;
  kill.victimId = 6;
  update.events = {kill};
  auto state = empty_match_state("EUW1_1");
  apply_patch(state, match_patch(any_event{update}, 1));
  update.events.clear();
  update.gameTime = 61;
  apply_patch(state, match_patch(any_event{update}, 2));
  CHECK(state.at("gold").size() == 2);
  CHECK(state.at("gold")[1]
    == json{{"t", 61.0}, {"difference", 500}, {"basis", "items"}});
  CHECK(state.at("feed").size() == 1);
  CHECK(state.at("state") == "live");
}
