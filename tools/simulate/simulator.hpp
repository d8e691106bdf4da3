#pragma once

#include "protocol/failure.hpp"
#include "tools/simulate/generator.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace herald::simulate {

/// What `herald simulate` is told.
struct simulate_options {
  /// ADDRESS:PORT of the Riot-shaped HTTP server; port 0 picks a free one.
  std::string listen = "127.0.0.1:8088";
  std::uint64_t seed = 1;
  /// How many games there are in all; 0 never ends.
  std::uint32_t games = 0;
  /// How many run at the same time: the tables of game_options.
  std::uint32_t concurrent = 3;
  /// How many of each table's games have ended when the simulator starts.
  std::uint32_t past_games = 2;
  /// Simulated seconds per real second, above 0.
  double speed = 1.0;
  /// Simulated time between a game's end and its document and timeline, and
  /// between a table's games, in seconds.
  std::uint32_t publish_after_s = 15;
  std::uint32_t pause_s = 60;
  /// The simulated time at the start, Unix milliseconds; default: now.
  std::optional<std::int64_t> clock_start_ms;
  /// Serves the match-v5 documents of this folder as finished games instead of
  /// generating any.
  std::optional<std::filesystem::path> from;
  /// Only writes `games` (default 100) games into this folder and ends.
  std::optional<std::filesystem::path> write;
  /// ADDRESS:PORT of the Live Client Data API (HTTPS) of table 0; table k has
  /// PORT + k, or with port 0 each a free one. Absent: not served.
  std::optional<std::string> live_client;
  /// The key that X-Riot-Token must carry; empty: any key will do.
  std::string api_key;
  /// Limits as in Riot's headers: requests:seconds, comma-separated. Windows
  /// are real time.
  std::string app_limits = "500:10,30000:600";
  std::string method_limits = "2000:10";
  /// The kinds of games; `tables` is set from `concurrent`.
  game_options kinds;
  /// Real time in milliseconds, never falling. Tests set their own clock.
  std::function<std::int64_t()> steady_ms;
};

/// A player whom a node may follow: one per table, who plays in all of its
/// games and whose game client the table's live client port is.
struct followed_player {
  person who;
  std::uint32_t table = 0;
};

/// A game that the simulator knows at this moment.
struct scheduled_game {
  std::string match_id;
  std::uint32_t table = 0;
  std::int64_t start_ms = 0;
  std::int64_t end_ms = 0;
  bool in_progress = false;
};

/// The simulated Riot: an HTTP server shaped like Riot's API on one port (the
/// path may begin with a route, as in /europe/lol/match/v5/..., which is not
/// looked at) and the game clients' HTTPS ports, run by one thread of its own
/// over a clock of its own. All members may be called from any thread.
class simulator {
public:
  /// Opens the ports and starts the thread. Fails with in_use or io when a
  /// port cannot be opened, invalid_input for an option out of range,
  /// not_found when `from` holds no documents.
  static result<std::unique_ptr<simulator>> start(simulate_options options);

  /// Stops and waits.
  ~simulator();

  /// Closes all ports and connections and ends the thread. May be repeated.
  void stop();

  std::uint16_t port() const;
  /// "http://127.0.0.1:PORT/{route}", for the node's configuration.
  std::string base_url_template() const;
  /// "https://127.0.0.1:PORT" per table; empty when not served.
  std::vector<std::string> live_client_urls() const;
  /// One per table; empty when serving a folder.
  std::vector<followed_player> followed() const;
  /// Games that have started, oldest first, at most the latest 1,000.
  std::vector<scheduled_game> games() const;
  /// The id of the game that a table's game client shows: it is being played
  /// or ended within the last 30 simulated seconds.
  std::optional<std::string> match_in_progress(std::uint32_t table) const;
  /// The simulated time, Unix milliseconds.
  std::int64_t now_ms() const;

private:
  class implementation;
  explicit simulator(std::unique_ptr<implementation> implementation);
  std::unique_ptr<implementation> implementation_;
};

/// Writes `count` games of a seed as DIR/<matchId>.match.json and
/// DIR/<matchId>.timeline.json, making DIR when it is not there. Answers the
/// number of bytes.
result<std::uint64_t> write_games(const std::filesystem::path& directory,
  std::uint64_t seed, std::uint32_t count, const game_options& options = {});

/// The whole of `herald simulate`: writes and ends, or serves until SIGINT or
/// SIGTERM. Prints "herald simulate ready URL" and one line per live client on
/// standard output, errors on standard error; answers the exit code.
int run_simulate(const simulate_options& options);

} // namespace herald::simulate
