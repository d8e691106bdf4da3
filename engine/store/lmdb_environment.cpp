#include "engine/store/lmdb_environment.hpp"

#include "engine/base/logging.hpp"
#include "engine/log/page_file.hpp"
#include "engine/log/spare_environment.hpp"

#include <fmt/format.h>
#include <lmdb.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

namespace herald {
namespace {

/// Written once an environment is complete. With it an empty data file is a
/// loss, without it a start that was cut short.
constexpr std::string_view marker_name = "made";

fault fault_of(int code) {
  switch (code) {
  case MDB_MAP_FULL:
  case ENOSPC:
  case EDQUOT:
    return fault::storage_full;
  case MDB_CORRUPTED:
  case MDB_PAGE_NOTFOUND:
  case MDB_INVALID:
  case MDB_PANIC:
    return fault::damaged;
  case MDB_VERSION_MISMATCH:
    return fault::version;
  case MDB_READERS_FULL:
    return fault::busy;
  case MDB_TXN_FULL:
  case MDB_DBS_FULL:
  case MDB_BAD_VALSIZE:
    return fault::too_large;
  default:
    return fault::io;
  }
}

MDB_val value_of(bytes_view view) {
  return {view.size(), const_cast<char*>(view.data())};
}

bytes_view view_of(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

/// Ends a transaction that was not committed.
struct transaction_guard {
  MDB_txn* transaction = nullptr;
  transaction_guard() = default;
  transaction_guard(const transaction_guard&) = delete;
  transaction_guard& operator=(const transaction_guard&) = delete;
  ~transaction_guard() {
    if (transaction)
      mdb_txn_abort(transaction);
  }
};

struct cursor_guard {
  MDB_cursor* cursor = nullptr;
  cursor_guard() = default;
  cursor_guard(const cursor_guard&) = delete;
  cursor_guard& operator=(const cursor_guard&) = delete;
  ~cursor_guard() {
    if (cursor)
      mdb_cursor_close(cursor);
  }
};

std::unexpected<failure> system_failure(
  const std::filesystem::path& path, std::string_view what) {
  int code = errno;
  return fail(fault_of(code),
    fmt::format("cannot {} {}: {}", what, path.native(), std::strerror(code)));
}

result<void> sync_folder(const std::filesystem::path& folder) {
  int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0)
    return system_failure(folder, "open");
  int code = ::fsync(handle);
  if (code != 0) {
    auto failed = system_failure(folder, "sync");
    ::close(handle);
    return failed;
  }
  ::close(handle);
  return {};
}

/// Makes the folder with its parents, each durable in the one above.
result<void> make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error))
    return {};
  auto parent = std::filesystem::absolute(folder).parent_path();
  if (auto made = make_folder(parent); !made)
    return made;
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return system_failure(folder, "make the folder");
  return sync_folder(parent);
}

/// Makes the data file where it is missing: in a folder beside its place, from
/// where it moves when it is complete and durable, so that a power cut in
/// between leaves nothing half made. The caller has the folder locked.
result<void> make_data_file(
  const std::filesystem::path& folder, const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::exists(folder / marker_name, error))
    return fail(fault::damaged,
      fmt::format("{} is missing; restore it from a copy", path.native()));
  auto fresh = folder / "new";
  std::filesystem::remove_all(fresh, error);
  if (auto made = make_folder(fresh); !made)
    return made;
  MDB_env* environment = nullptr;
  int code = mdb_env_create(&environment);
  if (code == MDB_SUCCESS)
    code = mdb_env_open(environment, fresh.c_str(), 0, 0600);
  if (code == MDB_SUCCESS)
    code = mdb_env_sync(environment, 1);
  mdb_env_close(environment);
  if (code != MDB_SUCCESS)
    return fail(fault_of(code),
      fmt::format("cannot make {}: {}", fresh.native(), mdb_strerror(code)));
  if (::rename((fresh / "data.mdb").c_str(), path.c_str()) != 0)
    return system_failure(path, "make");
  std::filesystem::remove_all(fresh, error);
  return sync_folder(folder);
}

void report_assertion(MDB_env* environment, const char* message) {
  auto* self = static_cast<lmdb_environment*>(mdb_env_get_userctx(environment));
  log_error("store",
    "LMDB found its file damaged and ends the process; restore the folder from "
    "a copy, or delete it if it holds views",
    {{"store", self->name()}, {"folder", self->directory().native()},
      {"assertion", message}});
}

} // namespace

key_range key_range::with_prefix(bytes_view prefix) {
  key_range range{bytes{prefix}, bytes{prefix}};
  // The first key beyond the prefix: its last byte that can grow, grown.
  while (!range.until->empty() && range.until->back() == '\xff')
    range.until->pop_back();
  if (range.until->empty())
    range.until.reset();
  else
    range.until->back()
      = static_cast<char>(static_cast<unsigned char>(range.until->back()) + 1);
  return range;
}

// -- lmdb_transaction ---------------------------------------------------------

void lmdb_transaction::fail_with(failure reason) {
  if (!failed_)
    failed_ = std::move(reason);
}

void lmdb_transaction::check(int code, std::string_view what) {
  if (code == MDB_SUCCESS)
    return;
  map_full_ = map_full_ || code == MDB_MAP_FULL;
  fail_with(
    {fault_of(code), fmt::format("cannot {}: {}", what, mdb_strerror(code))});
}

unsigned lmdb_transaction::handle_of(lmdb_table table) const {
  if (!spare_handles_)
    return table.handle;
  auto known = spare_handles_->find(table.handle);
  return known == spare_handles_->end() ? spare_environment::no_table
                                        : known->second;
}

std::optional<bytes_view> lmdb_transaction::get(
  lmdb_table table, bytes_view key) {
  if (failed_ || key.empty() || key.size() > store_key_bytes_max)
    return std::nullopt;
  auto name = value_of(key);
  MDB_val found{};
  int code = mdb_get(transaction_, handle_of(table), &name, &found);
  if (code == MDB_NOTFOUND)
    return std::nullopt;
  check(code, "read a row");
  if (failed_)
    return std::nullopt;
  return view_of(found);
}

void lmdb_transaction::put(lmdb_table table, bytes_view key, bytes_view value) {
  if (failed_)
    return;
  if (key.empty() || key.size() > store_key_bytes_max)
    return fail_with({fault::too_large,
      fmt::format("a key of {} bytes: it must have 1 to {}", key.size(),
        store_key_bytes_max)});
  if (value.size() > store_value_bytes_max)
    return fail_with({fault::too_large,
      fmt::format("a value of {} bytes: at most {} are possible", value.size(),
        store_value_bytes_max)});
  auto name = value_of(key);
  auto data = value_of(value);
  check(mdb_put(transaction_, table.handle, &name, &data, 0), "write a row");
}

bool lmdb_transaction::erase(lmdb_table table, bytes_view key) {
  if (failed_ || key.empty() || key.size() > store_key_bytes_max)
    return false;
  auto name = value_of(key);
  int code = mdb_del(transaction_, table.handle, &name, nullptr);
  if (code == MDB_NOTFOUND)
    return false;
  check(code, "remove a row");
  return !failed_;
}

void lmdb_transaction::clear(lmdb_table table) {
  if (!failed_)
    check(mdb_drop(transaction_, table.handle, 0), "clear a table");
}

std::uint64_t lmdb_transaction::count(lmdb_table table) {
  if (failed_)
    return 0;
  MDB_stat stat{};
  check(mdb_stat(transaction_, handle_of(table), &stat), "count rows");
  return failed_ ? 0 : stat.ms_entries;
}

std::size_t lmdb_transaction::scan(lmdb_table table, const key_range& range,
  scan_order order, std::size_t limit, const scan_visitor& visit) {
  if (failed_ || limit == 0)
    return 0;
  cursor_guard guard;
  check(mdb_cursor_open(transaction_, handle_of(table), &guard.cursor),
    "open a cursor");
  if (failed_)
    return 0;
  MDB_val key{};
  MDB_val value{};
  auto move = [&](MDB_cursor_op step) {
    int code = mdb_cursor_get(guard.cursor, &key, &value, step);
    if (code != MDB_NOTFOUND)
      check(code, "read rows");
    return code == MDB_SUCCESS;
  };
  auto seek = [&](bytes_view to) {
    key = value_of(to);
    return move(MDB_SET_RANGE);
  };
  bool forward = order == scan_order::forward;
  bool found = false;
  if (forward)
    found = range.from.empty() ? move(MDB_FIRST) : seek(range.from);
  else if (!range.until)
    found = move(MDB_LAST);
  else if (range.until->empty())
    return 0;
  else
    found = seek(*range.until) ? move(MDB_PREV) : move(MDB_LAST);
  std::size_t visited = 0;
  while (found && !failed_ && visited < limit) {
    auto at = view_of(key);
    bool inside
      = forward ? !range.until || at < *range.until : at >= range.from;
    if (!inside)
      break;
    ++visited;
    if (!visit(at, view_of(value)))
      break;
    found = move(forward ? MDB_NEXT : MDB_PREV);
  }
  return visited;
}

// -- lmdb_environment ---------------------------------------------------------

/// Lets reads in, any number at a time, and shuts them out while the map moves.
class lmdb_environment::read_gate {
public:
  void enter() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return !closed_; });
    ++inside_;
  }
  void leave() {
    std::lock_guard lock{mutex_};
    if (--inside_ == 0 && closed_)
      changed_.notify_all();
  }
  /// New reads wait; returns when none is under way.
  void close() {
    std::unique_lock lock{mutex_};
    closed_ = true;
    changed_.wait(lock, [this] { return inside_ == 0; });
  }
  void open() {
    std::lock_guard lock{mutex_};
    closed_ = false;
    changed_.notify_all();
  }
  std::uint64_t inside() {
    std::lock_guard lock{mutex_};
    return inside_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t inside_ = 0;
  bool closed_ = false;
};

class lmdb_environment::read_visit {
public:
  explicit read_visit(read_gate& gate) : gate_{gate} { gate_.enter(); }
  ~read_visit() { gate_.leave(); }
  read_visit(const read_visit&) = delete;
  read_visit& operator=(const read_visit&) = delete;

private:
  read_gate& gate_;
};

lmdb_environment::lmdb_environment(const lmdb_settings& settings)
  : settings_{settings}, gate_{std::make_unique<read_gate>()} {}

lmdb_environment::~lmdb_environment() {
  assert(gate_->inside() == 0);
  if (environment_)
    mdb_env_close(environment_);
  if (file_ >= 0)
    ::close(file_);
}

result<std::unique_ptr<lmdb_environment>> lmdb_environment::open(
  const lmdb_settings& settings) {
  std::unique_ptr<lmdb_environment> self{new lmdb_environment{settings}};
  if (auto done = self->lock_and_check(); !done)
    return std::unexpected{done.error()};
  if (auto done = self->open_environment(); !done)
    return std::unexpected{done.error()};
  return self;
}

result<void> lmdb_environment::make_missing_file() {
  const auto& folder = settings_.directory;
  auto path = folder / "data.mdb";
  int lock = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0 || ::flock(lock, LOCK_EX) != 0) {
    auto failed = system_failure(folder, "lock");
    ::close(lock);
    return failed;
  }
  std::error_code error;
  auto made = std::filesystem::exists(path, error)
    ? result<void>{}
    : make_data_file(folder, path);
  ::close(lock);
  return made;
}

result<void> lmdb_environment::lock_and_check() {
  const auto& folder = settings_.directory;
  auto path = folder / "data.mdb";
  if (settings_.read_only) {
    file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file_ < 0 && errno == ENOENT)
      return fail(fault::not_found,
        fmt::format("there is no store {} in {}", name(), folder.native()));
  } else {
    if (auto made = make_folder(folder); !made)
      return made;
    if (::chmod(folder.c_str(), 0700) != 0)
      return system_failure(folder, "protect");
    if (auto made = make_missing_file(); !made)
      return made;
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  }
  if (file_ < 0)
    return system_failure(path, "open");
  if (!settings_.read_only && ::fchmod(file_, 0600) != 0)
    return system_failure(path, "protect");
  // An flock on a handle of its own: it keeps out other processes and a second
  // opening in this one, and LMDB's own locks are on another file.
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return system_failure(path, "lock");
    return fail(fault::in_use,
      fmt::format("{} is open already, perhaps in another node; stop that one",
        path.native()));
  }
  struct stat status{};
  if (::fstat(file_, &status) != 0)
    return system_failure(path, "look at");
  if (status.st_size > 0)
    return check_data_file(path);
  std::error_code error;
  if (settings_.read_only
    || std::filesystem::exists(folder / marker_name, error))
    return fail(fault::damaged,
      fmt::format(
        "{} is empty and was not; restore it from a copy", path.native()));
  return {};
}

result<void> lmdb_environment::open_environment() {
  auto check = [this](int code, std::string_view what) -> result<void> {
    if (code == MDB_SUCCESS)
      return {};
    return fail(fault_of(code),
      fmt::format("cannot {} the store {} in {}: {}", what, name(),
        settings_.directory.native(), mdb_strerror(code)));
  };
  if (auto done = check(mdb_env_create(&environment_), "prepare"); !done)
    return done;
  mdb_env_set_userctx(environment_, this);
  mdb_env_set_assert(environment_, report_assertion);
  for (int code : {mdb_env_set_mapsize(environment_, settings_.map_bytes),
         mdb_env_set_maxreaders(environment_, settings_.readers_max),
         mdb_env_set_maxdbs(environment_, settings_.tables_max)})
    if (auto done = check(code, "configure"); !done)
      return done;
  unsigned flags = MDB_NOTLS;
  if (settings_.read_only)
    flags |= MDB_RDONLY | MDB_NOLOCK;
  if (auto done = check(
        mdb_env_open(environment_, settings_.directory.c_str(), flags, 0600),
        "open");
    !done)
    return done;
  MDB_envinfo info{};
  mdb_env_info(environment_, &info);
  map_bytes_ = info.me_mapsize;
  if (settings_.read_only)
    return {};
  check_readers();
  // The file is as long as the map, the rest of it a hole. Otherwise LMDB may
  // leave out free pages at the end, and a sound file would look cut off.
  if (auto done = reserve(map_bytes_); !done)
    return done;
  auto marker = settings_.directory / marker_name;
  int made = ::open(marker.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (made < 0)
    return system_failure(marker, "make");
  ::close(made);
  return sync_folder(settings_.directory);
}

result<void> lmdb_environment::reserve(std::size_t bytes) {
  auto path = settings_.directory / "data.mdb";
  struct stat status{};
  if (::fstat(file_, &status) != 0)
    return system_failure(path, "look at");
  if (static_cast<std::size_t>(status.st_size) >= bytes)
    return {};
  if (::ftruncate(file_, static_cast<off_t>(bytes)) != 0)
    return system_failure(path, "lengthen");
  if (::fsync(file_) != 0)
    return system_failure(path, "sync");
  return {};
}

result<void> lmdb_environment::grow(std::size_t step_bytes) {
  auto limit = std::max(settings_.map_bytes_max, map_bytes_);
  auto size = std::min(map_bytes_ + step_bytes, limit);
  if (size == map_bytes_)
    return fail(fault::storage_full,
      fmt::format(
        "the store {} has reached its largest size, {} bytes", name(), limit));
  if (auto done = reserve(size); !done)
    return done;
  gate_->close();
  int code = mdb_env_set_mapsize(environment_, size);
  if (code == MDB_SUCCESS)
    map_bytes_ = size;
  else
    // LMDB has let go of the old map by now: nothing can be read either.
    unmapped_ = true;
  gate_->open();
  if (code != MDB_SUCCESS)
    return stop(code, "enlarge the map of");
  return {};
}

std::unexpected<failure> lmdb_environment::stop(
  int code, std::string_view what) {
  std::lock_guard lock{mutex_};
  if (!failed_) {
    failed_ = failure{fault::io,
      fmt::format("cannot {} the store {} in {}: {}; it takes no more writes "
                  "until the node starts again",
        what, name(), settings_.directory.native(), mdb_strerror(code))};
    log_error("store", "a store takes no more writes",
      {{"store", name()}, {"reason", failed_->message}});
  }
  return std::unexpected{*failed_};
}

result<bool> lmdb_environment::attempt(
  const std::function<result<void>(lmdb_transaction&)>& work) {
  transaction_guard guard;
  int code = mdb_txn_begin(environment_, nullptr, 0, &guard.transaction);
  if (code != MDB_SUCCESS)
    return stop(code, "begin to write");
  lmdb_transaction transaction{guard.transaction};
  auto outcome = work(transaction);
  if (transaction.map_full_)
    return false;
  // What the work says of it may name more than the step that failed.
  if (!outcome)
    return std::unexpected{outcome.error()};
  if (transaction.failed_)
    return std::unexpected{*transaction.failed_};
  // It ends the transaction in any case.
  code = mdb_txn_commit(std::exchange(guard.transaction, nullptr));
  if (code == MDB_MAP_FULL)
    return false;
  if (code != MDB_SUCCESS)
    return stop(code, "commit to");
  ++commits_;
  return true;
}

result<void> lmdb_environment::write_locked(
  const std::function<result<void>(lmdb_transaction&)>& work) {
  for (auto step = settings_.map_step_bytes;; step *= 2) {
    if (auto reason = failed())
      return std::unexpected{*reason};
    auto done = attempt(work);
    if (!done)
      return std::unexpected{done.error()};
    if (*done)
      break;
    if (auto grown = grow(step); !grown)
      return grown;
  }
  // Early, so that the next transaction need not be done twice. If it cannot
  // grow, whoever needs the room will hear of it.
  if (auto now = usage_inside(); now.used_bytes / 4 > now.map_bytes / 5)
    if (map_bytes_ < settings_.map_bytes_max)
      static_cast<void>(grow(settings_.map_step_bytes));
  return {};
}

result<void> lmdb_environment::write(
  const std::function<result<void>(lmdb_transaction&)>& work) {
  if (settings_.read_only)
    return fail(fault::forbidden,
      fmt::format("the store {} is open for reading only", name()));
  std::lock_guard lock{write_mutex_};
  return write_locked(work);
}

result<void> lmdb_environment::read(
  const std::function<result<void>(lmdb_transaction&)>& work) const {
  read_visit inside{*gate_};
  if (unmapped_)
    return std::unexpected{*failed()};
  transaction_guard guard;
  int code
    = mdb_txn_begin(environment_, nullptr, MDB_RDONLY, &guard.transaction);
  auto failed = code == MDB_PANIC;
  if (failed) {
    auto begun = begin_spare_reading();
    if (!begun)
      return std::unexpected{begun.error()};
    guard.transaction = *begun;
  } else if (code != MDB_SUCCESS) {
    return std::unexpected{cannot_read(code)};
  }
  lmdb_transaction transaction{
    guard.transaction, failed ? &spare_handles_ : nullptr};
  auto outcome = work(transaction);
  if (outcome && transaction.failed_)
    return std::unexpected{*transaction.failed_};
  return outcome;
}

result<MDB_txn*> lmdb_environment::begin_spare_reading() const {
  std::lock_guard lock{spare_mutex_};
  if (!spare_) {
    auto opened = spare_environment::open(settings_.directory, map_bytes_);
    if (!opened)
      return std::unexpected{opened.error()};
    spare_ = std::move(*opened);
    for (auto& [name, table] : *tables())
      spare_handles_.emplace(table.handle, spare_->table(name));
  }
  MDB_txn* transaction = nullptr;
  auto code
    = mdb_txn_begin(spare_->handle(), nullptr, MDB_RDONLY, &transaction);
  if (code != MDB_SUCCESS)
    return std::unexpected{cannot_read(code)};
  return transaction;
}

failure lmdb_environment::cannot_read(int code) const {
  return {fault_of(code),
    fmt::format("cannot read the store {}: {}", name(), mdb_strerror(code))};
}

result<lmdb_table> lmdb_environment::table(std::string_view name) {
  assert(!name.empty() && name.size() <= 255
    && name.find('\0') == std::string_view::npos);
  std::lock_guard lock{write_mutex_};
  auto known = tables();
  if (auto found = known->find(name); found != known->end())
    return found->second;
  std::string key{name};
  MDB_dbi handle = 0;
  if (settings_.read_only) {
    transaction_guard guard;
    int code
      = mdb_txn_begin(environment_, nullptr, MDB_RDONLY, &guard.transaction);
    if (code == MDB_SUCCESS)
      code = mdb_dbi_open(guard.transaction, key.c_str(), 0, &handle);
    // The end of the transaction makes the handle valid for all.
    if (code == MDB_SUCCESS)
      code = mdb_txn_commit(std::exchange(guard.transaction, nullptr));
    if (code != MDB_SUCCESS)
      return fail(code == MDB_NOTFOUND ? fault::not_found : fault_of(code),
        fmt::format("cannot open the table {} of the store {}: {}", name,
          this->name(), mdb_strerror(code)));
  } else {
    auto opened = write_locked([&](lmdb_transaction& transaction) {
      transaction.check(mdb_dbi_open(transaction.transaction_, key.c_str(),
                          MDB_CREATE, &handle),
        "open a table");
      return result<void>{};
    });
    if (!opened)
      return std::unexpected{opened.error()};
  }
  auto all = std::make_shared<lmdb_tables>(*known);
  all->emplace(std::move(key), lmdb_table{handle});
  std::lock_guard guard{mutex_};
  tables_ = std::move(all);
  return lmdb_table{handle};
}

std::shared_ptr<const lmdb_tables> lmdb_environment::tables() const {
  std::lock_guard lock{mutex_};
  return tables_;
}

int lmdb_environment::check_readers() {
  int dead = 0;
  mdb_reader_check(environment_, &dead);
  return dead;
}

result<void> lmdb_environment::copy_to(const std::filesystem::path& to) const {
  read_visit inside{*gate_};
  if (unmapped_)
    return std::unexpected{*failed()};
  auto refused = [&](std::string_view why, fault code = fault::io) {
    return fail(code,
      fmt::format(
        "cannot copy the store {} to {}: {}", name(), to.string(), why));
  };
  std::error_code error;
  std::filesystem::create_directories(to, error);
  if (!error)
    std::filesystem::permissions(to, std::filesystem::perms::owner_all, error);
  if (error)
    return refused(error.message());
  if (auto code = mdb_env_copy2(environment_, to.c_str(), MDB_CP_COMPACT))
    return refused(mdb_strerror(code), fault_of(code));
  for (auto& path : {to / "data.mdb", to}) {
    auto file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    auto synced = file >= 0 && ::fsync(file) == 0;
    auto code = errno;
    if (file >= 0)
      ::close(file);
    if (!synced)
      return refused(std::generic_category().message(code));
  }
  return {};
}

lmdb_usage lmdb_environment::usage() const {
  read_visit inside{*gate_};
  auto now = unmapped_ ? lmdb_usage{} : usage_inside();
  // Less the one that asks.
  now.readers = gate_->inside() - 1;
  return now;
}

lmdb_usage lmdb_environment::usage_inside() const {
  MDB_envinfo info{};
  mdb_env_info(environment_, &info);
  MDB_stat stat{};
  mdb_env_stat(environment_, &stat);
  return {info.me_mapsize, (info.me_last_pgno + 1) * stat.ms_psize, commits_};
}

std::optional<failure> lmdb_environment::failed() const {
  std::lock_guard lock{mutex_};
  return failed_;
}

} // namespace herald
