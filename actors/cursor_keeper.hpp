#pragma once

#include "engine/log/event_log.hpp"
#include "engine/store/view_store.hpp"
#include "protocol/position.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace herald {

/// Remembers how far actors have read the log, for those whose results stand
/// in the log itself: they need no transaction with their result, since doing
/// something twice is recognised there. Cursors are written some times a second
/// on a thread of its own; a crash costs a little reading again.
class cursor_keeper {
public:
  cursor_keeper(const event_log& log, view_store& views);
  /// Writes what is left.
  ~cursor_keeper();
  cursor_keeper(const cursor_keeper&) = delete;
  cursor_keeper& operator=(const cursor_keeper&) = delete;

  /// Forgets the cursors of a follower that are of another incarnation of the
  /// log. Call it before the first get().
  result<void> adopt(const std::string& follower);

  /// Where the follower goes on; the log start for one that never was here. Any
  /// thread.
  offset get(const std::string& follower, partition_id where) const;

  /// The same as it is on disk, and so where the follower goes on after a
  /// crash.
  offset stored(const std::string& follower, partition_id where) const;

  /// Any thread; does not wait.
  void set(const std::string& follower, partition_id where, offset next);

  void stop();

private:
  void run();
  void write();

  const event_log& log_;
  view_store& views_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::pair<std::string, partition_id>, offset> dirty_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace herald
