#include "actors/api/archive_commands.hpp"

#include "actors/api/long_task.hpp"
#include "engine/log/archive.hpp"
#include "engine/log/backup.hpp"
#include "engine/log/retention.hpp"
#include "engine/log/topic_settings.hpp"
#include "engine/store/vault.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <map>

namespace herald {

namespace {

namespace fs = std::filesystem;
namespace chrono = std::chrono;
using json = nlohmann::ordered_json;
using words = std::vector<std::string>;

constexpr std::size_t cuts_max = 1'200;

chrono::year_month month_of(std::int64_t time_ms) {
  chrono::year_month_day date{chrono::floor<chrono::days>(
    chrono::sys_time<chrono::milliseconds>{chrono::milliseconds{time_ms}})};
  return date.year() / date.month();
}

std::int64_t start_of(chrono::year_month_day date) {
  return chrono::duration_cast<chrono::milliseconds>(
    chrono::sys_days{date}.time_since_epoch())
    .count();
}

std::string text_of(const json& told) {
  return told.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// The values of "--name value" pairs, and the words without one.
struct parsed_words {
  std::map<std::string, std::string> options;
  words rest;
};

result<parsed_words> parse(const words& arguments, const words& known) {
  parsed_words parsed;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    auto& word = arguments[i];
    if (!word.starts_with("--")) {
      parsed.rest.push_back(word);
      continue;
    }
    if (std::ranges::find(known, word) == known.end())
      return fail(fault::invalid_input,
        fmt::format("there is no option '{}' here", word));
    if (i + 1 == arguments.size())
      return fail(fault::invalid_input, fmt::format("{} needs a value", word));
    parsed.options[word] = arguments[++i];
  }
  return parsed;
}

result<std::string> started(std::string_view name, result<std::uint64_t> id) {
  if (!id)
    return std::unexpected{std::move(id).error()};
  return text_of({{"task", *id}, {"started", name}});
}

// -- archive ------------------------------------------------------------------

/// Archives a partition up to a time, one month after the other.
result<void> archive_partition(event_log& log, const topic_info& topic,
  partition_id where, std::int64_t before_ms, long_task::handle& task,
  archived& sum, std::uint64_t& bytes) {
  auto place = fmt::format("{}/{}", topic.name, where.partition);
  auto first = log.read(where, log.live_start(where), 1);
  if (!first)
    return std::unexpected{std::move(first).error()};
  if (first->empty())
    return {};
  auto oldest = batch_view::parse_unchecked(first->front().batch);
  for (auto cut : month_cuts(oldest->base_timestamp_ms(), before_ms)) {
    auto up_to = log.offset_at_time(where, cut);
    if (!up_to)
      return std::unexpected{std::move(up_to).error()};
    archive_settings settings;
    settings.go_on = [&] { return task.report(bytes, 0, place); };
    auto did
      = log.archive(where, up_to->value_or(log.committed_end(where)), settings);
    if (!did)
      return std::unexpected{std::move(did).error()};
    for (auto& segment : did->segments) {
      bytes += segment.batch_bytes;
      sum.segments.push_back(segment);
    }
    sum.removed_batches += did->removed_batches;
    if (!did->finished)
      return fail(fault::unavailable,
        "archiving was stopped; the next time it goes on from there");
  }
  return {};
}

result<std::string> archive_topics(event_log& log,
  const std::vector<topic_info>& topics, std::int64_t before_ms,
  long_task::handle& task) {
  archived sum;
  std::uint64_t bytes = 0;
  for (auto& topic : topics)
    for (std::uint32_t i = 0; i < topic.partitions; ++i)
      if (auto done = archive_partition(
            log, topic, {topic.number, i}, before_ms, task, sum, bytes);
        !done)
        return std::unexpected{std::move(done).error()};
  std::uint64_t files = 0;
  for (auto& segment : sum.segments)
    files += segment.file_bytes;
  return text_of({{"segments", sum.segments.size()},
    {"batches", sum.removed_batches}, {"bytes", bytes}, {"fileBytes", files},
    {"before", date_text(before_ms)}});
}

bool is_archivable(const event_log& log, const topic_info& topic) {
  auto settings = log.settings_of(topic.number);
  if (!settings || settings->compacts() || topic.name == schemas_topic)
    return false;
  for (std::uint32_t i = 0; i < topic.partitions; ++i)
    if (log.has_gaps({topic.number, i}))
      return false;
  return true;
}

result<std::string> start_archiving(
  const node_services& node, const words& arguments) {
  auto parsed = parse(arguments, {"--topic", "--before"});
  if (!parsed)
    return std::unexpected{std::move(parsed).error()};
  if (!parsed->rest.empty())
    return fail(fault::invalid_input,
      fmt::format("'archive' knows list, detach and attach, not '{}'",
        parsed->rest.front()));
  auto month = month_of(node.time->now_ms());
  auto before = std::optional{start_of(month / 1)};
  if (auto given = parsed->options.find("--before");
    given != parsed->options.end()) {
    before = start_of_date(given->second);
    if (!before)
      return fail(fault::invalid_input,
        fmt::format("--before needs a month or a day, such as 2026-10 or "
                    "2026-10-31, not '{}'",
          given->second));
  }
  std::vector<topic_info> topics;
  if (auto given = parsed->options.find("--topic");
    given != parsed->options.end()) {
    auto topic = node.log->find_topic(given->second);
    if (!topic)
      return fail(
        fault::not_found, fmt::format("there is no topic '{}'", given->second));
    topics.push_back(*topic);
  } else {
    for (auto& topic : node.log->topics())
      if (is_archivable(*node.log, topic))
        topics.push_back(topic);
  }
  return started("archive",
    node.task->start("archive",
      [log = node.log, topics, before = *before](long_task::handle& task) {
        return archive_topics(*log, topics, before, task);
      }));
}

/// Attached segments, and files that lie beside them.
result<std::string> list_segments(const node_services& node) {
  json rows = json::array();
  auto& log = *node.log;
  auto folder = log.data_folder() / "archive";
  std::vector<std::string> attached;
  for (auto& topic : log.topics())
    for (std::uint32_t i = 0; i < topic.partitions; ++i)
      for (auto& segment : log.segments({topic.number, i})) {
        attached.push_back(segment.file);
        rows.push_back(
          {{"file", segment.file}, {"topic", topic.name}, {"partition", i},
            {"first", segment.first.value}, {"next", segment.next.value},
            {"records", segment.records}, {"from", date_text(segment.first_ms)},
            {"to", date_text(segment.last_ms)}, {"bytes", segment.batch_bytes},
            {"fileBytes", segment.file_bytes}, {"state", "attached"}});
      }
  std::error_code error;
  for (fs::recursive_directory_iterator each{folder, error}, end;
    !error && each != end; each.increment(error)) {
    auto file = each->path().lexically_relative(folder).string();
    if (each->path().extension() == ".segment"
      && std::ranges::find(attached, file) == attached.end())
      rows.push_back({{"file", file}, {"fileBytes", each->file_size(error)},
        {"state", "detached"}});
  }
  return text_of(rows);
}

result<std::string> detach(const node_services& node, const words& files) {
  if (files.size() != 1)
    return fail(fault::invalid_input,
      "'archive detach' needs one file, as 'archive list' names it");
  if (auto done = node.keeping->detach(files.front(), "console"); !done)
    return std::unexpected{std::move(done).error()};
  return text_of({{"detached", files.front()},
    {"path", (node.log->data_folder() / "archive" / files.front()).string()}});
}

result<std::string> attach(const node_services& node, const words& files) {
  if (files.size() != 1)
    return fail(fault::invalid_input, "'archive attach' needs one file");
  auto segment = node.log->attach_segment(files.front());
  if (!segment)
    return std::unexpected{std::move(segment).error()};
  return text_of({{"attached", segment->file}, {"first", segment->first.value},
    {"next", segment->next.value}, {"records", segment->records}});
}

} // namespace

std::optional<std::int64_t> start_of_date(std::string_view text) {
  auto number = [&](std::size_t from, std::size_t size) -> std::optional<int> {
    int value = 0;
    auto part = text.substr(from, size);
    auto read = std::from_chars(part.data(), part.data() + part.size(), value);
    if (read.ec != std::errc{} || read.ptr != part.data() + part.size()
      || part.size() != size)
      return std::nullopt;
    return value;
  };
  if ((text.size() != 7 && text.size() != 10) || text[4] != '-'
    || (text.size() == 10 && text[7] != '-'))
    return std::nullopt;
  auto year = number(0, 4);
  auto month = number(5, 2);
  auto day = text.size() == 10 ? number(8, 2) : std::optional{1};
  if (!year || !month || !day || *month < 1 || *day < 1)
    return std::nullopt;
  chrono::year_month_day date{chrono::year{*year},
    chrono::month{static_cast<unsigned>(*month)},
    chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok())
    return std::nullopt;
  return start_of(date);
}

std::vector<std::int64_t> month_cuts(std::int64_t from_ms, std::int64_t to_ms) {
  std::vector<std::int64_t> cuts;
  if (from_ms < to_ms) {
    auto month = month_of(from_ms) + chrono::months{1};
    while (start_of(month / 1) < to_ms && cuts.size() + 1 < cuts_max) {
      cuts.push_back(start_of(month / 1));
      month += chrono::months{1};
    }
  }
  cuts.push_back(to_ms);
  return cuts;
}

std::string date_text(std::int64_t time_ms) {
  chrono::sys_time<chrono::milliseconds> time{chrono::milliseconds{time_ms}};
  auto day = chrono::floor<chrono::days>(time);
  chrono::year_month_day date{day};
  chrono::hh_mm_ss clock{chrono::floor<chrono::seconds>(time - day)};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
    static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
    static_cast<unsigned>(date.day()), clock.hours().count(),
    clock.minutes().count(), clock.seconds().count());
}

result<std::string> archive_command(
  const node_services& node, const words& arguments) {
  if (!arguments.empty()) {
    words rest{arguments.begin() + 1, arguments.end()};
    if (arguments.front() == "list")
      return list_segments(node);
    if (arguments.front() == "detach")
      return detach(node, rest);
    if (arguments.front() == "attach")
      return attach(node, rest);
  }
  return start_archiving(node, arguments);
}

// -- backup -------------------------------------------------------------------

result<std::string> backup_command(
  const node_services& node, const words& arguments) {
  auto parsed = parse(arguments, {"--rate"});
  if (!parsed)
    return std::unexpected{std::move(parsed).error()};
  if (parsed->rest.size() != 1)
    return fail(fault::invalid_input, "'backup' needs one folder");
  fs::path folder = parsed->rest.front();
  if (!folder.is_absolute())
    return fail(fault::invalid_input,
      fmt::format("'{}' must be an absolute path: the node may run elsewhere",
        folder.string()));
  backup_settings settings;
  if (auto given = parsed->options.find("--rate");
    given != parsed->options.end()) {
    auto rate = parse_size_bytes(given->second);
    if (!rate || *rate == 0)
      return fail(fault::invalid_input,
        fmt::format("--rate needs bytes per second, such as 20000000 or "
                    "\"20 MiB\", not '{}'",
          given->second));
    settings.bytes_per_second = *rate;
  }
  auto* people = node.people;
  settings.copy_vault
    = [people](const fs::path& to) { return people->copy_to(to); };
  auto work = [log = node.log, folder, settings](
                long_task::handle& task) mutable -> result<std::string> {
    settings.on_progress = [&](const backup_progress& now) {
      return task.report(now.bytes, now.bytes_total);
    };
    auto made = back_up(*log, folder, settings);
    if (!made)
      return std::unexpected{std::move(made).error()};
    json positions = json::array();
    for (auto& at : made->positions)
      if (at.end > offset{0})
        positions.push_back({{"topic", at.topic}, {"partition", at.partition},
          {"start", at.start.value}, {"end", at.end.value}});
    return text_of({{"folder", folder.string()}, {"files", made->files},
      {"bytes", made->bytes}, {"records", made->records},
      {"positions", std::move(positions)}});
  };
  return started("backup", node.task->start("backup", std::move(work)));
}

// -- task ---------------------------------------------------------------------

result<std::string> task_command(
  const node_services& node, const words& arguments) {
  if (arguments == words{"stop"}) {
    if (!node.task->cancel())
      return fail(fault::not_found, "nothing is running");
    return text_of({{"stopping", true}});
  }
  if (!arguments.empty())
    return fail(fault::invalid_input, "'task' knows 'stop' alone");
  auto status = node.task->status();
  if (!status)
    return fail(fault::not_found, "nothing was started yet");
  json told{{"id", status->id}, {"name", status->name},
    {"state", status->running ? "running" : "done"},
    {"bytes", status->done_bytes}, {"bytesTotal", status->total_bytes},
    {"at", status->at}};
  if (status->outcome && *status->outcome) {
    told["outcome"] = json::parse(**status->outcome, nullptr, false);
  } else if (status->outcome) {
    told["state"] = "failed";
    told["code"] = to_string(status->outcome->error().code);
    told["reason"] = status->outcome->error().message;
  }
  return text_of(told);
}

} // namespace herald
