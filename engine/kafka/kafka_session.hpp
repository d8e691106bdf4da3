#pragma once

#include "engine/kafka/kafka_answer.hpp"
#include "engine/kafka/kafka_core.hpp"
#include "protocol/bytes.hpp"
#include "protocol/kafka/header.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace herald {

class kafka_session;

/// One request of a client, from when it was read whole until it is answered.
struct kafka_request {
  std::shared_ptr<kafka_session> session;
  /// Place of its answer among the connection's answers.
  std::uint64_t slot = 0;
  kafka::request_header header;
  /// The whole frame without its size, and where its body starts. Records of a
  /// produce request are views into it.
  bytes frame;
  std::size_t body_at = 0;
  std::chrono::steady_clock::time_point received;

  bytes_view body() const { return bytes_view{frame}.substr(body_at); }
  std::int16_t version() const { return header.request_api_version; }
};

/// What became of a request that was handed to a handler.
enum class handled : std::uint8_t {
  /// It was answered, or will be.
  taken,
  /// There is no room for it now: to be tried again in a moment, before any
  /// later request of the connection.
  later,
  /// The connection cannot go on.
  hang_up,
};

/// One connection of a Kafka client. Requests are handed on in the order in
/// which they came, several at a time, and answered in that order. All calls
/// but post() come from the thread of its io_context.
class kafka_session : public std::enable_shared_from_this<kafka_session> {
public:
  kafka_session(kafka_core& core, boost::asio::io_context& context,
    boost::asio::ip::tcp::socket socket);
  ~kafka_session();

  void start();
  /// Closes the connection; requests under way are not answered.
  void close(std::string_view reason);
  bool closed() const { return closed_; }

  /// Answers the request in that slot; an answer without a head sends nothing
  /// (acks = 0). From the session's thread, once for each slot.
  void answer(std::uint64_t slot, kafka_answer answer);

  /// What to do about the request in that slot should the connection be closed
  /// before it is answered. From the session's thread.
  void when_closed(std::uint64_t slot, std::function<void()> abandon);

  /// Runs a task on the session's thread. From any thread.
  void post(std::function<void()> task);
  boost::asio::io_context& context() { return context_; }
  kafka_core& core() { return core_; }

  /// Calls log_writer::settle() when the requests that are already there have
  /// been looked at. From the session's thread.
  void settle_soon();

  /// Closes the connection if it was idle or stuck for too long.
  void look_after(std::chrono::steady_clock::time_point now);

private:
  struct slot {
    bool ready = false;
    std::size_t request_bytes = 0;
    kafka_answer answer;
    std::function<void()> abandon;
  };
  /// How far the first answer has been sent.
  struct sent_part {
    std::size_t head = 0;
    std::size_t piece = 0;
    std::size_t of_piece = 0;
  };
  enum class io : std::uint8_t { done, wait, failed };

  void go_on();
  bool may_read() const;
  io fill();
  bool take_frames();
  bool hand_on(bytes frame);
  bool try_handler();
  void retry_later();
  void wait_readable();
  void wait_writable();
  void flush();
  io send_front();
  io send_head(const kafka_answer& answer, std::size_t end);
  io send_pieces(const kafka_answer& answer);
  io sent(std::ptrdiff_t count);

  kafka_core& core_;
  boost::asio::io_context& context_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer retry_;
  std::chrono::steady_clock::time_point last_progress_;
  bool closed_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool settling_ = false;

  // What was read and is not yet a whole request: small requests pass through
  // `staged_`, a large one is read in place.
  bytes staged_;
  std::size_t staged_bytes_ = 0;
  bytes frame_;
  std::size_t frame_filled_ = 0;

  std::optional<kafka_request> stalled_;
  std::deque<slot> slots_;
  std::uint64_t first_slot_ = 0;
  std::size_t bytes_in_flight_ = 0;
  sent_part sent_;
};

} // namespace herald
