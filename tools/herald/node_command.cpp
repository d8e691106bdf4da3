#include "tools/herald/node_command.hpp"

#include "engine/base/logging.hpp"
#include "tools/herald/exit_code.hpp"
#include "tools/herald/node.hpp"
#include "tools/herald/signals.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <malloc.h>

namespace herald {

namespace {

int complain(const failure& why) {
  fmt::print(stderr, "herald node: {}\n", why.message);
  return exit_code_of(why.code);
}

result<settings> settings_of(const node_command_options& options) {
  settings configured;
  auto file = options.config;
  if (file.empty() && std::filesystem::exists("config.toml"))
    file = "config.toml";
  if (!file.empty()) {
    auto loaded = load_settings(file);
    if (!loaded)
      return loaded;
    configured = std::move(*loaded);
  }
  if (!options.data_folder.empty())
    configured.storage.data_folder = options.data_folder;
  if (!options.listen.empty()) {
    auto address = parse_listen_address(options.listen);
    if (!address)
      return fail(address.error().code, "--listen: " + address.error().message);
    configured.edge.listen = *address;
  }
  if (!options.kafka.empty()) {
    auto address = parse_listen_address(options.kafka);
    if (!address)
      return fail(address.error().code, "--kafka: " + address.error().message);
    configured.kafka.listen = *address;
  }
  return configured;
}

// Batches of a megabyte come and go all the time. By default each would be
// mapped anew by the C library, with every page faulted in and given back;
// kept, the memory is used again.
void keep_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 128 << 20);
  ::mallopt(M_ARENA_MAX, 4);
}

} // namespace

int run_node_command(const node_command_options& options) {
  auto configured = settings_of(options);
  if (!configured)
    return complain(configured.error());
  if (options.check) {
    fmt::print("the configuration is right\n");
    return exit_ok;
  }
  keep_memory();
  start_logging(configured->node.log_format, configured->node.log_level);
  termination_signals signals;
  std::atomic<bool> failed{false};
  auto running = node::start(*configured, [&](const std::string& reason) {
    log_error("node", "The node cannot go on", {{"reason", reason}});
    failed = true;
    signals.wake();
  });
  if (!running)
    return complain(running.error());
  if (auto kafka = (*running)->kafka_address())
    fmt::print("herald kafka {}\n", *kafka);
  fmt::print("herald ready {}\n", (*running)->url());
  std::fflush(stdout);
  signals.wait();
  log_info("node", "The node drains and ends");
  (*running)->stop();
  return failed ? exit_failure : exit_ok;
}

} // namespace herald
