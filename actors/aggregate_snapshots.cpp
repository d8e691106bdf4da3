#include "actors/aggregate_snapshots.hpp"

#include "engine/base/logging.hpp"

#include <cassert>
#include <string>

namespace herald {

namespace {

/// Why a sound snapshot is of no use here, if so.
std::optional<std::string> reason_against(const state_snapshot& stored,
  const state_format& format, std::uint64_t incarnation, offset end) {
  if (stored.incarnation != incarnation)
    return "it is of another incarnation of the log";
  if (stored.format != format)
    return "it has another format than this program's states";
  if (stored.next > end)
    return "it is ahead of the log";
  return std::nullopt;
}

} // namespace

aggregate_snapshots::aggregate_snapshots(const event_log& log,
  snapshot_store& store, const snapshot_policy& policy,
  metrics_registry& metrics, std::function<std::int64_t()> now_ms,
  std::function<std::chrono::nanoseconds()> steady_now)
  : log_(log), store_(store), policy_(policy), now_ms_(std::move(now_ms)),
    steady_now_(std::move(steady_now)),
    taken_(metrics.make_counter(
      "herald_snapshots_taken_total", "Snapshots of aggregates written")),
    used_(metrics.make_counter("herald_snapshots_used_total",
      "Aggregates brought back from a snapshot")),
    refused_(metrics.make_counter("herald_snapshots_refused_total",
      "Snapshots that could not be believed, so that the log was read")) {}

followed_partition aggregate_snapshots::durable_name(partition_id where) const {
  auto topic = log_.find_topic(where.topic);
  assert(topic);
  return {topic->id.value, where.partition};
}

aggregate_snapshots::stored_state aggregate_snapshots::find(partition_id where,
  std::string_view key, const state_format& format, offset end) {
  auto stored = store_.get(durable_name(where), key);
  if (!stored) {
    refuse(where, key, stored.error());
    return {std::nullopt, true};
  }
  if (!*stored)
    return {};
  if (auto reason = reason_against(**stored, format, log_.incarnation(), end)) {
    refused_.add();
    if (!outdated_told_.exchange(true))
      log_info("snapshots",
        "A snapshot is not used, and its like neither; the states come from "
        "the log",
        {{"reason", *reason}});
    return {std::nullopt, true};
  }
  return {std::move(*stored), false};
}

void aggregate_snapshots::refuse(
  partition_id where, std::string_view key, const failure& reason) {
  refused_.add();
  log_warning("snapshots",
    "A snapshot cannot be read; the state comes from the log",
    {{"topic", where.topic}, {"partition", where.partition}, {"key", key},
      {"reason", reason.message}});
}

void aggregate_snapshots::take(partition_id where, std::string_view key,
  const state_format& format, offset next, bytes state) {
  state_snapshot snapshot{
    log_.incarnation(), next, format, now_ms_(), std::move(state)};
  store_.put(
    durable_name(where), key, snapshot, [this](const result<void>& done) {
      if (done)
        taken_.add();
      else
        log_debug("snapshots", "A snapshot was not written",
          {{"reason", done.error().message}});
    });
}

} // namespace herald
