#include "actors/player/player_aggregate.hpp"

#include <catch2/catch.hpp>

using namespace herald;

namespace {

event::player_totals one_match(int kills, bool won) {
  event::player_totals totals;
  totals.games = 1;
  totals.wins = won ? 1 : 0;
  totals.losses = won ? 0 : 1;
  totals.kills = kills;
  return totals;
}

count_match command(
  int partition, int offset, const event::player_totals& match) {
  count_match one;
  one.player_id = "00000000000000aa";
  one.match_id = "EUW1_1";
  one.cause_partition = partition;
  one.cause_offset = offset;
  one.match = match;
  return one;
}

/// Decides and applies; the event, or nothing when it was counted before.
std::optional<event::player_stats_updated> count(
  player_state& state, const count_match& command, offset at) {
  auto decided = player_aggregate::decide(state, command, at);
  auto* events
    = std::get_if<std::vector<std::shared_ptr<const any_event>>>(&decided);
  if (!events)
    return std::nullopt;
  REQUIRE(events->size() == 1);
  player_aggregate::evolve(state, *events->front(), at);
  return std::get<event::player_stats_updated>(*events->front());
}

} // namespace

TEST_CASE("a player's totals are the sum of the matches") {
  player_state state;
  count(state, command(1, 0, one_match(3, true)), {0});
  auto second = count(state, command(2, 0, one_match(4, false)), {1});
  REQUIRE(second);
  CHECK(second->totals.games == 2);
  CHECK(second->totals.wins == 1);
  CHECK(second->totals.losses == 1);
  CHECK(second->totals.kills == 7);
  CHECK(second->match.kills == 4);
}

TEST_CASE("the same cause never counts twice") {
  player_state state;
  CHECK(count(state, command(1, 5, one_match(3, true)), {0}));
  CHECK(!count(state, command(1, 5, one_match(3, true)), {1}));
  CHECK(!count(state, command(1, 4, one_match(3, true)), {1}));
  CHECK(state.totals.games == 1);
  // Another partition has offsets of its own.
  CHECK(count(state, command(2, 4, one_match(1, true)), {1}));
}

TEST_CASE("a correction takes back what the corrected match had added") {
  player_state state;
  count(state, command(1, 0, one_match(3, true)), {0});
  auto corrected = command(1, 1, one_match(5, false));
  corrected.corrected = one_match(3, true);
  count(state, corrected, {1});
  CHECK(state.totals.games == 1);
  CHECK(state.totals.wins == 0);
  CHECK(state.totals.losses == 1);
  CHECK(state.totals.kills == 5);
}

TEST_CASE("the totals that events carry are those of the replay") {
  player_state state, replayed;
  for (int i = 0; i < 20; ++i) {
    auto updated = count(state, command(i % 3, i, one_match(i, i % 2 == 0)),
      offset{std::uint64_t(i)});
    REQUIRE(updated);
    player_aggregate::evolve(
      replayed, any_event{*updated}, offset{std::uint64_t(i)});
  }
  CHECK(replayed.totals == state.totals);
  CHECK(!count(replayed, command(1, 19, one_match(1, true)), {20}));
}
