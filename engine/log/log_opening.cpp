#include "engine/log/checked_row.hpp"
#include "engine/log/log_state.hpp"
#include "protocol/big_endian.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sys/random.h>
#include <sys/vfs.h>

namespace herald {

namespace fs = std::filesystem;

namespace {

// Partitions whose last batches are checked in one transaction, in which their
// tables are open.
constexpr std::uint32_t check_group = 64;

std::uint64_t system_random() {
  std::uint64_t value = 0;
  [[maybe_unused]] auto got = ::getrandom(&value, sizeof value, 0);
  assert(got == sizeof value);
  return value;
}

std::int64_t system_now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch())
    .count();
}

// 128 bits in base64url. Kafka leaves out ids that start with '-', which
// command lines take for an option.
std::string random_cluster_id(const std::function<std::uint64_t()>& random) {
  constexpr std::string_view digits
    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string id;
  do {
    std::array<std::uint64_t, 2> words{random(), random()};
    id.clear();
    for (int bit = 0; bit < 128; bit += 6) {
      auto shift = bit % 64;
      auto value = words[bit / 64] >> shift;
      if (bit / 64 == 0 && shift > 58)
        value |= words[1] << (64 - shift);
      id.push_back(digits[value & 63]);
    }
  } while (id.front() == '-');
  return id;
}

result<void> refuse_remote(const fs::path& folder) {
  struct statfs status{};
  if (::statfs(folder.c_str(), &status) != 0)
    return std::unexpected{system_failure("look at", folder, errno)};
  // NFS, SMB, CIFS, SMB2 (linux/magic.h)
  for (std::uint32_t remote : {0x6969u, 0x517Bu, 0xFF534D42u, 0xFE534D42u})
    if (static_cast<std::uint32_t>(status.f_type) == remote)
      return fail(fault::io,
        fmt::format("{} is on a remote file system, where locks and syncs "
                    "cannot be relied upon: choose a local folder",
          folder.string()));
  return {};
}

// Makes the environment of an empty log. It gets its name when it is complete
// and durable, so that a crash in between leaves nothing half made.
result<void> make_log(const fs::path& data, const log_settings& settings) {
  auto fresh = data / "log.new";
  std::error_code error;
  fs::remove_all(fresh, error);
  fs::create_directory(fresh, error);
  if (error)
    return std::unexpected{system_failure("create", fresh, error.value())};
  MDB_env* env = nullptr;
  MDB_txn* transaction = nullptr;
  tables made;
  auto code = mdb_env_create(&env);
  if (!code)
    code = mdb_env_set_maxdbs(env, fixed_tables);
  if (!code)
    code = mdb_env_open(env, fresh.c_str(), 0, 0644);
  if (!code)
    code = mdb_txn_begin(env, nullptr, 0, &transaction);
  if (!code)
    code = open_tables(transaction, made, MDB_CREATE);
  if (!code)
    code = put_row(
      transaction, made.meta, incarnation_key, encode_u64(settings.random()));
  if (!code)
    code = put_row(
      transaction, made.meta, cluster_key, random_cluster_id(settings.random));
  if (!code)
    code = put_row(transaction, made.meta, checked_key, {});
  if (!code)
    code = mdb_txn_commit(transaction);
  else if (transaction)
    mdb_txn_abort(transaction);
  mdb_env_close(env);
  if (code)
    return std::unexpected{lmdb_failure("make", fresh, code)};
  if (auto synced = sync_folder(fresh); !synced)
    return synced;
  fs::rename(fresh, data / "log", error);
  if (error)
    return std::unexpected{system_failure("rename", fresh, error.value())};
  return sync_folder(data);
}

// Gives each row of a log of before the checks its check.
int add_row_checks(MDB_txn* transaction, const tables& all) {
  for (auto* table :
    {&all.meta, &all.topics, &all.partitions, &all.terms, &all.producers}) {
    std::vector<std::pair<bytes, bytes>> rows;
    lmdb_cursor cursor{transaction, *table};
    auto code = cursor.move(MDB_FIRST);
    for (; !code; code = cursor.move(MDB_NEXT))
      rows.emplace_back(cursor.key(), cursor.value());
    if (code != MDB_NOTFOUND)
      return code;
    for (auto& [key, value] : rows)
      if (code = put_row(transaction, *table, key, value); code)
        return code;
  }
  return put_row(transaction, all.meta, checked_key, {});
}

} // namespace

int put(MDB_txn* transaction, const log_table& table, bytes_view key,
  bytes_view value) {
  auto k = to_value(key);
  auto v = to_value(value);
  return mdb_put(transaction, table.handle, &k, &v, 0);
}

int put_row(MDB_txn* transaction, const log_table& table, bytes_view key,
  bytes_view value) {
  return put(transaction, table, key, with_row_check(key, value));
}

int get_row(MDB_txn* transaction, const log_table& table, bytes_view key,
  bytes_view& value) {
  auto k = to_value(key);
  MDB_val stored{};
  if (auto code
    = mdb_get(transaction, table_in(transaction, table), &k, &stored))
    return code;
  auto checked = without_row_check(key, to_view(stored));
  if (!checked)
    return MDB_CORRUPTED;
  value = *checked;
  return 0;
}

bytes encode_u64(std::uint64_t value) {
  return offset_key({value});
}

int open_tables(MDB_txn* transaction, tables& to, unsigned flags) {
  for (auto* table : {&to.meta, &to.topics, &to.partitions, &to.terms})
    if (auto code = open_table(transaction, *table, flags))
      return code;
  // Logs from before these were known have no such tables yet.
  for (auto* table : {&to.producers, &to.segments})
    if (auto code = open_table(transaction, *table, flags | MDB_CREATE))
      return code;
  return 0;
}

result<std::unique_ptr<event_log>> event_log::open(
  const fs::path& data_folder_path, const log_settings& wanted) {
  auto settings = wanted;
  if (!settings.random)
    settings.random = system_random;
  if (!settings.now_ms)
    settings.now_ms = system_now_ms;
  auto folder = held_folder::take(data_folder_path);
  if (!folder)
    return std::unexpected{std::move(folder).error()};
  if (!settings.remote_file_system)
    if (auto local = refuse_remote(data_folder_path); !local)
      return std::unexpected{std::move(local).error()};
  std::error_code error;
  if (!fs::exists(data_folder_path / "log", error))
    if (auto made = make_log(data_folder_path, settings); !made)
      return std::unexpected{std::move(made).error()};
  auto env = log_environment::open(data_folder_path / "log", settings);
  if (!env)
    return std::unexpected{std::move(env).error()};
  auto self = std::make_unique<impl>(std::move(*folder), settings);
  self->env_ = std::move(*env);
  if (auto loaded = self->load(); !loaded)
    return std::unexpected{std::move(loaded).error()};
  std::unique_ptr<event_log> log{new event_log{std::move(self)}};
  if (auto made = log->create_topic(schemas_topic, 1); !made)
    return std::unexpected{std::move(made).error()};
  if (auto loaded = log->self_->load_schemas(*log); !loaded)
    return std::unexpected{std::move(loaded).error()};
  return log;
}

result<void> event_log::impl::load() {
  // A transaction that mostly changes nothing: handles of tables outlive only a
  // transaction that ends well.
  failure refused;
  auto read = env_->write_tables(
    [&](MDB_txn* transaction) { return load_tables(transaction, refused); });
  if (!read && env_->failed())
    return fail(fault::damaged,
      fmt::format("{} cannot be read: {}", (folder_.path() / "log").string(),
        read.error().message));
  if (!read)
    return std::unexpected{std::move(read).error()};
  if (!*read)
    return std::unexpected{std::move(refused)};
  return check_last_batches();
}

int event_log::impl::load_tables(MDB_txn* transaction, failure& refused) {
  topics_.clear();
  numbers_.clear();
  deleted_.clear();
  partitions_ = 0;
  auto give_up = [&](fault code, std::string_view why) {
    refused
      = {code, fmt::format("{}: {}", (folder_.path() / "log").string(), why)};
    return log_environment::abandon;
  };
  auto code = open_tables(transaction, tables_, 0);
  if (code == MDB_NOTFOUND || code == MDB_INCOMPATIBLE)
    return give_up(fault::version, "this is not a log of Herald");
  if (code)
    return code;
  bytes_view value;
  code = get_row(transaction, tables_.meta, checked_key, value);
  if (code == MDB_NOTFOUND)
    code = add_row_checks(transaction, tables_);
  if (code)
    return code;
  // A row that has got another name would not be missed.
  lmdb_cursor metas{transaction, tables_.meta};
  for (code = metas.move(MDB_FIRST); !code; code = metas.move(MDB_NEXT))
    if (auto row = without_row_check(metas.key(), metas.value()); !row)
      return give_up(fault::damaged,
        fmt::format("row {:?}: {}", metas.key(), row.error().message));
  if (code != MDB_NOTFOUND)
    return code;
  code = get_row(transaction, tables_.meta, incarnation_key, value);
  if (code == MDB_NOTFOUND || (!code && value.size() != 8))
    return give_up(fault::damaged, "the incarnation is missing");
  if (code)
    return code;
  incarnation_ = load_big_endian<std::uint64_t>(value.data());
  code = get_row(transaction, tables_.meta, cluster_key, value);
  if (code == MDB_NOTFOUND)
    return give_up(fault::damaged, "the cluster id is missing");
  if (code)
    return code;
  cluster_id_ = value;
  std::vector<std::pair<topic_info, topic_settings>> found;
  lmdb_cursor cursor{transaction, tables_.topics};
  for (code = cursor.move(MDB_FIRST); !code; code = cursor.move(MDB_NEXT)) {
    auto row = without_row_check(cursor.key(), cursor.value());
    if (!row)
      return give_up(fault::damaged,
        fmt::format(
          "the entry of topic '{}': {}", cursor.key(), row.error().message));
    topic_settings settings;
    auto topic = decode_topic(cursor.key(), *row, &settings);
    if (!topic)
      return give_up(topic.error().code, topic.error().message);
    found.emplace_back(std::move(*topic), std::move(settings));
  }
  if (code != MDB_NOTFOUND)
    return code;
  std::uint64_t next_topic = 0;
  if (code = load_deleted(transaction, next_topic); code)
    return code;
  // Numbers are dense but for those of deleted topics.
  std::ranges::sort(
    found, {}, [](const auto& topic) { return topic.first.number; });
  for (auto& [topic, settings] : found) {
    auto next = topics_.size();
    if (topic.number < next
      || (topic.number > next && topic.number > next_topic))
      return give_up(fault::damaged,
        fmt::format("topic number {} is {}",
          std::min<std::size_t>(topic.number, next),
          topic.number < next ? "there twice" : "missing"));
    topics_.resize(topic.number);
    if (partitions_ + std::uint64_t{topic.partitions}
      > settings_.partitions_max)
      return give_up(fault::too_large,
        fmt::format("there are more than {} partitions: raise the limit",
          settings_.partitions_max));
    if (code = load_topic(transaction, topic, refused); code)
      return code;
    adopt_settings(*topics_.back(), settings);
  }
  if (topics_.size() < next_topic)
    topics_.resize(next_topic);
  return 0;
}

// What is known of deleted topics.
int event_log::impl::load_deleted(
  MDB_txn* transaction, std::uint64_t& next_topic) {
  bytes_view value;
  auto code = get_row(transaction, tables_.meta, next_topic_key, value);
  if (code && code != MDB_NOTFOUND)
    return code;
  if (!code && value.size() != 8)
    return MDB_CORRUPTED;
  if (!code)
    next_topic = std::min<std::uint64_t>(
      load_big_endian<std::uint64_t>(value.data()), 1u << 24);
  lmdb_cursor cursor{transaction, tables_.meta};
  for (code = cursor.seek(deleted_prefix);
    !code && cursor.key().starts_with(deleted_prefix);
    code = cursor.move(MDB_NEXT)) {
    uuid id;
    auto row = without_row_check(cursor.key(), cursor.value());
    if (cursor.key().size() != deleted_prefix.size() + id.value.size() || !row
      || row->size() != 8)
      return MDB_CORRUPTED;
    std::memcpy(id.value.data(), cursor.key().data() + deleted_prefix.size(),
      id.value.size());
    auto left
      = static_cast<std::uint32_t>(load_big_endian<std::uint64_t>(row->data()));
    deleted_.emplace_back(id, left);
    partitions_ += left;
  }
  return code == MDB_NOTFOUND ? 0 : code;
}

int event_log::impl::load_topic(
  MDB_txn* transaction, const topic_info& info, failure& refused) {
  auto topic = std::make_unique<topic_state>();
  topic->info = info;
  topic->settings = std::make_shared<const topic_settings>();
  topic->partitions = std::make_unique<partition_state[]>(info.partitions);
  for (std::uint32_t i = 0; i < info.partitions; ++i) {
    auto& partition = topic->partitions[i];
    partition.where = {info.number, i};
    partition.table.name = partition_table(info.id, i);
    bytes_view value;
    auto code = get_row(
      transaction, tables_.partitions, partition_key(info.id, i), value);
    if (code && code != MDB_NOTFOUND && code != MDB_CORRUPTED)
      return code;
    auto numbers = code == MDB_NOTFOUND
      ? fail(fault::damaged, "the partition is missing")
      : code ? fail(fault::damaged, "the partition's entry is damaged")
             : decode_numbers(value);
    if (!numbers) {
      refused = {numbers.error().code,
        fmt::format("{}/{}: {}", info.name, i, numbers.error().message)};
      return log_environment::abandon;
    }
    partition.publish(*numbers);
    if (code = load_segments(transaction, info, partition, refused); code)
      return code;
  }
  numbers_.emplace(info.name, info.number);
  partitions_ += info.partitions;
  topics_.push_back(std::move(topic));
  return 0;
}

result<void> event_log::impl::check_last_batches() const {
  for (auto& topic : topics_)
    for (std::uint32_t i = 0; topic && i < topic->info.partitions;) {
      auto group_end = std::min(i + check_group, topic->info.partitions);
      auto reader = env_->read();
      if (!reader)
        return std::unexpected{std::move(reader).error()};
      for (; i < group_end; ++i)
        if (auto checked = check_last_batch(
              reader->transaction(), *topic, topic->partitions[i]);
          !checked)
          return checked;
    }
  return {};
}

// Opens the table for this transaction alone.
result<void> event_log::impl::check_last_batch(MDB_txn* transaction,
  const topic_state& topic, const partition_state& partition) const {
  auto& now = partition.now;
  auto refuse = [&](failure why, offset at) {
    return std::unexpected{named(std::move(why), partition.where, at)};
  };
  failure other{fault::damaged, "the last batch is not the one recorded"};
  try {
    log_table table{partition.table.name};
    auto code = open_table(transaction, table);
    if (code == MDB_NOTFOUND)
      return fail(fault::damaged,
        fmt::format("{}/{}: the partition is missing", topic.info.name,
          partition.where.partition));
    lmdb_cursor cursor{transaction, table};
    if (!code)
      code = cursor.move(MDB_LAST);
    if (code && code != MDB_NOTFOUND)
      return std::unexpected{
        lmdb_failure("read", folder_.path() / "log", code)};
    // Where all has been trimmed, its last batch may still wait for that.
    if (code == MDB_NOTFOUND)
      return now.log_start == now.log_end && now.anchor == now.head
        ? result<void>{}
        : refuse(other, now.log_end);
    auto key = offset_of_key(cursor.key());
    if (!key)
      return refuse(other, now.log_end);
    auto entry = read_entry(cursor.value(), *key, partition.gaps);
    if (!entry)
      return refuse(std::move(entry).error(), *key);
    return entry->batch.next_offset() == now.log_end && entry->chain == now.head
      ? result<void>{}
      : refuse(other, *key);
  } catch (const lmdb_assertion& found) {
    return refuse(
      {fault::damaged, fmt::format("a page is damaged ({})", found.what())},
      now.log_start);
  }
}

} // namespace herald
