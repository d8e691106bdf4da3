#pragma once

#include "tools/simulate/generator.hpp"
#include "tools/simulate/match_source.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace herald::simulate {

/// How games follow each other at the tables.
struct schedule_settings {
  std::uint64_t seed = 1;
  /// Games in all; 0 never ends.
  std::uint32_t games = 0;
  std::uint32_t past_games = 2;
  std::int64_t publish_after_ms = 15'000;
  std::int64_t pause_ms = 60'000;
  /// When the simulation starts; tables are then in the midst of a game.
  std::int64_t clock_start_ms = 0;
  game_options kinds;
};

/// Generated games, played one after the other at every table. What has ended
/// is kept as a few numbers and made again when somebody asks, so memory grows
/// by some hundred bytes a game.
class schedule : public match_source {
public:
  /// What is known of a game without its details.
  struct slot {
    std::uint32_t index = 0;
    std::uint32_t table = 0;
    std::int64_t start_ms = 0;
    /// GAME_END.
    std::int64_t end_ms = 0;
    std::int32_t queue_id = 0;
    std::int16_t winner = 0;
    game_shape shape{};
    std::string match_id;
    /// Numbers of make_person, by participant.
    std::array<std::uint32_t, 10> people{};
  };

  explicit schedule(const schedule_settings& settings);

  std::optional<person> by_puuid(std::string_view puuid) const override;
  std::optional<person> by_riot_id(
    std::string_view game_name, std::string_view tag_line) const override;
  std::vector<listed_match> matches_of(
    std::string_view puuid, std::int64_t now_ms) override;
  std::optional<bytes> match(
    std::string_view match_id, std::int64_t now_ms) override;
  std::optional<bytes> timeline(
    std::string_view match_id, std::int64_t now_ms) override;
  std::optional<bytes> current_game_of(
    std::string_view puuid, std::int64_t now_ms) override;
  std::optional<ranked_record> ranked(std::string_view puuid,
    std::int32_t queue_id, std::int64_t now_ms) override;

  /// The game at a table at this time, also for `after_end_ms` after its end.
  std::shared_ptr<const game> game_at(
    std::uint32_t table, std::int64_t now_ms, std::int64_t after_end_ms = 0);

  /// All games that have started, oldest first.
  std::vector<slot> started(std::int64_t now_ms);

  /// The people whom each table's live client shows: number 0 of each.
  person regular(std::uint32_t table) const;

private:
  struct seat {
    std::uint32_t table = 0;
    std::uint32_t number = 0;
  };

  void open_table(std::uint32_t table);
  void advance(std::int64_t now_ms);
  void append(std::uint32_t table, std::int64_t start_ms);
  slot slot_of(const game& made) const;
  const slot* find_published(std::string_view match_id, std::int64_t now_ms);
  const slot* current(
    std::uint32_t table, std::int64_t now_ms, std::int64_t after_end_ms);
  std::shared_ptr<const game> details(const slot& of);
  std::optional<seat> seat_of(std::string_view puuid) const;
  bool exhausted(std::uint32_t index) const;

  schedule_settings settings_;
  std::unordered_map<std::string, seat> seats_;
  std::unordered_map<std::string, seat> names_;
  // Guards what follows.
  mutable std::mutex mutex_;
  std::vector<std::vector<slot>> tables_;
  std::deque<std::shared_ptr<const game>> recent_;
};

} // namespace herald::simulate
