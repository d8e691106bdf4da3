#pragma once

#include "protocol/event/match_completed.hpp"
#include "protocol/event/match_timeline_recorded.hpp"
#include "protocol/schema/record.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What remains of a match and of its timeline when the rules, the views and
/// the tables have what they need: values small enough to keep for every match.

namespace herald::riot {

HERALD_RECORD(match_line, "herald.riot", "MatchLine",
  "What a match document says about a participant.",
  (std::int32_t, participant_id, "Place in the document, from 1."),
  (std::int32_t, team_id, "100 or 200."),
  (std::int32_t, champion_id, "Id of the champion as received."),
  (std::string, champion_name, "Riot's name of the champion."),
  (std::string, position, "teamPosition; may be empty."),
  (std::optional<std::string>, player_id, "Herald's id of the player."),
  (bool, win, "Whether the participant won."), (std::int32_t, kills, "Kills."),
  (std::int32_t, deaths, "Deaths."), (std::int32_t, assists, "Assists."),
  (std::int32_t, gold, "Gold earned."), (std::int32_t, xp, "Experience."),
  (std::int32_t, level, "Level of the champion."),
  (std::int32_t, lane_cs, "Lane minions killed."),
  (std::int32_t, jungle_cs, "Jungle monsters killed."),
  (bool, first_blood, "Riot's firstBloodKill."),
  (std::vector<std::int32_t>, items, "The seven slots at the end."));

HERALD_RECORD(match_team, "herald.riot", "MatchTeam",
  "What a match document says about a team.",
  (std::int32_t, team_id, "100 or 200."), (bool, win, "Whether the team won."),
  (std::int32_t, champions, "objectives.champion.kills."),
  (std::int32_t, towers, "Towers destroyed."),
  (std::int32_t, inhibitors, "Inhibitors destroyed."),
  (std::int32_t, dragons, "Dragons killed."),
  (std::int32_t, heralds, "Rift heralds killed."),
  (std::int32_t, barons, "Barons killed."),
  (std::optional<std::int32_t>, horde, "Void grubs killed, when it says so."),
  (std::vector<std::int32_t>, bans, "Champions, -1 for an empty turn."));

HERALD_RECORD(match_summary, "herald.riot", "MatchSummary",
  "A match document, made short.",
  (std::string, match_id, "Platform and game id."),
  (std::string, outcome, "finished, remake or aborted."),
  (std::string, platform_id, "The platform."),
  (std::int64_t, game_id, "Number of the game on its platform."),
  (std::int32_t, queue_id, "Id of the queue."),
  (std::int32_t, map_id, "Id of the map."),
  (std::string, game_mode, "Game mode."),
  (std::string, game_version, "Version of the game."),
  (std::int64_t, started_at, "Unix time in ms."),
  (std::int64_t, ended_at, "Unix time in ms, reckoned when not told."),
  (std::int64_t, duration_ms, "Length in ms."),
  (std::string, duration_text,
    "Length in seconds as the tables print it: 1843 or 1284.897."),
  (std::vector<match_line>, participants, "In the document's order."),
  (std::vector<match_team>, teams, "In the document's order."));

HERALD_RECORD(replay_line, "herald.riot", "ReplayLine",
  "What the events and the last frame say about a participant.",
  (std::int32_t, participant_id, "From 1."), (std::int32_t, kills, "Kills."),
  (std::int32_t, deaths, "Deaths."), (std::int32_t, assists, "Assists."),
  (std::int32_t, gold, "Gold earned."), (std::int32_t, xp, "Experience."),
  (std::int32_t, level, "Level of the champion."),
  (std::int32_t, lane_cs, "Lane minions killed."),
  (std::int32_t, jungle_cs, "Jungle monsters killed."));

HERALD_RECORD(replay_team, "herald.riot", "ReplayTeam",
  "What a team has, counted from the events.",
  (std::int64_t, gold, "Gold earned by its participants."),
  (std::int64_t, xp, "Experience of its participants."),
  (std::int64_t, levels, "Sum of their levels."),
  (std::int64_t, cs, "Minions and monsters killed."),
  (std::int32_t, kills, "Enemies killed by champions."),
  (std::int32_t, towers, "Towers destroyed."),
  (std::int32_t, inhibitors, "Inhibitors destroyed."),
  (std::int32_t, dragons, "Dragons killed."),
  (std::int32_t, heralds, "Rift heralds killed."),
  (std::int32_t, barons, "Barons killed."),
  (std::int32_t, horde, "Void grubs killed."));

HERALD_RECORD(replay_minute, "herald.riot", "ReplayMinute",
  "Both teams at the time of a frame, its own events included.",
  (std::int64_t, frame_ms, "Time of the frame in ms."),
  (replay_team, blue, "Participants 1 to 5."),
  (replay_team, red, "The others."));

HERALD_RECORD(timeline_summary, "herald.riot", "TimelineSummary",
  "A timeline, replayed.", (std::string, match_id, "Platform and game id."),
  (bool, aborted, "Whether it is the empty timeline of an aborted game."),
  (std::int32_t, first_blood,
    "Killer of the first kill by a champion; 0 for none."),
  (std::int32_t, winning_team, "GAME_END.winningTeam; 0 for none."),
  (std::int64_t, end_ms, "Time of GAME_END in ms."),
  (std::vector<replay_line>, participants, "By participant id."),
  (replay_team, blue,
    "At the end: sums of participants 1 to 5, objectives of team 100."),
  (replay_team, red, "At the end: sums of the others, objectives of team 200."),
  (std::vector<replay_minute>, minutes, "One per frame."));

/// Whether a document has the empty shape that Riot serves for a game that
/// never came to be: no frame interval and no participant frames, or no
/// participants, teams, game id and duration.
bool is_aborted(const event::match_timeline_recorded& timeline);
bool is_aborted(const event::match_completed& match);

/// Makes a match short.
match_summary summarize(const event::match_completed& match);

/// Replays a timeline in one pass. A participant's kills, deaths and assists
/// are counted from CHAMPION_KILL, gold, experience, level and minions are the
/// last frame's. A building counts for the team that did not lose it, a monster
/// for killerTeamId, 300 (neutral) for nobody. Any timeline can be replayed,
/// also one that breaks the rules.
timeline_summary replay(const event::match_timeline_recorded& timeline);

} // namespace herald::riot
