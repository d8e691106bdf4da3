#include "tools/herald/scratch_folder.hpp"

#include <cstdlib>

namespace herald {

scratch_folder::scratch_folder(const std::filesystem::path& parent) {
  std::error_code ignored;
  auto folder
    = parent.empty() ? std::filesystem::temp_directory_path() : parent;
  std::filesystem::create_directories(folder, ignored);
  auto pattern = (folder / "herald-XXXXXX").string();
  if (auto* made = ::mkdtemp(pattern.data()))
    path_ = made;
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  if (!path_.empty())
    std::filesystem::remove_all(path_, ignored);
}

} // namespace herald
