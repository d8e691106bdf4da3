#pragma once

#include "protocol/failure.hpp"
#include "tools/simulate/match_source.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace herald::simulate {

/// One window of a rate limit.
struct rate_window {
  std::int32_t limit = 0;
  std::int32_t seconds = 0;
};

/// Reads "20:1,100:120"; fails with invalid_input. An empty text is no limit.
result<std::vector<rate_window>> parse_limits(std::string_view text);

/// What is asked of the API.
struct api_request {
  std::string_view method;
  /// Path and query, not decoded.
  std::string_view target;
  /// X-Riot-Token.
  std::string_view token;
};

/// An answer as Riot gives it.
struct api_answer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  bytes body;
};

struct api_settings {
  /// Empty: any token but none is right.
  std::string api_key;
  std::vector<rate_window> app_limits;
  std::vector<rate_window> method_limits;
};

/// The Riot API as a function: paths, keys, rate limits, errors. Knows nothing
/// of sockets; one thread at a time.
class riot_api {
public:
  /// `source` must outlive this; `steady_ms` is real time, by which rate
  /// limits count.
  riot_api(match_source& source, api_settings settings,
    std::function<std::int64_t()> steady_ms);

  /// Answers as of the simulated time `now_ms`. The first part of the path is
  /// taken for a route when it is neither "lol" nor "riot"; limits count per
  /// route.
  api_answer answer(const api_request& request, std::int64_t now_ms);

private:
  // Requests in the current window; windows begin with a request.
  struct bucket {
    std::int64_t began_ms = 0;
    std::int32_t count = 0;
  };
  using buckets = std::vector<bucket>;

  struct call;

  api_answer dispatch(const call& made, std::int64_t now_ms);
  api_answer account(const call& made) const;
  api_answer summoner(const call& made, std::int64_t now_ms) const;
  api_answer match_ids(const call& made, std::int64_t now_ms);
  api_answer match(const call& made, std::int64_t now_ms);
  api_answer active_game(const call& made, std::int64_t now_ms);
  api_answer league_entries(const call& made, std::int64_t now_ms);
  std::int64_t count(buckets& of, const std::vector<rate_window>& windows);

  match_source& source_;
  api_settings settings_;
  std::function<std::int64_t()> steady_ms_;
  std::map<std::string, buckets> app_;
  std::map<std::pair<std::string, std::string>, buckets> methods_;
};

} // namespace herald::simulate
