#pragma once

#include "protocol/failure.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace herald {

/// How far a long task has come, as the console shows it.
struct task_progress {
  std::uint64_t id = 0;
  /// "backup" or "archive".
  std::string name;
  std::uint64_t done_bytes = 0;
  /// 0 where it is not known.
  std::uint64_t total_bytes = 0;
  /// What it is at: "match/3".
  std::string at;
  bool running = false;
  /// Once it has ended: what it has to say, a JSON text.
  std::optional<result<std::string>> outcome;
};

/// The one task of an operator that may run for minutes: a backup, or
/// archiving. Who asked for it looks at it now and then, from any connection.
/// The outcome of the last one is kept. All calls from any thread.
class long_task {
public:
  /// What a task reports to; the task must stop soon when report() is false.
  class handle {
  public:
    bool report(std::uint64_t done_bytes, std::uint64_t total_bytes,
      std::string_view at = {});
    bool going_on() const;

  private:
    friend class long_task;
    explicit handle(long_task& owner) : owner_{owner} {}
    long_task& owner_;
  };
  using work = std::function<result<std::string>(handle&)>;

  long_task() = default;
  /// Stops as stop() does.
  ~long_task();
  long_task(const long_task&) = delete;
  long_task& operator=(const long_task&) = delete;

  /// Starts a task on a thread of its own and returns its id; fault::busy
  /// while one runs, fault::unavailable after stop().
  result<std::uint64_t> start(std::string_view name, work what);

  /// The running task, or the last one; none before the first.
  std::optional<task_progress> status() const;

  /// Asks the running task to stop; whether there is one.
  bool cancel();

  /// Stops the running task, waits for it, and takes no more.
  void stop();

private:
  mutable std::mutex mutex_;
  std::optional<task_progress> progress_;
  std::atomic<bool> cancelled_{false};
  bool stopped_ = false;
  std::thread thread_;
};

} // namespace herald
