#include "actors/api/console_api.hpp"

#include "actors/api/archive_commands.hpp"
#include "actors/api/console_replay.hpp"
#include "actors/api/console_topics.hpp"
#include "actors/api/http_api.hpp"
#include "engine/log/retention.hpp"
#include "engine/log/verify.hpp"
#include "protocol/batch/partitioner.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <charconv>
#include <deque>
#include <map>
#include <thread>
#include <utility>

namespace herald {

namespace {

using json = nlohmann::ordered_json;

using words = console_words;

constexpr std::size_t events_default = 20;
constexpr std::size_t events_max = 1'000;
constexpr std::size_t verify_problems_max = 100;

json error(std::string_view code, const std::string& message) {
  return console_error(code, message);
}

json answer(json what) {
  return console_answer(std::move(what));
}

json error(const failure& why) {
  return console_error(why);
}

/// The value of "--limit N", within bounds; also takes the words away.
result<std::size_t> take_limit(
  words& arguments, std::size_t otherwise = events_default) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] != "--limit")
      continue;
    std::size_t limit = 0;
    auto text = i + 1 < arguments.size() ? arguments[i + 1] : "";
    auto parsed
      = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()
      || limit < 1 || limit > events_max)
      return fail(fault::invalid_input,
        fmt::format("--limit needs a number from 1 to {}", events_max));
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i),
      arguments.begin() + static_cast<std::ptrdiff_t>(i) + 2);
    return limit;
  }
  return otherwise;
}

// -- status -------------------------------------------------------------------

json log_status(const node_services& node) {
  auto usage = node.log->usage();
  auto counts = node.writer->counts();
  json status{{"state", "ok"}, {"incarnation", node.log->incarnation()},
    {"clusterId", node.log->cluster_id()}, {"commits", counts.commits},
    {"batches", counts.batches}, {"records", counts.records},
    {"waitingBatches", counts.waiting_batches}, {"usedBytes", usage.used_bytes},
    {"fileBytes", usage.file_bytes}};
  if (auto failed = node.log->failed())
    status["state"] = "stopped: " + failed->message;
  else if (auto trouble = node.writer->trouble())
    status["state"] = "refuses writes: " + trouble->message;
  return status;
}

json retention_status(const node_services& node) {
  auto totals = node.keeping->totals();
  json waits = json::array();
  for (auto& hold : node.keeping->holds())
    waits.push_back({{"topic", hold.topic}, {"partition", hold.partition},
      {"follower", hold.follower}, {"at", hold.at.value},
      {"wanted", hold.wanted.value}});
  return {{"batchesDeleted", totals.batches_deleted},
    {"bytesDeleted", totals.bytes_deleted},
    {"recordsCompacted", totals.records_compacted},
    {"failures", totals.partitions_failed}, {"waitsFor", std::move(waits)}};
}

json gateway_status_of(const node_services& node) {
  if (!node.gateway)
    return {{"state", "off: no API key is configured"}};
  auto status = node.gateway->status();
  return {{"state", status.stopped.empty() ? "on" : status.stopped},
    {"players", status.players}, {"resolved", status.resolved},
    {"waitingMatches", status.waiting_matches}, {"calls", status.calls},
    {"errors", status.errors}, {"rateLimited", status.rate_limited}};
}

json status(const node_services& node, words&) {
  auto up = node.time->steady_now() - node.started;
  auto feed = node.feed->counts();
  json views = json::array();
  for (auto& follower : node.followers->status())
    views.push_back({{"name", follower.name}, {"lag", follower.lag},
      {"applied", follower.applied},
      {"state", follower.stopped ? follower.stopped->message : "following"}});
  json unknown = json::object();
  for (auto& [path, count] : node.unknown->report())
    unknown[path] = count;
  auto& in = *node.ingestion;
  return answer({{"name", node.configuration->node.name},
    {"version", HERALD_VERSION},
    {"upSeconds", std::chrono::duration_cast<std::chrono::seconds>(up).count()},
    {"matches", node.matches->match_count()},
    {"live", node.matches->live_count()},
    {"documents",
      {{"accepted", in.accepted->value()}, {"duplicate", in.duplicate->value()},
        {"refused", in.refused->value()}}},
    {"log", log_status(node)}, {"retention", retention_status(node)},
    {"views", std::move(views)}, {"gateway", gateway_status_of(node)},
    {"feed",
      {{"connections", feed.connections}, {"subscriptions", feed.subscriptions},
        {"frames", feed.frames}, {"lagging", feed.lagging}}},
    {"restarts", node.tree->restarts()},
    {"unknownProperties", std::move(unknown)}});
}

// -- topics and events --------------------------------------------------------

/// The latest events of a topic, oldest first, as CloudEvents.
result<json> latest_events(
  const node_services& node, const topic_info& topic, std::size_t limit) {
  std::multimap<std::int64_t, json> latest;
  for (std::uint32_t p = 0; p < topic.partitions; ++p) {
    partition_id where{topic.number, p};
    auto end = node.log->committed_end(where);
    auto from = std::max(node.log->log_start(where),
      offset{end.value > limit ? end.value - limit : 0});
    auto read = for_each_record(*node.log, where, from, end,
      [&](const record_view& record) -> result<void> {
        if (latest.size() >= limit
          && record.timestamp_ms < latest.begin()->first)
          return {};
        auto event = cloud_event(*node.log, *node.codec, topic, p, record);
        if (!event)
          return std::unexpected(event.error());
        latest.emplace(record.timestamp_ms, json::parse(*event));
        if (latest.size() > limit)
          latest.erase(latest.begin());
        return {};
      });
    if (!read)
      return std::unexpected(read.error());
  }
  json rows = json::array();
  for (auto& [time, event] : latest)
    rows.push_back(std::move(event));
  return rows;
}

json events(const node_services& node, words& arguments) {
  auto limit = take_limit(arguments);
  if (!limit)
    return error(limit.error());
  std::erase(arguments, "--topic");
  auto name = arguments.empty() ? std::string{"match"} : arguments.front();
  auto topic = node.log->find_topic(name);
  if (!topic)
    return error("not_found",
      "there is no topic '" + name + "'; 'topics' lists those that there are");
  auto rows = latest_events(node, *topic, *limit);
  return rows ? answer(std::move(*rows)) : error(rows.error());
}

json dead_letters(const node_services& node, words& arguments) {
  auto limit = take_limit(arguments);
  if (!limit)
    return error(limit.error());
  auto topic = node.log->find_topic("dead-letter");
  auto letters = latest_events(node, *topic, *limit);
  if (!letters)
    return error(letters.error());
  json rows = json::array();
  for (auto& letter : *letters) {
    json row{{"time", letter["time"]}};
    for (auto* member :
      {"matchId", "rule", "pointer", "reason", "source", "principal"})
      row[member] = letter["data"].value(member, "");
    row["raw"] = letter.value("causation", "");
    row["id"] = letter["id"];
    rows.push_back(std::move(row));
  }
  return answer(std::move(rows));
}

// -- matches ------------------------------------------------------------------

json matches(const node_services& node, words& arguments) {
  auto limit = take_limit(arguments, events_max);
  if (!limit)
    return error(limit.error());
  auto list
    = node.matches->list(arguments.empty() ? "" : arguments.front(), *limit);
  if (!list)
    return error(list.error());
  json rows = json::array();
  for (auto& entry : *list) {
    json row;
    for (auto* member : {"matchId", "state", "gameMode", "gameTime",
           "blueKills", "redKills", "goldDifference", "winner", "updatedAt"})
      row[member] = entry.value(member, nlohmann::json{});
    rows.push_back(std::move(row));
  }
  return answer(std::move(rows));
}

json match(const node_services& node, words& arguments) {
  if (arguments.size() != 1)
    return error("invalid_input", "'match' needs one match id");
  auto state = node.matches->state(arguments.front());
  if (!state)
    return error(state.error());
  json shown = json::parse(state->first.dump());
  shown["partition"] = partition_of(
    arguments.front(), node.log->find_topic("match")->partitions);
  shown["nextOffset"] = state->second.value;
  return answer(std::move(shown));
}

json actors(const node_services& node, words&) {
  json rows = json::array();
  for (auto& actor : node.tree->report())
    rows.push_back({{"actor", actor.path}, {"state", actor.state},
      {"restarts", actor.restarts}, {"lastFailure", actor.last_failure}});
  return answer(std::move(rows));
}

// -- verify -------------------------------------------------------------------

/// Reads the whole log, a piece at a time, and lets others go first.
json verify(const node_services& node, words&) {
  verify_settings settings;
  settings.carries_schemas = holds_events;
  settings.problems_max = verify_problems_max;
  settings.pause = [&node] {
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
    return !*node.stopping;
  };
  auto report = verify_open_log(*node.log, settings);
  if (!report)
    return error(report.error());
  json told{{"sound", report->problems.empty()}, {"topics", report->topics},
    {"partitions", report->partitions}, {"batches", report->batches},
    {"records", report->records}, {"bytes", report->bytes},
    {"schemas", report->schemas}};
  told["problems"] = json::array();
  for (auto& problem : report->problems)
    told["problems"].push_back(
      {{"topic", problem.topic}, {"partition", problem.partition},
        {"offset", problem.at.value}, {"what", problem.what}});
  if (report->problems_left_off > 0)
    told["problemsLeftOff"] = report->problems_left_off;
  told["skipped"] = {"pages, vault and views: 'herald verify' looks at them "
                     "when the node has stopped"};
  return answer(std::move(told));
}

/// A command that answers with a JSON text of its own.
template <auto Command>
json told_by(const node_services& node, words& arguments) {
  auto told = Command(node, arguments);
  return told ? answer(json::parse(*told)) : error(told.error());
}

// -- snapshots ----------------------------------------------------------------

std::string iso_time(std::int64_t ms) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(ms / 1000),
    std::max<std::int64_t>(ms % 1000, 0));
}

/// Why some state may stand in its snapshot alone, if so.
std::optional<std::string> reason_to_keep_snapshots(const event_log& log) {
  for (auto* name : {"match", "player"}) {
    auto topic = log.find_topic(name);
    for (std::uint32_t p = 0; topic && p < topic->partitions; ++p) {
      partition_id where{topic->number, p};
      if (log.log_start(where) > offset{0} || log.has_gaps(where))
        return fmt::format(
          "retention has removed events of {}/{}: what followed from them may "
          "be known to snapshots alone, so they are kept",
          name, p);
    }
  }
  return std::nullopt;
}

json delete_snapshots(const node_services& node, const words& arguments) {
  if (arguments.size() != 2 || arguments.back() != "--yes")
    return error("invalid_input",
      "'snapshots delete' deletes all snapshots; aggregates come back from "
      "the log until there are new ones. If that is meant: 'snapshots delete "
      "--yes'");
  if (auto reason = reason_to_keep_snapshots(*node.log))
    return error("conflict", *reason);
  auto deleted = node.snapshots->clear();
  return deleted ? answer({{"deleted", *deleted}}) : error(deleted.error());
}

json snapshots(const node_services& node, words& arguments) {
  if (!arguments.empty() && arguments.front() == "delete")
    return delete_snapshots(node, arguments);
  if (!arguments.empty())
    return error(
      "invalid_input", "'snapshots' takes no argument, or 'delete --yes'");
  auto usage = node.snapshots->usage();
  if (!usage)
    return error(usage.error());
  auto counts = node.snapshots->counts();
  json told{{"count", usage->count}, {"bytes", usage->bytes},
    {"oldest", nullptr}, {"taken", counts.taken}, {"used", counts.used},
    {"refused", counts.refused}};
  if (usage->oldest_ms)
    told["oldest"] = iso_time(*usage->oldest_ms);
  return answer(std::move(told));
}

json replay(
  const node_services& node, const words& arguments, control_stream& more) {
  auto told = replay_for_console(node, arguments, more);
  return told ? answer(std::move(*told)) : error(told.error());
}

json unknown_command(const std::string& name) {
  return error("unknown_command",
    "there is no command '" + name + "'; 'help' lists those that there are");
}

json help(const node_services&, words& arguments) {
  json rows = json::array();
  auto add = [&](std::string_view command, std::string_view what) {
    if (arguments.empty()
      || command.substr(0, command.find(' ')) == arguments.front())
      rows.push_back({{"command", command}, {"what", what}});
  };
  add("status", "what the node is doing, and what is wrong");
  add("topics", "topics with their partitions and records");
  add("topics create NAME [--partitions N] [--set K=V]...",
    "make a topic, with settings under Kafka's names");
  add("topics alter NAME [--set K=V]... [--unset K]...",
    "change settings of a topic");
  add("topics describe NAME", "settings and partitions of a topic");
  add("topics delete NAME --yes", "delete a topic with all its records");
  add("events [TOPIC] [--limit N]", "the latest events of a topic (match)");
  add(
    "matches [live|finished|aborted] [--limit N]", "matches, live ones first");
  add("match ID", "the state of one match");
  add("actors", "the supervision tree, with restarts");
  add("dead-letters [--limit N]", "documents that were refused, and why");
  add("verify", "read the whole log and say what is wrong with it");
  add("archive [--topic T] [--before MONTH|DAY]",
    "move records that are older into segment files");
  add("archive list", "the segment files");
  add("archive detach FILE", "take the oldest segment out of the log");
  add("archive attach FILE", "put a segment back in front");
  add("backup FOLDER [--rate BYTES/S]", "back everything up");
  add("task [stop]", "how far archiving or the backup is");
  add("snapshots [delete --yes]",
    "stored states of matches and players; deleting them changes no state");
  add("replay --topic T --from P [--to Q] [--rate N] [--match ID] --into "
      "jsonl|feed",
    "show events again; P and Q: PARTITION:OFFSET, an offset, a time, "
    "earliest, latest");
  add("replay --into view:NAME [--rate N] [--compare | --as COPY --from P --to "
      "Q]",
    "make a view again from the log while the old one answers");
  add("replay list", "the copies that replays have made");
  add("replay delete COPY --yes", "delete such a copy");
  add("help [COMMAND]", "this list, or what a command takes");
  add("quit", "leave the prompt");
  if (rows.empty())
    return unknown_command(arguments.front());
  return answer(std::move(rows));
}

} // namespace

std::string answer_console(
  const node_services& services, std::string_view line, control_stream& more) {
  static const std::map<std::string, json (*)(const node_services&, words&)>
    commands{{"status", status}, {"topics", answer_topics}, {"events", events},
      {"matches", matches}, {"match", match}, {"actors", actors},
      {"dead-letters", dead_letters}, {"archive", told_by<archive_command>},
      {"backup", told_by<backup_command>}, {"task", told_by<task_command>},
      {"snapshots", snapshots}, {"verify", verify}, {"help", help}};
  auto request = json::parse(line, nullptr, false);
  json told;
  if (!request.is_object() || !request.contains("command")
    || !request["command"].is_string()) {
    told = error("invalid_input",
      "a request is {\"command\": text, \"arguments\": [text]}");
  } else {
    auto name = request["command"].get<std::string>();
    words arguments;
    if (request.contains("arguments") && request["arguments"].is_array())
      for (auto& word : request["arguments"])
        if (word.is_string())
          arguments.push_back(word.get<std::string>());
    // COMMAND --help is help COMMAND.
    if (std::ranges::find(arguments, "--help") != arguments.end())
      arguments = {std::exchange(name, "help")};
    auto found = commands.find(name);
    services.matches->wait(services.matches->log_ends());
    if (name == "replay")
      told = replay(services, arguments, more);
    else if (found != commands.end())
      told = found->second(services, arguments);
    else
      told = unknown_command(name);
  }
  return told.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace herald
