#include "tools/simulate/tables.hpp"

#include <algorithm>
#include <cassert>

namespace herald::simulate {

namespace {

constexpr auto tank = champion_class::tank;
constexpr auto fighter = champion_class::fighter;
constexpr auto mage = champion_class::mage;
constexpr auto marksman = champion_class::marksman;
constexpr auto assassin = champion_class::assassin;
constexpr auto enchanter = champion_class::enchanter;

constexpr std::uint8_t top = 1, jungle = 2, middle = 4, bottom = 8,
                       utility = 16;

constexpr champion all_champions[] = {
  {266, "Aatrox", "Aatrox", fighter, top, "BLOODWELL"},
  {103, "Ahri", "Ahri", mage, middle, "MANA"},
  {84, "Akali", "Akali", assassin, top | middle, "ENERGY"},
  {12, "Alistar", "Alistar", tank, utility, "MANA"},
  {32, "Amumu", "Amumu", tank, jungle, "MANA"},
  {22, "Ashe", "Ashe", marksman, bottom, "MANA"},
  {432, "Bard", "Bard", enchanter, utility, "MANA"},
  {200, "Belveth", "Bel'Veth", fighter, jungle, "NONE"},
  {53, "Blitzcrank", "Blitzcrank", tank, utility, "MANA"},
  {63, "Brand", "Brand", mage, utility | middle, "MANA"},
  {201, "Braum", "Braum", tank, utility, "MANA"},
  {51, "Caitlyn", "Caitlyn", marksman, bottom, "MANA"},
  {164, "Camille", "Camille", fighter, top, "MANA"},
  {31, "Chogath", "Cho'Gath", tank, top, "MANA"},
  {122, "Darius", "Darius", fighter, top, "MANA"},
  {131, "Diana", "Diana", fighter, jungle | middle, "MANA"},
  {119, "Draven", "Draven", marksman, bottom, "MANA"},
  {245, "Ekko", "Ekko", assassin, jungle | middle, "MANA"},
  {81, "Ezreal", "Ezreal", marksman, bottom, "MANA"},
  {9, "FiddleSticks", "Fiddlesticks", mage, jungle, "MANA"},
  {114, "Fiora", "Fiora", fighter, top, "MANA"},
  {86, "Garen", "Garen", fighter, top, "NONE"},
  {150, "Gnar", "Gnar", fighter, top, "GNARFURY"},
  {104, "Graves", "Graves", marksman, jungle, "MANA"},
  {120, "Hecarim", "Hecarim", fighter, jungle, "MANA"},
  {40, "Janna", "Janna", enchanter, utility, "MANA"},
  {59, "JarvanIV", "Jarvan IV", fighter, jungle, "MANA"},
  {24, "Jax", "Jax", fighter, top | jungle, "MANA"},
  {202, "Jhin", "Jhin", marksman, bottom, "MANA"},
  {222, "Jinx", "Jinx", marksman, bottom, "MANA"},
  {897, "KSante", "K'Sante", tank, top, "MANA"},
  {145, "Kaisa", "Kai'Sa", marksman, bottom, "MANA"},
  {43, "Karma", "Karma", enchanter, utility, "MANA"},
  {55, "Katarina", "Katarina", assassin, middle, "NONE"},
  {141, "Kayn", "Kayn", fighter, jungle, "MANA"},
  {121, "Khazix", "Kha'Zix", assassin, jungle, "MANA"},
  {64, "LeeSin", "Lee Sin", fighter, jungle, "ENERGY"},
  {89, "Leona", "Leona", tank, utility, "MANA"},
  {117, "Lulu", "Lulu", enchanter, utility, "MANA"},
  {99, "Lux", "Lux", mage, utility | middle, "MANA"},
  {54, "Malphite", "Malphite", tank, top, "MANA"},
  {62, "MonkeyKing", "Wukong", fighter, top | jungle, "MANA"},
  {82, "Mordekaiser", "Mordekaiser", fighter, top, "SHIELD"},
  {25, "Morgana", "Morgana", mage, utility, "MANA"},
  {267, "Nami", "Nami", enchanter, utility, "MANA"},
  {75, "Nasus", "Nasus", fighter, top, "MANA"},
  {111, "Nautilus", "Nautilus", tank, utility, "MANA"},
  {61, "Orianna", "Orianna", mage, middle, "MANA"},
  {516, "Ornn", "Ornn", tank, top, "MANA"},
  {555, "Pyke", "Pyke", assassin, utility, "MANA"},
  {58, "Renekton", "Renekton", fighter, top, "FURY"},
  {360, "Samira", "Samira", marksman, bottom, "MANA"},
  {113, "Sejuani", "Sejuani", tank, jungle, "MANA"},
  {875, "Sett", "Sett", fighter, top, "GRIT"},
  {98, "Shen", "Shen", tank, top, "ENERGY"},
  {37, "Sona", "Sona", enchanter, utility, "MANA"},
  {16, "Soraka", "Soraka", enchanter, utility, "MANA"},
  {517, "Sylas", "Sylas", mage, middle, "MANA"},
  {134, "Syndra", "Syndra", mage, middle, "MANA"},
  {412, "Thresh", "Thresh", tank, utility, "MANA"},
  {18, "Tristana", "Tristana", marksman, bottom | middle, "MANA"},
  {29, "Twitch", "Twitch", marksman, bottom, "MANA"},
  {67, "Vayne", "Vayne", marksman, bottom, "MANA"},
  {45, "Veigar", "Veigar", mage, middle, "MANA"},
  {254, "Vi", "Vi", fighter, jungle, "MANA"},
  {234, "Viego", "Viego", fighter, jungle, "NONE"},
  {112, "Viktor", "Viktor", mage, middle, "MANA"},
  {106, "Volibear", "Volibear", tank, top | jungle, "MANA"},
  {498, "Xayah", "Xayah", marksman, bottom, "MANA"},
  {157, "Yasuo", "Yasuo", fighter, middle, "FLOW"},
  {777, "Yone", "Yone", fighter, top | middle, "FLOW"},
  {238, "Zed", "Zed", assassin, middle, "ENERGY"},
};

// Sorted by id, so that item_of can search.
constexpr item all_items[] = {
  {1001, "Boots", 300, {}},
  {1004, "Faerie Charm", 200, {}},
  {1006, "Rejuvenation Bead", 300, {}},
  {1011, "Giant's Belt", 900, {1028}},
  {1018, "Cloak of Agility", 600, {}},
  {1026, "Blasting Wand", 850, {}},
  {1027, "Sapphire Crystal", 300, {}},
  {1028, "Ruby Crystal", 400, {}},
  {1029, "Cloth Armor", 300, {}},
  {1031, "Chain Vest", 800, {1029}},
  {1033, "Null-Magic Mantle", 400, {}},
  {1036, "Long Sword", 350, {}},
  {1037, "Pickaxe", 875, {}},
  {1038, "B. F. Sword", 1300, {}},
  {1042, "Dagger", 250, {}},
  {1052, "Amplifying Tome", 400, {}},
  {1054, "Doran's Shield", 450, {}},
  {1055, "Doran's Blade", 450, {}},
  {1056, "Doran's Ring", 400, {}},
  {1057, "Negatron Cloak", 850, {1033}},
  {1058, "Needlessly Large Rod", 1200, {}},
  {1101, "Scorchclaw Pup", 450, {}},
  {1102, "Gustwalker Hatchling", 450, {}},
  {1103, "Mosstomper Seedling", 450, {}},
  {2003, "Health Potion", 50, {}, true},
  {2021, "Tunneler", 1150, {1036, 1028}},
  {2022, "Glowing Mote", 250, {}},
  {2055, "Control Ward", 75, {}, true},
  {2065, "Shurelya's Battlesong", 2200, {3113, 4642}},
  {2502, "Unending Despair", 2800, {1031, 3067, 1028}},
  {2504, "Kaenic Rookern", 2900, {3211, 1057}},
  {2508, "Fated Ashes", 900, {1052}},
  {3006, "Berserker's Greaves", 1100, {1001, 1042, 1042}},
  {3020, "Sorcerer's Shoes", 1100, {1001}},
  {3031, "Infinity Edge", 3500, {1038, 1037, 1018}},
  {3035, "Last Whisper", 1450, {1036, 1036}},
  {3036, "Lord Dominik's Regards", 3300, {3035, 6670}},
  {3044, "Phage", 1100, {1028, 1036}},
  {3046, "Phantom Dancer", 2650, {1042, 3086, 1042}},
  {3047, "Plated Steelcaps", 1200, {1001, 1029}},
  {3053, "Sterak's Gage", 3200, {1037, 2021, 1028}},
  {3057, "Sheen", 900, {2022}},
  {3067, "Kindlegem", 800, {1028, 2022}},
  {3068, "Sunfire Aegis", 2700, {6660, 1031, 1028}},
  {3071, "Black Cleaver", 3000, {3044, 3067, 1037}},
  {3075, "Thornmail", 2450, {3076, 1031, 1028}},
  {3076, "Bramble Vest", 800, {1029, 1029}},
  {3082, "Warden's Mail", 1000, {1029, 1029}},
  {3086, "Zeal", 1200, {1018, 1042}},
  {3089, "Rabadon's Deathcap", 3500, {1058, 1058}},
  {3100, "Lich Bane", 2900, {3057, 3113, 1026}},
  {3107, "Redemption", 2300, {3108, 3114}},
  {3108, "Fiendish Codex", 850, {1052, 2022}},
  {3111, "Mercury's Treads", 1250, {1001, 1033}},
  {3113, "Aether Wisp", 900, {1052}},
  {3114, "Forbidden Idol", 600, {}},
  {3118, "Malignance", 2700, {3802, 1026}},
  {3133, "Caulfield's Warhammer", 1050, {1036, 2022, 1036}},
  {3134, "Serrated Dirk", 1000, {1036, 1036}},
  {3143, "Randuin's Omen", 2700, {3082, 1011}},
  {3145, "Hextech Alternator", 1100, {1052, 1052}},
  {3147, "Haunting Guise", 1300, {1052, 1028}},
  {3158, "Ionian Boots of Lucidity", 900, {1001, 2022}},
  {3161, "Spear of Shojin", 3100, {1037, 2021, 1028}},
  {3190, "Locket of the Iron Solari", 2200, {3067, 1029, 1033}},
  {3211, "Spectre's Cowl", 1250, {1028, 1033, 1006}},
  {3222, "Mikael's Blessing", 2300, {3067, 3114}},
  {3340, "Stealth Ward", 0, {}},
  {3363, "Farsight Alteration", 0, {}},
  {3364, "Oracle Lens", 0, {}},
  {3504, "Ardent Censer", 2200, {3113, 3114}},
  {3802, "Lost Chapter", 1200, {1052, 1027, 2022}},
  {3814, "Edge of Night", 3000, {3134, 2021}},
  {3865, "World Atlas", 400, {}},
  {4642, "Bandleglass Mirror", 900, {1004, 1052, 2022}},
  {4645, "Shadowflame", 3200, {3145, 1058}},
  {6610, "Sundered Sky", 3100, {2021, 3133, 1028}},
  {6617, "Moonstone Renewer", 2200, {3067, 4642}},
  {6653, "Liandry's Torment", 3000, {3147, 2508}},
  {6655, "Luden's Echo", 2750, {3802, 3145}},
  {6660, "Bami's Cinder", 900, {1028, 2022}},
  {6665, "Jak'Sho, The Protean", 3200, {1011, 1031, 1057}},
  {6670, "Noonquiver", 1300, {1036, 1018}},
  {6676, "The Collector", 3000, {1037, 3134, 1018}},
  {6694, "Serylda's Grudge", 3000, {3133, 3035}},
  {6697, "Hubris", 2800, {3134, 3133}},
};

constexpr rune_style all_styles[] = {
  {8000, "Precision", 7201,
    {{{8005, "PressTheAttack", "Press the Attack"},
      {8021, "FleetFootwork", "Fleet Footwork"},
      {8010, "Conqueror", "Conqueror"}}},
    {{{9111, "Triumph", "Triumph"},
      {8009, "PresenceOfMind", "Presence of Mind"},
      {9104, "LegendAlacrity", "Legend: Alacrity"},
      {9105, "LegendHaste", "Legend: Haste"},
      {8014, "CoupDeGrace", "Coup de Grace"},
      {8299, "LastStand", "Last Stand"}}}},
  {8100, "Domination", 7200,
    {{{8112, "Electrocute", "Electrocute"},
      {8128, "DarkHarvest", "Dark Harvest"},
      {9923, "HailOfBlades", "Hail of Blades"}}},
    {{{8139, "TasteOfBlood", "Taste of Blood"},
      {8143, "SuddenImpact", "Sudden Impact"},
      {8137, "SixthSense", "Sixth Sense"}, {8141, "DeepWard", "Deep Ward"},
      {8135, "TreasureHunter", "Treasure Hunter"},
      {8106, "UltimateHunter", "Ultimate Hunter"}}}},
  {8200, "Sorcery", 7202,
    {{{8214, "SummonAery", "Summon Aery"},
      {8229, "ArcaneComet", "Arcane Comet"},
      {8230, "PhaseRush", "Stormraider's Surge"}}},
    {{{8226, "ManaflowBand", "Manaflow Band"},
      {8275, "NimbusCloak", "Nimbus Cloak"},
      {8210, "Transcendence", "Transcendence"}, {8234, "Celerity", "Celerity"},
      {8237, "Scorch", "Scorch"},
      {8236, "GatheringStorm", "Gathering Storm"}}}},
  {8300, "Inspiration", 7203,
    {{{8351, "GlacialAugment", "Glacial Augment"},
      {8360, "UnsealedSpellbook", "Unsealed Spellbook"},
      {8369, "FirstStrike", "First Strike"}}},
    {{{8304, "MagicalFootwear", "Magical Footwear"},
      {8321, "CashBack", "Cash Back"},
      {8345, "BiscuitDelivery", "Biscuit Delivery"},
      {8352, "TimeWarpTonic", "Time Warp Tonic"},
      {8347, "CosmicInsight", "Cosmic Insight"},
      {8410, "ApproachVelocity", "Approach Velocity"}}}},
  {8400, "Resolve", 7204,
    {{{8437, "GraspOfTheUndying", "Grasp of the Undying"},
      {8439, "Aftershock", "Aftershock"}, {8465, "Guardian", "Guardian"}}},
    {{{8446, "Demolish", "Demolish"}, {8463, "FontOfLife", "Font of Life"},
      {8444, "SecondWind", "Second Wind"},
      {8473, "BonePlating", "Bone Plating"}, {8451, "Overgrowth", "Overgrowth"},
      {8242, "Unflinching", "Unflinching"}}}},
};

constexpr summoner_spell all_spells[] = {
  {1, "SummonerBoost", "Cleanse"},
  {3, "SummonerExhaust", "Exhaust"},
  {4, "SummonerFlash", "Flash"},
  {6, "SummonerHaste", "Ghost"},
  {7, "SummonerHeal", "Heal"},
  {11, "SummonerSmite", "Smite"},
  {12, "SummonerTeleport", "Teleport"},
  {14, "SummonerDot", "Ignite"},
  {21, "SummonerBarrier", "Barrier"},
  {32, "SummonerSnowball", "Mark"},
};

constexpr std::int32_t builds[][2][6] = {
  // tank
  {{3047, 3068, 2502, 2504, 3075, 6665}, {3111, 3068, 3143, 6665, 2504, 2502}},
  // fighter
  {{3047, 3071, 6610, 3053, 3161, 6665}, {3111, 6610, 3161, 3071, 3053, 2504}},
  // mage
  {{3020, 6655, 4645, 3089, 3118, 6653}, {3020, 3118, 6653, 4645, 3089, 3100}},
  // marksman
  {{3006, 6676, 3031, 3036, 3046, 6694}, {3006, 3046, 3031, 3036, 6676, 3814}},
  // assassin
  {{3158, 6697, 3814, 6694, 6676, 3071}, {3111, 6697, 6694, 3814, 6676, 3053}},
  // enchanter
  {{3158, 6617, 3504, 3107, 2065, 3190}, {3158, 2065, 3190, 6617, 3222, 3107}},
};

constexpr std::int32_t experience[] = {0, 280, 660, 1140, 1720, 2400, 3180,
  4060, 5040, 6120, 7300, 8580, 9960, 11440, 13020, 14700, 16480, 18360};

struct standing_building {
  lane where;
  building what;
  place blue;
  place red;
};

constexpr standing_building rift[] = {
  {lane::top, building::outer, {981, 10441}, {4318, 13875}},
  {lane::top, building::inner, {1512, 6699}, {7943, 13411}},
  {lane::top, building::base, {1169, 4287}, {10481, 13650}},
  {lane::top, building::inhibitor, {1171, 3571}, {11261, 13676}},
  {lane::middle, building::outer, {5846, 6396}, {8955, 8510}},
  {lane::middle, building::inner, {5048, 4812}, {9767, 10113}},
  {lane::middle, building::base, {3651, 3696}, {11134, 11207}},
  {lane::middle, building::inhibitor, {3203, 3208}, {11603, 11667}},
  {lane::bottom, building::outer, {10504, 1029}, {13866, 4505}},
  {lane::bottom, building::inner, {6919, 1483}, {13327, 8226}},
  {lane::bottom, building::base, {4281, 1253}, {13624, 10572}},
  {lane::bottom, building::inhibitor, {3452, 1236}, {13604, 11316}},
};

constexpr standing_building abyss[] = {
  {lane::middle, building::outer, {4943, 4929}, {7885, 7773}},
  {lane::middle, building::base, {3827, 3841}, {9002, 8850}},
  {lane::middle, building::inhibitor, {3099, 3196}, {9696, 9544}},
};

} // namespace

std::span<const champion> champions() {
  return all_champions;
}
std::span<const rune_style> rune_styles() {
  return all_styles;
}
std::span<const summoner_spell> summoner_spells() {
  return all_spells;
}

const item& item_of(std::int32_t id) {
  auto found = std::ranges::lower_bound(all_items, id, {}, &item::id);
  assert(found != std::end(all_items) && found->id == id);
  return *found;
}

const rune& rune_of(std::int32_t id) {
  for (const auto& style : all_styles) {
    for (const auto& one : style.keystones)
      if (one.id == id)
        return one;
    for (const auto& one : style.rows)
      if (one.id == id)
        return one;
  }
  assert(!"a rune of the tables");
  return all_styles[0].keystones[0];
}

const rune_style& rune_style_of(std::int32_t id) {
  auto found = std::ranges::find(all_styles, id, &rune_style::id);
  assert(found != std::end(all_styles));
  return *found;
}

const summoner_spell& spell_of(std::int32_t id) {
  auto found = std::ranges::find(all_spells, id, &summoner_spell::id);
  assert(found != std::end(all_spells));
  return *found;
}

std::span<const std::int32_t, 6> build_of(
  champion_class kind, std::uint32_t variant) {
  return builds[static_cast<std::size_t>(kind)][variant % 2];
}

std::int32_t starting_item(champion_class kind, role where) {
  if (where == role::utility)
    return 3865;
  if (where == role::jungle)
    return kind == champion_class::tank ? 1103
      : kind == champion_class::fighter ? 1101
                                        : 1102;
  switch (kind) {
  case champion_class::mage:
  case champion_class::enchanter:
    return 1056;
  case champion_class::tank:
    return 1054;
  default:
    return 1055;
  }
}

bool is_legendary(std::int32_t id) {
  return item_of(id).price >= 2000;
}

std::int32_t xp_of_level(int level) {
  assert(level >= 1 && level <= 18);
  return experience[level - 1];
}

place building_place(
  bool aram, int team, lane where, building what, int number) {
  if (what == building::nexus) {
    if (aram)
      return team == 100
        ? (number == 0 ? place{2061, 2575} : place{2506, 2110})
        : (number == 0 ? place{10784, 10109} : place{10337, 10574});
    return team == 100
      ? (number == 0 ? place{1748, 2270} : place{2177, 1807})
      : (number == 0 ? place{13052, 12612} : place{12611, 13084});
  }
  auto all = aram ? std::span<const standing_building>{abyss}
                  : std::span<const standing_building>{rift};
  for (const auto& one : all)
    if (one.where == where && one.what == what)
      return team == 100 ? one.blue : one.red;
  assert(!"a building of the map");
  return {};
}

std::string_view to_string(role where) {
  constexpr std::string_view names[]
    = {"TOP", "JUNGLE", "MIDDLE", "BOTTOM", "UTILITY"};
  return names[static_cast<std::size_t>(where)];
}

std::string_view to_string(lane where) {
  constexpr std::string_view names[] = {"TOP_LANE", "MID_LANE", "BOT_LANE"};
  return names[static_cast<std::size_t>(where)];
}

} // namespace herald::simulate
