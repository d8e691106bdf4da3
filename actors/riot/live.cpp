#include "actors/riot/live.hpp"

#include "actors/riot/item_prices.hpp"
#include "protocol/schema/json.hpp"
#include "protocol/schema/record.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <utility>

namespace herald::riot {

namespace {

constexpr std::int32_t blue_team = 100;
constexpr std::int32_t red_team = 200;
constexpr std::size_t puuid_length = 78;
constexpr double live_confidence = 1.0;
constexpr double spectating_confidence = 0.8;
constexpr double spectator_confidence = 0.9;
/// A live answer has at most so many bytes, players and events; real ones have
/// some 100 KiB, 16 and 300.
constexpr std::size_t live_bytes_max = 4u << 20;
constexpr std::size_t live_players_max = 64;
constexpr std::size_t live_events_max = 4096;
constexpr std::size_t internal_name_max = 64;
/// What a player's items may be worth, so that sums stay sums.
constexpr std::int32_t item_gold_max = 1'000'000;

// The parts of the Live Client Data API's answer that are used.

HERALD_RECORD(error_document, "herald.riot.live", "ActivePlayer",
  "Who watches.",
  (std::optional<std::string>, error, "Present for spectators."));
HERALD_RECORD(game_document, "herald.riot.live", "GameData", "The game.",
  (std::string, gameMode, "Game mode."), (double, gameTime, "Seconds."),
  (std::optional<std::int32_t>, mapNumber, "Id of the map."));
HERALD_RECORD(item_document, "herald.riot.live", "Item", "An item held.",
  (std::int32_t, itemID, "Id."),
  (std::optional<std::int32_t>, count, "Pieces."),
  (std::optional<std::int32_t>, price, "Price of the last step."));
HERALD_RECORD(scores_document, "herald.riot.live", "Scores", "Scores.",
  (std::int32_t, assists, "Assists."), (std::int32_t, creepScore, "Minions."),
  (std::int32_t, deaths, "Deaths."), (std::int32_t, kills, "Kills."),
  (double, wardScore, "Vision score."));
HERALD_RECORD(player_document, "herald.riot.live", "Player", "A player.",
  (std::string, championName, "In the client's language."),
  (std::optional<std::string>, rawChampionName, "Internal name."),
  (std::optional<bool>, isBot, "Whether a bot plays."),
  (bool, isDead, "Whether the champion is dead."),
  (std::vector<item_document>, items, "Items."),
  (std::int32_t, level, "Level."),
  (std::optional<std::string>, position, "Position."),
  (double, respawnTimer, "Seconds."),
  (std::optional<std::string>, riotId, "Name and tag."),
  (std::optional<std::string>, riotIdGameName, "Name."),
  (std::optional<std::string>, riotIdTagLine, "Tag."),
  (scores_document, scores, "Scores."),
  (std::optional<std::string>, summonerName, "Name, in old clients."),
  (std::string, team, "ORDER or CHAOS."));
HERALD_RECORD(event_document, "herald.riot.live", "Event", "An event.",
  (std::int32_t, EventID, "Number."), (std::string, EventName, "Kind."),
  (double, EventTime, "Seconds."), (std::optional<std::string>, Acer, "Who."),
  (std::optional<std::string>, AcingTeam, "Whose team."),
  (std::optional<std::vector<std::string>>, Assisters, "Who helped."),
  (std::optional<std::string>, DragonType, "Kind of dragon."),
  (std::optional<std::string>, InhibKilled, "Inhibitor."),
  (std::optional<std::string>, InhibRespawned, "Inhibitor."),
  (std::optional<std::string>, InhibRespawningSoon, "Inhibitor."),
  (std::optional<std::int32_t>, KillStreak, "Kills."),
  (std::optional<std::string>, KillerName, "Who killed."),
  (std::optional<std::string>, Recipient, "Who drew first blood."),
  (std::optional<std::string>, Result, "Win or Lose."),
  (std::optional<std::string>, Stolen, "True or False."),
  (std::optional<std::string>, TurretKilled, "Turret."),
  (std::optional<std::string>, VictimName, "Who died."));
HERALD_RECORD(events_document, "herald.riot.live", "Events", "The feed.",
  (std::vector<event_document>, Events, "Oldest first."));
HERALD_RECORD(live_document, "herald.riot.live", "AllGameData", "Everything.",
  (std::optional<error_document>, activePlayer, "Who watches."),
  (std::vector<player_document>, allPlayers, "Everybody."),
  (events_document, events, "The feed."),
  (game_document, gameData, "The game."));

// The parts of spectator-v5's CurrentGameInfo that are used.

HERALD_RECORD(spectator_ban_document, "herald.riot.spectator", "Ban", "A ban.",
  (std::int64_t, championId, "Champion."), (std::int32_t, pickTurn, "Turn."),
  (std::int32_t, teamId, "Team."));
HERALD_RECORD(spectator_player_document, "herald.riot.spectator", "Player",
  "A player.", (bool, bot, "Whether a bot plays."),
  (std::int64_t, championId, "Champion."),
  (std::optional<std::string>, puuid, "Null for hidden players."),
  (std::optional<std::string>, riotId, "Name and tag."),
  (std::int64_t, spell1Id, "Spell."), (std::int64_t, spell2Id, "Spell."),
  (std::int32_t, teamId, "Team."));
HERALD_RECORD(spectator_document, "herald.riot.spectator", "CurrentGameInfo",
  "A running game.",
  (std::optional<std::vector<spectator_ban_document>>, bannedChampions,
    "Bans."),
  (std::int64_t, gameId, "Number of the game."),
  (std::optional<std::int64_t>, gameLength, "Seconds."),
  (std::string, gameMode, "Mode."),
  (std::optional<std::int64_t>, gameQueueConfigId, "Queue."),
  (std::int64_t, gameStartTime, "Unix time in ms."),
  (std::string, gameType, "Type."), (std::int64_t, mapId, "Map."),
  (std::vector<spectator_player_document>, participants, "Players."),
  (std::string, platformId, "Platform."));

template <class T>
reading<T> decode(bytes_view json) {
  if (json.size() > live_bytes_max)
    return std::unexpected{refusal{"shape", "",
      fmt::format(
        "has {} bytes, at most {} are read", json.size(), live_bytes_max)}};
  json_report report;
  auto value = json_decode<T>(json, report);
  if (!value)
    return std::unexpected{
      refusal{"shape", std::move(report.pointer), std::move(report.detail)}};
  return std::move(*value);
}

/// Splits "Name#TAG" into name and tag.
std::pair<std::string, std::string> split_riot_id(const std::string& text) {
  const auto cut = text.rfind('#');
  if (cut == text.npos)
    return {text, {}};
  return {text.substr(0, cut), text.substr(cut + 1)};
}

std::int32_t team_of(std::string_view side) {
  return side == "ORDER" ? blue_team : side == "CHAOS" ? red_team : 0;
}

std::int32_t other_team(std::int32_t team) {
  return team == blue_team ? red_team : team == red_team ? blue_team : 0;
}

/// Names that the game gives to its own things. Everything else may be a
/// player's name, which no event may carry.
bool is_internal_name(std::string_view text) {
  return !text.empty() && text.size() <= internal_name_max
    && std::ranges::all_of(text, [](char c) {
         return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '_';
       });
}

bool is_structure(std::string_view text) {
  return is_internal_name(text)
    && (text.starts_with("Turret_") || text.starts_with("Barracks_")
      || text.starts_with("Inhib_") || text.starts_with("HQ_"));
}

bool is_creature(std::string_view text) {
  return is_internal_name(text)
    && (text.starts_with("Minion_") || text.starts_with("SRU_")
      || text.starts_with("TT_") || text.starts_with("HA_"));
}

/// The team that a structure or a minion belongs to, 0 when it does not say:
/// Turret_T1_L_03_A and Turret_TOrder_L2_P3 are blue, Minion_T200L2S13N0077 is
/// red.
std::int32_t owner_of(std::string_view name) {
  const auto cut = name.find("_T");
  if (cut == name.npos)
    return 0;
  const auto side = name.substr(cut + 2);
  if (side.starts_with("100") || side.starts_with("1_")
    || side.starts_with("Order"))
    return blue_team;
  if (side.starts_with("200") || side.starts_with("2_")
    || side.starts_with("Chaos"))
    return red_team;
  return 0;
}

std::int32_t gold_of(const std::vector<item_document>& items) {
  std::int64_t sum = 0;
  for (const auto& item : items) {
    const auto pieces = std::clamp(item.count.value_or(1), 1, 100);
    const auto price
      = item_price(item.itemID).value_or(std::max(0, item.price.value_or(0)));
    sum += std::int64_t{price} * pieces;
  }
  return static_cast<std::int32_t>(std::min(sum, std::int64_t{item_gold_max}));
}

/// "game_character_displayname_Jax" is Jax in every language.
std::string champion_of(const player_document& player) {
  constexpr std::string_view prefix = "game_character_displayname_";
  if (player.rawChampionName && player.rawChampionName->starts_with(prefix))
    return player.rawChampionName->substr(prefix.size());
  return player.championName;
}

event::live_participant participant_of(
  const player_document& player, std::int32_t number) {
  event::live_participant who;
  who.participantId = number;
  who.teamId = team_of(player.team);
  who.championName = champion_of(player);
  who.position = player.position.value_or("");
  who.kills = player.scores.kills;
  who.deaths = player.scores.deaths;
  who.assists = player.scores.assists;
  who.level = player.level;
  who.creepScore = player.scores.creepScore;
  who.wardScore = player.scores.wardScore;
  for (const auto& item : player.items)
    who.items.push_back(item.itemID);
  who.itemGold = gold_of(player.items);
  who.isDead = player.isDead;
  who.respawnTimer = player.respawnTimer;
  return who;
}

person person_of(const player_document& player, std::int32_t number) {
  person who;
  who.participant_id = number;
  if (player.riotId)
    std::tie(who.game_name, who.tag_line) = split_riot_id(*player.riotId);
  if (player.riotIdGameName)
    who.game_name = *player.riotIdGameName;
  if (player.riotIdTagLine)
    who.tag_line = *player.riotIdTagLine;
  who.summoner_name = player.summonerName.value_or("");
  return who;
}

/// Finds the participant behind a name of the feed.
class name_index {
public:
  void add(const std::string& name, std::int32_t number) {
    if (name.empty())
      return;
    const auto [at, fresh] = by_name_.emplace(name, number);
    // Two players of one name: neither is meant with certainty.
    if (!fresh && at->second != number)
      at->second = 0;
  }
  std::optional<std::int32_t> find(
    const std::optional<std::string>& name) const {
    if (!name)
      return std::nullopt;
    const auto found = by_name_.find(*name);
    if (found == by_name_.end() || found->second == 0)
      return std::nullopt;
    return found->second;
  }

private:
  std::map<std::string, std::int32_t> by_name_;
};

name_index index_names(const std::vector<player_document>& players) {
  name_index names;
  std::int32_t number = 0;
  for (const auto& player : players) {
    const auto who = person_of(player, ++number);
    names.add(who.game_name, number);
    names.add(who.summoner_name, number);
    if (!who.tag_line.empty())
      names.add(who.game_name + '#' + who.tag_line, number);
  }
  return names;
}

/// Turns the feed's events into ours.
class event_reader {
public:
  event_reader(const name_index& names,
    const std::vector<event::live_participant>& participants)
    : names_(names), participants_(participants) {}

  event::live_event read(const event_document& from) const {
    event::live_event to;
    to.eventId = from.EventID;
    to.eventTime = from.EventTime;
    to.name = from.EventName;
    for (const auto* name : {&from.KillerName, &from.Recipient, &from.Acer})
      if (auto found = names_.find(*name))
        to.killerId = found;
    to.victimId = names_.find(from.VictimName);
    if (from.Assisters)
      for (const auto& name : *from.Assisters)
        if (const auto found = names_.find(name))
          to.assisterIds.push_back(*found);
    for (const auto* name : {&from.TurretKilled, &from.InhibKilled,
           &from.InhibRespawned, &from.InhibRespawningSoon})
      if (*name && is_structure(**name))
        to.structure = **name;
    if (from.DragonType && is_internal_name(*from.DragonType))
      to.monsterType = *from.DragonType;
    if (!to.killerId && from.KillerName)
      read_killer(*from.KillerName, to);
    if (from.Stolen)
      to.stolen = *from.Stolen == "True";
    to.killStreak = from.KillStreak;
    if (from.Result == "Win" || from.Result == "Lose")
      to.result = from.Result;
    if (const auto team = gainer_of(from, to); team != 0)
      to.teamId = team;
    return to;
  }

private:
  static void read_killer(const std::string& name, event::live_event& to) {
    if (!to.structure && is_structure(name))
      to.structure = name;
    else if (!to.monsterType && is_creature(name))
      to.monsterType = name;
  }

  /// Who gains: the other team than the owner of a building, the team that
  /// made an ace, the killer's team, or the other team than the victim's unless
  /// a neutral monster killed it.
  std::int32_t gainer_of(
    const event_document& from, const event::live_event& to) const {
    if (from.TurretKilled)
      return other_team(owner_of(*from.TurretKilled));
    if (from.InhibKilled)
      return other_team(owner_of(*from.InhibKilled));
    if (from.AcingTeam)
      return herald::riot::team_of(*from.AcingTeam);
    if (to.killerId)
      return team_of(*to.killerId);
    if (from.KillerName
      && (is_structure(*from.KillerName) || is_creature(*from.KillerName)))
      return owner_of(*from.KillerName);
    return to.victimId ? other_team(team_of(*to.victimId)) : 0;
  }

  std::int32_t team_of(std::int32_t number) const {
    return participants_[static_cast<std::size_t>(number - 1)].teamId;
  }

  const name_index& names_;
  const std::vector<event::live_participant>& participants_;
};

/// A client that has just started shows samples of all kinds of events under
/// the number 0; a feed's numbers rise.
void drop_samples(std::vector<event_document>& events) {
  auto last = std::numeric_limits<std::int32_t>::min();
  std::erase_if(events, [&](const event_document& x) {
    if (x.EventID <= last || !is_internal_name(x.EventName))
      return true;
    last = x.EventID;
    return false;
  });
}

std::int32_t saturated(std::int64_t sum) {
  using limits = std::numeric_limits<std::int32_t>;
  return static_cast<std::int32_t>(
    std::clamp(sum, std::int64_t{limits::min()}, std::int64_t{limits::max()}));
}

void count(event::live_team& team, const event::live_event& happened) {
  if (happened.name == "TurretKilled")
    ++team.towers;
  else if (happened.name == "InhibKilled")
    ++team.inhibitors;
  else if (happened.name == "DragonKill")
    ++team.dragons;
  else if (happened.name == "HeraldKill")
    ++team.heralds;
  else if (happened.name == "BaronKill")
    ++team.barons;
  else if (happened.name == "HordeKill")
    ++team.horde;
}

/// Whether a participant looks different to a person: timers and the creeping
/// vision score alone are no news.
bool same_standing(event::live_participant a, event::live_participant b) {
  for (auto* x : {&a, &b}) {
    x->respawnTimer = 0;
    x->wardScore = std::floor(x->wardScore);
  }
  return a == b;
}

} // namespace

reading<live_observation> read_live(bytes_view all_game_data) {
  auto from = decode<live_document>(all_game_data);
  if (!from)
    return std::unexpected{std::move(from.error())};
  if (from->allPlayers.size() > live_players_max)
    return std::unexpected{refusal{"shape", "/allPlayers",
      fmt::format("has {} players", from->allPlayers.size())}};
  if (from->events.Events.size() > live_events_max)
    return std::unexpected{refusal{"shape", "/events/Events",
      fmt::format("has {} events", from->events.Events.size())}};
  live_observation seen;
  seen.game_time = from->gameData.gameTime;
  seen.game_mode = std::move(from->gameData.gameMode);
  seen.map_id = from->gameData.mapNumber.value_or(0);
  seen.spectating = from->activePlayer && from->activePlayer->error;
  std::int32_t number = 0;
  for (const auto& player : from->allPlayers) {
    seen.participants.push_back(participant_of(player, ++number));
    if (!player.isBot.value_or(false))
      seen.people.push_back(person_of(player, number));
  }
  const auto names = index_names(from->allPlayers);
  const event_reader reader{names, seen.participants};
  drop_samples(from->events.Events);
  for (const auto& happened : from->events.Events)
    seen.events.push_back(reader.read(happened));
  return seen;
}

live_difference difference(
  const live_state& before, const live_observation& seen) {
  live_difference found;
  found.after = before;
  auto& after = found.after;
  if (after.teams.empty()) {
    after.teams.resize(2);
    after.teams[0].teamId = blue_team;
    after.teams[1].teamId = red_team;
  }
  found.update.source = "live-client";
  found.update.confidence
    = seen.spectating ? spectating_confidence : live_confidence;
  if (seen.game_time < before.game_time)
    return found;
  for (const auto& happened : seen.events) {
    if (happened.eventId <= after.last_event_id)
      continue;
    after.last_event_id = happened.eventId;
    for (auto& team : after.teams)
      if (happened.teamId == team.teamId)
        count(team, happened);
    found.update.events.push_back(happened);
  }
  for (auto& team : after.teams) {
    std::int64_t kills = 0;
    std::int64_t gold = 0;
    for (const auto& who : seen.participants)
      if (who.teamId == team.teamId) {
        kills += who.kills;
        gold += who.itemGold;
      }
    team.kills = saturated(kills);
    team.itemGold = saturated(gold);
  }
  found.changed = !found.update.events.empty()
    || !std::ranges::equal(
      before.participants, seen.participants, same_standing);
  after.game_time = seen.game_time;
  if (found.changed)
    after.participants = seen.participants;
  found.update.gameTime = seen.game_time;
  found.update.gameMode = seen.game_mode;
  found.update.teams = after.teams;
  found.update.participants = seen.participants;
  return found;
}

reading<live_start> read_spectator(bytes_view current_game_info) {
  auto from = decode<spectator_document>(current_game_info);
  if (!from)
    return std::unexpected{std::move(from.error())};
  if (from->participants.size() > live_players_max)
    return std::unexpected{refusal{"shape", "/participants",
      fmt::format("has {} participants", from->participants.size())}};
  live_start start;
  auto& content = start.content;
  content.matchId = fmt::format("{}_{}", from->platformId, from->gameId);
  content.source = "spectator-v5";
  content.confidence = spectator_confidence;
  content.platformId = std::move(from->platformId);
  content.gameId = from->gameId;
  content.gameStartTime = from->gameStartTime;
  content.gameMode = std::move(from->gameMode);
  content.gameType = std::move(from->gameType);
  content.mapId = from->mapId;
  content.queueId = from->gameQueueConfigId;
  for (auto& player : from->participants) {
    auto& who = content.participants.emplace_back();
    who.participantId = static_cast<std::int32_t>(content.participants.size());
    who.teamId = player.teamId;
    who.championId = player.championId;
    who.spell1Id = player.spell1Id;
    who.spell2Id = player.spell2Id;
    who.bot = player.bot;
    if (player.bot || !player.puuid || player.puuid->size() != puuid_length)
      continue;
    auto [name, tag] = split_riot_id(player.riotId.value_or(""));
    start.people.push_back({*who.participantId, std::move(*player.puuid),
      std::move(name), std::move(tag), {}});
  }
  if (from->bannedChampions)
    for (const auto& ban : *from->bannedChampions)
      content.bans.push_back({ban.championId, ban.teamId, ban.pickTurn});
  start.game_length = from->gameLength.value_or(0);
  return start;
}

void set_player_id(
  live_start& start, const person& who, std::string player_id) {
  for (auto& starter : start.content.participants)
    if (starter.participantId == who.participant_id) {
      starter.playerId = std::move(player_id);
      return;
    }
}

} // namespace herald::riot
