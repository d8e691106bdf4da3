#pragma once

#include "engine/log/event_log.hpp"
#include "engine/log/held_folder.hpp"
#include "engine/log/log_environment.hpp"
#include "engine/log/log_tables.hpp"
#include "engine/log/producer_state.hpp"
#include "engine/log/schema_registry.hpp"
#include "engine/log/segment_shelf.hpp"

#include <fmt/format.h>
#include <lmdb.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// What stands behind event_log, for the files that implement it: opening
// (log_opening.cpp), topics (log_topics.cpp), reading (log_reading.cpp), terms
// (log_terms.cpp), producers (log_producers.cpp), schemas (log_schemas.cpp),
// the archive (log_archive.cpp), deleting (log_trim.cpp), compaction
// (log_compact.cpp), and appending (event_log.cpp).

namespace herald {

class producer_recall;

/// The fixed tables.
struct tables {
  log_table meta{meta_table};
  log_table topics{topics_table};
  log_table partitions{partitions_table};
  log_table terms{terms_table};
  log_table producers{producers_table};
  log_table segments{segments_table};
};

int open_tables(MDB_txn* transaction, tables& to, unsigned flags);

/// mdb_put without flags.
int put(MDB_txn* transaction, const log_table& table, bytes_view key,
  bytes_view value);

/// The same with a check behind the value (engine/log/checked_row.hpp).
int put_row(MDB_txn* transaction, const log_table& table, bytes_view key,
  bytes_view value);

/// The value of a row that put_row() wrote, valid as long as the transaction.
/// MDB_CORRUPTED when its check does not match.
int get_row(MDB_txn* transaction, const log_table& table, bytes_view key,
  bytes_view& value);

bytes encode_u64(std::uint64_t value);

/// What whoever cannot begin upkeep hears.
failure upkeep_is_busy();

/// A partition in memory. `now` belongs to whoever holds the write lock;
/// readers see the atomics, which follow after each commit.
struct partition_state {
  partition_id where;
  /// Open from impl::open() on.
  log_table table;
  partition_numbers now;
  partition_numbers next;
  bool touched = false;
  /// message.timestamp.type; belongs to whoever holds the write lock.
  bool log_append_time = false;
  /// Set once and never taken back; before the first commit that needs it.
  std::atomic<bool> gaps{false};
  std::atomic<bool> deleted{false};
  /// See impl::begin_upkeep().
  std::mutex upkeep;
  std::atomic<std::uint64_t> log_start{0};
  /// What is below is read from segments. Raised before the commit that removes
  /// batches, so that whoever looks after a transaction has begun finds the
  /// batches from there on in it.
  std::atomic<std::uint64_t> live_start{0};
  std::atomic<std::uint64_t> log_end{0};
  std::atomic<std::uint64_t> committed_end{0};
  std::atomic<std::uint64_t> term{0};
  std::atomic<std::int64_t> last_timestamp_ms{0};

  void publish(const partition_numbers& numbers) {
    now = numbers;
    log_start = now.log_start.value;
    log_end = now.log_end.value;
    committed_end = now.committed_end.value;
    term = now.term;
    last_timestamp_ms = now.last_timestamp_ms;
    if (now.cleaning.generation > 0)
      gaps = true;
  }
};

/// A topic in memory, with its partitions. It outlives its deletion, for those
/// who still point to it.
struct topic_state {
  topic_info info;
  std::shared_ptr<const topic_settings> settings;
  bool deleted = false;
  std::unique_ptr<partition_state[]> partitions;
};

struct event_log::impl {
  impl(held_folder folder, const log_settings& settings)
    : folder_{std::move(folder)}, settings_{settings},
      shelf_{folder_.path() / "archive"} {}

  held_folder folder_;
  log_settings settings_;
  std::unique_ptr<log_environment> env_;
  segment_shelf shelf_;
  tables tables_;
  std::atomic<std::uint64_t> incarnation_{0};
  std::string cluster_id_;

  // By number; null for those that were gone when the log was opened. A state
  // stays where it is.
  mutable std::shared_mutex topics_mutex_;
  std::vector<std::unique_ptr<topic_state>> topics_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  // Those of deleted topics included, as long as they have tables.
  std::uint32_t partitions_ = 0;

  // Whoever changes the log holds it, over the commit.
  std::mutex write_mutex_;
  // Whoever removes batches holds it shared, with the mutex of the partition;
  // a backup, which needs that nobody does, holds it alone. Taken before the
  // one above, and never waited for.
  std::shared_mutex upkeep_mutex_;
  std::vector<partition_state*> places_;
  std::vector<partition_state*> touched_;
  // Deleted topics that hold pages, and how many partitions are left.
  std::vector<std::pair<uuid, std::uint32_t>> deleted_;

  std::mutex registration_mutex_;
  mutable std::shared_mutex registry_mutex_;
  schema_registry registry_;

  // Replaced as a whole when one is added, so that none is called under a lock.
  using listener_list = std::vector<commit_listener>;
  mutable std::mutex listeners_mutex_;
  std::shared_ptr<const listener_list> listeners_
    = std::make_shared<listener_list>();

  result<void> load();
  int load_tables(MDB_txn* transaction, failure& refused);
  int load_topic(
    MDB_txn* transaction, const topic_info& info, failure& refused);
  int load_segments(MDB_txn* transaction, const topic_info& info,
    partition_state& partition, failure& refused);
  int load_deleted(MDB_txn* transaction, std::uint64_t& next_topic);
  void adopt_settings(topic_state& topic, const topic_settings& settings);
  int free_partition(MDB_txn* transaction, const uuid& id,
    std::uint32_t partition, const step_settings& step, bool& emptied);
  int close_partition(
    MDB_txn* transaction, const uuid& id, std::uint32_t partition);
  result<void> check_last_batches() const;
  result<void> check_last_batch(MDB_txn* transaction, const topic_state& topic,
    const partition_state& partition) const;
  result<void> load_schemas(const event_log& log);

  // The partition, if there ever was one; and unless its topic is deleted.
  partition_state* find_any(partition_id where) const;
  partition_state* find(partition_id where) const;
  result<void> still_there(const partition_state& partition) const;
  // Opens the partition's table; before a transaction that uses it.
  result<void> open(partition_state& partition) const;
  partition_state& at(partition_id where) const;
  std::string place(partition_id where, offset at) const;
  failure named(failure why, partition_id where, offset at) const;

  // Runs a reading function, turning LMDB's assertions into failures.
  template <class Read>
  auto reading(partition_id where, Read&& read) const
    -> std::invoke_result_t<Read&, MDB_txn*>;

  template <class Visit>
  result<void> walk(MDB_txn* transaction, const partition_state& partition,
    offset from, offset end, Visit&& visit) const;

  result<batch_summary> summary(
    const lmdb_cursor& cursor, partition_id where) const;

  template <class Visit>
  result<void> walk_committed(
    partition_id where, offset from, Visit&& visit) const;

  // The right to remove batches of a partition; fault::busy.
  struct upkeep {
    std::shared_lock<std::shared_mutex> log;
    std::unique_lock<std::mutex> partition;
  };
  result<upkeep> begin_upkeep(partition_state& partition);

  // The archive.
  using entry_visitor
    = std::function<bool(offset base, const entry_view& entry)>;
  result<void> visit_archived(
    partition_id where, offset from, const entry_visitor& visit) const;
  result<void> lend_archived(partition_id where, offset from, std::size_t count,
    const std::function<void(std::span<const bytes_view> batches)>& use) const;
  result<offset> first_stored(partition_id where) const;
  using copied_entries = std::vector<bytes>;
  result<copied_entries> copy_entries(
    partition_id where, offset from, offset end, std::size_t bytes_max) const;
  result<offset> archive_part(partition_id where, offset from, offset end,
    const archive_settings& settings, archived& did);
  result<void> register_segment(
    partition_state& partition, const segment_info& segment);
  result<bool> remove_archived(partition_state& partition,
    const archive_settings& settings, archived& did);
  int trim_segments(MDB_txn* transaction, const partition_state& partition,
    partition_numbers& numbers, std::vector<segment_info>& gone, bool& left,
    failure& refused) const;
  void drop_segments(partition_id where, const std::vector<segment_info>& gone);
  int free_segments(
    MDB_txn* transaction, const uuid& id, std::uint32_t partition);
  result<live_numbers> live_of(const partition_state& partition) const;

  result<void> check_items(std::span<append_item> items);
  int append_all(
    MDB_txn* transaction, std::span<append_item> items, bool visible);
  int append_one(MDB_txn* transaction, append_item& item,
    partition_state& partition, bool visible);
  int append_entry(MDB_txn* transaction, append_item& item,
    partition_state& partition, bool visible);
  int judge_producer(MDB_txn* transaction, append_item& item,
    const partition_state& partition,
    std::optional<producer_state>& known) const;
  int put_producer(MDB_txn* transaction, const append_item& item,
    const partition_state& partition, producer_state& known) const;
  int cut_producers(MDB_txn* transaction, const partition_state& partition,
    offset from, failure& refused) const;
  int recall_producers(MDB_txn* transaction, const partition_state& partition,
    producer_recall& recall, failure& refused) const;
  // The partition's row under its key, as this transaction has it.
  result<partition_numbers> read_numbers(
    MDB_txn* transaction, bytes_view key, partition_id where) const;
  int put_numbers(MDB_txn* transaction, const partition_state& partition,
    const partition_numbers& numbers) const;
  int put_term(MDB_txn* transaction, const partition_state& partition,
    std::uint64_t term, offset first) const;
  int cut(MDB_txn* transaction, const partition_state& partition, offset from,
    partition_numbers& numbers, failure& refused) const;
  int trim_step(MDB_txn* transaction, const partition_state& partition,
    const step_settings& step, partition_numbers& numbers, trimmed& did,
    failure& refused) const;
  int trim_terms(
    MDB_txn* transaction, const partition_state& partition, offset start) const;
  std::vector<partition_commit> publish_touched();
  void tell(std::span<const partition_commit> news) const;
  // From a reading thread.
  uuid id_of(const partition_state& partition) const {
    std::shared_lock lock{topics_mutex_};
    return topic_id(partition);
  }
  // Under the write lock.
  const uuid& topic_id(const partition_state& partition) const {
    return topics_[partition.where.topic]->info.id;
  }
};

template <class Read>
auto event_log::impl::reading(partition_id where, Read&& read) const
  -> std::invoke_result_t<Read&, MDB_txn*> {
  if (auto opened = open(at(where)); !opened)
    return std::unexpected{std::move(opened).error()};
  auto reader = env_->read();
  if (!reader)
    return std::unexpected{std::move(reader).error()};
  // The pages of a deleted topic are freed after it is marked as such, so what
  // is not marked now is whole in this transaction.
  if (auto fine = still_there(at(where)); !fine)
    return std::unexpected{std::move(fine).error()};
  try {
    return read(reader->transaction());
  } catch (const lmdb_assertion& found) {
    return std::unexpected{named(
      {fault::damaged, fmt::format("a page is damaged ({})", found.what())},
      where, {at(where).log_start})};
  }
}

} // namespace herald
