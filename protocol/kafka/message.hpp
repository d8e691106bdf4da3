#pragma once

#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

namespace herald::kafka {

class encoder;

/// Kafka's 128-bit ids (topics, directories), in the order of the wire. All
/// zero means none.
using uuid = std::array<std::uint8_t, 16>;

/// The first flexible version of a message that has none.
constexpr std::int16_t never_flexible
  = std::numeric_limits<std::int16_t>::max();

/// What the codec knows of a kind of message. Every message has a static
/// member `info` of this type.
struct message_info {
  /// As Kafka spells it: "ProduceRequest".
  std::string_view name;
  /// Its API's number; -1 for the headers.
  std::int16_t api_key = -1;
  /// The versions that the codec reads and writes, both included.
  std::int16_t lowest = 0;
  std::int16_t highest = 0;
  /// From this version on lengths are varints and there are tagged fields.
  std::int16_t first_flexible = never_flexible;

  bool supports(std::int16_t version) const {
    return lowest <= version && version <= highest;
  }
};

// The codec's two functions. Each generated header specializes the first for
// its messages and overloads the second:
//
//     auto request = decode<produce_request>(body, version);
//     encode(response, version, out);

/// Reads a message from `body`, the frame behind its header. Bytes behind the
/// message are ignored, as Kafka's broker does: librdkafka 2.6 leaves three
/// when it asks for all topics.
///
/// Strings and arrays are copied; `bytes` and `records` fields point into
/// `body`, which must outlive them. Strings come as they are, not checked to be
/// UTF-8. Fields that `version` does not carry have their defaults. Tagged
/// fields that are not known are skipped.
///
/// fault::invalid_input names message, field and position: an unsupported
/// version, a length or count that the rest of the body cannot hold, a
/// malformed varint, a null where there may be none, tagged fields out of
/// order or not of their size. fault::too_large: the message would take more
/// than `decoded_bytes_max`. Both are found before memory is allocated. From
/// any thread.
template <class Message>
result<Message> decode(bytes_view body, std::int16_t version);

// void encode(const Message& message, std::int16_t version, encoder& out);
//
// Appends the message to `out`. Asserts that the version is supported. Fields
// that `version` does not carry are left out, whatever they hold; a null that
// it cannot carry becomes empty; a string of more than 32,767 bytes, which the
// protocol does not have, is cut there (before the character that would not
// fit). Tagged fields that hold their default are not written.

} // namespace herald::kafka
