#include "tools/herald/document_source.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace herald {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t document_max_bytes = 16u << 20;

class document_source {
public:
  explicit document_source(const std::function<bool(document)>& take)
    : take_{take} {}

  bool read_path(const fs::path& path) {
    std::error_code error;
    auto status = fs::status(path, error);
    if (error || !fs::exists(status))
      return push_problem(path.string(),
        error && error != std::errc::no_such_file_or_directory
          ? error.message()
          : "there is no such file or folder");
    if (fs::is_directory(status))
      return read_folder(path);
    return read_file(path);
  }

private:
  static bool is_archive(const fs::path& path) {
    auto name = path.filename().string();
    return name.ends_with(".tar.zst") || name.ends_with(".tar");
  }

  bool read_folder(const fs::path& folder) {
    std::error_code error;
    std::vector<fs::path> entries;
    for (fs::directory_iterator i{folder, error}, end; !error && i != end;
      i.increment(error))
      entries.push_back(i->path());
    if (error)
      return push_problem(folder.string(), error.message());
    std::sort(entries.begin(), entries.end());
    for (auto& entry : entries) {
      if (fs::is_directory(entry, error)) {
        if (!read_folder(entry))
          return false;
      } else if (entry.extension() == ".json" || is_archive(entry)) {
        if (!read_file(entry))
          return false;
      }
    }
    return true;
  }

  bool read_file(const fs::path& path) {
    if (is_archive(path))
      return read_archive(path);
    std::error_code error;
    auto size = fs::file_size(path, error);
    if (!error && size > document_max_bytes)
      return push_problem(path.string(), too_large(size));
    std::ifstream file{path, std::ios::binary};
    if (!file)
      return push_problem(path.string(),
        fmt::format("cannot be opened: {}", std::strerror(errno)));
    document next{path.string(), {}, {}};
    next.content.resize(error ? 0 : size);
    file.read(next.content.data(), next.content.size());
    if (static_cast<std::size_t>(file.gcount()) != next.content.size())
      return push_problem(path.string(), "cannot be read to its end");
    return take_(std::move(next));
  }

  bool read_archive(const fs::path& path) {
    std::unique_ptr<archive, decltype(&archive_read_free)> in{
      archive_read_new(), archive_read_free};
    archive_read_support_filter_zstd(in.get());
    archive_read_support_format_tar(in.get());
    if (archive_read_open_filename(in.get(), path.c_str(), 1 << 16)
      != ARCHIVE_OK)
      return push_problem(path.string(), archive_error_string(in.get()));
    archive_entry* entry = nullptr;
    for (;;) {
      auto status = archive_read_next_header(in.get(), &entry);
      if (status == ARCHIVE_EOF)
        return true;
      if (status != ARCHIVE_OK)
        return push_problem(path.string(),
          fmt::format("is damaged: {}", archive_error_string(in.get())));
      if (archive_entry_filetype(entry) != AE_IFREG)
        continue;
      std::string name = archive_entry_pathname(entry);
      if (!name.ends_with(".json"))
        continue;
      document next{path.string() + ":" + name, {}, {}};
      auto size = archive_entry_size(entry);
      if (size < 0 || static_cast<std::size_t>(size) > document_max_bytes) {
        if (!push_problem(next.name, too_large(size)))
          return false;
        continue;
      }
      next.content.resize(static_cast<std::size_t>(size));
      auto got
        = archive_read_data(in.get(), next.content.data(), next.content.size());
      if (got != size)
        return push_problem(next.name, "the archive ends within it");
      if (!take_(std::move(next)))
        return false;
    }
  }

  static std::string too_large(std::uint64_t size) {
    return fmt::format(
      "is {} bytes long, more than the {} bytes a document may have", size,
      document_max_bytes);
  }

  bool push_problem(std::string name, std::string problem) {
    return take_({std::move(name), {}, std::move(problem)});
  }

  const std::function<bool(document)>& take_;
};

} // namespace

bool read_documents(
  const fs::path& path, const std::function<bool(document)>& take) {
  return document_source{take}.read_path(path);
}

} // namespace herald
