#include "engine/log/dictionary_trainer.hpp"

#include "protocol/big_endian.hpp"

#include <zdict.h>

#include <algorithm>

namespace herald {

namespace {

// Longer values are sampled by their start: what events of a type share is
// repeated in them anyway.
constexpr std::size_t sample_size_max = 128u << 10;
// The least that zstd's trainer takes.
constexpr std::uint64_t dictionary_bytes_min = 256;

} // namespace

std::optional<std::int32_t> schema_of(bytes_view value) {
  if (value.size() < 5 || value[0] != 0)
    return std::nullopt;
  auto id = load_big_endian<std::int32_t>(value.data() + 1);
  return id > 0 ? std::optional{id} : std::nullopt;
}

void dictionary_trainer::add(const batch_view& batch) {
  (void)batch.for_each([this](const record_view& record) {
    auto schema = record.value ? schema_of(*record.value) : std::nullopt;
    if (!schema)
      return;
    if (!types_.contains(*schema) && types_.size() == types_max)
      return;
    add_value(types_[*schema], *record.value);
  });
}

void dictionary_trainer::add_value(samples& to, bytes_view value) {
  to.seen_bytes += value.size();
  if (to.seen++ % to.stride != 0)
    return;
  value = value.substr(0, sample_size_max);
  to.content.append(value);
  to.sizes.push_back(value.size());
  if (to.content.size() <= sample_bytes_max)
    return;
  // Keeps the values that a stride of twice the length would have taken.
  samples thinned{
    .seen = to.seen, .seen_bytes = to.seen_bytes, .stride = to.stride * 2};
  std::size_t from = 0;
  for (std::size_t i = 0; i < to.sizes.size(); from += to.sizes[i++])
    if (i % 2 == 0) {
      thinned.content.append(to.content, from, to.sizes[i]);
      thinned.sizes.push_back(to.sizes[i]);
    }
  to = std::move(thinned);
}

std::vector<segment_dictionary> dictionary_trainer::train() const {
  std::vector<segment_dictionary> made;
  for (auto& [schema, found] : types_) {
    if (found.sizes.size() < samples_min
      || found.content.size() < sample_bytes_min)
      continue;
    auto size = std::min<std::uint64_t>(
      segment_dictionary_bytes_max, found.seen_bytes / 10);
    bytes content(std::max(size, dictionary_bytes_min), '\0');
    auto trained = ZDICT_trainFromBuffer(content.data(), content.size(),
      found.content.data(), found.sizes.data(),
      static_cast<unsigned>(found.sizes.size()));
    // Values without anything in common make no dictionary.
    if (ZDICT_isError(trained))
      continue;
    content.resize(trained);
    made.push_back({schema, std::move(content)});
  }
  return made;
}

} // namespace herald
