#include "actors/riot/export.hpp"

#include "actors/riot/rules.hpp"

#include <fmt/format.h>
#include <iterator>
#include <string>

namespace herald::riot {

namespace {

/// Text as a field of RFC 4180, quoted where it must be.
std::string field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == text.npos)
    return std::string{text};
  std::string quoted{'"'};
  for (const char c : text) {
    if (c == '"')
      quoted += '"';
    quoted += c;
  }
  return quoted += '"';
}

} // namespace

std::string_view players_csv_header() {
  return "matchId,queueId,gameMode,duration_s,participantId,teamId,championId,"
         "win,kills,deaths,assists,gold,xp,level,lane_cs,jungle_cs,"
         "first_blood\n";
}

std::string_view minutes_csv_header() {
  return "matchId,minute,frame_ms,blue_gold,red_gold,blue_xp,red_xp,"
         "blue_level_sum,red_level_sum,blue_cs,red_cs,blue_kills,red_kills,"
         "blue_towers,red_towers,blue_inhibitors,red_inhibitors,blue_dragons,"
         "red_dragons,blue_heralds,red_heralds,blue_barons,red_barons,"
         "blue_horde,red_horde\n";
}

void append_players_csv(
  const match_summary& match, const timeline_summary* timeline, bytes& out) {
  if (match.outcome == "aborted")
    return;
  const bool replayed = timeline && !timeline->aborted;
  const auto match_id = field(match.match_id);
  const auto game_mode = field(match.game_mode);
  for (const auto& line : match.participants) {
    const bool first_blood = replayed
      ? timeline->first_blood == line.participant_id
      : line.first_blood;
    fmt::format_to(std::back_inserter(out),
      "{},{},{},{},{},{},{},{:d},{},{},{},{},{},{},{},{},{:d}\n", match_id,
      match.queue_id, game_mode, match.duration_text, line.participant_id,
      line.team_id, line.champion_id, line.win, line.kills, line.deaths,
      line.assists, line.gold, line.xp, line.level, line.lane_cs,
      line.jungle_cs, first_blood);
  }
}

void append_minutes_csv(
  const match_summary& match, const timeline_summary& timeline, bytes& out) {
  if (match.outcome == "aborted" || timeline.aborted
    || is_arena(match.game_mode) || is_swarm(match.game_mode))
    return;
  const auto match_id = field(match.match_id);
  std::size_t minute = 0;
  for (const auto& at : timeline.minutes) {
    const auto& blue = at.blue;
    const auto& red = at.red;
    fmt::format_to(std::back_inserter(out),
      "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},"
      "{},{}\n",
      match_id, minute++, at.frame_ms, blue.gold, red.gold, blue.xp, red.xp,
      blue.levels, red.levels, blue.cs, red.cs, blue.kills, red.kills,
      blue.towers, red.towers, blue.inhibitors, red.inhibitors, blue.dragons,
      red.dragons, blue.heralds, red.heralds, blue.barons, red.barons,
      blue.horde, red.horde);
  }
}

} // namespace herald::riot
