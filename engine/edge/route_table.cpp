#include "engine/edge/route_table.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace herald {

namespace {

bool is_name(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool fits(const std::vector<std::string>& pattern,
  const std::vector<std::string>& segments) {
  return std::equal(pattern.begin(), pattern.end(), segments.begin(),
    segments.end(), [](auto& expected, auto& given) {
      return is_name(expected) ? !given.empty() : expected == given;
    });
}

/// Texts before names, so that "/a/b" wins over "/a/{x}".
bool more_exact(const route_entry& left, const route_entry& right) {
  for (std::size_t i = 0; i < left.segments.size(); ++i)
    if (is_name(left.segments[i]) != is_name(right.segments[i]))
      return is_name(right.segments[i]);
  return false;
}

} // namespace

void route_table::add(std::unique_ptr<route_entry> route) {
  for ([[maybe_unused]] auto& other : routes_)
    assert(other->method != route->method || other->pattern != route->pattern);
  routes_.push_back(std::move(route));
}

route_table::match route_table::find(
  std::string_view method, const std::vector<std::string>& segments) const {
  match out;
  auto wanted = method == "HEAD" ? std::string_view{"GET"} : method;
  for (auto& route : routes_) {
    if (!fits(route->segments, segments))
      continue;
    if (route->method != wanted) {
      out.allowed.push_back(route->method);
      if (route->method == "GET")
        out.allowed.emplace_back("HEAD");
    } else if (!out.route || more_exact(*route, *out.route)) {
      out.route = route.get();
    }
  }
  if (!out.route) {
    std::sort(out.allowed.begin(), out.allowed.end());
    out.allowed.erase(
      std::unique(out.allowed.begin(), out.allowed.end()), out.allowed.end());
    return out;
  }
  auto& pattern = out.route->segments;
  for (std::size_t i = 0; i < pattern.size(); ++i)
    if (is_name(pattern[i]))
      out.params[pattern[i].substr(1, pattern[i].size() - 2)] = segments[i];
  return out;
}

std::vector<std::string> pattern_segments(std::string_view pattern) {
  assert(pattern.starts_with('/'));
  pattern.remove_prefix(1);
  std::vector<std::string> out;
  while (!pattern.empty()) {
    auto end = std::min(pattern.find('/'), pattern.size());
    assert(end > 0);
    out.emplace_back(pattern.substr(0, end));
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
  }
  return out;
}

} // namespace herald
