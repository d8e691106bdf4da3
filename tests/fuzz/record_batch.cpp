#include "protocol/batch/record_batch.hpp"

#include "protocol/batch/crc32c.hpp"
#include "protocol/big_endian.hpp"
#include "tests/fuzz/target.hpp"

#include <cstdint>
#include <span>

namespace herald::fuzz {

namespace {

constexpr std::size_t inflated_max = 1u << 20;

void read_records(const batch_view& batch) {
  std::size_t sum = 0, count = 0;
  auto read = batch.for_each(
    [&](const record_view& record) {
      ++count;
      sum += record.key.value_or("").size() + record.value.value_or("").size();
      auto headers = record.headers();
      expect(headers.size() == record.header_count, "all headers are there");
      for (auto& header : headers)
        sum += header.key.size() + header.value.value_or("").size();
      if (!headers.empty())
        expect(record.header(headers.front().key) == headers.front().value,
          "the first header of a name is found");
    },
    inflated_max);
  expect(sum <= inflated_max + batch.size_bytes(), "the bound is kept");
  if (read)
    expect(count == batch.record_count(), "as many records as announced");
  if (check_records(batch, inflated_max))
    expect(read.has_value(), "what passes the check can be read");
}

// Mends the checksum, which nobody guesses.
void check_whole(bytes batch) {
  constexpr std::size_t crc_place = 17, covered_place = 21;
  store_big_endian(
    batch.data() + crc_place, crc32c(bytes_view{batch}.substr(covered_place)));
  auto parsed = batch_view::parse(batch);
  if (!parsed)
    return;
  read_records(*parsed);
  std::span<char> place{batch};
  set_base_offset(place, offset{7});
  set_leader_epoch(place, 3);
  expect(batch_view::parse(batch).has_value(),
    "offset and epoch stand outside of the checksum");
  set_log_append_time(place, 1'700'000'000'000);
  auto stamped = batch_view::parse(batch);
  expect(stamped && stamped->log_append_time(), "the checksum is renewed");
}

} // namespace

void record_batch(bytes_view data) {
  while (!data.empty()) {
    auto size = first_batch_bytes(data);
    if (!size)
      return;
    expect(*size > 0 && *size <= data.size(), "a batch lies in the data");
    auto one = data.substr(0, *size);
    if (auto parsed = batch_view::parse_unchecked(one))
      read_records(*parsed);
    if (one.size() >= batch_header_bytes)
      check_whole(bytes{one});
    data.remove_prefix(*size);
  }
}

} // namespace herald::fuzz
