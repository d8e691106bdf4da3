#pragma once

#include <caf/all.hpp>

#include <chrono>

namespace herald {

/// An actor system without threads and with a clock of its own: everything
/// runs inside run() and advance(), always in the same order.
class deterministic_system {
public:
  deterministic_system() : system{config_} {}

  void run() { scheduler().run(); }

  void advance(std::chrono::milliseconds time) {
    constexpr std::chrono::milliseconds step{5};
    for (std::chrono::milliseconds passed{0}; passed < time; passed += step) {
      scheduler().advance_time(step);
      run();
    }
  }

  void end(const caf::actor& root) {
    caf::anon_send_exit(root, caf::exit_reason::user_shutdown);
    run();
  }

private:
  struct testing_config : caf::actor_system_config {
    testing_config() { set("scheduler.policy", caf::atom("testing")); }
  };
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }
  testing_config config_;

public:
  caf::actor_system system;
};

} // namespace herald
