#pragma once

#include "protocol/schema/record.hpp"

#include <random>

/// Values for rapidcheck properties.

namespace herald {

/// Fills a freshly constructed object with whatever its type can hold: extreme
/// numbers, any Unicode text, empty and filled containers. Floats are finite.
void fill_with_anything(
  const type& of, void* value, std::mt19937_64& randomness);

/// To be called in a property. Draws one number from rapidcheck, so a failure
/// prints what is needed to see it again; values this large shrink badly.
std::mt19937_64 draw_randomness();

template <described_record T>
T anything() {
  T value{};
  auto randomness = draw_randomness();
  fill_with_anything(type_of<T>(), &value, randomness);
  return value;
}

} // namespace herald
