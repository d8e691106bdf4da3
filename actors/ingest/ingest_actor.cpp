#include "actors/ingest/ingest_actor.hpp"

#include "actors/riot/document.hpp"
#include "actors/riot/replay.hpp"
#include "engine/base/logging.hpp"
#include "protocol/batch/partitioner.hpp"

#include <caf/all.hpp>
#include <fmt/format.h>

#include <deque>
#include <unordered_map>

namespace herald {

void unknown_properties::add(
  const std::map<std::string, std::uint64_t>& counts) {
  if (counts.empty())
    return;
  std::lock_guard guard{mutex_};
  for (auto& [path, count] : counts) {
    bool room = counts_.size() < paths_max || counts_.contains(path);
    counts_[room ? path : "(others)"] += count;
  }
}

std::map<std::string, std::uint64_t> unknown_properties::report() const {
  std::lock_guard guard{mutex_};
  return counts_;
}

namespace {

using namespace std::chrono_literals;

// Outcomes that are remembered until the views show them.
constexpr std::size_t recent_max = 2'048;
// Stored documents whose validation goes on at the same time after a restart.
constexpr std::size_t recovering_max = 16;
constexpr std::size_t document_inflated_max = riot::document_bytes_max;

/// A document between its arrival and its outcome.
struct entry {
  std::string hash;
  bytes content;
  std::string principal;
  std::string source;
  std::optional<offset> raw;
  std::optional<riot::document> read;
  std::vector<reply<document_outcome>> waiting;
};
using entry_ptr = std::shared_ptr<entry>;

class ingest_state {
public:
  static inline const char* name = "ingest";

  caf::behavior start(caf::event_based_actor* self,
    const ingest_services* services, std::uint32_t partition) {
    self_ = self;
    explain_exceptions(self);
    services_ = services;
    partition_ = partition;
    raw_ = {services->raw.number, partition};
    dead_ = {services->dead_letter.number, partition};
    recover_from_ = services->cursors->get(ingest_follower, raw_);
    recover_to_ = services->log->committed_end(raw_);
    refused_to_ = services->log->committed_end(dead_);
    done_to_ = recover_from_;
    self->send(self, retry_atom::value);
    return {
      [this](ingest_atom, ingest_message& job) { take(std::move(job)); },
      [this](step_atom, const step_message& step) { (*step)(); },
      [this](retry_atom) { recover(); },
    };
  }

private:
  // -- after a restart --------------------------------------------------------

  /// Waits until the views know every outcome that the log holds, then goes
  /// on with the stored documents that have none.
  void recover() {
    if (!views_caught_up()) {
      self_->delayed_send(self_, 20ms, retry_atom::value);
      return;
    }
    while (recover_from_ < recover_to_ && flying_.size() < recovering_max) {
      auto at = recover_from_;
      auto read = for_each_record(
        *services_->log, raw_, at, at.next(),
        [&](const record_view& record) -> result<void> {
          recover_one(record);
          return {};
        },
        1);
      if (!read) {
        // A damaged record stops what would pass it: it is never skipped.
        log_error("ingest", "A stored document cannot be read",
          {{"partition", partition_}, {"offset", at.value},
            {"reason", read.error().message}});
        self_->delayed_send(self_, 10s, retry_atom::value);
        return;
      }
      recover_from_ = at.next();
    }
    if (recover_from_ < recover_to_)
      return; // finish() calls again
    recovered_ = true;
    auto stashed = std::move(stash_);
    for (auto& job : stashed)
      take(std::move(job));
    move_cursor();
  }

  bool views_caught_up() const {
    bool caught_up = false;
    (void)services_->views->read(
      [&](const view_snapshot& views) -> result<void> {
        auto at = [&](std::string_view follower, const topic_info& topic) {
          return views.cursor(follower, {topic.id.value, partition_})
            .value_or(offset{0});
        };
        caught_up
          = at(raw_projection::follower_name, services_->raw) >= recover_to_
          && at(refused_projection::follower_name, services_->dead_letter)
            >= refused_to_;
        return {};
      });
    return caught_up;
  }

  void recover_one(const record_view& record) {
    if (!record.key || !record.value)
      return;
    std::string hash{*record.key};
    if (known_outcome(hash) || flying_.contains(hash))
      return;
    auto sealed = services_->people->open_sealed(*record.value, hash);
    auto content = sealed
      ? decompress(compression::zstd, *sealed, document_inflated_max)
      : result<bytes>{std::unexpected(sealed.error())};
    if (!content) {
      // Its key is gone (erased), or its bytes are damaged.
      log_warning("ingest", "A stored document cannot be opened",
        {{"partition", partition_}, {"offset", record.at.value},
          {"reason", content.error().message}});
      return;
    }
    auto fresh = std::make_shared<entry>();
    fresh->hash = hash;
    fresh->content = std::move(*content);
    fresh->principal = record.header("principal").value_or("import");
    fresh->source = record.header("source").value_or("file");
    fresh->raw = record.at;
    flying_.emplace(hash, fresh);
    open_.emplace(record.at, fresh);
    later([this, fresh] { validate(fresh); });
  }

  // -- a document arrives -----------------------------------------------------

  void take(ingest_message job) {
    if (!recovered_) {
      stash_.push_back(std::move(job));
      return;
    }
    if (auto flying = flying_.find(job->hash); flying != flying_.end()) {
      flying->second->waiting.push_back(std::move(job->answer));
      return;
    }
    if (auto known = known_outcome(job->hash)) {
      tell_again(job->answer, *known);
      return;
    }
    auto fresh = std::make_shared<entry>();
    fresh->hash = std::move(job->hash);
    fresh->content = std::move(job->content);
    fresh->principal = std::move(job->principal);
    fresh->source = std::move(job->source);
    fresh->waiting.push_back(std::move(job->answer));
    flying_.emplace(fresh->hash, fresh);
    fresh->raw = stored_before(fresh->hash);
    if (fresh->raw) {
      // Stored by an incarnation that ended before the outcome.
      open_.emplace(*fresh->raw, fresh);
      validate(fresh);
    } else {
      store(fresh);
    }
  }

  /// Where a document is stored that has no outcome yet, if it is.
  std::optional<offset> stored_before(const std::string& hash) const {
    for (auto& [at, unfinished] : open_)
      if (unfinished->hash == hash)
        return at;
    return find_raw_document(*services_->views, hash);
  }

  /// The outcome of a document that was settled before, if it was.
  std::optional<document_outcome> known_outcome(const std::string& hash) {
    if (auto found = recent_.find(hash); found != recent_.end())
      return found->second;
    if (auto recorded = recorded_outcome(hash))
      return recorded;
    auto refused
      = find_refused_document(*services_->views, *services_->codec, hash);
    if (!refused)
      return std::nullopt;
    document_outcome outcome;
    outcome.what = document_outcome::kind::refused;
    outcome.match_id = refused->matchId;
    outcome.why = {refused->rule, refused->pointer, refused->reason};
    return outcome;
  }

  std::optional<document_outcome> recorded_outcome(const std::string& hash) {
    match_views views{*services_->log, *services_->views};
    auto recorded = views.document(hash);
    if (!recorded)
      return std::nullopt;
    document_outcome outcome;
    outcome.document_kind = recorded->kind;
    outcome.match_id = recorded->match_id;
    outcome.at = {{services_->match.number, recorded->partition}, recorded->at};
    return outcome;
  }

  void store(const entry_ptr& fresh) {
    auto sealed = services_->people->seal(
      compress(compression::zstd, fresh->content), fresh->hash);
    if (!sealed) {
      abandon(fresh, sealed.error());
      return;
    }
    batch_builder batch{services_->now_ms()};
    std::array<record_header, 2> headers{
      record_header{"principal", fresh->principal},
      record_header{"source", fresh->source}};
    batch.add(fresh->hash, *sealed, services_->now_ms(), headers);
    append(raw_, batch.finish(), [this, fresh](const append_outcome& outcome) {
      if (!outcome) {
        abandon(fresh, outcome.error());
        return;
      }
      fresh->raw = outcome->first;
      open_.emplace(outcome->first, fresh);
      validate(fresh);
    });
  }

  void validate(const entry_ptr& fresh) {
    auto read = riot::read_document(fresh->content);
    // The bytes are safe in riot.raw; the memory has served its turn.
    fresh->content = {};
    if (!read) {
      auto& why = read.error();
      refuse(fresh, {why.rule, why.pointer, why.reason});
      return;
    }
    services_->unknown->add(read->unknown);
    fresh->read = std::move(*read);
    name_people(fresh);
  }

  void name_people(const entry_ptr& fresh) {
    std::vector<person> people;
    for (auto& who : fresh->read->people) {
      person one{services_->key_identity, who.puuid, std::nullopt};
      if (!who.game_name.empty() || !who.summoner_name.empty())
        one.names = player_names{
          who.game_name, who.tag_line, who.summoner_name, services_->now_ms()};
      people.push_back(std::move(one));
    }
    if (people.empty()) {
      record(fresh);
      return;
    }
    auto step = stepper();
    services_->people->resolve(
      std::move(people), [this, fresh, step](const vault::resolved& ids) {
        step([this, fresh, ids] {
          if (!ids) {
            abandon(fresh, ids.error());
            return;
          }
          for (std::size_t i = 0; i < ids->size(); ++i)
            riot::set_player_id(
              *fresh->read, fresh->read->people[i], to_string((*ids)[i]));
          record(fresh);
        });
      });
  }

  void record(const entry_ptr& fresh) {
    auto message = std::make_shared<addressed_command<match_command>>();
    message->key = fresh->read->match_id;
    message->causation = position{raw_, *fresh->raw};
    message->body = command_of(*fresh);
    auto step = stepper();
    message->answer = reply<command_outcome>{
      [this, fresh, step](result<command_outcome> told) {
        step([this, fresh, told = std::move(told)] { recorded(fresh, told); });
      }};
    auto host = partition_of(
      message->key, static_cast<std::uint32_t>(services_->match_hosts.size()));
    caf::anon_send(
      services_->match_hosts[host], command_atom::value, std::move(message));
  }

  static match_command command_of(entry& fresh) {
    auto& content = fresh.read->content;
    auto name = [&](auto& event) {
      event.contentHash = fresh.hash;
      event.principal = fresh.principal;
      event.source = fresh.source;
    };
    if (auto* match = std::get_if<event::match_completed>(&content)) {
      name(*match);
      auto summary
        = std::make_shared<const riot::match_summary>(riot::summarize(*match));
      return record_match{
        std::make_shared<const any_event>(std::move(*match)), summary};
    }
    auto& timeline = std::get<event::match_timeline_recorded>(content);
    name(timeline);
    auto summary
      = std::make_shared<const riot::timeline_summary>(riot::replay(timeline));
    return record_timeline{
      std::make_shared<const any_event>(std::move(timeline)), summary};
  }

  void recorded(const entry_ptr& fresh, const result<command_outcome>& told) {
    if (!told) {
      abandon(fresh, told.error());
      return;
    }
    if (told->what == command_outcome::kind::refused) {
      refuse(fresh, told->why);
      return;
    }
    document_outcome outcome;
    outcome.what = told->what == command_outcome::kind::recorded
      ? document_outcome::kind::accepted
      : document_outcome::kind::duplicate;
    outcome.document_kind = riot::to_string(fresh->read->kind());
    outcome.match_id = fresh->read->match_id;
    outcome.at = told->at;
    finish(fresh, outcome);
  }

  void refuse(const entry_ptr& fresh, refusal why) {
    event::document_refused refused;
    refused.contentHash = fresh->hash;
    refused.matchId = fresh->read ? fresh->read->match_id : "";
    refused.rule = why.rule;
    refused.pointer = why.pointer;
    refused.reason = why.reason;
    refused.principal = fresh->principal;
    refused.source = fresh->source;
    refused.rawPartition = static_cast<std::int32_t>(partition_);
    refused.rawOffset = static_cast<std::int64_t>(fresh->raw->value);
    document_outcome outcome;
    outcome.what = document_outcome::kind::refused;
    outcome.match_id = refused.matchId;
    outcome.why = std::move(why);
    batch_builder batch{services_->now_ms()};
    encoded_headers headers{{position{raw_, *fresh->raw}, 0}, *services_->log};
    batch.add(fresh->hash,
      services_->codec->encode(any_event{std::move(refused)}),
      services_->now_ms(), headers.views());
    append(dead_, batch.finish(),
      [this, fresh, outcome](const append_outcome& appended) {
        if (appended)
          finish(fresh, outcome);
        else
          abandon(fresh, appended.error());
      });
  }

  // -- the end of a document --------------------------------------------------

  void finish(const entry_ptr& fresh, const document_outcome& outcome) {
    auto waiting = std::move(fresh->waiting);
    bool first = true;
    for (auto& answer : waiting) {
      if (first) {
        count(outcome);
        answer(outcome);
      } else {
        tell_again(answer, outcome);
      }
      first = false;
    }
    remember(fresh->hash, outcome);
    close(fresh);
  }

  /// No outcome: the client hears why and sends the document again. A stored
  /// one is taken up again after a restart at the latest.
  void abandon(const entry_ptr& fresh, const failure& why) {
    auto waiting = std::move(fresh->waiting);
    for (auto& answer : waiting)
      answer(std::unexpected(why));
    // The cursor stays in front of it.
    flying_.erase(fresh->hash);
    if (!recovered_)
      recover();
  }

  void close(const entry_ptr& fresh) {
    flying_.erase(fresh->hash);
    if (fresh->raw) {
      done_to_ = std::max(done_to_, fresh->raw->next());
      open_.erase(*fresh->raw);
    }
    if (recovered_)
      move_cursor();
    else
      recover();
  }

  /// The cursor stands before the first stored document without an outcome.
  void move_cursor() {
    auto next
      = open_.empty() ? std::max(done_to_, recover_to_) : open_.begin()->first;
    services_->cursors->set(ingest_follower, raw_, next);
  }

  void remember(const std::string& hash, const document_outcome& outcome) {
    recent_.emplace(hash, outcome);
    recent_order_.push_back(hash);
    // An outcome goes only when the views have it.
    while (recent_order_.size() > recent_max) {
      auto oldest = recent_order_.front();
      auto kept = recent_.extract(oldest);
      recent_order_.pop_front();
      if (!known_outcome(oldest)) {
        recent_.insert(std::move(kept));
        recent_order_.push_back(oldest);
        return;
      }
    }
  }

  void tell_again(reply<document_outcome>& answer, document_outcome outcome) {
    if (outcome.what != document_outcome::kind::refused)
      outcome.what = document_outcome::kind::duplicate;
    count(outcome);
    answer(std::move(outcome));
  }

  void count(const document_outcome& outcome) {
    switch (outcome.what) {
    case document_outcome::kind::accepted:
      services_->accepted->add();
      break;
    case document_outcome::kind::duplicate:
      services_->duplicate->add();
      break;
    case document_outcome::kind::refused:
      services_->refused->add();
      break;
    }
  }

  // -- steps ------------------------------------------------------------------

  /// Something that other threads call to have a step done on this actor's
  /// thread; does nothing once the actor has ended.
  std::function<void(std::function<void()>)> stepper() {
    auto weak = caf::actor_cast<caf::weak_actor_ptr>(self_);
    return [weak](std::function<void()> step) {
      if (auto strong = weak.lock())
        caf::anon_send(caf::actor_cast<caf::actor>(strong), step_atom::value,
          std::make_shared<std::function<void()>>(std::move(step)));
    };
  }

  void later(std::function<void()> step) {
    self_->send(self_, step_atom::value,
      std::make_shared<std::function<void()>>(std::move(step)));
  }

  void append(partition_id where, bytes batch,
    std::function<void(const append_outcome&)> then) {
    auto step = stepper();
    services_->writer->append(where, std::move(batch),
      [step, then = std::move(then)](const append_outcome& outcome) {
        step([then, outcome] { then(outcome); });
      });
  }

  caf::event_based_actor* self_ = nullptr;
  const ingest_services* services_ = nullptr;
  std::uint32_t partition_ = 0;
  partition_id raw_;
  partition_id dead_;

  bool recovered_ = false;
  offset recover_from_, recover_to_, refused_to_;
  std::deque<ingest_message> stash_;

  std::unordered_map<std::string, entry_ptr> flying_;
  /// Stored documents without an outcome, by their offset in riot.raw.
  std::map<offset, entry_ptr> open_;
  /// One beyond the last stored document that has an outcome.
  offset done_to_;
  std::unordered_map<std::string, document_outcome> recent_;
  std::deque<std::string> recent_order_;
};

} // namespace

std::vector<ingest_actor> spawn_ingestion(caf::actor_system& system,
  supervision_tree* tree, const ingest_services* services) {
  std::vector<ingest_actor> actors;
  for (std::uint32_t p = 0; p < services->raw.partitions; ++p) {
    auto guardian = spawn_guardian(system, tree, "ingest",
      {std::to_string(p), [services, p](caf::event_based_actor* parent) {
         return parent->spawn(
           [services, p](caf::stateful_actor<ingest_state>* self) {
             return self->state.start(self, services, p);
           });
       }});
    actors.push_back(caf::actor_cast<ingest_actor>(guardian));
  }
  return actors;
}

} // namespace herald
