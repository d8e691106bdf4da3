#include "tools/simulate/referee.hpp"

#include "tools/simulate/random.hpp"
#include "tools/simulate/tables.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace herald::simulate {

namespace {

constexpr std::int64_t minute_ms = 60'000;

// The longest game; past it the side that leads simply wins.
constexpr std::int32_t last_second = 3'300;

// After how many seconds a champion of each level comes back.
constexpr std::int32_t respawn_ms[]
  = {10'000, 10'000, 12'000, 12'000, 14'000, 16'000, 20'000, 25'000, 28'000,
    32'500, 35'000, 37'500, 40'000, 42'500, 45'000, 47'500, 50'000, 52'500};

// The order in which abilities are learnt: places in contestant::skill_order,
// 3 is the great one.
constexpr std::uint8_t learning[]
  = {0, 1, 2, 0, 0, 3, 0, 1, 0, 1, 3, 1, 1, 2, 2, 3, 2, 2};

// Minions and monsters per minute, in thousandths, by role.
constexpr std::int32_t minions_per_minute[] = {7'600, 700, 7'900, 8'100, 1'000};
constexpr std::int32_t monsters_per_minute[] = {150, 6'600, 250, 250, 0};

// Experience per second at the beginning, in thousandths, by role.
constexpr std::int32_t xp_per_second[] = {7'400, 6'400, 7'400, 6'200, 4'700};

constexpr place lane_middle[] = {{2100, 12700}, {7400, 7500}, {12700, 2200}};
constexpr place pit_of_dragon = {9866, 4414};
constexpr place pit_of_baron = {5007, 10471};

// One of the ten while the game is played.
struct hero {
  int id = 0;
  std::int16_t team = 100;
  role where{};
  const champion* plays = nullptr;
  std::int32_t skill = 0;
  std::int64_t gold_thousandths = 0;
  std::int64_t xp_thousandths = 0;
  std::int32_t level = 1;
  std::int32_t learnt = 0;
  std::int64_t last_level_ms = -1;
  std::int32_t minions = 0;
  std::int32_t jungle_minions = 0;
  std::int32_t purse = 0; // what is not spent, without total gold's thousandths
  std::int64_t dead_until_ms = -1;
  std::int64_t alive_since_ms = 0;
  std::int32_t streak = 0;
  std::int32_t deaths_in_a_row = 0;
  std::int64_t last_kill_ms = -100'000;
  std::int32_t multi = 0;
  std::int64_t next_visit_ms = 0;
  std::int64_t next_ward_ms = 0;
  std::int64_t next_sweep_ms = 0;
  std::int32_t build_at = 0;
  std::uint32_t variant = 0;
  std::array<std::int32_t, 6> slots{};
  std::array<std::int32_t, 6> counts{};
  std::int32_t trinket = 0;
  // Damage since the last frame, not yet divided by kind.
  std::int32_t champion_damage = 0;
  std::int32_t other_damage = 0;
  std::int32_t taken_damage = 0;
  damage done, to_champions, taken;
  std::int32_t controlled_ms = 0;
  std::int32_t vision_tenths = 0;

  std::int32_t total_gold() const {
    return static_cast<std::int32_t>(gold_thousandths / 1000);
  }
  bool alive(std::int64_t now) const { return now >= dead_until_ms; }
};

// Something that somebody has begun and that ends later.
struct plan {
  std::int64_t at_ms = 0;
  enum class what : std::uint8_t {
    kill,
    learn,
    potion,
    push,
    take_monster,
    end,
  } kind{};
  std::uint8_t actor = 0;
  std::uint8_t victim = 0;
  std::uint16_t others = 0;
  lane where{};
  std::int16_t team = 0;
  monster beast{};
};

// A team's buildings.
struct base {
  std::array<std::int32_t, 3> fallen{}; // turrets down, by lane
  std::array<std::int32_t, 3> plates{5, 5, 5};
  std::array<std::int64_t, 3> inhibitor_back_ms{-1, -1, -1};
  std::int32_t nexus_turrets = 2;
};

int index_of(std::int16_t team) {
  return team == 100 ? 0 : 1;
}
std::int16_t enemy_of(std::int16_t team) {
  return team == 100 ? 200 : 100;
}

// Plays one game second by second. The rules are rough, but the books are
// exact: whatever changes a number is written down as a happening in the
// same second.
class referee {
public:
  referee(game& played, std::uint64_t seed) : game_{played}, random_{seed} {
    // How much better blue plays today.
    auto form = random_.between(-6, 6);
    for (auto i = 0; i < 10; ++i) {
      auto& one = heroes_[i];
      const auto& who = played.contestants[i];
      one.id = i + 1;
      one.team = team_of(one.id);
      one.where = who.where;
      one.plays = who.plays;
      one.skill = random_.between(-9, 9) + (i < 5 ? form : -form);
      one.variant = static_cast<std::uint32_t>(random_.below(2));
      one.gold_thousandths = aram() ? 1'400'000 : 500'000;
      one.purse = aram() ? 1'400 : 500;
      one.xp_thousandths = aram() ? 660'000 : 0;
      one.next_visit_ms = random_.between(3'000, aram() ? 20'000 : 26'000);
      one.next_ward_ms = random_.between(75'000, 170'000);
      one.next_sweep_ms = random_.between(240'000, 500'000);
      one.trinket = aram() ? 0 : 3340;
    }
    first_dragon_ = random_.below(6);
    absent_ = random_.between(1, 10);
    next_dragon_s_ = 300;
    next_horde_s_ = 480;
    next_herald_s_ = 900;
    next_baron_s_ = 1200;
  }

  void play() {
    emit_frame(0);
    auto early_end = game_.shape == game_shape::remake
      ? random_.between(185, 230)
      : last_second;
    for (std::int32_t second = 0; !over_; ++second) {
      if (second > 0 && second % 60 == 0) {
        drift_ += random_.between(0, 29);
        emit_frame(second / 60 * minute_ms + drift_);
      }
      second_ms_ = second * 1000 + drift_;
      happenings_before_ = game_.happenings.size();
      if (second > 0 && second % 60 == 0)
        each_minute(second);
      tick(second);
      if (second >= early_end && !over_) {
        winner_ = game_.shape == game_shape::remake ? enemy_of(team_of(absent_))
                                                    : leader();
        finish(second_ms_ + 999);
      }
      settle();
    }
    close();
  }

private:
  bool aram() const { return game_.aram(); }
  bool remake() const { return game_.shape == game_shape::remake; }
  hero& at(int id) { return heroes_[id - 1]; }
  summary& books(int id) { return game_.summaries[id - 1]; }
  team_summary& books_of(std::int16_t team) {
    return game_.teams[index_of(team)];
  }

  // A moment in this second.
  std::int64_t moment() { return second_ms_ + random_.between(1, 900); }

  happening& record(std::int64_t at_ms, happening_kind kind, int actor) {
    auto& one = game_.happenings.emplace_back();
    one.at_ms = at_ms;
    one.kind = kind;
    one.actor = static_cast<std::uint8_t>(actor);
    return one;
  }

  void later(plan what) { plans_.push_back(what); }

  std::int64_t gold_of(std::int16_t team) const {
    std::int64_t sum = 0;
    for (const auto& one : heroes_)
      if (one.team == team)
        sum += one.gold_thousandths;
    return sum / 1000;
  }

  std::int16_t leader() const {
    return gold_of(100) >= gold_of(200) ? 100 : 200;
  }

  void earn(hero& who, std::int64_t thousandths) {
    auto before = who.total_gold();
    who.gold_thousandths += thousandths;
    who.purse += who.total_gold() - before;
  }

  void earn_team(std::int16_t team, std::int32_t gold) {
    for (auto& one : heroes_)
      if (one.team == team)
        earn(one, gold * 1000);
  }

  void learn_experience(hero& who, std::int64_t thousandths) {
    who.xp_thousandths += thousandths;
    while (who.level < 18
      && who.xp_thousandths / 1000 >= xp_of_level(who.level + 1)) {
      ++who.level;
      // One level after the other, even in the same second.
      auto when = std::max(moment(), who.last_level_ms + 1);
      who.last_level_ms = when;
      record(when, happening_kind::level_up, who.id).detail
        = static_cast<std::uint8_t>(who.level);
      later({when + random_.between(700, 3'500), plan::what::learn,
        static_cast<std::uint8_t>(who.id)});
    }
  }

  void tick(std::int32_t second) {
    if (second == 5)
      for (auto& one : heroes_) {
        later({second_ms_ + random_.between(8'000, 80'000), plan::what::learn,
          static_cast<std::uint8_t>(one.id)});
        learn_experience(one, 0);
      }

    for (auto& one : heroes_)
      live(one, second);
    if (!remake()) {
      fights(second);
      if (!aram())
        objectives(second);
      sieges(second);
    }
    run_plans();
  }

  // A second of somebody's life: income, experience, shop, wards.
  void live(hero& who, std::int32_t second) {
    auto role_number = static_cast<std::size_t>(who.where);
    if (second >= 65) {
      earn(who, 2'040);
      if (!aram() && who.where == role::utility)
        earn(who, 1'050);
    }
    auto now = second_ms_;
    if (!who.alive(now)) {
      if (who.next_visit_ms <= now)
        visit_shop(who);
      return;
    }
    if (second >= 95 && !(remake() && who.id == absent_)) {
      auto late = std::min(second, 2'400);
      auto minions = aram() ? 2'700 : minions_per_minute[role_number];
      if (!aram() && second > 900 && who.where != role::jungle)
        minions -= minions / 6;
      minions += minions * who.skill / 100;
      if (random_.chance(std::int64_t{minions} * 1'000 / 60)) {
        ++who.minions;
        earn(who, (random_.between(17, 24) + late / 240) * 1'000);
        who.other_damage += random_.between(420, 640) + who.level * 22;
      }
      auto monsters = aram() ? 0 : monsters_per_minute[role_number];
      monsters += monsters * who.skill / 100;
      if (random_.chance(std::int64_t{monsters} * 1'000 / 60)) {
        ++who.jungle_minions;
        earn(who, (random_.between(26, 38) + late / 300) * 1'000);
        who.other_damage += random_.between(900, 1'400) + who.level * 30;
        who.taken_damage += random_.between(30, 90);
        if (random_.chance(25'000))
          ++books(who.id).enemy_jungle_minions;
      }
      auto xp = aram() ? 9'400 : xp_per_second[role_number];
      xp += xp * who.skill / 120;
      learn_experience(who, xp + std::int64_t{xp} * late / 4'200);
      if (random_.chance(9'000)) {
        auto poke = random_.between(40, 130) + who.level * 9;
        who.champion_damage += poke;
        opponent(who).taken_damage += poke;
      }
    }
    if (who.next_visit_ms <= now)
      visit_shop(who);
    if (!aram() && !remake()) {
      if (who.next_ward_ms <= now)
        place_ward(who);
      if (who.next_sweep_ms <= now)
        sweep(who);
    }
    if (random_.chance(24'000))
      cast(who);
  }

  hero& opponent(const hero& who) {
    return at(who.id <= 5 ? who.id + 5 : who.id - 5);
  }

  void cast(hero& who) {
    auto& mine = books(who.id);
    ++mine.casts[0];
    mine.casts[1] += random_.below(2);
    mine.casts[2] += random_.below(2);
    if (who.level >= 6 && random_.chance(120'000))
      ++mine.casts[3];
    who.controlled_ms += random_.between(0, 900);
  }

  // --- the shop -----------------------------------------------------------

  int slot_of(const hero& who, std::int32_t id) const {
    for (auto i = 0; i < 6; ++i)
      if (who.slots[i] == id)
        return i;
    return -1;
  }

  bool put(hero& who, std::int32_t id) {
    auto slot = item_of(id).consumable ? slot_of(who, id) : -1;
    if (slot < 0)
      slot = slot_of(who, 0);
    if (slot < 0)
      return false;
    who.slots[slot] = id;
    ++who.counts[slot];
    return true;
  }

  bool take(hero& who, std::int32_t id) {
    auto slot = slot_of(who, id);
    if (slot < 0)
      return false;
    if (--who.counts[slot] == 0)
      who.slots[slot] = 0;
    return true;
  }

  void pay(hero& who, std::int32_t id, std::int32_t gold, std::int64_t when) {
    auto& one = record(when, happening_kind::item_purchased, who.id);
    one.item = id;
    one.gold = gold;
    who.purse -= gold;
    auto& mine = books(who.id);
    mine.gold_spent += gold;
    ++mine.items_purchased;
    if (item_of(id).consumable)
      ++mine.consumables_purchased;
    if (id == 2055)
      ++mine.control_wards_bought;
  }

  // Buys an item whose parts are at hand for the rest of its price.
  bool buy(hero& who, std::int32_t id, std::int64_t& when) {
    const auto& wanted = item_of(id);
    auto held = who.slots;
    std::array<std::int32_t, 3> used{};
    auto price = wanted.price;
    for (auto i = 0; i < 3 && wanted.parts[i] != 0; ++i) {
      auto part = std::ranges::find(held, wanted.parts[i]);
      if (part == held.end())
        continue;
      *part = -1;
      used[i] = wanted.parts[i];
      price -= item_of(wanted.parts[i]).price;
    }
    if (price > who.purse)
      return false;
    auto replaces = std::ranges::any_of(used, [](auto x) { return x != 0; });
    auto stacks = wanted.consumable && slot_of(who, id) >= 0;
    if (!replaces && !stacks && slot_of(who, 0) < 0)
      return false;
    when += random_.between(150, 900);
    pay(who, id, price, when);
    for (auto part : used)
      if (part != 0) {
        take(who, part);
        record(when, happening_kind::item_destroyed, who.id).item = part;
      }
    put(who, id);
    return true;
  }

  void visit_shop(hero& who) {
    auto when = second_ms_ + random_.below(80);
    auto& mine = books(who.id);
    who.next_visit_ms = second_ms_ + random_.between(150'000, 290'000);
    // What is bought now is not used up before the next second.
    who.next_ward_ms = std::max(who.next_ward_ms, second_ms_ + 1'000);
    if (second_ms_ < minute_ms && mine.items_purchased == 0) {
      if (!aram())
        record(when, happening_kind::item_purchased, who.id).item = who.trinket;
      buy(who, aram() ? 1001 : starting_item(who.plays->kind, who.where), when);
      while (!aram() && who.purse >= 50 && buy(who, 2003, when))
        later({second_ms_ + random_.between(130'000, 420'000),
          plan::what::potion, static_cast<std::uint8_t>(who.id)});
      if (!aram())
        return;
    }
    auto build = build_of(who.plays->kind, who.variant);
    for (auto bought = true; bought && who.build_at < 6;) {
      bought = false;
      // Boots are begun early and finished after the first great item.
      auto target = build[who.build_at == 0 ? 1
          : who.build_at == 1               ? 0
                                            : who.build_at];
      if (who.build_at == 0 && slot_of(who, 1001) < 0)
        if (buy(who, 1001, when))
          continue;
      make_room(who, when);
      if (buy(who, target, when)) {
        ++who.build_at;
        bought = true;
        continue;
      }
      bought = buy_part(who, target, when);
    }
    if (!aram() && second_ms_ > 3 * minute_ms && who.purse >= 75
      && slot_of(who, 2055) < 0
      && random_.chance(who.where == role::utility ? 800'000 : 300'000))
      buy(who, 2055, when);
    if (!aram() && second_ms_ > 10 * minute_ms && who.trinket == 3340
      && who.where != role::top && random_.chance(350'000)) {
      auto better = who.where == role::bottom ? 3363 : 3364;
      when += random_.between(100, 700);
      record(when, happening_kind::item_destroyed, who.id).item = who.trinket;
      record(when, happening_kind::item_purchased, who.id).item = better;
      who.trinket = better;
    }
  }

  // The first missing part, or part of a part, that there is gold for.
  bool buy_part(hero& who, std::int32_t id, std::int64_t& when) {
    auto held = who.slots;
    for (auto part : item_of(id).parts) {
      if (part == 0)
        break;
      auto found = std::ranges::find(held, part);
      if (found != held.end()) {
        *found = -1;
        continue;
      }
      auto doubted = random_.chance(30'000);
      if (buy(who, part, when)) {
        if (doubted && item_of(part).parts[0] == 0)
          undo(who, part, when);
        return true;
      }
      if (buy_part(who, part, when))
        return true;
    }
    return false;
  }

  // Somebody changes his mind, then buys it all the same.
  void undo(hero& who, std::int32_t id, std::int64_t& when) {
    auto price = item_of(id).price;
    when += random_.between(400, 1'500);
    auto& one = record(when, happening_kind::item_undone, who.id);
    one.item = id;
    one.gold = price;
    who.purse += price;
    auto& mine = books(who.id);
    mine.gold_spent -= price;
    --mine.items_purchased;
    take(who, id);
    buy(who, id, when);
  }

  void make_room(hero& who, std::int64_t& when) {
    if (slot_of(who, 0) >= 0)
      return;
    auto first = starting_item(who.plays->kind, who.where);
    if (first == 3865 || !take(who, first))
      return;
    when += random_.between(200, 800);
    auto& one = record(when, happening_kind::item_sold, who.id);
    one.item = first;
    one.gold = item_of(first).price * 2 / 5;
    who.purse += one.gold;
  }

  // --- wards ----------------------------------------------------------------

  void place_ward(hero& who) {
    auto& mine = books(who.id);
    auto when = moment();
    auto supporting = who.where == role::utility;
    auto kind = who.trinket == 3363 ? ward_kind::blue_trinket
      : supporting && second_ms_ > 6 * minute_ms && random_.chance(700'000)
      ? ward_kind::sight
      : ward_kind::yellow_trinket;
    if (take(who, 2055)) {
      kind = ward_kind::control;
      record(when, happening_kind::item_destroyed, who.id).item = 2055;
      ++mine.control_wards_placed;
    } else if (who.trinket == 3364 && !supporting) {
      who.next_ward_ms = second_ms_ + 90'000;
      return;
    }
    record(when, happening_kind::ward_placed, who.id).detail
      = static_cast<std::uint8_t>(kind);
    ++mine.wards_placed;
    who.vision_tenths += random_.between(6, 14);
    if (random_.chance(450'000))
      record(
        when, happening_kind::ward_placed, random_.chance(80'000) ? 0 : who.id)
        .detail
        = static_cast<std::uint8_t>(ward_kind::undefined);
    who.next_ward_ms = second_ms_
      + (supporting ? random_.between(20'000, 75'000)
                    : random_.between(80'000, 190'000));
  }

  void sweep(hero& who) {
    auto supporting = who.where == role::utility;
    who.next_sweep_ms
      = second_ms_ + random_.between(supporting ? 60'000 : 150'000, 480'000);
    if (random_.chance(400'000))
      return;
    record(moment(), happening_kind::ward_killed, who.id).detail
      = static_cast<std::uint8_t>(random_.chance(350'000)
          ? ward_kind::control
          : ward_kind::yellow_trinket);
    ++books(who.id).wards_killed;
    who.vision_tenths += random_.between(8, 16);
    earn(who, 30'000);
  }

  // --- fights ---------------------------------------------------------------

  void fights(std::int32_t second) {
    if (second < 110)
      return;
    if (aram()) {
      if (random_.chance(21'000 + second * 4))
        fight(lane::middle, 5, true);
      return;
    }
    if (second < 840) {
      if (random_.chance(18'000))
        fight(static_cast<lane>(random_.below(3)), 2, false);
    } else if (second < 1'500) {
      if (random_.chance(10'000))
        fight(static_cast<lane>(random_.below(3)), 3, false);
      if (random_.chance(3'800))
        fight(lane::middle, 5, true);
    } else {
      if (random_.chance(7'000))
        fight(static_cast<lane>(random_.below(3)), 3, false);
      if (random_.chance(6'500))
        fight(static_cast<lane>(random_.below(3)), 5, true);
    }
    if (random_.chance(80))
      execution();
  }

  std::int64_t power(const std::vector<int>& side) {
    std::int64_t sum = 0;
    for (auto id : side) {
      auto& who = at(id);
      sum += who.level * 90 + who.total_gold() / 18 + who.skill * 12 + 300;
    }
    return sum;
  }

  void gather(
    std::vector<int>& side, std::int16_t team, lane where, int most, bool all) {
    side.clear();
    for (auto& one : heroes_) {
      if (one.team != team || !one.alive(second_ms_)
        || busy_until_ms_[one.id - 1] > second_ms_
        || static_cast<int>(side.size()) == most)
        continue;
      auto here = all               ? random_.chance(880'000)
        : one.where == role::jungle ? random_.chance(420'000)
        : one.where == role::top    ? where == lane::top
        : one.where == role::middle
        ? where == lane::middle || random_.chance(90'000)
        : where == lane::bottom;
      if (here)
        side.push_back(one.id);
    }
  }

  void fight(lane where, int most, bool all) {
    gather(sides_[0], 100, where, most, all);
    gather(sides_[1], 200, where, most, all);
    if (sides_[0].empty() || sides_[1].empty())
      return;
    auto blue = power(sides_[0]);
    auto red = power(sides_[1]);
    blue = blue * blue / 1'000;
    red = red * red / 1'000;
    auto odds = blue * blue / 1'000 * 1'000'000
      / (blue * blue / 1'000 + red * red / 1'000 + 1);
    auto won = random_.chance(odds) ? 0 : 1;
    auto& winners = sides_[won];
    auto& losers = sides_[1 - won];
    auto lost = static_cast<int>(losers.size());
    auto kills = all ? random_.between(std::min(2, lost), lost)
                     : 1 + (lost > 1 && random_.chance(280'000) ? 1 : 0);
    auto returned = random_.chance(all ? 600'000 : 240'000)
      ? random_.between(1, std::max<int>(1, winners.size() / 2))
      : 0;
    if (winners.size() == 1)
      returned = random_.chance(120'000) ? 1 : 0;
    auto when = second_ms_ + 1'000 + random_.between(200, 2'500);
    auto dead_losers = 0;
    auto dead_winners = 0;
    shuffle(winners);
    shuffle(losers);
    while (dead_losers < kills || dead_winners < returned) {
      auto winner_kills = dead_winners >= returned
        || (dead_losers < kills && random_.chance(650'000));
      auto& killers = winner_kills ? winners : losers;
      auto& victims = winner_kills ? losers : winners;
      auto& first = winner_kills ? dead_winners : dead_losers;
      auto& next = winner_kills ? dead_losers : dead_winners;
      if (first >= static_cast<int>(killers.size()))
        break;
      auto victim = victims[next++];
      plan kill{when, plan::what::kill};
      kill.actor = static_cast<std::uint8_t>(pick_killer(killers, first));
      kill.victim = static_cast<std::uint8_t>(victim);
      kill.where = where;
      for (auto i = first; i < static_cast<int>(killers.size()); ++i)
        if (killers[i] != kill.actor
          && random_.chance(
            at(killers[i]).where == role::utility ? 880'000 : 720'000))
          kill.others |= static_cast<std::uint16_t>(1 << killers[i]);
      later(kill);
      when += random_.between(900, 5'500);
    }
    for (auto side : {&winners, &losers})
      for (auto id : *side) {
        busy_until_ms_[id - 1] = when + 4'000;
        auto& who = at(id);
        auto hit = random_.between(150, 420) + who.level * (all ? 75 : 45);
        who.champion_damage += hit;
        who.other_damage += random_.between(0, 300);
        opponent(who).taken_damage += hit;
        if (random_.chance(300'000))
          ++books(id).spell_casts[static_cast<std::size_t>(random_.below(2))];
        for (auto& count : books(id).casts)
          count += random_.below(3);
      }
    auto ahead
      = (winners.size() - dead_winners) > (losers.size() - dead_losers);
    if (ahead)
      follow_up(
        at(winners[0]).team, where, when, all, dead_losers - dead_winners);
  }

  void shuffle(std::vector<int>& side) {
    for (auto i = side.size(); i > 1; --i)
      std::swap(side[i - 1],
        side[static_cast<std::size_t>(random_.below(static_cast<int>(i)))]);
  }

  // Carries kill more often than those who protect them.
  int pick_killer(const std::vector<int>& side, int first) {
    constexpr int weights[] = {9, 10, 14, 16, 4};
    auto sum = 0;
    for (auto i = first; i < static_cast<int>(side.size()); ++i)
      sum += weights[static_cast<std::size_t>(at(side[i]).where)];
    auto drawn = random_.below(sum);
    for (auto i = first; i < static_cast<int>(side.size()); ++i) {
      drawn -= weights[static_cast<std::size_t>(at(side[i]).where)];
      if (drawn < 0)
        return side[i];
    }
    return side.back();
  }

  // What a won fight is worth: a dragon, a turret, the game.
  void follow_up(
    std::int16_t team, lane where, std::int64_t when, bool all, int margin) {
    auto second = static_cast<std::int32_t>(when / 1000);
    auto pushes = all ? std::max(1, margin) + (second > 1'800 ? 1 : 0)
        + (second > 2'400 ? 2 : 0)
      : second > 500 && random_.chance(300'000) ? 1
                                                : 0;
    if (aram())
      pushes = random_.chance(second < 500 ? 150'000 : 450'000)
        ? (second > 800 ? random_.between(1, 4) : 1)
        : 0;
    when += random_.between(9'000, 20'000);
    if (!aram() && (all || random_.chance(350'000))) {
      if (second >= next_baron_s_ && margin >= 2 && random_.chance(550'000)) {
        plan_monster(team, monster::baron, when + 12'000);
        return;
      }
      if (second >= next_dragon_s_ && random_.chance(500'000)) {
        plan_monster(team, monster::fire, when);
        when += random_.between(14'000, 22'000);
        --pushes;
      }
    }
    for (; pushes > 0; --pushes) {
      plan push{when, plan::what::push};
      push.team = team;
      push.where = where;
      later(push);
      when += random_.between(6'000, 17'000);
    }
  }

  void execution() {
    auto& who = at(random_.between(1, 10));
    if (!who.alive(second_ms_) || busy_until_ms_[who.id - 1] > second_ms_)
      return;
    plan death{second_ms_ + 500, plan::what::kill};
    death.victim = static_cast<std::uint8_t>(who.id);
    death.where = static_cast<lane>(random_.below(3));
    later(death);
  }

  void kill(const plan& what) {
    auto& victim = at(what.victim);
    auto now = what.at_ms;
    if (!victim.alive(now) || (what.actor != 0 && !at(what.actor).alive(now)))
      return;
    auto spot = lane_middle[static_cast<std::size_t>(what.where)];
    auto& one = record(now, happening_kind::champion_killed, what.actor);
    one.victim = what.victim;
    one.where = what.where;
    one.x = static_cast<std::int16_t>(spot.x + random_.between(-900, 900));
    one.y = static_cast<std::int16_t>(spot.y + random_.between(-900, 900));
    auto base = respawn_ms[victim.level - 1];
    auto grown = std::max<std::int64_t>(0, now - 15 * minute_ms);
    one.length_ms = static_cast<std::int32_t>(base
      + base * std::min<std::int64_t>(grown, 40 * minute_ms)
        / (80 * minute_ms));
    auto dies_as = victim.streak;
    one.gold = victim.deaths_in_a_row == 0
      ? 300
      : std::max(100, 300 - 45 * (victim.deaths_in_a_row - 1) - 26);
    one.shutdown_gold
      = dies_as >= 3 ? std::min(150 + 100 * (dies_as - 3), 700) : 0;
    for (auto id = 1; id <= 10; ++id)
      if ((what.others >> id & 1) != 0 && at(id).alive(now))
        one.assists |= static_cast<std::uint16_t>(1 << id);
    if (what.actor == 0) {
      one.detail = static_cast<std::uint8_t>(executioner::tower);
      one.gold = 0;
    }
    auto first_blood = what.actor != 0 && !first_blood_;
    if (first_blood) {
      first_blood_ = true;
      one.gold = 400;
    }
    if (what.actor != 0)
      one.streak = at(what.actor).streak;
    // `one` may move below, when more is recorded.
    auto noted = one;
    die(victim, noted);
    if (what.actor != 0)
      reward(at(what.actor), victim, noted, first_blood);
    if (aces(victim.team, now))
      special(now, what.actor, special_kind::ace, 0, noted);
  }

  void die(hero& victim, const happening& how) {
    auto& mine = books(victim.id);
    ++mine.deaths;
    auto lived = static_cast<std::int32_t>(how.at_ms - victim.alive_since_ms);
    mine.longest_living_ms = std::max(mine.longest_living_ms, lived);
    mine.dead_ms += how.length_ms;
    victim.dead_until_ms = how.at_ms + how.length_ms;
    victim.alive_since_ms = victim.dead_until_ms;
    victim.next_visit_ms = how.at_ms + how.length_ms - 4'000;
    end_streak(victim);
    ++victim.deaths_in_a_row;
    victim.taken_damage += 560 + victim.level * 95;
    ++books_of(enemy_of(victim.team)).champions.kills;
    if (how.actor != 0)
      at(how.actor).champion_damage += 280 + victim.level * 52;
  }

  void end_streak(hero& who) {
    auto& mine = books(who.id);
    if (who.streak >= 2) {
      ++mine.killing_sprees;
      mine.largest_killing_spree
        = std::max(mine.largest_killing_spree, who.streak);
    }
    who.streak = 0;
    who.multi = 0;
  }

  void reward(
    hero& killer, const hero& victim, const happening& how, bool first_blood) {
    auto& mine = books(killer.id);
    ++mine.kills;
    ++killer.streak;
    killer.deaths_in_a_row = 0;
    mine.bounty_gold += how.shutdown_gold;
    earn(killer, (how.gold + how.shutdown_gold) * std::int64_t{1000});
    auto helpers = 0;
    for (auto id = 1; id <= 10; ++id)
      helpers += how.assists >> id & 1;
    if (helpers == 0)
      ++mine.solo_kills;
    if (first_blood) {
      mine.first_blood_kill = true;
      books_of(killer.team).champions.first = true;
      special(how.at_ms, killer.id, special_kind::first_blood, 0, how);
    }
    auto xp = 42 + victim.level * 44;
    learn_experience(killer, xp * 1000 / (helpers + 1));
    for (auto id = 1; id <= 10; ++id) {
      if ((how.assists >> id & 1) == 0)
        continue;
      ++books(id).assists;
      if (first_blood)
        books(id).first_blood_assist = true;
      earn(at(id), how.gold * std::int64_t{500} / helpers);
      at(id).champion_damage += 120 + victim.level * 24;
      learn_experience(at(id), xp * 1000 / (helpers + 1));
    }
    // A multikill goes on while each kill comes within ten seconds.
    killer.multi = how.at_ms - killer.last_kill_ms <= 10'000
      ? std::min(killer.multi + 1, 5)
      : 1;
    killer.last_kill_ms = how.at_ms;
    mine.largest_multi_kill = std::max(mine.largest_multi_kill, killer.multi);
    if (killer.multi >= 2) {
      ++(killer.multi == 2    ? mine.double_kills
          : killer.multi == 3 ? mine.triple_kills
          : killer.multi == 4 ? mine.quadra_kills
                              : mine.penta_kills);
      special(how.at_ms, killer.id, special_kind::multi, killer.multi, how);
    }
  }

  void special(std::int64_t now, int actor, special_kind kind,
    std::int32_t streak, const happening& where) {
    auto& one = record(now, happening_kind::special_kill, actor);
    one.detail = static_cast<std::uint8_t>(kind);
    one.streak = streak;
    one.x = where.x;
    one.y = where.y;
  }

  bool aces(std::int16_t team, std::int64_t now) const {
    return std::ranges::none_of(heroes_,
      [&](const hero& one) { return one.team == team && one.alive(now); });
  }

  // --- monsters ---------------------------------------------------------

  void objectives(std::int32_t second) {
    if (second % 10 != 0)
      return;
    auto lead = gold_of(100) - gold_of(200);
    auto stronger = static_cast<std::int16_t>(
      random_.chance(
        500'000 + std::clamp<std::int64_t>(lead * 40, -300'000, 300'000))
        ? 100
        : 200);
    auto hunter = stronger == 100 ? 2 : 7;
    if (!at(hunter).alive(second_ms_))
      return;
    if (second >= next_dragon_s_ + 20 && random_.chance(70'000))
      plan_monster(stronger, monster::fire, second_ms_ + 4'000);
    else if (second >= next_horde_s_ + 15 && second < 840
      && random_.chance(110'000))
      for (auto i = 0; horde_left_ - i > 0; ++i)
        plan_monster(stronger, monster::horde,
          second_ms_ + 4'000 + i * 7'000 + random_.below(3'000));
    else if (second >= next_herald_s_ + 20 && second < 1'185
      && random_.chance(80'000))
      plan_monster(stronger, monster::herald, second_ms_ + 5'000);
    else if (second >= next_baron_s_ + 120 && random_.chance(9'000))
      plan_monster(stronger, monster::baron, second_ms_ + 9'000);
  }

  void plan_monster(std::int16_t team, monster beast, std::int64_t when) {
    plan what{when, plan::what::take_monster};
    what.team = team;
    what.beast = beast;
    later(what);
  }

  void take_monster(const plan& what) {
    auto second = static_cast<std::int32_t>(what.at_ms / 1000);
    auto beast = what.beast;
    auto dragon = beast == monster::fire;
    auto team = what.team;
    if ((dragon && second < next_dragon_s_)
      || (beast == monster::baron && second < next_baron_s_)
      || (beast == monster::herald
        && (second < next_herald_s_ || second >= 1'195))
      || (beast == monster::horde && (horde_left_ == 0 || second >= 850)))
      return;
    // The other side may come first, rarely.
    if (random_.chance(40'000))
      team = enemy_of(team);
    std::vector<int> present;
    for (auto& one : heroes_)
      if (one.team == team && one.alive(what.at_ms)
        && (one.where == role::jungle || random_.chance(450'000)))
        present.push_back(one.id);
    if (present.empty())
      return;
    auto killer = present[0];
    for (auto id : present)
      if (at(id).where == role::jungle && random_.chance(850'000))
        killer = id;
    if (dragon)
      beast = next_dragon();
    auto spot = dragon ? pit_of_dragon : pit_of_baron;
    auto& one = record(what.at_ms, happening_kind::monster_killed, killer);
    one.team = team;
    one.detail = static_cast<std::uint8_t>(beast);
    one.x = static_cast<std::int16_t>(spot.x + random_.between(-250, 250));
    one.y = static_cast<std::int16_t>(spot.y + random_.between(-250, 250));
    for (auto id : present)
      if (id != killer)
        one.assists |= static_cast<std::uint16_t>(1 << id);
    for (auto id : present) {
      at(id).other_damage += random_.between(900, 2'600);
      at(id).taken_damage += random_.between(150, 500);
      books(id).monster_damage += random_.between(900, 2'600);
    }
    count_monster(team, beast, killer, present, second, what.at_ms);
  }

  monster next_dragon() {
    if (soul_taken_)
      return monster::elder;
    // The third and all later ones are of the map's kind.
    auto kind = dragons_killed_ < 2 ? (first_dragon_ + dragons_killed_ * 2) % 6
                                    : (first_dragon_ + 4) % 6;
    return static_cast<monster>(kind);
  }

  void count_monster(std::int16_t team, monster beast, int killer,
    const std::vector<int>& present, std::int32_t second, std::int64_t now) {
    auto& ours = books_of(team);
    auto& theirs = books_of(enemy_of(team));
    auto takedown = [&](std::int32_t summary::* count) {
      for (auto id : present)
        ++(books(id).*count);
    };
    auto scored = [&](objective_count team_summary::* count) {
      auto& mine = ours.*count;
      mine.first = mine.first || (theirs.*count).kills == 0;
      ++mine.kills;
    };
    switch (beast) {
    case monster::horde:
      scored(&team_summary::horde);
      takedown(&summary::horde_takedowns);
      --horde_left_;
      earn_present(present, 20);
      break;
    case monster::herald:
      scored(&team_summary::heralds);
      takedown(&summary::herald_takedowns);
      next_herald_s_ = last_second + 1;
      earn_present(present, 60);
      for (auto i = 0; i < 2; ++i)
        later({now + random_.between(25'000, 70'000), plan::what::push, 0, 0, 0,
          static_cast<lane>(random_.below(3)), team, {}});
      break;
    case monster::baron:
      scored(&team_summary::barons);
      takedown(&summary::baron_takedowns);
      ++books(killer).baron_kills;
      next_baron_s_ = second + 360;
      earn_team(team, 300);
      for (auto i = 0; i < 4; ++i)
        later({now + random_.between(35'000, 170'000), plan::what::push, 0, 0,
          0, static_cast<lane>(random_.below(3)), team, {}});
      break;
    default:
      scored(&team_summary::dragons);
      takedown(&summary::dragon_takedowns);
      ++books(killer).dragon_kills;
      ++dragons_killed_;
      next_dragon_s_ = second + (soul_taken_ ? 360 : 300);
      earn_present(present, 25);
      if (beast != monster::elder)
        count_soul(team, now);
      break;
    }
  }

  void earn_present(const std::vector<int>& present, std::int32_t gold) {
    for (auto id : present)
      earn(at(id), gold * 1000);
  }

  void count_soul(std::int16_t team, std::int64_t now) {
    auto taken = ++souls_[index_of(team)];
    auto kind = static_cast<std::uint8_t>((first_dragon_ + 4) % 6);
    if (dragons_killed_ == 2) {
      // The map turns; Riot tells it with nobody's team.
      auto& one = record(now + 40, happening_kind::soul_given, 0);
      one.detail = kind;
    }
    if (taken == 4) {
      auto& one = record(now + 40, happening_kind::soul_given, 0);
      one.team = team;
      one.detail = kind;
      soul_taken_ = true;
      auto second = static_cast<std::int32_t>(now / 1000);
      next_dragon_s_ = second + 360;
    }
  }

  // --- buildings ------------------------------------------------------------

  void sieges(std::int32_t second) {
    if (second < 180 || second % 5 != 0 || aram())
      return;
    auto lead = gold_of(100) - gold_of(200);
    for (auto team : {std::int16_t{100}, std::int16_t{200}}) {
      auto mine = team == 100 ? lead : -lead;
      auto push = std::clamp<std::int64_t>(5'000 + mine, 1'200, 14'000);
      for (auto where : {lane::top, lane::middle, lane::bottom}) {
        auto& target = bases_[index_of(enemy_of(team))];
        auto fallen = target.fallen[static_cast<std::size_t>(where)];
        if (second < 840) {
          if (fallen == 0 && random_.chance(push * 4))
            break_plate(team, where);
        } else if (fallen < 2 && random_.chance(push / (fallen + 1))) {
          later({second_ms_ + 900, plan::what::push, 0, 0, 0, where, team, {}});
        }
      }
    }
  }

  hero* besieger(std::int16_t team, lane where, std::int64_t now) {
    hero* found = nullptr;
    for (auto& one : heroes_) {
      if (one.team != team || !one.alive(now))
        continue;
      auto here = aram() || (one.where == role::top && where == lane::top)
        || (one.where == role::middle && where == lane::middle)
        || (one.where == role::bottom && where == lane::bottom);
      if (here || found == nullptr || random_.chance(120'000))
        found = &one;
    }
    return found;
  }

  void break_plate(std::int16_t team, lane where) {
    auto& target = bases_[index_of(enemy_of(team))];
    auto& plates = target.plates[static_cast<std::size_t>(where)];
    auto now = moment();
    auto* who = besieger(team, where, now);
    if (who == nullptr || plates == 0)
      return;
    // Riot mostly does not say who broke a plate.
    auto told = random_.chance(400'000);
    auto& one
      = record(now, happening_kind::plate_destroyed, told ? who->id : 0);
    one.team = enemy_of(team);
    one.where = where;
    auto spot = building_place(aram(), one.team, where, building::outer, 0);
    one.x = spot.x;
    one.y = spot.y;
    earn(*who, 120'000);
    ++books(who->id).plates;
    books(who->id).building_damage += random_.between(700, 1'100);
    who->other_damage += 500;
    if (--plates == 0)
      later({now, plan::what::push, static_cast<std::uint8_t>(who->id), 0, 0,
        where, team, {}});
  }

  // Brings down the next building of a lane, if it can be reached.
  void push(const plan& what) {
    auto where = aram() ? lane::middle : what.where;
    auto lost_by = enemy_of(what.team);
    auto& target = bases_[index_of(lost_by)];
    auto turrets = aram() ? 2 : 3;
    auto now = what.at_ms;
    // Late pushes go where the base is open.
    for (auto other : {lane::middle, lane::top, lane::bottom})
      if (!aram() && now > 22 * minute_ms
        && target.fallen[static_cast<std::size_t>(other)]
          > target.fallen[static_cast<std::size_t>(where)])
        where = other;
    auto number = static_cast<std::size_t>(where);
    auto* who
      = what.actor != 0 ? &at(what.actor) : besieger(what.team, where, now);
    if (who == nullptr)
      return;
    if (target.fallen[number] < turrets) {
      if (now < 480'000 && target.plates[number] > 0)
        return;
      constexpr building rift[]
        = {building::outer, building::inner, building::base};
      constexpr building abyss[] = {building::outer, building::base};
      auto kind
        = aram() ? abyss[target.fallen[number]] : rift[target.fallen[number]];
      ++target.fallen[number];
      fell(what.team, where, kind, 0, *who, now);
    } else if (target.inhibitor_back_ms[number] <= now) {
      target.inhibitor_back_ms[number] = now + 300'000;
      fell(what.team, where, building::inhibitor, 0, *who, now);
    } else if (target.nexus_turrets > 0) {
      --target.nexus_turrets;
      fell(what.team, lane::middle, building::nexus, 1 - target.nexus_turrets,
        *who, now);
    } else {
      ++books(who->id).nexus_kills;
      for (auto& one : heroes_)
        if (one.team == what.team && one.alive(now))
          ++books(one.id).nexus_takedowns;
      winner_ = what.team;
      finish(now);
    }
  }

  void fell(std::int16_t team, lane where, building kind, int number, hero& who,
    std::int64_t now) {
    auto by_minions = random_.chance(200'000);
    auto& one
      = record(now, happening_kind::building_killed, by_minions ? 0 : who.id);
    one.team = enemy_of(team);
    one.where = where;
    one.detail = static_cast<std::uint8_t>(kind);
    auto spot = building_place(aram(), one.team, where, kind, number);
    one.x = spot.x;
    one.y = spot.y;
    auto tower = kind != building::inhibitor;
    for (auto& helper : heroes_)
      if (helper.team == team && helper.id != who.id && helper.alive(now)
        && random_.chance(280'000))
        one.assists |= static_cast<std::uint16_t>(1 << helper.id);
    auto assists = one.assists;
    auto killer = one.actor;
    auto& ours = books_of(team);
    auto& theirs = books_of(enemy_of(team));
    auto& mine = tower ? ours.towers : ours.inhibitors;
    auto& other = tower ? theirs.towers : theirs.inhibitors;
    auto first = mine.kills == 0 && other.kills == 0;
    mine.first = mine.first || first;
    ++mine.kills;
    auto take_part = [&](int id) {
      auto& books_here = books(id);
      ++(tower ? books_here.turret_takedowns : books_here.inhibitor_takedowns);
      books_here.building_damage += random_.between(600, 1'900);
      at(id).other_damage += random_.between(300, 900);
    };
    if (killer != 0) {
      ++(tower ? books(killer).turret_kills : books(killer).inhibitor_kills);
      take_part(killer);
      if (first && tower)
        books(killer).first_tower_kill = true;
    }
    for (auto id = 1; id <= 10; ++id)
      if ((assists >> id & 1) != 0) {
        take_part(id);
        if (first && tower)
          books(id).first_tower_assist = true;
      }
    earn_team(team, tower ? 50 : 20);
    if (tower)
      earn(who, first ? 300'000 : 175'000);
  }

  // --- the course of the game -----------------------------------------------

  void each_minute(std::int32_t second) {
    if (second == 600)
      for (auto& one : heroes_) {
        books(one.id).lane_minions_at_10 = one.minions;
        books(one.id).jungle_minions_at_10 = one.jungle_minions;
        auto pet = starting_item(one.plays->kind, one.where);
        if (!aram() && one.where == role::jungle && take(one, pet))
          record(second_ms_ + random_.between(1, 300),
            happening_kind::item_destroyed, one.id)
            .item
            = pet;
      }
    if (remake() || second < 900)
      return;
    auto lead = gold_of(100) - gold_of(200);
    auto behind = static_cast<std::int16_t>(lead >= 0 ? 200 : 100);
    auto by = lead >= 0 ? lead : -lead;
    auto& given = bounty_since_s_[index_of(behind)];
    if (!aram() && by > 4'000 && given == 0 && random_.chance(350'000)) {
      auto& one = record(second_ms_ + 50, happening_kind::bounty_prestart, 0);
      one.team = behind;
      one.length_ms = 15'000;
      given = second;
    } else if (given != 0 && by < 2'500) {
      record(second_ms_ + 50, happening_kind::bounty_finished, 0).team = behind;
      given = 0;
    }
    auto patience = second < 1'200 ? 30'000 : 110'000;
    if (by > (second < 1'200 ? 7'000 : 8'500) && random_.chance(patience)) {
      plan end{second_ms_ + random_.between(3'000, 40'000), plan::what::end};
      end.team = enemy_of(behind);
      later(end);
    }
  }

  void finish(std::int64_t now) {
    if (over_)
      return;
    over_ = true;
    end_ms_ = now;
  }

  // Carries out what falls into this second, in the order of time; new plans
  // may fall into it too.
  void run_plans() {
    auto end = second_ms_ + 1'000;
    while (!over_) {
      auto first = plans_.size();
      for (std::size_t i = 0; i < plans_.size(); ++i)
        if (plans_[i].at_ms < end
          && (first == plans_.size() || plans_[i].at_ms < plans_[first].at_ms))
          first = i;
      if (first == plans_.size())
        return;
      auto what = plans_[first];
      plans_.erase(plans_.begin() + static_cast<std::ptrdiff_t>(first));
      what.at_ms = std::max(what.at_ms, second_ms_ + 1);
      run(what);
    }
  }

  void run(const plan& what) {
    switch (what.kind) {
    case plan::what::kill:
      return kill(what);
    case plan::what::learn:
      return learn(at(what.actor), what.at_ms);
    case plan::what::potion:
      if (take(at(what.actor), 2003))
        record(what.at_ms, happening_kind::item_destroyed, what.actor).item
          = 2003;
      return;
    case plan::what::push:
      return push(what);
    case plan::what::take_monster:
      return take_monster(what);
    case plan::what::end:
      game_.surrendered = true;
      winner_ = what.team;
      return finish(what.at_ms);
    }
  }

  void learn(hero& who, std::int64_t now) {
    if (who.learnt >= who.level)
      return;
    auto step = learning[who.learnt++];
    const auto& order = game_.contestants[who.id - 1].skill_order;
    record(now, happening_kind::skill_level_up, who.id).detail
      = step == 3 ? 4 : order[step];
  }

  // Puts what happened in this second in order; nothing happens after the end.
  void settle() {
    auto& all = game_.happenings;
    auto begin = all.begin() + static_cast<std::ptrdiff_t>(happenings_before_);
    auto last = over_ ? end_ms_ : second_ms_ + 999;
    for (auto i = begin; i != all.end(); ++i)
      i->at_ms = std::min(i->at_ms, last);
    std::stable_sort(begin, all.end(),
      [](const auto& a, const auto& b) { return a.at_ms < b.at_ms; });
  }

  void close() {
    game_.length_ms = end_ms_;
    game_.winner = winner_;
    record(end_ms_, happening_kind::game_ended, 0).team = winner_;
    emit_frame(end_ms_);
    books_of(winner_).win = true;
    for (auto& one : heroes_) {
      auto& mine = books(one.id);
      if (one.alive(end_ms_))
        mine.longest_living_ms = std::max(mine.longest_living_ms,
          static_cast<std::int32_t>(end_ms_ - one.alive_since_ms));
      else
        mine.dead_ms -= static_cast<std::int32_t>(one.dead_until_ms - end_ms_);
      end_streak(one);
      for (auto i = 0; i < 6; ++i)
        mine.items[i] = one.slots[i];
      mine.items[6] = one.trinket;
      if (end_ms_ < 600'000) {
        mine.lane_minions_at_10 = one.minions;
        mine.jungle_minions_at_10 = one.jungle_minions;
      }
    }
  }

  // Physical, magic and true parts of a hundred, by the dealer's class.
  void divide(damage& into, std::int32_t amount, champion_class kind) {
    auto physical = 0, magic = 0;
    switch (kind) {
    case champion_class::mage:
    case champion_class::enchanter:
      physical = 12, magic = 84;
      break;
    case champion_class::tank:
      physical = 42, magic = 52;
      break;
    case champion_class::marksman:
      physical = 86, magic = 10;
      break;
    default:
      physical = 78, magic = 15;
    }
    auto a = amount * physical / 100;
    auto b = amount * magic / 100;
    into.physical += a;
    into.magic += b;
    into.pure += amount - a - b;
  }

  void emit_frame(std::int64_t at_ms) {
    auto& one = game_.frames.emplace_back();
    one.at_ms = at_ms;
    one.happenings_end = static_cast<std::uint32_t>(game_.happenings.size());
    for (auto& who : heroes_) {
      damage fresh;
      divide(fresh, who.champion_damage, who.plays->kind);
      for (auto part : {&damage::physical, &damage::magic, &damage::pure}) {
        who.to_champions.*part += fresh.*part;
        who.done.*part += fresh.*part;
      }
      divide(who.done, who.other_damage, who.plays->kind);
      divide(who.taken, who.taken_damage, opponent(who).plays->kind);
      who.champion_damage = who.other_damage = who.taken_damage = 0;
      auto& as = one.standings[who.id - 1];
      as.total_gold = who.total_gold();
      as.current_gold = who.purse;
      as.xp = static_cast<std::int32_t>(who.xp_thousandths / 1000);
      as.level = who.level;
      as.minions = who.minions;
      as.jungle_minions = who.jungle_minions;
      as.controlled_ms = who.controlled_ms;
      as.vision_tenths = who.vision_tenths;
      as.done = who.done;
      as.to_champions = who.to_champions;
      as.taken = who.taken;
      as.dead = !who.alive(at_ms);
      stand(as, who, at_ms);
    }
  }

  void stand(standing& as, const hero& who, std::int64_t at_ms) {
    auto home = who.team == 100 ? place{600, 600} : place{14200, 14200};
    auto spot = home;
    if (at_ms > 45'000 && !as.dead) {
      switch (who.where) {
      case role::top:
        spot = lane_middle[0];
        break;
      case role::middle:
        spot = lane_middle[1];
        break;
      case role::bottom:
      case role::utility:
        spot = lane_middle[2];
        break;
      case role::jungle:
        spot = who.team == 100 ? place{6100, 5300} : place{8800, 9700};
      }
      if (aram() || (at_ms > 14 * minute_ms && random_.chance(400'000)))
        spot = {7300, 7300};
    }
    auto spread = at_ms > 45'000 && !as.dead ? 1'600 : 250;
    as.x = static_cast<std::int16_t>(spot.x + random_.between(-spread, spread));
    as.y = static_cast<std::int16_t>(spot.y + random_.between(-spread, spread));
  }

  game& game_;
  random_source random_;
  std::array<hero, 10> heroes_;
  std::array<base, 2> bases_;
  std::array<std::int64_t, 10> busy_until_ms_{};
  std::array<std::int32_t, 2> bounty_since_s_{};
  std::array<std::int32_t, 2> souls_{};
  std::array<std::vector<int>, 2> sides_;
  std::vector<plan> plans_;
  std::size_t happenings_before_ = 0;
  std::int64_t second_ms_ = 0;
  std::int64_t drift_ = 0;
  std::int64_t end_ms_ = 0;
  std::int16_t winner_ = 0;
  bool over_ = false;
  bool first_blood_ = false;
  bool soul_taken_ = false;
  // Who never comes to a remake.
  int absent_ = 0;

  std::int32_t first_dragon_ = 0;
  std::int32_t dragons_killed_ = 0;
  std::int32_t horde_left_ = 3;
  std::int32_t next_dragon_s_ = 0;
  std::int32_t next_horde_s_ = 0;
  std::int32_t next_herald_s_ = 0;
  std::int32_t next_baron_s_ = 0;
};

} // namespace

void play(game& set_up, std::uint64_t seed) {
  referee{set_up, seed}.play();
}

} // namespace herald::simulate
