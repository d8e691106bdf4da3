#pragma once

#include "protocol/schema/record.hpp"

#include <cstdint>
#include <string>

/// The event player.stats.updated: what one more match made of a player's
/// totals. It names the event that caused it, so that a cause which is seen
/// twice is counted once.

namespace herald::event {

HERALD_RECORD(player_totals, "herald.player.stats", "PlayerTotals",
  "Sums over matches of one player.",
  (std::int32_t, games, "Matches played, remakes and aborted ones left out."),
  (std::int32_t, wins, "Matches won."), (std::int32_t, losses, "Matches lost."),
  (std::int64_t, kills, "Enemy champions killed."),
  (std::int64_t, deaths, "Deaths."),
  (std::int64_t, assists,
    "Kills of team mates that this participant helped with."),
  (std::int64_t, goldEarned, "Gold earned in all."),
  (std::int64_t, minions, "Lane minions killed."),
  (std::int64_t, jungleMinions, "Jungle monsters killed."),
  (std::int64_t, damageToChampions, "Damage to champions."),
  (std::int64_t, visionScore, "Vision score."),
  (std::int64_t, timePlayedSeconds, "Seconds played."),
  (std::int32_t, doubleKills,
    "Double kills, each larger multikill counts here too."),
  (std::int32_t, tripleKills, "Triple kills, larger ones count here too."),
  (std::int32_t, quadraKills, "Quadra kills, penta kills count here too."),
  (std::int32_t, pentaKills, "Penta kills."));

HERALD_RECORD(player_stats_updated, "herald.player.stats", "updated",
  "The totals of a player after one more match.",
  (std::string, playerId,
    "Herald's id of the player, 16 hexadecimal digits; absent for bots and "
    "hidden players."),
  (std::string, principal,
    "Who caused the event: import, riot-gateway, companion or the name of a "
    "client."),
  (std::string, source,
    "Where the fact comes from: file, match-v5, spectator-v5 or live-client."),
  (std::string, matchId, "The match that was added."),
  (std::int32_t, causePartition,
    "Partition of the match event that caused this one."),
  (std::int64_t, causeOffset,
    "Offset of the match event that caused this one."),
  (player_totals, match, "What this match adds."),
  (player_totals, totals, "The sums with this match."));

} // namespace herald::event
