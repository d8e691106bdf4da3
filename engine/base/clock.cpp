#include "engine/base/clock.hpp"

#include <cassert>

namespace herald {

namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;

} // namespace

std::int64_t system_time_source::now_ms() const {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::chrono::nanoseconds system_time_source::steady_now() const {
  return std::chrono::steady_clock::now().time_since_epoch();
}

manual_time_source::manual_time_source(std::int64_t now_ms)
  : now_ns_(now_ms * ns_per_ms) {}

std::int64_t manual_time_source::now_ms() const {
  return now_ns_.load() / ns_per_ms;
}

std::chrono::nanoseconds manual_time_source::steady_now() const {
  return std::chrono::nanoseconds(steady_ns_.load());
}

void manual_time_source::advance(std::chrono::nanoseconds by) {
  assert(by.count() >= 0);
  now_ns_ += by.count();
  steady_ns_ += by.count();
}

void manual_time_source::set_now_ms(std::int64_t now_ms) {
  now_ns_ = now_ms * ns_per_ms;
}

} // namespace herald
