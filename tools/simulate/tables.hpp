#pragma once

#include "tools/simulate/game.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace herald::simulate {

/// What a champion is good at; decides runes, items and damage.
enum class champion_class : std::uint8_t {
  tank,
  fighter,
  mage,
  marksman,
  assassin,
  enchanter,
};

/// A champion, as Riot numbers and names it.
struct champion {
  std::int32_t id;
  /// As in `championName`: "MonkeyKing".
  std::string_view name;
  /// As players see it: "Wukong".
  std::string_view display_name;
  champion_class kind;
  /// Bit n: may play role n.
  std::uint8_t roles;
  /// The Live Client API's resourceType.
  std::string_view resource;
};

/// An item with what it is made of; `price` is the total.
struct item {
  std::int32_t id;
  std::string_view name;
  std::int32_t price;
  /// Ids; 0 ends the list.
  std::array<std::int32_t, 3> parts;
  bool consumable = false;
};

/// A rune, with its key as the Live Client API spells it.
struct rune {
  std::int32_t id;
  std::string_view key;
  std::string_view name;
};

/// A style of runes: three keystones and two runes of each of three rows.
struct rune_style {
  std::int32_t id;
  std::string_view name;
  /// The number in the client's raw names.
  std::int32_t old_id;
  std::array<rune, 3> keystones;
  std::array<rune, 6> rows;
};

struct summoner_spell {
  std::int32_t id;
  std::string_view key;
  std::string_view name;
};

/// Facts about the game (numbers, names, prices) of the patch that
/// `game_version` names.
inline constexpr std::string_view game_version = "16.12.770.1234";
std::span<const champion> champions();
std::span<const rune_style> rune_styles();
std::span<const summoner_spell> summoner_spells();

/// The item, rune, style or spell with this id. It must be one of the tables.
const item& item_of(std::int32_t id);
const rune& rune_of(std::int32_t id);
const rune_style& rune_style_of(std::int32_t id);
const summoner_spell& spell_of(std::int32_t id);

/// What a champion of this kind buys, in order: boots, then five great items.
std::span<const std::int32_t, 6> build_of(
  champion_class kind, std::uint32_t variant);

/// What somebody in this role starts with.
std::int32_t starting_item(champion_class kind, role where);

/// Whether an item is one of the great ones that end a build.
bool is_legendary(std::int32_t id);

/// The experience at which a level begins; level is 1 to 18.
std::int32_t xp_of_level(int level);

/// Where buildings stand. For inner lanes of the abyss the lane is middle.
struct place {
  std::int16_t x;
  std::int16_t y;
};
place building_place(
  bool aram, int team, lane where, building what, int number);

/// "TOP", "JUNGLE", "MIDDLE", "BOTTOM", "UTILITY".
std::string_view to_string(role where);
/// "TOP_LANE", "MID_LANE", "BOT_LANE".
std::string_view to_string(lane where);

} // namespace herald::simulate
