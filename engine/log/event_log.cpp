#include "engine/log/event_log.hpp"

#include "engine/log/entry.hpp"
#include "engine/log/held_folder.hpp"
#include "engine/log/log_environment.hpp"
#include "engine/log/log_tables.hpp"
#include "engine/log/schema_registry.hpp"
#include "protocol/batch/big_endian.hpp"
#include "protocol/batch/record_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <sys/random.h>
#include <sys/vfs.h>
#include <utility>

namespace herald {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t topic_name_bytes_max = 249;
constexpr std::size_t subject_bytes_max = 1024;
constexpr std::size_t schema_bytes_max = 1u << 20;

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

uuid random_uuid(const std::function<std::uint64_t()>& random) {
  uuid id;
  for (std::size_t i = 0; i < 16; i += 8) {
    auto word = random();
    std::memcpy(id.value.data() + i, &word, 8);
  }
  // RFC 9562, version 4.
  id.value[6] = static_cast<std::uint8_t>((id.value[6] & 0x0f) | 0x40);
  id.value[8] = static_cast<std::uint8_t>((id.value[8] & 0x3f) | 0x80);
  return id;
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

bool is_topic_name(std::string_view name) {
  constexpr std::string_view allowed
    = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= topic_name_bytes_max && name != "."
    && name != ".." && name.find_first_not_of(allowed) == name.npos;
}

int put(MDB_txn* transaction, MDB_dbi table, bytes_view key, bytes_view value) {
  auto k = to_value(key);
  auto v = to_value(value);
  return mdb_put(transaction, table, &k, &v, 0);
}

bytes encode_u64(std::uint64_t value) {
  return offset_key({value});
}

struct tables {
  MDB_dbi meta = 0;
  MDB_dbi topics = 0;
  MDB_dbi partitions = 0;
  MDB_dbi terms = 0;
};

int open_tables(MDB_txn* transaction, tables& to, unsigned flags) {
  for (auto [name, table] :
    {std::pair{meta_table, &to.meta}, {topics_table, &to.topics},
      {partitions_table, &to.partitions}, {terms_table, &to.terms}})
    if (auto code = mdb_dbi_open(transaction, name, flags, table))
      return code;
  return 0;
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
    code = put(
      transaction, made.meta, incarnation_key, encode_u64(settings.random()));
  if (!code)
    code = put(
      transaction, made.meta, cluster_key, random_cluster_id(settings.random));
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

// A partition in memory. `now` belongs to whoever holds the write lock; readers
// see the atomics, which follow after each commit.
struct partition_state {
  partition_id where;
  MDB_dbi table = 0;
  partition_numbers now;
  partition_numbers next;
  bool touched = false;
  std::atomic<std::uint64_t> log_start{0};
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
  }
};

struct topic_state {
  topic_info info;
  std::unique_ptr<partition_state[]> partitions;
};

} // namespace

std::string to_string(const uuid& id) {
  std::string text;
  for (auto byte : id.value)
    fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

struct event_log::impl {
  impl(held_folder folder, const log_settings& settings)
    : folder_{std::move(folder)}, settings_{settings} {}

  held_folder folder_;
  log_settings settings_;
  std::unique_ptr<log_environment> env_;
  tables tables_;
  std::atomic<std::uint64_t> incarnation_{0};
  std::string cluster_id_;

  // Topics are only ever added; a state stays where it is.
  mutable std::shared_mutex topics_mutex_;
  std::vector<std::unique_ptr<topic_state>> topics_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  std::uint32_t partitions_ = 0;

  // Whoever changes the log holds it, over the commit.
  std::mutex write_mutex_;
  std::vector<partition_state*> places_;
  std::vector<partition_state*> touched_;

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
  result<void> check_last_batches() const;
  result<void> load_schemas(const event_log& log);

  partition_state* find(partition_id where) const;
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

  template <class Visit>
  result<void> walk_committed(
    partition_id where, offset from, Visit&& visit) const;

  result<void> check_items(std::span<append_item> items);
  int append_all(
    MDB_txn* transaction, std::span<append_item> items, bool visible);
  int append_one(MDB_txn* transaction, append_item& item,
    partition_state& partition, bool visible);
  int put_numbers(MDB_txn* transaction, const partition_state& partition,
    const partition_numbers& numbers) const;
  int put_term(MDB_txn* transaction, const partition_state& partition,
    std::uint64_t term, offset first) const;
  int cut(MDB_txn* transaction, const partition_state& partition, offset from,
    partition_numbers& numbers, failure& refused) const;
  std::vector<partition_commit> publish_touched();
  void tell(std::span<const partition_commit> news) const;
  const uuid& topic_id(const partition_state& partition) const {
    return topics_[partition.where.topic]->info.id;
  }
};

// -- opening ------------------------------------------------------------------

event_log::event_log(std::unique_ptr<impl> self) : self_{std::move(self)} {}

event_log::~event_log() = default;

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
  // A transaction that changes nothing: handles of tables outlive only a
  // transaction that ends well, and nothing is written.
  failure refused;
  auto read = env_->write(
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
  MDB_val key = to_value(incarnation_key);
  MDB_val value{};
  code = mdb_get(transaction, tables_.meta, &key, &value);
  if (code == MDB_NOTFOUND || (!code && value.mv_size != 8))
    return give_up(fault::damaged, "the incarnation is missing");
  if (code)
    return code;
  incarnation_ = load_big_endian<std::uint64_t>(to_view(value).data());
  key = to_value(cluster_key);
  code = mdb_get(transaction, tables_.meta, &key, &value);
  if (code == MDB_NOTFOUND)
    return give_up(fault::damaged, "the cluster id is missing");
  if (code)
    return code;
  cluster_id_ = to_view(value);
  std::vector<topic_info> found;
  lmdb_cursor cursor{transaction, tables_.topics};
  for (code = cursor.move(MDB_FIRST); !code; code = cursor.move(MDB_NEXT)) {
    auto topic = decode_topic(cursor.key(), cursor.value());
    if (!topic)
      return give_up(topic.error().code, topic.error().message);
    found.push_back(std::move(*topic));
  }
  if (code != MDB_NOTFOUND)
    return code;
  std::ranges::sort(found, {}, &topic_info::number);
  for (auto& topic : found) {
    if (topic.number != topics_.size())
      return give_up(fault::damaged,
        fmt::format("topic number {} is missing", topics_.size()));
    if (partitions_ + std::uint64_t{topic.partitions}
      > settings_.partitions_max)
      return give_up(fault::too_large,
        fmt::format("there are more than {} partitions: raise the limit",
          settings_.partitions_max));
    if (code = load_topic(transaction, topic, refused); code)
      return code;
  }
  return 0;
}

int event_log::impl::load_topic(
  MDB_txn* transaction, const topic_info& info, failure& refused) {
  auto topic = std::make_unique<topic_state>();
  topic->info = info;
  topic->partitions = std::make_unique<partition_state[]>(info.partitions);
  for (std::uint32_t i = 0; i < info.partitions; ++i) {
    auto& partition = topic->partitions[i];
    partition.where = {info.number, i};
    auto code = mdb_dbi_open(
      transaction, partition_table(info.id, i).c_str(), 0, &partition.table);
    auto name = partition_key(info.id, i);
    auto key = to_value(name);
    MDB_val value{};
    if (!code)
      code = mdb_get(transaction, tables_.partitions, &key, &value);
    if (code && code != MDB_NOTFOUND)
      return code;
    auto numbers = code ? fail(fault::damaged, "the partition is missing")
                        : decode_numbers(to_view(value));
    if (!numbers) {
      refused = {numbers.error().code,
        fmt::format("{}/{}: {}", info.name, i, numbers.error().message)};
      return log_environment::abandon;
    }
    partition.publish(*numbers);
  }
  numbers_.emplace(info.name, info.number);
  partitions_ += info.partitions;
  topics_.push_back(std::move(topic));
  return 0;
}

result<void> event_log::impl::check_last_batches() const {
  for (auto& topic : topics_)
    for (std::uint32_t i = 0; i < topic->info.partitions; ++i) {
      auto& partition = topic->partitions[i];
      auto& now = partition.now;
      auto checked = reading(
        partition.where, [&](MDB_txn* transaction) -> result<void> {
          lmdb_cursor cursor{transaction, partition.table};
          auto code = cursor.move(MDB_LAST);
          if (code && code != MDB_NOTFOUND)
            return std::unexpected{
              lmdb_failure("read", folder_.path() / "log", code)};
          auto empty = now.log_start == now.log_end;
          auto key = code ? std::nullopt : offset_of_key(cursor.key());
          if (empty != (code == MDB_NOTFOUND) || (!empty && !key))
            return std::unexpected{
              named({fault::damaged, "the last batch is not the one recorded"},
                partition.where, now.log_end)};
          if (empty)
            return {};
          auto entry = read_entry(cursor.value(), *key);
          if (!entry)
            return std::unexpected{
              named(std::move(entry).error(), partition.where, *key)};
          if (entry->batch.next_offset() != now.log_end
            || entry->chain != now.head)
            return std::unexpected{
              named({fault::damaged, "the last batch is not the one recorded"},
                partition.where, *key)};
          return {};
        });
      if (!checked)
        return checked;
    }
  return {};
}

result<void> event_log::impl::load_schemas(const event_log& log) {
  auto topic = log.find_topic(schemas_topic);
  for (std::uint32_t i = 0; i < topic->partitions; ++i) {
    partition_id where{topic->number, i};
    auto read = log.visit(
      where, log.log_start(where), [&](offset, offset, bytes_view data) {
        auto batch = batch_view::parse_unchecked(data);
        // What is not of the registry's form says nothing about schemas;
        // verify_log() reports it.
        (void)batch->for_each([&](const record_view& record) {
          (void)registry_.apply(record.key, record.value);
        });
        return true;
      });
    if (!read)
      return read;
  }
  return {};
}

// -- what it is ---------------------------------------------------------------

std::uint64_t event_log::incarnation() const {
  return self_->incarnation_;
}

result<std::uint64_t> event_log::renew_incarnation() {
  std::lock_guard lock{self_->write_mutex_};
  auto fresh = self_->settings_.random();
  auto written = self_->env_->write([&](MDB_txn* transaction) {
    return put(
      transaction, self_->tables_.meta, incarnation_key, encode_u64(fresh));
  });
  if (!written)
    return std::unexpected{std::move(written).error()};
  self_->incarnation_ = fresh;
  return fresh;
}

const std::string& event_log::cluster_id() const {
  return self_->cluster_id_;
}

const fs::path& event_log::data_folder() const {
  return self_->folder_.path();
}

log_usage event_log::usage() const {
  return self_->env_->usage();
}

std::optional<failure> event_log::failed() const {
  return self_->env_->failed();
}

// -- topics -------------------------------------------------------------------

result<topic_info> event_log::create_topic(
  std::string_view name, std::uint32_t partitions) {
  auto& self = *self_;
  if (!is_topic_name(name))
    return fail(fault::invalid_input,
      fmt::format("'{}' is not a topic name: 1 to {} characters of a-z, A-Z, "
                  "0-9, '.', '_' and '-'",
        name, topic_name_bytes_max));
  std::lock_guard lock{self.write_mutex_};
  if (auto known = find_topic(name)) {
    if (known->partitions != partitions)
      return fail(fault::conflict,
        fmt::format("topic '{}' has {} partitions, not {}", name,
          known->partitions, partitions));
    return *known;
  }
  if (partitions == 0)
    return fail(fault::invalid_input, "a topic has at least one partition");
  if (self.partitions_ + std::uint64_t{partitions}
    > self.settings_.partitions_max)
    return fail(fault::too_large,
      fmt::format("topic '{}' would make more than {} partitions in all", name,
        self.settings_.partitions_max));
  topic_info info{.name = std::string{name},
    .id = random_uuid(self.settings_.random),
    .number = static_cast<std::uint32_t>(self.topics_.size()),
    .partitions = partitions};
  auto topic = std::make_unique<topic_state>();
  topic->info = info;
  topic->partitions = std::make_unique<partition_state[]>(partitions);
  auto written = self.env_->write([&](MDB_txn* transaction) {
    auto code
      = put(transaction, self.tables_.topics, info.name, encode_topic(info));
    for (std::uint32_t i = 0; !code && i < partitions; ++i) {
      auto& partition = topic->partitions[i];
      partition.where = {info.number, i};
      partition_numbers numbers;
      numbers.anchor = numbers.head = first_anchor(info.id.value, i);
      partition.publish(numbers);
      code = mdb_dbi_open(transaction, partition_table(info.id, i).c_str(),
        MDB_CREATE, &partition.table);
      if (!code)
        code = put(transaction, self.tables_.partitions,
          partition_key(info.id, i), encode_numbers(numbers));
      if (!code)
        code = put(transaction, self.tables_.terms, term_key(info.id, i, 0),
          offset_key({0}));
    }
    return code;
  });
  if (!written)
    return std::unexpected{std::move(written).error()};
  std::lock_guard topics{self.topics_mutex_};
  self.topics_.push_back(std::move(topic));
  self.numbers_.emplace(info.name, info.number);
  self.partitions_ += partitions;
  return info;
}

std::optional<topic_info> event_log::find_topic(std::string_view name) const {
  std::shared_lock lock{self_->topics_mutex_};
  auto at = self_->numbers_.find(name);
  if (at == self_->numbers_.end())
    return std::nullopt;
  return self_->topics_[at->second]->info;
}

std::optional<topic_info> event_log::find_topic(std::uint32_t number) const {
  std::shared_lock lock{self_->topics_mutex_};
  if (number >= self_->topics_.size())
    return std::nullopt;
  return self_->topics_[number]->info;
}

std::vector<topic_info> event_log::topics() const {
  std::shared_lock lock{self_->topics_mutex_};
  std::vector<topic_info> result;
  for (auto& topic : self_->topics_)
    result.push_back(topic->info);
  return result;
}

partition_state* event_log::impl::find(partition_id where) const {
  std::shared_lock lock{topics_mutex_};
  if (where.topic >= topics_.size()
    || where.partition >= topics_[where.topic]->info.partitions)
    return nullptr;
  return &topics_[where.topic]->partitions[where.partition];
}

partition_state& event_log::impl::at(partition_id where) const {
  auto* partition = find(where);
  assert(partition && "no such partition");
  return *partition;
}

offset event_log::log_start(partition_id where) const {
  return {self_->at(where).log_start};
}

offset event_log::committed_end(partition_id where) const {
  return {self_->at(where).committed_end};
}

offset event_log::log_end(partition_id where) const {
  return {self_->at(where).log_end};
}

std::int64_t event_log::last_timestamp_ms(partition_id where) const {
  return self_->at(where).last_timestamp_ms;
}

std::uint64_t event_log::term(partition_id where) const {
  return self_->at(where).term;
}

bool event_log::has_partition(partition_id where) const {
  return self_->find(where) != nullptr;
}

// -- reading ------------------------------------------------------------------

std::string event_log::impl::place(partition_id where, offset at) const {
  std::shared_lock lock{topics_mutex_};
  return fmt::format(
    "{}/{}@{}", topics_[where.topic]->info.name, where.partition, at.value);
}

failure event_log::impl::named(
  failure why, partition_id where, offset at) const {
  why.message = fmt::format("{}: {}", place(where, at), why.message);
  return why;
}

template <class Read>
auto event_log::impl::reading(partition_id where, Read&& read) const
  -> std::invoke_result_t<Read&, MDB_txn*> {
  auto reader = env_->read();
  if (!reader)
    return std::unexpected{std::move(reader).error()};
  try {
    return read(reader->transaction());
  } catch (const lmdb_assertion& found) {
    return std::unexpected{named(
      {fault::damaged, fmt::format("a page is damaged ({})", found.what())},
      where, {at(where).log_start})};
  }
}

// Visits the entries from the one that holds `from` up to `end`, checked.
template <class Visit>
result<void> event_log::impl::walk(MDB_txn* transaction,
  const partition_state& partition, offset from, offset end,
  Visit&& visit) const {
  auto damaged = [&](offset at, std::string why) {
    return std::unexpected{
      named({fault::damaged, std::move(why)}, partition.where, at)};
  };
  lmdb_cursor cursor{transaction, partition.table};
  auto code = cursor.seek(offset_key(from));
  if (code == MDB_NOTFOUND)
    code = cursor.move(MDB_LAST);
  else if (!code && offset_of_key(cursor.key()) != from)
    code = cursor.move(MDB_PREV);
  auto expected = std::optional<offset>{};
  for (; !code; code = cursor.move(MDB_NEXT)) {
    auto base = offset_of_key(cursor.key());
    if (!base)
      return damaged(expected.value_or(from), "its key is damaged");
    if (expected && *base != *expected)
      return damaged(*expected,
        fmt::format("the records up to {} are missing", base->value));
    if (*base >= end)
      return {};
    auto entry = read_entry(cursor.value(), *base);
    if (!entry)
      return std::unexpected{
        named(std::move(entry).error(), partition.where, *base)};
    auto next = entry->batch.next_offset();
    if (!expected && (*base > from || next <= from))
      return damaged(from, "no batch holds it");
    if (!visit(*base, *entry) || next >= end)
      return {};
    expected = next;
  }
  if (code == MDB_NOTFOUND)
    return damaged(expected.value_or(from),
      fmt::format("the records up to {} are missing", end.value));
  return std::unexpected{
    named(lmdb_failure("read", folder_.path() / "log", code), partition.where,
      expected.value_or(from))};
}

template <class Visit>
result<void> event_log::impl::walk_committed(
  partition_id where, offset from, Visit&& visit) const {
  auto& partition = at(where);
  // The end first: a transaction that begins after it sees all below it.
  offset end{partition.committed_end};
  if (from > end || from.value < partition.log_start)
    return fail(fault::not_found,
      fmt::format("{} is outside of [{}, {})", place(where, from),
        partition.log_start.load(), end.value));
  if (from == end)
    return {};
  return reading(where, [&](MDB_txn* transaction) {
    return walk(transaction, partition, from, end, visit);
  });
}

result<void> event_log::visit(partition_id where, offset from,
  const std::function<bool(offset base, offset next, bytes_view batch)>& visit)
  const {
  return self_->walk_committed(
    where, from, [&](offset base, const entry_view& entry) {
      return visit(base, entry.batch.next_offset(), entry.batch.data());
    });
}

result<std::vector<stored_batch>> event_log::read(
  partition_id where, offset from, std::size_t bytes_max) const {
  std::vector<stored_batch> found;
  std::size_t sum = 0;
  auto read = self_->walk_committed(
    where, from, [&](offset base, const entry_view& entry) {
      auto size = entry.batch.size_bytes();
      if (!found.empty() && sum + size > bytes_max)
        return false;
      sum += size;
      found.push_back({base, entry.batch.next_offset(), entry.term,
        bytes{entry.batch.data()}});
      return sum < bytes_max;
    });
  if (!read)
    return std::unexpected{std::move(read).error()};
  return found;
}

result<std::optional<offset>> event_log::offset_at_time(
  partition_id where, std::int64_t timestamp_ms) const {
  using answer = result<std::optional<offset>>;
  auto& partition = self_->at(where);
  offset end{partition.committed_end};
  if (end.value == partition.log_start
    || partition.last_timestamp_ms < timestamp_ms)
    return std::nullopt;
  return self_->reading(where, [&](MDB_txn* transaction) -> answer {
    // Record time never decreases, so the batch is found by halving the
    // offsets.
    offset low{partition.log_start};
    auto high = end;
    std::optional<offset> found;
    while (low < high) {
      offset middle{low.value + (high.value - low.value) / 2};
      auto looked = self_->walk(transaction, partition, middle, end,
        [&](offset base, const entry_view& entry) {
          if (entry.batch.max_timestamp_ms() >= timestamp_ms) {
            high = base;
            found = base;
          } else {
            low = entry.batch.next_offset();
          }
          return false;
        });
      if (!looked)
        return std::unexpected{std::move(looked).error()};
    }
    if (!found)
      return std::nullopt;
    auto first = *found;
    result<void> records;
    auto looked = self_->walk(transaction, partition, *found, end,
      [&](offset, const entry_view& entry) {
        records = entry.batch.for_each([&](const record_view& record) {
          first = record.at;
          return record.timestamp_ms < timestamp_ms;
        });
        return false;
      });
    if (!looked)
      return std::unexpected{std::move(looked).error()};
    if (!records)
      return std::unexpected{
        self_->named({fault::damaged, records.error().message}, where, *found)};
    return first;
  });
}

// -- writing ------------------------------------------------------------------

result<void> event_log::append(std::span<append_item> items, bool visible) {
  auto& self = *self_;
  std::vector<partition_commit> news;
  {
    std::lock_guard lock{self.write_mutex_};
    if (auto fine = self.check_items(items); !fine)
      return fine;
    auto written = self.env_->write([&](MDB_txn* transaction) {
      return self.append_all(transaction, items, visible);
    });
    if (!written)
      return std::unexpected{std::move(written).error()};
    news = self.publish_touched();
  }
  if (!visible)
    return {};
  self.tell(news);
  return {};
}

result<void> event_log::impl::check_items(std::span<append_item> items) {
  places_.clear();
  for (auto& item : items) {
    auto* partition = find(item.where);
    if (!partition)
      return fail(fault::not_found,
        fmt::format("topic number {} has no partition {}", item.where.topic,
          item.where.partition));
    auto batch = batch_view::parse_unchecked(item.batch);
    if (!batch)
      return std::unexpected{std::move(batch).error()};
    if (std::int64_t{batch->record_count()}
      != std::int64_t{batch->last_offset_delta()} + 1)
      return fail(fault::invalid_input,
        fmt::format("a batch has {} records for {} offsets",
          batch->record_count(), std::int64_t{batch->last_offset_delta()} + 1));
    places_.push_back(partition);
  }
  return {};
}

int event_log::impl::append_all(
  MDB_txn* transaction, std::span<append_item> items, bool visible) {
  for (auto* partition : touched_)
    partition->touched = false;
  touched_.clear();
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto& partition = *places_[i];
    if (!partition.touched) {
      partition.touched = true;
      partition.next = partition.now;
      touched_.push_back(&partition);
    }
    if (auto code = append_one(transaction, items[i], partition, visible))
      return code;
  }
  for (auto* partition : touched_)
    if (auto code = put_numbers(transaction, *partition, partition->next))
      return code;
  return 0;
}

int event_log::impl::append_one(MDB_txn* transaction, append_item& item,
  partition_state& partition, bool visible) {
  auto& next = partition.next;
  item.first = next.log_end;
  set_base_offset(item.batch, item.first);
  set_leader_epoch(
    item.batch, static_cast<std::int32_t>(next.term & 0x7fffffff));
  auto batch = batch_view::parse_unchecked(item.batch);
  assert(batch);
  if (first_timestamp_ms(*batch) < next.last_timestamp_ms
    || batch->max_timestamp_ms() < batch->base_timestamp_ms())
    set_log_append_time(
      item.batch, std::max(next.last_timestamp_ms, batch->max_timestamp_ms()));
  item.next = batch->next_offset();

  auto key_bytes = offset_key(item.first);
  auto key = to_value(key_bytes);
  MDB_val value{entry_header_bytes + item.batch.size(), nullptr};
  if (auto code = mdb_put(
        transaction, partition.table, &key, &value, MDB_APPEND | MDB_RESERVE))
    return code;
  next.head = write_entry(
    static_cast<char*>(value.mv_data), next.term, item.batch, next.head);
  if (next.term > next.last_term) {
    if (auto code = put_term(transaction, partition, next.term, item.first))
      return code;
    next.last_term = next.term;
  }
  next.log_end = item.next;
  next.last_timestamp_ms
    = std::max(next.last_timestamp_ms, batch->max_timestamp_ms());
  if (visible)
    next.committed_end = next.log_end;
  return 0;
}

int event_log::impl::put_numbers(MDB_txn* transaction,
  const partition_state& partition, const partition_numbers& numbers) const {
  return put(transaction, tables_.partitions,
    partition_key(topic_id(partition), partition.where.partition),
    encode_numbers(numbers));
}

int event_log::impl::put_term(MDB_txn* transaction,
  const partition_state& partition, std::uint64_t term, offset first) const {
  return put(transaction, tables_.terms,
    term_key(topic_id(partition), partition.where.partition, term),
    offset_key(first));
}

std::vector<partition_commit> event_log::impl::publish_touched() {
  std::vector<partition_commit> news;
  news.reserve(touched_.size());
  for (auto* partition : touched_) {
    partition->publish(partition->next);
    partition->touched = false;
    news.push_back({partition->where, partition->now.committed_end});
  }
  touched_.clear();
  return news;
}

result<void> event_log::advance_committed_end(partition_id where, offset end) {
  auto& self = *self_;
  auto& partition = self.at(where);
  {
    std::lock_guard lock{self.write_mutex_};
    auto numbers = partition.now;
    if (end < numbers.committed_end || end > numbers.log_end)
      return fail(fault::conflict,
        fmt::format("{} cannot become the committed end, which is {} of {}",
          self.place(where, end), numbers.committed_end.value,
          numbers.log_end.value));
    numbers.committed_end = end;
    auto written = self.env_->write([&](MDB_txn* transaction) {
      return self.put_numbers(transaction, partition, numbers);
    });
    if (!written)
      return std::unexpected{std::move(written).error()};
    partition.publish(numbers);
  }
  partition_commit news{where, end};
  self.tell({&news, 1});
  return {};
}

result<void> event_log::cut_off(partition_id where, offset from) {
  auto& self = *self_;
  auto& partition = self.at(where);
  std::lock_guard lock{self.write_mutex_};
  auto numbers = partition.now;
  if (from < numbers.committed_end || from > numbers.log_end)
    return fail(fault::conflict,
      fmt::format("{} cannot become the log end, which is {}, committed {}",
        self.place(where, from), numbers.log_end.value,
        numbers.committed_end.value));
  failure refused;
  auto written = self.env_->write(
    [&](MDB_txn* transaction) {
      numbers = partition.now;
      return self.cut(transaction, partition, from, numbers, refused);
    },
    true);
  if (!written)
    return std::unexpected{std::move(written).error()};
  if (!*written)
    return std::unexpected{std::move(refused)};
  partition.publish(numbers);
  return {};
}

// Deletes the entries from `from` on and recomputes what they had changed.
int event_log::impl::cut(MDB_txn* transaction, const partition_state& partition,
  offset from, partition_numbers& numbers, failure& refused) const {
  lmdb_cursor cursor{transaction, partition.table};
  auto code = cursor.move(MDB_LAST);
  while (!code && offset_of_key(cursor.key()) >= from) {
    code = cursor.remove();
    if (!code)
      code = cursor.move(MDB_LAST);
  }
  numbers.log_end = numbers.log_start;
  numbers.head = numbers.anchor;
  numbers.last_timestamp_ms = 0;
  if (!code) {
    auto base = offset_of_key(cursor.key());
    auto entry = read_entry(cursor.value(), *base);
    if (!entry) {
      refused = named(std::move(entry).error(), partition.where, *base);
      return log_environment::abandon;
    }
    numbers.log_end = entry->batch.next_offset();
    numbers.head = entry->chain;
    numbers.last_timestamp_ms = entry->batch.max_timestamp_ms();
  } else if (code != MDB_NOTFOUND) {
    return code;
  }
  if (numbers.log_end != from) {
    refused
      = named({fault::conflict, "no batch starts here"}, partition.where, from);
    return log_environment::abandon;
  }
  auto& id = topic_id(partition);
  auto prefix = partition_key(id, partition.where.partition);
  lmdb_cursor terms{transaction, tables_.terms};
  numbers.last_term = 0;
  code = terms.seek(term_key(id, partition.where.partition, 1));
  while (!code && terms.key().starts_with(prefix)) {
    auto term
      = load_big_endian<std::uint64_t>(terms.key().data() + prefix.size());
    if (offset_of_key(terms.value()) >= from)
      code = terms.remove();
    else
      numbers.last_term = term;
    if (!code)
      code = terms.seek(term_key(id, partition.where.partition, term + 1));
  }
  if (code && code != MDB_NOTFOUND)
    return code;
  return put_numbers(transaction, partition, numbers);
}

result<void> event_log::start_term(partition_id where, std::uint64_t term) {
  auto& self = *self_;
  auto& partition = self.at(where);
  std::lock_guard lock{self.write_mutex_};
  auto numbers = partition.now;
  if (term < numbers.term)
    return fail(fault::conflict,
      fmt::format("{} is in term {}, {} is over",
        self.place(where, numbers.log_end), numbers.term, term));
  numbers.term = term;
  auto written = self.env_->write([&](MDB_txn* transaction) {
    return self.put_numbers(transaction, partition, numbers);
  });
  if (!written)
    return std::unexpected{std::move(written).error()};
  partition.publish(numbers);
  return {};
}

result<std::vector<std::pair<std::uint64_t, offset>>> event_log::terms(
  partition_id where) const {
  using found_terms = std::vector<std::pair<std::uint64_t, offset>>;
  auto& partition = self_->at(where);
  auto id = find_topic(where.topic)->id;
  return self_->reading(
    where, [&](MDB_txn* transaction) -> result<found_terms> {
      found_terms found;
      auto prefix = partition_key(id, partition.where.partition);
      lmdb_cursor cursor{transaction, self_->tables_.terms};
      auto code = cursor.seek(prefix);
      for (; !code && cursor.key().starts_with(prefix);
        code = cursor.move(MDB_NEXT)) {
        auto first = offset_of_key(cursor.value());
        if (cursor.key().size() != prefix.size() + 8 || !first)
          return fail(fault::damaged, "the table of terms is damaged");
        found.emplace_back(
          load_big_endian<std::uint64_t>(cursor.key().data() + prefix.size()),
          *first);
      }
      if (code && code != MDB_NOTFOUND)
        return std::unexpected{
          lmdb_failure("read", data_folder() / "log", code)};
      return found;
    });
}

void event_log::on_commit(commit_listener listener) {
  std::lock_guard lock{self_->listeners_mutex_};
  auto more = std::make_shared<impl::listener_list>(*self_->listeners_);
  more->push_back(std::move(listener));
  self_->listeners_ = std::move(more);
}

void event_log::impl::tell(std::span<const partition_commit> news) const {
  std::unique_lock lock{listeners_mutex_};
  auto listeners = listeners_;
  lock.unlock();
  for (auto& listener : *listeners)
    listener(news);
}

// -- schemas ------------------------------------------------------------------

result<std::int32_t> event_log::register_schema(
  std::string_view subject, std::string_view text) {
  auto& self = *self_;
  if (subject.empty() || subject.size() > subject_bytes_max
    || text.size() > schema_bytes_max)
    return fail(fault::too_large,
      fmt::format("a subject has 1 to {} bytes, a schema at most {}",
        subject_bytes_max, schema_bytes_max));
  std::lock_guard one_at_a_time{self.registration_mutex_};
  std::optional<schema_info> schema;
  {
    std::shared_lock lock{self.registry_mutex_};
    schema = self.registry_.propose(subject, text);
    if (!schema)
      return *self.registry_.find(text);
  }
  auto record = schema_registry::encode(*schema);
  if (!record)
    return std::unexpected{std::move(record).error()};
  auto now = self.settings_.now_ms();
  batch_builder batch{now};
  batch.add(record->key, record->value, now);
  append_item item{
    .where = {find_topic(schemas_topic)->number, 0}, .batch = batch.finish()};
  if (auto written = append({&item, 1}); !written)
    return std::unexpected{std::move(written).error()};
  std::lock_guard lock{self.registry_mutex_};
  [[maybe_unused]] auto learned
    = self.registry_.apply(record->key, record->value);
  assert(learned);
  return schema->id;
}

std::optional<std::string> event_log::schema(std::int32_t id) const {
  std::shared_lock lock{self_->registry_mutex_};
  if (auto* text = self_->registry_.text(id))
    return *text;
  return std::nullopt;
}

std::vector<schema_info> event_log::schemas(std::string_view subject) const {
  std::shared_lock lock{self_->registry_mutex_};
  return self_->registry_.versions(subject);
}

} // namespace herald
