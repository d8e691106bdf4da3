#include "actors/riot/rules.hpp"

#include "protocol/schema/record.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <limits>
#include <set>
#include <utility>

namespace herald::riot {

namespace {

using event::match_completed;
using event::match_timeline_recorded;
using event::participant;
using verdict = std::optional<refusal>;

constexpr std::size_t puuid_length = 78;
constexpr std::size_t team_size = 5;
/// Unix times and lengths beyond this are nonsense (the year 33658).
constexpr std::int64_t time_max_ms = 1'000'000'000'000'000;
/// Frames stand 60 s apart. The server's clock ticks late, never early, and
/// patch 16.1 served gaps of up to 71 s.
constexpr std::int64_t frame_gap_min_ms = 59'000;
constexpr std::int64_t frame_gap_max_ms = 75'000;
constexpr std::int64_t end_slack_ms = 2'000;
constexpr std::int64_t end_slack_arena_ms = 6'500;

template <class... Ts>
refusal broken(int rule, std::string pointer, fmt::format_string<Ts...> words,
  Ts&&... values) {
  return {fmt::format("riot.8.{}", rule), std::move(pointer),
    fmt::format(words, std::forward<Ts>(values)...)};
}

std::string at_participant(std::size_t index, std::string_view property) {
  return fmt::format("/info/participants/{}/{}", index, property);
}

/// Neither Arena nor Swarm: two teams of five with one winner.
bool has_two_teams(const match_completed& match) {
  return !is_arena(match.gameMode) && !is_swarm(match.gameMode);
}

verdict check_match_id(const match_completed& match) {
  auto expected = fmt::format("{}_{}", match.platformId, match.gameId);
  if (match.matchId != expected)
    return broken(1, "/metadata/matchId",
      "is {}, but platform and game id make {}", match.matchId, expected);
  return {};
}

verdict check_places(const match_completed& match) {
  for (std::size_t i = 0; i < match.participants.size(); ++i)
    if (std::cmp_not_equal(match.participants[i].participantId, i + 1))
      return broken(2, at_participant(i, "participantId"),
        "is {} at place {} of the list", match.participants[i].participantId,
        i + 1);
  return {};
}

/// Says nothing about the ids themselves: they are personal data.
verdict check_puuids(const document& doc) {
  std::set<std::string_view> seen;
  for (const auto& who : doc.people) {
    const auto pointer = at_participant(
      static_cast<std::size_t>(who.participant_id - 1), "puuid");
    if (who.puuid.size() != puuid_length)
      return broken(3, pointer, "has {} characters, a PUUID has {}",
        who.puuid.size(), puuid_length);
    if (!seen.insert(who.puuid).second)
      return broken(3, pointer, "is the PUUID of an earlier participant");
  }
  if (doc.people.size() != doc.listed_puuids.size())
    return broken(3, "/metadata/participants",
      "lists {} players, but {} participants are no bots",
      doc.listed_puuids.size(), doc.people.size());
  for (std::size_t i = 0; i < doc.people.size(); ++i)
    if (doc.people[i].puuid != doc.listed_puuids[i])
      return broken(3, fmt::format("/metadata/participants/{}", i),
        "is not the PUUID of participant {}", doc.people[i].participant_id);
  return {};
}

verdict check_times(const match_completed& match) {
  const std::array<std::pair<std::string_view, std::int64_t>, 4> times{{
    {"gameCreation", match.gameCreation},
    {"gameStartTimestamp", match.gameStartTimestamp},
    {"gameEndTimestamp", match.gameEndTimestamp.value_or(0)},
    {"gameDuration", match.gameDuration},
  }};
  for (const auto& [name, value] : times)
    if (value < 0 || value > time_max_ms)
      return broken(4, fmt::format("/info/{}", name), "{} is no time", value);
  if (match.gameCreation > match.gameStartTimestamp)
    return broken(4, "/info/gameStartTimestamp",
      "the game started {} ms before it was created",
      match.gameCreation - match.gameStartTimestamp);
  if (!match.gameEndTimestamp)
    return {};
  const auto length_ms = *match.gameEndTimestamp - match.gameStartTimestamp;
  if (length_ms <= 0)
    return broken(4, "/info/gameEndTimestamp",
      "the game ended {} ms before it started", -length_ms);
  if (match.gameDuration > (length_ms + 1000) / 1000
    && match.gameDuration * 1000 > length_ms + 1000)
    return broken(4, "/info/gameDuration",
      "is {} s, but end and start are {} ms apart", match.gameDuration,
      length_ms);
  return {};
}

verdict check_teams(const match_completed& match) {
  if (!has_two_teams(match))
    return {};
  if (match.teams.size() != 2 || match.teams[0].teamId != 100
    || match.teams[1].teamId != 200)
    return broken(5, "/info/teams", "are not the teams 100 and 200");
  if (match.participants.size() != 2 * team_size)
    return broken(5, "/info/participants", "has {} participants instead of {}",
      match.participants.size(), 2 * team_size);
  for (std::size_t i = 0; i < match.participants.size(); ++i) {
    const auto expected = i < team_size ? 100 : 200;
    if (match.participants[i].teamId != expected)
      return broken(5, at_participant(i, "teamId"), "is {} instead of {}",
        match.participants[i].teamId, expected);
  }
  // One for All is about five times the same champion.
  if (match.gameMode == "ONEFORALL")
    return {};
  std::set<std::pair<std::int32_t, std::string_view>> champions;
  for (std::size_t i = 0; i < match.participants.size(); ++i) {
    const auto& who = match.participants[i];
    if (!champions.insert({who.teamId, who.championName}).second)
      return broken(5, at_participant(i, "championName"),
        "{} plays in team {} already", who.championName, who.teamId);
  }
  return {};
}

verdict check_winner(const match_completed& match) {
  if (!has_two_teams(match))
    return {};
  if (match.teams[0].win == match.teams[1].win)
    return broken(6, "/info/teams/1/win", "{}",
      match.teams[0].win ? "both teams won" : "no team won");
  for (std::size_t i = 0; i < match.participants.size(); ++i) {
    const auto& team = match.teams[i < team_size ? 0 : 1];
    if (match.participants[i].win != team.win)
      return broken(6, at_participant(i, "win"), "is {}, but its team {}",
        match.participants[i].win, team.win ? "won" : "lost");
  }
  return {};
}

verdict check_surrender(const match_completed& match) {
  for (std::size_t i = 1; i < match.participants.size(); ++i) {
    const auto& who = match.participants[i];
    const auto& first = match.participants[0];
    if (who.gameEndedInEarlySurrender != first.gameEndedInEarlySurrender)
      return broken(7, at_participant(i, "gameEndedInEarlySurrender"),
        "differs from the first participant's");
    if (who.gameEndedInSurrender != first.gameEndedInSurrender)
      return broken(7, at_participant(i, "gameEndedInSurrender"),
        "differs from the first participant's");
  }
  return {};
}

verdict check_first_blood(const match_completed& match) {
  bool drawn = false;
  for (std::size_t i = 0; i < match.participants.size(); ++i) {
    if (match.participants[i].firstBloodKill && drawn)
      return broken(8, at_participant(i, "firstBloodKill"),
        "another participant made the first kill already");
    drawn = drawn || match.participants[i].firstBloodKill;
  }
  return {};
}

/// Ids and places are no counts; today's are not negative, but no rule says
/// that they never will be.
bool is_count(std::string_view name) {
  constexpr std::string_view ids[]
    = {"championId", "championSkinId", "item0", "item1", "item2", "item3",
      "item4", "item5", "item6", "participantId", "placement", "playerAugment1",
      "playerAugment2", "playerAugment3", "playerAugment4", "playerAugment5",
      "playerAugment6", "playerSubteamId", "profileIcon", "roleBoundItem",
      "subteamPlacement", "summoner1Id", "summoner2Id", "teamId"};
  return !std::ranges::binary_search(ids, name);
}

const std::vector<field>& participant_counts() {
  static const auto counts = [] {
    std::vector<field> found;
    for (const auto& x : type_of<participant>().fields) {
      const auto* of = x.of->what == kind::optional ? x.of->element : x.of;
      if (of->what == kind::int32 && is_count(x.name))
        found.push_back(x);
    }
    return found;
  }();
  return counts;
}

/// The value of an int32 or optional int32 field; absent counts as 0.
std::int32_t count_of(const field& x, const participant& who) {
  const void* at = reinterpret_cast<const char*>(&who) + x.place;
  if (x.of->what == kind::optional)
    at = x.of->get(at);
  return at ? *static_cast<const std::int32_t*>(at) : 0;
}

verdict check_counts(const match_completed& match) {
  for (std::size_t i = 0; i < match.participants.size(); ++i) {
    const auto& who = match.participants[i];
    for (const auto& x : participant_counts())
      if (count_of(x, who) < 0)
        return broken(
          9, at_participant(i, x.name), "is {}, below 0", count_of(x, who));
    const std::pair<std::string_view, std::int32_t> multikills[]
      = {{"doubleKills", who.doubleKills}, {"tripleKills", who.tripleKills},
        {"quadraKills", who.quadraKills}, {"pentaKills", who.pentaKills}};
    for (std::size_t k = 1; k < std::size(multikills); ++k)
      if (multikills[k].second > multikills[k - 1].second)
        return broken(9, at_participant(i, multikills[k].first),
          "is {}, but {} is {}", multikills[k].second, multikills[k - 1].first,
          multikills[k - 1].second);
    if (who.largestKillingSpree > who.kills)
      return broken(9, at_participant(i, "largestKillingSpree"),
        "is {} with {} kills", who.largestKillingSpree, who.kills);
  }
  for (std::size_t i = 0; i < match.teams.size(); ++i) {
    const auto& took = match.teams[i].objectives;
    const std::pair<std::string_view, std::int32_t> kills[]
      = {{"atakhan", took.atakhan ? took.atakhan->kills : 0},
        {"baron", took.baron.kills}, {"champion", took.champion.kills},
        {"dragon", took.dragon.kills},
        {"horde", took.horde ? took.horde->kills : 0},
        {"inhibitor", took.inhibitor.kills},
        {"riftHerald", took.riftHerald.kills}, {"tower", took.tower.kills}};
    for (const auto& [name, count] : kills)
      if (count < 0)
        return broken(9,
          fmt::format("/info/teams/{}/objectives/{}/kills", i, name),
          "is {}, below 0", count);
  }
  return {};
}

verdict check_sums(const match_completed& match) {
  const auto duration_s
    = match.gameEndTimestamp ? match.gameDuration : match.gameDuration / 1000;
  for (std::size_t i = 0; i < match.participants.size(); ++i) {
    const auto& who = match.participants[i];
    if (who.timePlayed > duration_s + 1)
      return broken(10, at_participant(i, "timePlayed"),
        "is {} s in a game of {} s", who.timePlayed, duration_s);
    if (who.longestTimeSpentLiving > duration_s + 1)
      return broken(10, at_participant(i, "longestTimeSpentLiving"),
        "is {} s in a game of {} s", who.longestTimeSpentLiving, duration_s);
    if (who.totalDamageDealtToChampions > who.totalDamageDealt)
      return broken(10, at_participant(i, "totalDamageDealtToChampions"),
        "is {}, more than the {} dealt in all", who.totalDamageDealtToChampions,
        who.totalDamageDealt);
    const auto by_kind = std::int64_t{who.physicalDamageTaken}
      + who.magicDamageTaken + who.trueDamageTaken;
    if (std::abs(who.totalDamageTaken - by_kind) > 2)
      return broken(10, at_participant(i, "totalDamageTaken"),
        "is {}, but its kinds add up to {}", who.totalDamageTaken, by_kind);
  }
  return {};
}

std::string at_event(
  std::size_t frame, std::size_t place, std::string_view property) {
  return fmt::format("/info/frames/{}/events/{}/{}", frame, place, property);
}

verdict check_game_id(const match_timeline_recorded& timeline) {
  const auto number = timeline.matchId.substr(timeline.matchId.rfind('_') + 1);
  if (timeline.gameId && number != fmt::format("{}", *timeline.gameId))
    return broken(11, "/info/gameId", "is {} in the timeline of {}",
      *timeline.gameId, timeline.matchId);
  for (std::size_t f = 0; f < timeline.frames.size(); ++f) {
    const auto& events = timeline.frames[f].events;
    for (std::size_t e = 0; e < events.size(); ++e)
      if (events[e].gameId && number != fmt::format("{}", *events[e].gameId))
        return broken(11, at_event(f, e, "gameId"),
          "is {} in the timeline of {}", *events[e].gameId, timeline.matchId);
  }
  return {};
}

verdict check_frame_times(const match_timeline_recorded& timeline) {
  if (timeline.frameInterval != 60'000)
    return broken(11, "/info/frameInterval", "is {} instead of 60000",
      timeline.frameInterval);
  const auto& frames = timeline.frames;
  for (std::size_t f = 1; f < frames.size(); ++f) {
    const auto gap
      = std::int64_t{frames[f].timestamp} - frames[f - 1].timestamp;
    // The last frame is the end of the game, whenever that was.
    const bool last = f + 1 == frames.size();
    if (gap > frame_gap_max_ms || gap < (last ? 0 : frame_gap_min_ms))
      return broken(11, fmt::format("/info/frames/{}/timestamp", f),
        "is {} ms after the frame before", gap);
  }
  return {};
}

verdict check_events(const match_timeline_recorded& timeline) {
  auto before = std::numeric_limits<std::int64_t>::min();
  bool ended = false;
  for (std::size_t f = 0; f < timeline.frames.size(); ++f) {
    const auto& events = timeline.frames[f].events;
    for (std::size_t e = 0; e < events.size(); ++e) {
      if (events[e].timestamp < -time_max_ms
        || events[e].timestamp > time_max_ms)
        return broken(11, at_event(f, e, "timestamp"), "{} is no time",
          events[e].timestamp);
      if (events[e].timestamp < before)
        return broken(11, at_event(f, e, "timestamp"),
          "is {}, but the event before was at {}", events[e].timestamp, before);
      if (ended)
        return broken(
          11, at_event(f, e, "type"), "{} follows GAME_END", events[e].type);
      before = events[e].timestamp;
      ended = events[e].type == "GAME_END";
    }
  }
  if (!ended)
    return broken(11, "/info/frames", "have no GAME_END");
  return {};
}

verdict check_growth(const match_timeline_recorded& timeline) {
  constexpr std::pair<std::string_view,
    std::int32_t event::participant_frame::*>
    growing[] = {{"totalGold", &event::participant_frame::totalGold},
      {"xp", &event::participant_frame::xp},
      {"level", &event::participant_frame::level},
      {"minionsKilled", &event::participant_frame::minionsKilled},
      {"jungleMinionsKilled", &event::participant_frame::jungleMinionsKilled}};
  for (std::size_t f = 1; f < timeline.frames.size(); ++f) {
    const auto& before = timeline.frames[f - 1].participantFrames;
    for (const auto& now : timeline.frames[f].participantFrames) {
      const auto same = std::ranges::lower_bound(before, now.participantId, {},
        &event::participant_frame::participantId);
      if (same == before.end() || same->participantId != now.participantId)
        continue;
      for (const auto& [name, member] : growing)
        if (now.*member < (*same).*member)
          return broken(11,
            fmt::format("/info/frames/{}/participantFrames/{}/{}", f,
              now.participantId, name),
            "fell from {} to {}", (*same).*member, now.*member);
    }
  }
  return {};
}

verdict check_match(const document& doc, const match_completed& match) {
  if (auto found = check_match_id(match))
    return found;
  if (auto found = check_places(match))
    return found;
  if (auto found = check_puuids(doc))
    return found;
  for (const auto rule : {check_times, check_teams, check_winner,
         check_surrender, check_first_blood, check_counts, check_sums})
    if (auto found = rule(match))
      return found;
  return {};
}

verdict check_timeline(const match_timeline_recorded& timeline) {
  for (const auto rule :
    {check_game_id, check_frame_times, check_events, check_growth})
    if (auto found = rule(timeline))
      return found;
  return {};
}

verdict compare_lines(
  const match_summary& match, const timeline_summary& timeline) {
  if (timeline.participants.size() != match.participants.size())
    return broken(12, "/info/participants",
      "has {} participants, the timeline {}", match.participants.size(),
      timeline.participants.size());
  for (std::size_t i = 0; i < match.participants.size(); ++i) {
    const auto& said = match.participants[i];
    const auto& replayed = timeline.participants[i];
    const std::tuple<std::string_view, std::int32_t, std::int32_t> numbers[]
      = {{"kills", said.kills, replayed.kills},
        {"deaths", said.deaths, replayed.deaths},
        {"assists", said.assists, replayed.assists},
        {"goldEarned", said.gold, replayed.gold},
        {"champExperience", said.xp, replayed.xp},
        {"champLevel", said.level, replayed.level},
        {"totalMinionsKilled", said.lane_cs, replayed.lane_cs},
        {"neutralMinionsKilled", said.jungle_cs, replayed.jungle_cs}};
    for (const auto& [name, document, timelines] : numbers)
      if (document != timelines)
        return broken(12, at_participant(i, name),
          "is {}, but replaying the timeline gives {}", document, timelines);
  }
  return {};
}

verdict compare_teams(
  const match_summary& match, const timeline_summary& timeline) {
  for (std::size_t i = 0; i < match.teams.size(); ++i) {
    const auto& said = match.teams[i];
    if (said.team_id != 100 && said.team_id != 200)
      continue;
    const auto& replayed = said.team_id == 100 ? timeline.blue : timeline.red;
    const std::tuple<std::string_view, std::int32_t, std::int32_t> numbers[]
      = {{"tower", said.towers, replayed.towers},
        {"inhibitor", said.inhibitors, replayed.inhibitors},
        {"dragon", said.dragons, replayed.dragons},
        {"riftHerald", said.heralds, replayed.heralds},
        {"baron", said.barons, replayed.barons},
        {"horde", said.horde.value_or(replayed.horde), replayed.horde}};
    for (const auto& [name, document, timelines] : numbers)
      if (document != timelines)
        return broken(12,
          fmt::format("/info/teams/{}/objectives/{}/kills", i, name),
          "is {}, but replaying the timeline gives {}", document, timelines);
  }
  return {};
}

verdict compare_end(
  const match_summary& match, const timeline_summary& timeline) {
  const bool arena = is_arena(match.game_mode);
  const auto slack = arena ? end_slack_arena_ms : end_slack_ms;
  if (std::abs(timeline.end_ms - match.duration_ms) > slack)
    return broken(13, "/info/gameDuration",
      "is {} s, but the timeline's GAME_END is at {} ms", match.duration_text,
      timeline.end_ms);
  if (arena || is_swarm(match.game_mode) || timeline.winning_team == 0)
    return {};
  for (std::size_t i = 0; i < match.teams.size(); ++i)
    if (match.teams[i].win != (match.teams[i].team_id == timeline.winning_team))
      return broken(13, fmt::format("/info/teams/{}/win", i),
        "is {}, but the timeline's winner is team {}", match.teams[i].win,
        timeline.winning_team);
  return {};
}

} // namespace

bool is_arena(std::string_view game_mode) {
  return game_mode == "CHERRY";
}

bool is_swarm(std::string_view game_mode) {
  return game_mode == "STRAWBERRY";
}

std::optional<refusal> check(const document& doc) {
  if (doc.aborted)
    return {};
  if (const auto* match = std::get_if<match_completed>(&doc.content))
    return check_match(doc, *match);
  return check_timeline(std::get<match_timeline_recorded>(doc.content));
}

std::optional<refusal> check_pair(
  const match_summary& match, const timeline_summary& timeline) {
  const bool aborted = match.outcome == "aborted";
  if (aborted != timeline.aborted)
    return broken(12, "/info", "{} of an aborted game, the other half is not",
      aborted ? "the match document is" : "the timeline is");
  if (aborted)
    return {};
  if (auto found = compare_lines(match, timeline))
    return found;
  if (auto found = compare_teams(match, timeline))
    return found;
  return compare_end(match, timeline);
}

} // namespace herald::riot
