#pragma once

#include <caf/fwd.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace herald {

/// How often a child may fail before its guardian gives up, and how long the
/// guardian waits before each restart: `delay_min` doubled with each failure,
/// at most `delay_max`. A child that ran for `window` starts counting anew.
struct restart_policy {
  std::uint32_t restarts_max = 5;
  std::chrono::milliseconds window{60'000};
  std::chrono::milliseconds delay_min{20};
  std::chrono::milliseconds delay_max{5'000};
  /// Messages that are kept while the child is down. Those beyond are dropped,
  /// and the replies they carry answer fault::unavailable.
  std::size_t stash_max = 4'096;
};

/// What the console shows of one actor of the supervision tree.
struct actor_report {
  /// "match/7": the supervisor's name and the child's.
  std::string path;
  /// "running", "restarting" or "stopped".
  std::string state;
  std::uint64_t restarts = 0;
  /// Why the last incarnation ended; empty when none did.
  std::string last_failure;
};

/// The supervision tree as it stands, written by supervisors and guardians
/// and read by the console from any thread. It outlives the actor system.
class supervision_tree {
public:
  void running(const std::string& path);
  void restarting(const std::string& path, std::string failure);
  void stopped(const std::string& path, std::string failure);
  /// Sorted by path.
  std::vector<actor_report> report() const;
  /// Restarts of all actors since the start.
  std::uint64_t restarts() const;

private:
  mutable std::mutex mutex_;
  std::map<std::string, actor_report> reports_;
};

/// A child: its name below its supervisor, and how to spawn a fresh one. The
/// function is called by the guardian at every start; the guardian monitors
/// what it returns.
struct child_spec {
  std::string name;
  std::function<caf::actor(caf::event_based_actor*)> start;
};

/// Makes an actor end with what an exception says, so that the log and the
/// supervision tree tell it. Every supervised actor calls it first.
void explain_exceptions(caf::event_based_actor* self);

/// Starts the child, restarts it with back-off when it fails, and hands every
/// message on to the incarnation that lives: clients keep the handle of the
/// guardian and never notice a restart. When the child fails more often than
/// the policy allows, the guardian quits with the child's reason, which its
/// supervisor sees. Ends with its child when that quits normally.
caf::actor spawn_guardian(caf::actor_system& system, supervision_tree* tree,
  const std::string& parent_path, child_spec child, restart_policy policy = {});

/// Monitors actors (guardians or other supervisors) and is ended by the first
/// of them that fails: it stops all others and quits with the same reason
/// (escalation). `on_failure`, where given, is told on the actor's thread.
caf::actor spawn_supervisor(caf::actor_system& system, supervision_tree* tree,
  const std::string& path, std::vector<caf::actor> children,
  std::function<void(const std::string& reason)> on_failure = {});

} // namespace herald
