#include "engine/edge/exchange.hpp"

#include "engine/edge/http_message.hpp"

#include <utility>

namespace herald {

// stream_queue

stream_queue::stream_queue(std::function<void()> wake)
  : wake_(std::move(wake)) {}

body_stream::outcome stream_queue::write(bytes piece) {
  std::lock_guard lock(mutex_);
  if (gone_ || state_ != state::open)
    return body_stream::outcome::gone;
  if (waiting_bytes_ > 0
    && waiting_bytes_ + piece.size() > 2 * limits::stream_bytes) {
    state_ = state::aborted;
    wake_();
    return body_stream::outcome::gone;
  }
  if (!piece.empty()) {
    waiting_bytes_ += piece.size();
    pieces_.push_back(std::move(piece));
    if (pieces_.size() == 1)
      wake_();
  }
  return has_room() ? body_stream::outcome::more : body_stream::outcome::wait;
}

void stream_queue::on_room(std::function<void()> then) {
  std::unique_lock lock(mutex_);
  if (gone_ || state_ != state::open) {
    lock.unlock();
    then();
    return;
  }
  then_ = std::move(then);
  if (has_room())
    wake_();
}

bool stream_queue::wait_for_room(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  auto done = [this] { return gone_ || state_ != state::open || has_room(); };
  return changed_.wait_for(lock, at_most, done) && !gone_
    && state_ == state::open;
}

void stream_queue::end() {
  std::lock_guard lock(mutex_);
  if (gone_ || state_ != state::open)
    return;
  state_ = state::ended;
  wake_();
}

void stream_queue::drop() {
  std::lock_guard lock(mutex_);
  if (gone_ || state_ != state::open)
    return;
  state_ = state::aborted;
  wake_();
}

stream_queue::taken stream_queue::take() {
  std::lock_guard lock(mutex_);
  taken out;
  out.pieces = std::exchange(pieces_, {});
  for (auto& piece : out.pieces)
    out.size += piece.size();
  out.then = state_;
  return out;
}

std::function<void()> stream_queue::sent(std::size_t size) {
  std::lock_guard lock(mutex_);
  waiting_bytes_ -= size;
  if (!has_room())
    return {};
  changed_.notify_all();
  return std::exchange(then_, {});
}

std::function<void()> stream_queue::let_go() {
  std::lock_guard lock(mutex_);
  gone_ = true;
  wake_ = {};
  pieces_.clear();
  changed_.notify_all();
  return std::exchange(then_, {});
}

// answer_slot

answer_slot::answer_slot(std::function<void()> wake) : wake_(std::move(wake)) {}

void answer_slot::respond(server_response answer) {
  std::lock_guard lock(mutex_);
  if (std::exchange(answered_, true))
    return;
  answer_.emplace();
  answer_->head = std::move(answer);
  if (wake_)
    wake_();
}

std::shared_ptr<stream_queue> answer_slot::begin(server_response head) {
  std::lock_guard lock(mutex_);
  if (std::exchange(answered_, true) || !wake_)
    return {};
  answer_.emplace();
  answer_->head = std::move(head);
  answer_->stream = std::make_shared<stream_queue>(wake_);
  wake_();
  return answer_->stream;
}

void answer_slot::drop() {
  std::lock_guard lock(mutex_);
  if (std::exchange(answered_, true))
    return;
  answer_.emplace();
  answer_->dropped = true;
  if (wake_)
    wake_();
}

std::optional<answer_slot::answer> answer_slot::take() {
  std::lock_guard lock(mutex_);
  return std::exchange(answer_, {});
}

void answer_slot::let_go() {
  std::lock_guard lock(mutex_);
  wake_ = {};
  answered_ = true;
}

// The handler's handles

struct body_stream::state {
  explicit state(std::shared_ptr<stream_queue> queue)
    : queue(std::move(queue)) {}
  ~state() { queue->drop(); }
  std::shared_ptr<stream_queue> queue;
};

body_stream::outcome body_stream::write(bytes piece) {
  return state_ ? state_->queue->write(std::move(piece)) : outcome::gone;
}

void body_stream::on_room(std::function<void()> then) {
  if (state_)
    state_->queue->on_room(std::move(then));
  else
    then();
}

bool body_stream::wait_for_room(std::chrono::milliseconds at_most) {
  return state_ && state_->queue->wait_for_room(at_most);
}

void body_stream::end() {
  if (state_)
    state_->queue->end();
}

struct responder::state {
  explicit state(std::shared_ptr<answer_slot> slot) : slot(std::move(slot)) {}
  ~state() { slot->drop(); }
  std::shared_ptr<answer_slot> slot;
};

void responder::respond(server_response answer) const {
  if (state_)
    state_->slot->respond(std::move(answer));
}

void responder::respond(const problem& answer) const {
  respond(to_response(answer));
}

void responder::respond_json(bytes text, int status) const {
  server_response answer;
  answer.status = status;
  answer.body = std::move(text);
  respond(std::move(answer));
}

body_stream responder::begin(server_response head) const {
  body_stream out;
  if (!state_)
    return out;
  if (auto queue = state_->slot->begin(std::move(head)))
    out.state_ = std::make_shared<body_stream::state>(std::move(queue));
  return out;
}

responder make_responder(std::shared_ptr<answer_slot> slot) {
  responder out;
  out.state_ = std::make_shared<responder::state>(std::move(slot));
  return out;
}

} // namespace herald
