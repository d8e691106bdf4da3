#pragma once

#include "engine/log/segment.hpp"
#include "engine/log/segment_reader.hpp"
#include "engine/log/segment_writer.hpp"

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace herald {

/// Partition 2 of a topic "match" with id 00 01 .. 0f.
segment_identity some_identity(offset first = {0});

/// A chain of entries as a log would hold them.
class entry_chain {
public:
  explicit entry_chain(const segment_identity& identity)
    : next_{identity.first}, head_{identity.anchor} {}

  /// Appends an entry with the batch; returns it.
  const bytes& add(bytes batch, std::uint64_t term = 0);

  const std::vector<bytes>& entries() const { return entries_; }
  offset next() const { return next_; }
  const chain_hash& head() const { return head_; }

private:
  std::vector<bytes> entries_;
  offset next_;
  chain_hash head_;
};

/// A batch of events as Herald has them: values of a few schemas that resemble
/// each other.
bytes random_events(std::mt19937_64& random, compression codec,
  std::int64_t timestamp_ms, std::size_t records);

/// The segment with these entries.
bytes segment_of(const segment_identity& identity,
  const std::vector<bytes>& entries, segment_packing packing = {});

/// All entries from `from` on.
std::vector<bytes> entries_of(const segment_reader& reader, offset from = {0});

/// HERALD_SEED, or one that is drawn; printed.
std::uint64_t announced_seed();

std::string hex_of(bytes_view data);
bytes of_hex(std::string_view text);

} // namespace herald
