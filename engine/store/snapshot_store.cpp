#include "engine/store/snapshot_store.hpp"

#include "engine/base/xxh3.hpp"
#include "protocol/big_endian.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace herald {
namespace {

constexpr std::uint8_t row_version = 1;
constexpr std::size_t head_bytes = 1 + 8 + 8 + 4 + 8 + 8;
constexpr std::size_t checksum_bytes = 8;
// Rows that one read of usage() looks at.
constexpr std::size_t rows_at_once = 1'000;

bytes row_key(const followed_partition& where, bytes_view key) {
  bytes out{where.topic.begin(), where.topic.end()};
  append_big_endian(out, where.partition);
  out += key;
  return out;
}

std::uint64_t checksum_of(bytes_view key, bytes_view row) {
  bytes both;
  both.reserve(key.size() + row.size());
  both += key;
  both += row;
  return XXH3_64bits(both.data(), both.size());
}

bytes encode(bytes_view key, const state_snapshot& snapshot) {
  bytes row;
  row.reserve(head_bytes + snapshot.state.size() + checksum_bytes);
  append_big_endian(row, row_version);
  append_big_endian(row, snapshot.incarnation);
  append_big_endian(row, snapshot.next.value);
  append_big_endian(row, snapshot.format.version);
  append_big_endian(row, snapshot.format.fingerprint);
  append_big_endian(row, static_cast<std::uint64_t>(snapshot.taken_ms));
  row += snapshot.state;
  append_big_endian(row, checksum_of(key, row));
  return row;
}

result<state_snapshot> decode(bytes_view key, bytes_view row) {
  if (row.size() < head_bytes + checksum_bytes)
    return fail(fault::damaged, "the snapshot is too short");
  auto tail = row.substr(row.size() - checksum_bytes);
  auto body = row.substr(0, row.size() - checksum_bytes);
  if (*take_big_endian<std::uint64_t>(tail) != checksum_of(key, body))
    return fail(fault::damaged, "the snapshot's checksum does not match");
  if (auto version = *take_big_endian<std::uint8_t>(body);
    version != row_version)
    return fail(fault::version,
      fmt::format("the snapshot's row has version {}, this program knows {}",
        version, row_version));
  state_snapshot snapshot;
  snapshot.incarnation = *take_big_endian<std::uint64_t>(body);
  snapshot.next.value = *take_big_endian<std::uint64_t>(body);
  snapshot.format.version = *take_big_endian<std::uint32_t>(body);
  snapshot.format.fingerprint = *take_big_endian<std::uint64_t>(body);
  snapshot.taken_ms
    = static_cast<std::int64_t>(*take_big_endian<std::uint64_t>(body));
  snapshot.state = body;
  return snapshot;
}

} // namespace

snapshot_store::snapshot_store(
  view_store& views, const snapshot_store_settings& settings, lmdb_table rows)
  : views_{views}, rows_{rows}, writer_{views.environment(),
                                  {.waiting_max = settings.waiting_max,
                                    .commit_max = 64,
                                    .own_thread = settings.own_thread}} {}

snapshot_store::~snapshot_store() = default;

result<std::unique_ptr<snapshot_store>> snapshot_store::open(
  view_store& views, const snapshot_store_settings& settings) {
  std::array names{std::string{table}};
  if (auto opened = views.open_tables(names); !opened)
    return std::unexpected{opened.error()};
  auto rows = views.environment().table(table);
  if (!rows)
    return std::unexpected{rows.error()};
  return std::unique_ptr<snapshot_store>{
    new snapshot_store{views, settings, *rows}};
}

result<std::optional<state_snapshot>> snapshot_store::get(
  const followed_partition& where, bytes_view key) const {
  if (key.size() > snapshot_key_bytes_max)
    return std::nullopt;
  auto stored_under = row_key(where, key);
  auto row = views_.get(table, stored_under);
  if (!row)
    return std::unexpected{row.error()};
  if (!*row)
    return std::nullopt;
  auto snapshot = decode(stored_under, **row);
  if (!snapshot)
    return std::unexpected{snapshot.error()};
  return std::move(*snapshot);
}

void snapshot_store::put(const followed_partition& where, bytes_view key,
  const state_snapshot& snapshot, completion done) {
  if (key.size() > snapshot_key_bytes_max
    || snapshot.state.size() > snapshot_state_bytes_max)
    return done(fail(fault::too_large,
      fmt::format("a snapshot has at most {} bytes of key and {} of state",
        snapshot_key_bytes_max, snapshot_state_bytes_max)));
  auto stored_under = row_key(where, key);
  auto row = encode(stored_under, snapshot);
  writer_.submit(
    [rows = rows_, stored_under = std::move(stored_under),
      row = std::move(row)](lmdb_transaction& transaction) -> result<void> {
      transaction.put(rows, stored_under, row);
      return {};
    },
    std::move(done));
}

result<snapshot_usage> snapshot_store::usage() const {
  snapshot_usage all;
  bytes from;
  for (bool more = true; more;) {
    bytes last;
    auto read = views_.read([&](const view_snapshot& views) -> result<void> {
      auto seen = views.scan(table, {from, std::nullopt}, scan_order::forward,
        rows_at_once, [&](bytes_view key, bytes_view row) {
          ++all.count;
          all.bytes += key.size() + row.size();
          last = key;
          if (row.size() < head_bytes)
            return true;
          auto taken = row.substr(head_bytes - 8);
          auto ms
            = static_cast<std::int64_t>(*take_big_endian<std::uint64_t>(taken));
          all.oldest_ms = std::min(all.oldest_ms.value_or(ms), ms);
          return true;
        });
      more = seen == rows_at_once;
      return {};
    });
    if (!read)
      return std::unexpected{read.error()};
    from = last + '\0';
  }
  return all;
}

result<std::uint64_t> snapshot_store::clear() {
  std::uint64_t count = 0;
  auto done = views_.update([&](view_transaction& views) -> result<void> {
    count = views.count(table);
    views.clear(table);
    return {};
  });
  if (!done)
    return std::unexpected{done.error()};
  return count;
}

void snapshot_store::turn() {
  while (writer_.turn() > 0) {
  }
}

void snapshot_store::stop() {
  writer_.stop();
}

} // namespace herald
