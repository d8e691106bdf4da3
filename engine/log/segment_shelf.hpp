#pragma once

#include "engine/log/archive.hpp"
#include "engine/log/segment_reader.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <cstddef>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace herald {

/// The attached segments of a log as readers need them: which there are, and
/// the last few that were opened. All calls from any thread.
class segment_shelf {
public:
  /// Open files at the same time; each costs its index and dictionaries, some
  /// hundred KiB. Beyond it the one that was not used for longest is closed.
  static constexpr std::size_t open_max = 64;

  /// `folder` is the folder "archive".
  explicit segment_shelf(std::filesystem::path folder)
    : folder_{std::move(folder)} {}

  const std::filesystem::path& folder() const { return folder_; }

  /// Replaces what is known of a partition; by offset, without gaps.
  void set(partition_id where, std::vector<segment_info> segments);

  std::vector<segment_info> of(partition_id where) const;
  /// The segment that holds `at`.
  std::optional<segment_info> holding(partition_id where, offset at) const;
  /// The oldest segment with a record not older than that.
  std::optional<segment_info> at_time(
    partition_id where, std::int64_t timestamp_ms) const;
  /// Which segment has that file, and whose it is.
  std::optional<std::pair<partition_id, segment_info>> find(
    std::string_view file) const;

  /// Opens the file, or hands out the one that is open. A missing file, or one
  /// that is not what was registered, is fault::damaged.
  result<std::shared_ptr<const segment_reader>> open(
    const segment_info& segment) const;

private:
  std::filesystem::path folder_;
  mutable std::mutex mutex_;
  std::map<partition_id, std::vector<segment_info>> segments_;
  struct open_file {
    std::string file;
    std::shared_ptr<const segment_reader> reader;
  };
  /// The last used one in front.
  mutable std::list<open_file> open_;
};

/// Whether the segment is the one that was registered.
bool same_segment(const segment_info& registered, const segment_reader& found);

/// What is registered of a segment.
segment_info describe(const segment_reader& reader, std::string file);

} // namespace herald
