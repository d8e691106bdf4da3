#include "tools/herald/demo.hpp"

#include "engine/base/logging.hpp"
#include "tools/companion/companion.hpp"
#include "tools/herald/exit_code.hpp"
#include "tools/herald/node.hpp"
#include "tools/herald/scratch_folder.hpp"
#include "tools/herald/signals.hpp"
#include "tools/simulate/simulator.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <vector>

namespace herald {

namespace {

using namespace std::chrono_literals;

int complain(const failure& why) {
  fmt::print(stderr, "herald demo: {}\n", why.message);
  return exit_code_of(why.code);
}

settings settings_for(listen_address address,
  const std::filesystem::path& folder, const simulate::simulator& riot) {
  settings configured;
  configured.node.name = "demo";
  configured.storage.data_folder = folder;
  configured.storage.reserve_bytes = 64u << 20;
  configured.edge.listen = address;
  configured.kafka.listen->port = 0;
  configured.riot.base_url = riot.base_url_template();
  configured.riot.api_key = secret{"RGAPI-demo"};
  configured.riot.project = "demo";
  // Riot's time passes faster here, so the gateway looks more often.
  configured.riot.live_interval = 1'000ms;
  configured.riot.matches_interval = 5'000ms;
  return configured;
}

} // namespace

int run_demo(const demo_options& options) {
  termination_signals signals;
  start_logging(log_format::human, log_level::warning);
  auto address = parse_listen_address(options.listen);
  if (!address) {
    fmt::print(stderr, "herald demo: --listen: {}\n", address.error().message);
    return exit_usage;
  }
  std::optional<scratch_folder> fresh;
  std::filesystem::path folder = options.data_folder;
  if (folder.empty()) {
    fresh.emplace();
    folder = fresh->path();
    if (folder.empty())
      return complain({fault::io, "cannot make a folder for the data"});
  }

  simulate::simulate_options game;
  game.listen = "127.0.0.1:0";
  game.live_client = "127.0.0.1:0";
  game.seed = options.seed;
  game.concurrent = options.concurrent;
  game.speed = options.speed;
  auto riot = simulate::simulator::start(game);
  if (!riot)
    return complain(riot.error());

  auto configured = settings_for(*address, folder, **riot);
  for (auto& player : (*riot)->followed())
    configured.riot.players.push_back(
      {player.who.game_name, player.who.tag_line, "euw1"});
  auto running = node::start(configured, [&](const std::string& reason) {
    log_error("node", "The node cannot go on", {{"reason", reason}});
    signals.wake();
  });
  if (!running)
    return complain(running.error());

  std::vector<std::unique_ptr<companion>> companions;
  auto clients = (*riot)->live_client_urls();
  for (std::uint32_t table = 0; table < clients.size(); ++table) {
    companion_options beside;
    beside.node_url = (*running)->url();
    beside.live_client_url = clients[table];
    beside.match_id_source = [&riot, table] {
      return (*riot)->match_in_progress(table).value_or("");
    };
    beside.interval = 500ms;
    beside.say = [](std::string_view) {};
    companions.push_back(std::make_unique<companion>(std::move(beside)));
    companions.back()->start();
  }

  fmt::print("Herald is running: open {}/ in a browser. Ctrl-C ends it.\n",
    (*running)->url());
  std::fflush(stdout);
  signals.wait();
  for (auto& one : companions)
    one->stop();
  companions.clear();
  (*running)->stop();
  running->reset();
  (*riot)->stop();
  return exit_ok;
}

} // namespace herald
