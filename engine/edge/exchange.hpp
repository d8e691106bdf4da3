#pragma once

#include "engine/edge/http_server.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

namespace herald {

// Inside of the edge: where a handler on any thread and a connection on its
// strand meet. Both sides lock; the connection is told by `wake`, which is
// called under the lock and only until the connection lets go.

/// Pieces of a streamed answer between the handler and the connection.
class stream_queue {
public:
  explicit stream_queue(std::function<void()> wake);

  // The handler's side.
  body_stream::outcome write(bytes piece);
  void on_room(std::function<void()> then);
  bool wait_for_room(std::chrono::milliseconds at_most);
  void end();
  /// The last handle is gone.
  void drop();

  // The connection's side.
  enum class state : std::uint8_t { open, ended, aborted };
  struct taken {
    std::deque<bytes> pieces;
    std::size_t size = 0;
    /// Counts once the pieces are sent.
    state then = state::open;
  };
  /// Takes all that waits.
  taken take();
  /// The pieces that were taken last are sent. Returns what on_room left, if
  /// it is to be called now.
  std::function<void()> sent(std::size_t size);
  /// Nobody reads any more. Returns what on_room left.
  std::function<void()> let_go();

private:
  bool has_room() const { return waiting_bytes_ <= limits::stream_bytes; }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> wake_;
  std::function<void()> then_;
  std::deque<bytes> pieces_;
  /// Queued or taken and not sent yet.
  std::size_t waiting_bytes_ = 0;
  state state_ = state::open;
  bool gone_ = false;
};

/// The answer to one request, on its way from the handler.
class answer_slot {
public:
  explicit answer_slot(std::function<void()> wake);

  // The handler's side.
  void respond(server_response answer);
  std::shared_ptr<stream_queue> begin(server_response head);
  /// The last responder is gone.
  void drop();

  // The connection's side.
  struct answer {
    server_response head;
    /// Null for an answer that is complete.
    std::shared_ptr<stream_queue> stream;
    bool dropped = false;
  };
  std::optional<answer> take();
  /// The connection does not wait any longer; a later answer is ignored.
  void let_go();

private:
  std::mutex mutex_;
  std::function<void()> wake_;
  std::optional<answer> answer_;
  bool answered_ = false;
};

/// What a handler gets: the slot and the duty to fill it.
responder make_responder(std::shared_ptr<answer_slot> slot);

} // namespace herald
