#include "actors/gateway/gateway_actor.hpp"

#include <caf/all.hpp>

namespace herald {

namespace {

using turn_atom = caf::atom_constant<caf::atom("turn")>;

} // namespace

caf::actor spawn_gateway(
  caf::actor_system& system, supervision_tree* tree, riot_gateway* gateway) {
  return spawn_guardian(system, tree, "riot",
    {"gateway", [gateway](caf::event_based_actor* parent) {
       return parent->spawn<caf::detached>(
         [gateway](caf::event_based_actor* self) -> caf::behavior {
           explain_exceptions(self);
           self->send(self, turn_atom::value);
           return {[self, gateway](turn_atom) {
             auto pause = gateway->turn();
             if (pause <= 0)
               self->send(self, turn_atom::value);
             else
               self->delayed_send(
                 self, std::chrono::milliseconds(pause), turn_atom::value);
           }};
         });
     }});
}

} // namespace herald
