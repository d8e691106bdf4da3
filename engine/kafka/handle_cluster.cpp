#include "engine/kafka/request_table.hpp"
#include "protocol/kafka/describe_cluster.hpp"
#include "protocol/kafka/find_coordinator.hpp"

namespace herald {

handled handle_describe_cluster(kafka_request& request) {
  if (!kafka::decode<kafka::describe_cluster_request>(
        request.body(), request.version()))
    return handled::hang_up;
  auto& core = request.session->core();
  kafka::describe_cluster_response response;
  response.cluster_id = core.log().cluster_id();
  response.controller_id = kafka_node_id;
  response.brokers.push_back(
    {kafka_node_id, core.options.address, core.port, std::nullopt});
  return answer_with(request, response);
}

// There are no consumer groups and no transactions to coordinate.
handled handle_find_coordinator(kafka_request& request) {
  if (!kafka::decode<kafka::find_coordinator_request>(
        request.body(), request.version()))
    return handled::hang_up;
  kafka::find_coordinator_response response;
  response.error_code = kafka::error::coordinator_not_available;
  response.node_id = -1;
  response.port = -1;
  return answer_with(request, response);
}

} // namespace herald
