#include "engine/store/follower.hpp"

#include "engine/base/logging.hpp"
#include "engine/log/event_log.hpp"
#include "engine/store/fold.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <iterator>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace herald {
namespace {

using batches = std::shared_ptr<const std::vector<stored_batch>>;

/// Faults of the store itself, for which no projection is to blame.
bool is_of_the_store(fault code) {
  return code == fault::io || code == fault::storage_full
    || code == fault::damaged;
}

} // namespace

struct follower_driver::impl {
  struct entry {
    projection* follower = nullptr;
    std::vector<std::string> missing_topics;
    std::vector<followed> parts;
    follower_status status;
  };

  /// What one round folds for one projection in one partition.
  struct piece {
    entry* whose;
    std::size_t part;
    batches from;
    offset next;
    std::uint64_t count = 0;
  };

  const event_log& log;
  view_store& views;
  follower_settings settings;
  std::vector<applied_listener> listeners;

  // Guards what other threads look at: entries, failed, and the two flags.
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::unique_ptr<entry>> entries;
  std::optional<failure> failed;
  bool news = true;
  bool stopping = false;
  bool started = false;
  std::size_t turns = 0;
  std::thread thread;

  impl(const event_log& l, view_store& v, const follower_settings& s)
    : log{l}, views{v}, settings{s} {}

  // -- start ------------------------------------------------------------------

  /// Why the tables of a projection are worth nothing, if so.
  std::optional<std::string> reason_to_reset(const follower_record& before,
    const follower_record& now, const entry& each,
    const view_snapshot& snapshot) const {
    if (before.incarnation != now.incarnation)
      return "the log has another incarnation";
    if (before.version != now.version)
      return fmt::format(
        "its version went from {} to {}", before.version, now.version);
    if (before.tables != now.tables)
      return "it writes other tables";
    for (const auto& name : each.follower->topics())
      if (auto topic = log.find_topic(name))
        for (std::uint32_t i = 0; i < topic->partitions; ++i) {
          auto next = snapshot.cursor(each.status.name, key_of(*topic, i));
          auto end = log.committed_end({topic->number, i});
          if (next && *next > end)
            return fmt::format("it has read {}/{} up to {}, the log ends at {}",
              name, i, next->value, end.value);
        }
    return std::nullopt;
  }

  result<void> prepare(entry& each) {
    auto now = record_of(*each.follower, log);
    if (auto opened = views.open_tables(now.tables); !opened)
      return opened;
    std::optional<follower_record> before;
    std::optional<std::string> reason, gone;
    auto read = views.read([&](const view_snapshot& snapshot) {
      before = snapshot.follower(each.status.name);
      if (before)
        reason = reason_to_reset(*before, now, each, snapshot);
      if (reason && before->incarnation == now.incarnation)
        gone = reason_history_is_gone(*each.follower, log, snapshot);
      return result<void>{};
    });
    if (!read)
      return read;
    if (before && !reason)
      return {};
    if (gone) {
      stop_projection(each,
        {fault::conflict,
          fmt::format("the tables of the projection {} would have to be made "
                      "again ({}), but the log no longer has all that they "
                      "hold: {}. Go back to the version of Herald that made "
                      "them, or delete the folder 'views' to make them from "
                      "what is left",
            each.status.name, *reason, *gone)});
      return {};
    }
    if (before)
      // So that they can be cleared.
      if (auto opened = views.open_tables(before->tables); !opened)
        return opened;
    if (reason)
      log_info("views", "the tables of a projection are made again",
        {{"projection", each.status.name}, {"reason", *reason}});
    each.status.reset = reason;
    return views.update([&](view_transaction& transaction) {
      transaction.reset(each.status.name, now);
      return result<void>{};
    });
  }

  /// Takes up the topics of a projection that have come to exist.
  result<void> find_topics(entry& each) {
    std::vector<followed> found;
    std::vector<std::string> missing;
    for (const auto& name : each.missing_topics) {
      auto topic = log.find_topic(name);
      if (!topic) {
        missing.push_back(name);
        continue;
      }
      for (std::uint32_t i = 0; i < topic->partitions; ++i)
        found.push_back(
          {{topic->number, i}, key_of(*topic, i), name, offset{}, offset{}});
    }
    if (found.empty())
      return {};
    auto read = views.read([&](const view_snapshot& snapshot) {
      for (auto& part : found) {
        part.origin = log.log_start(part.where);
        part.next
          = snapshot.cursor(each.status.name, part.key).value_or(part.origin);
      }
      return result<void>{};
    });
    if (!read)
      return read;
    std::lock_guard lock{mutex};
    std::move(found.begin(), found.end(), std::back_inserter(each.parts));
    each.missing_topics = std::move(missing);
    return {};
  }

  // -- a round ----------------------------------------------------------------

  void stop_projection(entry& each, failure reason) {
    log_error("views", "a projection has stopped",
      {{"projection", each.status.name}, {"reason", reason.message}});
    std::lock_guard lock{mutex};
    each.status.stopped = std::move(reason);
  }

  /// Reads of a round: projections that stand at the same place share one.
  using reads = std::map<std::pair<partition_id, offset>, batches>;

  result<batches> read(const followed& part, reads& shared) const {
    auto& known = shared[{part.where, part.next}];
    if (known)
      return known;
    auto found = log.read(part.where, part.next, settings.read_bytes_max);
    if (!found)
      return std::unexpected{found.error()};
    known
      = std::make_shared<const std::vector<stored_batch>>(std::move(*found));
    return known;
  }

  /// What this round is to fold. It starts with another projection and another
  /// partition each time, so that one that is far behind cannot starve the
  /// others.
  std::vector<piece> plan() {
    std::vector<piece> pieces;
    reads shared;
    std::size_t planned_bytes = 0;
    ++turns;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      auto& each = *entries[(turns + i) % entries.size()];
      for (std::size_t j = 0; j < each.parts.size(); ++j) {
        auto index = (turns + j) % each.parts.size();
        const auto& part = each.parts[index];
        if (each.status.stopped
          || planned_bytes >= settings.transaction_bytes_max)
          break;
        if (log.committed_end(part.where) <= part.next)
          continue;
        auto from = read(part, shared);
        if (!from) {
          // What it has of other partitions is sound, and is still folded.
          stop_projection(
            each, stopped_at(*each.follower, part, part.next, from.error()));
          break;
        }
        if ((*from)->empty())
          continue;
        for (const auto& batch : **from)
          planned_bytes += batch.batch.size();
        pieces.push_back({&each, index, *from, (*from)->back().next});
      }
    }
    return pieces;
  }

  /// Folds and commits; takes pieces of projections that fail out of it.
  result<void> commit(std::vector<piece>& pieces) {
    while (!pieces.empty()) {
      entry* culprit = nullptr;
      bool store_failed = false;
      auto done
        = views.update([&](view_transaction& transaction) -> result<void> {
            culprit = nullptr;
            store_failed = false;
            for (auto& each : pieces) {
              const auto& part = each.whose->parts[each.part];
              auto count = fold(*each.whose->follower, part, *each.from,
                each.next, transaction);
              if (!count) {
                culprit = each.whose;
                store_failed = transaction.failed()
                  && is_of_the_store(transaction.failed()->code);
                return std::unexpected{count.error()};
              }
              each.count = *count;
              transaction.set_cursor(
                each.whose->status.name, part.key, each.next, part.origin);
            }
            return {};
          });
      if (done)
        return {};
      if (!culprit || store_failed)
        return done;
      stop_projection(*culprit, done.error());
      std::erase_if(
        pieces, [&](const piece& each) { return each.whose == culprit; });
    }
    return {};
  }

  /// One round. Returns whether there was anything to do, and counts records.
  result<bool> round(std::size_t& records) {
    for (auto& each : entries)
      if (!each->status.stopped && !each->missing_topics.empty())
        if (auto found = find_topics(*each); !found)
          return std::unexpected{found.error()};
    if (entries.empty())
      return false;
    auto pieces = plan();
    if (pieces.empty())
      return false;
    if (auto done = commit(pieces); !done)
      return std::unexpected{done.error()};
    {
      std::lock_guard lock{mutex};
      for (const auto& each : pieces) {
        each.whose->parts[each.part].next = each.next;
        each.whose->status.applied += each.count;
        records += each.count;
      }
    }
    for (const auto& each : pieces)
      for (const auto& listener : listeners)
        listener(
          *each.whose->follower, each.whose->parts[each.part].where, each.next);
    return true;
  }

  void give_up(const failure& reason) {
    log_error("views", "no view moves on", {{"reason", reason.message}});
    std::lock_guard lock{mutex};
    failed = reason;
  }

  void loop() {
    for (;;) {
      {
        std::unique_lock lock{mutex};
        changed.wait(lock, [this] { return news || stopping; });
        if (stopping)
          return;
        news = false;
      }
      std::size_t records = 0;
      auto more = round(records);
      if (!more)
        return give_up(more.error());
      if (*more)
        wake();
    }
  }

  void wake() {
    std::lock_guard lock{mutex};
    news = true;
    changed.notify_one();
  }
};

follower_driver::follower_driver(
  const event_log& log, view_store& views, const follower_settings& settings)
  : self_{std::make_unique<impl>(log, views, settings)} {}

follower_driver::~follower_driver() {
  stop();
}

void follower_driver::add(projection& follower) {
  assert(!self_->started);
  for (const auto& each : self_->entries) {
    assert(each->status.name != follower.name());
    auto theirs = each->follower->tables();
    for (const auto& table : follower.tables())
      assert(std::find(theirs.begin(), theirs.end(), table) == theirs.end());
  }
  auto added = std::make_unique<impl::entry>();
  added->follower = &follower;
  added->missing_topics = follower.topics();
  added->status.name = follower.name();
  added->status.version = follower.version();
  self_->entries.push_back(std::move(added));
}

void follower_driver::on_applied(applied_listener listener) {
  assert(!self_->started);
  self_->listeners.push_back(std::move(listener));
}

result<void> follower_driver::start() {
  assert(!self_->started);
  for (auto& each : self_->entries) {
    if (auto done = self_->prepare(*each); !done)
      return done;
    if (auto done = self_->find_topics(*each); !done)
      return done;
  }
  self_->started = true;
  if (self_->settings.own_thread)
    self_->thread = std::thread{[self = self_.get()] { self->loop(); }};
  return {};
}

void follower_driver::wake() {
  self_->wake();
}

result<std::size_t> follower_driver::turn() {
  assert(self_->started && !self_->settings.own_thread);
  if (auto reason = failed())
    return std::unexpected{*reason};
  std::size_t records = 0;
  // Rounds that only stopped something, or passed what holds no records.
  for (bool more = true; more && records == 0;) {
    auto went = self_->round(records);
    if (!went) {
      self_->give_up(went.error());
      return std::unexpected{went.error()};
    }
    more = *went;
  }
  return records;
}

void follower_driver::stop() {
  {
    std::lock_guard lock{self_->mutex};
    self_->stopping = true;
    self_->changed.notify_one();
  }
  if (self_->thread.joinable())
    self_->thread.join();
}

std::vector<follower_status> follower_driver::status() const {
  std::lock_guard lock{self_->mutex};
  std::vector<follower_status> all;
  for (const auto& each : self_->entries) {
    auto status = each->status;
    for (const auto& part : each->parts) {
      auto end = self_->log.committed_end(part.where);
      status.lag += end > part.next ? end.value - part.next.value : 0;
    }
    all.push_back(std::move(status));
  }
  return all;
}

std::optional<std::pair<std::string, offset>> follower_driver::slowest(
  partition_id where) const {
  std::lock_guard lock{self_->mutex};
  std::optional<std::pair<std::string, offset>> least;
  for (const auto& each : self_->entries)
    for (const auto& part : each->parts)
      if (part.where == where && (!least || part.next < least->second))
        least = {each->status.name, part.next};
  return least;
}

std::optional<failure> follower_driver::failed() const {
  std::lock_guard lock{self_->mutex};
  return self_->failed;
}

} // namespace herald
