#pragma once

#include "engine/edge/http_server.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace herald {

// Inside of the edge: the texts of HTTP/1.1, without any socket.

/// The target of a request line in origin or absolute form.
struct request_target {
  /// Only of the absolute form, "http://authority/path"; replaces Host.
  std::string authority;
  /// Decoded. `segments` are its parts, decoded after they were cut, so that
  /// an encoded slash stays inside its segment.
  std::string path;
  std::vector<std::string> segments;
  std::vector<std::pair<std::string, std::string>> query;
};

/// Nothing when the target is of another form, holds a damaged %XX, or decodes
/// to control characters in its path.
std::optional<request_target> parse_target(std::string_view text);

/// IMF-fixdate of RFC 9110: "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::int64_t time_ms);

/// The answer that carries a problem.
server_response to_response(const problem& what);

/// Whether If-None-Match's value names the entity tag (weak comparison).
bool names_etag(std::string_view if_none_match, std::string_view etag);

/// How the body of an answer is told from what follows it.
enum class body_framing : std::uint8_t { length, chunked, until_close };

/// Status line and headers of an answer, with the empty line that ends them.
std::string head_text(const server_response& answer, body_framing framing,
  std::size_t content_length, bool keep_alive, std::int64_t time_ms);

std::string lower_case(std::string_view text);

} // namespace herald
