#pragma once

#include "engine/base/metrics.hpp"
#include "engine/kafka/fetch_waiters.hpp"
#include "engine/kafka/kafka_server.hpp"
#include "protocol/failure.hpp"
#include "protocol/kafka/error.hpp"

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace herald {

/// The node's id in the protocol; there is one broker.
constexpr std::int32_t kafka_node_id = 0;

/// What all connections of the Kafka listener share.
class kafka_core {
public:
  kafka_core(const kafka_options& options, const kafka_services& services);
  ~kafka_core();
  kafka_core(const kafka_core&) = delete;
  kafka_core& operator=(const kafka_core&) = delete;

  const kafka_options options;
  const kafka_services services;
  /// The port that is listened on.
  std::uint16_t port = 0;
  fetch_waiters waiters;

  event_log& log() const { return *services.log; }
  log_writer& writer() const { return *services.writer; }

  /// An id for an idempotent producer, durable in blocks. From any thread; may
  /// wait for a commit.
  result<std::int64_t> next_producer_id();

  /// Runs a task that waits for the disk on a thread of its own, one after the
  /// other. False when too many wait, or after stop().
  bool run_slowly(std::function<void()> task);
  void stop();

  gauge& connections;
  counter& refused_connections;
  counter& received_bytes;
  counter& sent_bytes;
  counter& produced_records;
  counter& errors(std::string_view api, kafka::error code);

private:
  struct slow_tasks;

  std::mutex ids_mutex_;
  std::int64_t next_id_ = 0;
  std::int64_t ids_end_ = 0;
  std::unique_ptr<slow_tasks> slow_;
};

/// How a failure of the log is told to a client of Kafka.
kafka::error error_of(const failure& why);

} // namespace herald
