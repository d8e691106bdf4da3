#include "engine/kafka/request_table.hpp"
#include "protocol/kafka/init_producer_id.hpp"

namespace herald {

handled handle_init_producer_id(kafka_request& request) {
  auto asked = kafka::decode<kafka::init_producer_id_request>(
    request.body(), request.version());
  if (!asked)
    return handled::hang_up;
  auto transactional
    = asked->transactional_id && !asked->transactional_id->empty();
  return answer_slowly(request, [transactional](const kafka_request& request) {
    kafka::init_producer_id_response response;
    if (transactional) {
      response.error_code = kafka::error::transactional_id_authorization_failed;
      return response;
    }
    // A producer that asks for a new epoch of its id gets a new id, as from
    // Kafka: it then begins at sequence 0 with nothing known of it.
    auto& core = request.session->core();
    if (auto id = core.next_producer_id()) {
      response.producer_id = *id;
    } else {
      response.error_code = error_of(id.error());
      response.producer_epoch = -1;
      core.errors("InitProducerId", response.error_code).add();
    }
    return response;
  });
}

} // namespace herald
