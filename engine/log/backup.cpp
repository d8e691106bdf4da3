#include "engine/log/backup.hpp"

#include "engine/log/backup_folder.hpp"
#include "engine/log/log_state.hpp"
#include "engine/log/segment_writer.hpp"

#include <algorithm>
#include <thread>

namespace herald {

namespace {

namespace fs = std::filesystem;

// A segment of a backup ends when it has so many bytes of batches.
constexpr std::uint64_t segment_bytes = 256u << 20;

// The digest at the end of a segment, and the magic behind it.
constexpr std::size_t segment_tail_bytes = 24;

std::chrono::nanoseconds steady_now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

void sleep(std::chrono::nanoseconds time) {
  std::this_thread::sleep_for(time);
}

} // namespace

/// One backup of a log; lives as long as the call.
class log_backup {
public:
  log_backup(
    event_log& log, const fs::path& folder, const backup_settings& settings)
    : log_{*log.self_}, folder_{folder}, settings_{settings} {
    if (!settings_.now)
      settings_.now = steady_now;
    if (!settings_.wait)
      settings_.wait = sleep;
    settings_.read_bytes = std::max<std::uint64_t>(settings_.read_bytes, 1);
  }

  result<backup_report> run();

private:
  // A partition as the tables have it at the backup's moment.
  struct source {
    topic_info topic;
    partition_id where;
    partition_numbers numbers;
    offset live_start;
    chain_hash live_anchor{};
    std::vector<segment_info> segments;
  };

  result<void> take_positions();
  result<void> read_tables(std::vector<table_dump>& tables);
  result<table_dump> dump(MDB_txn* transaction, const log_table& table);
  result<void> learn_topic(
    const topic_info& topic, const std::vector<table_dump>& tables);
  result<void> add_to_total(const source& from);
  result<void> copy_vault();
  result<void> copy_partition(const source& from);
  result<void> copy_segment(const source& from, const segment_info& segment);
  result<void> write_segments(const source& from);
  result<void> add_file(const std::string& name);
  result<void> pace(std::size_t bytes);

  event_log::impl& log_;
  fs::path folder_;
  backup_settings settings_;
  std::chrono::nanoseconds started_{};
  backup_progress progress_;
  backup_manifest manifest_;
  std::vector<source> sources_;
};

result<backup_report> back_up(
  event_log& log, const fs::path& folder, const backup_settings& settings) {
  return log_backup{log, folder, settings}.run();
}

result<backup_report> log_backup::run() {
  std::unique_lock upkeep{log_.upkeep_mutex_, std::try_to_lock};
  if (!upkeep)
    return std::unexpected{upkeep_is_busy()};
  if (auto made = make_empty_folder(folder_, "a backup"); !made)
    return std::unexpected{std::move(made).error()};
  started_ = settings_.now();
  if (auto taken = take_positions(); !taken)
    return std::unexpected{std::move(taken).error()};
  if (auto copied = copy_vault(); !copied)
    return std::unexpected{std::move(copied).error()};
  for (auto& source : sources_)
    if (auto copied = copy_partition(source); !copied)
      return std::unexpected{std::move(copied).error()};
  auto& report = manifest_.report;
  report.cluster = log_.cluster_id_;
  report.incarnation = log_.incarnation_;
  report.files = manifest_.files.size();
  for (auto& file : manifest_.files)
    report.bytes += file.bytes;
  if (auto written = write_manifest(folder_, manifest_); !written)
    return std::unexpected{std::move(written).error()};
  return report;
}

// -- positions ----------------------------------------------------------------

// One short transaction over the small tables: every position, and all that
// belongs to it, is of the same moment.
result<void> log_backup::take_positions() {
  std::vector<table_dump> tables;
  if (auto read = read_tables(tables); !read)
    return read;
  std::ranges::sort(sources_, [](const source& a, const source& b) {
    return std::tie(a.topic.name, a.where.partition)
      < std::tie(b.topic.name, b.where.partition);
  });
  for (auto& source : sources_) {
    if (auto added = add_to_total(source); !added)
      return added;
    manifest_.report.positions.push_back(
      {source.topic.name, source.where.partition, source.numbers.log_start,
        source.numbers.committed_end});
  }
  if (auto written = write_file(folder_ / "tables", encode_tables(tables));
    !written)
    return written;
  return add_file("tables");
}

result<void> log_backup::read_tables(std::vector<table_dump>& tables) {
  auto reader = log_.env_->read();
  if (!reader)
    return std::unexpected{std::move(reader).error()};
  auto* transaction = reader->transaction();
  auto& handles = log_.tables_;
  for (auto* table : {&handles.meta, &handles.topics, &handles.partitions,
         &handles.terms, &handles.producers, &handles.segments}) {
    auto dumped = dump(transaction, *table);
    if (!dumped)
      return std::unexpected{std::move(dumped).error()};
    tables.push_back(std::move(*dumped));
  }
  for (auto& [name, value] : tables[1].rows) {
    auto topic = decode_checked(
      name, value, [&](bytes_view row) { return decode_topic(name, row); });
    if (!topic)
      return std::unexpected{std::move(topic).error()};
    if (auto learned = learn_topic(*topic, tables); !learned)
      return learned;
  }
  return {};
}

result<table_dump> log_backup::dump(
  MDB_txn* transaction, const log_table& table) {
  table_dump made{table.name, {}};
  lmdb_cursor cursor{transaction, table};
  auto code = cursor.move(MDB_FIRST);
  for (; !code; code = cursor.move(MDB_NEXT))
    made.rows.emplace_back(cursor.key(), cursor.value());
  if (code != MDB_NOTFOUND)
    return std::unexpected{
      lmdb_failure("read", log_.folder_.path() / "log", code)};
  return made;
}

result<void> log_backup::learn_topic(
  const topic_info& topic, const std::vector<table_dump>& tables) {
  for (std::uint32_t i = 0; i < topic.partitions; ++i) {
    source made{.topic = topic, .where = {topic.number, i}};
    auto prefix = partition_key(topic.id, i);
    auto row = tables[2].from(prefix);
    if (row == tables[2].rows.end() || row->first != prefix)
      return fail(fault::damaged,
        fmt::format("{}/{}: its entry is missing", topic.name, i));
    auto numbers = decode_checked(prefix, row->second, decode_numbers);
    if (!numbers)
      return std::unexpected{std::move(numbers).error()};
    made.numbers = *numbers;
    made.live_anchor = made.numbers.anchor;
    for (auto at = tables[5].from(prefix);
      at != tables[5].rows.end() && at->first.starts_with(prefix); ++at) {
      auto& [key, value] = *at;
      if (key == prefix) {
        auto live = decode_checked(key, value, decode_live);
        if (!live)
          return std::unexpected{std::move(live).error()};
        made.live_start = live->start;
        made.live_anchor = live->anchor;
        continue;
      }
      auto segment = decode_checked(
        key, value, [&](bytes_view row) { return decode_segment(key, row); });
      if (!segment)
        return std::unexpected{std::move(segment).error()};
      made.segments.push_back(std::move(*segment));
    }
    sources_.push_back(std::move(made));
  }
  return {};
}

result<void> log_backup::add_to_total(const source& from) {
  for (auto& segment : from.segments)
    progress_.bytes_total += segment.file_bytes;
  return log_.reading(from.where, [&](MDB_txn* transaction) -> result<void> {
    auto& table = log_.at(from.where).table;
    MDB_stat stat{};
    if (auto code = mdb_stat(transaction, table_in(transaction, table), &stat))
      return std::unexpected{
        lmdb_failure("read", log_.folder_.path() / "log", code)};
    progress_.bytes_total
      += stat.ms_psize * (stat.ms_leaf_pages + stat.ms_overflow_pages);
    return {};
  });
}

// -- copying ------------------------------------------------------------------

result<void> log_backup::copy_vault() {
  if (!settings_.copy_vault)
    return {};
  if (auto copied = settings_.copy_vault(folder_ / "vault"); !copied)
    return copied;
  std::error_code error;
  for (fs::directory_iterator each{folder_ / "vault", error}, end;
    !error && each != end; each.increment(error))
    if (auto added = add_file("vault/" + each->path().filename().string());
      !added)
      return added;
  if (error)
    return std::unexpected{
      system_failure("list", folder_ / "vault", error.value())};
  return {};
}

result<void> log_backup::copy_partition(const source& from) {
  for (auto& segment : from.segments)
    if (auto copied = copy_segment(from, segment); !copied)
      return copied;
  return write_segments(from);
}

result<void> log_backup::copy_segment(
  const source& from, const segment_info& segment) {
  auto name = "archive/" + segment.file;
  auto copied = copy_file(log_.shelf_.folder() / segment.file, folder_ / name,
    segment_tail_bytes, [this](std::size_t bytes) { return pace(bytes); });
  if (!copied)
    return std::unexpected{std::move(copied).error()};
  if (copied->bytes != segment.file_bytes
    || copied->front_digest != segment.digest)
    return fail(fault::damaged,
      fmt::format("{}/{}@{}: {} is not what was archived: its digest does not "
                  "match",
        from.topic.name, from.where.partition, segment.first.value,
        (log_.shelf_.folder() / segment.file).string()));
  manifest_.report.records += segment.records;
  manifest_.files.push_back({name, copied->bytes, copied->digest});
  ++progress_.files;
  return {};
}

// What the environment holds, in short transactions, up to the committed end of
// the backup's moment.
result<void> log_backup::write_segments(const source& from) {
  auto& numbers = from.numbers;
  segment_identity identity{.cluster = log_.cluster_id_,
    .incarnation = log_.incarnation_,
    .topic = from.topic.name,
    .topic_id = from.topic.id,
    .partition = from.where.partition,
    .generation = numbers.cleaning.generation,
    .anchor = from.live_anchor};
  // Where the environment's first batch starts: nobody deletes meanwhile.
  auto first = log_.first_stored(from.where);
  if (!first)
    return std::unexpected{std::move(first).error()};
  for (auto next = *first; next < numbers.committed_end;) {
    identity.first = next;
    identity.seams.clear();
    for (std::size_t i = 0; i < numbers.cleaning.seam_count; ++i)
      if (auto& seam = numbers.cleaning.seams[i]; seam.at >= next)
        identity.seams.push_back({seam.at, seam.before, seam.after});
    auto name = fmt::format("segments/{}/{}/{}", from.topic.name,
      from.where.partition, segment_file_name(next));
    auto writer
      = segment_writer::create(folder_ / name, identity, {.pack = false});
    if (!writer)
      return std::unexpected{std::move(writer).error()};
    while (next < numbers.committed_end
      && (*writer)->batch_bytes() < segment_bytes) {
      auto copied = log_.copy_entries(
        from.where, next, numbers.committed_end, settings_.read_bytes);
      if (!copied)
        return std::unexpected{std::move(copied).error()};
      // With gaps there may be no batch at the very end.
      if (copied->empty()) {
        next = numbers.committed_end;
        break;
      }
      std::size_t size = 0;
      for (auto& entry : *copied) {
        if (auto added = (*writer)->add(entry); !added)
          return added;
        size += entry.size();
      }
      next = (*writer)->next();
      if (auto paced = pace(size); !paced)
        return paced;
    }
    auto summary = (*writer)->finish();
    if (!summary)
      return std::unexpected{std::move(summary).error()};
    if (auto published = (*writer)->publish(); !published)
      return published;
    identity.anchor = summary->head;
    manifest_.report.records += summary->records;
    if (auto added = add_file(name); !added)
      return added;
  }
  return {};
}

result<void> log_backup::add_file(const std::string& name) {
  auto file = digest_file(folder_ / name);
  if (!file)
    return std::unexpected{std::move(file).error()};
  manifest_.files.push_back({name, file->bytes, file->digest});
  ++progress_.files;
  return {};
}

// Waits until as many bytes may have been copied.
result<void> log_backup::pace(std::size_t bytes) {
  progress_.bytes += bytes;
  progress_.bytes_total = std::max(progress_.bytes_total, progress_.bytes);
  if (settings_.on_progress && !settings_.on_progress(progress_))
    return fail(fault::unavailable,
      fmt::format("the backup into {} was stopped", folder_.string()));
  if (settings_.bytes_per_second == 0)
    return {};
  std::chrono::nanoseconds due{
    static_cast<std::int64_t>(static_cast<double>(progress_.bytes) * 1e9
      / static_cast<double>(settings_.bytes_per_second))};
  auto spent = settings_.now() - started_;
  if (spent < due)
    settings_.wait(due - spent);
  return {};
}

} // namespace herald
