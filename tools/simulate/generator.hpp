#pragma once

#include "tools/simulate/game.hpp"

#include <cstdint>
#include <optional>

namespace herald::simulate {

/// What kind of games a seed gives. Games are dealt to `tables` in turn, game
/// n to table n mod tables, and every table has people of its own: so games of
/// different tables may run at the same time, and the first person of a table
/// sits in each of its games.
struct game_options {
  /// At least 1.
  std::uint32_t tables = 3;
  /// At least 10.
  std::uint32_t people_per_table = 25;
  /// When game 0 starts, Unix milliseconds; later ones follow hourly.
  std::int64_t first_start_ms = 1'781'000'000'000;
  /// Of a hundred games so many are remakes, aborted, or played in ARAM.
  std::uint32_t remake_percent = 2;
  std::uint32_t aborted_percent = 1;
  std::uint32_t aram_percent = 8;
};

/// Makes game `index` of a seed: the same arguments give the same value, and
/// from it the same bytes, on every machine and in every build (own random
/// numbers, integers, no library mathematics). Any index may be asked for in
/// any order, from any thread. With `start_ms` the game starts then; all else
/// stays the same.
game make_game(std::uint64_t seed, std::uint32_t index,
  const game_options& options = {},
  std::optional<std::int64_t> start_ms = std::nullopt);

/// The person with this number at a table, from 0 to people_per_table - 1.
/// The first one plays in all of the table's games.
person make_person(
  std::uint64_t seed, std::uint32_t table, std::uint32_t number);

} // namespace herald::simulate
