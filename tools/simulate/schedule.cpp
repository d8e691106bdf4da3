#include "tools/simulate/schedule.hpp"

#include "tools/simulate/documents.hpp"
#include "tools/simulate/live.hpp"

#include <algorithm>
#include <cassert>

namespace herald::simulate {

std::string riot_id_key(std::string_view game_name, std::string_view tag_line) {
  std::string key{game_name};
  key += '#';
  key += tag_line;
  for (auto& one : key)
    if (one >= 'A' && one <= 'Z')
      one = static_cast<char>(one + 32);
  return key;
}

namespace {

bool plays(const schedule::slot& in, std::uint32_t number) {
  return std::ranges::find(in.people, number) != in.people.end();
}

} // namespace

schedule::schedule(const schedule_settings& settings) : settings_{settings} {
  const auto& kinds = settings_.kinds;
  assert(kinds.tables >= 1 && kinds.people_per_table >= 10);
  for (std::uint32_t table = 0; table < kinds.tables; ++table)
    for (std::uint32_t number = 0; number < kinds.people_per_table; ++number) {
      auto who = make_person(settings_.seed, table, number);
      seats_.emplace(who.puuid, seat{table, number});
      names_.emplace(
        riot_id_key(who.game_name, who.tag_line), seat{table, number});
    }
  tables_.resize(kinds.tables);
  for (std::uint32_t table = 0; table < kinds.tables; ++table)
    open_table(table);
}

// The past games end so that the next one has run for a while when the clock
// starts: a few minutes at the first table, more at each further one.
void schedule::open_table(std::uint32_t table) {
  auto index_of
    = [&](std::uint32_t n) { return n * settings_.kinds.tables + table; };
  std::vector<game> past;
  std::int64_t length_ms = 0;
  for (std::uint32_t n = 0; n < settings_.past_games; ++n) {
    if (exhausted(index_of(n)))
      break;
    past.push_back(make_game(settings_.seed, index_of(n), settings_.kinds, 0));
    length_ms += past.back().end_ms + settings_.pause_ms;
  }
  auto under_way_ms = 120'000 + std::int64_t{table} * 240'000 % 960'000;
  auto start_ms = settings_.clock_start_ms - under_way_ms - length_ms;
  for (auto& one : past) {
    append(table, start_ms);
    start_ms += one.end_ms + settings_.pause_ms;
  }
  append(table, start_ms);
}

bool schedule::exhausted(std::uint32_t index) const {
  return settings_.games != 0 && index >= settings_.games;
}

void schedule::append(std::uint32_t table, std::int64_t start_ms) {
  auto& slots = tables_[table];
  auto index
    = static_cast<std::uint32_t>(slots.size()) * settings_.kinds.tables + table;
  if (exhausted(index))
    return;
  auto made = std::make_shared<const game>(
    make_game(settings_.seed, index, settings_.kinds, start_ms));
  slots.push_back(slot_of(*made));
  recent_.push_back(std::move(made));
  if (recent_.size() > settings_.kinds.tables + 8)
    recent_.pop_front();
}

schedule::slot schedule::slot_of(const game& made) const {
  slot of;
  of.index = made.index;
  of.table = made.index % settings_.kinds.tables;
  of.start_ms = made.start_ms;
  of.end_ms = made.end_ms;
  of.queue_id = made.queue_id;
  of.winner = made.winner;
  of.shape = made.shape;
  of.match_id = made.match_id();
  for (auto i = 0; i < 10; ++i)
    of.people[i] = seats_.at(made.contestants[i].who.puuid).number;
  return of;
}

void schedule::advance(std::int64_t now_ms) {
  for (std::uint32_t table = 0; table < tables_.size(); ++table)
    while (!tables_[table].empty()) {
      auto next = tables_[table].back().end_ms + settings_.pause_ms;
      auto before = tables_[table].size();
      if (next > now_ms)
        break;
      append(table, next);
      if (tables_[table].size() == before)
        break;
    }
}

std::shared_ptr<const game> schedule::details(const slot& of) {
  for (const auto& one : recent_)
    if (one->index == of.index)
      return one;
  auto made = std::make_shared<const game>(
    make_game(settings_.seed, of.index, settings_.kinds, of.start_ms));
  recent_.push_back(made);
  if (recent_.size() > settings_.kinds.tables + 8)
    recent_.pop_front();
  return made;
}

const schedule::slot* schedule::find_published(
  std::string_view match_id, std::int64_t now_ms) {
  for (const auto& slots : tables_)
    for (const auto& one : slots)
      if (one.match_id == match_id)
        return one.end_ms + settings_.publish_after_ms <= now_ms ? &one
                                                                 : nullptr;
  return nullptr;
}

const schedule::slot* schedule::current(
  std::uint32_t table, std::int64_t now_ms, std::int64_t after_end_ms) {
  // An aborted game never came to be played.
  for (const auto& one : tables_[table])
    if (one.start_ms <= now_ms && now_ms < one.end_ms + after_end_ms
      && one.shape != game_shape::aborted)
      return &one;
  return nullptr;
}

std::optional<schedule::seat> schedule::seat_of(std::string_view puuid) const {
  auto found = seats_.find(std::string{puuid});
  if (found == seats_.end())
    return std::nullopt;
  return found->second;
}

std::optional<person> schedule::by_puuid(std::string_view puuid) const {
  auto seat = seat_of(puuid);
  if (!seat)
    return std::nullopt;
  return make_person(settings_.seed, seat->table, seat->number);
}

std::optional<person> schedule::by_riot_id(
  std::string_view game_name, std::string_view tag_line) const {
  auto found = names_.find(riot_id_key(game_name, tag_line));
  if (found == names_.end())
    return std::nullopt;
  return make_person(settings_.seed, found->second.table, found->second.number);
}

std::vector<listed_match> schedule::matches_of(
  std::string_view puuid, std::int64_t now_ms) {
  std::vector<listed_match> found;
  auto seat = seat_of(puuid);
  if (!seat)
    return found;
  std::lock_guard lock{mutex_};
  advance(now_ms);
  const auto& slots = tables_[seat->table];
  for (auto one = slots.rbegin(); one != slots.rend(); ++one)
    if (one->end_ms + settings_.publish_after_ms <= now_ms
      && plays(*one, seat->number))
      found.push_back({one->match_id, one->start_ms, one->queue_id});
  return found;
}

std::optional<bytes> schedule::match(
  std::string_view match_id, std::int64_t now_ms) {
  std::shared_ptr<const game> played;
  {
    std::lock_guard lock{mutex_};
    advance(now_ms);
    auto* found = find_published(match_id, now_ms);
    if (found == nullptr)
      return std::nullopt;
    played = details(*found);
  }
  return match_document(*played);
}

std::optional<bytes> schedule::timeline(
  std::string_view match_id, std::int64_t now_ms) {
  std::shared_ptr<const game> played;
  {
    std::lock_guard lock{mutex_};
    advance(now_ms);
    auto* found = find_published(match_id, now_ms);
    if (found == nullptr)
      return std::nullopt;
    played = details(*found);
  }
  return timeline_document(*played);
}

std::optional<bytes> schedule::current_game_of(
  std::string_view puuid, std::int64_t now_ms) {
  auto seat = seat_of(puuid);
  if (!seat)
    return std::nullopt;
  std::shared_ptr<const game> played;
  {
    std::lock_guard lock{mutex_};
    advance(now_ms);
    auto* found = current(seat->table, now_ms, 0);
    if (found == nullptr || !plays(*found, seat->number))
      return std::nullopt;
    played = details(*found);
  }
  return current_game(*played, now_ms - played->start_ms);
}

std::optional<ranked_record> schedule::ranked(
  std::string_view puuid, std::int32_t queue_id, std::int64_t now_ms) {
  auto seat = seat_of(puuid);
  if (!seat)
    return std::nullopt;
  ranked_record record;
  // Some have a past before the simulation.
  record.wins = static_cast<std::int32_t>(seat->number * 7 % 40);
  record.losses = static_cast<std::int32_t>(seat->number * 5 % 37);
  std::lock_guard lock{mutex_};
  advance(now_ms);
  for (const auto& one : tables_[seat->table]) {
    auto place = std::ranges::find(one.people, seat->number);
    if (one.queue_id != queue_id || place == one.people.end()
      || one.shape != game_shape::finished || one.end_ms > now_ms)
      continue;
    auto participant = static_cast<int>(place - one.people.begin()) + 1;
    ++(team_of(participant) == one.winner ? record.wins : record.losses);
  }
  if (record.wins + record.losses == 0)
    return std::nullopt;
  return record;
}

std::shared_ptr<const game> schedule::game_at(
  std::uint32_t table, std::int64_t now_ms, std::int64_t after_end_ms) {
  std::lock_guard lock{mutex_};
  advance(now_ms);
  auto* found = current(table, now_ms, after_end_ms);
  return found == nullptr ? nullptr : details(*found);
}

std::vector<schedule::slot> schedule::started(std::int64_t now_ms) {
  std::vector<slot> all;
  std::lock_guard lock{mutex_};
  advance(now_ms);
  for (const auto& slots : tables_)
    for (const auto& one : slots)
      if (one.start_ms <= now_ms)
        all.push_back(one);
  std::ranges::sort(all, {}, &slot::start_ms);
  return all;
}

person schedule::regular(std::uint32_t table) const {
  return make_person(settings_.seed, table, 0);
}

} // namespace herald::simulate
