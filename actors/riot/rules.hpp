#pragma once

#include "actors/riot/document.hpp"
#include "actors/riot/replay.hpp"

#include <optional>
#include <string_view>

/// The rules that every real document obeys; a document that breaks one is
/// damaged, foreign or forged. Their numbers are stable names ("riot.8.5"):
///
///   1  matchId is platformId, "_", gameId
///   2  participantId is the place in the list, from 1
///   3  metadata.participants are the PUUIDs of the non-bots, in order, unique,
///      78 characters each
///   4  gameCreation <= start < end; duration <= end - start + 1 s
///   5  teams 100 and 200, five each, 100 first; five champions a team (not in
///      Arena and Swarm)
///   6  exactly one winner, `win` equal within a team (not in Arena and Swarm)
///   7  surrender flags equal for all
///   8  at most one first blood
///   9  double >= triple >= quadra >= penta kills; largest spree <= kills; no
///      count below 0
///  10  timePlayed and longest life <= duration + 1 s; damage to champions <=
///      damage; damage taken = physical + magic + true, within 2
///  11  timeline: matchId and gameId agree; frames 60 s apart; events in order;
///      one GAME_END, the last event; gold, experience, level and minions never
///      fall
///  12  replaying the timeline gives the document's numbers
///  13  GAME_END's winner is the winner, and its time is the duration
///
/// Aborted documents are outside all of them but the matchId of rule 1, which
/// they do not repeat.

namespace herald::riot {

/// The first of rules 1 to 11 that a document breaks, in their order.
std::optional<refusal> check(const document& doc);

/// The first of rules 12 and 13 that a match and its timeline break. Pointers
/// are into the match document. Pairs with an aborted half agree when both
/// halves are aborted. Rule 12 is for participants with statistics in both;
/// rule 13 allows Arena 6 s and asks Arena and Swarm for no winner.
std::optional<refusal> check_pair(
  const match_summary& match, const timeline_summary& timeline);

/// Arena: game mode CHERRY. Swarm: STRAWBERRY.
bool is_arena(std::string_view game_mode);
bool is_swarm(std::string_view game_mode);

} // namespace herald::riot
