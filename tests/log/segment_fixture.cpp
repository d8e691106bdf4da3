#include "tests/log/segment_fixture.hpp"

#include "protocol/batch/record_batch.hpp"
#include "protocol/big_endian.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <cstdlib>

namespace herald {

segment_identity some_identity(offset first) {
  segment_identity identity;
  identity.cluster = "AAAAAAAAAAAAAAAAAAAAAA";
  identity.incarnation = 0x1122334455667788;
  identity.topic = "match";
  for (std::uint8_t i = 0; i < 16; ++i)
    identity.topic_id.value[i] = i;
  identity.partition = 2;
  identity.first = first;
  identity.anchor = first_anchor(identity.topic_id.value, 2);
  return identity;
}

const bytes& entry_chain::add(bytes batch, std::uint64_t term) {
  set_base_offset(batch, next_);
  set_leader_epoch(batch, static_cast<std::int32_t>(term & 0x7fffffff));
  bytes entry(entry_header_bytes + batch.size(), '\0');
  head_ = write_entry(entry.data(), term, batch, head_);
  next_ = batch_view::parse(batch)->next_offset();
  entries_.push_back(std::move(entry));
  return entries_.back();
}

bytes random_events(std::mt19937_64& random, compression codec,
  std::int64_t timestamp_ms, std::size_t records) {
  batch_builder batch{timestamp_ms};
  for (std::size_t i = 0; i < records; ++i) {
    auto schema = static_cast<std::int32_t>(random() % 3 + 1);
    bytes value(5, '\0');
    store_big_endian(value.data() + 1, schema);
    for (int field = 0; field < 12; ++field)
      value += fmt::format("field {} of schema {} has the value {};", field,
        schema, random() % 1000);
    auto key = fmt::format("EUW1_{}", random() % 100'000);
    batch.add(key, value, timestamp_ms + static_cast<std::int64_t>(i));
  }
  return batch.finish(codec);
}

bytes segment_of(const segment_identity& identity,
  const std::vector<bytes>& entries, segment_packing packing) {
  auto writer = segment_writer::create(identity, std::move(packing));
  REQUIRE(writer);
  for (auto& entry : entries)
    REQUIRE((*writer)->add(entry));
  REQUIRE((*writer)->finish());
  return (*writer)->take();
}

std::vector<bytes> entries_of(const segment_reader& reader, offset from) {
  std::vector<bytes> found;
  auto read = reader.visit(from, [&](offset, const entry_view& entry) {
    auto* start = entry.batch.data().data() - entry_header_bytes;
    found.emplace_back(start, entry_header_bytes + entry.batch.data().size());
    return true;
  });
  REQUIRE(read);
  return found;
}

std::uint64_t announced_seed() {
  auto* given = std::getenv("HERALD_SEED");
  auto seed = given ? std::strtoull(given, nullptr, 10)
                    : std::uint64_t{std::random_device{}()};
  WARN("HERALD_SEED=" << seed);
  return seed;
}

std::string hex_of(bytes_view data) {
  std::string text;
  for (auto byte : data)
    text += fmt::format("{:02x}", static_cast<std::uint8_t>(byte));
  return text;
}

bytes of_hex(std::string_view text) {
  bytes data;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    data.push_back(static_cast<char>(
      std::strtoul(std::string{text.substr(i, 2)}.c_str(), nullptr, 16)));
  return data;
}

} // namespace herald
