#include "actors/player/player_aggregate.hpp"

#include "actors/player/player_snapshot.hpp"
#include "actors/state_codec.hpp"
#include "protocol/event/match_completed.hpp"
#include "protocol/schema/message_pack.hpp"

namespace herald {

namespace {

// Raised whenever evolve() folds the same events into something else.
constexpr std::uint32_t state_version = 1;

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

state_format player_aggregate::stored_format() {
  static const auto format
    = format_of(type_of<player_snapshot>(), state_version);
  return format;
}

bytes player_aggregate::encode_state(const player_state& state) {
  player_snapshot snapshot{state.totals, {}};
  for (auto& [partition, counted] : state.counted_to)
    snapshot.counted.push_back(
      {partition, counted.cause, static_cast<std::int64_t>(counted.at.value)});
  return message_pack_encode(snapshot);
}

result<player_state> player_aggregate::decode_state(bytes_view stored) {
  auto snapshot = message_pack_decode<player_snapshot>(stored);
  if (!snapshot)
    return std::unexpected(snapshot.error());
  player_state state;
  state.totals = snapshot->totals;
  for (auto& one : snapshot->counted)
    state.counted_to[one.partition]
      = {one.cause, {static_cast<std::uint64_t>(one.at)}};
  return state;
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
