#include "tools/herald/restore.hpp"

#include "engine/log/restore.hpp"
#include "tools/herald/exit_code.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <cstdio>

namespace herald {

namespace {

using json = nlohmann::ordered_json;

void print_text(const backup_report& report) {
  fmt::print("restored {} records of {} files, {} bytes; equal to the original "
             "up to, but not with, these offsets:\n",
    report.records, report.files, report.bytes);
  for (auto& at : report.positions)
    if (at.end > offset{0})
      fmt::print("  {}/{}  [{}, {})\n", at.topic, at.partition, at.start.value,
        at.end.value);
}

void print_json(const backup_report& report) {
  json told{{"records", report.records}, {"files", report.files},
    {"bytes", report.bytes}, {"positions", json::array()}};
  for (auto& at : report.positions)
    told["positions"].push_back(
      {{"topic", at.topic}, {"partition", at.partition},
        {"start", at.start.value}, {"end", at.end.value}});
  fmt::print("{}\n", told.dump());
}

} // namespace

int run_restore(const restore_options& options) {
  restore_settings settings;
  auto shown = isatty(STDERR_FILENO) == 1;
  if (shown)
    settings.on_progress = [](const backup_progress& now) {
      fmt::print(stderr, "\r{} of {} bytes", now.bytes, now.bytes_total);
    };
  auto done = restore_backup(options.backup, options.data_folder, settings);
  if (shown)
    fmt::print(stderr, "\n");
  if (!done) {
    fmt::print(stderr, "herald restore: {}\n", done.error().message);
    // A backup without its manifest was never finished.
    return done.error().code == fault::not_found
      ? exit_damaged
      : exit_code_of(done.error().code);
  }
  if (options.json)
    print_json(*done);
  else
    print_text(*done);
  return exit_ok;
}

} // namespace herald
