#include "engine/edge/server_core.hpp"

#include "engine/edge/http_message.hpp"

#include <boost/asio/ip/address_v6.hpp>

#include <algorithm>

namespace herald {

registration::registration(server_core& core, edge_client* client)
  : core_(core), client_(client) {
  core_.add(client_);
}

registration::~registration() {
  core_.remove(client_);
}

std::string to_label(close_code code) {
  switch (code) {
  case close_code::normal:
  case close_code::going_away:
  case close_code::protocol_error:
  case close_code::unsupported:
  case close_code::abnormal:
  case close_code::invalid_text:
  case close_code::policy:
  case close_code::too_large:
  case close_code::internal:
  case close_code::restart:
  case close_code::try_again:
  case close_code::unauthorized:
  case close_code::forbidden:
  case close_code::slow:
  case close_code::rate:
    return std::to_string(static_cast<unsigned>(code));
  }
  return "other";
}

edge_metrics::edge_metrics(metrics_registry& registry)
  : registry(registry),
    connections(registry.make_gauge(
      "herald_edge_connections", "Connections that are open.")),
    sockets(registry.make_gauge(
      "herald_edge_web_sockets", "WebSockets that are open.")),
    sent_frames(
      registry.make_counter("herald_edge_web_socket_sent_frames_total",
        "Messages sent over WebSockets.")),
    sent_bytes(registry.make_counter("herald_edge_web_socket_sent_bytes_total",
      "Bytes of the messages sent over WebSockets.")),
    received_messages(
      registry.make_counter("herald_edge_web_socket_received_messages_total",
        "Messages received over WebSockets.")) {}

counter& edge_metrics::problems(std::string_view code) {
  return registry.make_counter("herald_edge_problems_total",
    "Requests that the edge itself refused, by the code of the problem.",
    {{"code", std::string(code)}});
}

counter& edge_metrics::refused(std::string_view reason) {
  return registry.make_counter("herald_edge_refused_connections_total",
    "Connections refused before anything was read.",
    {{"reason", std::string(reason)}});
}

counter& edge_metrics::closed(close_code code) {
  return registry.make_counter("herald_edge_web_socket_closed_total",
    "WebSockets that ended, by close code; codes of clients that Herald does "
    "not know are other.",
    {{"code", to_label(code)}});
}

server_core::server_core(http_server_options given, metrics_registry& registry)
  : options(std::move(given)),
    time(options.time ? *options.time : machine_time), metrics(registry),
    requests(options.requests_in_flight),
    body_bytes(options.bodies_in_flight_bytes),
    io(static_cast<int>(options.threads)) {
  asset_entry.pattern = "asset";
  other_entry.pattern = "other";
  instrument(asset_entry);
  instrument(other_entry);
}

void server_core::instrument(route_entry& route) {
  for (std::size_t digit = 1; digit < route.answers.size(); ++digit)
    route.answers[digit]
      = &metrics.registry.make_counter("herald_edge_requests_total",
        "Requests answered, by route and class of the status.",
        {{"method", route.method}, {"route", route.pattern},
          {"status", std::to_string(digit) + "xx"}});
  route.seconds
    = &metrics.registry.make_histogram("herald_edge_request_seconds",
      "From a request read whole to its answer sent.", histogram::seconds(),
      {{"method", route.method}, {"route", route.pattern}});
}

std::string server_core::counted_address(
  const boost::asio::ip::address& from) const {
  if (from.is_loopback() && !options.count_loopback_addresses)
    return {};
  if (from.is_v4())
    return from.to_string();
  auto bytes = from.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return boost::asio::ip::address_v6(bytes).to_string();
}

std::optional<std::string_view> server_core::admit(
  const boost::asio::ip::address& from) {
  auto key = counted_address(from);
  std::lock_guard lock(mutex_);
  if (connections_ >= options.max_connections)
    return "connections";
  if (!key.empty()) {
    auto& count = by_address_[key];
    if (count >= options.connections_per_address)
      return "address";
    ++count;
  }
  ++connections_;
  metrics.connections.set(static_cast<double>(connections_));
  return {};
}

void server_core::release(const boost::asio::ip::address& from) {
  auto key = counted_address(from);
  std::lock_guard lock(mutex_);
  --connections_;
  metrics.connections.set(static_cast<double>(connections_));
  if (key.empty())
    return;
  auto found = by_address_.find(key);
  if (--found->second == 0)
    by_address_.erase(found);
}

void server_core::add(edge_client* client) {
  std::lock_guard lock(mutex_);
  clients_.insert(client);
}

void server_core::remove(edge_client* client) {
  std::lock_guard lock(mutex_);
  clients_.erase(client);
  if (clients_.empty())
    changed_.notify_all();
}

void server_core::for_each_client(
  const std::function<void(edge_client&)>& act) {
  std::lock_guard lock(mutex_);
  for (auto* client : clients_)
    act(*client);
}

bool server_core::wait_until_empty(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, at_most, [this] { return clients_.empty(); });
}

bool server_core::host_allowed(std::string_view host) const {
  return std::find(hosts.begin(), hosts.end(), lower_case(host)) != hosts.end();
}

bool server_core::origin_allowed(
  std::string_view origin, std::string_view host) const {
  // The host is an allowed one, so a page of the same origin is our own.
  auto own = lower_case(host);
  if (origin == "http://" + own || origin == "https://" + own)
    return true;
  return std::find(options.origins.begin(), options.origins.end(), origin)
    != options.origins.end();
}

} // namespace herald
