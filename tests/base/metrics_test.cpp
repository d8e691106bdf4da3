#include "engine/base/metrics.hpp"

#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>
#include <thread>

using namespace herald;

namespace {

/// What `promtool check metrics` says about a text; empty when it has nothing
/// to say.
std::string promtool(const std::string& text) {
  char name[] = "/tmp/herald-metrics-XXXXXX";
  int descriptor = mkstemp(name);
  REQUIRE(descriptor >= 0);
  auto* file = fdopen(descriptor, "w");
  fwrite(text.data(), 1, text.size(), file);
  fclose(file);
  auto command
    = std::string("promtool check metrics < ") + name + " 2>&1; echo $?";
  auto* pipe = popen(command.c_str(), "r");
  std::string out;
  char buffer[4096];
  while (auto size = fread(buffer, 1, sizeof buffer, pipe))
    out.append(buffer, size);
  pclose(pipe);
  std::remove(name);
  return out == "0\n" ? "" : out;
}

bool has_promtool() {
  return std::system("command -v promtool >/dev/null") == 0;
}

void fill(metrics_registry& registry) {
  registry
    .make_counter(
      "herald_log_records_total", "Records committed.", {{"topic", "match"}})
    .add(3);
  registry.make_counter(
    "herald_log_records_total", "Records committed.", {{"topic", "player"}});
  registry.make_gauge("herald_log_map_bytes", "Size of the map.").set(1.5e9);
  auto& seconds = registry.make_histogram("herald_log_commit_seconds",
    "From the first append to the commit's end.", {0.001, 0.1, 1});
  seconds.observe(0.001);
  seconds.observe(0.05);
  seconds.observe(20);
}

} // namespace

TEST_CASE("the exposition is sorted, typed and complete") {
  metrics_registry registry;
  fill(registry);
  CHECK(registry.exposition()
    == R"(# HELP herald_log_commit_seconds From the first append to the commit's end.
# TYPE herald_log_commit_seconds histogram
herald_log_commit_seconds_bucket{le="0.001"} 1
herald_log_commit_seconds_bucket{le="0.1"} 2
herald_log_commit_seconds_bucket{le="1"} 2
herald_log_commit_seconds_bucket{le="+Inf"} 3
herald_log_commit_seconds_sum 20.051
herald_log_commit_seconds_count 3
# HELP herald_log_map_bytes Size of the map.
# TYPE herald_log_map_bytes gauge
herald_log_map_bytes 1500000000
# HELP herald_log_records_total Records committed.
# TYPE herald_log_records_total counter
herald_log_records_total{topic="match"} 3
herald_log_records_total{topic="player"} 0
)");
}

TEST_CASE("promtool has nothing to object to") {
  if (!has_promtool()) {
    WARN("promtool (package prometheus) is not installed");
    return;
  }
  metrics_registry registry;
  fill(registry);
  auto handle = registry.observe_gauge("herald_view_lag_records",
    "Records not followed yet.", {{"view", "a \"b\"\\c\nd"}},
    [] { return 7.0; });
  CHECK(promtool(registry.exposition()) == "");
}

TEST_CASE("the same name and labels give the same metric") {
  metrics_registry registry;
  auto& first = registry.make_counter("herald_x_total", "X.", {{"a", "1"}});
  auto& second = registry.make_counter("herald_x_total", "X.", {{"a", "1"}});
  auto& other = registry.make_counter("herald_x_total", "X.", {{"a", "2"}});
  CHECK(&first == &second);
  CHECK(&first != &other);
}

TEST_CASE("label values cannot break out of their quotes") {
  metrics_registry registry;
  registry.make_gauge("herald_x", "X.", {{"a", "\"}\n\\"}});
  CHECK(registry.exposition().ends_with("herald_x{a=\"\\\"}\\n\\\\\"} 0\n"));
}

TEST_CASE("an observed gauge is read at each scrape until it is let go of") {
  metrics_registry registry;
  double value = 1;
  auto handle = registry.observe_gauge(
    "herald_queue_records", "Waiting.", {}, [&value] { return value; });
  CHECK(registry.exposition().ends_with("herald_queue_records 1\n"));
  value = 2.5;
  CHECK(registry.exposition().ends_with("herald_queue_records 2.5\n"));
  handle.reset();
  CHECK(registry.exposition() == "");
}

TEST_CASE("an observed counter is told as one") {
  metrics_registry registry;
  auto handle = registry.observe_counter(
    "herald_done_total", "Done.", {}, [] { return 3.0; });
  CHECK(registry.exposition()
    == "# HELP herald_done_total Done.\n# TYPE herald_done_total counter\n"
       "herald_done_total 3\n");
}

TEST_CASE("an observed gauge may outlive its registry") {
  auto registry = std::make_unique<metrics_registry>();
  auto handle
    = registry->observe_gauge("herald_x", "X.", {}, [] { return 0.0; });
  registry.reset();
  handle.reset();
  SUCCEED();
}

TEST_CASE("no count is lost between threads") {
  metrics_registry registry;
  auto& counted = registry.make_counter("herald_x_total", "X.");
  auto& spread = registry.make_histogram("herald_x_bytes", "X.", {1, 2});
  auto& level = registry.make_gauge("herald_x", "X.");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 10'000; ++k) {
        counted.add();
        spread.observe(k % 3 + 1);
        level.add(1);
        level.add(-1);
      }
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(counted.value() == 40'000);
  CHECK(
    spread.in_bucket(0) + spread.in_bucket(1) + spread.in_bucket(2) == 40'000);
  CHECK(level.value() == 0);
}
