#include "engine/log/batch_filter.hpp"

#include "protocol/batch/compression.hpp"

#include <algorithm>
#include <limits>

namespace herald {

result<filtered_batch> filter_batch(const batch_view& batch,
  const std::function<bool(const record_view&)>& keep) {
  auto inflated
    = decompress(batch.codec(), batch.payload(), inflated_bytes_max);
  if (!inflated)
    return std::unexpected{std::move(inflated).error()};
  filtered_batch out{.inflated_bytes = inflated->size()};
  // The same without compression, so that the bytes of its records can be told
  // apart.
  auto plain = with_records(batch, compression::none, *inflated,
    batch.record_count(), batch.max_timestamp_ms());
  auto view = batch_view::parse_unchecked(plain);
  if (!view)
    return std::unexpected{std::move(view).error()};
  bytes left;
  std::uint32_t count = 0;
  auto newest = std::numeric_limits<std::int64_t>::min();
  auto* start = view->payload().data();
  auto read = view->for_each([&](const record_view& record) {
    // The headers are the last field of a record.
    auto* end = record.header_bytes.data() + record.header_bytes.size();
    if (keep(record)) {
      left.append(start, end);
      newest = std::max(newest, record.timestamp_ms);
      ++count;
    }
    start = end;
  });
  if (!read)
    return std::unexpected{std::move(read).error()};
  out.removed = batch.record_count() - count;
  if (out.removed > 0)
    out.batch = count == 0
      ? bytes{}
      : with_records(batch, batch.codec(), left, count,
          batch.log_append_time() ? batch.max_timestamp_ms() : newest);
  return out;
}

} // namespace herald
