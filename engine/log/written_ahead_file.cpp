#include "engine/log/written_ahead_file.hpp"

#include "engine/log/held_folder.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <utility>

namespace herald {

namespace {

constexpr std::uint64_t page_bytes = 4096;

// Zeros that are written and handed over at once. A commit may have to wait for
// them, so they are few, and between two pieces there is a pause of so many
// times what the one took.
constexpr std::size_t piece_bytes = 1u << 20;
constexpr int pause_factor = 8;

std::uint64_t whole_pages(std::uint64_t bytes) {
  return bytes / page_bytes * page_bytes;
}

char* zeros() {
  // Never written to; aligned as writes past the page cache want it.
  alignas(page_bytes) static char block[piece_bytes];
  return block;
}

// Past the page cache, where the file system can: a commit's sync has to wait
// for all pages of the file that the cache has not written yet.
int open_direct(const std::filesystem::path& path) {
  auto file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_DIRECT);
  return file >= 0 || errno != EINVAL
    ? file
    : ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
}

bool is_direct(int file) {
  return (::fcntl(file, F_GETFL) & O_DIRECT) != 0;
}

// Some file systems say only when they are written to that they cannot, or that
// they want larger pieces; whether there was something to give up.
bool give_up_direct(int file) {
  return is_direct(file)
    && ::fcntl(file, F_SETFL, ::fcntl(file, F_GETFL) & ~O_DIRECT) == 0;
}

} // namespace

result<std::unique_ptr<written_ahead_file>> written_ahead_file::open(
  const std::filesystem::path& path, const settings& settings) {
  auto file = open_direct(path);
  if (file < 0)
    return std::unexpected{system_failure("open", path, errno)};
  struct stat status{};
  if (::fstat(file, &status) != 0) {
    auto error = errno;
    ::close(file);
    return std::unexpected{system_failure("look at", path, error)};
  }
  auto size = whole_pages(static_cast<std::uint64_t>(status.st_size));
  return std::unique_ptr<written_ahead_file>{
    new written_ahead_file{path, file, size, settings}};
}

written_ahead_file::written_ahead_file(
  std::filesystem::path path, int file, std::uint64_t size, settings limits)
  : path_{std::move(path)}, file_{file}, settings_{limits}, size_{size} {
  thread_ = std::thread{[this] { run(); }};
}

written_ahead_file::~written_ahead_file() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  ::close(file_);
}

std::uint64_t written_ahead_file::size() const {
  std::lock_guard lock{mutex_};
  return size_;
}

void written_ahead_file::want(std::uint64_t bytes, growth how) {
  {
    std::lock_guard lock{mutex_};
    if (bytes <= size_ || failed_)
      return;
    wanted_ = std::max(wanted_, whole_pages(bytes + page_bytes - 1));
    at_once_ = at_once_ || how != growth::ahead;
    use_reserve_ = use_reserve_ || how == growth::from_reserve;
    full_ = false;
  }
  changed_.notify_all();
}

bool written_ahead_file::wait_beyond(std::uint64_t bytes) {
  std::unique_lock lock{mutex_};
  ++waiting_;
  changed_.notify_all();
  changed_.wait(lock, [&] {
    return size_ > bytes || wanted_ <= size_ || full_ || failed_ || stopping_;
  });
  --waiting_;
  return size_ > bytes;
}

bool written_ahead_file::disk_full() const {
  std::lock_guard lock{mutex_};
  return full_;
}

std::optional<failure> written_ahead_file::failed() const {
  std::lock_guard lock{mutex_};
  return failed_;
}

void written_ahead_file::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock,
      [&] { return stopping_ || (wanted_ > size_ && !full_ && !failed_); });
    if (stopping_)
      return;
    auto from = size_;
    auto at_once = at_once_;
    auto wanted = at_once ? wanted_ : std::min(wanted_, from + piece_bytes);
    auto use_reserve = use_reserve_;
    lock.unlock();
    auto before = std::chrono::steady_clock::now();
    auto to = std::min(wanted, from + whole_pages(room(use_reserve)));
    result<void> written;
    if (to > from)
      written = at_once ? allocate(from, to) : write_zeros(from, to);
    lock.lock();
    if (written) {
      size_ = to;
      full_ = to < wanted;
    } else if (written.error().code == fault::storage_full) {
      full_ = true;
    } else {
      failed_ = std::move(written).error();
    }
    if (size_ >= wanted_) {
      at_once_ = false;
      use_reserve_ = false;
    }
    changed_.notify_all();
    if (!at_once)
      changed_.wait_for(lock,
        pause_factor * (std::chrono::steady_clock::now() - before),
        [&] { return stopping_ || at_once_ || waiting_ > 0; });
  }
}

std::uint64_t written_ahead_file::room(bool use_reserve) const {
  struct statvfs status{};
  if (::fstatvfs(file_, &status) != 0)
    return 0;
  auto free = std::uint64_t{status.f_bavail} * status.f_frsize;
  auto kept = use_reserve ? 0 : settings_.reserve_bytes;
  return free > kept ? free - kept : 0;
}

// Not synced: the commit that uses the blocks syncs the file's size with them.
result<void> written_ahead_file::allocate(
  std::uint64_t from, std::uint64_t to) {
  while (::fallocate(
           file_, 0, static_cast<off_t>(from), static_cast<off_t>(to - from))
    != 0) {
    if (errno == EOPNOTSUPP)
      return write_zeros(from, to);
    if (errno != EINTR)
      return std::unexpected{system_failure("extend", path_, errno)};
  }
  return {};
}

result<void> written_ahead_file::write_zeros(
  std::uint64_t from, std::uint64_t to) {
  for (auto at = from; at < to;) {
    auto size = std::min<std::uint64_t>(piece_bytes, to - at);
    auto written = ::pwrite(file_, zeros(), size, static_cast<off_t>(at));
    if (written < 0
      && (errno == EINTR || (errno == EINVAL && give_up_direct(file_))))
      continue;
    if (written < 0)
      return std::unexpected{system_failure("extend", path_, errno)};
    if (static_cast<std::uint64_t>(written) < size)
      return std::unexpected{system_failure("extend", path_, ENOSPC)};
    at += size;
  }
  // What went through the page cache may still find that there is no room: then
  // as little is known as after a sync that fails, so no fault::storage_full.
  if (!is_direct(file_) && ::fdatasync(file_) != 0)
    return fail(fault::io, system_failure("sync", path_, errno).message);
  return {};
}

} // namespace herald
