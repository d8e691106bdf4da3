#pragma once

#include "engine/edge/server_core.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

namespace herald {

// Inside of the edge.

/// What an upgrade was agreed upon.
struct socket_agreement {
  socket_endpoint* endpoint = nullptr;
  /// One of the endpoint's.
  const web_socket_subprotocol* subprotocol = nullptr;
  /// Of endpoint->sessions.
  allowance::share place;
};

/// Answers the upgrade and runs the session until it ends. On the socket's
/// strand.
boost::asio::awaitable<void> run_socket_session(server_core& core,
  boost::asio::ip::tcp::socket socket,
  boost::beast::http::request<boost::beast::http::empty_body> upgrade,
  socket_agreement agreement);

} // namespace herald
