#include "actors/player/statistics_actor.hpp"

#include "engine/base/logging.hpp"
#include "protocol/batch/partitioner.hpp"

#include <caf/all.hpp>

#include <map>
#include <set>

namespace herald {

namespace {

using namespace std::chrono_literals;

// Records that one chunk looks at.
constexpr std::uint64_t chunk_records = 64;
constexpr std::chrono::milliseconds retry_interval = 200ms;
// Damage does not go away by itself.
constexpr std::chrono::milliseconds damaged_interval = 30s;

class statistics_state {
public:
  static inline const char* name = "statistics";

  caf::behavior start(caf::event_based_actor* self,
    const statistics_services* services, std::uint32_t partition) {
    self_ = self;
    explain_exceptions(self);
    services_ = services;
    where_ = {services->match.number, partition};
    next_ = services->cursors->get(statistics_follower, where_);
    self->send(self, retry_atom::value);
    return {
      [this](news_atom) { go_on(); },
      [this](retry_atom) {
        paused_ = false;
        go_on();
      },
      [this](counted_atom, bool well) { counted(well); },
    };
  }

private:
  using contributions = std::map<std::string, event::player_totals>;

  void go_on() {
    if (waiting_ > 0 || paused_)
      return;
    auto end = services_->log->committed_end(where_);
    if (next_ >= end)
      return;
    chunk_end_ = std::min(end, offset{next_.value + chunk_records});
    all_well_ = true;
    readable_ = true;
    // One that stands for the reading itself: answers cannot end the chunk
    // before it is read.
    waiting_ = 1;
    auto read = for_each_record(*services_->log, where_, next_, chunk_end_,
      [this](const record_view& record) { return count(record); });
    if (!read)
      log_error("statistics", "A match event cannot be read",
        {{"partition", where_.partition}, {"from", next_.value},
          {"reason", read.error().message}});
    readable_ = read.has_value();
    counted(readable_);
  }

  result<void> count(const record_view& record) {
    if (!record.value)
      return {};
    // A timeline, the bulk of what passes here, is not worth decoding.
    auto counts
      = services_->codec->holds<event::match_completed>(*record.value);
    if (!counts)
      return std::unexpected(counts.error());
    if (!*counts)
      return {};
    auto event = services_->codec->decode(*record.value);
    if (!event)
      return std::unexpected(event.error());
    auto* match = std::get_if<event::match_completed>(&*event);
    if (!match)
      return {};
    contributions before;
    if (match->supersedes) {
      offset corrected{static_cast<std::uint64_t>(*match->supersedes)};
      auto read = for_each_record(
        *services_->log, where_, corrected, corrected.next(),
        [&](const record_view& old) -> result<void> {
          auto old_event = services_->codec->decode(old.value.value_or(""));
          if (!old_event)
            return std::unexpected(old_event.error());
          if (auto* old_match
            = std::get_if<event::match_completed>(&*old_event))
            before = contributions_of(*old_match);
          return {};
        },
        1);
      if (!read)
        return read;
    }
    auto now = contributions_of(*match);
    std::set<std::string> players;
    for (auto& [player, totals] : before)
      players.insert(player);
    for (auto& [player, totals] : now)
      players.insert(player);
    for (auto& player : players)
      send_command(*match, record.at, player, now, before);
    return {};
  }

  /// Remakes and aborted games count for nobody.
  static contributions contributions_of(const event::match_completed& match) {
    contributions all;
    if (match.outcome != "finished")
      return all;
    for (auto& player : match.participants)
      if (player.playerId)
        all.emplace(*player.playerId, totals_of(player));
    return all;
  }

  void send_command(const event::match_completed& match, offset at,
    const std::string& player, const contributions& now,
    const contributions& before) {
    auto message = std::make_shared<addressed_command<count_match>>();
    message->key = player;
    message->causation = position{where_, at};
    auto& command = message->body;
    command.player_id = player;
    command.principal = "herald";
    command.source = match.source;
    command.match_id = match.matchId;
    command.cause_partition = static_cast<std::int32_t>(where_.partition);
    command.cause_offset = static_cast<std::int64_t>(at.value);
    if (auto found = now.find(player); found != now.end())
      command.match = found->second;
    if (auto found = before.find(player); found != before.end())
      command.corrected = found->second;
    auto weak = caf::actor_cast<caf::weak_actor_ptr>(self_);
    message->answer
      = reply<command_outcome>{[weak](result<command_outcome> told) {
          if (auto strong = weak.lock())
            caf::anon_send(caf::actor_cast<caf::actor>(strong),
              counted_atom::value, told.has_value());
        }};
    ++waiting_;
    auto host = partition_of(
      player, static_cast<std::uint32_t>(services_->player_hosts.size()));
    caf::anon_send(
      services_->player_hosts[host], command_atom::value, std::move(message));
  }

  void counted(bool well) {
    all_well_ = all_well_ && well;
    if (--waiting_ > 0)
      return;
    if (!all_well_) {
      // Those that were counted say so when they are asked again.
      paused_ = true;
      self_->delayed_send(self_, readable_ ? retry_interval : damaged_interval,
        retry_atom::value);
      return;
    }
    next_ = chunk_end_;
    services_->cursors->set(statistics_follower, where_, next_);
    go_on();
  }

  caf::event_based_actor* self_ = nullptr;
  const statistics_services* services_ = nullptr;
  partition_id where_;
  offset next_;
  offset chunk_end_;
  std::size_t waiting_ = 0;
  bool all_well_ = true;
  bool readable_ = true;
  /// A retry is due later; news do not bring it forward.
  bool paused_ = false;
};

} // namespace

std::vector<statistics_actor> spawn_statistics(caf::actor_system& system,
  supervision_tree* tree, const statistics_services* services) {
  std::vector<statistics_actor> actors;
  for (std::uint32_t p = 0; p < services->match.partitions; ++p) {
    auto guardian = spawn_guardian(system, tree, "statistics",
      {std::to_string(p), [services, p](caf::event_based_actor* parent) {
         return parent->spawn(
           [services, p](caf::stateful_actor<statistics_state>* self) {
             return self->state.start(self, services, p);
           });
       }});
    actors.push_back(caf::actor_cast<statistics_actor>(guardian));
  }
  return actors;
}

} // namespace herald
