#pragma once

#include "engine/log/event_log.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

namespace herald {

/// Where an appended batch stands.
struct appended {
  partition_id where;
  /// Offset of its first record, and the one after its last.
  offset first;
  offset next;
  bool operator==(const appended&) const = default;
};

/// How an append ended: where the batch stands, durable and visible to readers,
/// or why it is not in the log.
using append_outcome = result<appended>;

/// Limits of a writer.
struct writer_settings {
  /// Bytes and batches that may wait, those on their way to disk included.
  /// Beyond that append() ends in fault::busy. (A batch that is larger than the
  /// bound still passes when nothing waits.)
  std::size_t waiting_bytes_max = 64u << 20;
  std::size_t waiting_batches_max = 64u << 10;
  /// A commit takes what waits up to this many bytes, at least one batch.
  std::size_t commit_bytes_max = 2u << 20;
  /// The largest batch; more is fault::too_large.
  std::size_t batch_bytes_max = message_bytes_bound;
  /// What settle() commits on its caller's thread, in bytes, as long as commits
  /// of that size take no longer than this; more, and slower disks, are the
  /// writer's own business.
  std::size_t settle_bytes_max = 64u << 10;
  std::chrono::microseconds settle_time_max{2'000};
  /// False: no thread; turn() commits when it is called. For tests.
  bool own_thread = true;
};

/// When the writer hears of a batch.
enum class handed_over {
  /// At once.
  now,
  /// When the caller calls settle(), which it does soon.
  when_settled,
};

/// What the writer has done since it was made.
struct writer_counts {
  std::uint64_t commits = 0;
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t refused = 0;
  /// Waiting now.
  std::uint64_t waiting_batches = 0;
  std::uint64_t waiting_bytes = 0;
};

/// The one way by which batches get into the log: it collects what all threads
/// append while one commit is on its way to disk, and commits it together with
/// the next (group commit). Batches of a partition stand in the order in which
/// append() was called.
///
/// The log must outlive it.
class log_writer {
public:
  using completion = std::function<void(const append_outcome&)>;

  explicit log_writer(event_log& log, const writer_settings& settings = {});
  /// Stops as stop() does.
  ~log_writer();
  log_writer(const log_writer&) = delete;
  log_writer& operator=(const log_writer&) = delete;

  /// Hands over a batch, from any thread; checks it (header, CRC, count) on
  /// that thread and does not wait for the disk. `done` is called exactly once:
  /// after the commit on the thread that commits, or before append() returns,
  /// on the caller's, when the batch is refused: invalid_input, not_found,
  /// too_large, busy (full, try again), unavailable (stopped), io (the log has
  /// failed). After a commit that failed every batch of it hears the reason.
  /// `done` must be quick and must not throw; it may call append().
  void append(partition_id where, bytes batch, completion done);

  /// The same for a batch that was checked a moment ago: batch_view::parse, as
  /// many records as offsets, which are `records`, an existing partition. It is
  /// not copied: `owner` keeps it alive, and nobody else changes it meanwhile.
  void append_checked(partition_id where, std::span<char> batch,
    std::shared_ptr<void> owner, std::uint32_t records, completion done,
    handed_over when = handed_over::now);

  /// Sees to it that what was appended is committed: on this thread, when no
  /// commit is on its way, little waits and the disk is quick, since two
  /// switches between threads cost as much as half a commit; otherwise the
  /// writer's thread is woken. From any thread that may wait for the disk for a
  /// moment, and not from `done`. Completions and listeners may be called on
  /// this thread.
  void settle();

  /// Whether a batch of that size would be taken now, as far as room goes. The
  /// next caller may take the room.
  bool has_room(std::size_t bytes) const;

  /// append(), waiting for the outcome. Not from `done`, not from a listener;
  /// not without an own thread.
  append_outcome append_and_wait(partition_id where, bytes batch);

  /// event_log::on_commit: called on the thread that commits, before the
  /// completions of that commit. (A schema registered meanwhile reports on the
  /// thread that registered it.)
  void on_commit(event_log::commit_listener listener);

  /// Commits one group of what waits and calls its completions; returns how
  /// many batches it settled. Only without an own thread, from one thread at a
  /// time.
  std::size_t turn();

  /// Refuses new batches, commits those that wait, ends the thread. From any
  /// thread but the writer's.
  void stop();

  /// Why nothing is taken at the moment: the log has failed (for good), or the
  /// last commit found the disk full (it is tried again with the next append).
  std::optional<failure> trouble() const;

  writer_counts counts() const;

private:
  struct waiting {
    append_item item;
    std::uint32_t records = 0;
    completion done;
  };

  result<std::uint32_t> check(partition_id where, bytes_view data) const;
  void hand_over(
    append_item item, std::uint32_t records, completion done, handed_over when);
  failure too_large(std::size_t bytes) const;
  bool is_full(std::size_t more_bytes) const;
  void refuse(const completion& done, failure why);
  void run();
  std::size_t commit_next(std::unique_lock<std::mutex>& lock);
  void remember_time(std::size_t bytes, std::chrono::nanoseconds took);

  event_log& log_;
  writer_settings settings_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<waiting> queue_;
  std::size_t waiting_bytes_ = 0;
  std::size_t waiting_batches_ = 0;
  bool stopping_ = false;
  bool idle_ = false;
  // Somebody commits: the writer's thread, or one that settles.
  bool committing_ = false;
  // How long small commits take: a moving mean.
  std::chrono::nanoseconds small_commit_{0};
  // The group on its way to disk; belongs to whoever commits.
  std::vector<append_item> group_;
  std::vector<completion> done_;
  std::optional<failure> trouble_;
  writer_counts counts_;
  std::thread thread_;
};

} // namespace herald
