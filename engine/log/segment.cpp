#include "engine/log/segment.hpp"

#include "engine/base/xxh3.hpp"
#include "engine/log/segment_layout.hpp"
#include "protocol/batch/crc32c.hpp"
#include "protocol/big_endian.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <functional>

namespace herald {

namespace {

constexpr std::string_view dictionary_magic = "DICT";
constexpr std::string_view block_magic = "BLCK";
constexpr std::string_view trailer_magic = "TRLR";

// Places in a batch (protocol/batch/record_batch.hpp).
constexpr std::size_t at_batch_length = 8;
constexpr std::size_t batch_length_from = 12;
constexpr std::size_t at_batch_crc = 17;
constexpr std::size_t at_attributes = 21;
constexpr std::size_t at_last_delta = 23;
constexpr int codec_bits = 7;

std::unexpected<failure> damaged(std::string why) {
  return fail(fault::damaged, std::move(why));
}

template <class T>
void put(bytes& out, T value) {
  char raw[sizeof value];
  store_big_endian(raw, value);
  out.append(raw, sizeof raw);
}

void put(bytes& out, const std::array<std::uint8_t, 16>& value) {
  out.append(reinterpret_cast<const char*>(value.data()), value.size());
}

void put_text(bytes& out, std::string_view text) {
  assert(text.size() <= UINT16_MAX);
  put(out, static_cast<std::uint16_t>(text.size()));
  out.append(text);
}

void put_check(bytes& section) {
  put(section, digest_of(section));
}

// Takes fields off the front; too few bytes are remembered, and yield zeros.
class field_reader {
public:
  explicit field_reader(bytes_view rest) : rest_{rest} {}

  template <class T>
  T number() {
    auto raw = take(sizeof(T));
    return raw.empty() ? T{} : load_big_endian<T>(raw.data());
  }

  std::array<std::uint8_t, 16> sixteen() {
    std::array<std::uint8_t, 16> value{};
    if (auto raw = take(value.size()); !raw.empty())
      std::memcpy(value.data(), raw.data(), value.size());
    return value;
  }

  std::string_view text() { return take(number<std::uint16_t>()); }

  bytes_view take(std::size_t size) {
    if (size > rest_.size()) {
      fine_ = false;
      rest_ = {};
      return {};
    }
    auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::size_t left() const { return rest_.size(); }
  /// Nothing was missing and nothing is left.
  bool done() const { return fine_ && rest_.empty(); }

private:
  bytes_view rest_;
  bool fine_ = true;
};

// The section without its check, when that is right.
result<bytes_view> checked(bytes_view section, std::string_view magic,
  std::string_view what, std::size_t bytes_min) {
  if (section.size() < bytes_min + segment_check_bytes
    || !section.starts_with(magic))
    return damaged(fmt::format("there is no {}", what));
  auto content = section.substr(0, section.size() - segment_check_bytes);
  auto told = section.substr(content.size());
  auto found = digest_of(content);
  if (std::memcmp(told.data(), found.data(), found.size()) != 0)
    return damaged(fmt::format("the checksum of the {} does not match", what));
  return content;
}

} // namespace

std::string to_string(const segment_digest& digest) {
  std::string text;
  for (auto byte : digest)
    fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

result<segment_digest> parse_digest(std::string_view text) {
  segment_digest digest{};
  auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0'
      : c >= 'a' && c <= 'f'    ? c - 'a' + 10
                                : -1;
  };
  auto fine = text.size() == digest.size() * 2;
  for (std::size_t i = 0; fine && i < digest.size(); ++i) {
    auto high = digit(text[2 * i]);
    auto low = digit(text[2 * i + 1]);
    fine = high >= 0 && low >= 0;
    digest[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (!fine)
    return fail(fault::invalid_input,
      fmt::format("'{}' is not a digest of 32 hex digits", text.substr(0, 64)));
  return digest;
}

segment_digest digest_of(bytes_view data) {
  XXH128_canonical_t form;
  XXH128_canonicalFromHash(&form, XXH3_128bits(data.data(), data.size()));
  segment_digest digest;
  std::memcpy(digest.data(), form.digest, digest.size());
  return digest;
}

std::string segment_file_name(offset first) {
  return fmt::format("{:020}{}", first.value, segment_suffix);
}

// -- header -------------------------------------------------------------------

bytes encode_header(
  const segment_identity& identity, std::size_t dictionaries) {
  assert(dictionaries <= segment_dictionaries_max);
  bytes out{segment_magic};
  put(out, segment_version);
  put(out, static_cast<std::uint8_t>(dictionaries));
  put(out, std::uint16_t{0});
  put(out, std::uint32_t{0}); // the size, below
  put_text(out, identity.cluster);
  put_text(out, identity.topic);
  put(out, identity.topic_id.value);
  put(out, identity.partition);
  put(out, identity.incarnation);
  put(out, identity.generation);
  put(out, identity.first.value);
  put(out, identity.anchor);
  assert(identity.seams.size() <= segment_seams_max);
  put(out, static_cast<std::uint8_t>(identity.seams.size()));
  for (auto& seam : identity.seams) {
    put(out, seam.at.value);
    put(out, seam.before);
    put(out, seam.after);
  }
  store_big_endian(out.data() + segment_header_front_bytes - 4,
    static_cast<std::uint32_t>(out.size() + segment_check_bytes));
  put_check(out);
  return out;
}

result<std::size_t> header_bytes(bytes_view front) {
  if (front.size() < segment_header_front_bytes
    || !front.starts_with(segment_magic))
    return damaged("it does not start like a segment of Herald");
  auto version = static_cast<std::uint8_t>(front[segment_magic.size()]);
  if (version > segment_version)
    return fail(fault::version,
      fmt::format("the segment has format {}, this Herald knows {}", version,
        segment_version));
  if (version != segment_version)
    return damaged("the segment's version is damaged");
  return load_big_endian<std::uint32_t>(
    front.data() + segment_header_front_bytes - 4);
}

result<segment_header> decode_header(bytes_view section) {
  auto content
    = checked(section, segment_magic, "header", segment_header_front_bytes);
  if (!content)
    return std::unexpected{std::move(content).error()};
  segment_header header;
  field_reader fields{content->substr(segment_magic.size() + 1)};
  header.dictionaries = fields.number<std::uint8_t>();
  auto zero = fields.number<std::uint16_t>();
  auto size = fields.number<std::uint32_t>();
  auto& identity = header.identity;
  identity.cluster = fields.text();
  identity.topic = fields.text();
  identity.topic_id.value = fields.sixteen();
  identity.partition = fields.number<std::uint32_t>();
  identity.incarnation = fields.number<std::uint64_t>();
  identity.generation = fields.number<std::uint64_t>();
  identity.first.value = fields.number<std::uint64_t>();
  identity.anchor = fields.sixteen();
  auto seams = fields.number<std::uint8_t>();
  for (; seams > 0 && fields.left() > 0; --seams) {
    offset at{fields.number<std::uint64_t>()};
    auto before = fields.sixteen();
    identity.seams.push_back({at, before, fields.sixteen()});
  }
  auto ascending = std::ranges::is_sorted(
    identity.seams, std::less_equal{}, &segment_seam::at);
  if (seams > 0 || identity.seams.size() > segment_seams_max
    || (identity.generation == 0 && !identity.seams.empty()) || !ascending)
    return damaged("the header has impossible seams");
  if (!fields.done() || zero != 0 || size != section.size()
    || header.dictionaries > segment_dictionaries_max)
    return damaged("the header has impossible fields");
  return header;
}

// -- dictionaries -------------------------------------------------------------

bytes encode_dictionary(const segment_dictionary& dictionary) {
  assert(dictionary.content.size() <= segment_dictionary_bytes_max);
  bytes out{dictionary_magic};
  put(out, dictionary.schema);
  put(out, static_cast<std::uint32_t>(dictionary.content.size()));
  out += dictionary.content;
  put_check(out);
  return out;
}

result<std::size_t> dictionary_bytes(bytes_view front) {
  if (front.size() < segment_dictionary_front_bytes
    || !front.starts_with(dictionary_magic))
    return damaged("there is no dictionary");
  auto size = load_big_endian<std::uint32_t>(front.data() + 8);
  if (size > segment_dictionary_bytes_max)
    return damaged("a dictionary is too large");
  return segment_dictionary_front_bytes + size + segment_check_bytes;
}

result<segment_dictionary> decode_dictionary(bytes_view section) {
  auto content = checked(
    section, dictionary_magic, "dictionary", segment_dictionary_front_bytes);
  if (!content)
    return std::unexpected{std::move(content).error()};
  segment_dictionary dictionary;
  dictionary.schema = load_big_endian<std::int32_t>(content->data() + 4);
  dictionary.content = content->substr(segment_dictionary_front_bytes);
  return dictionary;
}

// -- blocks -------------------------------------------------------------------

bytes encode_block(const segment_block_front& front, bytes_view packed) {
  assert(front.packed == packed.size());
  bytes out{block_magic};
  out.reserve(segment_block_front_bytes + packed.size() + segment_check_bytes);
  put(out, static_cast<std::uint8_t>(front.zip));
  put(out, front.dictionary);
  put(out, std::uint16_t{0});
  put(out, front.packed);
  put(out, front.plain);
  put(out, front.entries);
  put(out, front.first.value);
  put(out, front.next.value);
  put(out, front.last_ms);
  assert(out.size() == segment_block_front_bytes);
  out += packed;
  put_check(out);
  return out;
}

result<segment_block_front> decode_block(bytes_view section) {
  auto content
    = checked(section, block_magic, "block", segment_block_front_bytes);
  if (!content)
    return std::unexpected{std::move(content).error()};
  segment_block_front front;
  field_reader fields{content->substr(block_magic.size())};
  auto zip = fields.number<std::uint8_t>();
  front.zip = static_cast<segment_zip>(zip);
  front.dictionary = fields.number<std::uint8_t>();
  auto zero = fields.number<std::uint16_t>();
  front.packed = fields.number<std::uint32_t>();
  front.plain = fields.number<std::uint32_t>();
  front.entries = fields.number<std::uint32_t>();
  front.first.value = fields.number<std::uint64_t>();
  front.next.value = fields.number<std::uint64_t>();
  front.last_ms = fields.number<std::int64_t>();
  auto plain = front.zip == segment_zip::none;
  if (zip > 1 || zero != 0 || front.packed != fields.left()
    || front.plain > segment_block_bytes_max || front.entries == 0
    || front.next <= front.first
    || (plain && (front.packed != front.plain || front.dictionary != 0)))
    return damaged("the block has impossible fields");
  return front;
}

// -- trailer and footer -------------------------------------------------------

bytes encode_trailer(const segment_trailer& trailer) {
  auto& summary = trailer.summary;
  bytes out{trailer_magic};
  put(out, std::uint32_t{0}); // the size, below
  put(out, summary.next.value);
  put(out, summary.batches);
  put(out, summary.records);
  put(out, summary.batch_bytes);
  put(out, summary.first_ms);
  put(out, summary.last_ms);
  put(out, summary.head);
  put(out, static_cast<std::uint32_t>(summary.terms.size()));
  for (auto& [term, first] : summary.terms) {
    put(out, term);
    put(out, first.value);
  }
  put(out, static_cast<std::uint32_t>(trailer.index.size()));
  for (auto& line : trailer.index) {
    put(out, line.position);
    put(out, line.first.value);
    put(out, line.last_ms);
  }
  store_big_endian(out.data() + trailer_magic.size(),
    static_cast<std::uint32_t>(out.size() + segment_check_bytes));
  put_check(out);
  return out;
}

result<segment_trailer> decode_trailer(bytes_view section) {
  auto content = checked(section, trailer_magic, "trailer", 8);
  if (!content)
    return std::unexpected{std::move(content).error()};
  segment_trailer trailer;
  auto& summary = trailer.summary;
  field_reader fields{content->substr(trailer_magic.size())};
  auto size = fields.number<std::uint32_t>();
  summary.next.value = fields.number<std::uint64_t>();
  summary.batches = fields.number<std::uint64_t>();
  summary.records = fields.number<std::uint64_t>();
  summary.batch_bytes = fields.number<std::uint64_t>();
  summary.first_ms = fields.number<std::int64_t>();
  summary.last_ms = fields.number<std::int64_t>();
  summary.head = fields.sixteen();
  // Each line must be there before the next is made room for.
  auto terms = fields.number<std::uint32_t>();
  for (; terms > 0 && fields.left() >= 16; --terms) {
    auto term = fields.number<std::uint64_t>();
    offset first{fields.number<std::uint64_t>()};
    if (!summary.terms.empty()
      && (term <= summary.terms.back().first
        || first <= summary.terms.back().second))
      return damaged("the terms in the trailer are not ascending");
    summary.terms.emplace_back(term, first);
  }
  auto blocks = terms > 0 ? 0 : fields.number<std::uint32_t>();
  for (; blocks > 0 && fields.left() >= 24; --blocks) {
    segment_index_line line;
    line.position = fields.number<std::uint64_t>();
    line.first.value = fields.number<std::uint64_t>();
    line.last_ms = fields.number<std::int64_t>();
    trailer.index.push_back(line);
  }
  if (!fields.done() || terms > 0 || blocks > 0 || size != section.size())
    return damaged("the trailer has impossible fields");
  return trailer;
}

bytes encode_footer_front(const segment_footer& footer) {
  bytes out;
  put(out, footer.trailer_position);
  put(out, footer.file_bytes);
  return out;
}

bytes encode_footer_end(const segment_digest& digest) {
  bytes out;
  put(out, digest);
  out += segment_magic;
  return out;
}

result<segment_footer> decode_footer(bytes_view section) {
  if (section.size() != segment_footer_bytes
    || !section.ends_with(segment_magic))
    return damaged("it does not end like a segment of Herald: it is cut off");
  segment_footer footer;
  field_reader fields{section};
  footer.trailer_position = fields.number<std::uint64_t>();
  footer.file_bytes = fields.number<std::uint64_t>();
  footer.digest = fields.sixteen();
  return footer;
}

// -- items --------------------------------------------------------------------

namespace {

void put_item_front(bytes& to, segment_form form, std::size_t size) {
  put(to, static_cast<std::uint8_t>(form));
  put(to, static_cast<std::uint32_t>(size));
}

// The records inflated, when compressing them again yields the same bytes.
std::optional<bytes> inflate_exactly(const batch_view& batch) {
  auto plain = decompress(batch.codec(), batch.payload(), inflated_bytes_max);
  if (!plain || compress(batch.codec(), *plain) != batch.payload())
    return std::nullopt;
  return std::move(*plain);
}

} // namespace

result<bytes_view> append_item(bytes& to, bytes_view entry, bool inflate) {
  auto too_large = [](std::size_t size) {
    return fail(fault::too_large,
      fmt::format("a batch of {} bytes does not fit into a segment's block "
                  "of {}",
        size, segment_block_bytes_max));
  };
  auto room = segment_block_bytes_max - segment_item_front_bytes;
  if (to.size() + entry.size() > room)
    return too_large(entry.size());
  auto batch = batch_view::parse_unchecked(entry.substr(entry_header_bytes));
  assert(batch);
  auto plain = inflate && batch->codec() != compression::none
    ? inflate_exactly(*batch)
    : std::nullopt;
  if (plain && to.size() + segment_entry_front_bytes + plain->size() <= room) {
    put_item_front(
      to, segment_form::inflated, segment_entry_front_bytes + plain->size());
    to += entry.substr(0, segment_entry_front_bytes);
    to += *plain;
    return bytes_view{to}.substr(to.size() - plain->size());
  }
  put_item_front(to, segment_form::as_is, entry.size());
  to += entry;
  if (batch->codec() != compression::none)
    return bytes_view{};
  return bytes_view{to}.substr(to.size() - batch->payload().size());
}

segment_follower::segment_follower(const segment_identity& identity)
  : identity_{identity},
    seen_{.next = identity.first, .head = identity.anchor} {}

bool segment_follower::chained(bytes_view stored, const entry_view& entry) {
  auto base = entry.batch.base_offset();
  auto link = seen_.head;
  while (seams_passed_ < identity_.seams.size()
    && identity_.seams[seams_passed_].at <= base) {
    auto& seam = identity_.seams[seams_passed_++];
    if (link != seam.before)
      return false;
    link = seam.after;
  }
  return chain_of(stored, link) == entry.chain;
}

result<entry_view> segment_follower::follow(bytes_view stored, bool anew) {
  if (stored.size() < segment_entry_front_bytes)
    return damaged("the entry is cut off");
  auto gaps = identity_.generation > 0;
  offset base{
    load_big_endian<std::uint64_t>(stored.data() + entry_header_bytes)};
  if (gaps ? base < seen_.next : base != seen_.next)
    return damaged(fmt::format("a batch that starts at {} is in the place of "
                               "the one at {}",
      base.value, seen_.next.value));
  auto entry = read_entry(stored, base, gaps);
  if (!entry)
    return entry;
  if (!chained(stored, *entry) && !anew)
    return damaged("the chain of hashes is broken");
  auto& batch = entry->batch;
  if (seen_.batches == 0)
    seen_.first_ms = first_timestamp_ms(batch);
  else if (first_timestamp_ms(batch) < seen_.last_ms)
    return damaged("its record time is before that of the batch before it");
  if (seen_.terms.empty() || seen_.terms.back().first != entry->term)
    seen_.terms.emplace_back(entry->term, base);
  ++seen_.batches;
  seen_.records += batch.record_count();
  seen_.batch_bytes += batch.size_bytes();
  seen_.next = batch.next_offset();
  seen_.last_ms = std::max(seen_.last_ms, batch.max_timestamp_ms());
  seen_.head = entry->chain;
  return entry;
}

result<void> for_each_inflated(const batch_view& batch, bytes_view records,
  const std::function<void(const record_view&)>& visit) {
  bytes plain{batch.data().substr(0, batch_header_bytes)};
  plain += records;
  store_big_endian(plain.data() + at_batch_length,
    static_cast<std::uint32_t>(plain.size() - batch_length_from));
  store_big_endian(plain.data() + at_attributes,
    static_cast<std::uint16_t>(batch.attributes() & ~codec_bits));
  auto view = batch_view::parse_unchecked(plain);
  if (!view)
    return std::unexpected{std::move(view).error()};
  return view->for_each(visit);
}

offset segment_item::base() const {
  return {load_big_endian<std::uint64_t>(body.data() + entry_header_bytes)};
}

offset segment_item::next() const {
  auto delta = load_big_endian<std::int32_t>(
    body.data() + entry_header_bytes + at_last_delta);
  return {base().value + static_cast<std::uint64_t>(std::max(delta, 0)) + 1};
}

result<segment_item> take_item(bytes_view& rest) {
  if (rest.size() < segment_item_front_bytes)
    return damaged("an item is cut off");
  auto form = static_cast<std::uint8_t>(rest[0]);
  auto size = load_big_endian<std::uint32_t>(rest.data() + 1);
  rest.remove_prefix(segment_item_front_bytes);
  if (form > static_cast<std::uint8_t>(segment_form::inflated))
    return damaged("an item has an unknown form");
  if (size > rest.size() || size < segment_entry_front_bytes)
    return damaged("an item has an impossible size");
  segment_item item{static_cast<segment_form>(form), rest.substr(0, size)};
  rest.remove_prefix(size);
  return item;
}

result<segment_entry> rebuild_entry(const segment_item& item) {
  assert(item.form == segment_form::inflated);
  segment_entry made{
    .entry = bytes{item.body.substr(0, segment_entry_front_bytes)}};
  auto* batch = made.entry.data() + entry_header_bytes;
  auto codec
    = load_big_endian<std::uint16_t>(batch + at_attributes) & codec_bits;
  if (codec == 0 || codec > static_cast<int>(compression::zstd))
    return damaged("an inflated item names no compression");
  made.entry += compress(static_cast<compression>(codec),
    item.body.substr(segment_entry_front_bytes));
  batch = made.entry.data() + entry_header_bytes;
  auto batch_size = made.entry.size() - entry_header_bytes;
  auto crc = crc32c({batch + at_attributes, batch_size - at_attributes});
  auto length = static_cast<std::uint32_t>(batch_size - batch_length_from);
  made.anew = load_big_endian<std::uint32_t>(batch + at_batch_crc) != crc
    || load_big_endian<std::uint32_t>(batch + at_batch_length) != length;
  store_big_endian(batch + at_batch_crc, crc);
  store_big_endian(batch + at_batch_length, length);
  return made;
}

} // namespace herald
