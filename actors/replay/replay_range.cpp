#include "actors/replay/replay_range.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

namespace herald {

namespace {

constexpr std::string_view forms
  = "allowed: earliest, latest, an offset, a time such as "
    "2026-01-31T18:00:00Z, or PARTITION:OFFSET, several of them with commas";

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  auto [end, error]
    = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty())
    return std::nullopt;
  return value;
}

/// Takes exactly `digits` digits off the front.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits)
    return std::nullopt;
  auto value = number_of(text.substr(0, digits));
  if (!value)
    return std::nullopt;
  text.remove_prefix(digits);
  return static_cast<int>(*value);
}

bool take(std::string_view& text, char expected) {
  if (!text.starts_with(expected))
    return false;
  text.remove_prefix(1);
  return true;
}

/// "Z", "+02:00" or "-02:00" and nothing behind it, in minutes.
std::optional<int> take_zone(std::string_view text) {
  if (text == "Z" || text == "z")
    return 0;
  bool west = text.starts_with('-');
  if (!take(text, '+') && !take(text, '-'))
    return std::nullopt;
  auto hours = take_digits(text, 2);
  if (!hours || !take(text, ':'))
    return std::nullopt;
  auto minutes = take_digits(text, 2);
  if (!minutes || !text.empty() || *hours > 23 || *minutes > 59)
    return std::nullopt;
  auto sum = *hours * 60 + *minutes;
  return west ? -sum : sum;
}

/// The time of day behind a date, in ms, its zone taken away.
std::optional<std::int64_t> take_time_of_day(std::string_view text) {
  auto hour = take_digits(text, 2);
  if (!hour || !take(text, ':'))
    return std::nullopt;
  auto minute = take_digits(text, 2);
  if (!minute || *hour > 23 || *minute > 59)
    return std::nullopt;
  int second = 0;
  std::int64_t ms = 0;
  if (take(text, ':')) {
    auto given = take_digits(text, 2);
    if (!given || *given > 59)
      return std::nullopt;
    second = *given;
    if (take(text, '.')) {
      std::int64_t scale = 100;
      bool any = false;
      for (; !text.empty() && text.front() >= '0' && text.front() <= '9';
        text.remove_prefix(1), scale /= 10, any = true)
        ms += (text.front() - '0') * scale;
      if (!any)
        return std::nullopt;
    }
  }
  auto zone = take_zone(text);
  if (!zone)
    return std::nullopt;
  return ((*hour * 60 + *minute - *zone) * 60 + second) * std::int64_t{1000}
  + ms;
}

/// One side of a range as it was written.
struct side {
  enum class kind { earliest, latest, all, time, places } what;
  offset at;
  std::int64_t time_ms = 0;
  std::vector<replay_place> places;
};

bool looks_like_a_date(std::string_view text) {
  return text.size() >= 10 && text[4] == '-' && text[7] == '-'
    && number_of(text.substr(0, 4));
}

std::optional<replay_place> parse_place(
  const std::vector<topic_info>& topics, std::string_view text) {
  replay_place place;
  place.topic = topics.empty() ? "" : topics.front().name;
  if (auto slash = text.rfind('/'); slash != text.npos) {
    place.topic = text.substr(0, slash);
    text.remove_prefix(slash + 1);
  }
  auto colon = text.find(':');
  if (colon == text.npos)
    return std::nullopt;
  auto partition = number_of(text.substr(0, colon));
  auto at = number_of(text.substr(colon + 1));
  if (!partition || !at || *partition > 0xffff'ffffu)
    return std::nullopt;
  place.partition = static_cast<std::uint32_t>(*partition);
  place.at = {*at};
  return place;
}

result<side> parse_side(const std::vector<topic_info>& topics,
  std::string_view option, std::string_view text) {
  if (text == "earliest")
    return side{side::kind::earliest, {}, 0, {}};
  if (text == "latest")
    return side{side::kind::latest, {}, 0, {}};
  if (auto at = number_of(text))
    return side{side::kind::all, {*at}, 0, {}};
  if (looks_like_a_date(text)) {
    if (auto ms = parse_time(text))
      return side{side::kind::time, {}, *ms, {}};
    return fail(fault::invalid_input,
      fmt::format("{}: '{}' is no time; allowed: 2026-01-31T18:00:00Z, "
                  "2026-01-31T19:00:00+01:00 or 2026-01-31",
        option, text));
  }
  side places{side::kind::places, {}, 0, places_of(topics, text)};
  if (places.places.empty())
    return fail(fault::invalid_input,
      fmt::format("{}: '{}' is no position; {}", option, text, forms));
  for (std::size_t i = 0; i < places.places.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (places.places[i].topic == places.places[j].topic
        && places.places[i].partition == places.places[j].partition)
        return fail(fault::invalid_input,
          fmt::format("{}: partition {} is there twice", option,
            places.places[i].partition));
  return places;
}

const replay_place* find_place(const side& which, const replay_part& part) {
  for (auto& place : which.places)
    if (place.topic == part.topic.name
      && place.partition == part.where.partition)
      return &place;
  return nullptr;
}

/// Where one side lies in a partition that it names or that it is true of.
result<offset> resolve(const event_log& log, std::string_view option,
  const side& which, const replay_part& part) {
  auto start = log.log_start(part.where);
  auto end = log.committed_end(part.where);
  switch (which.what) {
  case side::kind::earliest:
    return start;
  case side::kind::latest:
    return end;
  case side::kind::all:
    return std::clamp(which.at, start, end);
  case side::kind::time: {
    auto found = log.offset_at_time(part.where, which.time_ms);
    if (!found)
      return std::unexpected(found.error());
    return std::clamp(found->value_or(end), start, end);
  }
  case side::kind::places:
    break;
  }
  auto* place = find_place(which, part);
  if (place->at < start || place->at > end)
    return fail(fault::invalid_input,
      fmt::format("{}: {}/{} holds the offsets from {} up to {} (not "
                  "included), not {}",
        option, part.topic.name, part.where.partition, start.value, end.value,
        place->at.value));
  return place->at;
}

result<void> check_places(const std::vector<topic_info>& topics,
  std::string_view option, const side& which) {
  for (auto& place : which.places) {
    auto topic = std::find_if(topics.begin(), topics.end(),
      [&](const topic_info& known) { return known.name == place.topic; });
    if (topic == topics.end())
      return fail(fault::invalid_input,
        fmt::format("{}: the topic '{}' is not part of this replay", option,
          place.topic));
    if (place.partition >= topic->partitions)
      return fail(fault::invalid_input,
        fmt::format("{}: {} has the partitions 0 to {}, not {}", option,
          place.topic, topic->partitions - 1, place.partition));
  }
  return {};
}

} // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
  auto year = take_digits(text, 4);
  if (!year || !take(text, '-'))
    return std::nullopt;
  auto month = take_digits(text, 2);
  if (!month || !take(text, '-'))
    return std::nullopt;
  auto day = take_digits(text, 2);
  if (!day)
    return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year{*year},
    std::chrono::month{static_cast<unsigned>(*month)},
    std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok())
    return std::nullopt;
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
    std::chrono::sys_days{date}.time_since_epoch())
              .count();
  if (text.empty())
    return ms;
  if (!take(text, 'T') && !take(text, ' '))
    return std::nullopt;
  auto of_day = take_time_of_day(text);
  if (!of_day)
    return std::nullopt;
  return ms + *of_day;
}

std::vector<replay_place> places_of(
  const std::vector<topic_info>& topics, std::string_view position) {
  std::vector<replay_place> places;
  for (bool more = true; more;) {
    auto comma = position.find(',');
    more = comma != position.npos;
    auto place = parse_place(topics, position.substr(0, comma));
    if (!place)
      return {};
    places.push_back(std::move(*place));
    if (more)
      position.remove_prefix(comma + 1);
  }
  return places;
}

result<std::vector<replay_part>> resolve_range(const event_log& log,
  const std::vector<topic_info>& topics, std::string_view from,
  std::string_view to) {
  auto first = parse_side(topics, "--from", from);
  if (!first)
    return std::unexpected(first.error());
  auto last = parse_side(topics, "--to", to);
  if (!last)
    return std::unexpected(last.error());
  if (auto known = check_places(topics, "--from", *first); !known)
    return std::unexpected(known.error());
  if (auto known = check_places(topics, "--to", *last); !known)
    return std::unexpected(known.error());
  std::vector<replay_part> parts;
  for (auto& topic : topics)
    for (std::uint32_t p = 0; p < topic.partitions; ++p) {
      replay_part part{topic, {topic.number, p}, {}, {}};
      bool begins = first->what == side::kind::places;
      bool ends = last->what == side::kind::places;
      bool in_first = !begins || find_place(*first, part);
      bool in_last = !ends || find_place(*last, part);
      if (begins && ends && in_first != in_last)
        return fail(fault::invalid_input,
          fmt::format("--from and --to name different partitions: {} is only "
                      "in one of them",
            p));
      if (!in_first || !in_last)
        continue;
      auto next = resolve(log, "--from", *first, part);
      if (!next)
        return std::unexpected(next.error());
      auto end = resolve(log, "--to", *last, part);
      if (!end)
        return std::unexpected(end.error());
      if (*end < *next && (begins || first->what == last->what))
        return fail(fault::invalid_input,
          fmt::format("the range ends before it begins: in {}/{} --from is {} "
                      "and --to is {}",
            topic.name, p, next->value, end->value));
      part.next = *next;
      part.end = std::max(*next, *end);
      parts.push_back(std::move(part));
    }
  return parts;
}

std::string position_text(const std::vector<replay_part>& parts, bool ends) {
  bool several = std::any_of(parts.begin(), parts.end(),
    [&](const replay_part& part) { return part.topic != parts[0].topic; });
  std::string text;
  for (auto& part : parts) {
    if (part.next >= part.end)
      continue;
    if (!text.empty())
      text += ',';
    if (several)
      text += part.topic.name + '/';
    text += fmt::format(
      "{}:{}", part.where.partition, (ends ? part.end : part.next).value);
  }
  return text;
}

} // namespace herald
