#pragma once

#include "engine/base/metrics.hpp"
#include "engine/edge/http_server.hpp"

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace herald {

// Inside of the edge: which handler a request is for.

/// A route and what is counted of it. Its metrics belong to the registry.
struct route_entry {
  std::string method;
  std::string pattern;
  std::vector<std::string> segments;
  request_handler handler;
  route_options options;
  /// By the first digit of the status: [2] counts 2xx.
  std::array<counter*, 6> answers{};
  histogram* seconds = nullptr;
};

/// Filled before the server starts, read by all its threads afterwards.
class route_table {
public:
  struct match {
    /// Null when nothing fits.
    const route_entry* route = nullptr;
    std::map<std::string, std::string> params;
    /// Of the routes that have this path with other methods, for Allow: 405.
    std::vector<std::string> allowed;
  };

  void add(std::unique_ptr<route_entry> route);

  /// HEAD finds the route of GET.
  match find(
    std::string_view method, const std::vector<std::string>& segments) const;

private:
  std::vector<std::unique_ptr<route_entry>> routes_;
};

/// "/v1/{id}" as {"v1", "{id}"}; asserts that it is well-formed.
std::vector<std::string> pattern_segments(std::string_view pattern);

} // namespace herald
