#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace herald {

/// Place of a record in its partition. The first record has offset 0 and they
/// are dense: who saw n knows that n + 1 is next. A cursor holds the *next*
/// offset to read, so a reader that has seen nothing starts at 0.
struct offset {
  std::uint64_t value = 0;
  auto operator<=>(const offset&) const = default;
  offset next() const { return {value + 1}; }
};

/// Names a partition inside one log. `topic` is the log's own dense number of
/// the topic (event_log::find_topic), stable for the life of the log.
struct partition_id {
  std::uint32_t topic = 0;
  std::uint32_t partition = 0;
  auto operator<=>(const partition_id&) const = default;
};

/// The identity of an event: where it stands in the log.
struct position {
  partition_id where;
  offset at;
  auto operator<=>(const position&) const = default;
};

/// "topic-number/partition@offset", for log lines.
std::string to_string(const position& at);

} // namespace herald

template <>
struct std::hash<herald::partition_id> {
  std::size_t operator()(const herald::partition_id& x) const noexcept {
    return std::hash<std::uint64_t>{}(
      std::uint64_t{x.topic} << 32 | x.partition);
  }
};
