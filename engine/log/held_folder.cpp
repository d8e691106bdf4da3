#include "engine/log/held_folder.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace herald {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view format_prefix = "herald ";

// What may lie in a folder that is about to become a data folder.
bool is_harmless(std::string_view name) {
  return name == "lock" || name == "lost+found" || name == "config.toml"
    || name == "format.new" || name == "control.sock";
}

} // namespace

result<void> write_folder_format(const fs::path& folder) {
  auto fresh = folder / "format.new";
  auto text = fmt::format("{}{}\n", format_prefix, folder_format);
  auto file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
    S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
  if (file < 0)
    return std::unexpected{system_failure("create", fresh, errno)};
  auto error = 0;
  auto written = ::write(file, text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size()))
    error = written < 0 ? errno : ENOSPC;
  else if (::fsync(file) != 0)
    error = errno;
  ::close(file);
  if (error != 0)
    return std::unexpected{system_failure("write", fresh, error)};
  if (::rename(fresh.c_str(), (folder / "format").c_str()) != 0)
    return std::unexpected{system_failure("rename", fresh, errno)};
  return sync_folder(folder);
}

namespace {

result<void> check_format(const fs::path& folder) {
  std::ifstream file{folder / "format"};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (!file)
    return std::unexpected{system_failure("read", folder / "format", EIO)};
  auto number = text.starts_with(format_prefix)
    ? std::strtoul(text.c_str() + format_prefix.size(), nullptr, 10)
    : 0;
  if (number == 0)
    return fail(fault::version,
      fmt::format(
        "{} is not a format file of Herald", (folder / "format").string()));
  if (number > folder_format)
    return fail(fault::version,
      fmt::format("the data folder {} has format {}, this Herald knows {}: use "
                  "the newer Herald that wrote it",
        folder.string(), number, folder_format));
  return {};
}

result<void> check_is_ours_to_use(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator each{folder, error}, end; !error && each != end;
    each.increment(error))
    if (!is_harmless(each->path().filename().string()))
      return fail(fault::version,
        fmt::format("{} holds '{}' but no data of Herald: choose an empty "
                    "folder",
          folder.string(), each->path().filename().string()));
  if (error)
    return std::unexpected{system_failure("list", folder, error.value())};
  return {};
}

result<int> lock_file(const fs::path& folder, bool create) {
  auto path = folder / "lock";
  auto file
    = ::open(path.c_str(), (create ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC,
      S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
  if (file < 0 && !create && errno == ENOENT)
    return -1; // nobody has ever locked it
  if (file < 0)
    return std::unexpected{system_failure("open", path, errno)};
  if (::flock(file, LOCK_EX | LOCK_NB) == 0)
    return file;
  auto error = errno;
  ::close(file);
  if (error == EWOULDBLOCK)
    return fail(fault::in_use,
      fmt::format(
        "the data folder {} is in use by another Herald", folder.string()));
  return std::unexpected{system_failure("lock", path, error)};
}

} // namespace

held_folder::held_folder(fs::path path, int lock)
  : path_{std::move(path)}, lock_{lock} {}

held_folder::held_folder(held_folder&& other) noexcept
  : path_{std::move(other.path_)}, lock_{std::exchange(other.lock_, -1)} {}

held_folder& held_folder::operator=(held_folder&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

held_folder::~held_folder() {
  if (lock_ >= 0)
    ::close(lock_);
}

result<held_folder> held_folder::take(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error)
    return std::unexpected{system_failure("create", path, error.value())};
  auto fresh = !fs::exists(path / "format", error);
  if (fresh)
    if (auto fine = check_is_ours_to_use(path); !fine)
      return std::unexpected{std::move(fine).error()};
  auto lock = lock_file(path, true);
  if (!lock)
    return std::unexpected{std::move(lock).error()};
  held_folder taken{path, *lock};
  // Somebody else may have made it while we waited for the lock.
  if (fresh && !fs::exists(path / "format", error))
    if (auto written = write_folder_format(path); !written)
      return std::unexpected{std::move(written).error()};
  if (auto known = check_format(path); !known)
    return std::unexpected{std::move(known).error()};
  return taken;
}

result<held_folder> held_folder::take_existing(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path / "format", error))
    return fail(fault::not_found,
      fmt::format("{} is not a data folder of Herald", path.string()));
  if (auto known = check_format(path); !known)
    return std::unexpected{std::move(known).error()};
  auto lock = lock_file(path, false);
  if (!lock)
    return std::unexpected{std::move(lock).error()};
  return held_folder{path, *lock};
}

namespace {

result<void> sync(const fs::path& path, int flags) {
  auto file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
  if (file < 0)
    return std::unexpected{system_failure("open", path, errno)};
  auto synced = ::fsync(file) == 0;
  auto error = errno;
  ::close(file);
  if (!synced)
    return std::unexpected{system_failure("sync", path, error)};
  return {};
}

} // namespace

result<void> sync_folder(const fs::path& path) {
  return sync(path, O_DIRECTORY);
}

result<void> sync_file(const fs::path& path) {
  return sync(path, 0);
}

failure system_failure(const char* what, const fs::path& path, int error) {
  auto full = error == ENOSPC || error == EDQUOT;
  return {full ? fault::storage_full : fault::io,
    fmt::format("cannot {} {}: {}", what, path.string(),
      std::generic_category().message(error))};
}

} // namespace herald
