#pragma once

#include <filesystem>

namespace herald {

/// A fresh folder that is removed with everything in it at the end.
class scratch_folder {
public:
  /// Below `parent`, or in the system's place for such folders when it is
  /// empty. path() is empty when none could be made.
  explicit scratch_folder(const std::filesystem::path& parent = {});
  ~scratch_folder();
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

} // namespace herald
