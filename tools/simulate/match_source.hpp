#pragma once

#include "protocol/bytes.hpp"
#include "tools/simulate/game.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace herald::simulate {

/// A player's ranked record in one queue.
struct ranked_record {
  std::int32_t wins = 0;
  std::int32_t losses = 0;
};

/// A match in a player's history.
struct listed_match {
  std::string match_id;
  std::int64_t start_ms = 0;
  std::int32_t queue_id = 0;
};

/// Where the simulated Riot API takes its answers from, as they are at a
/// simulated time (Unix milliseconds). Riot ids are compared without regard to
/// the case of ASCII letters. All members may be called from any thread.
class match_source {
public:
  virtual ~match_source() = default;

  virtual std::optional<person> by_puuid(std::string_view puuid) const = 0;
  virtual std::optional<person> by_riot_id(
    std::string_view game_name, std::string_view tag_line) const
    = 0;
  /// The finished and published matches of a player, latest first.
  virtual std::vector<listed_match> matches_of(
    std::string_view puuid, std::int64_t now_ms)
    = 0;
  /// Absent: unknown or not published yet.
  virtual std::optional<bytes> match(
    std::string_view match_id, std::int64_t now_ms)
    = 0;
  virtual std::optional<bytes> timeline(
    std::string_view match_id, std::int64_t now_ms)
    = 0;
  /// CurrentGameInfo; absent: the player is in no game.
  virtual std::optional<bytes> current_game_of(
    std::string_view puuid, std::int64_t now_ms)
    = 0;
  /// Absent: never played ranked games in this queue, or not known.
  virtual std::optional<ranked_record> ranked(
    std::string_view puuid, std::int32_t queue_id, std::int64_t now_ms)
    = 0;
};

/// ASCII letters in lower case, "name#tag": how Riot ids are looked up.
std::string riot_id_key(std::string_view game_name, std::string_view tag_line);

} // namespace herald::simulate
