#pragma once

#include "actors/aggregate.hpp"
#include "actors/aggregate_snapshots.hpp"
#include "actors/event_codec.hpp"
#include "actors/event_index.hpp"
#include "actors/reply.hpp"
#include "engine/log/event_log.hpp"
#include "engine/log/log_writer.hpp"
#include "protocol/batch/record_batch.hpp"
#include "protocol/position.hpp"

#include <algorithm>
#include <cassert>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace herald {

/// What came of a command, told once it is durable.
struct command_outcome {
  enum class kind {
    /// Events were appended; `at` is the first of them.
    recorded,
    /// The log says it already; `at` is the event that does.
    unchanged,
    /// Nothing was appended; `why` tells.
    refused,
  };
  kind what = kind::recorded;
  position at;
  refusal why;
};

/// A command on its way to an aggregate.
template <class Command>
struct addressed_command {
  /// The aggregate's key: match id, player id.
  std::string key;
  Command body;
  /// Position of the event or raw document that caused the command.
  std::optional<position> causation;
  /// Follows one cause through everything that it leads to.
  std::uint64_t correlation = 0;
  reply<command_outcome> answer;
};

/// What every host borrows from the node. All of it outlives the actors.
struct host_services {
  event_log* log = nullptr;
  log_writer* writer = nullptr;
  const event_codec* codec = nullptr;
  /// Wall clock in ms, the record time of new events.
  std::function<std::int64_t()> now_ms;
  const event_index* index = nullptr;
  /// Null: states come from the log alone.
  aggregate_snapshots* snapshots = nullptr;
};

/// Hosts the aggregates of one partition: brings a state back from its last
/// snapshot and the log when it is first asked for, decides, collects the
/// events of many commands into one record batch, and answers each command
/// once its batch is committed. It is the only writer to its partition, so it
/// knows the offset of an event before the log writer assigns it.
///
/// A state that is due for a snapshot is encoded while the batch that made it
/// is on its way to the disk, and handed over once that batch is committed: no
/// command waits for it, and no snapshot is ahead of the log.
///
/// `Aggregate` has the types `state` and `command`, and the pure functions
///   decide(const state&, const command&, offset next) -> decision
///   evolve(state&, const any_event&, offset at)
///   stored_format() -> state_format
///   encode_state(const state&) -> bytes
///   decode_state(bytes_view) -> result<state>
///
/// Used by one thread at a time (its actor). After a failed append it must be
/// thrown away: its states are ahead of the log.
template <class Aggregate>
class aggregate_host {
public:
  using command = addressed_command<typename Aggregate::command>;

  /// `settled` is called on the thread that committed when a batch ended.
  aggregate_host(const host_services& services, partition_id where,
    std::function<void(std::uint64_t ticket, const append_outcome&)> settled)
    : services_(services), where_(where), settled_(std::move(settled)),
      next_(services.log->committed_end(where)) {}

  /// Decides. The events wait for flush(), which the caller calls when it has
  /// no more commands at hand; a batch that grew large is flushed at once.
  void handle(command&& next) {
    auto* entry = activate(next);
    if (!entry)
      return;
    entry->used = ++clock_;
    auto decided = Aggregate::decide(entry->state, next.body, next_);
    if (auto* why = std::get_if<refusal>(&decided)) {
      answer_in_order(std::move(next.answer),
        {command_outcome::kind::refused, {}, std::move(*why)});
    } else if (auto* at = std::get_if<offset>(&decided)) {
      answer_in_order(std::move(next.answer),
        {command_outcome::kind::unchanged, {where_, *at}, {}});
    } else {
      append(*entry, next,
        std::get<std::vector<std::shared_ptr<const any_event>>>(decided));
    }
    if (batch_ && batch_->size_bytes() >= batch_bytes_max)
      flush();
  }

  /// Hands what was decided to the log writer, and then encodes the states
  /// that are due for a snapshot.
  void flush() {
    if (batch_)
      append_batch();
    capture_due();
  }

  /// A batch ended. Batches of one partition end in the order in which they
  /// were flushed. On failure every waiting command is told and the failure is
  /// returned: the caller throws the host away.
  result<void> settle(std::uint64_t ticket, const append_outcome& outcome) {
    assert(ticket == first_ticket_ && !flights_.empty());
    ++first_ticket_;
    auto flight = std::move(flights_.front());
    flights_.pop_front();
    if (!outcome) {
      for (auto& waiting : flight.waiting)
        waiting.answer(std::unexpected(outcome.error()));
      return std::unexpected(outcome.error());
    }
    if (flight.first && outcome->first != *flight.first)
      return fail(fault::conflict,
        "somebody else wrote to this host's partition: expected offset "
          + std::to_string(flight.first->value) + ", got "
          + std::to_string(outcome->first.value));
    for (auto& waiting : flight.waiting)
      waiting.answer(std::move(waiting.outcome));
    for (auto& taken : flight.snapshots)
      store(std::move(taken));
    return {};
  }

  /// Lets go of the states that were used least lately, beyond `states_max`,
  /// as far as nothing of theirs is on its way.
  void passivate(std::size_t states_max) {
    if (states_.size() <= states_max || has_work() || !flights_.empty())
      return;
    std::vector<std::pair<std::uint64_t, std::string>> by_use;
    by_use.reserve(states_.size());
    for (auto& [key, entry] : states_)
      by_use.emplace_back(entry.used, key);
    auto excess = states_.size() - states_max;
    std::nth_element(by_use.begin(), by_use.begin() + excess, by_use.end());
    for (std::size_t i = 0; i < excess; ++i)
      states_.erase(by_use[i].second);
  }

  std::size_t active() const { return states_.size(); }
  /// Whether flush() has something to do.
  bool has_work() const { return batch_.has_value() || !due_.empty(); }

  /// The stored form of a state that is in memory; none for another one. For
  /// tests, which compare states.
  std::optional<bytes> encoded_state(const std::string& key) const {
    auto found = states_.find(key);
    if (found == states_.end())
      return std::nullopt;
    return Aggregate::encode_state(found->second.state);
  }

private:
  static constexpr std::size_t batch_bytes_max = 256 * 1024;
  static constexpr std::size_t compress_from_bytes = 512;

  struct hosted {
    typename Aggregate::state state;
    std::uint64_t used = 0;
    /// What has come since the last snapshot.
    std::uint64_t events = 0;
    std::uint64_t event_bytes = 0;
    /// In due_ already.
    bool due = false;
  };
  /// An encoded state, and up to where it holds the partition.
  struct captured {
    std::string key;
    offset next;
    bytes state;
  };
  struct waiting_answer {
    reply<command_outcome> answer;
    command_outcome outcome;
  };
  /// One batch between flush() and settle(), and who waits for it.
  struct flight {
    std::optional<offset> first;
    std::vector<waiting_answer> waiting;
    std::vector<captured> snapshots;
  };

  hosted* activate(command& next) {
    auto found = states_.find(next.key);
    if (found != states_.end())
      return &found->second;
    hosted fresh;
    auto slow = bring_back(next.key, fresh);
    if (!slow) {
      next.answer(std::unexpected(slow.error()));
      return nullptr;
    }
    auto [place, added] = states_.emplace(next.key, std::move(fresh));
    if (*slow)
      mark_due(place->first, place->second);
    return &place->second;
  }

  /// Makes the state from its snapshot and the events after it; whether it
  /// should be stored at once, so that it comes back faster next time.
  result<bool> bring_back(const std::string& key, hosted& entry) {
    // Events of this aggregate are on disk: those on their way would have it in
    // memory.
    auto end = std::min(next_, services_.log->committed_end(where_));
    auto* snapshots = services_.snapshots;
    if (!snapshots) {
      if (auto done = replay(key, {0}, end, entry); !done)
        return std::unexpected(done.error());
      return false;
    }
    auto started = snapshots->steady_now();
    offset from{0};
    auto found = snapshots->find(where_, key, Aggregate::stored_format(), end);
    if (found.usable) {
      if (auto state = Aggregate::decode_state(found.usable->state)) {
        entry.state = std::move(*state);
        from = found.usable->next;
        snapshots->count_used();
      } else {
        snapshots->refuse(where_, key, state.error());
        found.refused = true;
      }
    }
    if (auto done = replay(key, from, end, entry); !done)
      return std::unexpected(done.error());
    return found.refused
      || (entry.events > 0
        && snapshots->policy().due(
          entry.events, entry.event_bytes, snapshots->steady_now() - started));
  }

  result<void> replay(
    const std::string& key, offset from, offset end, hosted& entry) {
    return services_.index->for_each_event(
      where_, key, from, end, [&](const record_view& record) -> result<void> {
        if (!record.value)
          return {};
        auto event = services_.codec->decode(*record.value);
        if (!event)
          return std::unexpected(event.error());
        Aggregate::evolve(entry.state, *event, record.at);
        ++entry.events;
        entry.event_bytes += record.value->size();
        return {};
      });
  }

  void append(hosted& entry, command& next,
    const std::vector<std::shared_ptr<const any_event>>& events) {
    auto now = services_.now_ms();
    if (!batch_) {
      batch_.emplace(now);
      filling_.first = next_;
    }
    auto first = next_;
    encoded_headers headers{{next.causation, next.correlation}, *services_.log};
    for (auto& event : events) {
      auto value = services_.codec->encode(*event);
      batch_->add(next.key, value, now, headers.views());
      Aggregate::evolve(entry.state, *event, next_);
      next_ = next_.next();
      ++entry.events;
      entry.event_bytes += value.size();
    }
    if (services_.snapshots
      && services_.snapshots->policy().due(entry.events, entry.event_bytes, {}))
      mark_due(next.key, entry);
    filling_.waiting.push_back({std::move(next.answer),
      {command_outcome::kind::recorded, {where_, first}, {}}});
  }

  void append_batch() {
    auto ticket = next_ticket_++;
    auto batch = batch_->finish(batch_->size_bytes() > compress_from_bytes
        ? compression::zstd
        : compression::none);
    batch_.reset();
    flights_.push_back(std::move(filling_));
    filling_ = {};
    services_.writer->append(where_, std::move(batch),
      [ticket, settled = settled_](
        const append_outcome& outcome) { settled(ticket, outcome); });
  }

  // -- snapshots --------------------------------------------------------------

  void mark_due(const std::string& key, hosted& entry) {
    if (!std::exchange(entry.due, true))
      due_.push_back(key);
  }

  /// Encodes what is due as of everything decided so far. It waits with the
  /// last batch on its way, whose commit makes it true.
  void capture_due() {
    for (auto& key : due_) {
      auto& entry = states_.at(key);
      entry.due = false;
      entry.events = entry.event_bytes = 0;
      captured taken{key, next_, Aggregate::encode_state(entry.state)};
      if (flights_.empty())
        store(std::move(taken));
      else
        flights_.back().snapshots.push_back(std::move(taken));
    }
    due_.clear();
  }

  void store(captured&& taken) {
    services_.snapshots->take(where_, taken.key, Aggregate::stored_format(),
      taken.next, std::move(taken.state));
  }

  /// An answer that rests on events which are still on their way must not
  /// overtake them.
  void answer_in_order(reply<command_outcome> answer, command_outcome outcome) {
    if (batch_)
      filling_.waiting.push_back({std::move(answer), std::move(outcome)});
    else if (!flights_.empty())
      flights_.back().waiting.push_back(
        {std::move(answer), std::move(outcome)});
    else
      answer(std::move(outcome));
  }

  const host_services& services_;
  partition_id where_;
  std::function<void(std::uint64_t, const append_outcome&)> settled_;
  offset next_;
  std::unordered_map<std::string, hosted> states_;
  std::uint64_t clock_ = 0;
  /// Keys of states that flush() is to capture.
  std::vector<std::string> due_;
  std::optional<batch_builder> batch_;
  flight filling_;
  std::deque<flight> flights_;
  std::uint64_t next_ticket_ = 0;
  std::uint64_t first_ticket_ = 0;
};

} // namespace herald
