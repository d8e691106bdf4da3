#pragma once

#include "protocol/bytes.hpp"

#include <filesystem>
#include <functional>
#include <string>

namespace herald {

/// A document that was read, or the reason why it could not be.
struct document {
  /// Its path; with an archive before it and ':' between, where it is in one.
  std::string name;
  /// At most 16 MiB.
  bytes content;
  /// Not empty: `content` is not there.
  std::string problem;
};

/// Reads a file, every .json file and archive below a folder in the order of
/// their names, or the .json files in a .tar or .tar.zst, and calls `take` for
/// each document until it returns false. Returns false when it did.
bool read_documents(
  const std::filesystem::path& path, const std::function<bool(document)>& take);

} // namespace herald
