#pragma once

#include "engine/base/settings.hpp"
#include "engine/client/http_client.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace herald {

/// What the gateway borrows from the node. Functions are called on the
/// gateway's thread and may wait.
struct gateway_services {
  /// One call of Riot's API.
  std::function<result<http_response>(const http_request&)> call;
  /// A clock in ms that never goes back.
  std::function<std::int64_t()> steady_ms;
  /// A match-v5 document or timeline arrived; answers whether it has an
  /// outcome (an event, a duplicate or a refusal), else it is asked for again.
  std::function<bool(bytes document)> document;
  /// A running game, the answer of spectator-v5.
  std::function<void(bytes current_game_info)> live;
  /// Which halves of a match the log holds already.
  std::function<std::pair<bool, bool>(std::string_view match)> holds;
};

/// What the console and the metrics show.
struct gateway_status {
  bool on = false;
  /// Empty while all is well, else why no calls are made.
  std::string stopped;
  std::uint64_t players = 0;
  std::uint64_t resolved = 0;
  std::uint64_t waiting_matches = 0;
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
  std::uint64_t rate_limited = 0;
};

/// Asks the Riot API for what the followed players do: their running games
/// (spectator-v5), their lists of matches, the matches and timelines. One call
/// at a time; per route it keeps the distance that the announced limits allow
/// on average (X-App-Rate-Limit) and obeys Retry-After. A key that is refused
/// stops it for good, since breaking on costs the key (riot.md, section 4).
///
/// A plain class: its actor calls turn() again and again, a test does it with a
/// clock and a Riot of its own.
class riot_gateway {
public:
  riot_gateway(const riot_settings& settings, gateway_services services);

  /// Makes the call that is due, if one is; answers after how many ms the next
  /// one may be.
  std::int64_t turn();

  /// From any thread.
  gateway_status status() const;

private:
  struct player {
    followed_riot_id who;
    std::string puuid;
    std::int64_t resolve_at = 0;
    std::int64_t live_at = 0;
    std::int64_t matches_at = 0;
    unsigned failures = 0;
    /// The game that spectator-v5 showed last.
    std::string playing;
  };
  /// A match whose document or timeline is to be fetched.
  struct wanted {
    std::string route;
    bool match = false;
    bool timeline = false;
    unsigned attempts = 0;
    std::int64_t at = 0;
  };
  /// What an answer means for whoever asked.
  enum class verdict { good, absent, again, never };

  std::int64_t turn_players(std::int64_t now);
  void resolve(player& who);
  void look_at_game(player& who);
  void list_matches(player& who);
  void want(const std::string& match);
  void fetch(const std::string& match, wanted& which);
  verdict ask(const std::string& route, const std::string& path, bytes& body);
  bool allowed(
    const std::string& route, std::int64_t now, std::int64_t& earliest) const;
  void stop(std::string why);

  riot_settings settings_;
  gateway_services services_;
  std::vector<player> players_;
  std::map<std::string, wanted> wanted_;
  /// Matches that were given up, or that the log holds.
  std::set<std::string> settled_;
  /// Route -> no call before this moment.
  std::map<std::string, std::int64_t> blocked_until_;
  mutable std::mutex mutex_;
  gateway_status status_;
};

} // namespace herald
