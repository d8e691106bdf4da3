#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace herald {

/// Where Riot serves a platform: match-v5 and account-v1 live on regional
/// routes (riot.md, section 1).
struct riot_routes {
  /// "europe": for match-v5.
  std::string_view match_region;
  /// For account-v1, which "sea" does not have.
  std::string_view account_region;
};

/// The routes of a platform in lower or upper case ("euw1"); none for one that
/// does not exist. ph2 and th2, merged into sg2, are known: their match ids
/// still go round.
std::optional<riot_routes> routes_of(std::string_view platform);

/// `base_url` with "{route}" replaced.
std::string riot_url(
  std::string_view base_url, std::string_view route, std::string_view path);

} // namespace herald
