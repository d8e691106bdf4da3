#pragma once

#include "protocol/bytes.hpp"
#include "tools/simulate/game.hpp"

namespace herald::simulate {

/// Appends the match-v5 match document of a game: every property that Riot's
/// description requires and the optional ones that are served today. Replaying
/// the timeline gives its numbers exactly (rule 12 and its neighbours).
void append_match(const game& played, bytes& out);

/// Appends the match-v5 timeline of a game.
void append_timeline(const game& played, bytes& out);

/// The same as new strings.
bytes match_document(const game& played);
bytes timeline_document(const game& played);

} // namespace herald::simulate
