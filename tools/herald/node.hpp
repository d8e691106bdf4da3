#pragma once

#include "engine/base/settings.hpp"
#include "protocol/failure.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace herald {

/// A whole node in this process: log, views, vault, actors, feeds, edge and
/// console, wired together.
class node {
public:
  /// Starts all of it; when this returns, the node serves. `on_failure` is
  /// called at most once, on some thread, when the node cannot go on (an actor
  /// failed beyond what its supervisor forgives).
  static result<std::unique_ptr<node>> start(const settings& configuration,
    std::function<void(const std::string& reason)> on_failure = {});

  /// Stops as stop() does.
  ~node();

  /// Drains: takes no new requests, finishes those that are there, closes the
  /// sockets, ends the actors, and closes the data folder.
  void stop();

  /// "http://127.0.0.1:8480".
  std::string url() const;

  /// "127.0.0.1:9092", where Kafka's clients connect; none without [kafka]
  /// listen.
  std::optional<std::string> kafka_address() const;

private:
  struct implementation;
  explicit node(std::unique_ptr<implementation> implementation);
  std::unique_ptr<implementation> implementation_;
};

} // namespace herald
