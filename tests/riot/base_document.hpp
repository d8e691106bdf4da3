#pragma once

#include "actors/riot/document.hpp"

#include <nlohmann/json.hpp>
#include <string>

/// Documents to break: a generated game whose match and timeline obey every
/// rule, as JSON that a test may change.

namespace herald::riot {

using json = nlohmann::json;

/// A finished game of ten on Summoner's Rift, with challenges and all.
json base_match();
/// Its timeline.
json base_timeline();

/// A game that ended after three minutes because somebody never came.
json remake_match();

/// Riot's empty documents of a game that never came to be.
json aborted_match();
json aborted_timeline();

/// Eight players in pairs, `teamId` and `win` without meaning, no winner.
json arena_match();
/// Three players in one team.
json swarm_match();

/// Makes participant `place` (from 0) a bot.
void make_bot(json& match, std::size_t place);

/// Reads a document that must be accepted.
document accepted(const json& text);
/// Reads a document that must be refused.
refusal refused(const json& text);

} // namespace herald::riot
