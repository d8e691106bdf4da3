#include "tools/herald/bench.hpp"

#include "engine/base/logging.hpp"
#include "engine/client/http_client.hpp"
#include "tools/herald/bench_archive.hpp"
#include "tools/herald/bench_feed.hpp"
#include "tools/herald/bench_growth.hpp"
#include "tools/herald/bench_kafka.hpp"
#include "tools/herald/bench_log.hpp"
#include "tools/herald/bench_snapshot.hpp"
#include "tools/herald/child_node.hpp"
#include "tools/herald/document_source.hpp"
#include "tools/herald/exit_code.hpp"
#include "tools/herald/import.hpp"
#include "tools/herald/measure.hpp"
#include "tools/herald/node.hpp"
#include "tools/herald/scratch_folder.hpp"
#include "tools/simulate/simulator.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

namespace herald {

namespace {

namespace fs = std::filesystem;
using steady = bench_clock;

int complain(const failure& why) {
  fmt::print(stderr, "herald bench: {}\n", why.message);
  return exit_code_of(why.code);
}

/// What it takes simdjson alone to parse the same bytes.
void print_parse_time(const std::vector<std::string>& paths) {
  std::size_t size = 0;
  double seconds = 0;
  simdjson::dom::parser parser;
  for (auto& path : paths)
    (void)read_documents(path, [&](const document& next) {
      simdjson::dom::element root;
      auto start = steady::now();
      if (parser.parse(next.content.data(), next.content.size()).get(root)
        == simdjson::SUCCESS)
        size += next.content.size();
      seconds += seconds_since(start);
      return true;
    });
  fmt::print("simdjson alone: {:.1f} MB in {:.3f} s, {:.2f} GB/s\n", size / 1e6,
    seconds, size / 1e9 / seconds);
}

int bench_import(const bench_options& options, const fs::path& folder) {
  auto paths = options.documents;
  if (paths.empty()) {
    auto games = folder / "games";
    auto written = simulate::write_games(games, 1, 150);
    if (!written)
      return complain(written.error());
    paths.push_back(games.string());
  }
  auto node = child_node::start(folder / "data");
  if (!node)
    return complain(node.error());
  import_options import;
  import.paths = paths;
  import.node = node->url();
  auto start = steady::now();
  auto code = run_import(import);
  auto wall = seconds_since(start);
  auto [user, system] = node->stop();
  fmt::print("import: {:.2f} s wall; the node's CPU {:.2f} s ({:.2f} user, "
             "{:.2f} system), start and end included\n",
    wall, user + system, user, system);
  print_parse_time(paths);
  return code;
}

int bench_archive(const bench_options& options, const fs::path& folder) {
  auto paths = options.documents;
  if (paths.empty()) {
    auto games = folder / "games";
    if (auto written = simulate::write_games(games, 1, 150); !written)
      return complain(written.error());
    paths.push_back(games.string());
  }
  auto documents = unpack_documents(paths, folder / "documents");
  if (!documents && documents.error().code == fault::not_found) {
    fmt::print("skipped: {}\n", documents.error().message);
    return exit_ok;
  }
  if (!documents)
    return complain(documents.error());
  auto node = child_node::start(folder / "data");
  if (!node)
    return complain(node.error());
  import_options import;
  import.paths = {(folder / "documents").string()};
  import.node = node->url();
  auto code = run_import(import);
  node->stop();
  if (code != exit_ok)
    return code;
  return print_archive_figures(
    folder / "data", folder / "archived", *documents);
}

int bench_generate(const bench_options&, const fs::path& folder) {
  constexpr std::uint32_t games = 300;
  auto target = folder / "games";
  auto start = steady::now();
  auto written = simulate::write_games(target, 1, games);
  if (!written)
    return complain(written.error());
  auto made = seconds_since(start);
  fmt::print("generated: {} games, {:.1f} MB in {:.2f} s, {:.0f} games/s\n",
    games, *written / 1e6, made, games / made);
  auto node = child_node::start(folder / "data");
  if (!node)
    return complain(node.error());
  import_options import;
  import.paths = {target.string()};
  import.node = node->url();
  start = steady::now();
  auto code = run_import(import);
  auto recorded = seconds_since(start);
  // Every match and timeline is an event, and every player's statistics one.
  http_client client;
  http_request request;
  std::uint64_t events = 0;
  for (auto* topic : {"match", "player"}) {
    request.url = fmt::format(
      "{}/v1/export/events?format=jsonl&topic={}", node->url(), topic);
    request.on_body = [&](bytes_view piece) {
      events += static_cast<std::uint64_t>(
        std::count(piece.begin(), piece.end(), '\n'));
      return true;
    };
    if (auto answer = client.perform(request); !answer)
      return complain(answer.error());
  }
  auto [user, system] = node->stop();
  fmt::print("recorded: {:.0f} games/s, {} events, {:.0f} events/s; the node's "
             "CPU {:.2f} s\n",
    games / recorded, events, events / recorded, user + system);
  return code;
}

} // namespace

int run_bench(const bench_options& options) {
  start_logging(log_format::human, log_level::error);
  scratch_folder scratch{options.folder};
  if (scratch.path().empty())
    return complain({fault::io, "cannot make a folder to write into"});
  if (options.what == "log") {
    bench_log_options log;
    log.folder = scratch.path();
    return bench_log(log);
  }
  if (options.what == "kafka")
    return bench_kafka(scratch.path());
  if (options.what == "growth")
    return bench_growth(scratch.path());
  if (options.what == "import")
    return bench_import(options, scratch.path());
  if (options.what == "archive")
    return bench_archive(options, scratch.path());
  if (options.what == "generate")
    return bench_generate(options, scratch.path());
  if (options.what == "snapshot")
    return bench_snapshot(scratch.path(), options.events);
  return bench_feed(scratch.path(), options.seconds);
}

} // namespace herald
