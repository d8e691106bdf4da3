#pragma once

#include "protocol/failure.hpp"

#include <cstdint>
#include <filesystem>

namespace herald {

/// Version of everything below the data folder together. It stands in the file
/// "format" there ("herald 1\n"); a newer one is refused.
constexpr std::uint32_t folder_format = 1;

/// A node's data folder, held by the process that has this object: an advisory
/// lock on the file "lock" in it, which the kernel lets go when the process
/// ends in whatever way.
class held_folder {
public:
  /// Takes the folder and makes it (and the format file) where it is missing.
  /// Faults: in_use, version (newer, or a folder with other people's files),
  /// io.
  static result<held_folder> take(const std::filesystem::path& path);

  /// Takes a folder that must be there and changes nothing in it but the lock;
  /// works on a read-only medium. fault::not_found when it is no data folder.
  static result<held_folder> take_existing(const std::filesystem::path& path);

  held_folder(held_folder&& other) noexcept;
  held_folder& operator=(held_folder&& other) noexcept;
  ~held_folder();

  const std::filesystem::path& path() const { return path_; }

private:
  held_folder(std::filesystem::path path, int lock);

  std::filesystem::path path_;
  int lock_ = -1;
};

/// Makes a data folder of a folder whose content is complete: writes its format
/// file, durably.
result<void> write_folder_format(const std::filesystem::path& path);

/// Makes the names in a folder durable (fsync of the folder).
result<void> sync_folder(const std::filesystem::path& path);

/// Makes the content of a file durable.
result<void> sync_file(const std::filesystem::path& path);

/// "cannot <what> <path>: <the system's reason>" for the given errno.
failure system_failure(
  const char* what, const std::filesystem::path& path, int error);

} // namespace herald
