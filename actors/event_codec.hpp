#pragma once

#include "actors/any_event.hpp"
#include "engine/log/event_log.hpp"
#include "protocol/batch/record_batch.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace herald {

/// The type of an event as clients see it, such as "match.completed".
std::string_view name_of(const any_event& event);

/// Whether the topic's records are events, whose values start with the id of a
/// schema.
bool holds_events(std::string_view topic);

/// Events as payloads of records and back: Avro in the Confluent wire format
/// (byte 0, the schema's id as u32 big-endian, Avro binary). Payloads of older
/// schema versions are brought up to today's structs by Avro's resolution
/// rules. Made once at the start; may then be used from any thread.
class event_codec {
public:
  /// Registers today's schemas of all events with the log's registry.
  static result<std::unique_ptr<event_codec>> make(event_log& log);
  /// The same for a log that is only read: schemas that it lacks cannot be
  /// encoded, but whatever it holds can be decoded.
  static result<std::unique_ptr<event_codec>> make_reader(const event_log& log);

  ~event_codec();

  bytes encode(const any_event& event) const;

  /// Fails with fault::damaged when the payload is none, names a schema that
  /// the log does not have, or is not what its schema says.
  result<any_event> decode(bytes_view payload) const;

  /// Whether the payload is an event of type T, told by its schema id alone;
  /// with the faults of decode().
  template <class T>
  result<bool> holds(bytes_view payload) const {
    auto which = alternative_of(payload);
    if (!which)
      return std::unexpected(which.error());
    return *which == any_event{T{}}.index();
  }

private:
  struct implementation;
  result<std::size_t> alternative_of(bytes_view payload) const;
  explicit event_codec(std::unique_ptr<implementation> implementation);
  std::unique_ptr<implementation> implementation_;
};

/// The headers of an event's record, in binary:
///   causation    topic id[16], partition u32, offset u64 of its cause
///   correlation  u64
/// each left out when there is none (correlation 0).
struct event_headers {
  std::optional<position> causation;
  std::uint64_t correlation = 0;
};

/// The encoded headers; views() points into the object.
class encoded_headers {
public:
  encoded_headers(const event_headers& headers, const event_log& log);
  encoded_headers(const encoded_headers&) = delete;
  encoded_headers& operator=(const encoded_headers&) = delete;
  std::span<const record_header> views() const {
    return {views_.data(), count_};
  }

private:
  bytes causation_;
  bytes correlation_;
  std::array<record_header, 2> views_;
  std::size_t count_ = 0;
};

/// What the headers of a record say; parts that are missing or malformed are
/// left out.
event_headers decode_headers(const record_view& record, const event_log& log);

/// Calls `visit` for every record in [from, end) of a partition, in order,
/// reading about `read_bytes` at a time.
result<void> for_each_record(const event_log& log, partition_id where,
  offset from, offset end,
  const std::function<result<void>(const record_view&)>& visit,
  std::size_t read_bytes = 1u << 20);

} // namespace herald
