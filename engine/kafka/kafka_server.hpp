#pragma once

#include "engine/base/metrics.hpp"
#include "engine/log/event_log.hpp"
#include "engine/log/log_writer.hpp"
#include "protocol/failure.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace herald {

/// Address and bounds of the Kafka listener.
struct kafka_options {
  /// Address of this machine that is listened on and that Metadata tells
  /// clients to connect to; port 0 picks a free one.
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  /// Threads for network input and output, at least 1. A connection stays with
  /// one of them.
  unsigned threads = 1;
  /// Connections at one time; the next one is closed at once.
  std::size_t connections_max = 1024;
  /// The longest request; a longer one closes its connection.
  std::size_t request_bytes_max = 100u << 20;
  /// Requests of one connection that may be under way, and their bytes; then it
  /// is not read from until some are answered.
  std::size_t requests_in_flight_max = 64;
  std::size_t bytes_in_flight_max = 64u << 20;
  /// Records in one answer to a fetch, whatever the client asks for; at least
  /// one batch.
  std::size_t fetch_bytes_max = 16u << 20;
  /// A connection that sends nothing for so long is closed.
  std::uint32_t idle_ms = 600'000;
  /// Whether a topic is made when a client first asks for it, and with how many
  /// partitions (also where CreateTopics leaves the number to the broker).
  bool create_topics_on_first_use = true;
  std::uint32_t default_partitions = 4;
};

/// What the listener works on; all of it outlives the server.
struct kafka_services {
  event_log* log = nullptr;
  log_writer* writer = nullptr;
  metrics_registry* metrics = nullptr;
  /// Milliseconds since 1970. From any thread.
  std::function<std::int64_t()> now_ms;
  /// Whether clients may write to a topic or delete it; the aggregates' own and
  /// Herald's internal topics are only read. From any thread.
  std::function<bool(std::string_view topic)> may_write;
  /// Deletes the records below an offset because a client asked for it: it is
  /// written down first. From any thread; waits for the disk.
  std::function<result<void>(partition_id where, offset up_to)> delete_records;
  /// The same for a whole topic.
  std::function<result<void>(std::string_view topic)> delete_topic;
  /// Why nothing new can be taken now, if so (the disk is full). From any
  /// thread, quickly.
  std::function<std::optional<failure>()> trouble;
};

/// Kafka's port: a listener that speaks the Kafka protocol (message definitions
/// of Kafka 3.9), so that Kafka's clients read and write the log as it is.
/// Every topic can be read; which can be written says
/// kafka_services::may_write.
///
/// Produced batches are checked and go to the log writer as they came; what is
/// acknowledged (acks 1 and all alike) is on disk. Fetched batches go from the
/// log's memory map to the socket without being copied or decoded. Not here:
/// consumer groups, transactions, TLS and SASL, fetch sessions.
class kafka_server {
public:
  /// Listens and serves on threads of its own. fault::in_use or io when it
  /// cannot listen.
  static result<std::unique_ptr<kafka_server>> start(
    const kafka_options& options, const kafka_services& services);

  /// Stops as stop() does.
  ~kafka_server();
  kafka_server(const kafka_server&) = delete;
  kafka_server& operator=(const kafka_server&) = delete;

  std::uint16_t port() const;

  /// To be called for every commit (event_log::on_commit), from any thread:
  /// wakes the fetches that wait for these partitions.
  void committed(std::span<const partition_commit> news);

  /// Closes the listener and all connections and ends the threads. Produced
  /// batches that wait for their commit are committed all the same, but not
  /// answered. The log writer must still run, or be stopped already.
  void stop();

private:
  struct implementation;
  explicit kafka_server(std::unique_ptr<implementation> implementation);
  std::unique_ptr<implementation> implementation_;
};

} // namespace herald
