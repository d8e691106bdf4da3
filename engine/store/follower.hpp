#pragma once

#include "engine/store/view_store.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace herald {

class event_log;
struct record_view;

/// A view as a fold of the log: reads records, writes tables. What it writes
/// must follow from the records alone, so that the same log gives the same
/// bytes whenever it is read: no clock, no random numbers, nothing kept in
/// members that the tables do not hold too. Records of one partition come in
/// order; between partitions there is no order, and the fold must not depend
/// on one.
class projection {
public:
  virtual ~projection() = default;

  /// Names its cursors; 1 to 64 characters of [a-z0-9_.-], never changed.
  virtual std::string_view name() const = 0;

  /// Raised when apply() writes something else than before: the tables are
  /// then cleared and made again from the log.
  virtual std::uint32_t version() const = 0;

  /// Topics whose partitions it reads, all of them. A topic that does not exist
  /// yet is looked for again.
  virtual std::vector<std::string> topics() const = 0;

  /// Tables that it writes, and nobody else.
  virtual std::vector<std::string> tables() const = 0;

  /// Folds one record into the tables. Runs on the driver's thread. It may see
  /// a record again after a transaction that was not committed. A failure (or
  /// an exception) ends the transaction and stops this projection for good: a
  /// record is never skipped.
  virtual result<void> apply(
    const position& at, const record_view& record, view_transaction& views)
    = 0;
};

/// Limits of a follower_driver.
struct follower_settings {
  /// Read at once of one partition, at least one batch.
  std::size_t read_bytes_max = 1u << 20;
  /// Folded in one transaction, over all partitions and projections; the last
  /// read may go beyond it.
  std::size_t transaction_bytes_max = 8u << 20;
  /// False: no thread; turn() works when it is called. For tests.
  bool own_thread = true;
};

/// How one projection is doing, for metrics and the console.
struct follower_status {
  std::string name;
  std::uint32_t version = 0;
  /// Records committed to the log and not yet folded, over its partitions.
  std::uint64_t lag = 0;
  /// Records folded and committed since the start.
  std::uint64_t applied = 0;
  /// Why its tables were cleared at this start, if they were.
  std::optional<std::string> reset;
  /// Why it has stopped, if it has, with the position it stopped at.
  std::optional<failure> stopped;
};

/// Follows the log with any number of projections on one thread. Each round
/// reads a bounded amount from the partitions that have news, folds it, and
/// commits results and cursors of all projections in one transaction: after a
/// crash every projection goes on exactly where its tables stand.
///
/// start() clears the tables of a projection whose version changed, whose log
/// has another incarnation, or whose cursor is beyond the committed end (a
/// restored log), and the fold begins anew. If the records after a cursor are
/// gone, the projection stops. So does one whose version or tables changed
/// while the records that its tables follow from are gone: only who deletes the
/// views says that they may be made from what is left.
///
/// Log and views must outlive it. wake() is wired to event_log::on_commit or
/// log_writer::on_commit, so the writer is stopped before the driver goes.
class follower_driver {
public:
  /// Called on the driver's thread after the commit that moved the cursor of
  /// the projection in that partition to `next`. It must be quick and must not
  /// throw.
  using applied_listener
    = std::function<void(const projection&, partition_id, offset next)>;

  follower_driver(const event_log& log, view_store& views,
    const follower_settings& settings = {});
  /// Stops as stop() does.
  ~follower_driver();
  follower_driver(const follower_driver&) = delete;
  follower_driver& operator=(const follower_driver&) = delete;

  /// Adds a projection, which must outlive the driver; before start(). Two of
  /// the same name, or that write the same table, are asserted against.
  void add(projection& follower);

  /// Adds a listener; before start().
  void on_applied(applied_listener listener);

  /// Opens the tables, resets what must be made again, and starts the thread,
  /// which catches up from the stored cursors. A failure means that the views
  /// cannot be written.
  result<void> start();

  /// There is news in the log. Cheap, from any thread, at any time.
  void wake();

  /// One round; returns how many records it folded, 0 when every projection
  /// has caught up or stopped. Only without an own thread, after start().
  result<std::size_t> turn();

  /// Ends the thread after its current round. From any thread but its own.
  void stop();

  /// From any thread.
  std::vector<follower_status> status() const;

  /// The projection that is furthest behind in a partition, and where it goes
  /// on, as it is on disk; one that has stopped counts. None when none reads
  /// it. From any thread.
  std::optional<std::pair<std::string, offset>> slowest(
    partition_id where) const;

  /// Why the driver as a whole has stopped: the views cannot be written.
  std::optional<failure> failed() const;

private:
  struct impl;
  std::unique_ptr<impl> self_;
};

/// Clears the projection's tables and folds the log into them again, up to its
/// end: for `herald verify --repair-views`. Nothing else may write the views
/// meanwhile. fault::conflict when part of the history that the tables hold is
/// gone from the log; the tables are as before then. The other faults are those
/// of compare_with_fold(), after which the tables hold a part of the log and
/// the next start goes on with it.
result<void> fold_anew(
  projection& follower, const event_log& log, view_store& views);

/// One table of a projection, as it is and as the log says it should be.
struct table_comparison {
  std::string table;
  view_digest live;
  view_digest rebuilt;
  bool equal() const { return live == rebuilt; }
};

/// What compare_with_fold() found.
struct view_comparison {
  std::string projection;
  std::vector<table_comparison> tables;
  /// Records folded.
  std::uint64_t records = 0;
  /// Why nothing was compared: the projection has not run yet, or will be made
  /// again at the next start anyway (other version or incarnation), or follows
  /// from records that retention or compaction has taken.
  std::optional<std::string> skipped;
  bool equal() const;
};

/// Folds the log again from its start up to the cursors that `live` holds for
/// the projection, into an environment below `scratch_folder` that is removed
/// afterwards, and compares table by table. For `herald verify`; nothing else
/// may write the live tables meanwhile. The live tables are opened here.
///
/// A failure means that the comparison could not be made: the log is damaged,
/// the cursors are beyond its end (fault::damaged), the
/// projection refuses a record, the scratch folder cannot be written.
result<view_comparison> compare_with_fold(projection& follower,
  const event_log& log, view_store& live,
  const std::filesystem::path& scratch_folder);

/// Why the tables of a projection must not be cleared to be made again, if so:
/// the log no longer has all that they follow from. The reason names topic,
/// partition and the offset from which on the log is whole.
result<std::optional<std::string>> reason_not_to_rebuild(
  const projection& follower, const event_log& log, const view_store& live);

} // namespace herald
