#include "engine/log/segment_shelf.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace herald {

void segment_shelf::set(
  partition_id where, std::vector<segment_info> segments) {
  std::lock_guard lock{mutex_};
  if (segments.empty())
    segments_.erase(where);
  else
    segments_[where] = std::move(segments);
}

std::vector<segment_info> segment_shelf::of(partition_id where) const {
  std::lock_guard lock{mutex_};
  auto found = segments_.find(where);
  return found == segments_.end() ? std::vector<segment_info>{} : found->second;
}

std::optional<segment_info> segment_shelf::holding(
  partition_id where, offset at) const {
  std::lock_guard lock{mutex_};
  auto found = segments_.find(where);
  if (found == segments_.end())
    return std::nullopt;
  auto after
    = std::ranges::upper_bound(found->second, at, {}, &segment_info::next);
  if (after == found->second.end() || at < after->first)
    return std::nullopt;
  return *after;
}

std::optional<segment_info> segment_shelf::at_time(
  partition_id where, std::int64_t timestamp_ms) const {
  std::lock_guard lock{mutex_};
  auto found = segments_.find(where);
  if (found == segments_.end())
    return std::nullopt;
  auto first = std::ranges::lower_bound(
    found->second, timestamp_ms, {}, &segment_info::last_ms);
  return first == found->second.end() ? std::nullopt : std::optional{*first};
}

std::optional<std::pair<partition_id, segment_info>> segment_shelf::find(
  std::string_view file) const {
  std::lock_guard lock{mutex_};
  for (auto& [where, segments] : segments_)
    for (auto& segment : segments)
      if (segment.file == file)
        return std::pair{where, segment};
  return std::nullopt;
}

result<std::shared_ptr<const segment_reader>> segment_shelf::open(
  const segment_info& segment) const {
  {
    std::lock_guard lock{mutex_};
    auto known = std::ranges::find(open_, segment.file, &open_file::file);
    if (known != open_.end() && same_segment(segment, *known->reader)) {
      open_.splice(open_.begin(), open_, known);
      return known->reader;
    }
  }
  auto path = folder_ / segment.file;
  auto opened = segment_reader::open(path);
  if (!opened && opened.error().code == fault::not_found)
    return fail(fault::damaged,
      fmt::format(
        "the segment {} is missing: put it back, or detach it", path.string()));
  if (!opened)
    return std::unexpected{std::move(opened).error()};
  if (!same_segment(segment, **opened))
    return fail(fault::damaged,
      fmt::format(
        "{} is not the segment that was archived there", path.string()));
  std::shared_ptr<const segment_reader> reader = std::move(*opened);
  std::lock_guard lock{mutex_};
  std::erase_if(
    open_, [&](const open_file& each) { return each.file == segment.file; });
  open_.push_front({segment.file, reader});
  if (open_.size() > open_max)
    open_.pop_back();
  return reader;
}

bool same_segment(const segment_info& registered, const segment_reader& found) {
  return describe(found, registered.file) == registered;
}

segment_info describe(const segment_reader& reader, std::string file) {
  auto& identity = reader.identity();
  auto& summary = reader.summary();
  return {.file = std::move(file),
    .first = identity.first,
    .next = summary.next,
    .anchor = identity.anchor,
    .head = summary.head,
    .batches = summary.batches,
    .records = summary.records,
    .batch_bytes = summary.batch_bytes,
    .first_ms = summary.first_ms,
    .last_ms = summary.last_ms,
    .file_bytes = summary.file_bytes,
    .digest = summary.digest};
}

} // namespace herald
