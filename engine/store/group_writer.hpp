#pragma once

#include "engine/store/lmdb_environment.hpp"
#include "protocol/failure.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace herald {

/// Limits of a group_writer.
struct group_writer_settings {
  /// Pieces of work that may wait; beyond that submit() ends in fault::busy.
  std::size_t waiting_max = 4096;
  /// Pieces of work in one commit.
  std::size_t commit_max = 1024;
  /// False: no thread; turn() commits when it is called. For tests.
  bool own_thread = true;
};

/// Commits the small writes of many threads together: everything that arrives
/// while one commit is on its way to disk goes into the next. Each piece of
/// work stands for itself: if one fails, those that shared its transaction are
/// done again without it.
///
/// The environment must outlive it.
class group_writer {
public:
  /// Writes into the transaction. It may run more than once, each time on
  /// nothing of the run before, and only the last run counts.
  using work = std::function<result<void>(lmdb_transaction&)>;
  using completion = std::function<void(const result<void>&)>;

  explicit group_writer(
    lmdb_environment& environment, const group_writer_settings& settings = {});
  /// Stops as stop() does.
  ~group_writer();
  group_writer(const group_writer&) = delete;
  group_writer& operator=(const group_writer&) = delete;

  /// Hands over work, from any thread. `done` is called exactly once: on the
  /// writer's thread after the commit, or before submit() returns on the
  /// caller's (busy, unavailable). It must be quick and must not throw; it may
  /// call submit().
  void submit(work todo, completion done);

  /// The same, waiting for the outcome; not from `todo` or `done`. Without an
  /// own thread the caller commits what waits.
  result<void> run(work todo);

  /// Commits one group of what waits; returns how many pieces it settled. Only
  /// without an own thread, from one thread at a time.
  std::size_t turn();

  /// Refuses new work, commits what waits, ends the thread. From any thread
  /// but the writer's.
  void stop();

  /// Pieces of work that wait now.
  std::size_t waiting() const;

private:
  struct job {
    work todo;
    completion done;
  };
  void loop();
  void settle(std::deque<job>& jobs);
  std::deque<job> take();

  lmdb_environment& environment_;
  group_writer_settings settings_;
  mutable std::mutex mutex_;
  std::condition_variable news_;
  std::deque<job> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace herald
