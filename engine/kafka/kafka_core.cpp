#include "engine/kafka/kafka_core.hpp"

#include <condition_variable>
#include <deque>
#include <thread>

namespace herald {

namespace {

constexpr std::uint32_t ids_per_block = 1'000;
constexpr std::size_t slow_tasks_max = 1'024;

} // namespace

struct kafka_core::slow_tasks {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> queue;
  bool stopping = false;
  std::thread thread{[this] { run(); }};

  void run() {
    std::unique_lock lock{mutex};
    for (;;) {
      wake.wait(lock, [this] { return stopping || !queue.empty(); });
      if (queue.empty())
        return;
      auto task = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      task();
      task = nullptr;
      lock.lock();
    }
  }
};

kafka_core::kafka_core(
  const kafka_options& options, const kafka_services& services)
  : options{options}, services{services},
    connections{services.metrics->make_gauge("herald_kafka_connections",
      "Connections of Kafka clients that are open.")},
    refused_connections{
      services.metrics->make_counter("herald_kafka_refused_connections_total",
        "Connections of Kafka clients closed at once, since there were too "
        "many.")},
    received_bytes{
      services.metrics->make_counter("herald_kafka_received_bytes_total",
        "Bytes of the requests of Kafka clients.")},
    sent_bytes{services.metrics->make_counter("herald_kafka_sent_bytes_total",
      "Bytes of the answers to Kafka clients.")},
    produced_records{
      services.metrics->make_counter("herald_kafka_produced_records_total",
        "Records of Kafka clients that were committed.")},
    slow_{std::make_unique<slow_tasks>()} {}

kafka_core::~kafka_core() {
  stop();
}

void kafka_core::stop() {
  {
    std::lock_guard lock{slow_->mutex};
    slow_->stopping = true;
  }
  slow_->wake.notify_one();
  if (slow_->thread.joinable())
    slow_->thread.join();
}

bool kafka_core::run_slowly(std::function<void()> task) {
  {
    std::lock_guard lock{slow_->mutex};
    if (slow_->stopping || slow_->queue.size() >= slow_tasks_max)
      return false;
    slow_->queue.push_back(std::move(task));
  }
  slow_->wake.notify_one();
  return true;
}

result<std::int64_t> kafka_core::next_producer_id() {
  std::lock_guard lock{ids_mutex_};
  if (next_id_ == ids_end_) {
    auto first = log().allocate_producer_ids(ids_per_block);
    if (!first)
      return first;
    next_id_ = *first;
    ids_end_ = *first + ids_per_block;
  }
  return next_id_++;
}

counter& kafka_core::errors(std::string_view api, kafka::error code) {
  return services.metrics->make_counter("herald_kafka_errors_total",
    "Errors told to Kafka clients, by API and error.",
    {{"api", std::string{api}}, {"error", std::string{to_string(code)}}});
}

kafka::error error_of(const failure& why) {
  switch (why.code) {
  case fault::invalid_input:
    return kafka::error::invalid_record;
  case fault::not_found:
    return kafka::error::unknown_topic_or_partition;
  case fault::conflict:
    return kafka::error::invalid_request;
  case fault::too_large:
    return kafka::error::message_too_large;
  case fault::busy:
  case fault::timeout:
    return kafka::error::request_timed_out;
  case fault::damaged:
    return kafka::error::corrupt_message;
  case fault::unavailable:
  case fault::io:
  case fault::storage_full:
    return kafka::error::kafka_storage_error;
  case fault::forbidden:
    return kafka::error::topic_authorization_failed;
  case fault::out_of_order:
    return kafka::error::out_of_order_sequence_number;
  case fault::fenced:
    return kafka::error::invalid_producer_epoch;
  case fault::configuration:
    return kafka::error::invalid_config;
  case fault::in_use:
  case fault::version:
    return kafka::error::unknown_server_error;
  }
  return kafka::error::unknown_server_error;
}

} // namespace herald
