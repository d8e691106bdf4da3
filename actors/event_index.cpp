#include "actors/event_index.hpp"

#include "actors/event_codec.hpp"

#include <cassert>

namespace herald {

namespace {

void put(bytes& out, std::uint64_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift);
}

offset last_offset_of(bytes_view row) {
  std::uint64_t value = 0;
  for (unsigned char c : row.substr(row.size() - 8))
    value = value << 8 | c;
  return {value};
}

bytes prefix_of(partition_id where, bytes_view key) {
  bytes row;
  put(row, where.topic, 4);
  put(row, where.partition, 4);
  row += key;
  row += '\0';
  return row;
}

bytes row_of(partition_id where, bytes_view key, offset at) {
  auto row = prefix_of(where, key);
  put(row, at.value, 8);
  return row;
}

} // namespace

result<void> event_index::for_each_event(partition_id where,
  std::string_view key, offset from, offset end,
  const std::function<result<void>(const record_view&)>& visit,
  std::size_t count_max) const {
  end = std::min(end, log_.committed_end(where));
  auto topic = log_.find_topic(where.topic);
  assert(topic);
  std::vector<offset> known;
  offset indexed{0};
  auto read = views_.read([&](const view_snapshot& views) -> result<void> {
    indexed = views.cursor(follower_name, {topic->id.value, where.partition})
                .value_or(offset{0});
    views.scan(table, {row_of(where, key, from), row_of(where, key, end)},
      scan_order::forward, count_max, [&](bytes_view row, bytes_view) {
        known.push_back(last_offset_of(row));
        return true;
      });
    return {};
  });
  if (!read)
    return read;
  std::size_t count = 0;
  auto start = log_.log_start(where);
  for (auto at : known) {
    if (at < start)
      continue; // retention has taken it
    auto one = for_each_record(
      log_, where, at, at.next(),
      [&](const record_view& record) { return visit(record); }, 1);
    if (!one)
      return one;
    ++count;
  }
  // What the index has not seen yet is little.
  return for_each_record(log_, where, std::max({indexed, from, start}), end,
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
