#include "engine/log/log_environment.hpp"

#include "engine/log/held_folder.hpp"
#include "engine/log/log_tables.hpp"
#include "engine/log/page_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace herald {

namespace {

using growth = written_ahead_file::growth;

constexpr std::size_t step_bytes_min = 256u << 10;

} // namespace

failure lmdb_failure(
  const char* what, const std::filesystem::path& path, int code) {
  switch (code) {
  case MDB_MAP_FULL:
  case ENOSPC:
  case EDQUOT:
    return {fault::storage_full,
      fmt::format("cannot {} {}: there is no room", what, path.string())};
  case MDB_READERS_FULL:
    return {fault::busy,
      fmt::format("cannot {} {}: too many read it", what, path.string())};
  case MDB_CORRUPTED:
  case MDB_PAGE_NOTFOUND:
    return {fault::damaged,
      fmt::format("cannot {} {}: a page is damaged", what, path.string())};
  case MDB_INVALID:
  case MDB_VERSION_MISMATCH:
    return {fault::version,
      fmt::format(
        "cannot {} {}: not an LMDB file of this version", what, path.string())};
  default:
    return {fault::io,
      fmt::format("cannot {} {}: {}", what, path.string(), mdb_strerror(code))};
  }
}

int open_table(MDB_txn* transaction, log_table& table, unsigned flags) {
  MDB_dbi handle = 0;
  auto code = mdb_dbi_open(transaction, table.name.c_str(), flags, &handle);
  if (!code)
    table.handle = handle;
  return code;
}

MDB_dbi table_in(MDB_txn* transaction, const log_table& table) {
  auto* spare = static_cast<const spare_environment*>(
    mdb_env_get_userctx(mdb_txn_env(transaction)));
  return spare ? spare->table(table.name) : table.handle.load();
}

// -- opening ------------------------------------------------------------------

log_environment::log_environment(
  std::filesystem::path folder, const log_settings& settings)
  : folder_{std::move(folder)}, settings_{settings} {
  settings_.step_bytes = std::max(settings_.step_bytes, step_bytes_min);
  settings_.initial_bytes = std::max(settings_.initial_bytes, step_bytes_min);
}

log_environment::~log_environment() {
  for (auto* transaction : idle_readers_)
    mdb_txn_abort(transaction);
  if (env_)
    mdb_env_close(env_);
}

result<std::unique_ptr<log_environment>> log_environment::open(
  const std::filesystem::path& folder, const log_settings& settings) {
  std::unique_ptr<log_environment> self{new log_environment{folder, settings}};
  if (auto fine = check_data_file(folder / "data.mdb"); !fine)
    return std::unexpected{std::move(fine).error()};
  if (auto ahead = self->open_written_ahead(); !ahead)
    return std::unexpected{std::move(ahead).error()};
  try {
    if (auto opened = self->open_environment(); !opened)
      return std::unexpected{std::move(opened).error()};
  } catch (const lmdb_assertion& found) {
    return fail(fault::damaged,
      fmt::format("cannot open {}: {}", folder.string(), found.what()));
  }
  self->stay_ahead();
  return self;
}

result<void> log_environment::open_written_ahead() {
  auto file = written_ahead_file::open(
    folder_ / "data.mdb", {.reserve_bytes = settings_.reserve_bytes});
  if (!file)
    return std::unexpected{std::move(file).error()};
  file_ = std::move(*file);
  while (file_->size() < settings_.initial_bytes) {
    file_->want(settings_.initial_bytes);
    if (!file_->wait_beyond(file_->size()))
      break; // a full disk still lets us read
  }
  if (auto failed = file_->failed())
    return std::unexpected{std::move(*failed)};
  return {};
}

result<void> log_environment::open_environment() {
  auto tried = [&](int code) { return lmdb_failure("open", folder_, code); };
  if (auto code = mdb_env_create(&env_))
    return std::unexpected{tried(code)};
  mdb_env_set_assert(
    env_, [](MDB_env*, const char* message) { throw lmdb_assertion{message}; });
  map_bytes_ = file_->size();
  for (auto code :
    {mdb_env_set_maxdbs(env_, settings_.partitions_max + fixed_tables),
      mdb_env_set_maxreaders(env_, settings_.readers_max),
      mdb_env_set_mapsize(env_, map_bytes_)})
    if (code)
      return std::unexpected{tried(code)};
  if (auto code = mdb_env_open(env_, folder_.c_str(), MDB_NOTLS, 0644))
    return std::unexpected{tried(code)};
  int dead = 0;
  mdb_reader_check(env_, &dead);
  MDB_envinfo info{};
  mdb_env_info(env_, &info);
  map_bytes_ = info.me_mapsize;
  MDB_stat stat{};
  mdb_env_stat(env_, &stat);
  used_bytes_ = (info.me_last_pgno + 1) * std::uint64_t{stat.ms_psize};
  growth_from_ = used_bytes_;
  growth_since_ = std::chrono::steady_clock::now();
  return {};
}

// -- reading ------------------------------------------------------------------

log_environment::reader::reader(const log_environment& owner,
  MDB_txn* transaction, std::shared_lock<std::shared_mutex> map)
  : owner_{&owner}, transaction_{transaction}, map_{std::move(map)} {}

log_environment::reader::reader(reader&& other) noexcept
  : owner_{other.owner_},
    transaction_{std::exchange(other.transaction_, nullptr)},
    map_{std::move(other.map_)} {}

log_environment::reader::~reader() {
  if (transaction_)
    owner_->give_back(transaction_);
}

result<log_environment::reader> log_environment::read() const {
  std::unique_lock gate{gate_};
  std::shared_lock map{map_};
  gate.unlock();
  if (map_lost_)
    return std::unexpected{*failed()};
  auto transaction = begin_reading();
  if (!transaction)
    return std::unexpected{std::move(transaction).error()};
  return reader{*this, *transaction, std::move(map)};
}

result<MDB_txn*> log_environment::begin_reading() const {
  MDB_txn* transaction = nullptr;
  {
    std::lock_guard lock{idle_mutex_};
    if (!idle_readers_.empty()) {
      transaction = idle_readers_.back();
      idle_readers_.pop_back();
    }
  }
  auto code = transaction
    ? mdb_txn_renew(transaction)
    : mdb_txn_begin(env_, nullptr, MDB_RDONLY, &transaction);
  if (code == 0)
    return transaction;
  if (transaction)
    mdb_txn_abort(transaction);
  if (code == MDB_PANIC)
    return begin_spare_reading();
  return std::unexpected{lmdb_failure("read", folder_, code)};
}

result<MDB_txn*> log_environment::begin_spare_reading() const {
  std::lock_guard lock{spare_mutex_};
  if (!spare_) {
    auto opened = spare_environment::open(folder_, map_bytes_);
    if (!opened)
      return std::unexpected{std::move(opened).error()};
    spare_ = std::move(*opened);
  }
  MDB_txn* transaction = nullptr;
  auto code
    = mdb_txn_begin(spare_->handle(), nullptr, MDB_RDONLY, &transaction);
  if (code)
    return std::unexpected{lmdb_failure("read", folder_, code)};
  return transaction;
}

void log_environment::give_back(MDB_txn* transaction) const {
  if (mdb_txn_env(transaction) != env_)
    return mdb_txn_abort(transaction);
  mdb_txn_reset(transaction);
  std::lock_guard lock{idle_mutex_};
  idle_readers_.push_back(transaction);
}

result<void> log_environment::open(log_table& table) const {
  if (table.handle != 0)
    return {};
  std::lock_guard opening{opening_};
  if (table.handle != 0)
    return {};
  std::unique_lock gate{gate_};
  std::shared_lock map{map_};
  gate.unlock();
  if (map_lost_)
    return std::unexpected{*failed()};
  MDB_txn* transaction = nullptr;
  auto code = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &transaction);
  // The environment that is read instead has all of them open.
  if (code == MDB_PANIC)
    return {};
  MDB_dbi handle = 0;
  try {
    if (!code)
      code = mdb_dbi_open(transaction, table.name.c_str(), 0, &handle);
  } catch (const lmdb_assertion&) {
    code = MDB_CORRUPTED;
  }
  if (!code)
    code = mdb_txn_commit(transaction);
  else if (transaction)
    mdb_txn_abort(transaction);
  if (code == MDB_NOTFOUND)
    return fail(fault::damaged,
      fmt::format("{} has no table {}", folder_.string(), table.name));
  if (code)
    return std::unexpected{lmdb_failure("read", folder_, code)};
  table.handle = handle;
  return {};
}

// -- writing ------------------------------------------------------------------

result<bool> log_environment::write(
  const std::function<int(MDB_txn*)>& body, bool use_reserve) {
  return write(body, use_reserve, false);
}

result<bool> log_environment::write_tables(
  const std::function<int(MDB_txn*)>& body, bool use_reserve) {
  std::lock_guard opening{opening_};
  return write(body, use_reserve, false);
}

result<bool> log_environment::write_alone(
  const std::function<int(MDB_txn*)>& body) {
  std::lock_guard opening{opening_};
  return write(body, true, true);
}

result<bool> log_environment::write(
  const std::function<int(MDB_txn*)>& body, bool use_reserve, bool alone) {
  try {
    for (;;) {
      if (auto failed = this->failed())
        return std::unexpected{std::move(*failed)};
      if (used_bytes_ + settings_.step_bytes / 4 > map_bytes_)
        adopt_file_size();
      std::unique_lock gate{gate_, std::defer_lock};
      std::unique_lock map{map_, std::defer_lock};
      if (alone) {
        gate.lock();
        map.lock();
      }
      MDB_txn* transaction = nullptr;
      auto code = mdb_txn_begin(env_, nullptr, 0, &transaction);
      if (code == 0) {
        code = body(transaction);
        if (code == abandon) {
          mdb_txn_abort(transaction);
          return false;
        }
        if (code == 0)
          code = mdb_txn_commit(transaction);
        else
          mdb_txn_abort(transaction);
      }
      if (alone) {
        map.unlock();
        gate.unlock();
      }
      if (code == 0) {
        stay_ahead();
        return true;
      }
      // The map is found full before anything is written to the file: while
      // pages are collected, or at the start of the commit.
      if (code != MDB_MAP_FULL) {
        fail_stop({fault::io,
          fmt::format("the log takes no more writes until it is opened again: "
                      "{}",
            lmdb_failure("write", folder_, code).message)});
        continue;
      }
      if (!grow(use_reserve) && !failed())
        return fail(fault::storage_full,
          fmt::format("the disk below {} is full up to the reserve of {} bytes",
            folder_.string(), settings_.reserve_bytes));
    }
  } catch (const lmdb_assertion& found) {
    // The transaction stays open: to abort it would walk the same pages.
    fail_stop({fault::io,
      fmt::format("the log takes no more writes: {} has a damaged page ({})",
        folder_.string(), found.what())});
    return std::unexpected{*failed()};
  }
}

bool log_environment::adopt_file_size() {
  auto size = file_->size();
  if (size <= map_bytes_)
    return false;
  std::lock_guard gate{gate_};
  std::lock_guard map{map_};
  if (auto code = mdb_env_set_mapsize(env_, size)) {
    map_lost_ = true;
    fail_stop(lmdb_failure("map", folder_, code));
    return false;
  }
  map_bytes_ = size;
  return true;
}

bool log_environment::grow(bool use_reserve) {
  if (adopt_file_size())
    return true;
  file_->want(map_bytes_ + settings_.step_bytes,
    use_reserve ? growth::from_reserve : growth::at_once);
  file_->wait_beyond(map_bytes_);
  if (auto broken = file_->failed())
    fail_stop(*broken);
  return adopt_file_size();
}

void log_environment::stay_ahead() {
  MDB_envinfo info{};
  mdb_env_info(env_, &info);
  MDB_stat stat{};
  mdb_env_stat(env_, &stat);
  used_bytes_ = (info.me_last_pgno + 1) * std::uint64_t{stat.ms_psize};
  if (auto broken = file_->failed())
    fail_stop(*broken);
  if (used_bytes_ + settings_.step_bytes / 2 > file_->size())
    file_->want(used_bytes_ + settings_.step_bytes,
      grows_fast() ? growth::at_once : growth::ahead);
}

// More than a step in a second: too fast for zeros.
bool log_environment::grows_fast() {
  using seconds = std::chrono::duration<double>;
  auto now = std::chrono::steady_clock::now();
  auto took = seconds{now - growth_since_}.count();
  auto grown = used_bytes_ - growth_from_;
  if (grown < settings_.step_bytes / 4 && took < 1)
    return growth_is_fast_;
  growth_is_fast_ = static_cast<double>(grown)
    > took * static_cast<double>(settings_.step_bytes);
  growth_from_ = used_bytes_;
  growth_since_ = now;
  return growth_is_fast_;
}

log_usage log_environment::usage() const {
  return {.file_bytes = file_->size(),
    .map_bytes = map_bytes_,
    .used_bytes = used_bytes_,
    .disk_full = file_->disk_full()};
}

std::optional<failure> log_environment::failed() const {
  if (!has_failed_)
    return std::nullopt;
  std::lock_guard lock{failed_mutex_};
  return failed_;
}

void log_environment::fail_stop(failure why) {
  std::lock_guard lock{failed_mutex_};
  if (!failed_)
    failed_ = std::move(why);
  has_failed_ = true;
}

} // namespace herald
