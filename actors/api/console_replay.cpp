#include "actors/api/console_replay.hpp"

#include "actors/api/http_api.hpp"
#include "actors/projections.hpp"
#include "actors/replay/feed_replay.hpp"
#include "actors/replay/replay.hpp"
#include "engine/console/control_socket.hpp"
#include "engine/store/view_build.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace herald {

namespace {

using json = nlohmann::ordered_json;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::string_view view_prefix = "view:";
constexpr std::size_t copy_name_bytes_max = 64;
// Records per second, so that a replay leaves the machine to those who are
// served meanwhile.
constexpr std::uint64_t rate_unless_said = 20'000;
constexpr std::uint64_t rate_max = 100'000'000;

/// What was asked for, as written.
struct request {
  std::optional<std::string> topic, from, to, into, match, copy;
  std::uint64_t rate = rate_unless_said;
  bool compare = false;
};

result<request> parse(const std::vector<std::string>& words) {
  request asked;
  std::optional<std::string> rate;
  const std::pair<std::string_view, std::optional<std::string>*> options[]{
    {"--topic", &asked.topic}, {"--from", &asked.from}, {"--to", &asked.to},
    {"--into", &asked.into}, {"--match", &asked.match}, {"--as", &asked.copy},
    {"--rate", &rate}};
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--compare") {
      asked.compare = true;
      continue;
    }
    auto known = std::find_if(std::begin(options), std::end(options),
      [&](auto& option) { return option.first == words[i]; });
    if (known == std::end(options))
      return fail(fault::invalid_input,
        fmt::format("'replay' has no option '{}'; there are --topic, --from, "
                    "--to, --into, --rate, --match, --as and --compare",
          words[i]));
    if (i + 1 == words.size())
      return fail(
        fault::invalid_input, fmt::format("{} needs a value", words[i]));
    if (*known->second)
      return fail(
        fault::invalid_input, fmt::format("{} is there twice", words[i]));
    *known->second = words[++i];
  }
  if (!asked.into)
    return fail(fault::invalid_input,
      "--into says where the events go: jsonl, feed or view:NAME");
  if (rate) {
    auto [end, error]
      = std::from_chars(rate->data(), rate->data() + rate->size(), asked.rate);
    if (error != std::errc{} || end != rate->data() + rate->size()
      || asked.rate == 0 || asked.rate > rate_max)
      return fail(fault::invalid_input,
        fmt::format("--rate is a number of records per second from 1 to {}; "
                    "without it, {}",
          rate_max, rate_unless_said));
  }
  return asked;
}

/// The topic of that name, or what there is.
result<topic_info> topic_of(
  const node_services& node, const std::string& name) {
  if (auto topic = node.log->find_topic(name))
    return *topic;
  std::string names;
  for (auto& known : node.log->topics())
    names += (names.empty() ? "" : ", ") + known.name;
  return fail(fault::not_found,
    fmt::format("there is no topic '{}'; there are {}", name, names));
}

std::unexpected<failure> is_at_work(std::string_view what) {
  return fail(fault::busy,
    fmt::format("{} is being made already; wait for it or stop it", what));
}

json progress_line(const replay_progress& now, const std::string& position) {
  return {{"progress",
    {{"records", now.records}, {"total", now.total}, {"position", position}}}};
}

/// `stand` is called now and then, so that what was passed can go.
replay_pace pace_of(const node_services& node, const request& asked,
  control_stream& more, std::function<void()> stand,
  std::function<std::string()> position) {
  replay_pace pace;
  pace.rate = asked.rate;
  pace.now = [&node] { return node.time->steady_now(); };
  pace.wait
    = [&more](std::chrono::milliseconds time) { return more.wait(time); };
  pace.progress
    = [&more, stand = std::move(stand), position = std::move(position)](
        const replay_progress& now) {
        stand();
        more.send(progress_line(now, position()).dump());
      };
  return pace;
}

// -- into jsonl and feed ------------------------------------------------------

/// What is shown of a record: whether it counts.
using shower
  = std::function<result<bool>(const replay_part&, const record_view&)>;

result<json> show_range(const node_services& node, const request& asked,
  const topic_info& topic, replay_desk::place place, control_stream& more,
  const shower& show) {
  if (!asked.from)
    return fail(fault::invalid_input,
      "--from says where the replay begins, such as earliest, 3:100 or "
      "2026-01-31T18:00:00Z");
  auto range = resolve_range(
    *node.log, {topic}, *asked.from, asked.to.value_or("latest"));
  if (!range)
    return std::unexpected(range.error());
  auto& parts = *range;
  auto stand = [&parts, &place] {
    for (auto& part : parts)
      if (part.next < part.end)
        place.stands_at(part.where, part.next);
      else
        place.is_through(part.where);
  };
  stand();
  auto pace = pace_of(
    node, asked, more, stand, [&parts] { return position_text(parts); });
  replay_clock clock{pace, records_left(parts)};
  auto done = replay(*node.log, parts, clock,
    [&](const replay_part& part, const record_view& record) -> result<bool> {
      if (asked.match && record.key != *asked.match)
        return false;
      return show(part, record);
    });
  if (!done)
    return fail(done.error().code,
      fmt::format("{} (the replay stands at --from {})", done.error().message,
        position_text(parts)));
  clock.report();
  json told{
    {"stopped", !*done}, {"records", clock.passed()}, {"shown", clock.shown()}};
  if (!*done && records_left(parts) > 0) {
    told["position"] = position_text(parts);
    told["to"] = position_text(parts, true);
  }
  return told;
}

result<json> into_jsonl(
  const node_services& node, const request& asked, control_stream& more) {
  if (!asked.topic)
    return fail(fault::invalid_input, "--topic says what is replayed");
  auto topic = topic_of(node, *asked.topic);
  if (!topic)
    return std::unexpected(topic.error());
  return show_range(node, asked, *topic, node.replays->join("jsonl"), more,
    [&](const replay_part& part, const record_view& record) -> result<bool> {
      auto event = cloud_event(
        *node.log, *node.codec, part.topic, part.where.partition, record);
      if (!event)
        return std::unexpected(event.error());
      more.send(">" + *event);
      return true;
    });
}

result<json> into_feed(
  const node_services& node, const request& asked, control_stream& more) {
  if (asked.topic.value_or("match") != "match")
    return fail(fault::invalid_input,
      "only the topic match has a feed; leave --topic out or say match");
  auto place = node.replays->take("feed");
  if (!place)
    return fail(fault::busy,
      "another replay feeds its subscribers; wait for its end or stop it");
  auto topic = topic_of(node, "match");
  if (!topic)
    return std::unexpected(topic.error());
  feed_replay feed{
    *node.index, *node.codec, *node.feed, [&] { return more.wait(1ms); }};
  std::uint64_t watched = 0;
  auto told = show_range(node, asked, *topic, std::move(*place), more,
    [&](const replay_part& part, const record_view& record) -> result<bool> {
      auto shown = feed.show(part, record);
      watched += shown.value_or(false) ? 1 : 0;
      // Whoever comes later finds it at its pace, so nobody's counts, too.
      return shown ? result<bool>{true} : shown;
    });
  feed.end();
  if (told)
    (*told)["shown"] = watched;
  return told;
}

// -- into a view --------------------------------------------------------------

/// The places of all partitions of a build, also of those that are done.
std::string build_position(const view_build& build) {
  auto& parts = build.parts();
  bool several = std::any_of(parts.begin(), parts.end(),
    [&](auto& part) { return part.at.topic != parts.front().at.topic; });
  std::string text;
  for (auto& part : parts)
    text += fmt::format("{}{}{}:{}", text.empty() ? "" : ",",
      several ? part.at.topic + "/" : "", part.at.where.partition,
      part.at.next.value);
  return text;
}

std::uint64_t records_left(const view_build& build) {
  std::uint64_t sum = 0;
  for (auto& part : build.parts())
    if (part.at.next < part.end)
      sum += part.end.value - part.at.next.value;
  return sum;
}

/// Steps until nothing is left and `last` says that it was the end. The answer
/// says whether it was stopped before.
result<json> run_build(const node_services& node, const request& asked,
  view_build& build, replay_desk::place& place, control_stream& more,
  const std::function<result<bool>()>& last) {
  // Also where all is read: more may come before it ends.
  auto stand = [&] {
    for (auto& part : build.parts())
      place.stands_at(part.at.where, part.at.next);
  };
  stand();
  auto pace = pace_of(
    node, asked, more, stand, [&build] { return build_position(build); });
  replay_clock clock{pace, records_left(build)};
  bool stopped = more.wait(0ms);
  while (!stopped) {
    auto count = build.step();
    if (!count)
      return std::unexpected(count.error());
    if (*count > 0) {
      stopped = !clock.advance(*count, *count);
      continue;
    }
    auto ended = last();
    if (!ended)
      return std::unexpected(ended.error());
    if (*ended)
      break;
    stopped = more.wait(0ms);
  }
  clock.report();
  json told{{"stopped", stopped}, {"records", clock.passed()}};
  if (stopped)
    told["position"] = build_position(build);
  return told;
}

result<projection*> view_of(
  const std::vector<projection*>& views, std::string_view name) {
  std::string names;
  for (auto* view : views) {
    if (view->name() == name)
      return view;
    names += (names.empty() ? "" : ", ") + std::string{view->name()};
  }
  return fail(fault::not_found,
    fmt::format("there is no view '{}'; there are {}", name, names));
}

/// The topics of the view that the request is about.
result<std::vector<topic_info>> topics_of(
  const node_services& node, const request& asked, const projection& view) {
  std::vector<topic_info> topics;
  std::string names;
  for (auto& name : view.topics()) {
    names += (names.empty() ? "" : ", ") + name;
    if (asked.topic.value_or(name) != name)
      continue;
    if (auto topic = node.log->find_topic(name))
      topics.push_back(*topic);
  }
  if (topics.empty())
    return fail(fault::invalid_input,
      fmt::format("the view {} is made from {}, not from {}", view.name(),
        names, asked.topic.value_or("?")));
  return topics;
}

json table_rows(const view_comparison& found) {
  json rows = json::array();
  for (auto& table : found.tables)
    rows.push_back({{"table", table.table}, {"equal", table.equal()},
      {"live", to_string(table.live)}, {"rebuilt", to_string(table.rebuilt)}});
  return rows;
}

/// Where an earlier build is to be taken up, or nothing for the beginning; a
/// failure for ranges from which no view can be made.
result<std::optional<build_positions>> resume_of(const request& asked,
  const projection& view, const std::vector<topic_info>& topics) {
  auto partial = [&](std::string_view what) {
    return fail(fault::invalid_input,
      fmt::format("{} is a part of the log, and the view {} made from it "
                  "would answer wrongly: leave it out to make the view from "
                  "the whole log, or fold the part into a copy with --as NAME",
        what, view.name()));
  };
  if (topics.size() != view.topics().size())
    return partial("--topic " + *asked.topic);
  if (asked.to.value_or("latest") != "latest")
    return partial("--to " + *asked.to);
  auto from = asked.from.value_or("earliest");
  if (from == "earliest")
    return std::nullopt;
  build_positions positions;
  for (auto& place : places_of(topics, from))
    positions.push_back({place.topic, {place.partition, place.at}});
  if (positions.empty())
    return partial("--from " + from);
  return positions;
}

result<json> make_again(const node_services& node, const request& asked,
  projection& view, const std::vector<topic_info>& topics,
  control_stream& more) {
  auto place = node.replays->take(*asked.into);
  if (!place)
    return is_at_work(*asked.into);
  auto resume = resume_of(asked, view, topics);
  if (!resume)
    return std::unexpected(resume.error());
  auto build = view_build::again(view, *node.log, *node.views, *resume);
  if (!build)
    return std::unexpected(build.error());
  std::optional<view_comparison> compared;
  auto told
    = run_build(node, asked, *build, *place, more, [&]() -> result<bool> {
        if (!asked.compare)
          return build->swap();
        auto found = build->compare();
        if (!found)
          return std::unexpected(found.error());
        compared = std::move(*found);
        return compared.has_value();
      });
  if (!told)
    return told;
  (*told)["view"] = view.name();
  if (compared) {
    (*told)["equal"] = compared->equal();
    (*told)["tables"] = table_rows(*compared);
  } else {
    (*told)["swapped"] = !(*told)["stopped"].get<bool>();
  }
  return told;
}

result<void> check_copy_name(const std::string& name) {
  auto fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'
      || c == '_';
  };
  if (name.empty() || name.size() > copy_name_bytes_max
    || !std::all_of(name.begin(), name.end(), fine))
    return fail(fault::invalid_input,
      fmt::format("'{}': a copy's name has 1 to {} of a-z, 0-9, '-' and '_'",
        name, copy_name_bytes_max));
  return {};
}

fs::path copies_folder(const node_services& node) {
  return node.log->data_folder() / "replays";
}

/// The right to work on a copy; none when another replay has it.
auto take_copy(const node_services& node, const std::string& name) {
  return node.replays->take("copy " + name);
}

result<json> make_copy(const node_services& node, const request& asked,
  projection& view, const std::vector<topic_info>& topics,
  control_stream& more) {
  if (auto fine = check_copy_name(*asked.copy); !fine)
    return std::unexpected(fine.error());
  if (asked.compare)
    return fail(fault::invalid_input,
      "--compare compares with the live view, which a copy never replaces; "
      "leave --as out");
  auto range = resolve_range(*node.log, topics, asked.from.value_or("earliest"),
    asked.to.value_or("latest"));
  if (!range)
    return std::unexpected(range.error());
  std::vector<build_part> parts;
  for (auto& part : *range)
    parts.push_back({{part.where, key_of(part.topic, part.where.partition),
                       part.topic.name, part.next, part.next},
      part.end});
  auto place = take_copy(node, *asked.copy);
  if (!place)
    return is_at_work(*asked.copy);
  auto folder = copies_folder(node) / *asked.copy;
  auto store = view_store::open(folder);
  if (!store)
    return std::unexpected(store.error());
  auto build = view_build::copy(view, *node.log, **store, std::move(parts));
  if (!build)
    return std::unexpected(build.error());
  auto told = run_build(node, asked, *build, *place, more, [] { return true; });
  if (!told)
    return told;
  (*told)["view"] = view.name();
  (*told)["folder"] = folder.string();
  (*told)["position"] = build_position(*build);
  json rows = json::array();
  auto read = (*store)->read([&](const view_snapshot& views) -> result<void> {
    for (auto& table : view.tables())
      rows.push_back({{"table", table}, {"rows", views.count(table)},
        {"digest", to_string(views.digest(table))}});
    return {};
  });
  if (!read)
    return std::unexpected(read.error());
  (*told)["tables"] = std::move(rows);
  return told;
}

result<json> into_view(
  const node_services& node, const request& asked, control_stream& more) {
  if (asked.match)
    return fail(fault::invalid_input,
      "--match is for jsonl and feed: a view of one match would answer "
      "wrongly for the others");
  if (auto full = node.disk_trouble())
    return std::unexpected(*full);
  node_projections all{*node.codec};
  auto view = view_of(
    all.all(), std::string_view{*asked.into}.substr(view_prefix.size()));
  if (!view)
    return std::unexpected(view.error());
  auto topics = topics_of(node, asked, **view);
  if (!topics)
    return std::unexpected(topics.error());
  return asked.copy ? make_copy(node, asked, **view, *topics, more)
                    : make_again(node, asked, **view, *topics, more);
}

// -- copies -------------------------------------------------------------------

/// What the files below take; those that go meanwhile do not count.
std::uintmax_t bytes_below(const fs::path& folder) {
  std::uintmax_t bytes = 0;
  std::error_code error, gone;
  for (fs::recursive_directory_iterator each{folder, error}, end;
    !error && each != end; each.increment(error))
    if (each->is_regular_file(gone))
      if (auto size = each->file_size(gone); !gone)
        bytes += size;
  return bytes;
}

result<json> list_copies(const node_services& node) {
  json rows = json::array();
  auto folder = copies_folder(node);
  std::error_code error;
  for (fs::directory_iterator each{folder, error}, end; !error && each != end;
    each.increment(error))
    rows.push_back({{"copy", each->path().filename().string()},
      {"bytes", bytes_below(each->path())}});
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(fault::io,
      fmt::format("cannot list {}: {}", folder.string(), error.message()));
  return rows;
}

result<json> delete_copy(
  const node_services& node, const std::vector<std::string>& words) {
  if (words.empty() || words.front() == "--yes" || words.size() > 2
    || (words.size() == 2 && words.back() != "--yes"))
    return fail(fault::invalid_input,
      "'replay delete' needs the name of one copy, as 'replay list' has it, "
      "and --yes");
  auto& name = words.front();
  if (auto fine = check_copy_name(name); !fine)
    return std::unexpected(fine.error());
  auto place = take_copy(node, name);
  if (!place)
    return is_at_work(name);
  auto folder = copies_folder(node) / name;
  std::error_code error;
  if (!fs::exists(folder, error))
    return fail(fault::not_found,
      fmt::format("there is no copy '{}'; 'replay list' tells those that "
                  "there are",
        name));
  if (words.size() == 1)
    return fail(fault::invalid_input,
      fmt::format("this deletes the copy '{}' for good; say --yes", name));
  fs::remove_all(folder, error);
  if (error)
    return fail(fault::io,
      fmt::format("cannot delete {}: {}", folder.string(), error.message()));
  return json{{"deleted", name}};
}

} // namespace

result<json> replay_for_console(const node_services& node,
  const std::vector<std::string>& arguments, control_stream& more) {
  if (arguments == std::vector<std::string>{"list"})
    return list_copies(node);
  if (!arguments.empty() && arguments.front() == "delete")
    return delete_copy(node, {arguments.begin() + 1, arguments.end()});
  auto asked = parse(arguments);
  if (!asked)
    return std::unexpected(asked.error());
  if (asked->into->starts_with(view_prefix))
    return into_view(node, *asked, more);
  if (asked->compare || asked->copy)
    return fail(fault::invalid_input,
      "--compare and --as are for --into view:NAME alone");
  if (*asked->into == "jsonl")
    return into_jsonl(node, *asked, more);
  if (*asked->into == "feed")
    return into_feed(node, *asked, more);
  return fail(fault::invalid_input,
    fmt::format("--into is jsonl, feed or view:NAME, not '{}'", *asked->into));
}

} // namespace herald
