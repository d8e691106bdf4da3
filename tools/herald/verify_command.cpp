#include "tools/herald/verify_command.hpp"

#include "actors/ingest/vault_check.hpp"
#include "actors/projections.hpp"
#include "engine/log/page_file.hpp"
#include "engine/log/segment_reader.hpp"
#include "engine/log/verify.hpp"
#include "engine/store/vault.hpp"
#include "tools/herald/exit_code.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

namespace herald {

namespace {

using json = nlohmann::ordered_json;
namespace fs = std::filesystem;

int complain(const failure& why) {
  fmt::print(stderr, "herald verify: {}\n", why.message);
  return exit_code_of(why.code);
}

/// What was found in the views and the vault.
struct folder_report {
  std::vector<std::string> problems;
  std::vector<std::string> skipped;
  std::vector<std::string> repaired;
  std::uint64_t tables = 0;
};

constexpr const char* how_to_repair
  = "'herald verify --repair-views' makes it again";

/// Whether LMDB can read the environment in that folder without harm.
bool check_store(
  const fs::path& folder, std::string_view name, folder_report& report) {
  auto wrong = check_pages(folder / name / "data.mdb");
  if (!wrong) {
    report.problems.push_back(
      fmt::format("{}: {}", name, wrong.error().message));
    return false;
  }
  for (auto& what : *wrong)
    report.problems.push_back(fmt::format("{}: {}", name, what));
  return wrong->empty();
}

void verify_vault(
  const fs::path& folder, const event_log& log, folder_report& report) {
  if (!fs::exists(folder / "vault")) {
    report.problems.push_back(
      "vault: it is missing; without it the documents in riot.raw cannot be "
      "opened and players lose their ids; restore it from a backup");
    return;
  }
  if (!check_store(folder, "vault", report))
    return;
  vault_settings settings;
  settings.read_only = true;
  settings.own_thread = false;
  auto opened = vault::open(folder, settings);
  auto wrong = opened
    ? check_vault(log, **opened, vault_look::everything)
    : result<std::vector<std::string>>{std::unexpected{opened.error()}};
  if (!wrong)
    report.problems.push_back("vault: " + wrong.error().message);
  else
    report.problems.insert(report.problems.end(), wrong->begin(), wrong->end());
}

/// The views of a folder beside its log.
class views_check {
public:
  views_check(const fs::path& folder, const event_log& log,
    const event_codec& codec, bool repair, folder_report& report)
    : folder_{folder}, log_{log}, projections_{codec}, repair_{repair},
      report_{report} {}

  void run() {
    if (!fs::exists(folder_ / "views")) {
      if (repair_)
        return make_all();
      report_.skipped.push_back(
        "views: there are none; the next start makes them from the log");
      return;
    }
    folder_report pages;
    if (!check_store(folder_, "views", pages))
      return give_up_or_make_all(std::move(pages.problems));
    view_store_settings settings;
    settings.read_only = !repair_;
    auto opened = view_store::open(folder_, settings);
    if (!opened)
      return give_up_or_make_all({"views: " + opened.error().message});
    views_ = std::move(*opened);
    for (auto* projection : projections_.all())
      check(*projection);
  }

private:
  // Nothing can be read of them, so whatever they held must be in the log yet.
  void give_up_or_make_all(std::vector<std::string> problems) {
    auto gone = history_gone();
    if (repair_ && !gone)
      return make_all();
    for (auto& problem : problems)
      report_.problems.push_back(std::move(problem));
    if (gone)
      report_.problems.push_back("views: they cannot be made again, since "
        + *gone + "; restore the folder 'views' from a copy");
    else
      report_.problems.push_back(
        "views: they cannot be read; 'herald verify --repair-views' makes them "
        "again");
  }

  std::optional<std::string> history_gone() {
    for (auto* projection : projections_.all())
      for (auto& name : projection->topics())
        if (auto topic = log_.find_topic(name))
          for (std::uint32_t i = 0; i < topic->partitions; ++i) {
            partition_id where{topic->number, i};
            if (log_.log_start(where).value > 0 || log_.has_gaps(where))
              return fmt::format(
                "records of {}/{} are gone from the log", name, i);
          }
    return std::nullopt;
  }

  void make_all() {
    std::error_code error;
    fs::remove_all(folder_ / "views", error);
    auto opened = view_store::open(folder_);
    if (!opened) {
      report_.problems.push_back("views: " + opened.error().message);
      return;
    }
    views_ = std::move(*opened);
    for (auto* projection : projections_.all())
      make_again(*projection);
  }

  void make_again(projection& projection) {
    auto done = fold_anew(projection, log_, *views_);
    report_.tables += projection.tables().size();
    if (done)
      report_.repaired.push_back(fmt::format(
        "view {}: it was made again from the log", projection.name()));
    else
      report_.problems.push_back(
        fmt::format("view {}: {}", projection.name(), done.error().message));
  }

  // Compares a view with the fold of the log.
  void check(projection& projection) {
    auto compared
      = compare_with_fold(projection, log_, *views_, fs::temp_directory_path());
    if (auto problems = problems_of(projection, compared); !problems.empty()) {
      if (repair_)
        return make_again(projection);
      for (auto& problem : problems)
        report_.problems.push_back(fmt::format(
          "view {}{}; {}", projection.name(), problem, how_to_repair));
    } else if (compared->skipped) {
      report_.skipped.push_back(
        fmt::format("view {}: {}", projection.name(), *compared->skipped));
    }
    if (compared)
      report_.tables += compared->tables.size();
  }

  std::vector<std::string> problems_of(const projection& projection,
    const result<view_comparison>& compared) const {
    if (!compared)
      return {": " + compared.error().message};
    std::optional<follower_record> known;
    (void)views_->read([&](const view_snapshot& now) -> result<void> {
      known = now.follower(projection.name());
      return {};
    });
    if (known && known->incarnation != log_.incarnation())
      return {": it was made from another log"};
    std::vector<std::string> problems;
    for (auto& table : compared->tables)
      if (!table.equal())
        problems.push_back(fmt::format(
          ", table {}: its rows ({}) are not the fold of the log ({})",
          table.table, to_string(table.live), to_string(table.rebuilt)));
    return problems;
  }

  const fs::path& folder_;
  const event_log& log_;
  node_projections projections_;
  bool repair_;
  folder_report& report_;
  std::unique_ptr<view_store> views_;
};

/// What stands beside a log that was found sound.
void verify_stores(const fs::path& folder, bool repair, folder_report& report) {
  auto log = event_log::open(folder);
  if (!log && log.error().code == fault::io) {
    // A medium that is not written, perhaps.
    report.skipped.push_back("vault and views: " + log.error().message);
    return;
  }
  if (!log) {
    report.problems.push_back("log: " + log.error().message);
    return;
  }
  auto codec = event_codec::make_reader(**log);
  verify_vault(folder, **log, report);
  views_check{folder, **log, **codec, repair, report}.run();
}

json to_json(
  const verify_report& log, const folder_report& report, bool sound) {
  json told{{"sound", sound}, {"topics", log.topics},
    {"partitions", log.partitions}, {"batches", log.batches},
    {"records", log.records}, {"bytes", log.bytes}, {"schemas", log.schemas},
    {"tables", report.tables}};
  told["problems"] = json::array();
  for (auto& problem : log.problems)
    if (problem.topic.empty())
      told["problems"].push_back({{"what", problem.what}});
    else
      told["problems"].push_back(
        {{"topic", problem.topic}, {"partition", problem.partition},
          {"offset", problem.at.value}, {"what", problem.what}});
  for (auto& problem : report.problems)
    told["problems"].push_back({{"what", problem}});
  told["skipped"] = report.skipped;
  told["repaired"] = report.repaired;
  return told;
}

void print(const verify_report& log, const folder_report& report, bool sound) {
  for (auto& problem : log.problems)
    fmt::print("{}\n", to_string(problem));
  if (log.problems_left_off > 0)
    fmt::print("and {} problems more\n", log.problems_left_off);
  for (auto& problem : report.problems)
    fmt::print("{}\n", problem);
  for (auto& note : report.skipped)
    fmt::print("not compared: {}\n", note);
  for (auto& note : report.repaired)
    fmt::print("{}\n", note);
  fmt::print("{} topics, {} partitions, {} batches, {} records, {} bytes, "
             "{} schemas, {} tables of views: {}\n",
    log.topics, log.partitions, log.batches, log.records, log.bytes,
    log.schemas, report.tables, sound ? "sound" : "DAMAGED");
}

/// One segment file: what it is, and whether it is sound.
result<json> verify_segment(const fs::path& path) {
  auto reader = segment_reader::open(path);
  if (!reader)
    return std::unexpected{std::move(reader).error()};
  auto check = (*reader)->verify();
  if (!check)
    return std::unexpected{std::move(check).error()};
  auto& identity = (*reader)->identity();
  auto& summary = (*reader)->summary();
  return json{{"file", path.string()}, {"topic", identity.topic},
    {"topicId", to_string(identity.topic_id)},
    {"partition", identity.partition}, {"first", identity.first.value},
    {"next", summary.next.value}, {"batches", summary.batches},
    {"records", summary.records}, {"fileBytes", summary.file_bytes},
    {"digest", to_string(summary.digest)},
    {"encodedAnew", check->encoded_anew}};
}

int verify_segments(const verify_options& options) {
  int code = exit_ok;
  json told{
    {"sound", true}, {"segments", json::array()}, {"problems", json::array()}};
  for (auto& path : options.paths) {
    auto segment = verify_segment(path);
    if (!segment) {
      // Damage counts more than a file that cannot be read.
      if (code != exit_damaged)
        code = exit_code_of(segment.error().code);
      told["sound"] = false;
      told["problems"].push_back({{"what", segment.error().message}});
      if (!options.json)
        fmt::print("{}\n", segment.error().message);
      continue;
    }
    if (!options.json)
      fmt::print("{}: {}/{} from {} up to {}, {} batches, {} records: sound\n",
        path, (*segment)["topic"].get<std::string>(),
        (*segment)["partition"].get<std::uint32_t>(),
        (*segment)["first"].get<std::uint64_t>(),
        (*segment)["next"].get<std::uint64_t>(),
        (*segment)["batches"].get<std::uint64_t>(),
        (*segment)["records"].get<std::uint64_t>());
    told["segments"].push_back(std::move(*segment));
  }
  if (options.json)
    fmt::print("{}\n", told.dump());
  return code;
}

} // namespace

int run_verify(const verify_options& options) {
  if (std::ranges::any_of(options.paths,
        [](const std::string& path) { return fs::is_regular_file(path); }))
    return verify_segments(options);
  if (options.paths.size() != 1) {
    fmt::print(
      stderr, "herald verify: give one data folder, or files of segments\n");
    return exit_usage;
  }
  fs::path folder = options.paths.front();
  verify_settings settings;
  settings.carries_schemas = holds_events;
  auto log = verify_log(folder, settings);
  if (!log) {
    complain(log.error());
    return log.error().code == fault::not_found
      ? exit_io
      : exit_code_of(log.error().code);
  }
  folder_report report;
  // A damaged log cannot be folded.
  if (log->problems.empty())
    verify_stores(folder, options.repair_views, report);
  else if (options.repair_views)
    report.skipped.push_back(
      "views: they are only made again from a log that is sound");
  bool sound = log->problems.empty() && report.problems.empty();
  if (options.json)
    fmt::print("{}\n", to_json(*log, report, sound).dump());
  else
    print(*log, report, sound);
  return sound ? exit_ok : exit_damaged;
}

} // namespace herald
