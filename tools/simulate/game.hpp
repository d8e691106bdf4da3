#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace herald::simulate {

struct champion;

/// Somebody who does not exist: names from syllables, ids from the seed.
struct person {
  /// 78 characters of the url-safe alphabet, as Riot's PUUIDs.
  std::string puuid;
  std::string game_name;
  std::string tag_line;
  std::string summoner_id;
  std::int32_t summoner_level = 0;
  std::int32_t profile_icon = 0;
};

/// Where a player plays, in the order in which a team's five are listed.
enum class role : std::uint8_t { top, jungle, middle, bottom, utility };

/// How a game came out.
enum class game_shape : std::uint8_t {
  /// Played until a nexus fell or a team surrendered.
  finished,
  /// Ended after some three minutes because somebody never came.
  remake,
  /// Riot's empty document: ten ids and nothing else.
  aborted,
};

/// One of the ten. Participant ids are places in game::contestants plus 1;
/// 1 to 5 are the blue team (100), 6 to 10 the red one (200).
struct contestant {
  person who;
  const champion* plays = nullptr;
  role where = role::top;
  std::array<std::int32_t, 2> spells{};
  /// Keystone first, then three of the same style and two of the other.
  std::array<std::int32_t, 6> runes{};
  std::int32_t rune_style = 0;
  std::int32_t rune_substyle = 0;
  std::int32_t skin = 0;
  /// Which ability is levelled first, second, third: slots 1 to 3.
  std::array<std::uint8_t, 3> skill_order{1, 2, 3};
};

/// What can happen. The comments say which fields of `happening` are used
/// besides `at_ms`, `kind` and `actor`.
enum class happening_kind : std::uint8_t {
  item_purchased,  ///< item, gold: what it cost
  item_destroyed,  ///< item
  item_sold,       ///< item, gold: what it brought
  item_undone,     ///< item: what was bought; gold: what came back
  skill_level_up,  ///< detail: slot 1-4
  level_up,        ///< detail: the new level
  ward_placed,     ///< detail: ward_kind
  ward_killed,     ///< detail: ward_kind
  champion_killed, ///< victim, assists, gold: bounty, shutdown_gold, streak,
                   ///< length_ms: until respawn, detail: executioner
  special_kill,    ///< detail: special_kind; streak: length of a multikill
  plate_destroyed, ///< team that lost it, lane
  building_killed, ///< team that lost it, lane, detail: building, assists,
                   ///< gold: bounty
  monster_killed,  ///< team that killed, detail: monster, assists
  soul_given,      ///< team, detail: monster (the dragon's kind)
  bounty_prestart, ///< team, length_ms: until it starts
  bounty_finished, ///< team
  game_ended,      ///< team: the winner
};

enum class ward_kind : std::uint8_t {
  yellow_trinket,
  control,
  sight,
  blue_trinket,
  undefined,
};
enum class special_kind : std::uint8_t { first_blood, multi, ace };
enum class building : std::uint8_t { outer, inner, base, nexus, inhibitor };
enum class lane : std::uint8_t { top, middle, bottom };
/// Who killed when no champion did.
enum class executioner : std::uint8_t { none, minion, tower, monster };
enum class monster : std::uint8_t {
  fire,
  earth,
  water,
  air,
  hextech,
  chemtech,
  elder,
  herald,
  baron,
  horde,
};

/// Something that happened in a game, small enough to keep thousands.
struct happening {
  /// Milliseconds of game time.
  std::int64_t at_ms = 0;
  happening_kind kind{};
  /// Participant id of who did it; 0 is nobody.
  std::uint8_t actor = 0;
  std::uint8_t victim = 0;
  std::uint8_t detail = 0;
  lane where{};
  /// Bit n stands for participant n.
  std::uint16_t assists = 0;
  /// 100 or 200.
  std::int16_t team = 0;
  std::int16_t x = 0;
  std::int16_t y = 0;
  std::int32_t item = 0;
  std::int32_t gold = 0;
  std::int32_t shutdown_gold = 0;
  std::int32_t streak = 0;
  std::int32_t length_ms = 0;
};

/// Damage by kind.
struct damage {
  std::int32_t physical = 0;
  std::int32_t magic = 0;
  std::int32_t pure = 0;
  std::int32_t total() const { return physical + magic + pure; }
};

/// How a participant stands at the time of a frame; nothing but the current
/// gold and the place ever falls.
struct standing {
  std::int32_t total_gold = 0;
  std::int32_t current_gold = 0;
  std::int32_t xp = 0;
  std::int32_t level = 1;
  std::int32_t minions = 0;
  std::int32_t jungle_minions = 0;
  std::int32_t controlled_ms = 0;
  std::int32_t vision_tenths = 0;
  damage done;
  damage to_champions;
  damage taken;
  std::int16_t x = 0;
  std::int16_t y = 0;
  bool dead = false;
};

/// A minute of the timeline: the events after the frame before it up to and
/// including its own time, then the standings at that time.
struct frame {
  std::int64_t at_ms = 0;
  /// One past the last of its events in game::happenings.
  std::uint32_t happenings_end = 0;
  std::array<standing, 10> standings;
};

/// What the match document says about a participant and a frame does not.
struct summary {
  std::int32_t kills = 0, deaths = 0, assists = 0;
  std::int32_t double_kills = 0, triple_kills = 0, quadra_kills = 0;
  std::int32_t penta_kills = 0, largest_multi_kill = 0;
  std::int32_t killing_sprees = 0, largest_killing_spree = 0;
  std::int32_t solo_kills = 0, bounty_gold = 0;
  std::int32_t gold_spent = 0;
  std::int32_t items_purchased = 0, consumables_purchased = 0;
  std::int32_t control_wards_bought = 0, control_wards_placed = 0;
  std::int32_t wards_placed = 0, wards_killed = 0;
  std::int32_t turret_kills = 0, turret_takedowns = 0, plates = 0;
  std::int32_t inhibitor_kills = 0, inhibitor_takedowns = 0;
  std::int32_t nexus_kills = 0, nexus_takedowns = 0;
  std::int32_t dragon_kills = 0, dragon_takedowns = 0;
  std::int32_t baron_kills = 0, baron_takedowns = 0, herald_takedowns = 0;
  std::int32_t horde_takedowns = 0;
  std::int32_t building_damage = 0, monster_damage = 0;
  std::int32_t dead_ms = 0, longest_living_ms = 0;
  std::int32_t lane_minions_at_10 = 0, jungle_minions_at_10 = 0;
  std::int32_t enemy_jungle_minions = 0;
  std::array<std::int32_t, 4> casts{};
  std::array<std::int32_t, 2> spell_casts{};
  /// What the six slots and the trinket's hold at the end; 0 is empty.
  std::array<std::int32_t, 7> items{};
  bool first_blood_kill = false, first_blood_assist = false;
  bool first_tower_kill = false, first_tower_assist = false;
};

/// One kind of objective, as one team took it.
struct objective_count {
  std::int32_t kills = 0;
  bool first = false;
};

/// What a team took. `champions` counts the enemies' deaths, executions
/// included, as Riot does.
struct team_summary {
  objective_count towers, inhibitors, dragons, heralds, barons, horde,
    champions;
  std::array<std::int32_t, 5> bans{};
  bool win = false;
};

/// A whole game, from which every document about it is written
/// (documents.hpp, live.hpp). A plain value: whoever holds one may read it
/// from any thread.
struct game {
  std::uint64_t seed = 0;
  std::uint32_t index = 0;
  /// Of the document writers: positions, spell names and the like, which
  /// nothing else depends upon.
  std::uint64_t texture_seed = 0;
  game_shape shape = game_shape::finished;
  /// Upper case, as in match ids: "EUW1".
  std::string platform;
  std::int64_t game_id = 0;
  std::int32_t queue_id = 420;
  std::int32_t map_id = 11;
  std::string version;
  /// Unix times in milliseconds.
  std::int64_t creation_ms = 0;
  std::int64_t start_ms = 0;
  std::int64_t end_ms = 0;
  /// Game time of GAME_END; 0 for an aborted game.
  std::int64_t length_ms = 0;
  std::int16_t winner = 0;
  bool surrendered = false;
  std::array<contestant, 10> contestants;
  std::vector<happening> happenings;
  std::vector<frame> frames;
  std::array<summary, 10> summaries;
  std::array<team_summary, 2> teams;

  /// "EUW1_7123456789".
  std::string match_id() const;
  /// The howling abyss: one lane, no jungle.
  bool aram() const { return map_id == 12; }
};

/// 100 for participants 1 to 5, 200 for 6 to 10.
constexpr std::int16_t team_of(int participant) {
  return participant <= 5 ? 100 : 200;
}

} // namespace herald::simulate
