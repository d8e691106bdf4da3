#pragma once

#include "engine/log/topic_settings.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace herald {

/// 128 random bits that name something for ever.
struct uuid {
  std::array<std::uint8_t, 16> value{};
  auto operator<=>(const uuid&) const = default;
};

/// 32 lower-case hex digits.
std::string to_string(const uuid& id);

/// A topic as the log knows it.
struct topic_info {
  std::string name;
  uuid id;
  /// Dense number inside this log, never reused: `partition_id::topic`.
  std::uint32_t number = 0;
  std::uint32_t partitions = 0;
  bool operator==(const topic_info&) const = default;
};

/// A batch as read from the log, copied out.
struct stored_batch {
  /// Offset of its first record, and the one after its last.
  offset base;
  offset next;
  /// The leader's term that wrote it; 0 on a single node.
  std::uint64_t term = 0;
  /// The record batch as clients know it (protocol/batch/record_batch.hpp).
  bytes batch;
};

/// A schema in the registry, under one of its subjects.
struct schema_info {
  std::int32_t id = 0;
  std::string subject;
  /// Counted from 1 within the subject.
  std::int32_t version = 0;
  std::string text;
};

/// One partition's news after a commit: everything below `committed_end` may
/// be read now.
struct partition_commit {
  partition_id where;
  offset committed_end;
};

/// One batch of a group that event_log::append() commits as a whole.
struct append_item {
  partition_id where;
  /// A whole, checked batch (batch_view::parse). append() sets its base offset,
  /// leader epoch and, where record time would decrease, its record time.
  bytes batch;
  /// In place of `batch`: a part of something larger, which `owner` keeps alive
  /// and nobody else changes.
  std::span<char> part;
  std::shared_ptr<void> owner;
  /// Set by append(): the offset of the first record and the one after the
  /// last.
  offset first;
  offset next;
  /// Set by append() for a batch of an idempotent producer: it was stored
  /// before, at `first`, and nothing was stored now.
  bool duplicate = false;

  std::span<char> data() { return owner ? part : std::span<char>{batch}; }
  bytes_view view() const {
    return owner ? bytes_view{part.data(), part.size()} : bytes_view{batch};
  }
  /// Set by append() for a batch of an idempotent producer that does not follow
  /// the last one (fault::out_of_order) or comes from before its latest epoch
  /// (fault::fenced), and for one whose topic was deleted meanwhile
  /// (fault::not_found): it was left out, the rest of the group is in.
  std::optional<failure> refused;
};

// engine/log/archive.hpp
struct segment_info;
struct archive_settings;
struct archived;

/// A stored batch without its bytes, for whoever decides what may go.
struct batch_summary {
  offset base;
  offset next;
  std::int64_t max_timestamp_ms = 0;
  /// As stored, its header in the log included.
  std::uint64_t bytes = 0;
  /// Of the pages, or the segment, that go with it, as stored_bytes() counts
  /// them.
  std::uint64_t page_bytes = 0;
};

/// How much trim() and compact() do in one commit, so that appends between two
/// of them never wait for long, and whether they go on.
struct step_settings {
  /// At least one batch.
  std::size_t bytes_max = 4u << 20;
  std::size_t batches_max = 2'000;
  /// Asked after each commit, without a lock; false ends the work there, and
  /// the next call takes it up. Always goes on when empty.
  std::function<bool()> go_on;
};

/// What trim() has deleted.
struct trimmed {
  std::uint64_t batches = 0;
  std::uint64_t bytes = 0;
  /// Nothing below the log start is left.
  bool finished = false;
};

/// How compact() is to work.
struct compaction_settings {
  step_settings step;
  /// Keys that one pass tells apart, some 64 bytes of memory each; a pass over
  /// more ends early, and the next one takes up the rest.
  std::size_t keys_max = 1u << 20;
  /// Pass over partitions whose share of new records is small, too.
  bool even_if_clean = false;
};

/// What compact() did.
struct compacted {
  /// False: there was nothing to gain yet, and nothing was read or written.
  bool began = false;
  /// False: stopped half way, and the next call goes on there.
  bool finished = false;
  std::uint64_t records_removed = 0;
  std::uint64_t batches_removed = 0;
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
  /// Below it each key stands once.
  offset clean_end;
};

/// Sizes of the log's file.
struct log_usage {
  /// Written ahead, and so the most that can be used without the disk.
  std::uint64_t file_bytes = 0;
  /// What LMDB may use now; never more than file_bytes.
  std::uint64_t map_bytes = 0;
  /// What LMDB has ever used; freed pages are used again before it grows.
  std::uint64_t used_bytes = 0;
  /// The disk is down to its reserve: appends are refused with
  /// fault::storage_full once map_bytes are used.
  bool disk_full = false;
};

/// A piece of a partition as it is stored (engine/log/log_tables.hpp).
struct inspected_rows;
/// What the log remembers of producers (engine/log/producer_state.hpp).
struct remembered_producers;

/// Limits and seams of a log.
struct log_settings {
  /// The file is at least this large from the start (at least 256 KiB).
  std::size_t initial_bytes = 16u << 20;
  /// The file is written ahead in steps of this size (at least 256 KiB), so
  /// that at least half a step is always ready.
  std::size_t step_bytes = 64u << 20;
  /// Bytes that stay free on the file system: below that the log does not grow
  /// and appends end in fault::storage_full. It goes on by itself when there
  /// is room again.
  std::uint64_t reserve_bytes = 64u << 20;
  /// Partitions of all topics together; create_topic() refuses more with
  /// fault::too_large.
  std::uint32_t partitions_max = 16'384;
  /// Transactions that read at the same time; more hear fault::busy.
  std::uint32_t readers_max = 510;
  /// Also take a data folder on NFS or SMB, whose locks and syncs LMDB cannot
  /// rely upon; refused with fault::io otherwise.
  bool remote_file_system = false;
  /// Source of ids; the system's when empty. Called under a lock of the log.
  std::function<std::uint64_t()> random;
  /// Milliseconds since 1970 for the log's own records (schemas); the system's
  /// clock when empty. Called under a lock of the log.
  std::function<std::int64_t()> now_ms;
  /// Asked before settings of a topic are stored, for rules that only those
  /// know who write it; its failure is what create_topic() or alter_topic()
  /// returns. Called under a lock of the log.
  std::function<result<void>(std::string_view topic, const topic_settings&)>
    check_settings;
};

/// The topic that holds the schema registry: one record per (subject, version),
/// in the form that Confluent's registry gives its own topic of that name.
constexpr std::string_view schemas_topic = "_schemas";

/// The topic that says what was deleted, by whom and why, before it happens.
constexpr std::string_view audit_topic = "audit";

/// Whether a topic is Herald's own, so that nobody can delete it.
bool is_internal_topic(std::string_view name);

/// The append-only log: topics cut into partitions, each an ordered list of
/// record batches, gapless unless it was compacted, in one LMDB environment in
/// the folder "log" below the data folder. Exactly one process has it open
/// (`lock` below the data folder).
///
/// All calls come from any thread. Those that write wait for each other and
/// return when the disk has it; log_writer is the way to append from many
/// threads with one commit for all. Those that read never wait for a write.
/// What comes out was checked: length, CRC, offsets; damage is fault::damaged
/// and names topic, partition and offset.
///
/// After a failed commit or sync the state of the disk is unknown: the log
/// refuses every further write with the same fault::io until it is opened
/// again (failed()). Reading goes on.
class event_log {
public:
  /// Opens the log below `data_folder`, makes both where they are missing, and
  /// checks what must be right before the first read: the format version, the
  /// size of the file, the last batch of each partition.
  ///
  /// Faults: in_use (another process, or this one, has it open), version (a
  /// newer format, or a folder with foreign files), damaged, storage_full, io.
  static result<std::unique_ptr<event_log>> open(
    const std::filesystem::path& data_folder,
    const log_settings& settings = {});

  ~event_log();
  event_log(const event_log&) = delete;
  event_log& operator=(const event_log&) = delete;

  /// Changes whenever the log may have lost or changed its end (a restore), so
  /// that a cursor of another incarnation can be told.
  std::uint64_t incarnation() const;
  /// Draws a new incarnation: for whoever restored the log from a copy.
  result<std::uint64_t> renew_incarnation();
  /// 22 characters (base64url of 128 random bits), as Kafka has them.
  const std::string& cluster_id() const;
  const std::filesystem::path& data_folder() const;

  /// Makes a topic with `partitions` (1 to partitions_max) empty partitions.
  /// The name has 1 to 249 characters of [a-zA-Z0-9._-] and is not "." or "..".
  /// If it exists with as many, that one is the answer, with the settings that
  /// it has; with another number it is fault::conflict.
  result<topic_info> create_topic(std::string_view name,
    std::uint32_t partitions, const topic_settings& settings = {});
  /// Changes settings of a topic, all or none, durable on return; returns those
  /// that hold now. Faults: not_found, invalid_input, forbidden (`_schemas`).
  result<topic_settings> alter_topic(
    std::string_view name, std::span<const setting_change> changes);
  /// Deletes a topic with all its records. It is gone in one commit; its pages
  /// are freed in bounded ones after that (free_deleted() takes up what a crash
  /// left, or `step` has stopped). Its number is never used again, and a topic
  /// made later under the name has another id. Whoever still reads it hears
  /// fault::not_found. Faults: not_found, forbidden (is_internal_topic()).
  result<void> delete_topic(
    std::string_view name, const step_settings& step = {});
  /// One bounded step of freeing what deleted topics still hold; says whether
  /// there is more to do.
  result<bool> free_deleted(const step_settings& step = {});
  /// The settings in force; null when there is no such topic. Cheap.
  std::shared_ptr<const topic_settings> settings_of(std::uint32_t topic) const;
  std::optional<topic_info> find_topic(std::string_view name) const;
  std::optional<topic_info> find_topic(std::uint32_t number) const;
  /// All topics by number, `_schemas` among them.
  std::vector<topic_info> topics() const;

  /// Readers see [log_start, committed_end); the next batch goes to log_end.
  /// The partition must exist or have existed (asserted): of a deleted topic's
  /// they say what was last true. The start may stand within a batch, whose
  /// earlier records are as good as gone.
  offset log_start(partition_id where) const;
  offset committed_end(partition_id where) const;
  offset log_end(partition_id where) const;
  /// The newest record time of the partition, 0 when it is empty.
  std::int64_t last_timestamp_ms(partition_id where) const;
  bool has_partition(partition_id where) const;

  /// The committed batches from the one that holds `from` on, until they sum
  /// up to `bytes_max`, but always one if there is one; none at the end. Reads
  /// in one short transaction and copies. `from` beyond the committed end or
  /// before the start is fault::not_found.
  result<std::vector<stored_batch>> read(
    partition_id where, offset from, std::size_t bytes_max) const;

  /// The same without a copy: `visit` sees each batch (base offset, the one
  /// after its last, its bytes) in place and returns false to stop. It runs
  /// inside a read transaction: quickly, without calling the log.
  result<void> visit(partition_id where, offset from,
    const std::function<bool(offset base, offset next, bytes_view batch)>&
      visit) const;

  /// The batches from the one that holds `from` on, at most `count_max`, by
  /// their headers alone, as far as they are committed. A segment of the
  /// archive counts as one batch, since it goes as a whole. fault::not_found
  /// like read().
  result<std::vector<batch_summary>> survey(
    partition_id where, offset from, std::size_t count_max) const;

  /// The first stored batch, or segment of the archive, which lies below the
  /// log start until trim() has deleted it; none in an empty partition.
  result<std::optional<batch_summary>> first_stored(partition_id where) const;

  /// Bytes of the pages and segments that hold the partition's batches.
  result<std::uint64_t> stored_bytes(partition_id where) const;

  /// Lends the bytes of batches that visit() has shown before, in place (those
  /// of the archive are made again) and unchecked: at most `count` (1 or more),
  /// perhaps fewer, from the one that starts with `from` on, as long as they
  /// lie below the committed end. `use` runs in a transaction, as in visit().
  /// fault::not_found when no batch starts there (any more).
  result<void> lend(partition_id where, offset from, std::size_t count,
    const std::function<void(std::span<const bytes_view> batches)>& use) const;

  /// For verify_open_log(): the rows of the partition's table from key `from`
  /// on, those below the log start too, unchecked, committed or not, until they
  /// sum up to `bytes_max`, with the row in front of them and what the log
  /// records of the partition at that moment (its start and anchor are those of
  /// what is in the environment, where older batches are archived).
  /// fault::not_found when the topic has been deleted.
  result<inspected_rows> inspect(
    partition_id where, offset from, std::size_t bytes_max) const;

  /// For verify_open_log(): what is remembered of all producers of the
  /// partition. fault::damaged when one of them cannot be read, not_found when
  /// the topic has been deleted.
  result<remembered_producers> inspect_producers(partition_id where) const;

  /// The first committed record whose record time is not below `timestamp_ms`;
  /// none when there is no such record yet.
  result<std::optional<offset>> offset_at_time(
    partition_id where, std::int64_t timestamp_ms) const;

  /// Appends all items in order in one commit, and returns when the disk has
  /// it. Either all are in or none, but for what idempotent producers sent
  /// twice or out of order (append_item::duplicate, refused). With `visible`
  /// the committed end moves with it, without it does not
  /// (advance_committed_end() moves it later). The first append of a partition
  /// whose term changed records the term. Faults: invalid_input (not a batch
  /// with dense offsets), not_found (no such partition), storage_full, io.
  /// `use_reserve`: even on a full disk, for what makes deleting possible.
  result<void> append(std::span<append_item> items, bool visible = true,
    bool use_reserve = false);

  /// Gives out `count` (1 to 2^16) producer ids in a row that were never given
  /// out before, durable on return: the first of them.
  result<std::int64_t> allocate_producer_ids(std::uint32_t count);

  /// Moves the committed end forward to `end` (at most log_end).
  result<void> advance_committed_end(partition_id where, offset end);

  /// Cuts off the batches from `from` on, none of which is committed
  /// (fault::conflict otherwise). `from` must start a batch or be the log end.
  result<void> cut_off(partition_id where, offset from);

  /// Moves the log start forward to `up_to` (at most the committed end;
  /// fault::invalid_input beyond) in one commit, and then deletes the batches
  /// that lie below it as a whole, in bounded ones. With `up_to` at or below
  /// the start only such leftovers go. From then on records below the start are
  /// fault::not_found. One thread at a time per partition.
  result<trimmed> trim(
    partition_id where, offset up_to, const step_settings& step = {});

  /// One pass of compaction over a partition, whatever its topic's
  /// cleanup.policy: of records with the same key only the newest stays, and a
  /// record without a value ("tombstone") goes delete.retention.ms after it was
  /// first passed. Offsets, record times and what batches say about their
  /// producer stay; records without a key, the newest batch and what is younger
  /// than min.compaction.lag.ms are left alone. Readers may find gaps between
  /// batches and within them from then on. The pass works in bounded commits
  /// beside other writers; a crash between them leaves the partition sound.
  ///
  /// Works only where min.cleanable.dirty.ratio says so. Faults: not_found,
  /// damaged, storage_full, io. One thread at a time per partition.
  result<compacted> compact(partition_id where, std::int64_t now_ms,
    const compaction_settings& settings = {});
  /// Whether compaction has passed over the partition, so that there may be
  /// gaps.
  bool has_gaps(partition_id where) const;

  /// The term under which the partition's next batch is written, at least as
  /// large as before (fault::conflict otherwise).
  result<void> start_term(partition_id where, std::uint64_t term);
  std::uint64_t term(partition_id where) const;
  /// First offset of each term that wrote something, ascending; term 0 starts
  /// at 0. Terms that ended below the log start are gone.
  result<std::vector<std::pair<std::uint64_t, offset>>> terms(
    partition_id where) const;

  /// Moves committed batches that lie below `up_to` as a whole into segment
  /// files, and then out of the environment in bounded commits; the newest
  /// batch stays. Reading sees no difference. Each file is written, synced and
  /// read back before it is registered; a crash at any step leaves the log
  /// sound, and the next call goes on.
  ///
  /// Faults: conflict (a topic that is compacted), busy (a backup, or another
  /// call of this, is at work), damaged, storage_full, io.
  result<archived> archive(
    partition_id where, offset up_to, const archive_settings& settings);
  /// The attached segments, oldest first.
  std::vector<segment_info> segments(partition_id where) const;
  /// The first offset whose batch is in the environment; what is below is read
  /// from segments.
  offset live_start(partition_id where) const;
  /// Takes a segment out of the log: the log start moves behind it, and the
  /// file stays where it is. Segments are detached oldest first
  /// (fault::conflict names the one to begin with). `file` as segment_info has
  /// it. fault::not_found when no such segment is attached.
  result<void> detach_segment(std::string_view file);
  /// Puts a detached segment back in front: it must end where the log starts,
  /// in offset and chain, and be of this topic and partition (fault::conflict).
  /// All of it is verified. A file outside of the folder "archive" is copied
  /// there.
  result<segment_info> attach_segment(const std::filesystem::path& file);

  /// Whether a backup is at work, so that nothing may be deleted.
  bool is_busy() const;
  /// The same, or something that deletes or archives batches of the partition.
  bool is_busy(partition_id where) const;

  /// Stores a schema under a subject ("match-herald.match.completed"), durable
  /// on return. The same text has the same id whatever its subject; a text that
  /// its subject has already changes nothing.
  result<std::int32_t> register_schema(
    std::string_view subject, std::string_view text);
  /// The text of a schema.
  std::optional<std::string> schema(std::int32_t id) const;
  /// Every version of a subject, oldest first; of all subjects when it is
  /// empty.
  std::vector<schema_info> schemas(std::string_view subject = {}) const;

  /// Adds a listener for every commit that moves a committed end, or deletes
  /// the partition, for which nobody should wait any more. It is called on the
  /// thread that committed, after the new ends are visible, and must be quick.
  /// Listeners stay for the life of the log; add them before the first append.
  /// From another thread's commit later news of another partition may come
  /// first.
  using commit_listener
    = std::function<void(std::span<const partition_commit>)>;
  void on_commit(commit_listener listener);

  log_usage usage() const;
  /// Why the log has stopped taking writes, if it has.
  std::optional<failure> failed() const;

private:
  friend class log_backup;
  struct impl;
  class compaction_pass;
  explicit event_log(std::unique_ptr<impl> self);

  std::unique_ptr<impl> self_;
};

} // namespace herald
