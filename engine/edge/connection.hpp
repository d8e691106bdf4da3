#pragma once

#include "engine/edge/server_core.hpp"

#include <boost/asio/ip/tcp.hpp>

namespace herald {

// Inside of the edge.

/// Serves the requests of one connection, which core.admit has let in, until
/// either side ends it or it becomes a WebSocket.
void serve_connection(server_core& core, boost::asio::ip::tcp::socket socket);

/// Answers 503 to a connection that core.admit did not let in, and closes it.
void refuse_connection(server_core& core, boost::asio::ip::tcp::socket socket);

} // namespace herald
