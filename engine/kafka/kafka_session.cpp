#include "engine/kafka/kafka_session.hpp"

#include "engine/base/logging.hpp"
#include "engine/kafka/request_table.hpp"
#include "protocol/big_endian.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <sys/socket.h>
#include <sys/uio.h>

namespace herald {

namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;

constexpr std::size_t staged_bytes_max = 16u << 10;
// What one connection reads before others have their turn.
constexpr std::size_t turn_bytes = 4u << 20;
// Batches that go into one call to the system.
constexpr std::size_t pieces_per_call = 64;
constexpr auto retry_interval = 2ms;
// A client that takes nothing of an answer for so long is gone.
constexpr auto stuck_time = 60s;

void resize_uninitialized(bytes& data, std::size_t size) {
  data.resize_and_overwrite(size, [size](char*, std::size_t) { return size; });
}

} // namespace

kafka_session::kafka_session(
  kafka_core& core, boost::asio::io_context& context, tcp::socket socket)
  : core_{core}, context_{context}, socket_{std::move(socket)}, retry_{context},
    last_progress_{std::chrono::steady_clock::now()} {
  core_.connections.add(1);
}

kafka_session::~kafka_session() {
  if (!closed_)
    core_.connections.add(-1);
}

void kafka_session::start() {
  boost::system::error_code ignored;
  socket_.set_option(tcp::no_delay{true}, ignored);
  socket_.non_blocking(true, ignored);
  resize_uninitialized(staged_, staged_bytes_max);
  wait_readable();
}

void kafka_session::close(std::string_view reason) {
  if (std::exchange(closed_, true))
    return;
  core_.connections.add(-1);
  if (!reason.empty())
    log_warning("kafka", "A connection is closed", {{"reason", reason}});
  boost::system::error_code ignored;
  socket_.close(ignored);
  retry_.cancel();
  stalled_.reset();
  for (auto& slot : std::exchange(slots_, {}))
    if (slot.abandon)
      slot.abandon();
}

void kafka_session::post(std::function<void()> task) {
  boost::asio::post(context_, std::move(task));
}

void kafka_session::settle_soon() {
  if (std::exchange(settling_, true))
    return;
  post([self = shared_from_this()] {
    self->settling_ = false;
    self->core_.writer().settle();
  });
}

void kafka_session::look_after(std::chrono::steady_clock::time_point now) {
  auto quiet = now - last_progress_;
  if (writing_ && quiet > stuck_time)
    close("the client does not take its answer");
  else if (slots_.empty()
    && quiet > std::chrono::milliseconds{core_.options.idle_ms})
    close("");
}

// -- reading ------------------------------------------------------------------

bool kafka_session::may_read() const {
  return !closed_ && !stalled_
    && slots_.size() < core_.options.requests_in_flight_max
    && bytes_in_flight_ < core_.options.bytes_in_flight_max;
}

void kafka_session::wait_readable() {
  if (std::exchange(reading_, true))
    return;
  socket_.async_wait(tcp::socket::wait_read,
    [self = shared_from_this()](boost::system::error_code error) {
      self->reading_ = false;
      if (error)
        self->close("");
      else
        self->go_on();
    });
}

// Takes what is staged and what the socket has, as long as there is room.
void kafka_session::go_on() {
  std::size_t before = bytes_in_flight_;
  while (take_frames() && may_read()) {
    if (bytes_in_flight_ > before + turn_bytes) {
      post([self = shared_from_this()] { self->go_on(); });
      return;
    }
    switch (fill()) {
    case io::done:
      break;
    case io::wait:
      wait_readable();
      return;
    case io::failed:
      close("");
      return;
    }
  }
}

kafka_session::io kafka_session::fill() {
  auto* to = frame_.empty() ? staged_.data() + staged_bytes_
                            : frame_.data() + frame_filled_;
  auto room = frame_.empty() ? staged_.size() - staged_bytes_
                             : frame_.size() - frame_filled_;
  auto count = ::recv(socket_.native_handle(), to, room, 0);
  if (count < 0 && errno == EINTR)
    return io::done;
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return io::wait;
  if (count <= 0)
    return io::failed;
  last_progress_ = std::chrono::steady_clock::now();
  core_.received_bytes.add(static_cast<std::uint64_t>(count));
  (frame_.empty() ? staged_bytes_ : frame_filled_)
    += static_cast<std::size_t>(count);
  return io::done;
}

// Hands on every whole request there is. False when the connection is closed
// or has to wait.
bool kafka_session::take_frames() {
  if (closed_ || stalled_)
    return false;
  if (!frame_.empty()) {
    if (frame_filled_ < frame_.size())
      return true;
    frame_filled_ = 0;
    return hand_on(std::exchange(frame_, {}));
  }
  std::size_t at = 0;
  auto fine = true;
  while (fine && may_read() && staged_bytes_ - at >= 4) {
    auto size = load_big_endian<std::int32_t>(staged_.data() + at);
    if (size < 8
      || static_cast<std::size_t>(size) > core_.options.request_bytes_max) {
      close("a request has an impossible size");
      return false;
    }
    auto whole = static_cast<std::size_t>(size);
    auto there = std::min(staged_bytes_ - at - 4, whole);
    if (there < whole && whole + 4 <= staged_.size())
      break;
    bytes frame;
    resize_uninitialized(frame, whole);
    std::copy_n(staged_.data() + at + 4, there, frame.data());
    at += 4 + there;
    if (there < whole) {
      frame_ = std::move(frame);
      frame_filled_ = there;
      break;
    }
    fine = hand_on(std::move(frame));
  }
  if (closed_)
    return false;
  std::copy(
    staged_.data() + at, staged_.data() + staged_bytes_, staged_.data());
  staged_bytes_ -= at;
  return fine;
}

bool kafka_session::hand_on(bytes frame) {
  kafka_request request;
  request.received = std::chrono::steady_clock::now();
  request.frame = std::move(frame);
  if (!read_header(request)) {
    close("a request cannot be read, or is of an API that is not offered");
    return false;
  }
  request.session = shared_from_this();
  request.slot = first_slot_ + slots_.size();
  slots_.push_back({.request_bytes = request.frame.size()});
  bytes_in_flight_ += request.frame.size();
  stalled_ = std::move(request);
  return try_handler();
}

// Hands the request in `stalled_` to its handler.
bool kafka_session::try_handler() {
  auto request = std::exchange(stalled_, std::nullopt);
  switch (handle(*request)) {
  case handled::taken:
    return !closed_;
  case handled::later:
    stalled_ = std::move(request);
    retry_later();
    return false;
  case handled::hang_up:
    close(fmt::format(
      "a request of API {}, version {}, is malformed or not offered",
      request->header.request_api_key, request->version()));
    return false;
  }
  return false;
}

void kafka_session::retry_later() {
  retry_.expires_after(retry_interval);
  retry_.async_wait(
    [self = shared_from_this()](boost::system::error_code error) {
      if (!error && !self->closed_ && self->stalled_ && self->try_handler())
        self->go_on();
    });
}

// -- answering ----------------------------------------------------------------

void kafka_session::answer(std::uint64_t slot, kafka_answer answer) {
  if (closed_)
    return;
  assert(slot >= first_slot_ && slot - first_slot_ < slots_.size());
  auto& place = slots_[slot - first_slot_];
  assert(!place.ready);
  place.ready = true;
  place.answer = std::move(answer);
  place.abandon = nullptr;
  if (slot == first_slot_ && !writing_)
    flush();
}

void kafka_session::when_closed(
  std::uint64_t slot, std::function<void()> abandon) {
  if (closed_)
    abandon();
  else
    slots_[slot - first_slot_].abandon = std::move(abandon);
}

void kafka_session::wait_writable() {
  writing_ = true;
  socket_.async_wait(tcp::socket::wait_write,
    [self = shared_from_this()](boost::system::error_code error) {
      self->writing_ = false;
      if (error)
        self->close("");
      else
        self->flush();
    });
}

// Sends the answers that are ready, in the order of the requests.
void kafka_session::flush() {
  auto full = !may_read();
  while (!closed_ && !slots_.empty() && slots_.front().ready) {
    auto ended = send_front();
    if (ended == io::wait) {
      wait_writable();
      return;
    }
    if (ended == io::failed) {
      close("");
      return;
    }
    bytes_in_flight_ -= slots_.front().request_bytes;
    slots_.pop_front();
    ++first_slot_;
    sent_ = {};
  }
  // From a fresh stack: this may run below the handler of a request.
  if (full && may_read())
    post([self = shared_from_this()] { self->go_on(); });
}

kafka_session::io kafka_session::send_front() {
  auto& answer = slots_.front().answer;
  for (;;) {
    auto more = sent_.piece < answer.pieces.size();
    auto until = more ? answer.pieces[sent_.piece].at : answer.head.size();
    if (sent_.head == until && !more)
      return io::done;
    auto ended
      = sent_.head < until ? send_head(answer, until) : send_pieces(answer);
    if (ended != io::done)
      return ended;
  }
}

kafka_session::io kafka_session::send_head(
  const kafka_answer& answer, std::size_t end) {
  auto more = sent_.piece < answer.pieces.size();
  auto count = ::send(socket_.native_handle(), answer.head.data() + sent_.head,
    end - sent_.head, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
  if (count > 0)
    sent_.head += static_cast<std::size_t>(count);
  return sent(count);
}

// Sends batches that stand side by side in one partition, straight from the
// log. Only while the call to the system runs is a read transaction open: where
// the socket takes no more, the batch is looked up again when it does.
kafka_session::io kafka_session::send_pieces(const kafka_answer& answer) {
  auto& first = answer.pieces[sent_.piece];
  std::size_t run = 1;
  while (run < pieces_per_call && sent_.piece + run < answer.pieces.size()
    && answer.pieces[sent_.piece + run].at == first.at)
    ++run;
  auto ended = io::failed;
  auto lent = core_.log().lend(
    first.where, first.base, run, [&](std::span<const bytes_view> batches) {
      std::array<iovec, pieces_per_call> parts;
      std::size_t used = 0;
      for (; used < batches.size(); ++used) {
        auto batch = batches[used];
        // Trimmed, or compacted, since the answer began: it cannot go on.
        if (batch.size() != answer.pieces[sent_.piece + used].size)
          break;
        if (used == 0)
          batch.remove_prefix(sent_.of_piece);
        parts[used] = {const_cast<char*>(batch.data()), batch.size()};
      }
      if (used == 0)
        return;
      msghdr message{};
      message.msg_iov = parts.data();
      message.msg_iovlen = used;
      auto count = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
      for (auto left = count; left > 0;) {
        auto& piece = answer.pieces[sent_.piece];
        auto part = std::min<std::ptrdiff_t>(
          left, static_cast<std::ptrdiff_t>(piece.size - sent_.of_piece));
        sent_.of_piece += static_cast<std::size_t>(part);
        left -= part;
        if (sent_.of_piece == piece.size) {
          ++sent_.piece;
          sent_.of_piece = 0;
        }
      }
      ended = sent(count);
    });
  if (!lent)
    log_warning(
      "kafka", "An answer cannot go on", {{"reason", lent.error().message}});
  return lent ? ended : io::failed;
}

kafka_session::io kafka_session::sent(std::ptrdiff_t count) {
  if (count >= 0) {
    last_progress_ = std::chrono::steady_clock::now();
    core_.sent_bytes.add(static_cast<std::uint64_t>(count));
    return io::done;
  }
  if (errno == EINTR)
    return io::done;
  return errno == EAGAIN || errno == EWOULDBLOCK ? io::wait : io::failed;
}

} // namespace herald
