#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace herald {

/// The seam through which time reaches Herald, so that a test owns it. Any
/// thread may ask at any time. Whoever takes one by reference must be outlived
/// by it.
class time_source {
public:
  virtual ~time_source() = default;

  /// Milliseconds since 1970-01-01T00:00:00Z, as records carry them. May jump
  /// in both directions when somebody sets the machine's clock.
  virtual std::int64_t now_ms() const = 0;

  /// Time since some fixed moment of this process; never falls. Durations and
  /// deadlines are measured with it.
  virtual std::chrono::nanoseconds steady_now() const = 0;
};

/// The machine's own clocks.
class system_time_source final : public time_source {
public:
  std::int64_t now_ms() const override;
  std::chrono::nanoseconds steady_now() const override;
};

/// A clock that stands still until a test moves it.
class manual_time_source final : public time_source {
public:
  explicit manual_time_source(std::int64_t now_ms = 1'700'000'000'000);
  std::int64_t now_ms() const override;
  std::chrono::nanoseconds steady_now() const override;

  /// Moves both clocks forward; `by` is not negative.
  void advance(std::chrono::nanoseconds by);
  /// Sets the record time alone, as an administrator would.
  void set_now_ms(std::int64_t now_ms);

private:
  std::atomic<std::int64_t> now_ns_;
  std::atomic<std::int64_t> steady_ns_{0};
};

} // namespace herald
