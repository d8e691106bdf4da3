#include "engine/store/player_id.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace herald {

std::string to_string(player_id id) {
  return fmt::format("{:016x}", id.value);
}

std::optional<player_id> parse_player_id(std::string_view text) {
  auto is_digit
    = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (text.size() != 16 || !std::all_of(text.begin(), text.end(), is_digit))
    return std::nullopt;
  player_id id;
  std::from_chars(text.data(), text.data() + text.size(), id.value, 16);
  if (id.value == 0)
    return std::nullopt;
  return id;
}

} // namespace herald
