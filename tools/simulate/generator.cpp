#include "tools/simulate/generator.hpp"

#include "tools/simulate/random.hpp"
#include "tools/simulate/referee.hpp"
#include "tools/simulate/tables.hpp"

#include <cassert>
#include <utility>

namespace herald::simulate {

std::string game::match_id() const {
  return platform + "_" + std::to_string(game_id);
}

namespace {

// What derived seeds are for, so that no two draw the same numbers.
enum purpose : std::uint64_t {
  for_people = 1,
  for_setup,
  for_play,
  for_texture,
  for_ids,
  for_shape,
};

std::string random_text(random_source& random, std::size_t length) {
  constexpr std::string_view alphabet
    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text(length, ' ');
  for (auto& one : text)
    one = alphabet[static_cast<std::size_t>(random.below(64))];
  return text;
}

std::string random_name(
  random_source& random, std::uint32_t table, std::uint32_t number) {
  constexpr std::string_view begins[] = {"Ba", "Cal", "Dor", "El", "Fen", "Gri",
    "Ha", "Is", "Jo", "Kel", "Lu", "Mir", "Na", "Or", "Pel", "Quin", "Ras",
    "Sel", "Tor", "Ul", "Ver", "Wil", "Xan", "Yor", "Zel"};
  constexpr std::string_view middles[] = {"da", "ri", "lo", "na", "mi", "vo",
    "sha", "the", "ru", "ko", "be", "li", "za", "ne", "fi", "ga"};
  constexpr std::string_view ends[] = {"n", "ra", "th", "lin", "dor", "x",
    "ska", "ven", "mo", "s", "rix", "l", "qua", "nd", "ris", "wyn"};
  auto pick = [&](auto& from) {
    return from[static_cast<std::size_t>(
      random.below(static_cast<std::int64_t>(std::size(from))))];
  };
  // Begins are no prefixes of each other, so the names of a table differ.
  std::string name{begins[(number + table * 7) % std::size(begins)]};
  for (auto i = random.between(1, 2); i > 0; --i)
    name += pick(middles);
  name += pick(ends);
  if (number >= std::size(begins))
    name += std::to_string(number / std::size(begins));
  return name;
}

void set_up_spells(contestant& who, bool aram, random_source& random) {
  auto second = aram             ? 32
    : who.where == role::jungle  ? 11
    : who.where == role::top     ? 12
    : who.where == role::bottom  ? (random.chance(500'000) ? 7 : 21)
    : who.where == role::utility ? (random.chance(500'000) ? 14 : 3)
                                 : (random.chance(500'000) ? 14 : 12);
  who.spells = {4, second};
  if (random.chance(450'000))
    std::swap(who.spells[0], who.spells[1]);
}

void set_up_runes(contestant& who, random_source& random) {
  constexpr int by_class[] = {4, 0, 2, 0, 1, 2};
  auto styles = rune_styles();
  auto main = by_class[static_cast<std::size_t>(who.plays->kind)];
  auto other = (main + random.between(1, 4)) % 5;
  auto pick = [&](const rune_style& from, int row) {
    return from.rows[static_cast<std::size_t>(row * 2 + random.below(2))].id;
  };
  who.rune_style = styles[main].id;
  who.rune_substyle = styles[other].id;
  who.runes
    = {styles[main].keystones[static_cast<std::size_t>(random.below(3))].id,
      pick(styles[main], 0), pick(styles[main], 1), pick(styles[main], 2),
      pick(styles[other], 0), pick(styles[other], 2)};
}

void set_up_contestants(game& made, std::uint64_t seed,
  const game_options& options, random_source& random) {
  auto table = made.index % options.tables;
  // Seat 0 to 9 in shuffled order; the first person always has one.
  std::vector<std::uint32_t> people(options.people_per_table);
  for (std::uint32_t i = 0; i < people.size(); ++i)
    people[i] = i;
  for (std::uint32_t i = 1; i < 10; ++i)
    std::swap(people[i],
      people[i + static_cast<std::uint32_t>(random.below(people.size() - i))]);
  for (std::uint32_t i = 9; i > 0; --i)
    std::swap(
      people[i], people[static_cast<std::uint32_t>(random.below(i + 1))]);
  std::uint8_t used[128]{};
  auto all = champions();
  assert(all.size() <= std::size(used));
  for (auto seat = 0; seat < 10; ++seat) {
    auto& who = made.contestants[seat];
    who.who = make_person(seed, table, people[seat]);
    who.where = static_cast<role>(seat % 5);
    auto fits = [&](std::size_t i) {
      return used[i] == 0
        && (made.aram() || (all[i].roles >> (seat % 5) & 1) != 0);
    };
    auto at = static_cast<std::size_t>(
      random.below(static_cast<std::int64_t>(all.size())));
    while (!fits(at))
      at = static_cast<std::size_t>(
        random.below(static_cast<std::int64_t>(all.size())));
    used[at] = 1;
    who.plays = &all[at];
    who.skin = random.chance(500'000) ? random.between(1, 12) : 0;
    for (auto i = 2; i > 0; --i)
      std::swap(who.skill_order[i],
        who.skill_order[static_cast<std::size_t>(random.below(i + 1))]);
    set_up_spells(who, made.aram(), random);
    set_up_runes(who, random);
  }
  for (auto& team : made.teams)
    for (auto& ban : team.bans) {
      ban = -1;
      if (made.aram() || random.chance(30'000))
        continue;
      auto at = static_cast<std::size_t>(
        random.below(static_cast<std::int64_t>(all.size())));
      while (used[at] == 1)
        at = static_cast<std::size_t>(
          random.below(static_cast<std::int64_t>(all.size())));
      ban = all[at].id;
    }
}

} // namespace

person make_person(
  std::uint64_t seed, std::uint32_t table, std::uint32_t number) {
  random_source random{
    mix(mix(seed, for_people), std::uint64_t{table} << 32 | number)};
  person made;
  made.puuid = random_text(random, 78);
  made.summoner_id = random_text(random, 47);
  made.game_name = random_name(random, table, number);
  made.tag_line = random.chance(400'000)
    ? "EUW"
    : std::to_string(random.between(1'000, 99'999));
  made.summoner_level = random.between(30, 900);
  made.profile_icon = random.between(1, 28);
  if (random.chance(500'000))
    made.profile_icon += 4'600;
  return made;
}

game make_game(std::uint64_t seed, std::uint32_t index,
  const game_options& options, std::optional<std::int64_t> start_ms) {
  assert(options.tables >= 1 && options.people_per_table >= 10);
  auto own = mix(seed, index);
  random_source random{mix(own, for_setup)};
  game made;
  made.seed = seed;
  made.index = index;
  made.texture_seed = mix(own, for_texture);
  made.platform = "EUW1";
  // Ids of a seed follow each other from a place of its own, all beyond 32
  // bits as today's are.
  made.game_id = 7'000'000'000
    + static_cast<std::int64_t>(mix(seed, for_ids) % 2'000'000'000) + index;
  made.version = game_version;
  random_source shapes{mix(own, for_shape)};
  auto drawn = static_cast<std::uint32_t>(shapes.below(100));
  if (drawn < options.remake_percent)
    made.shape = game_shape::remake;
  else if (drawn < options.remake_percent + options.aborted_percent)
    made.shape = game_shape::aborted;
  auto queue = shapes.below(100);
  if (made.shape == game_shape::finished
    && shapes.below(100) < static_cast<std::int32_t>(options.aram_percent)) {
    made.map_id = 12;
    made.queue_id = 450;
  } else {
    made.queue_id = queue < 65 ? 420 : queue < 85 ? 440 : 400;
  }
  constexpr std::int64_t slot_ms = 3'600'000;
  auto base = start_ms.value_or(options.first_start_ms
    + std::int64_t{index / options.tables} * slot_ms
    + random.between(0, 240'000));
  made.start_ms = base;
  made.creation_ms = made.start_ms - random.between(18'000, 60'000);
  auto late_ms = random.between(20, 400);
  set_up_contestants(made, seed, options, random);
  if (made.shape == game_shape::aborted) {
    made.end_ms = made.start_ms + random.between(60'000, 240'000);
    return made;
  }
  made.happenings.reserve(2'048);
  made.frames.reserve(48);
  play(made, mix(own, for_play));
  made.end_ms = made.start_ms + made.length_ms + late_ms;
  return made;
}

} // namespace herald::simulate
