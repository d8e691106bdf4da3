#include "engine/log/topic_settings.hpp"

#include "protocol/batch/record_batch.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <limits>
#include <utility>
#include <vector>

namespace herald {

namespace {

// By name, so that find() can halve.
constexpr std::array settings_known{
  setting_info{
    "cleanup.policy", "delete", "delete, compact, or both with a comma"},
  setting_info{"compression.type", "producer",
    "producer: batches stay as their producer compressed them"},
  setting_info{"delete.retention.ms", "86400000", "a duration"},
  setting_info{"file.delete.delay.ms", "60000", "a duration", false},
  setting_info{"flush.messages", "9223372036854775807", "a number", false},
  setting_info{"flush.ms", "9223372036854775807", "a duration", false},
  setting_info{"herald.retention.state", "",
    "a state and how long records are kept after it, such as "
    "\"closed + 90 d\", or nothing"},
  setting_info{"index.interval.bytes", "4096", "a size", false},
  setting_info{
    "max.compaction.lag.ms", "9223372036854775807", "a duration", false},
  setting_info{"max.message.bytes", "1048588", "a size of 1 B to 24 MiB"},
  setting_info{"message.downconversion.enable", "true", "true or false", false},
  setting_info{"message.format.version", "3.0-IV1", "a version", false},
  setting_info{"message.timestamp.after.max.ms", "9223372036854775807",
    "a duration", false},
  setting_info{"message.timestamp.before.max.ms", "9223372036854775807",
    "a duration", false},
  setting_info{"message.timestamp.difference.max.ms", "9223372036854775807",
    "a duration", false},
  setting_info{
    "message.timestamp.type", "CreateTime", "CreateTime or LogAppendTime"},
  setting_info{"min.cleanable.dirty.ratio", "0.5", "a number from 0 to 1"},
  setting_info{"min.compaction.lag.ms", "0", "a duration"},
  setting_info{"min.insync.replicas", "1", "a number", false},
  setting_info{"preallocate", "false", "true or false", false},
  setting_info{
    "retention.bytes", "-1", "a size of one partition, or -1 for any"},
  setting_info{"retention.ms", "-1", "a duration, or -1 for ever"},
  setting_info{"segment.bytes", "1073741824", "a size", false},
  setting_info{"segment.index.bytes", "10485760", "a size", false},
  setting_info{"segment.jitter.ms", "0", "a duration", false},
  setting_info{"segment.ms", "604800000", "a duration", false},
  setting_info{
    "unclean.leader.election.enable", "false", "true or false", false},
};

static_assert(std::ranges::is_sorted(settings_known, {}, &setting_info::name));

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<unit, 5> duration_units{{{"ms", 1}, {"s", 1'000},
  {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<unit, 5> size_units{{{"B", 1}, {"KiB", 1ull << 10},
  {"MiB", 1ull << 20}, {"GiB", 1ull << 30}, {"TiB", 1ull << 40}}};

// A number of at most what a signed 64 bits hold, as all of Kafka's are.
std::optional<std::uint64_t> number_in(std::string_view& text) {
  std::uint64_t number = 0;
  auto [end, error]
    = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}
    || number > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
    return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

result<std::uint64_t> parse_quantity(
  std::string_view text, const std::array<unit, 5>& units) {
  auto rest = text.substr(0, 64);
  auto number = number_in(rest);
  auto unit_at = units.begin();
  if (number && !rest.empty()) {
    if (rest.starts_with(' '))
      rest.remove_prefix(1);
    unit_at = std::ranges::find(units, rest, &unit::name);
  }
  if (!number || unit_at == units.end()
    || *number > std::uint64_t{std::numeric_limits<std::int64_t>::max()}
        / unit_at->factor) {
    std::vector<std::string_view> names;
    for (auto& one : units)
      names.push_back(one.name);
    return fail(fault::invalid_input,
      fmt::format("a whole number, alone ({}) or with a unit: {}",
        units.front().name, fmt::join(names, ", ")));
  }
  return *number * unit_at->factor;
}

// What the value means as a plain text, or nothing when it means nothing.
std::optional<std::string> plain(
  const setting_info& setting, std::string_view value) {
  auto allowed = setting.allowed;
  auto one_of = [&](std::initializer_list<std::string_view> values) {
    return std::ranges::find(values, value) != values.end()
      ? std::optional{std::string{value}}
      : std::nullopt;
  };
  if (allowed == "true or false")
    return one_of({"true", "false"});
  if (setting.name == "message.timestamp.type")
    return one_of({"CreateTime", "LogAppendTime"});
  if (setting.name == "compression.type")
    return one_of({"producer"});
  if (setting.name == "message.format.version")
    return !value.empty() && value.size() <= 32
        && value.find_first_not_of("0123456789.-IV") == value.npos
      ? std::optional{std::string{value}}
      : std::nullopt;
  if (value == "-1" && setting.name.starts_with("retention."))
    return "-1";
  if (allowed.starts_with("a duration")) {
    auto duration = parse_duration_ms(value);
    return duration ? std::optional{std::to_string(*duration)} : std::nullopt;
  }
  if (allowed.starts_with("a size")) {
    auto size = parse_size_bytes(value);
    return size ? std::optional{std::to_string(*size)} : std::nullopt;
  }
  if (allowed == "a number") {
    auto rest = value;
    auto number = number_in(rest);
    return number && rest.empty() ? std::optional{std::string{value}}
                                  : std::nullopt;
  }
  return std::string{value};
}

// "delete", "compact", or both in any order.
bool read_policy(std::string_view value, bool& deletes, bool& compacts) {
  deletes = compacts = false;
  for (;;) {
    auto comma = value.find(',');
    auto one = value.substr(0, comma);
    while (one.starts_with(' '))
      one.remove_prefix(1);
    while (one.ends_with(' '))
      one.remove_suffix(1);
    auto* which = one == "delete" ? &deletes
      : one == "compact"          ? &compacts
                                  : nullptr;
    if (!which || std::exchange(*which, true))
      return false;
    if (comma == value.npos)
      return true;
    value.remove_prefix(comma + 1);
  }
}

// "closed + 90 d".
std::optional<state_retention> read_state(std::string_view value) {
  auto plus = value.find('+');
  if (plus == value.npos)
    return std::nullopt;
  auto state = value.substr(0, plus);
  auto duration = value.substr(plus + 1);
  while (state.ends_with(' '))
    state.remove_suffix(1);
  while (duration.starts_with(' '))
    duration.remove_prefix(1);
  auto for_ms = parse_duration_ms(duration);
  if (!for_ms || state.empty() || state.size() > 32
    || state.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") != state.npos)
    return std::nullopt;
  return state_retention{std::string{state}, *for_ms};
}

std::string shown(std::string_view text) {
  std::string out;
  for (unsigned char c : text.substr(0, 100))
    if (c < 0x20 || c >= 0x7f)
      out += fmt::format("\\x{:02x}", c);
    else
      out += static_cast<char>(c);
  return out;
}

std::unexpected<failure> unknown(std::string_view name) {
  std::vector<std::string_view> names;
  for (auto& setting : settings_known)
    names.push_back(setting.name);
  return fail(fault::invalid_input,
    fmt::format("topics have no setting '{}'; allowed: {}", shown(name),
      fmt::join(names, ", ")));
}

} // namespace

result<std::int64_t> parse_duration_ms(std::string_view text) {
  auto parsed = parse_quantity(text, duration_units);
  if (!parsed)
    return fail(fault::invalid_input,
      fmt::format("'{}' is not a duration; allowed: {}", shown(text),
        parsed.error().message));
  return static_cast<std::int64_t>(*parsed);
}

result<std::uint64_t> parse_size_bytes(std::string_view text) {
  auto parsed = parse_quantity(text, size_units);
  if (!parsed)
    return fail(fault::invalid_input,
      fmt::format("'{}' is not a size; allowed: {}", shown(text),
        parsed.error().message));
  return *parsed;
}

std::span<const setting_info> topic_settings::known() {
  return settings_known;
}

const setting_info* topic_settings::find(std::string_view name) {
  auto at
    = std::ranges::lower_bound(settings_known, name, {}, &setting_info::name);
  return at != settings_known.end() && at->name == name ? &*at : nullptr;
}

std::string topic_settings::get(std::string_view name) const {
  if (auto at = given_.find(name); at != given_.end())
    return at->second;
  auto* setting = find(name);
  assert(setting && "no such setting");
  return std::string{setting->fallback};
}

result<void> topic_settings::set(
  std::string_view name, std::string_view value) {
  auto* setting = find(name);
  if (!setting)
    return unknown(name);
  auto text = plain(*setting, value);
  auto changed = *this;
  if (!text || !changed.adopt(name, *text)) {
    std::string units;
    if (setting->allowed.starts_with("a duration"))
      units = " (milliseconds, or with a unit: ms, s, min, h, d)";
    else if (setting->allowed.starts_with("a size"))
      units = " (bytes, or with a unit: B, KiB, MiB, GiB, TiB)";
    return fail(fault::invalid_input,
      fmt::format("{} cannot be '{}'; allowed: {}{}", name, shown(value),
        setting->allowed, units));
  }
  changed.given_.insert_or_assign(std::string{name}, std::move(*text));
  *this = std::move(changed);
  return {};
}

result<void> topic_settings::unset(std::string_view name) {
  auto* setting = find(name);
  if (!setting)
    return unknown(name);
  [[maybe_unused]] auto fine = adopt(name, setting->fallback);
  assert(fine);
  given_.erase(std::string{name});
  return {};
}

result<void> topic_settings::apply(std::span<const setting_change> changes) {
  auto changed = *this;
  for (auto& change : changes)
    if (auto done = change.value ? changed.set(change.name, *change.value)
                                 : changed.unset(change.name);
      !done)
      return done;
  *this = std::move(changed);
  return {};
}

// Takes the plain text into the members that mean something.
result<void> topic_settings::adopt(
  std::string_view name, std::string_view value) {
  auto wrong = [&] { return fail(fault::invalid_input, std::string{value}); };
  auto number = std::int64_t{-1};
  std::from_chars(value.data(), value.data() + value.size(), number);
  if (name == "cleanup.policy") {
    if (!read_policy(value, deletes_, compacts_))
      return wrong();
  } else if (name == "retention.ms") {
    retention_ms_ = number < 0 ? std::nullopt : std::optional{number};
  } else if (name == "retention.bytes") {
    retention_bytes_ = number < 0
      ? std::nullopt
      : std::optional{static_cast<std::uint64_t>(number)};
  } else if (name == "herald.retention.state") {
    auto state = read_state(value);
    if (!state && !value.empty())
      return wrong();
    retention_state_ = std::move(state);
  } else if (name == "max.message.bytes") {
    if (number < 1 || number > std::int64_t{message_bytes_bound})
      return wrong();
    max_message_bytes_ = static_cast<std::size_t>(number);
  } else if (name == "message.timestamp.type") {
    log_append_time_ = value == "LogAppendTime";
  } else if (name == "min.compaction.lag.ms") {
    min_compaction_lag_ms_ = number;
  } else if (name == "delete.retention.ms") {
    delete_retention_ms_ = number;
  } else if (name == "min.cleanable.dirty.ratio") {
    double ratio = -1;
    auto [end, error]
      = std::from_chars(value.data(), value.data() + value.size(), ratio);
    if (error != std::errc{} || end != value.data() + value.size()
      || !(ratio >= 0 && ratio <= 1))
      return wrong();
    min_cleanable_dirty_ratio_ = ratio;
  }
  return {};
}

result<void> check_at_door(
  const topic_settings& settings, const batch_view& batch) {
  if (batch.size_bytes() > settings.max_message_bytes())
    return fail(fault::too_large,
      fmt::format("the batch has {} bytes, more than the topic's "
                  "max.message.bytes of {}",
        batch.size_bytes(), settings.max_message_bytes()));
  if (!settings.compacts())
    return {};
  std::uint32_t index = 0;
  std::optional<std::uint32_t> keyless;
  auto read = batch.for_each([&](const record_view& record) {
    if (!record.key) {
      keyless = index;
      return false;
    }
    ++index;
    return true;
  });
  if (!read)
    return read;
  if (keyless)
    return fail(fault::invalid_input,
      fmt::format("record {} of the batch has no key, which a topic with "
                  "cleanup.policy=compact needs",
        *keyless));
  return {};
}

} // namespace herald
