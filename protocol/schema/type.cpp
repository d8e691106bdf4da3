#include "protocol/schema/type.hpp"

#include "protocol/schema/record.hpp"

#include <algorithm>
#include <cassert>
#include <cctype>
#include <cstring>

namespace herald {

namespace {

/// Names of one record differ in length and at their ends far more often than
/// in the middle, so that much is hashed; find_field() compares the rest.
std::size_t hash_of(std::string_view name) {
  // An empty view may have no address, which memcpy() does not take.
  if (name.empty())
    return 0;
  std::uint64_t head = 0;
  std::uint64_t tail = 0;
  const auto most = std::min(name.size(), sizeof head);
  std::memcpy(&head, name.data(), most);
  std::memcpy(&tail, name.data() + name.size() - most, most);
  auto mixed = (head ^ (name.size() << 56)) * 0x9e3779b97f4a7c15u;
  mixed ^= mixed >> 32;
  mixed = (mixed ^ tail) * 0xd6e8feb86659fd93u;
  return mixed ^ mixed >> 29;
}

bool is_name(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0])))
    return false;
  return std::ranges::all_of(text,
    [](unsigned char c) { return c < 128 && (std::isalnum(c) || c == '_'); });
}

bool is_name_space(std::string_view text) {
  for (;;) {
    const auto dot = text.find('.');
    if (!is_name(text.substr(0, dot)))
      return false;
    if (dot == text.npos)
      return true;
    text.remove_prefix(dot + 1);
  }
}

} // namespace

std::string_view to_words(kind what) {
  switch (what) {
  case kind::boolean:
    return "true or false";
  case kind::int32:
    return "a 32-bit integer";
  case kind::int64:
    return "a 64-bit integer";
  case kind::float32:
  case kind::float64:
    return "a number";
  case kind::string:
    return "a string";
  case kind::bytes:
    return "bytes";
  case kind::array:
    return "an array";
  case kind::map:
  case kind::record:
    return "an object";
  case kind::optional:
    return "something or nothing";
  }
  return "unknown";
}

bool field::may_be_absent() const {
  return has_default || of->what == kind::optional;
}

std::optional<std::size_t> type::find_field(std::string_view field_name) const {
  const auto mask = slots.size() - 1;
  for (auto at = hash_of(field_name) & mask; slots[at] != 0;
    at = (at + 1) & mask)
    if (fields[slots[at] - 1u].name == field_name)
      return slots[at] - 1u;
  return std::nullopt;
}

std::string full_name(const type& record) {
  return std::string{record.name_space} + '.' + std::string{record.name};
}

namespace detail {

void start_record(type& record, const char* name_space, const char* name,
  const char* doc, const void* prototype, std::size_t size) {
  assert(is_name(name));
  assert(is_name_space(name_space));
  record.what = kind::record;
  record.size = size;
  record.name_space = name_space;
  record.name = name;
  record.doc = doc;
  record.prototype = prototype;
}

void add_field(type& record, const char* name, const char* doc, const type& of,
  const void* member, bool has_default) {
  assert(is_name(name));
  assert(record.fields.size() < record_fields_max);
  // The default of an optional field is to be absent: Avro's ["null", T].
  assert(of.what != kind::optional || !has_default);
  const auto place = static_cast<const char*>(member)
    - static_cast<const char*>(record.prototype);
  assert(place >= 0 && static_cast<std::size_t>(place) < record.size);
  record.fields.push_back(
    {name, doc, &of, static_cast<std::size_t>(place), has_default});
}

void finish_record(type& record) {
  std::size_t slots = 4;
  while (slots < record.fields.size() * 3)
    slots *= 2;
  record.slots.assign(slots, 0);
  for (std::size_t i = 0; i < record.fields.size(); ++i) {
    const auto& x = record.fields[i];
    assert(!record.find_field(x.name));
    auto at = hash_of(x.name) & (slots - 1);
    while (record.slots[at] != 0)
      at = (at + 1) & (slots - 1);
    record.slots[at] = static_cast<std::uint16_t>(i + 1);
    if (!x.may_be_absent())
      record.required.insert(i);
  }
}

} // namespace detail

} // namespace herald
