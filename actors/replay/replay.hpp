#pragma once

#include "actors/replay/replay_range.hpp"
#include "protocol/batch/record_batch.hpp"
#include "protocol/failure.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace herald {

/// How far a replay has come.
struct replay_progress {
  /// Records of the range that were passed, and all of them.
  std::uint64_t records = 0;
  std::uint64_t total = 0;
};

/// How a replay runs. The functions are called on its thread.
struct replay_pace {
  /// Records per second that are shown; 0: as fast as they can be read.
  std::uint64_t rate = 0;
  /// A clock that never falls.
  std::function<std::chrono::nanoseconds()> now;
  /// Waits so long, or shorter when the replay is to end; whether it is.
  std::function<bool(std::chrono::milliseconds)> wait;
  /// Told about once a second, and at the end.
  std::function<void(const replay_progress&)> progress;
};

/// Keeps a replay to its rate, tells its progress and notices when it is to
/// end. One thread.
class replay_clock {
public:
  replay_clock(const replay_pace& pace, std::uint64_t total);

  /// `passed` more records were passed, of which `shown` were shown. Waits as
  /// long as the rate demands. False: the replay is to end.
  bool advance(std::uint64_t passed, std::uint64_t shown);

  /// Tells the progress now.
  void report() const;

  std::uint64_t shown() const { return shown_; }
  std::uint64_t passed() const { return progress_.records; }

private:
  bool wait_for_rate();

  const replay_pace& pace_;
  replay_progress progress_;
  std::uint64_t shown_ = 0;
  std::chrono::nanoseconds started_;
  std::chrono::nanoseconds reported_;
  std::chrono::nanoseconds looked_;
};

/// Records of all parts that are still to come.
std::uint64_t records_left(const std::vector<replay_part>& parts);

/// Shows the records of the range to `show`, partition after partition, each in
/// order; `show` says whether it did something with it. Moves `next` of the
/// parts on behind what was shown. It has nothing but the log to read from:
/// whatever it shows, no command, notification or append can come of it.
/// True: all was shown; false: it was stopped. A failure of the log or of
/// `show` leaves the parts in front of the record it came from.
result<bool> replay(const event_log& log, std::vector<replay_part>& parts,
  replay_clock& clock,
  const std::function<result<bool>(
    const replay_part&, const record_view& record)>& show);

} // namespace herald
