#include "tools/herald/bench_snapshot.hpp"

#include "actors/aggregate_host.hpp"
#include "actors/player/player_aggregate.hpp"
#include "engine/store/follower.hpp"
#include "tools/herald/exit_code.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>

namespace herald {

namespace {

using steady = std::chrono::steady_clock;

// Events of the player between two of somebody else, so that neither the log
// nor the index holds one aggregate alone.
constexpr std::uint64_t others_every = 10;
constexpr std::uint64_t others = 100;
// Commands decided before the writer has its turn.
constexpr std::uint64_t commands_at_once = 2'000;
constexpr int activations = 11;
constexpr const char* player = "00000000000000aa";

double ms_since(steady::time_point start) {
  return std::chrono::duration<double, std::milli>(steady::now() - start)
    .count();
}

/// A host whose batches are committed on the spot.
class bench_host {
public:
  bench_host(const host_services& services, partition_id where)
    : services_(services),
      host_{services_, where,
        [this](std::uint64_t ticket, const append_outcome& outcome) {
          ended_.emplace_back(ticket, outcome);
        }} {}

  void count(const std::string& key, std::int64_t cause) {
    addressed_command<count_match> next;
    next.key = next.body.player_id = key;
    next.body.match_id = fmt::format("EUW1_{}", cause);
    next.body.principal = "herald";
    next.body.source = "match-v5";
    next.body.cause_offset = cause;
    next.body.match.games = 1;
    next.body.match.kills = cause % 13;
    host_.handle(std::move(next));
  }

  result<void> finish() {
    host_.flush();
    while (services_.writer->turn() > 0) {
    }
    for (; !ended_.empty(); ended_.pop_front())
      if (auto well = host_.settle(ended_.front().first, ended_.front().second);
        !well)
        return well;
    return {};
  }

  std::optional<bytes> state(const std::string& key) const {
    return host_.encoded_state(key);
  }

private:
  const host_services& services_;
  std::deque<std::pair<std::uint64_t, append_outcome>> ended_;
  aggregate_host<player_aggregate> host_;
};

/// Everything below the folder that a host needs.
struct bench_node {
  std::unique_ptr<event_log> log;
  topic_info topic;
  std::unique_ptr<event_codec> codec;
  std::unique_ptr<view_store> views;
  std::unique_ptr<log_writer> writer;
  std::unique_ptr<event_index> index;
  metrics_registry metrics;
  std::unique_ptr<aggregate_snapshots> snapshots;
  std::unique_ptr<snapshot_store> rows;
  host_services with, without;

  result<void> open(const std::filesystem::path& folder) {
    auto opened = event_log::open(folder);
    if (!opened)
      return std::unexpected(opened.error());
    log = std::move(*opened);
    auto made = log->create_topic("player", 1);
    if (!made)
      return std::unexpected(made.error());
    topic = *made;
    auto registered = event_codec::make(*log);
    if (!registered)
      return std::unexpected(registered.error());
    codec = std::move(*registered);
    auto stored = view_store::open(folder);
    if (!stored)
      return std::unexpected(stored.error());
    views = std::move(*stored);
    writer_settings by_hand;
    by_hand.own_thread = false;
    writer = std::make_unique<log_writer>(*log, by_hand);
    index = std::make_unique<event_index>(*log, *views);
    auto held = snapshot_store::open(*views);
    if (!held)
      return std::unexpected(held.error());
    rows = std::move(*held);
    snapshots = std::make_unique<aggregate_snapshots>(
      *log, *rows, snapshot_policy{}, metrics, [] { return 1'000; },
      [] { return steady::now().time_since_epoch(); });
    without = {log.get(), writer.get(), codec.get(), [] { return 1'000; },
      index.get(), nullptr};
    with = without;
    with.snapshots = snapshots.get();
    return {};
  }

  result<void> follow() {
    event_index_projection indexing{{"player"}};
    follower_settings by_hand;
    by_hand.own_thread = false;
    follower_driver driver{*log, *views, by_hand};
    driver.add(indexing);
    if (auto started = driver.start(); !started)
      return started;
    for (;;) {
      auto turned = driver.turn();
      if (!turned)
        return std::unexpected(turned.error());
      if (*turned == 0)
        return {};
    }
  }
};

/// Gives the player its events; stops right before the next snapshot, where
/// the most is left to replay.
result<void> fill(bench_node& node, std::uint64_t events) {
  bench_host host{node.with, {node.topic.number, 0}};
  auto every = snapshot_policy{}.events;
  events = events / every * every + every - 1;
  for (std::uint64_t i = 0; i < events; ++i) {
    host.count(player, static_cast<std::int64_t>(i));
    if (i % others_every == 0)
      host.count(fmt::format("{:016x}", i / others_every % others),
        static_cast<std::int64_t>(i));
    if (i % commands_at_once == 0)
      if (auto well = host.finish(); !well)
        return well;
  }
  return host.finish();
}

/// Brings the player back in a host of its own; ms, and the state.
std::pair<double, bytes> activate(
  const host_services& services, partition_id where) {
  bench_host host{services, where};
  auto start = steady::now();
  host.count(player, -1);
  auto took = ms_since(start);
  return {took, host.state(player).value_or("")};
}

int complain(const failure& why) {
  fmt::print(stderr, "herald bench: {}\n", why.message);
  return exit_code_of(why.code);
}

} // namespace

int bench_snapshot(const std::filesystem::path& folder, std::uint64_t events) {
  bench_node node;
  if (auto opened = node.open(folder); !opened)
    return complain(opened.error());
  auto start = steady::now();
  if (auto filled = fill(node, events); !filled)
    return complain(filled.error());
  node.rows->stop();
  auto filling = ms_since(start);
  if (auto followed = node.follow(); !followed)
    return complain(followed.error());
  partition_id where{node.topic.number, 0};
  auto end = node.log->committed_end(where);
  auto stored = node.rows->get({node.topic.id.value, 0}, player);
  if (!stored || !*stored)
    return complain({fault::not_found, "no snapshot was taken"});
  auto state = player_aggregate::decode_state((*stored)->state);
  if (!state)
    return complain(state.error());
  fmt::print(
    "snapshot: {} records in the log, {} snapshots of it taken in {:.1f} "
    "s; the last has {} bytes and leaves {} records to look through\n",
    end.value, node.snapshots->counts().taken, filling / 1e3,
    (*stored)->state.size(), end.value - (*stored)->next.value);

  auto [replay_ms, from_log] = activate(node.without, where);
  std::vector<double> times;
  bool same = true;
  for (int i = 0; i < activations; ++i) {
    auto [ms, from_snapshot] = activate(node.with, where);
    times.push_back(ms);
    same = same && from_snapshot == from_log && !from_log.empty();
  }
  std::sort(times.begin(), times.end());
  if (from_log.empty())
    return complain({fault::damaged, "the log could not be replayed"});
  auto games = player_aggregate::decode_state(from_log)->totals.games;
  fmt::print("events of the aggregate: {}\n"
             "replay without a snapshot: {:.1f} ms, {:.2f} us per event\n"
             "activation with one: p50 {:.2f} ms, worst of {} {:.2f} ms\n"
             "ratio: {:.0f}\n"
             "states: {}\n",
    games, replay_ms, replay_ms * 1e3 / games, times[times.size() / 2],
    times.size(), times.back(), replay_ms / times[times.size() / 2],
    same ? "equal" : "DIFFERENT");
  return same ? exit_ok : exit_failure;
}

} // namespace herald
