#include "actors/match/match_patch.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace herald {

namespace {

using nlohmann::json;

constexpr int blue = 100;
constexpr int red = 200;

/// Times of the feed and the chart are seconds with one decimal.
double tenths(double seconds) {
  return std::round(seconds * 10) / 10;
}

json difference_point(double seconds, std::int64_t blue_gold,
  std::int64_t red_gold, std::string_view basis) {
  return {{"t", tenths(seconds)}, {"difference", blue_gold - red_gold},
    {"basis", basis}};
}

// -- match.live.started -------------------------------------------------------

json patch_of(const event::match_live_started& event, std::int64_t time_ms) {
  auto participants = json::array();
  int place = 0;
  for (auto& starter : event.participants) {
    ++place;
    participants.push_back(
      {{"participantId", starter.participantId.value_or(place)},
        {"teamId", starter.teamId}, {"championId", starter.championId},
        {"championName", nullptr}, {"position", ""}, {"kills", 0},
        {"deaths", 0}, {"assists", 0}, {"level", 1}, {"creepScore", 0},
        {"gold", nullptr}, {"items", json::array()},
        {"playerId",
          starter.playerId ? json(*starter.playerId) : json(nullptr)}});
  }
  auto bans = json::array();
  for (auto& ban : event.bans)
    bans.push_back({{"teamId", ban.teamId}, {"championId", ban.championId},
      {"pickTurn", ban.pickTurn}});
  auto teams = json::array();
  for (int team : {blue, red})
    teams.push_back({{"teamId", team}, {"kills", 0}, {"towers", 0},
      {"inhibitors", 0}, {"dragons", 0}, {"heralds", 0}, {"barons", 0},
      {"horde", 0}, {"gold", nullptr}});
  json set{{"state", "live"}, {"platformId", event.platformId},
    {"queueId", event.queueId ? json(*event.queueId) : json(nullptr)},
    {"gameMode", event.gameMode}, {"mapId", event.mapId},
    {"startedAt", event.gameStartTime}, {"updatedAt", time_ms},
    {"source", event.source}, {"confidence", event.confidence},
    {"teams", std::move(teams)}, {"participants", std::move(participants)},
    {"bans", std::move(bans)}};
  return {{"set", std::move(set)}, {"append", json::object()}};
}

// -- match.live.updated -------------------------------------------------------

/// The kind of a feed entry for an event of the Live Client Data API; empty
/// for those that the feed does not show.
std::string_view kind_of(std::string_view name) {
  static const std::map<std::string_view, std::string_view> kinds{
    {"GameStart", "start"}, {"GameEnd", "end"}, {"ChampionKill", "kill"},
    {"TurretKilled", "tower"}, {"InhibKilled", "inhibitor"},
    {"DragonKill", "dragon"}, {"HeraldKill", "herald"}, {"BaronKill", "baron"},
    {"HordeKill", "horde"}, {"AtakhanKill", "atakhan"}, {"Ace", "ace"}};
  auto found = kinds.find(name);
  return found == kinds.end() ? std::string_view{} : found->second;
}

json feed_entry(const event::live_event& event) {
  json entry{{"t", tenths(event.eventTime)}, {"kind", kind_of(event.name)},
    {"teamId", event.teamId.value_or(0)},
    {"killerId", event.killerId.value_or(0)},
    {"victimId", event.victimId.value_or(0)}, {"assistIds", event.assisterIds},
    {"detail", ""}};
  if (event.monsterType)
    entry["detail"] = *event.monsterType;
  else if (event.structure)
    entry["detail"] = *event.structure;
  return entry;
}

json patch_of(const event::match_live_updated& event, std::int64_t time_ms) {
  json set{{"state", "live"}, {"gameTime", tenths(event.gameTime)},
    {"updatedAt", time_ms}, {"source", event.source},
    {"confidence", event.confidence}};
  json append = json::object();
  if (event.gameMode)
    set["gameMode"] = *event.gameMode;
  if (!event.teams.empty()) {
    auto teams = json::array();
    std::int64_t gold[2] = {0, 0};
    bool gold_known = true;
    for (auto& team : event.teams) {
      teams.push_back({{"teamId", team.teamId}, {"kills", team.kills},
        {"towers", team.towers}, {"inhibitors", team.inhibitors},
        {"dragons", team.dragons}, {"heralds", team.heralds},
        {"barons", team.barons}, {"horde", team.horde},
        {"gold", team.itemGold ? json(*team.itemGold) : json(nullptr)}});
      gold_known = gold_known && team.itemGold.has_value();
      if (team.itemGold && (team.teamId == blue || team.teamId == red))
        gold[team.teamId == red] = *team.itemGold;
    }
    set["teams"] = std::move(teams);
    if (gold_known)
      append["gold"] = json::array(
        {difference_point(event.gameTime, gold[0], gold[1], "items")});
  }
  if (!event.participants.empty()) {
    auto participants = json::array();
    for (auto& player : event.participants)
      participants.push_back(
        {{"participantId", player.participantId}, {"teamId", player.teamId},
          {"championId", nullptr}, {"championName", player.championName},
          {"position", player.position}, {"kills", player.kills},
          {"deaths", player.deaths}, {"assists", player.assists},
          {"level", player.level}, {"creepScore", player.creepScore},
          {"gold", player.itemGold}, {"items", player.items},
          {"playerId", nullptr}, {"dead", player.isDead}});
    set["participants"] = std::move(participants);
  }
  auto feed = json::array();
  for (auto& happened : event.events)
    if (!kind_of(happened.name).empty())
      feed.push_back(feed_entry(happened));
  if (!feed.empty())
    append["feed"] = std::move(feed);
  return {{"set", std::move(set)}, {"append", std::move(append)}};
}

// -- match.completed ----------------------------------------------------------

json participant_of(const event::participant& player) {
  json items = json::array();
  for (auto item : {player.item0, player.item1, player.item2, player.item3,
         player.item4, player.item5, player.item6})
    if (item != 0)
      items.push_back(item);
  return {{"participantId", player.participantId}, {"teamId", player.teamId},
    {"championId", player.championId}, {"championName", player.championName},
    {"position", player.teamPosition}, {"kills", player.kills},
    {"deaths", player.deaths}, {"assists", player.assists},
    {"level", player.champLevel},
    {"creepScore", player.totalMinionsKilled + player.neutralMinionsKilled},
    {"gold", player.goldEarned}, {"items", std::move(items)},
    {"playerId", player.playerId ? json(*player.playerId) : json(nullptr)}};
}

json patch_of(const event::match_completed& event, std::int64_t time_ms) {
  bool aborted = event.outcome == "aborted";
  // Documents without an end give their duration in milliseconds (riot.md,
  // section 6).
  double seconds = event.gameEndTimestamp
    ? static_cast<double>(event.gameDuration)
    : static_cast<double>(event.gameDuration) / 1000;
  std::map<int, std::int64_t> kills, gold;
  auto participants = json::array();
  for (auto& player : event.participants) {
    participants.push_back(participant_of(player));
    kills[player.teamId] += player.kills;
    gold[player.teamId] += player.goldEarned;
  }
  auto teams = json::array();
  auto bans = json::array();
  int winner = 0;
  for (auto& team : event.teams) {
    auto& took = team.objectives;
    teams.push_back({{"teamId", team.teamId}, {"kills", kills[team.teamId]},
      {"towers", took.tower.kills}, {"inhibitors", took.inhibitor.kills},
      {"dragons", took.dragon.kills}, {"heralds", took.riftHerald.kills},
      {"barons", took.baron.kills},
      {"horde", took.horde ? took.horde->kills : 0},
      {"gold", gold[team.teamId]}});
    for (auto& ban : team.bans)
      bans.push_back({{"teamId", team.teamId}, {"championId", ban.championId},
        {"pickTurn", ban.pickTurn}});
    if (team.win)
      winner = winner == 0 ? team.teamId : 0;
  }
  json set{{"state", aborted ? "aborted" : "finished"},
    {"remake", event.outcome == "remake"}, {"winner", winner},
    {"updatedAt", time_ms}, {"source", event.source}, {"confidence", 1.0},
    {"revision", event.revision}};
  if (!aborted)
    set.update({{"platformId", event.platformId}, {"queueId", event.queueId},
      {"gameMode", event.gameMode}, {"gameVersion", event.gameVersion},
      {"mapId", event.mapId}, {"startedAt", event.gameStartTimestamp},
      {"gameTime", tenths(seconds)}, {"teams", std::move(teams)},
      {"participants", std::move(participants)}, {"bans", std::move(bans)}});
  return {{"set", std::move(set)}, {"append", json::object()}};
}

// -- match.timeline.recorded --------------------------------------------------

/// Blue is participants 1 to 5 where two teams of five play; elsewhere (Arena,
/// Swarm) the team of a participant is not in the timeline.
int team_of(std::int32_t participant, bool two_teams) {
  if (!two_teams || participant < 1)
    return 0;
  return participant <= 5 ? blue : red;
}

int other(int team) {
  return team == blue ? red : team == red ? blue : 0;
}

/// What the feed shows of an event of a timeline; empty for the many kinds that
/// it does not.
std::string_view kind_of(const event::timeline_event& event) {
  if (event.type == "CHAMPION_KILL")
    return "kill";
  if (event.type == "BUILDING_KILL")
    return event.buildingType == "INHIBITOR_BUILDING" ? "inhibitor" : "tower";
  if (event.type == "ELITE_MONSTER_KILL") {
    static const std::map<std::string_view, std::string_view> kinds{
      {"DRAGON", "dragon"}, {"RIFTHERALD", "herald"}, {"BARON_NASHOR", "baron"},
      {"HORDE", "horde"}, {"ATAKHAN", "atakhan"}};
    auto found = kinds.find(event.monsterType.value_or(""));
    return found == kinds.end() ? "monster" : found->second;
  }
  return event.type == "GAME_END" ? "end" : "";
}

json feed_entry(
  const event::timeline_event& event, std::string_view kind, bool two_teams) {
  int team = 0;
  std::string detail;
  if (event.type == "CHAMPION_KILL") {
    team = event.killerId.value_or(0) > 0
      ? team_of(*event.killerId, two_teams)
      : other(team_of(event.victimId.value_or(0), two_teams));
  } else if (event.type == "BUILDING_KILL") {
    team = other(event.teamId.value_or(0));
    detail = event.laneType.value_or("");
  } else if (event.type == "ELITE_MONSTER_KILL") {
    team = event.killerTeamId.value_or(0);
    detail = event.monsterSubType.value_or(event.monsterType.value_or(""));
  } else {
    team = event.winningTeam.value_or(0);
  }
  return {{"t", tenths(event.timestamp / 1000.0)}, {"kind", kind},
    {"teamId", team}, {"killerId", event.killerId.value_or(0)},
    {"victimId", event.victimId.value_or(0)},
    {"assistIds",
      event.assistingParticipantIds.value_or(std::vector<std::int32_t>{})},
    {"detail", std::move(detail)}};
}

json patch_of(
  const event::match_timeline_recorded& event, std::int64_t time_ms) {
  auto gold = json::array();
  auto feed = json::array();
  bool two_teams = !event.frames.empty()
    && event.frames.front().participantFrames.size() == 10;
  for (auto& frame : event.frames) {
    if (two_teams) {
      std::int64_t sums[2] = {0, 0};
      for (auto& player : frame.participantFrames)
        sums[player.participantId > 5] += player.totalGold;
      gold.push_back(difference_point(
        frame.timestamp / 1000.0, sums[0], sums[1], "timeline"));
    }
    for (auto& happened : frame.events)
      if (auto kind = kind_of(happened); !kind.empty())
        feed.push_back(feed_entry(happened, kind, two_teams));
  }
  json set{{"timeline", true}, {"updatedAt", time_ms},
    {"gold", std::move(gold)}, {"feed", std::move(feed)}};
  return {{"set", std::move(set)}, {"append", json::object()}};
}

// Events of other topics change no match.
template <class Other>
json patch_of(const Other&, std::int64_t) {
  return {{"set", json::object()}, {"append", json::object()}};
}

} // namespace

json empty_match_state(std::string_view match) {
  return {{"matchId", match}, {"state", "unknown"}, {"platformId", nullptr},
    {"queueId", nullptr}, {"gameMode", nullptr}, {"gameVersion", nullptr},
    {"mapId", nullptr}, {"startedAt", nullptr}, {"gameTime", nullptr},
    {"updatedAt", 0}, {"source", nullptr}, {"confidence", nullptr},
    {"winner", 0}, {"remake", false}, {"revision", 0}, {"timeline", false},
    {"teams", json::array()}, {"participants", json::array()},
    {"bans", json::array()}, {"gold", json::array()}, {"feed", json::array()}};
}

json match_patch(const any_event& event, std::int64_t time_ms) {
  return std::visit(
    [time_ms](auto& which) { return patch_of(which, time_ms); }, event);
}

void apply_patch(json& state, json patch) {
  for (auto& [member, value] : patch.at("set").items())
    state[member] = std::move(value);
  for (auto& [member, values] : patch.at("append").items()) {
    auto& list = state[member];
    if (!list.is_array())
      list = json::array();
    for (auto& value : values)
      list.push_back(std::move(value));
  }
}

json match_list_entry(const json& state) {
  json entry = json::object();
  for (auto* member :
    {"matchId", "state", "platformId", "queueId", "gameMode", "startedAt",
      "gameTime", "updatedAt", "winner", "remake", "source", "confidence"})
    entry[member] = state.at(member);
  std::int64_t kills[2] = {0, 0};
  for (auto& team : state.at("teams")) {
    if (team.at("teamId") == blue)
      kills[0] = team.at("kills");
    else if (team.at("teamId") == red)
      kills[1] = team.at("kills");
  }
  entry["blueKills"] = kills[0];
  entry["redKills"] = kills[1];
  auto& gold = state.at("gold");
  entry["goldDifference"]
    = gold.empty() ? json(nullptr) : gold.back().at("difference");
  json champions{{"blue", json::array()}, {"red", json::array()}};
  for (auto& player : state.at("participants")) {
    auto& side = champions[player.at("teamId") == red ? "red" : "blue"];
    side.push_back(player.at("championName").is_null()
        ? player.at("championId")
        : player.at("championName"));
  }
  entry["champions"] = std::move(champions);
  return entry;
}

} // namespace herald
