#pragma once

#include "protocol/kafka/error.hpp"
#include "protocol/kafka/message.hpp"
#include "protocol/kafka/record_set.hpp"

#include <concepts>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

namespace herald::kafka {

/// Makes up the values of fields: often small, zero, empty, null or at their
/// limits. Owns what views point to, so it must outlive the messages.
class random_values {
public:
  explicit random_values(std::uint64_t seed) : random_{seed} {}

  /// A number from 0 to `below` - 1.
  std::size_t number(std::size_t below) { return random_() % below; }
  bool one_in(std::size_t n) { return number(n) == 0; }

  template <class T>
    requires std::integral<T> || std::floating_point<T>
  void fill(T& to) {
    if constexpr (std::is_same_v<T, bool> || std::floating_point<T>)
      to = static_cast<T>(one_in(2));
    else
      to = static_cast<T>(one_in(3) ? number(3) - 1 : random_());
  }
  void fill(error& to) { to = static_cast<error>(number(128)); }
  void fill(uuid& to) {
    for (auto& one : to)
      one = static_cast<std::uint8_t>(random_());
  }
  void fill(std::string& to) {
    to.assign(length(300), '\0');
    for (auto& one : to)
      one = static_cast<char>(random_());
  }
  void fill(bytes_view& to) {
    fill(kept_.emplace_back());
    to = kept_.back();
  }
  void fill(record_set& to) {
    to = {};
    for (auto pieces = number(4); pieces > 0; --pieces) {
      bytes_view piece;
      fill(piece);
      to.append(piece);
    }
  }

  template <class T>
  void fill(std::optional<T>& to, bool nullable) {
    to.reset();
    if (!nullable || !one_in(3))
      fill(to.emplace());
  }
  template <class T, class Element>
  void fill(std::vector<T>& to, Element&& element) {
    to.clear();
    to.resize(number(4));
    for (auto& one : to)
      element(one);
  }
  template <class T, class Element>
  void fill(
    std::optional<std::vector<T>>& to, Element&& element, bool nullable) {
    to.reset();
    if (!nullable || !one_in(3))
      fill(to.emplace(), element);
  }
  template <class T, class Present>
  void fill(std::optional<T>& to, Present&& present, bool nullable) {
    to.reset();
    if (!nullable || !one_in(3))
      present(to.emplace());
  }

private:
  std::size_t length(std::size_t most) {
    return one_in(3) ? 0 : number(one_in(4) ? most : 20);
  }

  std::mt19937_64 random_;
  std::deque<std::string> kept_;
};

} // namespace herald::kafka
