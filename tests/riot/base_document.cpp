#include "tests/riot/base_document.hpp"

#include "tools/simulate/documents.hpp"
#include "tools/simulate/generator.hpp"

#include <catch2/catch.hpp>

namespace herald::riot {

namespace {

constexpr std::uint64_t seed = 1;

simulate::game_options only_plain() {
  simulate::game_options options;
  options.remake_percent = options.aborted_percent = options.aram_percent = 0;
  return options;
}

simulate::game base_game() {
  return simulate::make_game(seed, 0, only_plain());
}

simulate::game aborted_game() {
  auto options = only_plain();
  options.aborted_percent = 100;
  return simulate::make_game(seed, 0, options);
}

/// Keeps the first `count` participants and their PUUIDs.
void keep_participants(json& match, std::size_t count) {
  auto& participants = match["info"]["participants"];
  auto& listed = match["metadata"]["participants"];
  while (participants.size() > count) {
    participants.erase(participants.size() - 1);
    listed.erase(listed.size() - 1);
  }
}

} // namespace

json base_match() {
  static const auto text = simulate::match_document(base_game());
  return json::parse(text);
}

json base_timeline() {
  static const auto text = simulate::timeline_document(base_game());
  return json::parse(text);
}

json remake_match() {
  auto options = only_plain();
  options.remake_percent = 100;
  return json::parse(
    simulate::match_document(simulate::make_game(seed, 0, options)));
}

json aborted_match() {
  return json::parse(simulate::match_document(aborted_game()));
}

json aborted_timeline() {
  return json::parse(simulate::timeline_document(aborted_game()));
}

json arena_match() {
  auto match = base_match();
  keep_participants(match, 8);
  match["info"]["gameMode"] = "CHERRY";
  match["info"]["queueId"] = 1700;
  match["info"]["mapId"] = 30;
  for (auto& team : match["info"]["teams"])
    team["win"] = false;
  std::size_t place = 0;
  for (auto& who : match["info"]["participants"]) {
    who["playerSubteamId"] = place / 2 + 1;
    who["placement"] = place / 2 + 1;
    who["teamId"] = place % 2 == 0 ? 100 : 200;
    who["win"] = place < 4;
    who["champLevel"] = 24;
    ++place;
  }
  return match;
}

json swarm_match() {
  auto match = base_match();
  keep_participants(match, 3);
  match["info"]["gameMode"] = "STRAWBERRY";
  match["info"]["teams"].erase(1);
  return match;
}

void make_bot(json& match, std::size_t place) {
  auto& who = match["info"]["participants"][place];
  auto& listed = match["metadata"]["participants"];
  for (auto at = listed.begin(); at != listed.end(); ++at)
    if (*at == who["puuid"]) {
      listed.erase(at);
      break;
    }
  who["puuid"] = "BOT";
  who["summonerId"] = "";
  who["summonerName"] = "Garen bot";
  who["summoner1Id"] = who["summoner2Id"] = 0;
  who.erase("challenges");
}

document accepted(const json& text) {
  auto read = read_document(text.dump());
  if (!read)
    FAIL(read.error().rule << ' ' << read.error().pointer << ' '
                           << read.error().reason);
  return std::move(*read);
}

refusal refused(const json& text) {
  auto read = read_document(text.dump());
  if (read)
    FAIL("was accepted");
  return read.error();
}

} // namespace herald::riot
