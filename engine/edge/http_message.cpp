#include "engine/edge/http_message.hpp"

#include "engine/base/json_text.hpp"

#include <boost/beast/http/status.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <iterator>

namespace herald {

namespace {

namespace http = boost::beast::http;

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/// RFC 3986, section 2.1; in queries a plus stands for a space.
std::optional<std::string> percent_decoded(
  std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
      continue;
    }
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size())
      return {};
    int high = hex_value(text[i + 1]);
    int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0)
      return {};
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
    [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

/// Calls `take` with every part of `text` between separators; false ends it.
template <class F>
bool for_each_part(std::string_view text, char separator, F take) {
  for (;;) {
    auto end = text.find(separator);
    if (!take(text.substr(0, end)))
      return false;
    if (end == text.npos)
      return true;
    text.remove_prefix(end + 1);
  }
}

bool parse_path(std::string_view raw, request_target& out) {
  if (!raw.starts_with('/'))
    return false;
  bool fine = for_each_part(raw.substr(1), '/', [&](std::string_view part) {
    auto decoded = percent_decoded(part, false);
    if (!decoded || has_controls(*decoded))
      return false;
    (out.path += '/') += *decoded;
    out.segments.push_back(std::move(*decoded));
    return true;
  });
  if (out.segments.size() == 1 && out.segments[0].empty())
    out.segments.clear();
  return fine;
}

bool parse_query(std::string_view raw, request_target& out) {
  return for_each_part(raw, '&', [&](std::string_view part) {
    if (part.empty())
      return true;
    auto equals = part.find('=');
    auto name = percent_decoded(part.substr(0, equals), true);
    auto value = equals == part.npos
      ? std::optional<std::string>{""}
      : percent_decoded(part.substr(equals + 1), true);
    if (!name || !value)
      return false;
    out.query.emplace_back(std::move(*name), std::move(*value));
    return true;
  });
}

void append_header(
  std::string& out, std::string_view name, std::string_view value) {
  (out += name) += ": ";
  for (unsigned char c : value)
    out += c < 0x20 || c == 0x7f ? ' ' : static_cast<char>(c);
  out += "\r\n";
}

std::string_view trimmed(std::string_view text) {
  auto first = text.find_first_not_of(" \t");
  if (first == text.npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

} // namespace

std::optional<request_target> parse_target(std::string_view text) {
  request_target out;
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme))
      continue;
    text.remove_prefix(scheme.size());
    auto end = std::min(text.find_first_of("/?"), text.size());
    out.authority = text.substr(0, end);
    text.remove_prefix(end);
    if (out.authority.empty())
      return {};
    break;
  }
  auto question = std::min(text.find('?'), text.size());
  auto path = text.substr(0, question);
  if (path.empty() && !out.authority.empty())
    path = "/";
  if (!parse_path(path, out))
    return {};
  if (question < text.size() && !parse_query(text.substr(question + 1), out))
    return {};
  return out;
}

std::string http_date(std::int64_t time_ms) {
  static constexpr std::string_view days[]
    = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr",
    "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto seconds = static_cast<std::time_t>(time_ms / 1000);
  std::tm at{};
  gmtime_r(&seconds, &at);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
    days[at.tm_wday], at.tm_mday, months[at.tm_mon], at.tm_year + 1900,
    at.tm_hour, at.tm_min, at.tm_sec);
}

server_response to_response(const problem& what) {
  server_response answer;
  answer.status = what.status;
  answer.content_type = "application/problem+json";
  auto& body = answer.body;
  body = "{\"type\":";
  append_json_string(body, "urn:herald:problem:" + what.code);
  body += ",\"title\":";
  auto title = http::obsolete_reason(
    http::int_to_status(static_cast<unsigned>(what.status)));
  append_json_string(body, {title.data(), title.size()});
  fmt::format_to(std::back_inserter(body), ",\"status\":{}", what.status);
  if (!what.detail.empty()) {
    body += ",\"detail\":";
    append_json_string(body, what.detail);
  }
  for (auto& [name, value] : what.members) {
    body += ',';
    append_json_string(body, name);
    body += ':';
    append_json_string(body, value);
  }
  body += "}\n";
  if (what.retry_after)
    answer.headers.emplace_back(
      "Retry-After", std::to_string(what.retry_after->count()));
  return answer;
}

bool names_etag(std::string_view if_none_match, std::string_view etag) {
  if (etag.empty())
    return false;
  auto opaque = [](std::string_view tag) {
    return tag.starts_with("W/") ? tag.substr(2) : tag;
  };
  bool found = trimmed(if_none_match) == "*";
  for_each_part(if_none_match, ',', [&](std::string_view part) {
    found = found || opaque(trimmed(part)) == opaque(etag);
    return !found;
  });
  return found;
}

std::string head_text(const server_response& answer, body_framing framing,
  std::size_t content_length, bool keep_alive, std::int64_t time_ms) {
  auto reason = http::obsolete_reason(
    http::int_to_status(static_cast<unsigned>(answer.status)));
  auto out = fmt::format("HTTP/1.1 {} {}\r\n", answer.status,
    std::string_view{reason.data(), reason.size()});
  append_header(out, "Date", http_date(time_ms));
  // A 304 repeats the headers that a cache needs and has no body.
  bool has_body = answer.status != 304 && answer.status != 204;
  if (has_body && !answer.content_type.empty())
    append_header(out, "Content-Type", answer.content_type);
  if (has_body && framing == body_framing::length)
    append_header(out, "Content-Length", std::to_string(content_length));
  if (framing == body_framing::chunked)
    append_header(out, "Transfer-Encoding", "chunked");
  if (!answer.etag.empty())
    append_header(out, "ETag", answer.etag);
  append_header(out, "X-Content-Type-Options", "nosniff");
  bool cache_control = false;
  for (auto& [name, value] : answer.headers) {
    append_header(out, name, value);
    cache_control = cache_control || lower_case(name) == "cache-control";
  }
  if (!cache_control)
    append_header(
      out, "Cache-Control", answer.etag.empty() ? "no-store" : "no-cache");
  append_header(out, "Connection", keep_alive ? "keep-alive" : "close");
  out += "\r\n";
  return out;
}

std::string lower_case(std::string_view text) {
  std::string out{text};
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::optional<std::string_view> server_request::header(
  std::string_view lower_case) const {
  for (auto& [name, value] : headers)
    if (name == lower_case)
      return value;
  return {};
}

std::optional<std::string_view> server_request::query_value(
  std::string_view name) const {
  for (auto& [key, value] : query)
    if (key == name)
      return value;
  return {};
}

problem problem_of(const failure& why) {
  problem out;
  out.code = to_string(why.code);
  std::replace(out.code.begin(), out.code.end(), '_', '-');
  out.detail = why.message;
  switch (why.code) {
  case fault::invalid_input:
    out.status = 400;
    break;
  case fault::not_found:
    out.status = 404;
    break;
  case fault::conflict:
  case fault::in_use:
  case fault::out_of_order:
  case fault::fenced:
    out.status = 409;
    break;
  case fault::too_large:
    out.status = 413;
    break;
  case fault::forbidden:
    out.status = 403;
    break;
  case fault::busy:
  case fault::unavailable:
    out.status = 503;
    out.retry_after = std::chrono::seconds(1);
    break;
  case fault::timeout:
    out.status = 504;
    break;
  case fault::storage_full:
    out.status = 507;
    break;
  case fault::damaged:
  case fault::io:
  case fault::configuration:
  case fault::version:
    out.status = 500;
    out.detail = "The node cannot answer; its log says why.";
    break;
  }
  return out;
}

} // namespace herald
