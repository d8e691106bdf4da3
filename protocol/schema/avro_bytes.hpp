#pragma once

#include "protocol/bytes.hpp"

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>

/// The primitive values of Avro's binary encoding. For the sources of this
/// room.

namespace herald {

static_assert(std::endian::native == std::endian::little);

/// Appends primitive values.
class avro_output {
public:
  explicit avro_output(bytes& out) : out_{out} {}

  void put_boolean(bool value) { out_ += value ? '\1' : '\0'; }

  void put_long(std::int64_t value) {
    auto rest = static_cast<std::uint64_t>(value) << 1
      ^ static_cast<std::uint64_t>(value >> 63);
    char text[10];
    std::size_t length = 0;
    for (; rest >= 0x80; rest >>= 7)
      text[length++] = static_cast<char>(rest | 0x80);
    text[length++] = static_cast<char>(rest);
    out_.append(text, length);
  }

  template <std::floating_point T>
  void put_float(T value) {
    char text[sizeof value];
    std::memcpy(text, &value, sizeof value);
    out_.append(text, sizeof value);
  }

  void put_bytes(bytes_view value) {
    put_long(static_cast<std::int64_t>(value.size()));
    out_ += value;
  }

private:
  bytes& out_;
};

/// Takes primitive values from bytes that nobody vouches for. A function gives
/// false when the bytes do not hold what it should take; wrong() then says why.
class avro_input {
public:
  explicit avro_input(bytes_view data)
    : begin_{data.data()}, at_{begin_}, end_{begin_ + data.size()} {}

  std::size_t position() const {
    return static_cast<std::size_t>(at_ - begin_);
  }
  std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }
  std::string_view wrong() const { return wrong_; }

  /// Remembers the reason of a failure; gives false.
  bool refuse(std::string_view reason) {
    wrong_ = reason;
    return false;
  }

  bool take_boolean(bool& out) {
    if (at_ == end_)
      return refuse("the data ends too early");
    const auto byte = static_cast<unsigned char>(*at_);
    if (byte > 1)
      return refuse("a boolean is neither 0 nor 1");
    ++at_;
    out = byte == 1;
    return true;
  }

  bool take_long(std::int64_t& out) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      if (at_ == end_)
        return refuse("the data ends too early");
      const auto byte = static_cast<unsigned char>(*at_++);
      if (shift == 63 && byte > 1)
        break;
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) {
        out = static_cast<std::int64_t>(value >> 1)
          ^ -static_cast<std::int64_t>(value & 1);
        return true;
      }
    }
    return refuse("an integer has more than 64 bits");
  }

  bool take_int(std::int32_t& out) {
    std::int64_t value = 0;
    if (!take_long(value))
      return false;
    out = static_cast<std::int32_t>(value);
    return out == value || refuse("an int has more than 32 bits");
  }

  template <std::floating_point T>
  bool take_float(T& out) {
    if (remaining() < sizeof out)
      return refuse("the data ends too early");
    std::memcpy(&out, at_, sizeof out);
    at_ += sizeof out;
    return true;
  }

  bool take_bytes(std::string_view& out) {
    std::int64_t length = 0;
    return take_long(length) && take_fixed(length, out);
  }

  bool take_fixed(std::int64_t length, std::string_view& out) {
    if (length < 0)
      return refuse("a length is negative");
    if (static_cast<std::uint64_t>(length) > remaining())
      return refuse("a length goes beyond the end of the data");
    out = {at_, static_cast<std::size_t>(length)};
    at_ += length;
    return true;
  }

  /// Takes the head of a block of an array or a map: how many items follow (0
  /// at the end), and in how many bytes, or -1 when the writer did not say.
  bool take_block(std::int64_t& count, std::int64_t& length) {
    length = -1;
    if (!take_long(count))
      return false;
    if (count >= 0)
      return true;
    if (count == std::numeric_limits<std::int64_t>::min())
      return refuse("a count is out of range");
    count = -count;
    if (!take_long(length))
      return false;
    if (length < 0 || static_cast<std::uint64_t>(length) > remaining())
      return refuse("a block goes beyond the end of the data");
    return true;
  }

private:
  const char* begin_;
  const char* at_;
  const char* end_;
  std::string_view wrong_;
};

} // namespace herald
