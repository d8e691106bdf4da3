#include "engine/log/entry.hpp"

#include "engine/base/xxh3.hpp"
#include "protocol/big_endian.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace herald {

namespace {

constexpr std::size_t at_codec = 1;
constexpr std::size_t at_zeros = 2;
constexpr std::size_t at_term = 8;
constexpr std::size_t at_chain = 16;

static_assert(at_chain + sizeof(chain_hash) == entry_header_bytes);

chain_hash canonical(XXH128_hash_t hash) {
  XXH128_canonical_t form;
  XXH128_canonicalFromHash(&form, hash);
  chain_hash result;
  std::memcpy(result.data(), form.digest, result.size());
  return result;
}

} // namespace

chain_hash first_anchor(
  const std::array<std::uint8_t, 16>& topic, std::uint32_t partition) {
  char name[20];
  std::memcpy(name, topic.data(), topic.size());
  store_big_endian(name + topic.size(), partition);
  return canonical(XXH3_128bits(name, sizeof name));
}

chain_hash write_entry(
  char* to, std::uint64_t term, bytes_view batch, const chain_hash& previous) {
  std::memset(to, 0, at_term);
  to[0] = 1;
  auto view = batch_view::parse_unchecked(batch);
  to[at_codec] = static_cast<char>(view->codec());
  store_big_endian(to + at_term, term);
  std::memcpy(to + at_chain, previous.data(), previous.size());
  std::memcpy(to + entry_header_bytes, batch.data(), batch.size());
  auto chain = canonical(XXH3_128bits(to, entry_header_bytes + batch.size()));
  std::memcpy(to + at_chain, chain.data(), chain.size());
  return chain;
}

result<entry_view> read_entry(bytes_view entry, offset key, bool gaps) {
  auto damaged
    = [](std::string why) { return fail(fault::damaged, std::move(why)); };
  if (entry.size() < entry_header_bytes)
    return damaged(fmt::format("the entry has {} bytes only", entry.size()));
  if (entry[0] != 1)
    return fail(
      static_cast<std::uint8_t>(entry[0]) > 1 ? fault::version : fault::damaged,
      fmt::format("the entry has version {}, this Herald knows 1",
        static_cast<std::uint8_t>(entry[0])));
  auto zeros = entry.substr(at_zeros, at_term - at_zeros);
  if (std::ranges::any_of(zeros, [](char c) { return c != 0; }))
    return damaged("the entry's header is not zero where it must be");
  auto batch = batch_view::parse(entry.substr(entry_header_bytes));
  if (!batch)
    return damaged(std::move(batch).error().message);
  entry_view result{.batch = *batch};
  result.term = load_big_endian<std::uint64_t>(entry.data() + at_term);
  result.chain = told_chain(entry);
  if (static_cast<char>(batch->codec()) != entry[at_codec])
    return damaged(fmt::format("the entry says codec {}, its batch {}",
      static_cast<int>(entry[at_codec]), static_cast<int>(batch->codec())));
  if (batch->base_offset() != key)
    return damaged(fmt::format(
      "the batch says that it starts at {}", batch->base_offset().value));
  if (batch->leader_epoch()
    != static_cast<std::int32_t>(result.term & 0x7fffffff))
    return damaged(fmt::format("the entry says term {}, its batch epoch {}",
      result.term, batch->leader_epoch()));
  if (!gaps
    && std::int64_t{batch->record_count()}
      != std::int64_t{batch->last_offset_delta()} + 1)
    return damaged(fmt::format("the batch has {} records for {} offsets",
      batch->record_count(), std::int64_t{batch->last_offset_delta()} + 1));
  return result;
}

chain_hash told_chain(bytes_view entry) {
  chain_hash chain;
  std::memcpy(chain.data(), entry.data() + at_chain, chain.size());
  return chain;
}

chain_hash chain_of(bytes_view entry, const chain_hash& previous) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  XXH3_128bits_update(&state, entry.data(), at_chain);
  XXH3_128bits_update(&state, previous.data(), previous.size());
  XXH3_128bits_update(&state, entry.data() + entry_header_bytes,
    entry.size() - entry_header_bytes);
  return canonical(XXH3_128bits_digest(&state));
}

std::int64_t first_timestamp_ms(const batch_view& batch) {
  if (batch.log_append_time())
    return batch.max_timestamp_ms();
  return std::min(batch.base_timestamp_ms(), batch.max_timestamp_ms());
}

} // namespace herald
