#pragma once

#include "tools/simulate/game.hpp"

#include <cstdint>

namespace herald::simulate {

/// Plays a game that has been set up (contestants, map, shape other than
/// aborted) second by second and writes its happenings, frames, summaries,
/// team summaries, length, winner and how it ended. The rules are rough, but
/// the books are exact: whatever changes a number is written down as a
/// happening or shows in the next frame.
void play(game& set_up, std::uint64_t seed);

} // namespace herald::simulate
