#include "tools/companion/companion.hpp"
#include "tools/herald/bench.hpp"
#include "tools/herald/console.hpp"
#include "tools/herald/demo.hpp"
#include "tools/herald/exit_code.hpp"
#include "tools/herald/export.hpp"
#include "tools/herald/import.hpp"
#include "tools/herald/node_command.hpp"
#include "tools/herald/restore.hpp"
#include "tools/herald/verify_command.hpp"
#include "tools/simulate/simulator.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <iostream>

// The command line: every subcommand's options, help and example. What a
// subcommand does stands in its own file.

namespace {

using namespace herald;

/// What will run once the command line is read whole.
using action = std::function<int()>;

void add_node(CLI::App& app, action& run) {
  auto options = std::make_shared<node_command_options>();
  auto* node = app.add_subcommand(
    "node", "Run a node: the log, the views, the feeds and the gateway");
  node->add_option("--config", options->config,
    "Configuration file (default: config.toml here, if there is one)");
  node->add_option("--data", options->data_folder,
    "Data folder; overrides [storage] data_folder");
  node->add_option("--listen", options->listen,
    "ADDRESS:PORT; overrides [edge] listen; port 0 picks a free one");
  node->add_option("--kafka", options->kafka,
    "ADDRESS:PORT for Kafka's clients; overrides [kafka] listen; port 0 picks "
    "a free one");
  node->add_flag(
    "--check", options->check, "Only check the configuration, then end");
  node->footer("Example:\n  herald node --config config.toml --data data\n"
               "Prints 'herald ready http://ADDRESS:PORT' once it serves.");
  node->callback([&run, options] {
    run = [options] { return run_node_command(*options); };
  });
}

void add_demo(CLI::App& app, action& run) {
  auto options = std::make_shared<demo_options>();
  auto* demo = app.add_subcommand("demo",
    "Run a node beside a simulated Riot in which games are being played");
  demo->add_option("--data", options->data_folder,
    "Data folder to keep (default: a fresh one, removed at the end)");
  demo->add_option("--listen", options->listen, "ADDRESS:PORT of the page")
    ->capture_default_str();
  demo->add_option("--speed", options->speed, "Simulated seconds per second")
    ->capture_default_str()
    ->check(CLI::Range(0.1, 1000.0));
  demo->add_option("--games", options->concurrent, "Games at the same time")
    ->capture_default_str()
    ->check(CLI::Range(1, 16));
  demo->add_option("--seed", options->seed, "Seed of the games")
    ->capture_default_str();
  demo->footer("Example:\n  herald demo --speed 30");
  demo->callback(
    [&run, options] { run = [options] { return run_demo(*options); }; });
}

void add_import(CLI::App& app, action& run) {
  auto options = std::make_shared<import_options>();
  auto* import = app.add_subcommand(
    "import", "Send match-v5 and timeline documents to a node");
  import
    ->add_option("paths", options->paths,
      "Files, folders (searched recursively) and .tar.zst archives")
    ->required();
  import->add_option("--node", options->node, "URL of the node")
    ->capture_default_str();
  import
    ->add_option(
      "--connections", options->connections, "Documents on their way at once")
    ->capture_default_str()
    ->check(CLI::Range(1, 64));
  import->add_flag("--json", options->json,
    "End with one line of JSON: read, accepted, duplicate, refused");
  import->footer(
    "Example:\n  herald import matches.tar.zst --node http://127.0.0.1:8480\n"
    "Exit code: 0 when all are in the log, 1 when any was refused or the node "
    "went away.");
  import->callback(
    [&run, options] { run = [options] { return run_import(*options); }; });
}

void add_export(CLI::App& app, action& run) {
  auto options = std::make_shared<export_options>();
  auto* exports
    = app.add_subcommand("export", "Print tables or events of a node");
  exports->add_option("what", options->what, "players, minutes or events")
    ->required()
    ->check(CLI::IsMember({"players", "minutes", "events"}));
  exports->add_option("--node", options->node, "URL of the node")
    ->capture_default_str();
  exports
    ->add_option("--format", options->format,
      "csv for players and minutes, jsonl for events (CloudEvents 1.0)")
    ->check(CLI::IsMember({"csv", "jsonl"}));
  exports->add_option(
    "--topic", options->topic, "With events: the topic, such as match");
  exports->footer("Examples:\n  herald export players --format csv\n"
                  "  herald export events --topic match --format jsonl");
  exports->callback(
    [&run, options] { run = [options] { return run_export(*options); }; });
}

void add_console(CLI::App& app, action& run) {
  auto options = std::make_shared<console_options>();
  auto* console = app.add_subcommand(
    "console", "Talk to the running node through its control socket");
  console->add_option("--data", options->data_folder, "The node's data folder")
    ->required();
  console->add_flag("--json", options->json, "Answer with JSON");
  // The command's own words, options among them, are the node's business.
  console->prefix_command();
  console->footer("Commands: status, topics [create|alter|describe|delete], "
                  "events, matches, match ID, actors, dead-letters, snapshots, "
                  "replay, verify, help; without one: a prompt.\n"
                  "Examples:\n  herald console --data data status\n"
                  "  herald console --data data events match --limit 5\n"
                  "  herald console --data data replay --topic match --from "
                  "earliest --into jsonl\n"
                  "  herald console --data data replay --into view:matches");
  console->callback([&run, options, console] {
    for (auto& word : console->remaining()) {
      if (word == "--json")
        options->json = true;
      else
        options->command.push_back(word);
    }
    run = [options] { return run_console(*options); };
  });
}

void add_verify(CLI::App& app, action& run) {
  auto options = std::make_shared<verify_options>();
  auto* verify = app.add_subcommand("verify",
    "Check the data folder of a stopped node: checksums, chain, offsets, "
    "schema ids, views");
  verify
    ->add_option(
      "paths", options->paths, "The data folder, or files of segments")
    ->required();
  verify->add_flag("--json", options->json, "Answer with JSON");
  verify->add_flag("--repair-views", options->repair_views,
    "Make views that are wrong again from a log that is sound; nothing else is "
    "ever repaired");
  verify->footer("Examples:\n  herald verify data\n"
                 "  herald verify data --repair-views\n"
                 "  herald verify data/archive/match-*/0/*.segment\n"
                 "A running node: herald console --data data verify\n"
                 "Exit code: 0 sound, 65 damaged, 74 unreadable or in use.");
  verify->callback(
    [&run, options] { run = [options] { return run_verify(*options); }; });
}

void add_restore(CLI::App& app, action& run) {
  auto options = std::make_shared<restore_options>();
  auto* restore = app.add_subcommand("restore",
    "Build a new data folder from a backup ('herald console backup')");
  restore->add_option("backup", options->backup, "The backup's folder")
    ->required();
  restore
    ->add_option("folder", options->data_folder,
      "Data folder to make; it must be missing or empty")
    ->required();
  restore->add_flag("--json", options->json, "Answer with JSON");
  restore->footer(
    "Example:\n  herald restore /backups/monday data\n"
    "Prints up to which position each partition equals the original.\n"
    "Exit code: 0 restored, 65 damaged or unfinished backup.");
  restore->callback(
    [&run, options] { run = [options] { return run_restore(*options); }; });
}

void add_simulate(CLI::App& app, action& run) {
  auto options = std::make_shared<simulate::simulate_options>();
  auto* simulator = app.add_subcommand(
    "simulate", "Serve a simulated Riot API, or write generated games");
  simulator->add_option("--listen", options->listen, "ADDRESS:PORT")
    ->capture_default_str();
  simulator->add_option("--seed", options->seed, "Seed of the games")
    ->capture_default_str();
  simulator
    ->add_option("--games", options->games,
      "Games in all; 0 never ends (with --write: 100)")
    ->capture_default_str();
  simulator
    ->add_option("--concurrent", options->concurrent, "Games at the same time")
    ->capture_default_str();
  simulator
    ->add_option("--speed", options->speed, "Simulated seconds per second")
    ->capture_default_str();
  simulator->add_option("--from", options->from,
    "Serve the match-v5 documents of this folder instead of generated games");
  simulator->add_option("--live-client", options->live_client,
    "ADDRESS:PORT of the Live Client Data API (HTTPS) of the first game; the "
    "next ones have the ports above it");
  simulator->add_option(
    "--write", options->write, "Only write the games into this folder and end");
  simulator->add_option("--api-key", options->api_key,
    "The key that X-Riot-Token must carry; empty: any");
  simulator
    ->add_option(
      "--app-limits", options->app_limits, "Rate limits, requests:seconds")
    ->capture_default_str();
  simulator
    ->add_option("--method-limits", options->method_limits,
      "Rate limits per method, requests:seconds")
    ->capture_default_str();
  simulator->footer(
    "Examples:\n"
    "  herald simulate --speed 20 --live-client 127.0.0.1:2999\n"
    "  herald simulate --write games --seed 7 --games 50");
  simulator->callback([&run, options] {
    run = [options] { return simulate::run_simulate(*options); };
  });
}

void add_companion(CLI::App& app, action& run) {
  struct arguments {
    companion_options options;
    unsigned interval_ms = 1000;
  };
  auto given = std::make_shared<arguments>();
  given->options.node_url = "http://127.0.0.1:8480";
  auto* companion = app.add_subcommand("companion",
    "Beside a game client: send what its Live Client Data API shows to a node");
  companion->add_option("--node", given->options.node_url, "URL of the node")
    ->capture_default_str();
  companion
    ->add_option("--live-client", given->options.live_client_url,
      "URL of the game client's API")
    ->capture_default_str();
  companion->add_option("--match", given->options.match_id,
    "Match id (default: the node finds it by the players)");
  companion
    ->add_option(
      "--interval", given->interval_ms, "Milliseconds between two looks")
    ->capture_default_str()
    ->check(CLI::Range(50, 60'000));
  companion->add_flag("--once", given->options.once, "Look once, then end");
  companion->footer("Example:\n  herald companion --node "
                    "http://127.0.0.1:8480");
  companion->callback([&run, given] {
    given->options.interval = std::chrono::milliseconds(given->interval_ms);
    run = [given] { return run_companion(given->options); };
  });
}

void add_bench(CLI::App& app, action& run) {
  auto options = std::make_shared<bench_options>();
  auto* bench = app.add_subcommand("bench",
    "Print figures and ratios against limits measured in the same run");
  bench
    ->add_option("what", options->what,
      "log, kafka, growth, import, archive, generate, feed or snapshot")
    ->required()
    ->check(CLI::IsMember({"log", "kafka", "growth", "import", "archive",
      "generate", "feed", "snapshot"}));
  bench->add_option("--documents", options->documents,
    "With import and archive: files, folders or archives");
  bench
    ->add_option(
      "--seconds", options->seconds, "With feed: length of the measurement")
    ->capture_default_str()
    ->check(CLI::Range(1, 600));
  bench
    ->add_option(
      "--events", options->events, "With snapshot: events of the aggregate")
    ->capture_default_str()
    ->check(CLI::Range(1'000, 100'000'000));
  bench
    ->add_option(
      "--folder", options->folder, "Where to write (default: a fresh folder)")
    ->capture_default_str();
  bench->footer("Examples:\n  herald bench log\n"
                "  herald bench import --documents matches.tar.zst");
  bench->callback(
    [&run, options] { run = [options] { return run_bench(*options); }; });
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Herald, the event engine of a League of Legends platform"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "herald " HERALD_VERSION);
  app.footer("Example:\n  herald demo\n"
             "Exit codes: 0 ok, 1 failure, 2 usage, 65 damaged data, 74 I/O, "
             "78 configuration.");
  action run;
  add_node(app, run);
  add_demo(app, run);
  add_import(app, run);
  add_export(app, run);
  add_console(app, run);
  add_verify(app, run);
  add_restore(app, run);
  add_simulate(app, run);
  add_companion(app, run);
  add_bench(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_ok : exit_usage;
  }
  return run();
}
