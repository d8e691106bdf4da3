#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace herald {

/// Herald's own name of a player: 64 random bits, never 0. It says nothing
/// about the person; only the vault knows whose it is. Events, views and URLs
/// carry it as 16 lower-case hex digits.
struct player_id {
  std::uint64_t value = 0;
  auto operator<=>(const player_id&) const = default;
};

/// 16 lower-case hex digits.
std::string to_string(player_id id);

/// Reads what to_string() writes; none for anything else, and for 0.
std::optional<player_id> parse_player_id(std::string_view text);

} // namespace herald

template <>
struct std::hash<herald::player_id> {
  std::size_t operator()(const herald::player_id& x) const noexcept {
    return std::hash<std::uint64_t>{}(x.value);
  }
};
