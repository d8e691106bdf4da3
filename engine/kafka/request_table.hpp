#pragma once

#include "engine/kafka/kafka_answer.hpp"
#include "engine/kafka/kafka_session.hpp"
#include "protocol/kafka/frame.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace herald {

/// One API of the Kafka protocol as this listener offers it.
struct kafka_api {
  /// What the codec knows of it: number, name, form.
  const kafka::api* codec = nullptr;
  /// The versions that are announced and served.
  std::int16_t lowest = 0;
  std::int16_t highest = 0;
  handled (*handle)(kafka_request& request) = nullptr;
};

/// All that is offered, by number; ApiVersions announces exactly this.
std::span<const kafka_api> kafka_apis();

/// Reads the header at the front of the request's frame; false when it cannot
/// be read or names an API that is not offered, for which there is no form of
/// answer.
bool read_header(kafka_request& request);

/// Hands a request to the handler of its API. One whose version is not served
/// ends the connection, as with Kafka; ApiVersions answers all the same.
handled handle(kafka_request& request);

// The handlers, in handle_*.cpp.
handled handle_produce(kafka_request& request);
handled handle_fetch(kafka_request& request);
handled handle_list_offsets(kafka_request& request);
handled handle_metadata(kafka_request& request);
handled handle_find_coordinator(kafka_request& request);
handled handle_api_versions(kafka_request& request);
handled handle_create_topics(kafka_request& request);
handled handle_init_producer_id(kafka_request& request);
handled handle_offset_for_leader_epoch(kafka_request& request);
handled handle_describe_cluster(kafka_request& request);
handled handle_delete_topics(kafka_request& request);
handled handle_delete_records(kafka_request& request);
handled handle_describe_configs(kafka_request& request);
handled handle_alter_configs(kafka_request& request);
handled handle_incremental_alter_configs(kafka_request& request);

/// The frame that answers a request.
template <class Response>
kafka_answer make_answer(const kafka_request& request, std::int16_t version,
  const Response& response) {
  kafka_answer answer;
  kafka::encoder out{answer.head};
  kafka::encode_response(response, version, request.header.correlation_id, out);
  return answer;
}

/// Answers a request. From the session's thread.
template <class Response>
handled answer_with(const kafka_request& request, const Response& response) {
  request.session->answer(
    request.slot, make_answer(request, request.version(), response));
  return handled::taken;
}

/// Runs `work(request)` on the thread for what waits for the disk, and answers
/// with what it returns. The request moves along.
template <class Work>
handled answer_slowly(kafka_request& request, Work work) {
  auto moved = std::make_shared<kafka_request>(std::move(request));
  auto taken = moved->session->core().run_slowly([moved, work] {
    auto answer = make_answer(*moved, moved->version(), work(*moved));
    moved->session->post([moved, answer = std::move(answer)]() mutable {
      moved->session->answer(moved->slot, std::move(answer));
    });
  });
  return taken ? handled::taken : handled::hang_up;
}

} // namespace herald
