#pragma once

#include "actors/feed/feed_source.hpp"
#include "protocol/bytes.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace herald {

/// How frames are written on a connection.
enum class feed_encoding : std::uint8_t {
  /// Subprotocol herald.v1.json, text frames.
  json,
  /// Subprotocol herald.v1.msgpack, binary frames with the same structure.
  message_pack,
};

/// The socket of one subscriber. Called by the hub's thread.
class feed_sink {
public:
  virtual ~feed_sink() = default;
  /// Queues a frame. False: the outbox has no room, nothing was queued.
  virtual bool send(std::shared_ptr<const bytes> frame) = 0;
  /// Closes with a WebSocket close code, after what is queued.
  virtual void close(std::uint16_t code, std::string reason) = 0;
};

/// Bounds of the feed; beyond them a frame of type error says so.
struct feed_limits {
  std::size_t subscriptions_per_connection = 64;
  /// A subscriber that lags keeps its place in the log and is served from
  /// there. One whose socket took nothing for this long is closed with 4408.
  std::int64_t stalled_ms = 30'000;
  /// Changes of the list of matches are gathered for this long.
  std::int64_t list_interval_ms = 200;
  /// Messages of clients that wait for the hub's thread; beyond, the
  /// connection that sends is closed with 1013.
  std::size_t messages_waiting_max = 10'000;
  /// Pieces of a replay that wait to be shown.
  std::size_t replayed_waiting_max = 64;
};

/// A piece of a match's replay.
struct replayed_piece {
  std::string match;
  std::uint32_t partition = 0;
  /// The state before `event`, or where the replay stands when there is none;
  /// only needed when somebody waits for it.
  std::shared_ptr<const nlohmann::json> state;
  /// Up to where that state holds the log.
  offset state_next;
  std::optional<feed_event> event;
  /// The replay of this match is over.
  bool last = false;
};

/// What `/metrics` and `bench feed` want to know.
struct feed_counts {
  std::uint64_t connections = 0;
  std::uint64_t subscriptions = 0;
  std::uint64_t frames = 0;
  std::uint64_t snapshots = 0;
  std::uint64_t lagging = 0;
  std::uint64_t closed_slow = 0;
};

/// Serves the live feed: subscribers of a match get a snapshot with its cursor
/// and then every update in order, each with its cursor; one that comes back
/// with a cursor gets just what it missed. The log is the buffer: a subscriber
/// who reads too slowly is served from the log at its own pace, so it costs no
/// memory and loses nothing.
///
/// Frames, in JSON or MessagePack:
///   -> {"type":"subscribe","id","match","cursor"?}, match "*" is the list
///   -> {"type":"unsubscribe","id"}
///   <- {"type":"snapshot","id","match","cursor","state"}
///   <- {"type":"update","id","match","cursor","event","time","patch"}
///   <- {"type":"gap","id","match","cursor","reason"}, a snapshot follows
///   <- {"type":"error","id","cursor","code","message"}
///
/// A match "replay:ID" is what an operator replays of the match ID, and nothing
/// else: its frames say "replay":true and carry "position" in place of a
/// cursor, since there is nothing to resume. A subscriber hears nothing until a
/// replay begins, then gets a snapshot of the state before its first event, the
/// updates, and at the end
///   <- {"type":"replay-ended","id","match","replay":true}
/// One that cannot keep up gets a gap and a snapshot of where the replay is.
///
/// One thread of its own does all the work; the public members may be called
/// from any thread. A fake source and sinks are enough for a test, which calls
/// turn() instead of start().
class feed_hub {
public:
  using connection_id = std::uint64_t;

  /// `now_ms` is a clock that never goes back.
  feed_hub(feed_source* source, std::function<std::int64_t()> now_ms,
    feed_limits limits = {});
  ~feed_hub();

  /// Starts the thread.
  void start();
  /// Ends the thread. Connections are not closed: the edge does that.
  void stop();

  connection_id open(std::shared_ptr<feed_sink> sink, feed_encoding encoding);
  /// A frame that a client sent; its size is bounded by the edge.
  void message(connection_id from, bytes frame);
  void closed(connection_id connection);

  /// The log committed up to `end` in this partition of `match`.
  void committed(std::uint32_t partition, offset end);
  /// The view of matches moved on in some partition.
  void view_moved();

  /// What the subscribers of "replay:`match`" wait for: nothing (there are
  /// none), the events, or first the state before the next event.
  enum class replay_demand : std::uint8_t { none, events, state };
  replay_demand demand_of(const std::string& match) const;

  /// Shows a piece of a replay to the subscribers of its match, and to nobody
  /// else. False: too many wait to be shown; try again in a moment.
  bool replay(replayed_piece piece);

  /// Does everything that is to be done now. For tests; the thread calls it.
  void turn();

  feed_counts counts() const;

private:
  class implementation;
  std::unique_ptr<implementation> implementation_;
};

} // namespace herald
