#include "engine/log/restore.hpp"

#include "engine/log/backup_folder.hpp"
#include "engine/log/held_folder.hpp"
#include "engine/log/log_state.hpp"
#include "engine/log/producer_recall.hpp"
#include "engine/log/segment_reader.hpp"
#include "protocol/big_endian.hpp"

#include <algorithm>
#include <cassert>
#include <map>
#include <optional>
#include <set>
#include <sys/random.h>

namespace herald {

namespace {

namespace fs = std::filesystem;

// One commit of the log that is being built.
constexpr std::size_t commit_bytes = 16u << 20;
constexpr std::uint64_t tables_bytes_max = std::uint64_t{4} << 30;

/// A partition of a backup, with everything that is to be put back.
struct restored_partition {
  topic_info topic;
  std::uint32_t number = 0;
  partition_numbers numbers;
  std::vector<segment_info> archived;
  std::optional<live_numbers> live;
  /// Paths below the backup, by offset.
  std::vector<std::string> segments;
  bytes key() const { return partition_key(topic.id, number); }
};

/// A backup that was checked.
struct checked_backup {
  fs::path folder;
  backup_manifest manifest;
  std::vector<table_dump> tables;
  std::vector<restored_partition> partitions;
};

std::unexpected<failure> damaged(const fs::path& file, std::string_view why) {
  return fail(fault::damaged, fmt::format("{}: {}", file.string(), why));
}

// Every file of the manifest, by its bytes.
result<void> check_files(const checked_backup& backup) {
  for (auto& file : backup.manifest.files) {
    auto path = backup.folder / file.path;
    std::error_code error;
    if (!fs::is_regular_file(path, error))
      return damaged(path, "the file is missing");
    auto found = digest_file(path);
    if (!found)
      return std::unexpected{std::move(found).error()};
    if (found->bytes != file.bytes)
      return damaged(path,
        fmt::format("it has {} bytes instead of {}", found->bytes, file.bytes));
    if (found->digest != file.digest)
      return damaged(path, "its checksum does not match");
  }
  return {};
}

const table_dump* find_table(
  const checked_backup& backup, std::string_view name) {
  auto found = std::ranges::find(backup.tables, name, &table_dump::name);
  return found == backup.tables.end() ? nullptr : &*found;
}

// Takes the partitions together from the tables.
result<void> read_tables(checked_backup& backup) {
  auto path = backup.folder / "tables";
  auto wrong = [&](std::string_view why) { return damaged(path, why); };
  auto content = read_file(path, tables_bytes_max);
  if (!content)
    return std::unexpected{std::move(content).error()};
  auto tables = decode_tables(*content);
  if (!tables)
    return fail(tables.error().code,
      fmt::format("{}: {}", path.string(), tables.error().message));
  backup.tables = std::move(*tables);
  auto* topics = find_table(backup, topics_table);
  auto* partitions = find_table(backup, partitions_table);
  auto* segments = find_table(backup, segments_table);
  if (!topics || !partitions || !segments || !find_table(backup, meta_table)
    || !find_table(backup, terms_table) || !find_table(backup, producers_table))
    return wrong("a table is missing");
  std::set<std::string> files;
  for (auto& file : backup.manifest.files)
    files.insert(file.path);
  for (auto& [name, value] : topics->rows) {
    auto topic = decode_checked(
      name, value, [&](bytes_view row) { return decode_topic(name, row); });
    if (!topic)
      return wrong(topic.error().message);
    for (std::uint32_t i = 0; i < topic->partitions; ++i) {
      restored_partition made{.topic = *topic, .number = i};
      auto key = made.key();
      auto row = partitions->from(key);
      if (row == partitions->rows.end() || row->first != key)
        return wrong(fmt::format("{}/{} is missing", name, i));
      auto numbers = decode_checked(key, row->second, decode_numbers);
      if (!numbers)
        return wrong(numbers.error().message);
      made.numbers = *numbers;
      for (auto at = segments->from(key);
        at != segments->rows.end() && at->first.starts_with(key); ++at) {
        auto& [segment_key, segment_value] = *at;
        if (segment_key == key) {
          auto live = decode_checked(segment_key, segment_value, decode_live);
          if (!live)
            return wrong(live.error().message);
          made.live = *live;
          continue;
        }
        auto segment = decode_checked(segment_key, segment_value,
          [&](bytes_view row) { return decode_segment(segment_key, row); });
        if (!segment)
          return wrong(segment.error().message);
        made.archived.push_back(std::move(*segment));
      }
      auto prefix = fmt::format("segments/{}/{}/", name, i);
      for (auto at = files.lower_bound(prefix);
        at != files.end() && at->starts_with(prefix); ++at)
        made.segments.push_back(*at);
      backup.partitions.push_back(std::move(made));
    }
  }
  return {};
}

// All segments of a partition: sound, and one chain from its anchor to its end.
result<void> check_partition(
  const checked_backup& backup, const restored_partition& partition) {
  auto anchor = partition.numbers.anchor;
  std::optional<offset> expected;
  auto check = [&](const fs::path& path,
                 const segment_info* registered) -> result<void> {
    auto reader = segment_reader::open(path);
    if (!reader && reader.error().code == fault::not_found)
      return damaged(path, "the file is missing");
    if (!reader)
      return std::unexpected{std::move(reader).error()};
    auto& identity = (*reader)->identity();
    if (identity.topic_id != partition.topic.id
      || identity.partition != partition.number)
      return damaged(path, "it is of another partition");
    if (registered && !same_segment(*registered, **reader))
      return damaged(path, "it is not the segment that was archived");
    if ((expected && identity.first != *expected) || identity.anchor != anchor)
      return damaged(path, "it does not follow on the segment before it");
    auto sound = (*reader)->verify();
    if (!sound)
      return std::unexpected{std::move(sound).error()};
    expected = (*reader)->summary().next;
    anchor = (*reader)->summary().head;
    return {};
  };
  for (auto& segment : partition.archived)
    if (auto fine = check(backup.folder / "archive" / segment.file, &segment);
      !fine)
      return fine;
  // The rest begins where the environment did, perhaps before the archive ends.
  if (partition.live) {
    expected = partition.live->start;
    anchor = partition.live->anchor;
  }
  for (auto& name : partition.segments)
    if (auto fine = check(backup.folder / name, nullptr); !fine)
      return fine;
  auto& numbers = partition.numbers;
  auto whole = numbers.cleaning.generation > 0
    || expected.value_or(numbers.log_start) == numbers.committed_end;
  if (!whole
    || (numbers.log_end == numbers.committed_end && anchor != numbers.head
      && numbers.cleaning.seam_count == 0))
    return damaged(backup.folder / "segments",
      fmt::format("{}/{} ends at {} instead of {}", partition.topic.name,
        partition.number, expected.value_or(numbers.log_start).value,
        numbers.committed_end.value));
  return {};
}

result<checked_backup> open_backup(const fs::path& folder) {
  checked_backup backup{.folder = folder};
  auto manifest = read_manifest(folder);
  if (!manifest)
    return std::unexpected{std::move(manifest).error()};
  backup.manifest = std::move(*manifest);
  if (auto files = check_files(backup); !files)
    return std::unexpected{std::move(files).error()};
  if (auto tables = read_tables(backup); !tables)
    return std::unexpected{std::move(tables).error()};
  for (auto& partition : backup.partitions)
    if (auto fine = check_partition(backup, partition); !fine)
      return std::unexpected{std::move(fine).error()};
  return backup;
}

/// Builds the environment of a log. Without syncs in between, since nobody
/// takes it for a log before it is finished.
class environment_builder {
public:
  explicit environment_builder(fs::path folder) : folder_{std::move(folder)} {}
  ~environment_builder() {
    if (transaction_)
      mdb_txn_abort(transaction_);
    if (env_)
      mdb_env_close(env_);
  }
  environment_builder(const environment_builder&) = delete;
  environment_builder& operator=(const environment_builder&) = delete;

  result<void> open(std::uint64_t bytes, std::size_t tables) {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error)
      return std::unexpected{system_failure("create", folder_, error.value())};
    auto code = mdb_env_create(&env_);
    if (!code)
      code = mdb_env_set_maxdbs(env_, static_cast<unsigned>(tables));
    if (!code)
      code = mdb_env_set_mapsize(env_, bytes);
    if (!code)
      code = mdb_env_open(env_, folder_.c_str(), MDB_NOSYNC, 0644);
    return done(code);
  }

  result<void> put(std::string_view table, bytes_view key, bytes_view value,
    unsigned flags = 0) {
    int code = 0;
    if (!transaction_)
      code = mdb_txn_begin(env_, nullptr, 0, &transaction_);
    auto [at, fresh] = tables_.try_emplace(std::string{table}, 0u);
    if (!code && fresh)
      code = mdb_dbi_open(
        transaction_, at->first.c_str(), MDB_CREATE, &at->second);
    auto k = to_value(key);
    auto v = to_value(value);
    if (!code && !key.empty())
      code = mdb_put(transaction_, at->second, &k, &v, flags);
    pending_ += key.size() + value.size();
    if (!code && pending_ > commit_bytes)
      return commit();
    return done(code);
  }

  result<void> erase(std::string_view table, bytes_view key) {
    int code = 0;
    if (!transaction_)
      code = mdb_txn_begin(env_, nullptr, 0, &transaction_);
    auto k = to_value(key);
    if (!code)
      code = mdb_del(transaction_, tables_.at(std::string{table}), &k, nullptr);
    return done(code == MDB_NOTFOUND ? 0 : code);
  }

  result<void> commit() {
    pending_ = 0;
    if (!transaction_)
      return {};
    return done(mdb_txn_commit(std::exchange(transaction_, nullptr)));
  }

  result<void> finish() {
    if (auto committed = commit(); !committed)
      return committed;
    if (auto synced = done(mdb_env_sync(env_, 1)); !synced)
      return synced;
    mdb_env_close(std::exchange(env_, nullptr));
    std::error_code ignored;
    fs::remove(folder_ / "lock.mdb", ignored);
    return sync_folder(folder_);
  }

private:
  result<void> done(int code) const {
    if (code)
      return std::unexpected{lmdb_failure("write", folder_, code)};
    return {};
  }

  fs::path folder_;
  MDB_env* env_ = nullptr;
  MDB_txn* transaction_ = nullptr;
  std::map<std::string, MDB_dbi> tables_;
  std::size_t pending_ = 0;
};

/// Puts a checked backup into a folder.
class restoration {
public:
  restoration(const checked_backup& backup, const fs::path& data,
    const restore_settings& settings)
    : backup_{backup}, data_{data}, building_{data / "restoring"},
      settings_{settings}, builder_{building_ / "log"} {
    for (auto& file : backup.manifest.files) {
      progress_.bytes_total += file.bytes;
      sizes_.emplace(file.path, file.bytes);
    }
    for (auto& partition : backup.partitions)
      topics_.insert(partition.key().substr(0, 16));
  }

  result<void> run();

private:
  result<void> put_tables();
  bool is_wanted(std::string_view table, bytes_view key) const;
  result<void> put_partition(const restored_partition& partition);
  result<void> put_entries(const restored_partition& partition,
    const std::string& file, partition_numbers& numbers);
  result<void> cut_tables(
    const restored_partition& partition, partition_numbers& numbers);
  result<void> cut_producers(const restored_partition& partition, offset end);
  result<void> copy_below(std::string_view prefix);
  result<void> take_place();
  void told(const std::string& file);

  const checked_backup& backup_;
  fs::path data_;
  fs::path building_;
  const restore_settings& settings_;
  environment_builder builder_;
  backup_progress progress_;
  /// Files by path, and the ids of the topics that there are.
  std::map<std::string, std::uint64_t> sizes_;
  std::set<bytes> topics_;
};

std::uint64_t random_number(const restore_settings& settings) {
  if (settings.log.random)
    return settings.log.random();
  std::uint64_t value = 0;
  [[maybe_unused]] auto got = ::getrandom(&value, sizeof value, 0);
  assert(got == sizeof value);
  return value;
}

result<void> restoration::run() {
  // LMDB's pages are fuller than half; what is not used costs nothing.
  auto map_bytes = progress_.bytes_total * 3 + (64u << 20);
  auto tables = backup_.partitions.size() + fixed_tables;
  if (auto opened = builder_.open(map_bytes / 4096 * 4096, tables); !opened)
    return opened;
  if (auto put = put_tables(); !put)
    return put;
  for (auto& partition : backup_.partitions)
    if (auto put = put_partition(partition); !put)
      return put;
  if (auto finished = builder_.finish(); !finished)
    return finished;
  for (auto* prefix : {"archive/", "vault/"})
    if (auto copied = copy_below(prefix); !copied)
      return copied;
  return take_place();
}

void restoration::told(const std::string& file) {
  progress_.bytes += sizes_.at(file);
  ++progress_.files;
  if (settings_.on_progress)
    settings_.on_progress(progress_);
}

// What deleted topics have left behind stays behind.
bool restoration::is_wanted(std::string_view table, bytes_view key) const {
  if (table == meta_table)
    return !key.starts_with(deleted_prefix) && key != incarnation_key;
  if (table == topics_table)
    return true;
  if (table == partitions_table)
    return false; // put_partition() writes them
  return topics_.contains(bytes{key.substr(0, 16)});
}

result<void> restoration::put_tables() {
  for (auto& table : backup_.tables) {
    // Makes it, though it may stay empty.
    if (auto made = builder_.put(table.name, {}, {}); !made)
      return made;
    for (auto& [key, value] : table.rows)
      if (is_wanted(table.name, key))
        if (auto put = builder_.put(table.name, key, value); !put)
          return put;
  }
  told("tables");
  return builder_.put(meta_table, incarnation_key,
    with_row_check(incarnation_key, encode_u64(random_number(settings_))));
}

result<void> restoration::put_partition(const restored_partition& partition) {
  auto numbers = partition.numbers;
  auto name = partition_table(partition.topic.id, partition.number);
  if (auto made = builder_.put(name, {}, {}); !made)
    return made;
  auto cut = numbers.log_end != numbers.committed_end;
  if (cut)
    if (auto fine = cut_tables(partition, numbers); !fine)
      return fine;
  for (auto& file : partition.segments) {
    auto seen = numbers;
    if (auto put = put_entries(partition, file, seen); !put)
      return put;
    if (cut)
      numbers = seen;
    told(file);
  }
  auto key = partition.key();
  return builder_.put(
    partitions_table, key, with_row_check(key, encode_numbers(numbers)));
}

result<void> restoration::put_entries(const restored_partition& partition,
  const std::string& file, partition_numbers& numbers) {
  auto reader = segment_reader::open(backup_.folder / file);
  if (!reader)
    return std::unexpected{std::move(reader).error()};
  auto name = partition_table(partition.topic.id, partition.number);
  auto& identity = (*reader)->identity();
  result<void> put;
  auto read = (*reader)->visit(
    identity.first, [&](offset base, const entry_view& entry) {
      // The entry stands in front of its batch.
      auto batch = entry.batch.data();
      bytes_view stored{
        batch.data() - entry_header_bytes, entry_header_bytes + batch.size()};
      put = builder_.put(name, offset_key(base), stored, MDB_APPEND);
      return put.has_value();
    });
  if (!read)
    return read;
  numbers.head = (*reader)->summary().head;
  numbers.last_timestamp_ms = (*reader)->summary().last_ms;
  return put;
}

// The backup ends at the committed end: what was beyond is forgotten, as if it
// had been cut off.
result<void> restoration::cut_tables(
  const restored_partition& partition, partition_numbers& numbers) {
  numbers.log_end = numbers.committed_end;
  numbers.head = partition.live ? partition.live->anchor : numbers.anchor;
  auto prefix = partition.key();
  numbers.last_term = 0;
  for (auto& [key, value] : find_table(backup_, terms_table)->rows) {
    if (!key.starts_with(prefix) || key.size() != prefix.size() + 8)
      continue;
    auto stored = without_row_check(key, value);
    auto first = stored ? offset_of_key(*stored) : std::nullopt;
    auto term = offset_of_key(bytes_view{key}.substr(prefix.size()));
    if (first && *first >= numbers.log_end && term->value > 0) {
      if (auto gone = builder_.erase(terms_table, key); !gone)
        return gone;
    } else {
      numbers.last_term = std::max(numbers.last_term, term->value);
    }
  }
  return cut_producers(partition, numbers.log_end);
}

result<void> restoration::cut_producers(
  const restored_partition& partition, offset end) {
  auto prefix = partition.key();
  producer_recall recall;
  for (auto& [key, value] : find_table(backup_, producers_table)->rows) {
    if (!key.starts_with(prefix) || key.size() != prefix.size() + 8)
      continue;
    auto state = decode_checked(key, value, producer_state::decode);
    if (!state)
      return std::unexpected{std::move(state).error()};
    recall.forget(load_big_endian<std::int64_t>(key.data() + prefix.size()),
      std::move(*state), end);
  }
  std::vector<std::string> files;
  for (auto& segment : partition.archived)
    files.push_back("archive/" + segment.file);
  files.insert(
    files.end(), partition.segments.begin(), partition.segments.end());
  auto oldest = end;
  for (; recall.wanted() && !files.empty(); files.pop_back()) {
    auto reader = segment_reader::open(backup_.folder / files.back());
    if (!reader)
      return std::unexpected{std::move(reader).error()};
    auto first = (*reader)->identity().first;
    auto read
      = (*reader)->visit(first, [&](offset base, const entry_view& entry) {
          if (base < oldest)
            recall.gather(entry.batch, base);
          return base < oldest;
        });
    if (!read)
      return read;
    recall.see_gathered();
    oldest = std::min(oldest, first);
  }
  for (auto& [id, state] : recall.changed()) {
    auto key = producer_key(partition.topic.id, partition.number, id);
    auto changed = state.recent().empty()
      ? builder_.erase(producers_table, key)
      : builder_.put(producers_table, key, with_row_check(key, state.encode()));
    if (!changed)
      return changed;
  }
  return {};
}

result<void> restoration::copy_below(std::string_view prefix) {
  for (auto& file : backup_.manifest.files) {
    if (!file.path.starts_with(prefix))
      continue;
    auto copied
      = copy_file(backup_.folder / file.path, building_ / file.path, 0, {});
    if (!copied)
      return std::unexpected{std::move(copied).error()};
    if (copied->digest != file.digest)
      return damaged(backup_.folder / file.path, "it changed meanwhile");
    told(file.path);
  }
  return {};
}

// Only the format file, written last, makes a data folder of it.
result<void> restoration::take_place() {
  std::error_code error;
  if (fs::exists(building_ / "vault", error))
    fs::permissions(building_ / "vault", fs::perms::owner_all, error);
  for (auto* name : {"log", "archive", "vault"}) {
    if (error || !fs::exists(building_ / name, error))
      continue;
    if (auto synced = sync_folder(building_ / name); !synced)
      return synced;
    fs::rename(building_ / name, data_ / name, error);
  }
  if (!error)
    fs::remove(building_, error);
  if (error)
    return std::unexpected{system_failure("rename", building_, error.value())};
  if (auto synced = sync_folder(data_); !synced)
    return synced;
  return write_folder_format(data_);
}

} // namespace

result<backup_report> check_backup(const fs::path& backup) {
  auto opened = open_backup(backup);
  if (!opened)
    return std::unexpected{std::move(opened).error()};
  return opened->manifest.report;
}

result<backup_report> restore_backup(const fs::path& backup,
  const fs::path& data, const restore_settings& settings) {
  std::error_code error;
  if (fs::exists(data, error) && !fs::is_empty(data, error))
    return fail(fault::invalid_input,
      fmt::format("{} is not empty: a backup is restored into a new folder",
        data.string()));
  auto opened = open_backup(backup);
  if (!opened)
    return std::unexpected{std::move(opened).error()};
  if (auto made = make_empty_folder(data, "what is restored"); !made)
    return std::unexpected{std::move(made).error()};
  restoration work{*opened, data, settings};
  if (auto done = work.run(); !done)
    return std::unexpected{std::move(done).error()};
  return opened->manifest.report;
}

} // namespace herald
