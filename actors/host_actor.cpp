#include "actors/host_actor.hpp"

#include "engine/base/logging.hpp"

#include <caf/all.hpp>

namespace herald {

namespace {

using namespace std::chrono_literals;

// States that a host keeps in memory beyond a sweep.
constexpr std::size_t states_kept = 1'000;
constexpr auto sweep_interval = 10s;

/// The actor around an aggregate_host.
template <class Aggregate>
class host_state {
public:
  using message
    = std::shared_ptr<addressed_command<typename Aggregate::command>>;

  static inline const char* name = "aggregate-host";

  caf::behavior start(caf::event_based_actor* self,
    const host_services* services, partition_id where) {
    self_ = self;
    explain_exceptions(self);
    auto weak = caf::actor_cast<caf::weak_actor_ptr>(self);
    host_.emplace(*services, where,
      [weak](std::uint64_t ticket, const append_outcome& outcome) {
        // An actor that ended meanwhile has answered everybody already.
        if (auto strong = weak.lock())
          caf::anon_send(caf::actor_cast<caf::actor>(strong),
            settled_atom::value,
            settled_message{std::make_shared<const settled_batch>(
              settled_batch{ticket, outcome})});
      });
    self->delayed_send(self, sweep_interval, sweep_atom::value);
    return {
      [this](command_atom, message& next) {
        host_->handle(std::move(*next));
        if (!flush_due_ && host_->has_work()) {
          flush_due_ = true;
          self_->send(self_, flush_atom::value);
        }
      },
      [this](flush_atom) {
        flush_due_ = false;
        host_->flush();
      },
      [this](settled_atom, const settled_message& batch) {
        auto settled = host_->settle(batch->ticket, batch->outcome);
        if (!settled)
          self_->quit(
            caf::make_error(caf::sec::runtime_error, settled.error().message));
      },
      [this](sweep_atom) {
        host_->passivate(states_kept);
        self_->delayed_send(self_, sweep_interval, sweep_atom::value);
      },
    };
  }

private:
  caf::event_based_actor* self_ = nullptr;
  std::optional<aggregate_host<Aggregate>> host_;
  bool flush_due_ = false;
};

template <class Aggregate, class Handle>
std::vector<Handle> spawn_hosts(caf::actor_system& system,
  supervision_tree* tree, const host_services* services,
  const topic_info& topic) {
  std::vector<Handle> handles;
  for (std::uint32_t p = 0; p < topic.partitions; ++p) {
    partition_id where{topic.number, p};
    auto guardian = spawn_guardian(system, tree, topic.name,
      {std::to_string(p), [services, where](caf::event_based_actor* parent) {
         return parent->spawn(
           [services, where](caf::stateful_actor<host_state<Aggregate>>* self) {
             return self->state.start(self, services, where);
           });
       }});
    handles.push_back(caf::actor_cast<Handle>(guardian));
  }
  return handles;
}

} // namespace

std::vector<match_host_actor> spawn_match_hosts(caf::actor_system& system,
  supervision_tree* tree, const host_services* services,
  const topic_info& topic) {
  return spawn_hosts<match_aggregate, match_host_actor>(
    system, tree, services, topic);
}

std::vector<player_host_actor> spawn_player_hosts(caf::actor_system& system,
  supervision_tree* tree, const host_services* services,
  const topic_info& topic) {
  return spawn_hosts<player_aggregate, player_host_actor>(
    system, tree, services, topic);
}

} // namespace herald
