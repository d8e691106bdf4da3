#include "engine/log/retention.hpp"

#include "engine/log/archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace herald {

namespace {

constexpr std::string_view own_principal = "retention";
constexpr std::size_t survey_count = 1'000;

} // namespace

/// How far the settings let the log start move.
struct retention::plan {
  offset from;
  offset to;
  std::uint64_t bytes = 0;
  std::string reason;
};

retention::retention(
  event_log& log, retention_seams seams, const retention_settings& settings)
  : log_{log}, seams_{std::move(seams)}, settings_{settings} {
  settings_.step.go_on = [this] { return going_on(); };
}

retention::~retention() {
  stop();
}

bool retention::going_on() const {
  std::lock_guard lock{mutex_};
  return !stopping_;
}

retention_turn retention::turn(std::int64_t now_ms) {
  std::lock_guard work{work_};
  retention_turn did;
  look_at_all(now_ms, did);
  finish_deletions(did);
  std::lock_guard lock{mutex_};
  totals_.batches_deleted += did.batches_deleted;
  totals_.bytes_deleted += did.bytes_deleted;
  totals_.records_compacted += did.records_compacted;
  totals_.partitions_failed += did.partitions_failed;
  return did;
}

std::optional<follower_position> retention::slowest(partition_id where) const {
  return seams_.slowest ? seams_.slowest(where) : std::nullopt;
}

retention_turn retention::totals() const {
  std::lock_guard lock{mutex_};
  return totals_;
}

void retention::look_at_all(std::int64_t now_ms, retention_turn& did) {
  for (auto& topic : log_.topics()) {
    auto settings = log_.settings_of(topic.number);
    for (std::uint32_t i = 0; settings && i < topic.partitions; ++i) {
      if (!going_on())
        return;
      partition_id where{topic.number, i};
      auto done = apply_policies(where, topic, *settings, now_ms, did);
      // A topic may be deleted at any time.
      if (!done && log_.has_partition(where)) {
        ++did.partitions_failed;
        if (seams_.on_failure)
          seams_.on_failure(topic.name, i, done.error());
      }
    }
  }
}

// What a crash has left of topics that were being deleted.
void retention::finish_deletions(retention_turn& did) {
  while (going_on()) {
    auto more = log_.free_deleted(settings_.step);
    if (!more) {
      ++did.partitions_failed;
      if (seams_.on_failure)
        seams_.on_failure("deleted topics", 0, more.error());
    }
    if (!more || !*more)
      return;
  }
}

result<void> retention::apply_policies(partition_id where,
  const topic_info& topic, const topic_settings& settings, std::int64_t now_ms,
  retention_turn& did) {
  // A backup, or the archive, is at work here: the next turn comes soon.
  if (log_.is_busy(where))
    return {};
  auto planned = settings.deletes() || settings.retention_state()
    ? plan_deletion(where, settings, now_ms)
    : plan{log_.log_start(where), log_.log_start(where), 0, {}};
  if (!planned)
    return std::unexpected{std::move(planned).error()};
  auto held = hold_back(topic, where, *planned);
  if (!held)
    return held;
  if (planned->to > planned->from || has_leftovers(where)) {
    auto gone = delete_planned(topic, where, *planned, own_principal);
    if (!gone)
      return std::unexpected{std::move(gone).error()};
    did.batches_deleted += gone->batches;
    did.bytes_deleted += gone->bytes;
  }
  if (!settings.compacts() || topic.name == schemas_topic)
    return {};
  auto cleaned = log_.compact(
    where, now_ms, {.step = settings_.step, .keys_max = settings_.keys_max});
  if (!cleaned)
    return std::unexpected{std::move(cleaned).error()};
  did.records_compacted += cleaned->records_removed;
  return {};
}

// Whether a crash has left batches below the log start.
bool retention::has_leftovers(partition_id where) const {
  auto first = log_.first_stored(where);
  return first && *first && (*first)->next <= log_.log_start(where);
}

// The batches from the oldest on that one of the policies lets go, but for the
// newest one.
result<retention::plan> retention::plan_deletion(partition_id where,
  const topic_settings& settings, std::int64_t now_ms) const {
  plan made{log_.log_start(where), log_.log_start(where), 0, {}};
  auto end = log_.committed_end(where);
  // Older batches go.
  auto old = std::numeric_limits<std::int64_t>::min();
  if (settings.deletes() && settings.retention_ms())
    old = now_ms - *settings.retention_ms();
  std::uint64_t excess = 0;
  if (settings.deletes() && settings.retention_bytes()) {
    auto stored = log_.stored_bytes(where);
    if (!stored)
      return std::unexpected{std::move(stored).error()};
    excess = *stored - std::min(*stored, *settings.retention_bytes());
  }
  auto closed = made.from;
  auto& rule = settings.retention_state();
  if (rule && seams_.state_end && made.from < end) {
    auto found = seams_.state_end(where, *rule, made.from, end, now_ms);
    if (!found)
      return std::unexpected{std::move(found).error()};
    closed = *found;
  }
  if (old == std::numeric_limits<std::int64_t>::min() && excess == 0
    && closed == made.from)
    return made;
  std::uint64_t pages = 0;
  std::size_t count = 0;
  while (made.to < end && count < settings_.batches_max) {
    auto batches = log_.survey(
      where, made.to, std::min(survey_count, settings_.batches_max - count));
    if (!batches)
      return std::unexpected{std::move(batches).error()};
    if (batches->empty())
      return made;
    for (auto& batch : *batches) {
      if (batch.next >= end)
        return made;
      if (batch.max_timestamp_ms < old)
        made.reason
          = fmt::format("retention.ms={}", settings.get("retention.ms"));
      else if (pages + batch.page_bytes <= excess)
        made.reason
          = fmt::format("retention.bytes={}", settings.get("retention.bytes"));
      else if (batch.next <= closed)
        made.reason = fmt::format(
          "herald.retention.state={}", settings.get("herald.retention.state"));
      else
        return made;
      made.to = batch.next;
      made.bytes += batch.bytes;
      pages += batch.page_bytes;
      ++count;
    }
  }
  return made;
}

// Ends the plan where a follower stands, and says so to those who watch.
result<void> retention::hold_back(
  const topic_info& topic, partition_id where, plan& planned) {
  std::optional<retention_hold> hold;
  auto slowest
    = planned.to > planned.from ? this->slowest(where) : std::nullopt;
  if (slowest && slowest->next < planned.to) {
    hold = retention_hold{
      topic.name, where.partition, slowest->name, slowest->next, planned.to};
    auto until = slowest->next;
    planned.to = planned.from;
    planned.bytes = 0;
    while (planned.to < until) {
      auto batches = log_.survey(where, planned.to, survey_count);
      if (!batches)
        return std::unexpected{std::move(batches).error()};
      auto before = planned.to;
      for (auto& batch : *batches) {
        if (batch.next > until)
          break;
        planned.to = batch.next;
        planned.bytes += batch.bytes;
      }
      if (planned.to == before)
        break;
    }
  }
  set_hold(topic, where.partition, std::move(hold));
  return {};
}

// Makes the deletion known, and then does it.
result<trimmed> retention::delete_planned(const topic_info& topic,
  partition_id where, const plan& planned, std::string_view principal) {
  if (planned.to > planned.from && seams_.announce)
    if (auto known = seams_.announce({topic.name, where.partition, planned.from,
          planned.to, planned.bytes, planned.reason, std::string{principal}});
      !known)
      return std::unexpected{std::move(known).error()};
  return log_.trim(where, planned.to, settings_.step);
}

namespace {

std::unexpected<failure> busy(std::string_view topic) {
  return fail(fault::busy,
    fmt::format("records of '{}' cannot be deleted while they are backed up or "
                "archived; try again when that is done",
      topic));
}

} // namespace

result<offset> retention::remove(
  partition_id where, offset up_to, std::string_view principal) {
  std::lock_guard work{work_};
  auto topic = log_.find_topic(where.topic);
  if (!topic || !log_.has_partition(where))
    return fail(fault::not_found,
      fmt::format(
        "topic number {} has no partition {}", where.topic, where.partition));
  if (topic->name == schemas_topic)
    return fail(fault::forbidden,
      fmt::format("the records of topic '{}' stay", topic->name));
  plan planned{log_.log_start(where), up_to, 0, "asked for"};
  if (up_to > log_.committed_end(where))
    return fail(fault::invalid_input,
      fmt::format("{}/{} ends at {}, before {}", topic->name, where.partition,
        log_.committed_end(where).value, up_to.value));
  if (up_to <= planned.from)
    return planned.from;
  if (auto slowest = this->slowest(where); slowest && slowest->next < up_to)
    return fail(fault::conflict,
      fmt::format("{} has read {}/{} up to {} only: wait for it, or delete "
                  "less",
        slowest->name, topic->name, where.partition, slowest->next.value));
  // Nothing is announced that cannot be done.
  if (log_.is_busy(where))
    return busy(topic->name);
  auto measured = measure(where, planned);
  if (!measured)
    return std::unexpected{std::move(measured).error()};
  auto gone = delete_planned(*topic, where, planned, principal);
  if (!gone)
    return std::unexpected{std::move(gone).error()};
  return log_.log_start(where);
}

// Counts the bytes of the batches that go as a whole.
result<void> retention::measure(partition_id where, plan& planned) const {
  auto at = planned.from;
  while (at < planned.to) {
    auto batches = log_.survey(where, at, survey_count);
    if (!batches)
      return std::unexpected{std::move(batches).error()};
    if (batches->empty())
      return {};
    for (auto& batch : *batches) {
      if (batch.next > planned.to)
        return {};
      planned.bytes += batch.bytes;
      at = batch.next;
    }
  }
  return {};
}

result<void> retention::detach(
  std::string_view file, std::string_view principal) {
  std::lock_guard work{work_};
  for (auto& topic : log_.topics())
    for (std::uint32_t i = 0; i < topic.partitions; ++i) {
      partition_id where{topic.number, i};
      auto segments = log_.segments(where);
      // The log refuses another one than the oldest.
      if (segments.empty() || segments.front().file != file)
        continue;
      auto& segment = segments.front();
      if (auto slowest = this->slowest(where);
        slowest && slowest->next < segment.next)
        return fail(fault::conflict,
          fmt::format("{} has read {}/{} up to {} only: wait for it",
            slowest->name, topic.name, i, slowest->next.value));
      if (log_.is_busy(where))
        return busy(topic.name);
      if (!seams_.announce)
        continue;
      if (auto known = seams_.announce({topic.name, i, log_.log_start(where),
            segment.next, segment.file_bytes,
            fmt::format("detached to {}", file), std::string{principal}});
        !known)
        return known;
    }
  return log_.detach_segment(file);
}

result<void> retention::delete_topic(
  std::string_view name, std::string_view principal) {
  std::lock_guard work{work_};
  auto topic = log_.find_topic(name);
  if (log_.is_busy())
    return busy(name);
  if (topic && !is_internal_topic(name) && seams_.announce)
    for (std::uint32_t i = 0; i < topic->partitions; ++i) {
      partition_id where{topic->number, i};
      auto stored = log_.stored_bytes(where);
      if (!stored)
        return std::unexpected{std::move(stored).error()};
      if (auto known = seams_.announce(
            {topic->name, i, log_.log_start(where), log_.log_end(where),
              *stored, "topic deleted", std::string{principal}});
        !known)
        return known;
      set_hold(*topic, i, std::nullopt);
    }
  return log_.delete_topic(name, settings_.step);
}

std::vector<retention_hold> retention::holds() const {
  std::lock_guard lock{mutex_};
  return holds_;
}

void retention::set_hold(const topic_info& topic, std::uint32_t partition,
  std::optional<retention_hold> hold) {
  std::unique_lock lock{mutex_};
  auto old = std::ranges::find_if(holds_, [&](const retention_hold& known) {
    return known.topic == topic.name && known.partition == partition;
  });
  auto was = old != holds_.end();
  if (was && hold)
    *old = *hold;
  else if (was)
    holds_.erase(old);
  else if (hold)
    holds_.push_back(*hold);
  if (was == hold.has_value())
    return;
  auto count = static_cast<std::size_t>(
    std::ranges::count(holds_, topic.name, &retention_hold::topic));
  lock.unlock();
  if (seams_.on_held)
    seams_.on_held(topic.name, count, hold ? &*hold : nullptr);
}

void retention::start(std::function<std::int64_t()> now_ms) {
  thread_ = std::thread{[this, now_ms = std::move(now_ms)] { run(now_ms); }};
}

void retention::run(const std::function<std::int64_t()>& now_ms) {
  std::unique_lock lock{mutex_};
  while (
    !wake_.wait_for(lock, settings_.interval, [this] { return stopping_; })) {
    lock.unlock();
    turn(now_ms());
    lock.lock();
  }
}

void retention::stop() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable())
    thread_.join();
}

} // namespace herald
