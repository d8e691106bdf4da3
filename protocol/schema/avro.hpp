#pragma once

#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/schema/record.hpp"

#include <memory>
#include <string>
#include <string_view>

/// Avro 1.11 (https://avro.apache.org/docs/1.11.1/specification/): the schema
/// of a described type as JSON and its values in the binary encoding, without
/// any header around them.
///
///     bool       1 byte, 0 or 1          record    its fields, in order
///     int, long  zigzag varint           array     blocks of count and items,
///     float      4 bytes, little-endian            then a count of 0
///     double     8 bytes, little-endian  map       the same, with keys
///     string,    length and bytes        optional  0 for null, or 1 and the
///     bytes                                        value: ["null", T]
///
/// {"first": true, "kills": 3} of objective {bool, int} is the bytes 01 06.
///
/// All functions may be called from any thread. Text is kept byte for byte;
/// whether it is UTF-8 is the business of who filled the struct.

namespace herald {

/// Values nest no deeper than this in bytes that come from elsewhere.
constexpr std::size_t avro_nesting_max = 64;
/// A writer's schema is refused when its JSON is longer than this.
constexpr std::size_t avro_schema_bytes_max = 1024 * 1024;

/// The schema as JSON without white space, with docs and defaults. The same
/// list of fields always gives the same text. A record is defined where it
/// occurs first and referred to by its full name afterwards; two different
/// records of one name in one schema are a mistake (assert).
std::string avro_schema(const type& described);

/// Appends the value at `value` to `out`. Cannot fail.
void avro_encode(const type& described, const void* value, bytes& out);

/// Reads a value that was written with today's schema of the type, all of
/// `data` and nothing less. `value` is a freshly constructed object; after a
/// failure it holds an unspecified part of the data. Hostile bytes give
/// fault::invalid_input, cost time and memory in proportion to their length,
/// and do no harm.
result<void> avro_decode(const type& described, void* value, bytes_view data);

template <described_record T>
bytes avro_encode(const T& value) {
  bytes out;
  avro_encode(type_of<T>(), &value, out);
  return out;
}

template <described_record T>
result<T> avro_decode(bytes_view data) {
  T value{};
  if (auto done = avro_decode(type_of<T>(), &value, data); !done)
    return std::unexpected{std::move(done.error())};
  return value;
}

/// Reads what was written with another schema, older or newer, into today's
/// struct, by the rules of "Schema Resolution": fields are matched by name,
/// what the struct lacks is skipped, what the writer lacked takes its default
/// or stays absent, numbers widen (int to long, float, double; long to float,
/// double; float to double), string and bytes pass for each other, and unions
/// are resolved branch by branch. Records match by name without namespace.
/// Enums and fixed values of a writer can only be skipped.
///
/// The writer's schema is parsed and compared once, in make(); decode() then
/// follows a plan. Immutable, cheap to copy, for any thread.
class avro_resolver {
public:
  /// Fails with fault::invalid_input when the text is no schema, and with
  /// fault::version when no value of it can be read as `reader`; the message
  /// names the place. A branch of a writer's union that does not fit is only
  /// refused when a value uses it.
  static result<avro_resolver> make(
    std::string_view writer_schema_json, const type& reader);

  /// As avro_decode(): all of `data`, into a freshly constructed object.
  result<void> decode(void* value, bytes_view data) const;

  /// decode() for a T whose description make() was given (assert).
  template <described_record T>
  result<T> decode(bytes_view data) const {
    T value{};
    expect_reader(type_of<T>());
    if (auto done = decode(&value, data); !done)
      return std::unexpected{std::move(done.error())};
    return value;
  }

private:
  struct plan;
  explicit avro_resolver(std::shared_ptr<const plan> made);
  void expect_reader(const type& reader) const;

  std::shared_ptr<const plan> plan_;
};

} // namespace herald
