#include "protocol/kafka/encoder.hpp"

#include "protocol/big_endian.hpp"
#include "protocol/kafka/decoder.hpp"

#include <bit>
#include <cassert>
#include <limits>

namespace herald::kafka {

namespace {

// What of a string the protocol can carry, cut between two characters.
bytes_view carried(bytes_view text) {
  if (text.size() <= string_bytes_max)
    return text;
  auto size = string_bytes_max;
  while (size > string_bytes_max - 3 && (text[size] & 0xc0) == 0x80)
    --size;
  return text.substr(0, size);
}

} // namespace

encoder::encoder(bytes& buffer, std::vector<splice>& splices)
  : out_{buffer}, splices_{&splices} {
  for (auto& one : splices)
    spliced_bytes_ += one.data.size();
}

void encoder::begin(const message_info& info, std::int16_t version) {
  assert(info.supports(version));
  flexible_ = version >= info.first_flexible;
}

void encoder::write(double value) {
  write(std::bit_cast<std::uint64_t>(value));
}

void encoder::write(const uuid& value) {
  out_.append(reinterpret_cast<const char*>(value.data()), value.size());
}

void encoder::write(const std::string& value) {
  auto text = carried(value);
  if (flexible_)
    write_uvarint(static_cast<std::uint32_t>(text.size() + 1));
  else
    write(static_cast<std::int16_t>(text.size()));
  out_.append(text);
}

void encoder::write(bytes_view value) {
  write_length(static_cast<std::int64_t>(value.size()));
  out_.append(value);
}

void encoder::write(const record_set& value) {
  write_length(static_cast<std::int64_t>(value.size_bytes()));
  value.for_each_piece([this](bytes_view piece) {
    if (splices_) {
      splices_->push_back({out_.size(), piece});
      spliced_bytes_ += piece.size();
    } else {
      out_.append(piece);
    }
  });
}

void encoder::write(const std::optional<std::string>& value, bool nullable) {
  if (value)
    write(*value);
  else if (!nullable)
    write(std::string{});
  else if (flexible_)
    write_uvarint(0);
  else
    write(std::int16_t{-1});
}

void encoder::write_inflexible(
  const std::optional<std::string>& value, bool nullable) {
  auto flexible = std::exchange(flexible_, false);
  write(value, nullable);
  flexible_ = flexible;
}

void encoder::write(const std::optional<bytes_view>& value, bool nullable) {
  if (value)
    write(*value);
  else
    write_length(nullable ? -1 : 0);
}

void encoder::write(const std::optional<record_set>& value, bool nullable) {
  if (value)
    write(*value);
  else
    write_length(nullable ? -1 : 0);
}

void encoder::write_tag_count(std::uint32_t count) {
  assert(flexible_ || count == 0);
  if (flexible_)
    write_uvarint(count);
}

void encoder::begin_frame() {
  frame_place_ = out_.size();
  frame_start_bytes_ = size_bytes();
  write(std::int32_t{0});
}

void encoder::end_frame() {
  auto size = size_bytes() - frame_start_bytes_ - sizeof(std::int32_t);
  assert(size <= std::numeric_limits<std::int32_t>::max());
  store_big_endian(out_.data() + frame_place_, static_cast<std::int32_t>(size));
}

void encoder::append(std::uint64_t value, std::size_t size) {
  char raw[sizeof value];
  store_big_endian(raw, value << (8 * (sizeof value - size)));
  out_.append(raw, size);
}

void encoder::write_uvarint(std::uint32_t value) {
  for (; value >= 0x80; value >>= 7)
    out_.push_back(static_cast<char>(value | 0x80));
  out_.push_back(static_cast<char>(value));
}

void encoder::write_length(std::int64_t length) {
  assert(length <= std::numeric_limits<std::int32_t>::max());
  if (flexible_)
    write_uvarint(static_cast<std::uint32_t>(length + 1));
  else
    write(static_cast<std::int32_t>(length));
}

void encoder::insert_tag_size(std::size_t start) {
  // Tagged fields are small and rare: their size goes in front when it is
  // known, and nothing that was spliced stands behind it.
  assert(!splices_ || splices_->empty() || splices_->back().at <= start);
  auto field = out_.substr(start);
  out_.resize(start);
  write_uvarint(static_cast<std::uint32_t>(field.size()));
  out_.append(field);
}

std::vector<bytes_view> gather(
  bytes_view buffer, std::span<const splice> splices) {
  std::vector<bytes_view> pieces;
  std::size_t sent = 0;
  for (auto& one : splices) {
    assert(sent <= one.at && one.at <= buffer.size());
    if (one.at > sent)
      pieces.push_back(buffer.substr(sent, one.at - sent));
    if (!one.data.empty())
      pieces.push_back(one.data);
    sent = one.at;
  }
  if (sent < buffer.size())
    pieces.push_back(buffer.substr(sent));
  return pieces;
}

} // namespace herald::kafka
