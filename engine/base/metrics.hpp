#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace herald {

/// Names and values that tell the series of one metric apart, such as
/// {{"topic", "match"}}. Never an id of a player, a match or a connection:
/// series are kept for ever.
using metric_labels = std::vector<std::pair<std::string, std::string>>;

/// Counts something that only grows. Any thread, lock-free.
class counter {
public:
  void add(std::uint64_t by = 1) noexcept {
    value_.fetch_add(by, std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

private:
  std::atomic<std::uint64_t> value_{0};
};

/// A quantity that rises and falls. Any thread, lock-free.
class gauge {
public:
  void set(double to) noexcept { value_.store(to, std::memory_order_relaxed); }
  void add(double by) noexcept {
    value_.fetch_add(by, std::memory_order_relaxed);
  }
  double value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

private:
  std::atomic<double> value_{0};
};

/// How often a quantity fell into which range. Any thread, lock-free. A scrape
/// beside it may see an observation in the sum and not yet in its bucket.
class histogram {
public:
  /// `bounds`: upper bounds of the buckets, ascending; the last one, infinity,
  /// is added.
  explicit histogram(std::vector<double> bounds);
  void observe(double value) noexcept;
  const std::vector<double>& bounds() const { return bounds_; }
  /// Observations in bucket `index` alone; bounds().size() is infinity's.
  std::uint64_t in_bucket(std::size_t index) const noexcept;
  double sum() const noexcept;

  /// Bounds for durations in seconds: 100 us to 30 s.
  static std::vector<double> seconds();
  /// Bounds for sizes in bytes: 64 B to 64 MiB.
  static std::vector<double> sizes();

private:
  std::vector<double> bounds_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> buckets_;
  std::atomic<double> sum_{0};
};

/// All metrics of one node and their text for Prometheus. `main` owns it, and
/// everybody who counts gets a reference; it outlives them all.
///
/// Asking for a metric takes a lock and is for set-up: keep what it returns,
/// which lives as long as the registry. The same name and labels give the same
/// object. Names are asserted: "herald_" first, lower case, base units last
/// (_seconds, _bytes), and "_total" for counters alone; a name has one kind,
/// one help text and one set of label names.
class metrics_registry {
public:
  metrics_registry();
  ~metrics_registry();
  metrics_registry(const metrics_registry&) = delete;
  metrics_registry& operator=(const metrics_registry&) = delete;

  counter& make_counter(std::string_view name, std::string_view help,
    const metric_labels& labels = {});
  gauge& make_gauge(std::string_view name, std::string_view help,
    const metric_labels& labels = {});
  /// `bounds` count only for the first series of the name.
  histogram& make_histogram(std::string_view name, std::string_view help,
    std::vector<double> bounds, const metric_labels& labels = {});

  /// A gauge whose value `read` knows: it is called at each scrape, under the
  /// registry's lock, until the returned handle is destroyed (which waits for
  /// a call that is on its way). `read` does not use the registry.
  [[nodiscard]] std::shared_ptr<void> observe_gauge(std::string_view name,
    std::string_view help, const metric_labels& labels,
    std::function<double()> read);

  /// The same for a counter whose value `read` knows, and which only grows.
  [[nodiscard]] std::shared_ptr<void> observe_counter(std::string_view name,
    std::string_view help, const metric_labels& labels,
    std::function<double()> read);

  /// Prometheus text exposition format 0.0.4, sorted by name and labels.
  std::string exposition() const;

private:
  struct implementation;
  std::shared_ptr<implementation> implementation_;
};

} // namespace herald
