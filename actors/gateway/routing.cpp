#include "actors/gateway/routing.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace herald {

namespace {

struct platform_routes {
  std::string_view platform;
  riot_routes routes;
};

constexpr std::array table{
  platform_routes{"br1", {"americas", "americas"}},
  platform_routes{"la1", {"americas", "americas"}},
  platform_routes{"la2", {"americas", "americas"}},
  platform_routes{"na1", {"americas", "americas"}},
  platform_routes{"pbe1", {"americas", "americas"}},
  platform_routes{"jp1", {"asia", "asia"}},
  platform_routes{"kr", {"asia", "asia"}},
  platform_routes{"eun1", {"europe", "europe"}},
  platform_routes{"euw1", {"europe", "europe"}},
  platform_routes{"me1", {"europe", "europe"}},
  platform_routes{"ru", {"europe", "europe"}},
  platform_routes{"tr1", {"europe", "europe"}},
  platform_routes{"oc1", {"sea", "asia"}},
  platform_routes{"ph2", {"sea", "asia"}},
  platform_routes{"sg2", {"sea", "asia"}},
  platform_routes{"th2", {"sea", "asia"}},
  platform_routes{"tw2", {"sea", "asia"}},
  platform_routes{"vn2", {"sea", "asia"}},
};

} // namespace

std::optional<riot_routes> routes_of(std::string_view platform) {
  std::string lower{platform};
  std::transform(lower.begin(), lower.end(), lower.begin(),
    [](unsigned char c) { return std::tolower(c); });
  for (auto& row : table)
    if (row.platform == lower)
      return row.routes;
  return std::nullopt;
}

std::string riot_url(
  std::string_view base_url, std::string_view route, std::string_view path) {
  std::string url{base_url};
  constexpr std::string_view hole = "{route}";
  if (auto at = url.find(hole); at != url.npos)
    url.replace(at, hole.size(), route);
  while (url.ends_with('/'))
    url.pop_back();
  url += path;
  return url;
}

} // namespace herald
