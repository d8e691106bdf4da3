#include "engine/log/segment_reader.hpp"

#include "engine/log/segment_layout.hpp"
#include "protocol/big_endian.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

namespace herald::fuzz {

namespace {

std::uint32_t number_at(bytes_view section, std::size_t place) {
  return section.size() < place + 4
    ? 0
    : load_big_endian<std::uint32_t>(section.data() + place);
}

// Of the section that begins here, as far as its first bytes say so.
std::size_t section_bytes(bytes_view rest) {
  constexpr std::size_t header_size = 12, size = 4, dictionary_size = 8,
                        packed_size = 8;
  if (rest.starts_with(segment_magic))
    return number_at(rest, header_size);
  if (rest.starts_with("DICT"))
    return segment_dictionary_front_bytes + segment_check_bytes
      + std::size_t{number_at(rest, dictionary_size)};
  if (rest.starts_with("BLCK"))
    return segment_block_front_bytes + segment_check_bytes
      + std::size_t{number_at(rest, packed_size)};
  return rest.starts_with("TRLR") ? number_at(rest, size) : 0;
}

void put_digest(bytes& file, std::size_t from, std::size_t at) {
  auto digest = digest_of(bytes_view{file}.substr(from, at - from));
  std::memcpy(file.data() + at, digest.data(), digest.size());
}

// Makes the checks right, which nobody guesses, and the sizes in the footer.
bytes mended(bytes_view data) {
  bytes file{data};
  std::size_t at = 0;
  while (at < file.size()) {
    auto rest = bytes_view{file}.substr(at);
    auto size = section_bytes(rest);
    if (size <= segment_check_bytes || size > rest.size())
      break;
    put_digest(file, at, at + size - segment_check_bytes);
    if (rest.starts_with("TRLR") && file.size() >= segment_footer_bytes) {
      auto footer = file.size() - segment_footer_bytes;
      store_big_endian(file.data() + footer, std::uint64_t{at});
      store_big_endian(
        file.data() + footer + 8, static_cast<std::uint64_t>(file.size()));
      put_digest(file, 0, footer + 16);
    }
    at += size;
  }
  return file;
}

void check(bytes content) {
  auto reader = segment_reader::open_bytes(std::move(content));
  if (!reader)
    return;
  auto& segment = **reader;
  auto first = segment.identity().first;
  auto next = segment.summary().next;
  std::uint64_t batches = 0;
  auto visited
    = segment.visit(first, [&](offset base, const entry_view& entry) {
        expect(base == entry.batch.base_offset(), "a batch says its offset");
        expect(base >= first, "no batch stands in front of the first");
        ++batches;
        return true;
      });
  auto sound = segment.verify();
  if (sound) {
    expect(visited.has_value(), "what is sound can be read");
    expect(
      batches == segment.summary().batches, "all batches of it are visited");
  }
  auto middle = first.value + (next.value - first.value) / 2;
  auto found = segment.visit({middle}, [](auto...) { return false; });
  auto last = segment.summary().last_ms;
  auto timed = segment.offset_at_time(last);
  if (sound)
    expect(found && timed, "and searched by offset and by time");
}

} // namespace

void segment(bytes_view data) {
  check(bytes{data});
  check(mended(data));
}

} // namespace herald::fuzz
