#include "actors/riot/replay.hpp"

#include "protocol/schema/record.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace herald::riot {

namespace {

using event::timeline_event;
using event::timeline_frame;

constexpr std::int32_t blue_team = 100;
constexpr std::int32_t red_team = 200;
/// Participants 1 to 5 are blue outside Arena and Swarm.
constexpr std::int32_t blue_participants = 5;
constexpr std::int64_t duration_max_ms = 1'000'000'000'000;
constexpr std::int64_t time_max_ms = 1'000'000'000'000'000;
/// No mode has more players; larger ids are noise of a damaged document.
constexpr std::int32_t participants_max = 64;

std::string duration_in_seconds(const event::match_completed& match) {
  if (match.gameEndTimestamp)
    return fmt::format("{}", match.gameDuration);
  const auto whole = match.gameDuration / 1000;
  const auto rest = match.gameDuration % 1000;
  if (rest == 0)
    return fmt::format("{}", whole);
  auto text = fmt::format("{}.{:03}", whole, rest);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

match_line line_of(const event::participant& who) {
  match_line line;
  line.participant_id = who.participantId;
  line.team_id = who.teamId;
  line.champion_id = who.championId;
  line.champion_name = who.championName;
  line.position = who.teamPosition;
  line.player_id = who.playerId;
  line.win = who.win;
  line.kills = who.kills;
  line.deaths = who.deaths;
  line.assists = who.assists;
  line.gold = who.goldEarned;
  line.xp = who.champExperience;
  line.level = who.champLevel;
  line.lane_cs = who.totalMinionsKilled;
  line.jungle_cs = who.neutralMinionsKilled;
  line.first_blood = who.firstBloodKill;
  line.items = {who.item0, who.item1, who.item2, who.item3, who.item4,
    who.item5, who.item6};
  return line;
}

match_team team_of(const event::team& from) {
  match_team team;
  team.team_id = from.teamId;
  team.win = from.win;
  team.champions = from.objectives.champion.kills;
  team.towers = from.objectives.tower.kills;
  team.inhibitors = from.objectives.inhibitor.kills;
  team.dragons = from.objectives.dragon.kills;
  team.heralds = from.objectives.riftHerald.kills;
  team.barons = from.objectives.baron.kills;
  if (from.objectives.horde)
    team.horde = from.objectives.horde->kills;
  for (const auto& ban : from.bans)
    team.bans.push_back(ban.championId);
  return team;
}

/// Everything that is counted while the events go by.
class replayer {
public:
  explicit replayer(const event::match_timeline_recorded& timeline) {
    std::int32_t highest = 0;
    for (const auto& frame : timeline.frames)
      for (const auto& who : frame.participantFrames)
        highest = std::max(highest, who.participantId);
    lines_.resize(static_cast<std::size_t>(
      std::clamp(highest, std::int32_t{0}, participants_max)));
    for (std::size_t i = 0; i < lines_.size(); ++i)
      lines_[i].participant_id = static_cast<std::int32_t>(i + 1);
  }

  void apply(const timeline_event& happened) {
    if (happened.type == "CHAMPION_KILL")
      apply_kill(happened);
    else if (happened.type == "BUILDING_KILL")
      apply_building(happened);
    else if (happened.type == "ELITE_MONSTER_KILL")
      apply_monster(happened);
    else if (happened.type == "GAME_END") {
      result_.winning_team = happened.winningTeam.value_or(0);
      result_.end_ms = happened.timestamp;
    }
  }

  void apply(const timeline_frame& frame) {
    for (auto* team : {&result_.blue, &result_.red})
      team->gold = team->xp = team->levels = team->cs = 0;
    for (const auto& who : frame.participantFrames) {
      auto& team = side_of(who.participantId);
      team.gold += who.totalGold;
      team.xp += who.xp;
      team.levels += who.level;
      team.cs += std::int64_t{who.minionsKilled} + who.jungleMinionsKilled;
      if (auto* line = line_of(who.participantId)) {
        line->gold = who.totalGold;
        line->xp = who.xp;
        line->level = who.level;
        line->lane_cs = who.minionsKilled;
        line->jungle_cs = who.jungleMinionsKilled;
      }
    }
  }

  void end_minute(const timeline_frame& frame) {
    result_.minutes.push_back({frame.timestamp, result_.blue, result_.red});
  }

  timeline_summary finish() {
    result_.participants = std::move(lines_);
    return std::move(result_);
  }

private:
  void apply_kill(const timeline_event& kill) {
    const auto killer = kill.killerId.value_or(0);
    if (killer > 0) {
      ++side_of(killer).kills;
      if (result_.first_blood == 0)
        result_.first_blood = killer;
    }
    if (auto* line = line_of(killer))
      ++line->kills;
    if (auto* line = line_of(kill.victimId.value_or(0)))
      ++line->deaths;
    if (kill.assistingParticipantIds)
      for (const auto helper : *kill.assistingParticipantIds)
        if (auto* line = line_of(helper))
          ++line->assists;
  }

  void apply_building(const timeline_event& fallen) {
    auto* gainer = team(other_team(fallen.teamId.value_or(0)));
    if (!gainer)
      return;
    if (fallen.buildingType == "TOWER_BUILDING")
      ++gainer->towers;
    else if (fallen.buildingType == "INHIBITOR_BUILDING")
      ++gainer->inhibitors;
  }

  void apply_monster(const timeline_event& slain) {
    auto* gainer = team(slain.killerTeamId.value_or(0));
    if (!gainer)
      return;
    if (slain.monsterType == "DRAGON")
      ++gainer->dragons;
    else if (slain.monsterType == "RIFTHERALD")
      ++gainer->heralds;
    else if (slain.monsterType == "BARON_NASHOR")
      ++gainer->barons;
    else if (slain.monsterType == "HORDE")
      ++gainer->horde;
  }

  static std::int32_t other_team(std::int32_t id) {
    return id == blue_team ? red_team : id == red_team ? blue_team : 0;
  }
  replay_team* team(std::int32_t id) {
    return id == blue_team ? &result_.blue
      : id == red_team     ? &result_.red
                           : nullptr;
  }
  replay_team& side_of(std::int32_t participant) {
    return participant <= blue_participants ? result_.blue : result_.red;
  }
  replay_line* line_of(std::int32_t participant) {
    const auto index = static_cast<std::size_t>(participant) - 1;
    return index < lines_.size() ? &lines_[index] : nullptr;
  }

  timeline_summary result_;
  std::vector<replay_line> lines_;
};

} // namespace

match_summary summarize(const event::match_completed& match) {
  match_summary summary;
  summary.match_id = match.matchId;
  summary.outcome = match.outcome;
  summary.platform_id = match.platformId;
  summary.game_id = match.gameId;
  summary.queue_id = match.queueId;
  summary.map_id = match.mapId;
  summary.game_mode = match.gameMode;
  summary.game_version = match.gameVersion;
  summary.started_at = match.gameStartTimestamp;
  // Rule 4 bounds the length; what was not checked must not overflow here.
  const auto length
    = std::clamp(match.gameDuration, std::int64_t{0}, duration_max_ms);
  summary.duration_ms = match.gameEndTimestamp ? length * 1000 : length;
  summary.ended_at = match.gameEndTimestamp.value_or(
    std::min(match.gameStartTimestamp, time_max_ms) + summary.duration_ms);
  summary.duration_text = duration_in_seconds(match);
  for (const auto& who : match.participants)
    summary.participants.push_back(line_of(who));
  for (const auto& team : match.teams)
    summary.teams.push_back(team_of(team));
  return summary;
}

timeline_summary replay(const event::match_timeline_recorded& timeline) {
  replayer replaying{timeline};
  // An event at the very time of a frame stands in the next frame's list but
  // belongs to the minute that ends there, so events are taken by their time.
  const auto& frames = timeline.frames;
  std::size_t list = 0;
  std::size_t place = 0;
  auto apply_events_until = [&](std::int64_t time, std::size_t lists_end) {
    for (; list < lists_end; ++list, place = 0)
      for (; place < frames[list].events.size(); ++place) {
        if (frames[list].events[place].timestamp > time)
          return;
        replaying.apply(frames[list].events[place]);
      }
  };
  for (const auto& frame : frames) {
    apply_events_until(frame.timestamp, frames.size());
    replaying.apply(frame);
    replaying.end_minute(frame);
  }
  apply_events_until(INT64_MAX, frames.size());
  auto summary = replaying.finish();
  summary.match_id = timeline.matchId;
  summary.aborted = is_aborted(timeline);
  return summary;
}

bool is_aborted(const event::match_timeline_recorded& timeline) {
  return timeline.frameInterval == 0
    && std::ranges::all_of(timeline.frames,
      [](const auto& frame) { return frame.participantFrames.empty(); });
}

bool is_aborted(const event::match_completed& match) {
  return match.participants.empty() && match.teams.empty() && match.gameId == 0
    && match.gameDuration == 0;
}

} // namespace herald::riot
