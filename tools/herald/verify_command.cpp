#include "tools/herald/verify_command.hpp"

#include "actors/projections.hpp"
#include "engine/log/verify.hpp"
#include "engine/store/vault.hpp"
#include "tools/herald/exit_code.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <cstdio>
#include <filesystem>

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
  std::uint64_t tables = 0;
};

/// Compares each view with the fold of the log.
void verify_views(const fs::path& folder, folder_report& report) {
  if (!fs::exists(folder / "views")) {
    report.skipped.push_back(
      "views: there are none; the next start makes them from the log");
    return;
  }
  // Only the first bytes of the log's file are written by opening it: the log
  // itself has just been found sound.
  auto log = event_log::open(folder);
  if (!log) {
    report.problems.push_back("log: " + log.error().message);
    return;
  }
  auto codec = event_codec::make_reader(**log);
  view_store_settings settings;
  settings.read_only = true;
  auto views = view_store::open(folder, settings);
  if (!views) {
    report.problems.push_back("views: " + views.error().message);
    return;
  }
  node_projections projections{**codec};
  for (auto* projection : projections.all()) {
    auto compared = compare_with_fold(
      *projection, **log, **views, fs::temp_directory_path());
    std::string name{projection->name()};
    if (!compared) {
      report.problems.push_back(
        fmt::format("view {}: {}", name, compared.error().message));
      continue;
    }
    std::optional<follower_record> known;
    (void)(*views)->read([&](const view_snapshot& now) -> result<void> {
      known = now.follower(name);
      return {};
    });
    if (known && known->incarnation != (*log)->incarnation())
      report.problems.push_back(
        fmt::format("view {}: it was made from another log; delete the folder "
                    "'views' and the next start makes it again",
          name));
    else if (compared->skipped)
      report.skipped.push_back(
        fmt::format("view {}: {}", name, *compared->skipped));
    for (auto& table : compared->tables) {
      ++report.tables;
      if (!table.equal())
        report.problems.push_back(fmt::format(
          "view {}, table {}: its rows ({}) are not the fold of "
          "the log ({}); delete the folder 'views' and the next "
          "start makes them again",
          name, table.table, to_string(table.live), to_string(table.rebuilt)));
    }
  }
}

void verify_vault(const fs::path& folder, folder_report& report) {
  if (!fs::exists(folder / "vault")) {
    report.problems.push_back(
      "vault: it is missing; without it the documents in riot.raw cannot be "
      "opened and players lose their ids; restore it from a backup");
    return;
  }
  vault_settings settings;
  settings.read_only = true;
  settings.own_thread = false;
  auto opened = vault::open(folder, settings);
  if (!opened)
    report.problems.push_back("vault: " + opened.error().message);
}

} // namespace

int run_verify(const verify_options& options) {
  fs::path folder = options.data_folder;
  verify_settings settings;
  settings.carries_schemas = [](std::string_view topic) {
    return topic == "match" || topic == "player" || topic == "dead-letter";
  };
  auto log = verify_log(folder, settings);
  if (!log) {
    complain(log.error());
    return log.error().code == fault::not_found
      ? exit_io
      : exit_code_of(log.error().code);
  }
  folder_report report;
  // A damaged log cannot be folded.
  if (log->problems.empty()) {
    verify_vault(folder, report);
    verify_views(folder, report);
  }
  bool sound = log->problems.empty() && report.problems.empty();
  if (options.json) {
    json told{{"sound", sound}, {"topics", log->topics},
      {"partitions", log->partitions}, {"batches", log->batches},
      {"records", log->records}, {"bytes", log->bytes},
      {"schemas", log->schemas}, {"tables", report.tables}};
    told["problems"] = json::array();
    for (auto& problem : log->problems)
      told["problems"].push_back(
        {{"topic", problem.topic}, {"partition", problem.partition},
          {"offset", problem.at.value}, {"what", problem.what}});
    for (auto& problem : report.problems)
      told["problems"].push_back({{"what", problem}});
    told["skipped"] = report.skipped;
    fmt::print("{}\n", told.dump());
  } else {
    for (auto& problem : log->problems)
      fmt::print("{}\n", to_string(problem));
    if (log->problems_left_off > 0)
      fmt::print("and {} problems more\n", log->problems_left_off);
    for (auto& problem : report.problems)
      fmt::print("{}\n", problem);
    for (auto& note : report.skipped)
      fmt::print("not compared: {}\n", note);
    fmt::print("{} topics, {} partitions, {} batches, {} records, {} bytes, "
               "{} schemas, {} tables of views: {}\n",
      log->topics, log->partitions, log->batches, log->records, log->bytes,
      log->schemas, report.tables, sound ? "sound" : "DAMAGED");
  }
  return sound ? exit_ok : exit_damaged;
}

} // namespace herald
