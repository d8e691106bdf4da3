#pragma once

#include <cstdint>

namespace herald::simulate {

/// SplitMix64's finaliser: spreads a number over all 64 bits. Used to derive
/// independent seeds: mix(seed ^ mix(what for)).
constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  return mix(mix(a) ^ b);
}

/// SplitMix64 as a sequence: small, fast and the same everywhere, unlike the
/// distributions of the standard library. Not for secrets.
class random_source {
public:
  explicit constexpr random_source(std::uint64_t seed) : state_{seed} {}

  constexpr std::uint64_t next() {
    auto result = mix(state_);
    state_ += 0x9e3779b97f4a7c15;
    return result;
  }

  /// From 0 to `bound` - 1; `bound` is at least 1 and below 2^32.
  constexpr std::int32_t below(std::int64_t bound) {
    return static_cast<std::int32_t>(
      (next() >> 32) * static_cast<std::uint64_t>(bound) >> 32);
  }

  /// From `low` to `high`, both included.
  constexpr std::int32_t between(std::int64_t low, std::int64_t high) {
    return static_cast<std::int32_t>(low) + below(high - low + 1);
  }

  /// True in `per_million` of a million cases.
  constexpr bool chance(std::int64_t per_million) {
    return below(1'000'000) < per_million;
  }

private:
  std::uint64_t state_;
};

} // namespace herald::simulate
