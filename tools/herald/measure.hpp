#pragma once

#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace herald {

// What the programs of `herald bench` share.

using bench_clock = std::chrono::steady_clock;

inline double seconds_since(bench_clock::time_point start) {
  return std::chrono::duration<double>(bench_clock::now() - start).count();
}

/// The middle of at least one value.
template <class T>
T median(std::vector<T> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// The value below which that share (0 to 1) of at least one duration lies, in
/// microseconds; sorts them.
inline double percentile_us(std::vector<double>& seconds, double share) {
  std::ranges::sort(seconds);
  auto at
    = static_cast<std::size_t>(share * static_cast<double>(seconds.size() - 1));
  return seconds[at] * 1e6;
}

/// Seconds of processor time that this process has used.
double cpu_seconds();

/// A batch as an appender would build it: values that do not repeat, all under
/// one key or without any.
bytes make_batch(std::size_t records, std::size_t record_bytes,
  std::optional<bytes_view> key = "EUW1_1234567890");

/// The value, or std::runtime_error with the reason why there is none.
template <class T>
T tried(result<T> outcome) {
  if (!outcome)
    throw std::runtime_error{outcome.error().message};
  if constexpr (!std::is_void_v<T>)
    return std::move(*outcome);
}

} // namespace herald
