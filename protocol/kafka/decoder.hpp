#pragma once

#include "protocol/big_endian.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/kafka/error.hpp"
#include "protocol/kafka/message.hpp"
#include "protocol/kafka/record_set.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// What the generated codecs of Kafka's messages are made of. All integers are
// big-endian; a message is the row of its fields:
//
//     bool      = byte                       ; 0 false, else true
//     uvarint   = seven bits a byte, lowest first, 0x80 = more follows; 5 bytes
//                 at most
//     string    = length:i16 byte*           ; -1: null
//     bytes     = length:i32 byte*           ; -1: null. So is `records`.
//     array     = count:i32 element*         ; -1: null
//     struct    = field*
//     uuid      = byte[16]
//     optional struct = byte(-1) | byte(1) struct
//
// In flexible versions the first three have a uvarint of length + 1 in front
// (0: null), and every struct, the message too, ends with
//
//     tags      = count:uvarint (tag:uvarint size:uvarint field)*  ; ascending
//
// Worked example: the name "t" and no tagged fields is `00 01 74` in the old
// form and `02 74 00` in a flexible version.

namespace herald::kafka {

/// What one decoded message may take in memory, besides what its strings take
/// (which the frame bounds): a count of small things must not become gigabytes
/// of structs. Beyond it decoding fails with fault::too_large.
constexpr std::size_t decoded_bytes_max = 64u << 20;

/// Longest string of the protocol, in bytes.
constexpr std::size_t string_bytes_max = 32'767;

/// Reads a message's fields one after the other. The first thing that is wrong
/// is kept as the failure; from then on every read gives zero, null or nothing,
/// so that callers look once, at finish(). For one thread; `data` must outlive
/// the decoder and the views it gave.
class decoder {
public:
  /// Reads `data` as a message of this kind; an unsupported version is a
  /// failure already.
  decoder(bytes_view data, const message_info& info, std::int16_t version);

  bool ok() const { return !failed_; }
  /// Bytes read so far, and bytes that are left.
  std::size_t position() const { return at_; }
  std::size_t rest_bytes() const { return end_ - at_; }

  /// Every read names its field for the failure's sake; the text must live on.
  template <class T>
    requires std::integral<T>
  void read(T& to, const char* field) {
    auto* from = take(sizeof(T), field);
    if constexpr (std::is_same_v<T, bool>)
      to = from && *from != 0;
    else
      to = from ? load_big_endian<T>(from) : T{};
  }
  void read(double& to, const char* field);
  void read(error& to, const char* field);
  void read(uuid& to, const char* field);
  void read(std::string& to, const char* field);
  void read(bytes_view& to, const char* field);
  void read(record_set& to, const char* field);

  /// With `nullable` false a null is a failure.
  void read(
    std::optional<std::string>& to, const char* field, bool nullable = true);
  void read(
    std::optional<bytes_view>& to, const char* field, bool nullable = true);
  void read(
    std::optional<record_set>& to, const char* field, bool nullable = true);
  /// A string with the old form of length in any version: the client id.
  void read_inflexible(
    std::optional<std::string>& to, const char* field, bool nullable = true);

  /// Reads an array whose elements take at least `element_bytes_min` on the
  /// wire; `element(T&)` reads one.
  template <class T, class Element>
  void read_array(std::vector<T>& to, const char* field,
    std::size_t element_bytes_min, Element&& element) {
    read_elements(
      to, array_count(field, element_bytes_min, sizeof(T), false), element);
  }
  template <class T, class Element>
  void read_array(std::optional<std::vector<T>>& to, const char* field,
    std::size_t element_bytes_min, Element&& element, bool nullable = true) {
    auto count = array_count(field, element_bytes_min, sizeof(T), nullable);
    if (count < 0)
      to.reset();
    else
      read_elements(to.emplace(), count, element);
  }

  /// Reads a struct that may be absent; `present(T&)` reads it.
  template <class T, class Present>
  void read_struct(std::optional<T>& to, const char* field, Present&& present) {
    to.reset();
    if (is_present(field))
      present(to.emplace());
  }

  /// Reads the tagged fields that end a struct in flexible versions; nothing in
  /// others. `known(tag)` reads that field and returns true, or returns false
  /// and leaves it to be skipped.
  template <class Known>
  void read_tags(const char* structure, Known&& known) {
    if (!flexible_)
      return;
    std::int64_t last = -1;
    for (auto count = tag_count(structure); count > 0 && ok(); --count) {
      auto tag = begin_tag(last, structure);
      auto behind = end_;
      end_ = tag.end;
      if (ok() && !known(tag.number))
        at_ = end_;
      end_tag(structure, behind);
    }
  }

  /// Ends the message: what was read, or what was wrong with it. Bytes may be
  /// left.
  template <class Message>
  result<Message> finish(Message&& message) {
    if (auto complete = finish(); !complete)
      return std::unexpected{std::move(complete).error()};
    return std::forward<Message>(message);
  }
  result<void> finish() const;

private:
  struct tag {
    std::uint32_t number = 0;
    std::size_t end = 0;
  };

  /// The next `size` bytes; null when they are not there.
  const char* take(std::size_t size, const char* field) {
    if (size > rest_bytes()) [[unlikely]] {
      cut_off(size, field);
      return nullptr;
    }
    auto* from = data_.data() + at_;
    at_ += size;
    return from;
  }

  template <class T, class Element>
  void read_elements(
    std::vector<T>& to, std::int64_t count, Element&& element) {
    to.clear();
    to.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    for (auto& one : to) {
      if (!ok())
        return;
      element(one);
    }
  }

  std::uint32_t read_uvarint(const char* field);
  /// The length in front of bytes or an array; -1 for null.
  std::int64_t read_length(const char* field, bool nullable);
  std::int64_t read_string_length(
    const char* field, bool nullable, bool flexible);
  std::int64_t refuse_null(std::int64_t length, const char* field);
  std::int64_t array_count(const char* field, std::size_t element_bytes_min,
    std::size_t memory_each, bool nullable);
  bool is_present(const char* field);
  std::uint32_t tag_count(const char* structure);
  tag begin_tag(std::int64_t& last, const char* structure);
  void end_tag(const char* structure, std::size_t behind);
  void cut_off(std::size_t wanted, const char* field);
  void wrong(fault code, const char* field, std::string what);

  bytes_view data_;
  std::size_t at_ = 0;
  std::size_t end_;
  std::size_t memory_left_ = decoded_bytes_max;
  const message_info& info_;
  std::int16_t version_;
  bool flexible_;
  bool failed_ = false;
  failure failure_;
};

} // namespace herald::kafka
