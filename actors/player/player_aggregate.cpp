#include "actors/player/player_aggregate.hpp"

#include "protocol/event/match_completed.hpp"

namespace herald {

namespace {

/// Applies `combine` to each pair of members.
template <class Combine>
event::player_totals combined(const event::player_totals& a,
  const event::player_totals& b, Combine combine) {
  auto sum = a;
  auto each = [&](auto member) { sum.*member = combine(a.*member, b.*member); };
  using totals = event::player_totals;
  each(&totals::games);
  each(&totals::wins);
  each(&totals::losses);
  each(&totals::kills);
  each(&totals::deaths);
  each(&totals::assists);
  each(&totals::goldEarned);
  each(&totals::minions);
  each(&totals::jungleMinions);
  each(&totals::damageToChampions);
  each(&totals::visionScore);
  each(&totals::timePlayedSeconds);
  each(&totals::doubleKills);
  each(&totals::tripleKills);
  each(&totals::quadraKills);
  each(&totals::pentaKills);
  return sum;
}

} // namespace

decision player_aggregate::decide(
  const player_state& state, const count_match& command, offset) {
  auto counted = state.counted_to.find(command.cause_partition);
  if (counted != state.counted_to.end()
    && command.cause_offset <= counted->second.cause)
    return counted->second.at;
  event::player_stats_updated updated;
  updated.playerId = command.player_id;
  updated.principal = command.principal;
  updated.source = command.source;
  updated.matchId = command.match_id;
  updated.causePartition = command.cause_partition;
  updated.causeOffset = command.cause_offset;
  updated.match
    = command.corrected ? command.match - *command.corrected : command.match;
  updated.totals = state.totals + updated.match;
  std::vector<std::shared_ptr<const any_event>> events;
  events.push_back(std::make_shared<const any_event>(std::move(updated)));
  return events;
}

void player_aggregate::evolve(
  player_state& state, const any_event& event, offset at) {
  auto* updated = std::get_if<event::player_stats_updated>(&event);
  if (!updated)
    return;
  state.totals = updated->totals;
  state.counted_to[updated->causePartition] = {updated->causeOffset, at};
}

event::player_totals totals_of(const event::participant& player) {
  event::player_totals one;
  one.games = 1;
  one.wins = player.win ? 1 : 0;
  one.losses = player.win ? 0 : 1;
  one.kills = player.kills;
  one.deaths = player.deaths;
  one.assists = player.assists;
  one.goldEarned = player.goldEarned;
  one.minions = player.totalMinionsKilled;
  one.jungleMinions = player.neutralMinionsKilled;
  one.damageToChampions = player.totalDamageDealtToChampions;
  one.visionScore = player.visionScore;
  one.timePlayedSeconds = player.timePlayed;
  one.doubleKills = player.doubleKills;
  one.tripleKills = player.tripleKills;
  one.quadraKills = player.quadraKills;
  one.pentaKills = player.pentaKills;
  return one;
}

event::player_totals operator+(
  const event::player_totals& a, const event::player_totals& b) {
  return combined(a, b, [](auto x, auto y) { return x + y; });
}

event::player_totals operator-(
  const event::player_totals& a, const event::player_totals& b) {
  return combined(a, b, [](auto x, auto y) { return x - y; });
}

} // namespace herald
