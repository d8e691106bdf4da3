#include "tools/simulate/live.hpp"

#include "tools/simulate/json_text.hpp"
#include "tools/simulate/tables.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace herald::simulate {

namespace {

struct carried {
  std::int32_t item = 0;
  std::int32_t count = 0;
};

// A player as the game client shows him.
struct seen {
  std::int32_t kills = 0, deaths = 0, assists = 0, level = 1;
  std::int32_t minions = 0, vision_tenths = 0, gold = 0;
  std::int64_t back_ms = 0;
  std::array<std::int32_t, 4> abilities{};
  std::vector<carried> items;
  std::int32_t trinket = 0;
};

bool is_trinket(std::int32_t item) {
  return item == 3340 || item == 3363 || item == 3364;
}

void gain(seen& who, std::int32_t item) {
  if (is_trinket(item)) {
    who.trinket = item;
    return;
  }
  auto same = std::ranges::find(who.items, item, &carried::item);
  if (item_of(item).consumable && same != who.items.end())
    ++same->count;
  else
    who.items.push_back({item, 1});
}

void lose(seen& who, std::int32_t item) {
  if (is_trinket(item))
    return;
  auto held = std::ranges::find(who.items, item, &carried::item);
  if (held != who.items.end() && --held->count == 0)
    who.items.erase(held);
}

void apply(std::array<seen, 10>& all, const happening& one) {
  if (one.kind == happening_kind::champion_killed) {
    auto& victim = all[one.victim - 1];
    ++victim.deaths;
    victim.back_ms = one.at_ms + one.length_ms;
    for (auto id = 1; id <= 10; ++id)
      all[id - 1].assists += one.assists >> id & 1;
  }
  if (one.actor == 0)
    return;
  auto& who = all[one.actor - 1];
  switch (one.kind) {
  case happening_kind::champion_killed:
    ++who.kills;
    break;
  case happening_kind::level_up:
    who.level = one.detail;
    break;
  case happening_kind::skill_level_up:
    ++who.abilities[one.detail - 1];
    break;
  case happening_kind::item_purchased:
    who.gold -= one.gold;
    gain(who, one.item);
    break;
  case happening_kind::item_sold:
  case happening_kind::item_undone:
    who.gold += one.gold;
    lose(who, one.item);
    break;
  case happening_kind::item_destroyed:
    lose(who, one.item);
    break;
  default:
    break;
  }
}

// Numbers that only frames know grow evenly between two of them.
std::int32_t between(std::int32_t from, std::int32_t to, std::int64_t passed,
  std::int64_t length) {
  return length <= 0
    ? to
    : from + static_cast<std::int32_t>((to - from) * passed / length);
}

std::array<seen, 10> look(const game& played, std::int64_t time_ms) {
  std::array<seen, 10> all;
  for (const auto& one : played.happenings) {
    if (one.at_ms > time_ms)
      break;
    apply(all, one);
  }
  if (played.frames.empty())
    return all;
  auto after = std::ranges::find_if(
    played.frames, [&](const frame& one) { return one.at_ms > time_ms; });
  auto before = after == played.frames.begin() ? after : after - 1;
  if (after == played.frames.end())
    after = before;
  auto passed = std::max<std::int64_t>(0, time_ms - before->at_ms);
  auto length = after->at_ms - before->at_ms;
  for (auto i = 0; i < 10; ++i) {
    const auto& a = before->standings[i];
    const auto& b = after->standings[i];
    auto& who = all[i];
    who.minions = between(a.minions + a.jungle_minions,
      b.minions + b.jungle_minions, passed, length);
    who.vision_tenths
      = between(a.vision_tenths, b.vision_tenths, passed, length);
    who.gold += between(a.total_gold, b.total_gold, passed, length);
    who.gold = std::max(0, who.gold);
  }
  return all;
}

const std::string& name_of(const game& played, int id) {
  return played.contestants[id - 1].who.game_name;
}

std::string riot_id(const person& who) {
  return who.game_name + "#" + who.tag_line;
}

std::string_view side(int team) {
  return team == 100 ? "ORDER" : "CHAOS";
}

// Milliseconds as seconds, exactly.
std::string seconds(std::int64_t ms) {
  auto text = std::to_string(ms / 1000);
  auto rest = std::to_string(ms % 1000 + 1000);
  rest[0] = '.';
  return text + rest;
}

// --- events -----------------------------------------------------------------

// An event's members after its number, name and time.
struct live_event {
  std::int64_t at_ms = 0;
  std::string_view name;
  std::string rest;
};

// Adds members to a live_event.
class event_writer {
public:
  explicit event_writer(live_event& into) : into_{into} {}

  event_writer& text(std::string_view key, std::string_view value) {
    into_.rest += ",\"";
    into_.rest += key;
    into_.rest += "\":\"";
    into_.rest += value;
    into_.rest += '"';
    return *this;
  }

  event_writer& number(std::string_view key, std::int32_t value) {
    into_.rest += ",\"";
    into_.rest += key;
    into_.rest += "\":" + std::to_string(value);
    return *this;
  }

  event_writer& assisters(const game& played, std::uint16_t assists) {
    into_.rest += ",\"Assisters\":[";
    auto first = true;
    for (auto id = 1; id <= 10; ++id) {
      if ((assists >> id & 1) == 0)
        continue;
      into_.rest += first ? "\"" : ",\"";
      into_.rest += name_of(played, id);
      into_.rest += '"';
      first = false;
    }
    into_.rest += ']';
    return *this;
  }

private:
  live_event& into_;
};

std::string_view lane_letter(lane where) {
  constexpr std::string_view letters[] = {"L", "C", "R"};
  return letters[static_cast<std::size_t>(where)];
}

// Turrets are numbered from the nexus outwards; the inner lanes of the blue
// side's base turrets count with the middle.
std::string turret_name(const happening& one, bool second_of_nexus) {
  auto blue = one.team == 100;
  std::string name = blue ? "Turret_T1_" : "Turret_T2_";
  auto kind = static_cast<building>(one.detail);
  if (kind == building::nexus)
    return name + (second_of_nexus ? "C_02_A" : "C_01_A");
  if (kind == building::base && blue && one.where != lane::middle)
    return name + (one.where == lane::top ? "C_06_A" : "C_07_A");
  auto number = kind == building::outer ? 3 : kind == building::inner ? 2 : 1;
  if (one.where == lane::middle)
    number += 2;
  name += lane_letter(one.where);
  return name + "_0" + std::to_string(number) + "_A";
}

std::string inhibitor_name(const happening& one) {
  std::string name = one.team == 100 ? "Barracks_T1_" : "Barracks_T2_";
  name += lane_letter(one.where);
  return name + "1";
}

// Who is named when no champion did it.
std::string nobody(const happening& one, int team) {
  if (static_cast<executioner>(one.detail) == executioner::tower
    && one.kind == happening_kind::champion_killed)
    return team == 100 ? "Turret_T1_C_05_A" : "Turret_T2_C_05_A";
  auto wave = one.at_ms / 30'000;
  return "Minion_T" + std::to_string(team) + "L"
    + std::to_string(static_cast<int>(one.where)) + "S"
    + std::to_string(wave / 10) + std::to_string(wave % 10) + "N0"
    + std::to_string(100 + one.at_ms % 900);
}

class event_list {
public:
  event_list(const game& played, int participant)
    : played_{played}, own_team_{team_of(participant)} {
    add(20, "GameStart");
    add(played.aram() ? 60'032 : 65'032, "MinionsSpawning");
    for (const auto& one : played.happenings)
      take(one);
    std::ranges::stable_sort(events_, {}, &live_event::at_ms);
    // Nothing follows the end, not even an inhibitor that would come back.
    auto last = played.length_ms;
    std::erase_if(
      events_, [&](const live_event& one) { return one.at_ms > last; });
  }

  void write(json_text& json, std::int64_t time_ms) const {
    json.key("Events").open_list();
    std::string text;
    auto number = 0;
    for (const auto& one : events_) {
      if (one.at_ms > time_ms)
        break;
      text = "{\"EventID\":" + std::to_string(number++);
      text += ",\"EventName\":\"";
      text += one.name;
      text += "\",\"EventTime\":" + seconds(one.at_ms);
      text += one.rest;
      text += '}';
      json.raw(text);
    }
    json.close_list();
  }

private:
  event_writer add(std::int64_t at_ms, std::string_view name) {
    events_.push_back({at_ms, name, {}});
    return event_writer{events_.back()};
  }

  std::string killer(const happening& one, int team) const {
    return one.actor != 0 ? name_of(played_, one.actor) : nobody(one, team);
  }

  void take(const happening& one) {
    switch (one.kind) {
    case happening_kind::champion_killed:
      add(one.at_ms, "ChampionKill")
        .text("KillerName", killer(one, team_of(one.victim) == 100 ? 200 : 100))
        .text("VictimName", name_of(played_, one.victim))
        .assisters(played_, one.assists);
      break;
    case happening_kind::special_kill:
      take_special(one);
      break;
    case happening_kind::building_killed:
      take_building(one);
      break;
    case happening_kind::monster_killed:
      take_monster(one);
      break;
    case happening_kind::game_ended:
      add(one.at_ms, "GameEnd")
        .text("Result", one.team == own_team_ ? "Win" : "Lose");
      break;
    default:
      break;
    }
  }

  void take_special(const happening& one) {
    if (one.actor == 0)
      return;
    const auto& name = name_of(played_, one.actor);
    switch (static_cast<special_kind>(one.detail)) {
    case special_kind::first_blood:
      add(one.at_ms, "FirstBlood").text("Recipient", name);
      break;
    case special_kind::multi:
      add(one.at_ms, "Multikill")
        .text("KillerName", name)
        .number("KillStreak", one.streak);
      break;
    case special_kind::ace:
      add(one.at_ms, "Ace")
        .text("Acer", name)
        .text("AcingTeam", side(team_of(one.actor)));
      break;
    }
  }

  void take_building(const happening& one) {
    auto by = killer(one, one.team == 100 ? 200 : 100);
    auto kind = static_cast<building>(one.detail);
    if (kind == building::inhibitor) {
      auto name = inhibitor_name(one);
      add(one.at_ms, "InhibKilled")
        .text("InhibKilled", name)
        .text("KillerName", by)
        .assisters(played_, one.assists);
      add(one.at_ms + 285'000, "InhibRespawningSoon")
        .text("InhibRespawningSoon", name);
      add(one.at_ms + 300'000, "InhibRespawned").text("InhibRespawned", name);
      return;
    }
    auto& nexus = nexus_turrets_[one.team == 100 ? 0 : 1];
    add(one.at_ms, "TurretKilled")
      .text("TurretKilled", turret_name(one, nexus > 0))
      .text("KillerName", by)
      .assisters(played_, one.assists);
    if (kind == building::nexus)
      ++nexus;
    if (!first_brick_)
      add(one.at_ms, "FirstBrick").text("KillerName", by);
    first_brick_ = true;
  }

  void take_monster(const happening& one) {
    constexpr std::string_view kinds[]
      = {"Fire", "Earth", "Water", "Air", "Hextech", "Chemtech", "Elder"};
    auto beast = static_cast<monster>(one.detail);
    auto event = add(one.at_ms,
      beast == monster::herald    ? "HeraldKill"
        : beast == monster::baron ? "BaronKill"
        : beast == monster::horde ? "HordeKill"
                                  : "DragonKill");
    if (beast <= monster::elder)
      event.text("DragonType", kinds[static_cast<std::size_t>(beast)]);
    event.text("Stolen", "False")
      .text("KillerName", killer(one, one.team))
      .assisters(played_, one.assists);
  }

  const game& played_;
  int own_team_;
  std::vector<live_event> events_;
  std::array<int, 2> nexus_turrets_{};
  bool first_brick_ = false;
};

// --- players ----------------------------------------------------------------

void write_rune(json_text& json, const rune& one) {
  json.open()
    .member("displayName", one.name)
    .member("id", one.id)
    .member("rawDescription", "perk_tooltip_" + std::string{one.key})
    .member("rawDisplayName", "perk_displayname_" + std::string{one.key})
    .close();
}

void write_style(json_text& json, std::int32_t id) {
  const auto& style = rune_style_of(id);
  auto old = std::to_string(style.old_id);
  json.open()
    .member("displayName", style.name)
    .member("id", style.id)
    .member("rawDescription", "perkstyle_tooltip_" + old)
    .member("rawDisplayName", "perkstyle_displayname_" + old)
    .close();
}

void write_main_runes(json_text& json, const contestant& who) {
  json.key("keystone");
  write_rune(json, rune_of(who.runes[0]));
  json.key("primaryRuneTree");
  write_style(json, who.rune_style);
  json.key("secondaryRuneTree");
  write_style(json, who.rune_substyle);
}

void write_item(
  json_text& json, std::int32_t id, std::int32_t count, int slot) {
  const auto& one = item_of(id);
  auto price = one.price;
  for (auto part : one.parts)
    if (part != 0)
      price -= item_of(part).price;
  auto number = std::to_string(id);
  json.open()
    .member("canUse", one.consumable || is_trinket(id))
    .member("consumable", one.consumable)
    .member("count", count)
    .member("displayName", one.name)
    .member("itemID", id)
    .member("price", price)
    .member("rawDescription", "GeneratedTip_Item_" + number + "_Description")
    .member("rawDisplayName", "Item_" + number + "_Name")
    .member("slot", slot)
    .close();
}

void write_spell(json_text& json, std::string_view key, std::int32_t id) {
  const auto& spell = spell_of(id);
  auto raw = "GeneratedTip_SummonerSpell_" + std::string{spell.key};
  json.key(key)
    .open()
    .member("displayName", spell.name)
    .member("rawDescription", raw + "_Description")
    .member("rawDisplayName", raw + "_DisplayName")
    .close();
}

void write_names(json_text& json, const person& who) {
  json.member("riotId", riot_id(who))
    .member("riotIdGameName", who.game_name)
    .member("riotIdTagLine", who.tag_line);
}

void write_player(json_text& json, const game& played, const seen& now,
  std::int64_t time_ms, int id) {
  const auto& who = played.contestants[id - 1];
  const auto& champion = *who.plays;
  auto dead = now.back_ms > time_ms;
  auto name = std::string{champion.name};
  json.open()
    .member("championName", champion.display_name)
    .member("isBot", false)
    .member("isDead", dead);
  json.key("items").open_list();
  auto slot = 0;
  for (const auto& held : now.items)
    write_item(json, held.item, held.count, slot++);
  if (now.trinket != 0)
    write_item(json, now.trinket, 1, 6);
  json.close_list();
  json.member("level", now.level)
    .member("position",
      played.aram() ? std::string_view{"NONE"} : to_string(who.where))
    .member("rawChampionName", "game_character_displayname_" + name);
  if (who.skin != 0)
    json.member("rawSkinName",
      "game_character_skin_displayname_" + name + "_"
        + std::to_string(who.skin));
  json.key("respawnTimer").raw(seconds(dead ? now.back_ms - time_ms : 0));
  write_names(json, who.who);
  json.key("runes").open();
  write_main_runes(json, who);
  json.close();
  json.key("scores")
    .open()
    .member("assists", now.assists)
    .member("creepScore", now.minions)
    .member("deaths", now.deaths)
    .member("kills", now.kills)
    .member("wardScore", static_cast<double>(now.vision_tenths) / 10)
    .close();
  json.member("skinID", who.skin);
  if (who.skin != 0)
    json.member("skinName",
      std::string{champion.display_name} + " No. " + std::to_string(who.skin));
  json.member("summonerName", who.who.game_name);
  json.key("summonerSpells").open();
  write_spell(json, "summonerSpellOne", who.spells[0]);
  write_spell(json, "summonerSpellTwo", who.spells[1]);
  json.close();
  json.member("team", side(team_of(id))).close();
}

void write_players(json_text& json, const game& played,
  const std::array<seen, 10>& all, std::int64_t time_ms) {
  json.open_list();
  for (auto id = 1; id <= 10; ++id)
    write_player(json, played, all[id - 1], time_ms, id);
  json.close_list();
}

void write_abilities(json_text& json, const champion& plays, const seen& now) {
  constexpr std::string_view keys[] = {"Q", "W", "E", "R"};
  json.key("abilities").open();
  auto tip = [](const std::string& id) { return "GeneratedTip_Spell_" + id; };
  for (auto i = 0; i < 4; ++i) {
    auto id = std::string{plays.name} + std::string{keys[i]};
    json.key(keys[i])
      .open()
      .member("abilityLevel", now.abilities[i])
      .member("displayName",
        std::string{plays.display_name} + " " + std::string{keys[i]})
      .member("id", id)
      .member("rawDescription", tip(id) + "_Description")
      .member("rawDisplayName", tip(id) + "_DisplayName")
      .close();
  }
  auto id = std::string{plays.name} + "P";
  json.key("Passive")
    .open()
    .member("displayName", std::string{plays.display_name} + " Passive")
    .member("id", id)
    .member("rawDescription", tip(id) + "_Description")
    .member("rawDisplayName", tip(id) + "_DisplayName")
    .close();
  json.close();
}

void write_champion_stats(
  json_text& json, const champion& plays, const seen& now, bool dead) {
  auto grown = now.level - 1;
  auto health = 600.0 + 100.0 * grown;
  json.key("championStats").open();
  for (auto name :
    {"abilityHaste", "abilityPower", "armorPenetrationFlat", "critChance",
      "healShieldPower", "lifeSteal", "magicLethality", "magicPenetrationFlat",
      "omnivamp", "physicalLethality", "physicalVamp", "spellVamp", "tenacity"})
    json.member(name, 0.0);
  for (auto name : {"armorPenetrationPercent", "bonusArmorPenetrationPercent",
         "bonusMagicPenetrationPercent", "magicPenetrationPercent"})
    json.member(name, 1.0);
  json.member("armor", 30.0 + 4.5 * grown)
    .member("attackDamage", 60.0 + 3.0 * grown)
    .member(
      "attackRange", plays.kind == champion_class::marksman ? 550.0 : 175.0)
    .member("attackSpeed", 0.625 + 0.015625 * grown)
    .member("critDamage", 175.0)
    .member("currentHealth", dead ? 0.0 : health)
    .member("healthRegenRate", 1.5 + 0.125 * grown)
    .member("magicResist", 30.0 + 1.25 * grown)
    .member("maxHealth", health)
    .member("moveSpeed", 340.0)
    .member("resourceMax", 350.0 + 40.0 * grown)
    .member("resourceRegenRate", 2.0)
    .member("resourceType", plays.resource)
    .member("resourceValue", 350.0 + 40.0 * grown);
  json.close();
}

void write_active_player(json_text& json, const game& played, const seen& now,
  std::int64_t time_ms, int participant) {
  const auto& who = played.contestants[participant - 1];
  json.key("activePlayer").open();
  write_abilities(json, *who.plays, now);
  write_champion_stats(json, *who.plays, now, now.back_ms > time_ms);
  json.member("currentGold", static_cast<double>(now.gold));
  json.key("fullRunes").open();
  json.key("generalRunes").open_list();
  for (auto id : who.runes)
    write_rune(json, rune_of(id));
  json.close_list();
  write_main_runes(json, who);
  json.key("statRunes").open_list();
  for (auto id : {5005, 5008, 5011})
    json.open()
      .member("id", id)
      .member("rawDescription", "perk_tooltip_StatMod" + std::to_string(id))
      .close();
  json.close_list().close();
  json.member("level", now.level);
  write_names(json, who.who);
  json.member("summonerName", riot_id(who.who)).close();
}

// The map turns when the second dragon has fallen.
std::string_view terrain(const game& played, std::int64_t time_ms) {
  constexpr std::string_view names[]
    = {"Infernal", "Mountain", "Ocean", "Cloud", "Hextech", "Chemtech"};
  for (const auto& one : played.happenings) {
    if (one.at_ms > time_ms)
      break;
    if (one.kind == happening_kind::soul_given)
      return names[one.detail];
  }
  return "Default";
}

void write_game_stats(
  json_text& json, const game& played, std::int64_t time_ms) {
  json.open().member("gameMode", played.aram() ? "ARAM" : "CLASSIC");
  json.key("gameTime").raw(seconds(std::min(time_ms, played.length_ms)));
  json.member("mapName", "Map" + std::to_string(played.map_id))
    .member("mapNumber", played.map_id)
    .member("mapTerrain", terrain(played, time_ms))
    .close();
}

} // namespace

bytes all_game_data(const game& played, std::int64_t time_ms, int participant) {
  bytes out;
  out.reserve(64'000);
  json_text json{out};
  time_ms = std::clamp<std::int64_t>(time_ms, 0, played.length_ms);
  auto all = look(played, time_ms);
  json.open();
  write_active_player(json, played, all[participant - 1], time_ms, participant);
  json.key("allPlayers");
  write_players(json, played, all, time_ms);
  json.key("events").open();
  event_list{played, participant}.write(json, time_ms);
  json.close();
  json.key("gameData");
  write_game_stats(json, played, time_ms);
  json.close();
  return out;
}

bytes event_data(const game& played, std::int64_t time_ms, int participant) {
  bytes out;
  json_text json{out};
  json.open();
  event_list{played, participant}.write(json, time_ms);
  json.close();
  return out;
}

bytes game_stats(const game& played, std::int64_t time_ms) {
  bytes out;
  json_text json{out};
  write_game_stats(json, played, std::max<std::int64_t>(0, time_ms));
  return out;
}

bytes player_list(const game& played, std::int64_t time_ms) {
  bytes out;
  json_text json{out};
  time_ms = std::clamp<std::int64_t>(time_ms, 0, played.length_ms);
  write_players(json, played, look(played, time_ms), time_ms);
  return out;
}

bytes current_game(const game& played, std::int64_t time_ms) {
  bytes out;
  json_text json{out};
  json.open().key("bannedChampions").open_list();
  if (!played.aram())
    for (auto i = 0; i < 10; ++i)
      json.open()
        .member("championId", played.teams[i / 5].bans[i % 5])
        .member("pickTurn", i + 1)
        .member("teamId", i < 5 ? 100 : 200)
        .close();
  json.close_list();
  json.member("gameId", played.game_id)
    .member("gameLength", time_ms / 1000)
    .member("gameMode", played.aram() ? "ARAM" : "CLASSIC")
    .member("gameQueueConfigId", played.queue_id)
    .member("gameStartTime", played.start_ms)
    .member("gameType", "MATCHED")
    .member("mapId", played.map_id);
  json.key("observers")
    .open()
    .member("encryptionKey", played.contestants[0].who.puuid.substr(0, 32))
    .close();
  json.key("participants").open_list();
  for (auto id = 1; id <= 10; ++id) {
    const auto& who = played.contestants[id - 1];
    json.open().member("bot", false).member("championId", who.plays->id);
    json.key("gameCustomizationObjects").open_list().close_list();
    json.key("perks").open().key("perkIds").open_list();
    for (auto rune : who.runes)
      json.value(rune);
    for (auto rune : {5005, 5008, 5011})
      json.value(rune);
    json.close_list()
      .member("perkStyle", who.rune_style)
      .member("perkSubStyle", who.rune_substyle)
      .close();
    json.member("profileIconId", who.who.profile_icon)
      .member("puuid", who.who.puuid)
      .member("riotId", riot_id(who.who))
      .member("spell1Id", who.spells[0])
      .member("spell2Id", who.spells[1])
      .member("teamId", team_of(id))
      .close();
  }
  json.close_list().member("platformId", played.platform).close();
  return out;
}

} // namespace herald::simulate
