#pragma once

#include "protocol/failure.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace herald {

/// What `herald companion` is told.
struct companion_options {
  /// Base URL of the node, such as "http://127.0.0.1:8080".
  std::string node_url;
  /// Base URL of the game client. Its certificate is checked unless the host
  /// is the loopback, since the game client signs its own.
  std::string live_client_url = "https://127.0.0.1:2999";
  /// Sent along when not empty; else the node finds the match by its players.
  std::string match_id;
  /// Asked before each report when set, in place of match_id; called on the
  /// companion's thread.
  std::function<std::string()> match_id_source;
  /// From the start of one look to the start of the next.
  std::chrono::milliseconds interval{1000};
  /// The longest wait while a side is away; waits double from `interval`.
  std::chrono::milliseconds backoff_max{10000};
  /// Ends after one look.
  bool once = false;
  /// Gets a sentence when the state changes; default: standard error. Called
  /// on the companion's thread.
  std::function<void(std::string_view)> say;
};

/// How a look ended.
enum class companion_state : std::uint8_t {
  /// Nothing tried yet.
  starting,
  /// The node took the document.
  reporting,
  /// No game client answers, or it has no game: the ordinary state.
  no_game,
  /// There is a game, but the node cannot be reached or has no room.
  no_node,
  /// The node answered that it does not want this document.
  refused,
};

std::string_view to_string(companion_state state);

/// Stands beside a game client: looks at /liveclientdata/allgamedata and sends
/// what it saw to NODE/v1/live as {"matchId"?, "allgamedata"}. Every document
/// is sent; the node knows what is new. Either side may vanish and come back.
class companion {
public:
  explicit companion(companion_options options);
  companion(const companion&) = delete;
  companion& operator=(const companion&) = delete;
  /// Stops and waits for the thread of start().
  ~companion();

  /// Looks and reports once, on the caller's thread, for at most 10 s.
  companion_state look();

  /// Repeats look() on the caller's thread until stop(), or once.
  void run();

  /// Runs run() on a thread of its own.
  void start();

  /// Ends run() soon, even within a request; any thread, may be repeated.
  void stop();

  /// Of the latest look; any thread.
  companion_state state() const;
  /// Documents that the node took so far; any thread.
  std::uint64_t reported() const;

private:
  class implementation;
  std::unique_ptr<implementation> implementation_;
};

/// The whole of `herald companion`: runs until SIGINT or SIGTERM, or once.
/// Answers the exit code: with `once` 1 unless the node took the document.
int run_companion(const companion_options& options);

} // namespace herald
