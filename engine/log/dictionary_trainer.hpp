#pragma once

#include "engine/log/segment.hpp"
#include "protocol/batch/record_batch.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace herald {

/// The schema id in front of a value in Confluent's wire format (byte 0, four
/// bytes of id); none when it has no such front.
std::optional<std::int32_t> schema_of(bytes_view value);

/// Trains zstd dictionaries, one per event type, on values of the batches that
/// a segment will hold. A value for one thread; it keeps at most
/// sample_bytes_max per type and types_max types, taking every second,
/// fourth... value once there are more. The same batches yield the same
/// dictionaries.
class dictionary_trainer {
public:
  static constexpr std::size_t sample_bytes_max = 4u << 20;
  static constexpr std::size_t types_max = segment_dictionaries_max;
  /// Fewer values, or bytes of them, of a type make no dictionary.
  static constexpr std::size_t samples_min = 16;
  static constexpr std::size_t sample_bytes_min = 16u << 10;

  /// Takes the values of a batch into account. Records that cannot be read are
  /// left out: the segment's writer will say so.
  void add(const batch_view& batch);

  /// The dictionaries, by schema id. A dictionary has at most a tenth of the
  /// bytes that it was trained for, so that small segments do not carry more
  /// dictionary than they save.
  std::vector<segment_dictionary> train() const;

private:
  struct samples {
    bytes content;
    std::vector<std::size_t> sizes;
    std::uint64_t seen = 0;
    std::uint64_t seen_bytes = 0;
    std::uint64_t stride = 1;
  };
  void add_value(samples& to, bytes_view value);

  std::map<std::int32_t, samples> types_;
};

} // namespace herald
