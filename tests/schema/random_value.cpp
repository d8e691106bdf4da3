#include "tests/schema/random_value.hpp"

#include <rapidcheck.h>

#include <bit>
#include <cmath>
#include <limits>

namespace herald {

namespace {

template <class T>
T& as(void* value) {
  return *static_cast<T*>(value);
}

class filler {
public:
  explicit filler(std::mt19937_64& randomness) : randomness_{randomness} {}

  void fill(const type& of, void* value) {
    switch (of.what) {
    case kind::boolean:
      as<bool>(value) = below(2) == 1;
      return;
    case kind::int32:
      as<std::int32_t>(value) = integer<std::int32_t>();
      return;
    case kind::int64:
      as<std::int64_t>(value) = integer<std::int64_t>();
      return;
    case kind::float32:
      as<float>(value) = floating<float, std::uint32_t>();
      return;
    case kind::float64:
      as<double>(value) = floating<double, std::uint64_t>();
      return;
    case kind::string:
      as<std::string>(value) = text();
      return;
    case kind::bytes: {
      auto& out = as<binary>(value).value;
      out.clear();
      for (auto count = below(20); count > 0; --count)
        out += static_cast<char>(below(256));
      return;
    }
    case kind::array:
      of.clear(value);
      for (auto count = below(4); count > 0; --count)
        fill(*of.element, of.append(value));
      return;
    case kind::map:
      of.clear(value);
      for (auto count = below(4); count > 0; --count)
        if (auto* entry = of.insert(value, text()))
          fill(*of.element, entry);
      return;
    case kind::record:
      for (const auto& x : of.fields)
        fill(*x.of, static_cast<char*>(value) + x.place);
      return;
    case kind::optional:
      if (below(2) == 0)
        of.clear(value);
      else
        fill(*of.element, of.emplace(value));
      return;
    }
  }

private:
  std::uint64_t below(std::uint64_t end) { return randomness_() % end; }

  /// All lengths alike, with the extremes.
  template <class T>
  T integer() {
    using limits = std::numeric_limits<T>;
    switch (below(8)) {
    case 0:
      return limits::min();
    case 1:
      return limits::max();
    default:
      return static_cast<T>(
        static_cast<T>(randomness_()) >> below(limits::digits + 1));
    }
  }

  template <class T, class Bits>
  T floating() {
    using limits = std::numeric_limits<T>;
    switch (below(12)) {
    case 0:
      return limits::max();
    case 1:
      return limits::lowest();
    case 2:
      return limits::denorm_min();
    case 3:
      return limits::min();
    case 4:
      return T{-0.0};
    case 5:
      return static_cast<T>(integer<std::int32_t>());
    case 6:
      return static_cast<T>(integer<std::int64_t>());
    case 7:
      return static_cast<T>(integer<std::int32_t>()) / 100;
    default:
      break;
    }
    const auto any = std::bit_cast<T>(static_cast<Bits>(randomness_()));
    return std::isfinite(any) ? any : T{0};
  }

  std::uint32_t code_point() {
    switch (below(4)) {
    case 0:
      return static_cast<std::uint32_t>(below(0x80));
    case 1:
      return static_cast<std::uint32_t>(below(0x800));
    case 2:
      return static_cast<std::uint32_t>(below(0xd800));
    default:
      return static_cast<std::uint32_t>(0xe000 + below(0x102000));
    }
  }

  std::string text() {
    std::string out;
    for (auto count = below(20); count > 0; --count)
      append(code_point(), out);
    return out;
  }

  static void append(std::uint32_t point, std::string& out) {
    const auto tail = [&](unsigned shift) {
      out += static_cast<char>(0x80 | (point >> shift & 0x3f));
    };
    if (point < 0x80) {
      out += static_cast<char>(point);
    } else if (point < 0x800) {
      out += static_cast<char>(0xc0 | point >> 6);
      tail(0);
    } else if (point < 0x10000) {
      out += static_cast<char>(0xe0 | point >> 12);
      tail(6);
      tail(0);
    } else {
      out += static_cast<char>(0xf0 | point >> 18);
      tail(12);
      tail(6);
      tail(0);
    }
  }

  std::mt19937_64& randomness_;
};

} // namespace

void fill_with_anything(
  const type& of, void* value, std::mt19937_64& randomness) {
  filler{randomness}.fill(of, value);
}

std::mt19937_64 draw_randomness() {
  const auto whole
    = rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>());
  return std::mt19937_64{*rc::gen::noShrink(whole)};
}

} // namespace herald
