#pragma once

#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace herald {

/// One HTTP request. Header names are written as given.
struct http_request {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  /// Sent with POST and PUT. Not copied: it must live until the call returns.
  bytes_view body;
  /// From the start of the connection to the last byte of the answer.
  std::chrono::milliseconds timeout{30'000};
  /// A longer body ends the call with fault::too_large.
  std::size_t body_max_bytes = 64u << 20;
  /// Where given, the body goes there piece by piece instead of into the
  /// response, and `body_max_bytes` does not apply. False ends the call.
  std::function<bool(bytes_view)> on_body;
};

struct http_response {
  int status = 0;
  /// Names in lower case; a repeated header has its values joined by ", ".
  std::map<std::string, std::string> headers;
  bytes body;
  std::string header(const std::string& lower_case_name) const;
};

/// A blocking HTTP(S) client on libcurl that keeps its connections open. Used
/// by one thread at a time. Redirects are not followed.
class http_client {
public:
  /// `verify_tls` off is for servers on this machine whose certificate nobody
  /// signs, such as the game client's.
  explicit http_client(bool verify_tls = true);
  ~http_client();
  http_client(http_client&&) noexcept;
  http_client& operator=(http_client&&) noexcept;

  /// Any status is a response; a failure is fault::unavailable (no connection,
  /// cut off), fault::timeout, fault::too_large, or fault::invalid_input (a
  /// URL that is none).
  result<http_response> perform(const http_request& request);

private:
  struct implementation;
  std::unique_ptr<implementation> implementation_;
};

/// `text` with everything but unreserved characters percent-encoded
/// (RFC 3986, section 2.3), for use as one segment of a path or one value of a
/// query.
std::string percent_encode(std::string_view text);

} // namespace herald
