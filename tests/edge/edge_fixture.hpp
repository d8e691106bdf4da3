#pragma once

#include "engine/base/metrics.hpp"
#include "engine/edge/http_server.hpp"
#include "tests/edge/raw_client.hpp"

#include <catch2/catch.hpp>

namespace herald {

/// A server with the options that a test sets, on a port of its own.
struct edge_fixture {
  http_server_options options;
  metrics_registry metrics;
  std::optional<http_server> server;

  http_server& make() { return server.emplace(options, metrics); }

  std::uint16_t start() {
    auto port = server->start();
    REQUIRE(port);
    return *port;
  }

  std::uint16_t port() const { return server->port(); }

  /// Whether the metrics say so: `line` is one of the exposition.
  bool counted(const std::string& line) const {
    return metrics.exposition().find(line + "\n") != std::string::npos;
  }
};

} // namespace herald
