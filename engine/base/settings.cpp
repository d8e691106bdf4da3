#include "engine/base/settings.hpp"

#include "engine/base/json_text.hpp"
#include "engine/base/limits.hpp"
#include "engine/log/topic_settings.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>

namespace herald {

namespace {

using names = std::vector<std::string_view>;

constexpr std::array<std::string_view, 18> platforms{"br1", "eun1", "euw1",
  "jp1", "kr", "la1", "la2", "me1", "na1", "oc1", "pbe1", "ph2", "ru", "sg2",
  "th2", "tr1", "tw2", "vn2"};

// Words for messages.

std::string printable(std::string_view text) {
  std::string out;
  append_printable(out, text.substr(0, 200));
  return out;
}

std::string joined(const names& list) {
  return fmt::format("{}", fmt::join(list, ", "));
}

/// Letters to insert, delete, replace or swap with their neighbour until one
/// is the other (optimal string alignment).
std::size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<std::vector<std::size_t>> cost(
    left.size() + 1, std::vector<std::size_t>(right.size() + 1));
  for (std::size_t i = 0; i <= left.size(); ++i)
    for (std::size_t j = 0; j <= right.size(); ++j) {
      auto& here = cost[i][j];
      here = std::max(i, j);
      if (i == 0 || j == 0)
        continue;
      bool same = left[i - 1] == right[j - 1];
      here = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1,
        cost[i - 1][j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && left[i - 1] == right[j - 2]
        && left[i - 2] == right[j - 1])
        here = std::min(here, cost[i - 2][j - 2] + 1);
    }
  return cost[left.size()][right.size()];
}

/// "; did you mean 'x'?" for a name that somebody may have mistyped. Of two
/// that are equally near, the one with the same first letter.
std::string hint(std::string_view given, const names& known) {
  given = given.substr(0, 64);
  std::string_view best;
  std::pair<std::size_t, bool> least{
    std::numeric_limits<std::size_t>::max(), true};
  for (auto name : known) {
    std::pair<std::size_t, bool> distance{
      edit_distance(given, name), !given.starts_with(name[0])};
    if (distance < least) {
      least = distance;
      best = name;
    }
  }
  if (least.first > std::max<std::size_t>(2, best.size() / 3)
    || least.first >= given.size())
    return {};
  return fmt::format("; did you mean '{}'?", best);
}

// Values with units.

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<unit, 5> size_units{{{"B", 1}, {"KiB", 1ull << 10},
  {"MiB", 1ull << 20}, {"GiB", 1ull << 30}, {"TiB", 1ull << 40}}};
constexpr std::array<unit, 4> duration_units{
  {{"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}}};

template <std::size_t N>
std::string unit_names(const std::array<unit, N>& units) {
  names list;
  for (auto& one : units)
    list.push_back(one.name);
  return joined(list);
}

/// "64 MiB" as a number of the smallest unit, or what is wrong with it.
template <std::size_t N>
std::expected<std::uint64_t, std::string> parse_quantity(
  std::string_view text, const std::array<unit, N>& units) {
  std::uint64_t number = 0;
  auto [end, error]
    = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{})
    return std::unexpected(
      fmt::format("'{}' does not start with a whole number", printable(text)));
  std::string_view rest{end, text.data() + text.size()};
  if (rest.starts_with(' '))
    rest.remove_prefix(1);
  for (auto& one : units) {
    if (rest != one.name)
      continue;
    if (number > std::numeric_limits<std::uint64_t>::max() / one.factor)
      return std::unexpected(fmt::format("'{}' is too large", printable(text)));
    return number * one.factor;
  }
  names list;
  for (auto& one : units)
    list.push_back(one.name);
  if (rest.empty())
    return std::unexpected(fmt::format(
      "'{}' has no unit; allowed: {}", printable(text), joined(list)));
  return std::unexpected(fmt::format("unknown unit '{}' in '{}'{} Allowed: {}",
    printable(rest), printable(text), hint(rest, list), joined(list)));
}

template <std::size_t N>
std::string to_text(std::uint64_t value, const std::array<unit, N>& units) {
  auto best = units.front();
  for (auto& one : units)
    if (value != 0 && value % one.factor == 0)
      best = one;
  return fmt::format("{} {}", value / best.factor, best.name);
}

// Values that are texts with rules. Each answers with what is wrong.

using complaint = std::optional<std::string>;

bool consists_of(std::string_view text, std::string_view extra) {
  return std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
      || (c >= '0' && c <= '9') || extra.find(c) != extra.npos;
  });
}

complaint check_node_name(std::string_view text) {
  if (text.empty() || text.size() > 63 || !consists_of(text, ".-_"))
    return "allowed: 1 to 63 letters, digits, '.', '-' and '_'";
  return {};
}

/// "name" or "name:port", as in a Host header.
complaint check_host(std::string_view text) {
  auto fine = text;
  if (auto colon = text.rfind(':');
    colon != text.npos && !text.ends_with(']')) {
    auto port = text.substr(colon + 1);
    if (port.empty() || port.size() > 5
      || port.find_first_not_of("0123456789") != port.npos)
      return fmt::format("'{}' is not a host name", printable(text));
    fine = text.substr(0, colon);
  }
  if (fine.empty() || fine.size() > 253 || !consists_of(fine, ".-[]:"))
    return fmt::format(
      "'{}' is not a host name; allowed: \"herald.example\" or "
      "\"herald.example:8480\", exactly as browsers send it in Host, "
      "without wildcards",
      printable(text));
  return {};
}

complaint check_origin(std::string_view text) {
  auto rest = text;
  if (rest.starts_with("https://"))
    rest.remove_prefix(8);
  else if (rest.starts_with("http://"))
    rest.remove_prefix(7);
  else
    rest = {};
  if (rest.empty() || check_host(rest))
    return fmt::format(
      "'{}' is not an origin; allowed: \"https://herald.example\" or "
      "\"http://127.0.0.1:5173\", exactly as browsers send it in Origin, "
      "without path and wildcards",
      printable(text));
  return {};
}

/// A key in clear text must not leave the machine.
complaint check_base_url(std::string_view text) {
  auto placeholder = text;
  for (auto at = placeholder.find('{'); at != placeholder.npos;
    at = placeholder.find('{')) {
    placeholder.remove_prefix(at);
    if (!placeholder.starts_with("{route}"))
      return "the only placeholder is {route}";
    placeholder.remove_prefix(7);
  }
  if (text.find_first_of(" \t\r\n?#") != text.npos)
    return fmt::format(
      "'{}' is not a base URL: no spaces, '?' or '#'", printable(text));
  if (text.starts_with("https://") && text.size() > 8)
    return {};
  for (std::string_view local :
    {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
    auto next = text.substr(std::min(local.size(), text.size()));
    if (text.starts_with(local)
      && (next.empty() || next[0] == ':' || next[0] == '/'))
      return {};
  }
  return fmt::format("'{}' is not allowed: an https URL, or an http URL on "
                     "127.0.0.1, localhost or [::1], since the key must not "
                     "travel in clear text",
    printable(text));
}

std::expected<followed_riot_id, std::string> parse_player(
  std::string_view text) {
  auto at = text.rfind('@');
  auto hash = text.substr(0, at == text.npos ? 0 : at).rfind('#');
  if (at == text.npos || hash == text.npos || hash == 0 || hash + 1 == at
    || text.size() > 128)
    return std::unexpected(
      fmt::format("'{}' is not a player; allowed: \"Name#TAG@platform\", such "
                  "as \"Name#TAG@euw1\"",
        printable(text)));
  followed_riot_id id{std::string(text.substr(0, hash)),
    std::string(text.substr(hash + 1, at - hash - 1)),
    std::string(text.substr(at + 1))};
  names known{platforms.begin(), platforms.end()};
  if (std::find(known.begin(), known.end(), id.platform) == known.end())
    return std::unexpected(fmt::format("unknown platform '{}' in '{}'{} "
                                       "Allowed: {}",
      printable(id.platform), printable(text), hint(id.platform, known),
      joined(known)));
  return id;
}

// Reading tables.

/// Collects what is wrong with the file, so that one look shows all of it.
class complaints {
public:
  explicit complaints(std::string file) : file_(std::move(file)) {}

  void add(toml::source_index line, std::string text) {
    found_.emplace_back(line, std::move(text));
  }

  bool empty() const { return found_.empty(); }

  /// One line each: "config.toml:12: ...", in the order of the file.
  std::string text() {
    std::stable_sort(found_.begin(), found_.end(),
      [](auto& a, auto& b) { return a.first < b.first; });
    std::string out;
    for (auto& [line, what] : found_)
      out += fmt::format(
        "{}{}:{}: {}", out.empty() ? "" : "\n", file_, line, what);
    return out;
  }

private:
  std::string file_;
  std::vector<std::pair<toml::source_index, std::string>> found_;
};

/// Takes the keys of one section out of its table. Each member asks for one
/// key; `finish` complains about those that nobody asked for.
class section {
public:
  section(const toml::table& root, std::string_view name, complaints& wrong)
    : title_(fmt::format("[{}]", name)), wrong_(wrong) {
    auto* node = root.get(name);
    if (!node)
      return;
    table_ = node->as_table();
    if (!table_)
      wrong_.add(node->source().begin.line,
        fmt::format("{} must be a section, not a value", title_));
  }

  section(const toml::table* table, std::string title, complaints& wrong)
    : table_(table), title_(std::move(title)), wrong_(wrong) {}

  template <std::size_t N>
  void quantity(std::string_view key, const std::array<unit, N>& units,
    std::uint64_t least, std::uint64_t most, std::uint64_t& out) {
    auto* node = find(key);
    if (!node)
      return;
    auto range
      = fmt::format("{} to {}", to_text(least, units), to_text(most, units));
    auto* text = node->as_string();
    if (!text)
      return complain(key, node,
        fmt::format("must be a text with a unit, such as \"{}\"; allowed: {} "
                    "({})",
          to_text(out, units), range, unit_names(units)));
    auto value = parse_quantity(text->get(), units);
    if (!value)
      return complain(key, node, value.error());
    if (*value < least || *value > most)
      return complain(key, node,
        fmt::format("'{}' is out of range; allowed: {}", text->get(), range));
    out = *value;
  }

  void size(std::string_view key, std::uint64_t least, std::uint64_t most,
    std::uint64_t& out) {
    quantity(key, size_units, least, most, out);
  }

  void duration(std::string_view key, std::uint64_t least_ms,
    std::uint64_t most_ms, std::chrono::milliseconds& out) {
    auto ms = static_cast<std::uint64_t>(out.count());
    quantity(key, duration_units, least_ms, most_ms, ms);
    out = std::chrono::milliseconds(ms);
  }

  void number(std::string_view key, std::uint32_t least, std::uint32_t most,
    std::uint32_t& out) {
    auto* node = find(key);
    if (!node)
      return;
    auto* value = node->as_integer();
    if (!value || value->get() < least || value->get() > most)
      return complain(key, node,
        fmt::format("must be a whole number; allowed: {} to {}", least, most));
    out = static_cast<std::uint32_t>(value->get());
  }

  void flag(std::string_view key, bool& out) {
    auto* node = find(key);
    if (!node)
      return;
    auto* value = node->as_boolean();
    if (!value)
      return complain(key, node, "must be true or false");
    out = value->get();
  }

  template <class T>
  void choice(std::string_view key,
    std::initializer_list<std::pair<std::string_view, T>> known, T& out) {
    names list;
    for (auto& [name, value] : known)
      list.push_back(name);
    auto* node = find(key);
    if (!node)
      return;
    auto* text = node->as_string();
    if (!text)
      return complain(
        key, node, fmt::format("must be one of the texts {}", joined(list)));
    for (auto& [name, value] : known)
      if (text->get() == name) {
        out = value;
        return;
      }
    complain(key, node,
      fmt::format("unknown value '{}'{} Allowed: {}", printable(text->get()),
        hint(text->get(), list), joined(list)));
  }

  /// `read` takes the text over, or answers with what is wrong with it.
  void text(std::string_view key,
    const std::function<complaint(const std::string&)>& read) {
    auto* node = find(key);
    if (!node)
      return;
    auto* text = node->as_string();
    if (!text)
      return complain(key, node, "must be a text in quotes");
    if (auto why = read(text->get()))
      complain(key, node, *why);
  }

  void texts(std::string_view key, std::size_t most,
    const std::function<complaint(const std::string&)>& read) {
    auto* node = find(key);
    if (!node)
      return;
    auto* list = node->as_array();
    if (!list)
      return complain(
        key, node, "must be a list of texts, such as [\"...\", \"...\"]");
    if (list->size() > most)
      return complain(key, node, fmt::format("has more than {} entries", most));
    for (auto& entry : *list) {
      auto* text = entry.as_string();
      auto why = text ? read(text->get())
                      : complaint("every entry must be a text in quotes");
      if (why)
        complain(key, &entry, *why);
    }
  }

  void finish() {
    if (!table_)
      return;
    for (auto& [key, value] : *table_) {
      if (std::find(asked_.begin(), asked_.end(), key.str()) != asked_.end())
        continue;
      wrong_.add(key.source().begin.line,
        fmt::format("{} has no key '{}'{} Allowed: {}", title_,
          printable(key.str()), hint(key.str(), asked_), joined(asked_)));
    }
  }

private:
  const toml::node* find(std::string_view key) {
    asked_.push_back(key);
    return table_ ? table_->get(key) : nullptr;
  }

  void complain(
    std::string_view key, const toml::node* node, const std::string& why) {
    wrong_.add(
      node->source().begin.line, fmt::format("{} {}: {}", title_, key, why));
  }

  const toml::table* table_ = nullptr;
  std::string title_;
  complaints& wrong_;
  names asked_;
};

// The sections.

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t gib = 1024 * mib;
constexpr std::uint64_t day_ms = 24ull * 3'600'000;

using source_path = std::filesystem::path;

source_path from_folder_of(const source_path& file, const std::string& path) {
  return (file.parent_path() / path).lexically_normal();
}

/// For texts that become a value when nothing is wrong with them.
auto into(std::string& out, complaint (*check)(std::string_view)) {
  return [&out, check](const std::string& text) {
    auto why = check(text);
    if (!why)
      out = text;
    return why;
  };
}

auto into(std::vector<std::string>& out, complaint (*check)(std::string_view)) {
  return [&out, check](const std::string& text) {
    auto why = check(text);
    if (!why)
      out.push_back(text);
    return why;
  };
}

void read_node(const toml::table& root, complaints& wrong, node_settings& out) {
  section node(root, "node", wrong);
  node.text("name", into(out.name, check_node_name));
  node.choice<log_format>("log_format",
    {{"human", log_format::human}, {"json", log_format::json}}, out.log_format);
  node.choice<log_level>("log_level",
    {{"debug", log_level::debug}, {"info", log_level::info},
      {"warning", log_level::warning}, {"error", log_level::error}},
    out.log_level);
  node.finish();
}

void read_storage(const toml::table& root, const source_path& file,
  complaints& wrong, storage_settings& out) {
  section storage(root, "storage", wrong);
  storage.text("data_folder", [&](const std::string& text) -> complaint {
    if (text.empty())
      return "must name a folder";
    out.data_folder = from_folder_of(file, text);
    return {};
  });
  storage.size("map_step_bytes", mib, 64 * gib, out.map_step_bytes);
  storage.size("reserve_bytes", 0, 1024 * gib, out.reserve_bytes);
  storage.size(
    "commit_batch_bytes", 64 * kib, 256 * mib, out.commit_batch_bytes);
  storage.choice<write_failure>("on_write_failure",
    {{"read", write_failure::read_on}, {"exit", write_failure::exit}},
    out.on_write_failure);
  storage.finish();
}

void read_edge(const toml::table& root, complaints& wrong, edge_settings& out) {
  section edge(root, "edge", wrong);
  edge.text("listen", [&](const std::string& text) -> complaint {
    auto listen = parse_listen_address(text);
    if (!listen)
      return listen.error().message;
    out.listen = *listen;
    return {};
  });
  edge.number("threads", 1, 64, out.threads);
  edge.number("max_connections", 16, 100'000, out.max_connections);
  edge.size("max_document_bytes", 64 * kib, 64 * mib, out.max_document_bytes);
  edge.size("outbox_bytes", 64 * kib, 256 * mib, out.outbox_bytes);
  edge.texts("hosts", 64, into(out.hosts, check_host));
  edge.texts("origins", 64, into(out.origins, check_origin));
  edge.finish();
}

void read_kafka(
  const toml::table& root, complaints& wrong, kafka_settings& out) {
  section kafka(root, "kafka", wrong);
  kafka.text("listen", [&](const std::string& text) -> complaint {
    out.listen.reset();
    if (text.empty())
      return {};
    auto listen = parse_listen_address(text);
    if (!listen)
      return listen.error().message;
    out.listen = *listen;
    return {};
  });
  kafka.number("threads", 1, 64, out.threads);
  kafka.number("max_connections", 16, 100'000, out.max_connections);
  kafka.size("max_request_bytes", 1 * mib, 1024 * mib, out.max_request_bytes);
  kafka.flag("create_topics", out.create_topics);
  kafka.number("default_partitions", 1, 1024, out.default_partitions);
  kafka.finish();
}

void read_riot(const toml::table& root, const source_path& file,
  complaints& wrong, riot_settings& out) {
  section riot(root, "riot", wrong);
  riot.text("base_url", into(out.base_url, check_base_url));
  riot.text("api_key_file", [&](const std::string& text) -> complaint {
    if (!text.empty())
      out.api_key_file = from_folder_of(file, text);
    return {};
  });
  riot.text("project", into(out.project, check_node_name));
  riot.texts("players", 10'000, [&](const std::string& text) -> complaint {
    auto player = parse_player(text);
    if (!player)
      return player.error();
    auto& all = out.players;
    if (std::find(all.begin(), all.end(), *player) != all.end())
      return fmt::format("'{}' is there twice", printable(text));
    all.push_back(std::move(*player));
    return {};
  });
  riot.duration("matches_interval", 100, day_ms, out.matches_interval);
  riot.duration("live_interval", 100, day_ms, out.live_interval);
  riot.finish();
}

void read_snapshots(
  const toml::table& root, complaints& wrong, snapshot_settings& out) {
  section snapshots(root, "snapshots", wrong);
  snapshots.number("events", 1, 10'000'000, out.events);
  snapshots.size("bytes", 4 * kib, 1 * gib, out.bytes);
  snapshots.duration("replay_time", 1, 60'000, out.replay_time);
  snapshots.finish();
}

/// The settings of a topic, whose names have dots: with quotes they are one
/// key, without they are tables in tables.
void read_topic_settings(const toml::table& table, const std::string& prefix,
  const std::string& title, complaints& wrong, declared_topic& out) {
  for (auto& [key, value] : table) {
    auto name = prefix + std::string(key.str());
    auto line = key.source().begin.line;
    if (prefix.empty() && (name == "partitions" || name == "ingest"))
      continue;
    if (auto* inner = value.as_table()) {
      read_topic_settings(*inner, name + ".", title, wrong, out);
      continue;
    }
    names known{"partitions", "ingest"};
    for (auto& setting : topic_settings::known())
      known.push_back(setting.name);
    if (!topic_settings::find(name)) {
      wrong.add(line,
        fmt::format("{} has no key '{}'{} Allowed: {}", title, printable(name),
          hint(name, known), joined(known)));
      continue;
    }
    std::string text;
    if (auto* texts = value.as_string())
      text = texts->get();
    else if (auto* number = value.as_integer())
      text = std::to_string(number->get());
    else if (auto* flag = value.as_boolean())
      text = flag->get() ? "true" : "false";
    else {
      wrong.add(line,
        fmt::format(
          "{} {}: must be a text, a whole number, true or false", title, name));
      continue;
    }
    topic_settings checked;
    if (auto fine = checked.set(name, text); !fine)
      wrong.add(line, fmt::format("{} {}", title, fine.error().message));
    else
      out.settings[name] = text;
  }
}

bool is_kafka_topic_name(std::string_view name) {
  return !name.empty() && name.size() <= 249 && name != "." && name != ".."
    && consists_of(name, "._-");
}

void read_topic(const toml::table& table, const std::string& name, bool own,
  complaints& wrong, declared_topic& out) {
  auto title = fmt::format("[topics.{}]", name);
  section topic(&table, title, wrong);
  topic.number("partitions", 1, 1024, out.partitions);
  topic.flag("ingest", out.ingest);
  if (own && out.ingest)
    wrong.add(table.source().begin.line,
      fmt::format("{} ingest: '{}' is Herald's own topic, which clients cannot "
                  "write to",
        title, name));
  read_topic_settings(table, "", title, wrong, out);
}

void read_topics(const toml::table& root, complaints& wrong, settings& out) {
  auto* node = root.get("topics");
  if (!node)
    return;
  auto* topics = node->as_table();
  if (!topics)
    return wrong.add(node->source().begin.line,
      "[topics] must hold sections such as [topics.match]");
  names known;
  for (auto& [name, value] : out.topics)
    known.push_back(name);
  for (auto& [key, value] : *topics) {
    auto line = key.source().begin.line;
    std::string name{key.str()};
    auto own = std::find(known.begin(), known.end(), key.str()) != known.end();
    auto* table = value.as_table();
    if (own && !table) {
      wrong.add(
        line, fmt::format("[topics.{}] must be a section, not a value", name));
      continue;
    }
    // So that a mistyped name does not make a topic.
    if (!own && (!table || !table->contains("ingest"))) {
      wrong.add(line,
        fmt::format("[topics] has no topic '{}'{} Allowed: {}. A name with a "
                    "dot is written in quotes: [topics.\"riot.raw\"]; a topic "
                    "of your own says ingest = true",
          printable(name), hint(name, known), joined(known)));
      continue;
    }
    if (!own
      && (!is_kafka_topic_name(name) || name.starts_with("_")
        || name == "audit")) {
      wrong.add(line,
        fmt::format("'{}' cannot name a topic of your own: 1 to 249 letters, "
                    "digits, '.', '_' and '-', not with '_' first, and not "
                    "'audit', which is Herald's",
          printable(name)));
      continue;
    }
    read_topic(*table, name, own, wrong, out.topics[name]);
  }
}

void read_retention(
  const toml::table& root, complaints& wrong, retention_section& out) {
  section retention(root, "retention", wrong);
  retention.duration("interval", 100, day_ms, out.interval);
  retention.finish();
}

void check_sections(const toml::table& root, complaints& wrong) {
  names known{"node", "storage", "edge", "kafka", "riot", "retention",
    "snapshots", "topics"};
  for (auto& [key, value] : root) {
    if (std::find(known.begin(), known.end(), key.str()) != known.end())
      continue;
    wrong.add(key.source().begin.line,
      fmt::format("there is no section [{}]{} Allowed: {}",
        printable(key.str()), hint(key.str(), known), joined(known)));
  }
}

/// A small file whole; `most` bounds it.
result<std::string> read_file(
  int descriptor, const source_path& file, std::size_t most, fault code) {
  std::string text(most + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    auto got = ::read(descriptor, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return fail(code,
        fmt::format("cannot read {}: {}", file.string(), std::strerror(errno)));
    if (got == 0)
      break;
    size += static_cast<std::size_t>(got);
  }
  if (size > most)
    return fail(fault::configuration,
      fmt::format("{} is longer than {} bytes", file.string(), most));
  text.resize(size);
  return text;
}

struct open_file {
  explicit open_file(const source_path& file)
    : descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {}
  ~open_file() {
    if (descriptor >= 0)
      ::close(descriptor);
  }
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  int descriptor;
};

} // namespace

result<listen_address> parse_listen_address(std::string_view text) {
  auto wrong = [&](std::string_view why) {
    return fail(fault::configuration,
      fmt::format("'{}' {}; allowed: ADDRESS:PORT such as \"127.0.0.1:8480\" "
                  "or \"[::1]:8480\", port 0 to 65535 (0 picks a free one)",
        printable(text), why));
  };
  auto colon = text.rfind(':');
  if (colon == text.npos)
    return wrong("has no port");
  auto port_text = text.substr(colon + 1);
  auto address = text.substr(0, colon);
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(
    port_text.data(), port_text.data() + port_text.size(), port);
  if (error != std::errc{} || end != port_text.data() + port_text.size())
    return wrong("has no valid port");
  if (address == "localhost")
    address = "127.0.0.1";
  bool bracketed
    = address.size() > 2 && address.front() == '[' && address.back() == ']';
  if (bracketed)
    address = address.substr(1, address.size() - 2);
  std::string plain{address};
  in_addr four{};
  in6_addr six{};
  bool loopback = false;
  if (!bracketed && inet_pton(AF_INET, plain.c_str(), &four) == 1)
    loopback = ntohl(four.s_addr) >> 24 == 127;
  else if (bracketed && inet_pton(AF_INET6, plain.c_str(), &six) == 1)
    loopback = IN6_IS_ADDR_LOOPBACK(&six);
  else
    return wrong("does not start with an IP address");
  if (!loopback)
    return wrong("is not an address of loopback: until Herald knows who is "
                 "asking, it serves this machine alone");
  return listen_address{std::move(plain), port};
}

result<secret> load_key_file(const std::filesystem::path& file) {
  auto wrong = [&](std::string_view why) {
    return fail(fault::configuration,
      fmt::format("the key file {} {}", file.string(), why));
  };
  open_file opened(file);
  if (opened.descriptor < 0)
    return wrong(fmt::format("cannot be opened: {}", std::strerror(errno)));
  struct stat status{};
  if (::fstat(opened.descriptor, &status) != 0 || !S_ISREG(status.st_mode))
    return wrong("is not a regular file");
  if (status.st_mode & 077)
    return wrong(fmt::format(
      "can be read or written by others (mode {:04o}); run: chmod 600 {}",
      status.st_mode & 07777, file.string()));
  auto text = read_file(
    opened.descriptor, file, limits::key_file_bytes, fault::configuration);
  if (!text)
    return std::unexpected(text.error());
  auto first = text->find_first_not_of(" \t\r\n");
  if (first == text->npos)
    return wrong("is empty");
  auto key = text->substr(first, text->find_last_not_of(" \t\r\n") - first + 1);
  // It becomes a header, so a line feed in it would be a second header.
  if (std::any_of(key.begin(), key.end(),
        [](unsigned char c) { return c <= ' ' || c >= 0x7f; }))
    return wrong("must hold the key alone, on one line");
  return secret(std::move(key));
}

result<settings> parse_settings(
  std::string_view text, const std::filesystem::path& file) {
  complaints wrong(file.string());
  toml::table root;
  try {
    root = toml::parse(text, file.string());
  } catch (const toml::parse_error& error) {
    wrong.add(error.source().begin.line,
      fmt::format("not TOML: {}", printable(error.description())));
    return fail(fault::configuration, wrong.text());
  }
  settings out;
  check_sections(root, wrong);
  read_node(root, wrong, out.node);
  read_storage(root, file, wrong, out.storage);
  read_edge(root, wrong, out.edge);
  read_kafka(root, wrong, out.kafka);
  read_riot(root, file, wrong, out.riot);
  read_retention(root, wrong, out.retention);
  read_snapshots(root, wrong, out.snapshots);
  read_topics(root, wrong, out);
  if (!wrong.empty())
    return fail(fault::configuration, wrong.text());
  return out;
}

result<settings> load_settings(const std::filesystem::path& file) {
  open_file opened(file);
  if (opened.descriptor < 0)
    return fail(fault::io,
      fmt::format("cannot open the configuration {}: {}", file.string(),
        std::strerror(errno)));
  auto text = read_file(
    opened.descriptor, file, limits::settings_file_bytes, fault::io);
  if (!text)
    return std::unexpected(text.error());
  auto out = parse_settings(*text, file);
  if (!out || !out->riot.api_key_file)
    return out;
  auto key = load_key_file(*out->riot.api_key_file);
  if (!key)
    return fail(fault::configuration,
      fmt::format(
        "{}: [riot] api_key_file: {}", file.string(), key.error().message));
  out->riot.api_key = std::move(*key);
  return out;
}

} // namespace herald
