#pragma once

#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/schema/record.hpp"

/// MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md): a
/// record is a map from field names to values, an optional field that is absent
/// is left out, binary is `bin`, an array is an array, a map is a map with
/// string keys.
///
/// {"first": true, "kills": 3} of objective {bool, int} is the bytes
/// 82 a5 "first" c3 a5 "kills" 03.
///
/// All functions may be called from any thread.

namespace herald {

/// Values nest no deeper than this in bytes that come from elsewhere.
constexpr std::size_t message_pack_nesting_max = 64;

/// Appends the value at `value` to `out`; integers take their shortest form and
/// floats stay floats.
/// Asserts that no string has 2^32 bytes or more.
void message_pack_encode(const type& described, const void* value, bytes& out);

/// Reads one value, all of `data` and nothing less, into a freshly constructed
/// object; after a failure it holds an unspecified part of the data. Unknown
/// keys are skipped; nil is the same as absent for an optional field; integers
/// pass for floats. A missing field that is neither optional nor has a default,
/// a wrong type, an integer out of range, a repeated key and malformed bytes
/// give fault::invalid_input, with the path where there is one. Hostile bytes
/// cost time and memory in proportion to their length.
result<void> message_pack_decode(
  const type& described, void* value, bytes_view data);

template <described_record T>
bytes message_pack_encode(const T& value) {
  bytes out;
  message_pack_encode(type_of<T>(), &value, out);
  return out;
}

template <described_record T>
result<T> message_pack_decode(bytes_view data) {
  T value{};
  if (auto done = message_pack_decode(type_of<T>(), &value, data); !done)
    return std::unexpected{std::move(done.error())};
  return value;
}

} // namespace herald
