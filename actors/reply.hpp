#pragma once

#include "protocol/failure.hpp"

#include <functional>
#include <utility>

namespace herald {

/// The answer that somebody outside the actors waits for, carried inside a
/// command. It is given exactly once: by calling it, or, when the actor that
/// held the command ends or its mailbox is dropped, by the destructor with
/// fault::unavailable. The function runs on the thread that answers and must
/// not block.
template <class T>
class reply {
public:
  using function = std::function<void(result<T>)>;

  reply() = default;
  explicit reply(function answer) : answer_(std::move(answer)) {}
  reply(reply&& other) noexcept
    : answer_(std::exchange(other.answer_, nullptr)) {}
  reply& operator=(reply&& other) noexcept {
    if (this != &other) {
      abandon();
      answer_ = std::exchange(other.answer_, nullptr);
    }
    return *this;
  }
  ~reply() { abandon(); }

  void operator()(result<T> answer) {
    if (auto give = std::exchange(answer_, nullptr))
      give(std::move(answer));
  }

  bool pending() const { return static_cast<bool>(answer_); }

private:
  void abandon() {
    if (auto give = std::exchange(answer_, nullptr))
      give(fail(fault::unavailable,
        "the part of the node that had the command was stopped or restarted "
        "before it answered; send it again"));
  }

  function answer_;
};

} // namespace herald
