#pragma once

#include "protocol/bytes.hpp"
#include "tools/simulate/game.hpp"

#include <cstdint>

namespace herald::simulate {

/// spectator-v5 CurrentGameInfo of a game that has run for `time_ms`.
bytes current_game(const game& played, std::int64_t time_ms);

/// The Live Client Data API as the game client of `participant` (1 to 10)
/// answers it when the game has run for `time_ms`: /allgamedata and its parts.
/// Events are cumulative; the list at one time is the beginning of the list at
/// every later time, and they happen when the timeline says. `riotIdGameName`
/// and `summonerName` of a player are the name that events use.
bytes all_game_data(const game& played, std::int64_t time_ms, int participant);
bytes event_data(const game& played, std::int64_t time_ms, int participant);
bytes game_stats(const game& played, std::int64_t time_ms);
bytes player_list(const game& played, std::int64_t time_ms);

} // namespace herald::simulate
