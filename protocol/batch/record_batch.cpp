#include "protocol/batch/record_batch.hpp"

#include "protocol/batch/crc32c.hpp"
#include "protocol/big_endian.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <limits>

namespace herald {

namespace {

// Where the fields of a batch stand.
constexpr std::size_t at_base_offset = 0;
constexpr std::size_t at_length = 8;
constexpr std::size_t at_leader_epoch = 12;
constexpr std::size_t at_magic = 16;
constexpr std::size_t at_crc = 17;
constexpr std::size_t at_attributes = 21;
constexpr std::size_t at_last_offset_delta = 23;
constexpr std::size_t at_base_timestamp = 27;
constexpr std::size_t at_max_timestamp = 35;
constexpr std::size_t at_producer_id = 43;
constexpr std::size_t at_producer_epoch = 51;
constexpr std::size_t at_base_sequence = 53;
constexpr std::size_t at_record_count = 57;

constexpr std::int16_t codec_bits = 0x07;
constexpr std::int16_t log_append_time_bit = 0x08;

// The shortest record: seven fields of one byte.
constexpr std::size_t record_bytes_min = 7;

auto invalid(std::string why) {
  return fail(
    fault::invalid_input, "the record batch is malformed: " + std::move(why));
}

std::uint64_t zigzag(std::int64_t x) {
  return static_cast<std::uint64_t>(x) << 1
    ^ static_cast<std::uint64_t>(x >> 63);
}

void put_varint(bytes& out, std::int64_t x) {
  auto rest = zigzag(x);
  for (; rest >= 0x80; rest >>= 7)
    out.push_back(static_cast<char>(rest | 0x80));
  out.push_back(static_cast<char>(rest));
}

std::size_t varint_bytes(std::int64_t x) {
  std::size_t size = 1;
  for (auto rest = zigzag(x); rest >= 0x80; rest >>= 7)
    ++size;
  return size;
}

std::size_t field_bytes(const std::optional<bytes_view>& field) {
  if (!field)
    return 1;
  return varint_bytes(static_cast<std::int64_t>(field->size())) + field->size();
}

void put_field(bytes& out, const std::optional<bytes_view>& field) {
  if (!field)
    return put_varint(out, -1);
  put_varint(out, static_cast<std::int64_t>(field->size()));
  out.append(*field);
}

bool take_varint(bytes_view& from, std::int64_t& to) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 10 && i < from.size(); ++i) {
    auto byte = static_cast<std::uint8_t>(from[i]);
    value |= std::uint64_t{byte & 0x7fu} << (7 * i);
    if (byte < 0x80) {
      if (i == 9 && byte > 1)
        return false;
      from.remove_prefix(i + 1);
      to = static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
      return true;
    }
  }
  return false;
}

bool take_field(bytes_view& from, std::optional<bytes_view>& to) {
  std::int64_t size = 0;
  if (!take_varint(from, size) || size < -1)
    return false;
  if (size == -1) {
    to.reset();
    return true;
  }
  if (static_cast<std::uint64_t>(size) > from.size())
    return false;
  to = from.substr(0, static_cast<std::size_t>(size));
  from.remove_prefix(static_cast<std::size_t>(size));
  return true;
}

bool take_header(bytes_view& from, record_header& to) {
  std::optional<bytes_view> key;
  if (!take_field(from, key) || !key)
    return false;
  to.key = *key;
  return take_field(from, to.value);
}

bool headers_are_whole(bytes_view encoded, std::uint32_t count) {
  record_header header;
  for (; count > 0; --count)
    if (!take_header(encoded, header))
      return false;
  return encoded.empty();
}

std::uint32_t computed_crc(bytes_view batch) {
  return crc32c(batch.substr(at_attributes));
}

void renew_crc(std::span<char> batch) {
  store_big_endian(
    batch.data() + at_crc, computed_crc({batch.data(), batch.size()}));
}

} // namespace

// -- records ------------------------------------------------------------------

std::vector<record_header> record_view::headers() const {
  std::vector<record_header> result;
  auto rest = header_bytes;
  for (std::uint32_t i = 0; i < header_count; ++i) {
    record_header header;
    if (!take_header(rest, header))
      break;
    result.push_back(header);
  }
  return result;
}

std::optional<bytes_view> record_view::header(bytes_view name) const {
  auto rest = header_bytes;
  record_header header;
  for (std::uint32_t i = 0; i < header_count && take_header(rest, header); ++i)
    if (header.key == name)
      return header.value;
  return std::nullopt;
}

// -- building -----------------------------------------------------------------

batch_builder::batch_builder(std::int64_t base_timestamp_ms)
  : base_timestamp_ms_{base_timestamp_ms} {
  start();
}

void batch_builder::start() {
  out_.assign(batch_header_bytes, '\0');
  max_timestamp_ms_ = base_timestamp_ms_;
  count_ = 0;
}

void batch_builder::add(std::optional<bytes_view> key,
  std::optional<bytes_view> value, std::int64_t timestamp_ms,
  std::span<const record_header> headers) {
  max_timestamp_ms_ = std::max(max_timestamp_ms_, timestamp_ms);
  auto time_delta = max_timestamp_ms_ - base_timestamp_ms_;
  auto header_count = static_cast<std::int64_t>(headers.size());
  auto size = 1 + varint_bytes(time_delta) + varint_bytes(count_)
    + field_bytes(key) + field_bytes(value) + varint_bytes(header_count);
  for (auto& header : headers)
    size += field_bytes(header.key) + field_bytes(header.value);
  put_varint(out_, static_cast<std::int64_t>(size));
  out_.push_back('\0');
  put_varint(out_, time_delta);
  put_varint(out_, count_);
  put_field(out_, key);
  put_field(out_, value);
  put_varint(out_, header_count);
  for (auto& header : headers) {
    put_field(out_, header.key);
    put_field(out_, header.value);
  }
  ++count_;
}

bytes batch_builder::finish(compression codec) {
  assert(count_ > 0);
  if (codec != compression::none) {
    auto packed = compress(codec, bytes_view{out_}.substr(batch_header_bytes));
    out_.resize(batch_header_bytes);
    out_.append(packed);
  }
  auto* to = out_.data();
  store_big_endian(
    to + at_length, static_cast<std::int32_t>(out_.size() - at_leader_epoch));
  to[at_magic] = 2;
  store_big_endian(to + at_attributes, static_cast<std::int16_t>(codec));
  store_big_endian(
    to + at_last_offset_delta, static_cast<std::int32_t>(count_ - 1));
  store_big_endian(to + at_base_timestamp, base_timestamp_ms_);
  store_big_endian(to + at_max_timestamp, max_timestamp_ms_);
  store_big_endian(to + at_producer_id, std::int64_t{-1});
  store_big_endian(to + at_producer_epoch, std::int16_t{-1});
  store_big_endian(to + at_base_sequence, std::int32_t{-1});
  store_big_endian(to + at_record_count, static_cast<std::int32_t>(count_));
  renew_crc(out_);
  auto result = std::move(out_);
  start();
  return result;
}

// -- reading ------------------------------------------------------------------

result<batch_view> batch_view::parse(bytes_view data) {
  auto batch = parse_unchecked(data);
  if (batch && batch->crc() != computed_crc(data))
    return invalid(fmt::format("its CRC is {:08x}, that of its bytes {:08x}",
      batch->crc(), computed_crc(data)));
  return batch;
}

result<batch_view> batch_view::parse_unchecked(bytes_view data) {
  auto size = first_batch_bytes(data);
  if (!size)
    return std::unexpected{std::move(size).error()};
  if (*size != data.size())
    return invalid(
      fmt::format("its length is {}, there are {} bytes", *size, data.size()));
  batch_view batch{data};
  if (data[at_magic] != 2)
    return invalid(fmt::format(
      "its format is {}, only 2 is known", static_cast<int>(data[at_magic])));
  if (auto codec = batch.attributes() & codec_bits; codec > 4)
    return invalid(fmt::format("codec {} does not exist", codec));
  if (load_big_endian<std::int64_t>(data.data() + at_base_offset) < 0)
    return invalid("its base offset is negative");
  auto count = load_big_endian<std::int32_t>(data.data() + at_record_count);
  auto delta = batch.last_offset_delta();
  if (delta < 0 || count < 0 || std::int64_t{count} > std::int64_t{delta} + 1)
    return invalid(
      fmt::format("{} records cannot end {} after the first", count, delta));
  if (batch.codec() == compression::none
    && batch.record_count() > batch.payload().size() / record_bytes_min)
    return invalid(fmt::format(
      "{} bytes cannot hold {} records", batch.payload().size(), count));
  return batch;
}

offset batch_view::base_offset() const {
  return {load_big_endian<std::uint64_t>(data_.data() + at_base_offset)};
}

offset batch_view::last_offset() const {
  return {
    base_offset().value + static_cast<std::uint64_t>(last_offset_delta())};
}

std::int32_t batch_view::leader_epoch() const {
  return load_big_endian<std::int32_t>(data_.data() + at_leader_epoch);
}

std::uint32_t batch_view::crc() const {
  return load_big_endian<std::uint32_t>(data_.data() + at_crc);
}

std::int16_t batch_view::attributes() const {
  return load_big_endian<std::int16_t>(data_.data() + at_attributes);
}

compression batch_view::codec() const {
  return static_cast<compression>(attributes() & codec_bits);
}

std::int32_t batch_view::last_offset_delta() const {
  return load_big_endian<std::int32_t>(data_.data() + at_last_offset_delta);
}

std::int64_t batch_view::base_timestamp_ms() const {
  return load_big_endian<std::int64_t>(data_.data() + at_base_timestamp);
}

std::int64_t batch_view::max_timestamp_ms() const {
  return load_big_endian<std::int64_t>(data_.data() + at_max_timestamp);
}

std::int64_t batch_view::producer_id() const {
  return load_big_endian<std::int64_t>(data_.data() + at_producer_id);
}

std::int16_t batch_view::producer_epoch() const {
  return load_big_endian<std::int16_t>(data_.data() + at_producer_epoch);
}

std::int32_t batch_view::base_sequence() const {
  return load_big_endian<std::int32_t>(data_.data() + at_base_sequence);
}

std::uint32_t batch_view::record_count() const {
  return load_big_endian<std::uint32_t>(data_.data() + at_record_count);
}

record_reader::record_reader(const batch_view& batch, std::size_t bytes_max)
  : batch_{batch}, bytes_max_{bytes_max} {}

result<const record_view*> record_reader::next() {
  if (!started_) {
    started_ = true;
    rest_ = batch_.payload();
    if (batch_.codec() != compression::none) {
      auto plain = decompress(batch_.codec(), rest_, bytes_max_);
      if (!plain)
        return std::unexpected{std::move(plain).error()};
      inflated_ = std::move(*plain);
      rest_ = inflated_;
    }
  }
  if (seen_ == batch_.record_count()) {
    if (!rest_.empty())
      return invalid(
        fmt::format("{} bytes follow the last record", rest_.size()));
    return nullptr;
  }
  auto cut_off
    = [this] { return invalid(fmt::format("record {} is damaged", seen_)); };
  std::int64_t size = 0;
  if (!take_varint(rest_, size) || size < 1
    || static_cast<std::uint64_t>(size) > rest_.size())
    return cut_off();
  auto body = rest_.substr(0, static_cast<std::size_t>(size));
  rest_.remove_prefix(body.size());
  body.remove_prefix(1); // attributes: none are defined
  std::int64_t time_delta = 0, offset_delta = 0, headers = 0;
  if (!take_varint(body, time_delta) || !take_varint(body, offset_delta)
    || !take_field(body, record_.key) || !take_field(body, record_.value)
    || !take_varint(body, headers) || headers < 0
    || headers > std::numeric_limits<std::int32_t>::max())
    return cut_off();
  record_.header_count = static_cast<std::uint32_t>(headers);
  record_.header_bytes = body;
  if (!headers_are_whole(body, record_.header_count))
    return cut_off();
  if (offset_delta <= last_delta_ || offset_delta > batch_.last_offset_delta())
    return invalid(
      fmt::format("record {} has offset {} in its batch", seen_, offset_delta));
  last_delta_ = offset_delta;
  record_.at
    = {batch_.base_offset().value + static_cast<std::uint64_t>(offset_delta)};
  record_.timestamp_ms = batch_.log_append_time()
    ? batch_.max_timestamp_ms()
    : static_cast<std::int64_t>(
        static_cast<std::uint64_t>(batch_.base_timestamp_ms())
        + static_cast<std::uint64_t>(time_delta));
  ++seen_;
  return &record_;
}

namespace {

// Reads varints of a row of records where only their sense is of interest. A
// failed read leaves the row at its end, marked as bad.
class record_row {
public:
  explicit record_row(bytes_view from)
    : at_{from.data()}, end_{from.data() + from.size()} {}

  bool bad() const { return bad_; }
  bool empty() const { return at_ == end_; }
  std::size_t size() const { return static_cast<std::size_t>(end_ - at_); }

  std::int64_t varint() {
    // Most are of one byte.
    if (at_ != end_ && static_cast<std::uint8_t>(*at_) < 0x80) [[likely]] {
      auto byte = static_cast<std::uint8_t>(*at_++);
      return static_cast<std::int64_t>(byte >> 1) ^ -(byte & 1);
    }
    bytes_view rest{at_, size()};
    std::int64_t value = 0;
    if (!take_varint(rest, value)) {
      fail();
      return 0;
    }
    at_ = rest.data();
    return value;
  }
  void skip(std::int64_t bytes) {
    if (bytes < 0 || static_cast<std::uint64_t>(bytes) > size())
      fail();
    else
      at_ += bytes;
  }
  /// A field with its size in front, which may be null.
  void skip_field() {
    auto bytes = varint();
    if (bytes != -1)
      skip(bytes);
  }

private:
  void fail() {
    bad_ = true;
    at_ = end_;
  }

  const char* at_;
  const char* end_;
  bool bad_ = false;
};

// Whether `records` are `count` whole records with the offsets 0 to count - 1:
// what record_reader would find, without looking at any.
bool are_dense_records(bytes_view records, std::uint32_t count) {
  record_row row{records};
  for (std::uint32_t i = 0; i < count; ++i) {
    auto size = row.varint();
    auto left = row.size();
    row.skip(1);  // attributes
    row.varint(); // time
    if (row.varint() != i)
      return false;
    row.skip_field();
    row.skip_field();
    auto headers = row.varint();
    if (headers < 0)
      return false;
    for (; headers > 0 && !row.bad(); --headers) {
      auto key = row.varint();
      row.skip(key);
      row.skip_field();
    }
    if (row.bad() || size < 0
      || left - row.size() != static_cast<std::uint64_t>(size))
      return false;
  }
  return row.empty();
}

} // namespace

result<void> check_records(const batch_view& batch, std::size_t bytes_max) {
  auto deltas = static_cast<std::uint64_t>(batch.last_offset_delta());
  if (batch.record_count() != deltas + 1)
    return invalid(fmt::format(
      "it holds {} records for {} offsets", batch.record_count(), deltas + 1));
  if (batch.control())
    return invalid("it is a control batch, which clients may not write");
  if (batch.producer_id() >= 0
    && (batch.base_sequence() < 0 || batch.producer_epoch() < 0))
    return invalid("it has a producer id but no sequence or epoch");
  if (batch.codec() == compression::none
    && are_dense_records(batch.payload(), batch.record_count()))
    return {};
  // What is compressed, and the words for what is wrong. As many ascending
  // offsets as there are places leave no gap.
  return batch.for_each([](const record_view&) {}, bytes_max);
}

result<std::size_t> first_batch_bytes(bytes_view data) {
  if (data.size() < batch_header_bytes)
    return invalid(fmt::format("{} bytes are fewer than the {} of its header",
      data.size(), batch_header_bytes));
  auto length = load_big_endian<std::int32_t>(data.data() + at_length);
  if (length < 0 || std::size_t(length) + at_leader_epoch < batch_header_bytes)
    return invalid(fmt::format("its length {} cannot be", length));
  auto size = std::size_t(length) + at_leader_epoch;
  if (size > data.size())
    return invalid(
      fmt::format("it is cut off after {} of {} bytes", data.size(), size));
  return size;
}

void set_base_offset(std::span<char> batch, offset base) {
  assert(batch.size() >= batch_header_bytes);
  store_big_endian(batch.data() + at_base_offset, base.value);
}

void set_leader_epoch(std::span<char> batch, std::int32_t epoch) {
  assert(batch.size() >= batch_header_bytes);
  store_big_endian(batch.data() + at_leader_epoch, epoch);
}

bytes with_records(const batch_view& like, compression codec,
  bytes_view records, std::uint32_t count, std::int64_t max_timestamp_ms) {
  bytes out{like.data().substr(0, batch_header_bytes)};
  out += compress(codec, records);
  auto* to = out.data();
  store_big_endian(
    to + at_length, static_cast<std::int32_t>(out.size() - at_leader_epoch));
  store_big_endian(to + at_attributes,
    static_cast<std::int16_t>(
      (like.attributes() & ~codec_bits) | static_cast<std::int16_t>(codec)));
  store_big_endian(to + at_max_timestamp, max_timestamp_ms);
  store_big_endian(to + at_record_count, static_cast<std::int32_t>(count));
  renew_crc(out);
  return out;
}

void set_producer(std::span<char> batch, std::int64_t producer_id,
  std::int16_t epoch, std::int32_t base_sequence) {
  assert(batch.size() >= batch_header_bytes);
  store_big_endian(batch.data() + at_producer_id, producer_id);
  store_big_endian(batch.data() + at_producer_epoch, epoch);
  store_big_endian(batch.data() + at_base_sequence, base_sequence);
  renew_crc(batch);
}

void set_log_append_time(std::span<char> batch, std::int64_t timestamp_ms) {
  assert(batch.size() >= batch_header_bytes);
  auto attributes = load_big_endian<std::int16_t>(batch.data() + at_attributes);
  store_big_endian(batch.data() + at_attributes,
    static_cast<std::int16_t>(attributes | log_append_time_bit));
  store_big_endian(batch.data() + at_max_timestamp, timestamp_ms);
  renew_crc(batch);
}

} // namespace herald
