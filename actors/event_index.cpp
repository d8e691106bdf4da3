#include "actors/event_index.hpp"

#include "actors/event_codec.hpp"
#include "protocol/big_endian.hpp"

#include <cassert>

namespace herald {

namespace {

// Rows that one read of the index takes: its transaction stays short however
// many events an aggregate has.
constexpr std::size_t rows_at_once = 4'096;

offset last_offset_of(bytes_view row) {
  return {load_big_endian<std::uint64_t>(row.data() + row.size() - 8)};
}

bytes prefix_of(partition_id where, bytes_view key) {
  bytes row;
  append_big_endian(row, where.topic);
  append_big_endian(row, where.partition);
  row += key;
  row += '\0';
  return row;
}

bytes row_of(partition_id where, bytes_view key, offset at) {
  auto row = prefix_of(where, key);
  append_big_endian(row, at.value);
  return row;
}

/// Visits the records at `wanted`, which ascend, opening each batch once.
result<void> visit_records(const event_log& log, partition_id where,
  const std::vector<offset>& wanted,
  const std::function<result<void>(const record_view&)>& visit) {
  for (std::size_t i = 0; i < wanted.size();) {
    auto first = i;
    auto batches = log.read(where, wanted[i], 1);
    if (!batches)
      return std::unexpected(batches.error());
    for (auto& stored : *batches) {
      auto batch = batch_view::parse_unchecked(stored.batch);
      if (!batch)
        return std::unexpected(batch.error());
      result<void> visited;
      auto read = batch->for_each([&](const record_view& record) {
        if (record.at < wanted[i])
          return true;
        // An offset that the log does not have: nothing to visit there.
        while (i < wanted.size() && wanted[i] < record.at)
          ++i;
        if (i < wanted.size() && wanted[i] == record.at) {
          ++i;
          visited = visit(record);
        }
        return visited.has_value() && i < wanted.size();
      });
      if (!visited)
        return visited;
      if (!read)
        return read;
    }
    if (i == first)
      ++i;
  }
  return {};
}

} // namespace

result<void> event_index::for_each_event(partition_id where,
  std::string_view key, offset from, offset end,
  const std::function<result<void>(const record_view&)>& visit,
  std::size_t count_max) const {
  // Rows of records that retention has removed stay behind in the index.
  from = std::max(from, log_.log_start(where));
  end = std::min(end, log_.committed_end(where));
  if (from >= end)
    return {};
  auto topic = log_.find_topic(where.topic);
  assert(topic);
  std::size_t count = 0;
  offset indexed{0};
  for (bool more = true; more && count < count_max;) {
    std::vector<offset> known;
    auto limit = std::min(rows_at_once, count_max - count);
    auto read = views_.read([&](const view_snapshot& views) -> result<void> {
      indexed = views.cursor(follower_name, {topic->id.value, where.partition})
                  .value_or(offset{0});
      views.scan(table, {row_of(where, key, from), row_of(where, key, end)},
        scan_order::forward, limit, [&](bytes_view row, bytes_view) {
          known.push_back(last_offset_of(row));
          return true;
        });
      return {};
    });
    if (!read)
      return read;
    if (auto visited = visit_records(log_, where, known, visit); !visited)
      return visited;
    count += known.size();
    more = known.size() == limit;
    if (!known.empty())
      from = known.back().next();
  }
  // What the index has not seen yet is little.
  return for_each_record(log_, where, std::max(indexed, from), end,
    [&](const record_view& record) -> result<void> {
      if (count >= count_max || !record.key || *record.key != key)
        return {};
      ++count;
      return visit(record);
    });
}

result<void> event_index_projection::apply(
  const position& at, const record_view& record, view_transaction& views) {
  if (record.key)
    views.put(event_index::table, row_of(at.where, *record.key, at.at), {});
  return {};
}

} // namespace herald
