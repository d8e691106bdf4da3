#pragma once

#include "engine/base/clock.hpp"
#include "engine/base/metrics.hpp"
#include "engine/edge/http_server.hpp"
#include "engine/edge/route_table.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace herald {

// Inside of the edge: what all connections of a server share. It outlives
// them: the server destroys it after its threads have ended, and those end
// when no connection is left.

struct server_core;

/// Whoever holds a socket, so that a stopping server can reach it. Both
/// members may be called from any thread.
class edge_client {
public:
  virtual ~edge_client() = default;
  /// Ends soon, in order.
  virtual void drain(close_code code) = 0;
  /// Ends now.
  virtual void cut() = 0;
};

/// A bounded amount, of which everybody takes a share and gives it back.
class allowance {
public:
  explicit allowance(std::size_t most) : most_(most) {}

  /// Gives its share back.
  class share {
  public:
    share() = default;
    share(allowance* from, std::size_t size) : from_(from), size_(size) {}
    share(share&& other) noexcept
      : from_(std::exchange(other.from_, nullptr)), size_(other.size_) {}
    share& operator=(share&& other) noexcept {
      std::swap(from_, other.from_);
      std::swap(size_, other.size_);
      return *this;
    }
    ~share() {
      if (from_)
        from_->used_.fetch_sub(size_);
    }
    explicit operator bool() const { return from_; }

  private:
    allowance* from_ = nullptr;
    std::size_t size_ = 0;
  };

  /// An empty share when there is not enough left.
  share take(std::size_t size) {
    auto before = used_.fetch_add(size);
    if (before + size > most_) {
      used_.fetch_sub(size);
      return {};
    }
    return {this, size};
  }

  std::size_t used() const { return used_.load(); }

private:
  std::size_t most_;
  std::atomic<std::size_t> used_{0};
};

/// Keeps a client among those of the core. Whoever holds it keeps the client
/// alive.
class registration {
public:
  registration(server_core& core, edge_client* client);
  ~registration();
  registration(const registration&) = delete;
  registration& operator=(const registration&) = delete;

private:
  server_core& core_;
  edge_client* client_;
};

/// A path that speaks WebSocket.
struct socket_endpoint {
  socket_endpoint(web_socket_endpoint given)
    : callbacks(std::move(given)), sessions(callbacks.sessions_max) {}
  web_socket_endpoint callbacks;
  allowance sessions;
};

/// A close code as the label of a metric; those of clients that Herald does not
/// know are "other".
std::string to_label(close_code code);

struct edge_metrics {
  explicit edge_metrics(metrics_registry& registry);
  metrics_registry& registry;
  gauge& connections;
  gauge& sockets;
  counter& sent_frames;
  counter& sent_bytes;
  counter& received_messages;
  /// Problems that the edge itself answered with, by their code.
  counter& problems(std::string_view code);
  counter& refused(std::string_view reason);
  counter& closed(close_code code);
};

struct server_core {
  server_core(http_server_options options, metrics_registry& metrics);

  // Set up before the threads start, read-only afterwards.
  http_server_options options;
  system_time_source machine_time;
  const time_source& time;
  route_table routes;
  std::map<std::string, std::unique_ptr<socket_endpoint>, std::less<>>
    endpoints;
  std::map<std::string_view, const static_asset*> assets;
  std::vector<
    std::pair<std::string, std::function<std::optional<std::string>()>>>
    conditions;
  std::vector<std::string> hosts;
  /// What is counted of static files, and of requests that no route fits.
  route_entry asset_entry;
  route_entry other_entry;

  edge_metrics metrics;
  allowance requests;
  allowance body_bytes;
  std::atomic<std::uint64_t> session_ids{0};
  std::atomic<std::size_t> session_count{0};
  std::atomic<bool> draining{false};

  boost::asio::io_context io;

  /// Makes room for a connection, or says why there is none.
  std::optional<std::string_view> admit(const boost::asio::ip::address& from);
  /// The connection is gone.
  void release(const boost::asio::ip::address& from);

  void add(edge_client* client);
  void remove(edge_client* client);
  /// For each client, under the lock that add and remove take: none of them
  /// goes meanwhile.
  void for_each_client(const std::function<void(edge_client&)>& act);
  /// Until no client is left; false when `at_most` is over first.
  bool wait_until_empty(std::chrono::milliseconds at_most);

  bool host_allowed(std::string_view host) const;
  bool origin_allowed(std::string_view origin, std::string_view host) const;

  void instrument(route_entry& route);

private:
  /// Empty for addresses that are not counted.
  std::string counted_address(const boost::asio::ip::address& from) const;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_set<edge_client*> clients_;
  std::size_t connections_ = 0;
  std::unordered_map<std::string, std::size_t> by_address_;
};

} // namespace herald
