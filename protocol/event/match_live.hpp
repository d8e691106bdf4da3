#pragma once

#include "protocol/schema/record.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The events of a game that is being played: match.live.started, once per
/// game, and match.live.updated, whenever somebody saw something new. Both say
/// where the news came from and how far to trust it.

namespace herald::event {

HERALD_RECORD(live_ban, "herald.match.live", "LiveBan",
  "A champion that a team kept out of the game.",
  (std::int64_t, championId, "The champion; -1 for none."),
  (std::int32_t, teamId,
    "100 for blue, 200 for red; without meaning in Arena."),
  (std::int32_t, pickTurn, "The turn of the ban, from 1."));

HERALD_RECORD(live_starter, "herald.match.live", "LiveStarter",
  "One of the players when the game starts.",
  (std::optional<std::int32_t>, participantId,
    "Place in the source's list, from 1."),
  (std::int32_t, teamId,
    "100 for blue, 200 for red; without meaning in Arena."),
  (std::int64_t, championId, "Id of the champion."),
  (std::int64_t, spell1Id, "Id of the first summoner spell."),
  (std::int64_t, spell2Id, "Id of the second summoner spell."),
  (bool, bot, "Whether a bot plays."),
  (std::optional<std::string>, playerId,
    "Herald's id of the player, 16 hexadecimal digits; absent for bots and "
    "hidden players."));

HERALD_RECORD(match_live_started, "herald.match.live", "started",
  "A game is being played.",
  (std::string, matchId, "Platform and game id, such as EUW1_7123456789."),
  (std::string, principal,
    "Who caused the event: import, riot-gateway, companion or the name of a "
    "client."),
  (std::string, source,
    "Where the fact comes from: file, match-v5, spectator-v5 or live-client."),
  (double, confidence, "How far to trust a live fact, from 0 to 1."),
  (std::string, platformId, "The platform, such as EUW1."),
  (std::int64_t, gameId, "Number of the game on its platform."),
  (std::int64_t, gameStartTime,
    "When the game started, Unix time in ms; 0 while it loads."),
  (std::string, gameMode,
    "Game mode such as CLASSIC, ARAM, CHERRY (Arena) or STRAWBERRY (Swarm)."),
  (std::string, gameType, "Game type such as MATCHED_GAME."),
  (std::int64_t, mapId, "Id of the map: 11 Summoner's Rift, 12 Howling Abyss."),
  (std::optional<std::int64_t>, queueId,
    "Id of the queue, such as 420 for ranked solo."),
  (std::vector<live_starter>, participants, "The players."),
  (std::vector<live_ban>, bans, "The bans in their order."));

HERALD_RECORD(live_team, "herald.match.live", "LiveTeam",
  "What a team has so far.",
  (std::int32_t, teamId,
    "100 for blue, 200 for red; without meaning in Arena."),
  (std::int32_t, kills, "Enemy champions killed."),
  (std::int32_t, towers, "Towers destroyed."),
  (std::int32_t, inhibitors, "Inhibitors destroyed."),
  (std::int32_t, dragons, "Dragons killed."),
  (std::int32_t, heralds, "Rift heralds killed."),
  (std::int32_t, barons, "Barons killed."),
  (std::int32_t, horde, "Void grubs killed."),
  (std::optional<std::int32_t>, itemGold,
    "Price of all items that the team holds; absent when not known."));

HERALD_RECORD(live_participant, "herald.match.live", "LiveParticipant",
  "How a participant stands. Participants are numbered from 1 in the order in "
  "which the source lists them.",
  (std::int32_t, participantId, "Place in the source's list, from 1."),
  (std::int32_t, teamId,
    "100 for blue, 200 for red; without meaning in Arena."),
  (std::string, championName,
    "Riot's name of the champion, such as MonkeyKing."),
  (std::string, position,
    "Position such as TOP; empty or NONE when the mode has none."),
  (std::int32_t, kills, "Enemy champions killed."),
  (std::int32_t, deaths, "Deaths."),
  (std::int32_t, assists,
    "Kills of team mates that this participant helped with."),
  (std::int32_t, level, "Level."),
  (std::int32_t, creepScore,
    "Minions and monsters killed; the game rounds it down to tens."),
  (double, wardScore, "Vision score."),
  (std::vector<std::int32_t>, items, "Ids of the items held."),
  (std::int32_t, itemGold, "Price of the items held."),
  (bool, isDead, "Whether the champion is dead."),
  (double, respawnTimer, "Seconds until it comes back."));

HERALD_RECORD(live_event, "herald.match.live", "LiveEvent",
  "Something that happened in the game, told by its live feed.",
  (std::int32_t, eventId, "Number of the event in the game's feed."),
  (double, eventTime, "When it happened, in seconds of game time."),
  (std::string, name, "What happened, such as ChampionKill or DragonKill."),
  (std::optional<std::int32_t>, killerId,
    "The participant who did it; absent when no participant did."),
  (std::optional<std::int32_t>, victimId, "The participant who died."),
  (std::vector<std::int32_t>, assisterIds, "The participants who helped."),
  (std::optional<std::int32_t>, teamId,
    "The team that gains: of the killer, or the other one than the team that "
    "lost the building."),
  (std::optional<std::string>, structure,
    "The building, such as Turret_T2_C_05_A."),
  (std::optional<std::string>, monsterType,
    "Kind of the dragon, or the monster or minion that killed."),
  (std::optional<bool>, stolen, "Whether the monster was stolen."),
  (std::optional<std::int32_t>, killStreak, "Kills of a multikill."),
  (std::optional<std::string>, result,
    "Win or Lose for whoever watched, at the end of the game."));

HERALD_RECORD(match_live_updated, "herald.match.live", "updated",
  "What is new in a game that is being played.",
  (std::string, matchId, "Platform and game id, such as EUW1_7123456789."),
  (std::string, principal,
    "Who caused the event: import, riot-gateway, companion or the name of a "
    "client."),
  (std::string, source,
    "Where the fact comes from: file, match-v5, spectator-v5 or live-client."),
  (double, confidence, "How far to trust a live fact, from 0 to 1."),
  (double, gameTime, "Seconds of game time."),
  (std::int64_t, observedAt, "When this was seen, Unix time in ms."),
  (std::optional<std::string>, gameMode, "Game mode, when the source says it."),
  (std::vector<live_team>, teams,
    "What the teams have; empty when the source does not know."),
  (std::vector<live_participant>, participants,
    "How the players stand; empty when the source does not know."),
  (std::vector<live_event>, events,
    "What is new in the feed since the update before."));

} // namespace herald::event
