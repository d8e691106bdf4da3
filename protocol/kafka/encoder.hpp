#pragma once

#include "protocol/bytes.hpp"
#include "protocol/kafka/error.hpp"
#include "protocol/kafka/message.hpp"
#include "protocol/kafka/record_set.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace herald::kafka {

/// Bytes that belong between the buffer's bytes `at` - 1 and `at`, but were not
/// copied there.
struct splice {
  std::size_t at = 0;
  bytes_view data;
};

/// Appends a message's fields to a buffer. For one thread.
///
/// Without a list of splices everything is copied. With one, a records field
/// writes its length only and notes its pieces in the list, so that stored
/// batches go from where they are to the socket: `gather()` says what to send.
class encoder {
public:
  /// Appends to `buffer`, which must outlive the encoder.
  explicit encoder(bytes& buffer) : out_{buffer} {}
  /// In splice mode; `splices` are those of what stands in the buffer already,
  /// and outlive the encoder too.
  encoder(bytes& buffer, std::vector<splice>& splices);

  encoder(const encoder&) = delete;
  encoder& operator=(const encoder&) = delete;

  /// Starts a message of this kind: from here on in its version's form.
  void begin(const message_info& info, std::int16_t version);

  template <std::integral T>
  void write(T value) {
    append(static_cast<std::uint64_t>(value), sizeof(T));
  }
  void write(double value);
  void write(error value) { write(static_cast<std::int16_t>(value)); }
  void write(const uuid& value);
  void write(const std::string& value);
  void write(bytes_view value);
  void write(const record_set& value);

  /// With `nullable` false a null is written as empty.
  void write(const std::optional<std::string>& value, bool nullable = true);
  void write(const std::optional<bytes_view>& value, bool nullable = true);
  void write(const std::optional<record_set>& value, bool nullable = true);
  /// A string with the old form of length in any version: the client id.
  void write_inflexible(
    const std::optional<std::string>& value, bool nullable = true);

  /// `element(const T&)` writes one element.
  template <class T, class Element>
  void write_array(const std::vector<T>& from, Element&& element) {
    write_length(static_cast<std::int64_t>(from.size()));
    for (const auto& one : from)
      element(one);
  }
  template <class T, class Element>
  void write_array(const std::optional<std::vector<T>>& from, Element&& element,
    bool nullable = true) {
    if (from)
      write_array(*from, element);
    else
      write_length(nullable ? -1 : 0);
  }

  /// A struct that may be absent; `present(const T&)` writes it.
  template <class T, class Present>
  void write_struct(const std::optional<T>& from, Present&& present) {
    write(static_cast<std::int8_t>(from ? 1 : -1));
    if (from)
      present(*from);
  }

  /// The tagged fields that end a struct: their number, then each in ascending
  /// order. Only write_tag_count(0) may be called in inflexible versions, where
  /// it writes nothing.
  void write_tag_count(std::uint32_t count);
  template <class Write>
  void write_tag(std::uint32_t number, Write&& write) {
    write_uvarint(number);
    auto start = out_.size();
    write();
    insert_tag_size(start);
  }

  /// Leaves room for the size in front of a frame; end_frame() fills it in.
  /// One frame at a time.
  void begin_frame();
  void end_frame();

  /// What was written into the buffer and what was spliced, together, counted
  /// from the buffer's start.
  std::size_t size_bytes() const { return out_.size() + spliced_bytes_; }

private:
  void append(std::uint64_t value, std::size_t size);
  void write_uvarint(std::uint32_t value);
  /// The length in front of bytes or an array; -1 for null.
  void write_length(std::int64_t length);
  void insert_tag_size(std::size_t start);

  bytes& out_;
  std::vector<splice>* splices_ = nullptr;
  std::size_t spliced_bytes_ = 0;
  std::size_t frame_place_ = 0;
  std::size_t frame_start_bytes_ = 0;
  bool flexible_ = false;
};

/// What to send, in order: the buffer cut at the splices, and the splices. None
/// is empty. Valid as long as the buffer and what the splices point to.
std::vector<bytes_view> gather(
  bytes_view buffer, std::span<const splice> splices);

} // namespace herald::kafka
