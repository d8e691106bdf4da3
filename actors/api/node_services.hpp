#pragma once

#include "actors/aggregate_snapshots.hpp"
#include "actors/api/long_task.hpp"
#include "actors/event_codec.hpp"
#include "actors/event_index.hpp"
#include "actors/feed/feed_hub.hpp"
#include "actors/gateway/gateway.hpp"
#include "actors/ingest/ingest_actor.hpp"
#include "actors/interfaces.hpp"
#include "actors/match/match_views.hpp"
#include "actors/replay/replay_desk.hpp"
#include "actors/supervision.hpp"
#include "engine/base/clock.hpp"
#include "engine/base/metrics.hpp"
#include "engine/base/settings.hpp"
#include "engine/store/follower.hpp"

#include <atomic>

namespace herald {

class retention;

/// The parts of a running node, as its HTTP API and its console see them. The
/// node owns them all; they outlive both.
struct node_services {
  const settings* configuration = nullptr;
  const time_source* time = nullptr;
  event_log* log = nullptr;
  log_writer* writer = nullptr;
  const event_codec* codec = nullptr;
  const event_index* index = nullptr;
  view_store* views = nullptr;
  const match_views* matches = nullptr;
  const follower_driver* followers = nullptr;
  vault* people = nullptr;
  feed_hub* feed = nullptr;
  /// Null when the gateway is off.
  const riot_gateway* gateway = nullptr;
  const supervision_tree* tree = nullptr;
  const unknown_properties* unknown = nullptr;
  const ingest_services* ingestion = nullptr;
  metrics_registry* metrics = nullptr;
  std::vector<ingest_actor> ingest_actors;
  std::vector<match_host_actor> match_hosts;
  /// Why nothing new is taken in: less than the reserve is free on the disk.
  /// Views and vault write without a reserve of their own, so the node refuses
  /// at its doors, before they would fail. It goes on by itself.
  std::function<std::optional<failure>()> disk_trouble;
  /// Deletes records and topics, and writes down that it does.
  retention* keeping = nullptr;
  /// Whether Kafka's clients may write to a topic.
  std::function<bool(std::string_view topic)> is_for_clients;
  /// Whether a topic is made by Herald and can only be deleted with it.
  std::function<bool(std::string_view topic)> is_own_topic;
  /// When the node started, on the time source's steady clock.
  std::chrono::nanoseconds started{0};
  /// Set when the node is about to stop, so that long answers end.
  const std::atomic<bool>* stopping = nullptr;
  /// Backups and archiving, which the console starts.
  long_task* task = nullptr;
  aggregate_snapshots* snapshots = nullptr;
  /// What is being replayed.
  replay_desk* replays = nullptr;
};

} // namespace herald
