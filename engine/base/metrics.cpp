#include "engine/base/metrics.hpp"

#include "engine/base/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <map>
#include <mutex>

namespace herald {

histogram::histogram(std::vector<double> bounds)
  : bounds_(std::move(bounds)),
    buckets_(new std::atomic<std::uint64_t>[bounds_.size() + 1]()) {
  assert(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void histogram::observe(double value) noexcept {
  auto found = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  auto index = static_cast<std::size_t>(found - bounds_.begin());
  buckets_[index].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::uint64_t histogram::in_bucket(std::size_t index) const noexcept {
  return buckets_[index].load(std::memory_order_relaxed);
}

double histogram::sum() const noexcept {
  return sum_.load(std::memory_order_relaxed);
}

std::vector<double> histogram::seconds() {
  return {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30};
}

std::vector<double> histogram::sizes() {
  std::vector<double> bounds;
  for (double bound = 64; bound <= 64 * 1024 * 1024; bound *= 4)
    bounds.push_back(bound);
  return bounds;
}

namespace {

enum class metric_kind { counter, gauge, histogram };

std::string_view to_string(metric_kind kind) {
  switch (kind) {
  case metric_kind::counter:
    return "counter";
  case metric_kind::gauge:
    return "gauge";
  case metric_kind::histogram:
    return "histogram";
  }
  return "untyped";
}

struct series {
  std::unique_ptr<herald::counter> counter;
  std::unique_ptr<herald::gauge> gauge;
  std::unique_ptr<herald::histogram> histogram;
  std::function<double()> read;
};

struct family {
  metric_kind kind{};
  std::string help;
  std::map<metric_labels, series> by_labels;
};

[[maybe_unused]] bool is_metric_name(std::string_view name, metric_kind kind) {
  return name.starts_with("herald_") && !name.ends_with('_')
    && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_")
    == name.npos
    && name.ends_with("_total") == (kind == metric_kind::counter);
}

[[maybe_unused]] bool same_label_names(
  const metric_labels& left, const metric_labels& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
    [](auto& a, auto& b) { return a.first == b.first; });
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (char c : text) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\\' || (quotes && c == '"'))
      (out += '\\') += c;
    else
      out += c;
  }
}

void append_number(std::string& out, double value) {
  if (std::isnan(value))
    out += "NaN";
  else if (std::isinf(value))
    out += value > 0 ? "+Inf" : "-Inf";
  else
    fmt::format_to(std::back_inserter(out), "{}", value);
}

/// "name_suffix{a=\"1\",le=\"0.1\"} "
void append_series(std::string& out, std::string_view name,
  std::string_view suffix, const metric_labels& labels,
  std::string_view le = {}) {
  (out += name) += suffix;
  char separator = '{';
  auto append_label = [&](std::string_view label, std::string_view value) {
    out += separator;
    separator = ',';
    (out += label) += "=\"";
    append_escaped(out, value, true);
    out += '"';
  };
  for (auto& [label, value] : labels)
    append_label(label, value);
  if (!le.empty())
    append_label("le", le);
  if (separator == ',')
    out += '}';
  out += ' ';
}

void append_histogram(std::string& out, std::string_view name,
  const metric_labels& labels, const histogram& what) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i <= what.bounds().size(); ++i) {
    count += what.in_bucket(i);
    std::string le = "+Inf";
    if (i < what.bounds().size()) {
      le.clear();
      append_number(le, what.bounds()[i]);
    }
    append_series(out, name, "_bucket", labels, le);
    fmt::format_to(std::back_inserter(out), "{}\n", count);
  }
  append_series(out, name, "_sum", labels);
  append_number(out, what.sum());
  out += '\n';
  append_series(out, name, "_count", labels);
  fmt::format_to(std::back_inserter(out), "{}\n", count);
}

} // namespace

struct metrics_registry::implementation {
  std::mutex mutex;
  std::map<std::string, family, std::less<>> families;

  /// Under the lock.
  series& find_or_make(std::string_view name, std::string_view help,
    metric_kind kind, const metric_labels& labels) {
    assert(is_metric_name(name, kind));
    assert(!help.empty());
    auto [found, fresh] = families.try_emplace(std::string(name));
    auto& here = found->second;
    if (fresh) {
      here.kind = kind;
      here.help = help;
    }
    assert(here.kind == kind);
    assert(here.help == help);
    assert(here.by_labels.empty()
      || same_label_names(here.by_labels.begin()->first, labels));
    auto& made = here.by_labels[labels];
    assert(here.by_labels.size() <= limits::series_per_metric);
    return made;
  }

  /// A series whose value `read` knows, until the handle is destroyed.
  static std::shared_ptr<void> observe(
    const std::shared_ptr<implementation>& self, std::string_view name,
    std::string_view help, metric_kind kind, const metric_labels& labels,
    std::function<double()> read) {
    assert(read);
    std::lock_guard lock(self->mutex);
    auto& made = self->find_or_make(name, help, kind, labels);
    assert(!made.gauge && !made.counter && !made.read);
    made.read = std::move(read);
    auto forget = [self, name = std::string(name), labels](void*) {
      std::lock_guard lock(self->mutex);
      self->families.find(name)->second.by_labels.erase(labels);
    };
    return {static_cast<void*>(self.get()), std::move(forget)};
  }
};

metrics_registry::metrics_registry()
  : implementation_(std::make_shared<implementation>()) {}

metrics_registry::~metrics_registry() = default;

counter& metrics_registry::make_counter(
  std::string_view name, std::string_view help, const metric_labels& labels) {
  std::lock_guard lock(implementation_->mutex);
  auto& made
    = implementation_->find_or_make(name, help, metric_kind::counter, labels);
  if (!made.counter)
    made.counter = std::make_unique<counter>();
  return *made.counter;
}

gauge& metrics_registry::make_gauge(
  std::string_view name, std::string_view help, const metric_labels& labels) {
  std::lock_guard lock(implementation_->mutex);
  auto& made
    = implementation_->find_or_make(name, help, metric_kind::gauge, labels);
  assert(!made.read);
  if (!made.gauge)
    made.gauge = std::make_unique<gauge>();
  return *made.gauge;
}

histogram& metrics_registry::make_histogram(std::string_view name,
  std::string_view help, std::vector<double> bounds,
  const metric_labels& labels) {
  std::lock_guard lock(implementation_->mutex);
  auto& made
    = implementation_->find_or_make(name, help, metric_kind::histogram, labels);
  if (!made.histogram)
    made.histogram = std::make_unique<histogram>(std::move(bounds));
  return *made.histogram;
}

std::shared_ptr<void> metrics_registry::observe_gauge(std::string_view name,
  std::string_view help, const metric_labels& labels,
  std::function<double()> read) {
  return implementation::observe(
    implementation_, name, help, metric_kind::gauge, labels, std::move(read));
}

std::shared_ptr<void> metrics_registry::observe_counter(std::string_view name,
  std::string_view help, const metric_labels& labels,
  std::function<double()> read) {
  return implementation::observe(
    implementation_, name, help, metric_kind::counter, labels, std::move(read));
}

std::string metrics_registry::exposition() const {
  std::lock_guard lock(implementation_->mutex);
  std::string out;
  for (auto& [name, here] : implementation_->families) {
    if (here.by_labels.empty())
      continue;
    fmt::format_to(std::back_inserter(out), "# HELP {} ", name);
    append_escaped(out, here.help, false);
    fmt::format_to(
      std::back_inserter(out), "\n# TYPE {} {}\n", name, to_string(here.kind));
    for (auto& [labels, one] : here.by_labels) {
      if (one.histogram) {
        append_histogram(out, name, labels, *one.histogram);
        continue;
      }
      append_series(out, name, "", labels);
      if (one.counter)
        fmt::format_to(std::back_inserter(out), "{}", one.counter->value());
      else
        append_number(out, one.read ? one.read() : one.gauge->value());
      out += '\n';
    }
  }
  return out;
}

} // namespace herald
