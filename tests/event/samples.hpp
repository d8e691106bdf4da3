#pragma once

#include "protocol/event/document_refused.hpp"
#include "protocol/event/match_completed.hpp"
#include "protocol/event/match_live.hpp"
#include "protocol/event/match_timeline_recorded.hpp"
#include "protocol/event/player_stats_updated.hpp"
#include "protocol/event/records_deleted.hpp"

#include <string>

/// One value of each event, with something in every kind of field. The golden
/// bytes are theirs: a sample never changes, new fields get samples of their
/// own.

namespace herald::event {

inline participant sample_participant() {
  participant who;
  who.participantId = 1;
  who.teamId = 100;
  who.championId = 62;
  who.championName = "MonkeyKing";
  who.teamPosition = "TOP";
  who.individualPosition = "TOP";
  who.kills = 7;
  who.deaths = 2;
  who.assists = 11;
  who.goldEarned = 14'321;
  who.win = true;
  who.challenges = {{"kda", 9.0}, {"killParticipation", 0.5625}};
  who.legendaryItemUsed = {3078, 6333};
  who.missions.emplace().playerScore4 = -1.5;
  who.PlayerBehavior.emplace().PlayerBehavior_IsHeroInCombat = 3;
  who.PlayerScore11 = 0.25;
  who.playerId = "00f1e2d3c4b5a697";
  who.perks.statPerks = {5002, 5008, 5005};
  auto& style = who.perks.styles.emplace_back();
  style.description = "primaryStyle";
  style.style = 8000;
  style.selections.push_back({8010, 120, 0, 0});
  return who;
}

inline match_completed sample_match_completed() {
  match_completed match;
  match.matchId = "EUW1_7123456789";
  match.outcome = "finished";
  match.principal = "import";
  match.source = "file";
  match.contentHash = std::string(64, 'a');
  match.revision = 2;
  match.supersedes = 41;
  match.dataVersion = "2";
  match.endOfGameResult = "GameComplete";
  match.gameCreation = 1'770'469'352'905;
  match.gameDuration = 1843;
  match.gameEndTimestamp = 1'770'471'250'000;
  match.gameId = 7'123'456'789;
  match.gameMode = "CLASSIC";
  match.gameName = "teambuilder-match-7123456789";
  match.gameStartTimestamp = 1'770'469'407'000;
  match.gameType = "MATCHED_GAME";
  match.gameVersion = "16.3.1.2";
  match.mapId = 11;
  match.platformId = "EUW1";
  match.queueId = 420;
  match.gameModeMutators = {"mutator"};
  match.participants.push_back(sample_participant());
  auto& blue = match.teams.emplace_back();
  blue.teamId = 100;
  blue.win = true;
  blue.bans.push_back({-1, 1});
  blue.objectives.tower = {true, 9};
  blue.objectives.horde = objective{false, 3};
  blue.feats.emplace().FIRST_BLOOD.emplace().featState = 1001;
  return match;
}

inline match_timeline_recorded sample_match_timeline_recorded() {
  match_timeline_recorded timeline;
  timeline.matchId = "EUW1_7123456789";
  timeline.principal = "riot-gateway";
  timeline.source = "match-v5";
  timeline.contentHash = std::string(64, 'b');
  timeline.frameInterval = 60'000;
  timeline.gameId = 7'123'456'789;
  timeline.participants.push_back({1, "00f1e2d3c4b5a697"});
  timeline.participants.push_back({2, {}});
  auto& frame = timeline.frames.emplace_back();
  frame.timestamp = 60'013;
  auto& who = frame.participantFrames.emplace_back();
  who.participantId = 1;
  who.currentGold = -311;
  who.totalGold = 512;
  who.level = 1;
  who.championStats.abilityHaste = 5;
  who.championStats.armor = -6;
  who.damageStats.totalDamageDone = 900;
  who.position = {554, 581};
  auto& kill = frame.events.emplace_back();
  kill.timestamp = 59'000;
  kill.type = "CHAMPION_KILL";
  kill.killerId = 1;
  kill.victimId = 6;
  kill.assistingParticipantIds = {2, 3};
  kill.position = map_point{7000, 7100};
  auto& damage = kill.victimDamageReceived.emplace().emplace_back();
  damage.basic = true;
  damage.name = "MonkeyKing";
  damage.participantId = 1;
  damage.physicalDamage = 320;
  damage.spellSlot = -835'696'462;
  damage.type = "OTHER";
  auto& end = frame.events.emplace_back();
  end.timestamp = 60'013;
  end.type = "GAME_END";
  end.winningTeam = 100;
  end.gameId = 7'123'456'789;
  end.realTimestamp = 1'770'471'250'000;
  return timeline;
}

inline match_live_started sample_match_live_started() {
  match_live_started started;
  started.matchId = "EUW1_7123456789";
  started.principal = "riot-gateway";
  started.source = "spectator-v5";
  started.confidence = 0.9;
  started.platformId = "EUW1";
  started.gameId = 7'123'456'789;
  started.gameStartTime = 1'770'469'407'000;
  started.gameMode = "CLASSIC";
  started.gameType = "MATCHED_GAME";
  started.mapId = 11;
  started.queueId = 420;
  started.participants.push_back(
    {1, 100, 62, 4, 12, false, "00f1e2d3c4b5a697"});
  started.participants.push_back({2, 200, 222, 4, 7, true, {}});
  started.bans.push_back({-1, 100, 1});
  return started;
}

inline match_live_updated sample_match_live_updated() {
  match_live_updated updated;
  updated.matchId = "EUW1_7123456789";
  updated.principal = "companion";
  updated.source = "live-client";
  updated.confidence = 1;
  updated.gameTime = 805.625;
  updated.observedAt = 1'770'470'213'000;
  updated.gameMode = "CLASSIC";
  updated.teams.push_back({100, 12, 1, 0, 2, 1, 0, 3, 15'450});
  updated.teams.push_back({200, 14, 0, 0, 0, 0, 0, 0, {}});
  updated.participants.push_back({1, 100, "MonkeyKing", "TOP", 3, 2, 1, 10, 90,
    4.75, {1054, 3078}, 3783, true, 12.5});
  live_event kill;
  kill.eventId = 7;
  kill.eventTime = 791.5;
  kill.name = "ChampionKill";
  kill.killerId = 6;
  kill.victimId = 4;
  kill.assisterIds = {7, 9};
  kill.teamId = 200;
  updated.events.push_back(kill);
  return updated;
}

inline player_stats_updated sample_player_stats_updated() {
  player_stats_updated updated;
  updated.playerId = "00f1e2d3c4b5a697";
  updated.principal = "import";
  updated.source = "file";
  updated.matchId = "EUW1_7123456789";
  updated.causePartition = 17;
  updated.causeOffset = 41;
  updated.match.games = 1;
  updated.match.wins = 1;
  updated.match.kills = 7;
  updated.totals.games = 3;
  updated.totals.losses = 1;
  updated.totals.goldEarned = 5'000'000'000;
  return updated;
}

inline document_refused sample_document_refused() {
  document_refused refused;
  refused.contentHash = std::string(64, 'c');
  refused.matchId = "EUW1_7123456789";
  refused.rule = "riot.8.5";
  refused.pointer = "/info/teams";
  refused.reason = "are not the teams 100 and 200";
  refused.principal = "import";
  refused.source = "file";
  refused.rawPartition = 3;
  refused.rawOffset = 128;
  return refused;
}

inline records_deleted sample_records_deleted() {
  records_deleted deleted;
  deleted.topic = "match";
  deleted.partition = 31;
  deleted.fromOffset = 100;
  deleted.toOffset = 2'000;
  deleted.byteCount = 5'000'000'000;
  deleted.reason = "retention.ms=604800000";
  deleted.principal = "retention";
  return deleted;
}

} // namespace herald::event
