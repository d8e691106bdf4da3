#include "protocol/kafka/decoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace herald::kafka {

decoder::decoder(
  bytes_view data, const message_info& info, std::int16_t version)
  : data_{data}, end_{data.size()}, info_{info}, version_{version},
    flexible_{version >= info.first_flexible} {
  if (!info.supports(version))
    wrong(fault::invalid_input, "the version",
      fmt::format("not supported, {} to {} are", info.lowest, info.highest));
}

void decoder::read(double& to, const char* field) {
  std::uint64_t bits = 0;
  read(bits, field);
  to = std::bit_cast<double>(bits);
}

void decoder::read(error& to, const char* field) {
  std::int16_t code = 0;
  read(code, field);
  to = static_cast<error>(code);
}

void decoder::read(uuid& to, const char* field) {
  to = {};
  if (auto* from = take(to.size(), field))
    std::copy_n(from, to.size(), to.begin());
}

void decoder::read(std::string& to, const char* field) {
  to.clear();
  auto length = read_string_length(field, false, flexible_);
  if (auto* from = length > 0 ? take(length, field) : nullptr)
    to.assign(from, length);
}

void decoder::read(bytes_view& to, const char* field) {
  to = {};
  auto length = read_length(field, false);
  if (auto* from = length > 0 ? take(length, field) : nullptr)
    to = {from, static_cast<std::size_t>(length)};
}

void decoder::read(record_set& to, const char* field) {
  bytes_view view;
  read(view, field);
  to = view;
}

void decoder::read(
  std::optional<std::string>& to, const char* field, bool nullable) {
  to.reset();
  auto length = read_string_length(field, nullable, flexible_);
  if (auto* from = length >= 0 ? take(length, field) : nullptr)
    to.emplace(from, length);
}

void decoder::read_inflexible(
  std::optional<std::string>& to, const char* field, bool nullable) {
  to.reset();
  auto length = read_string_length(field, nullable, false);
  if (auto* from = length >= 0 ? take(length, field) : nullptr)
    to.emplace(from, length);
}

void decoder::read(
  std::optional<bytes_view>& to, const char* field, bool nullable) {
  to.reset();
  auto length = read_length(field, nullable);
  if (auto* from = length >= 0 ? take(length, field) : nullptr)
    to.emplace(from, length);
}

void decoder::read(
  std::optional<record_set>& to, const char* field, bool nullable) {
  std::optional<bytes_view> view;
  read(view, field, nullable);
  to.reset();
  if (view)
    to.emplace(*view);
}

result<void> decoder::finish() const {
  if (failed_)
    return std::unexpected{failure_};
  return {};
}

std::uint32_t decoder::read_uvarint(const char* field) {
  std::uint32_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    auto* from = take(1, field);
    if (!from)
      return 0;
    auto next = static_cast<std::uint8_t>(*from);
    if (shift == 28 && next > 0x0f)
      break;
    value |= static_cast<std::uint32_t>(next & 0x7f) << shift;
    if (!(next & 0x80))
      return value;
  }
  wrong(fault::invalid_input, field, "a varint of more than 32 bits");
  return 0;
}

std::int64_t decoder::read_length(const char* field, bool nullable) {
  std::int64_t length = -1;
  if (flexible_) {
    length = static_cast<std::int64_t>(read_uvarint(field)) - 1;
  } else {
    std::int32_t fixed = 0;
    read(fixed, field);
    length = fixed;
  }
  return nullable ? std::max<std::int64_t>(length, -1)
                  : refuse_null(length, field);
}

std::int64_t decoder::read_string_length(
  const char* field, bool nullable, bool flexible) {
  std::int64_t length = -1;
  if (flexible) {
    length = static_cast<std::int64_t>(read_uvarint(field)) - 1;
  } else {
    std::int16_t fixed = 0;
    read(fixed, field);
    length = fixed;
  }
  if (length > static_cast<std::int64_t>(string_bytes_max)) {
    wrong(fault::invalid_input, field,
      fmt::format(
        "a string of {} bytes, {} are allowed", length, string_bytes_max));
    return -1;
  }
  return nullable ? std::max<std::int64_t>(length, -1)
                  : refuse_null(length, field);
}

std::int64_t decoder::refuse_null(std::int64_t length, const char* field) {
  if (length < 0)
    wrong(fault::invalid_input, field, "null where there may be none");
  return length;
}

std::int64_t decoder::array_count(const char* field,
  std::size_t element_bytes_min, std::size_t memory_each, bool nullable) {
  auto count = read_length(field, nullable);
  if (count <= 0)
    return count;
  auto wanted = static_cast<std::uint64_t>(count);
  if (wanted * element_bytes_min > rest_bytes()) {
    wrong(fault::invalid_input, field,
      fmt::format("{} elements cannot be in the {} bytes that are left", count,
        rest_bytes()));
    return 0;
  }
  if (wanted * memory_each > memory_left_) {
    wrong(fault::too_large, field,
      fmt::format("with its {} elements the message is too large to be held "
                  "(over {} bytes)",
        count, decoded_bytes_max));
    return 0;
  }
  memory_left_ -= wanted * memory_each;
  return count;
}

bool decoder::is_present(const char* field) {
  std::int8_t mark = -1;
  read(mark, field);
  if (ok() && mark != 1 && mark != -1)
    wrong(fault::invalid_input, field,
      fmt::format("{} is neither present (1) nor null (-1)", mark));
  return ok() && mark == 1;
}

std::uint32_t decoder::tag_count(const char* structure) {
  auto count = read_uvarint(structure);
  if (ok() && count > rest_bytes() / 2) {
    wrong(fault::invalid_input, structure,
      fmt::format("{} tagged fields cannot be in the {} bytes that are left",
        count, rest_bytes()));
    return 0;
  }
  return count;
}

decoder::tag decoder::begin_tag(std::int64_t& last, const char* structure) {
  tag found;
  found.number = read_uvarint(structure);
  auto size = read_uvarint(structure);
  if (ok() && found.number <= last)
    wrong(fault::invalid_input, structure,
      fmt::format("tagged field {} behind {}", found.number, last));
  if (ok() && size > rest_bytes())
    cut_off(size, structure);
  last = found.number;
  found.end = ok() ? at_ + size : end_;
  return found;
}

void decoder::end_tag(const char* structure, std::size_t behind) {
  if (ok() && at_ != end_)
    wrong(fault::invalid_input, structure,
      fmt::format("{} bytes too many in a tagged field", rest_bytes()));
  if (ok())
    end_ = behind;
}

void decoder::cut_off(std::size_t wanted, const char* field) {
  wrong(fault::invalid_input, field,
    fmt::format("{} bytes wanted, {} left", wanted, rest_bytes()));
}

void decoder::wrong(fault code, const char* field, std::string what) {
  if (failed_)
    return;
  failed_ = true;
  failure_ = {code,
    fmt::format("{} version {}, {} at byte {}: {}", info_.name, version_, field,
      at_, what)};
  at_ = end_;
}

} // namespace herald::kafka
