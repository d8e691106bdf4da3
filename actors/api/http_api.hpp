#pragma once

#include "actors/api/node_services.hpp"

namespace herald {

class http_server;

/// Adds the node's routes below /v1, the feed and the conditions of /readyz to
/// a server that is not started yet. The services outlive the server.
void add_http_api(http_server& server, const node_services& services);

/// One event as CloudEvents 1.0 (JSON event format), without a line feed.
/// `id` is the position, "match/7@12"; `data` is the event in JSON.
result<std::string> cloud_event(const event_log& log, const event_codec& codec,
  const topic_info& topic, std::uint32_t partition, const record_view& record);

} // namespace herald
