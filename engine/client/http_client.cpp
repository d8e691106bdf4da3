#include "engine/client/http_client.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace herald {

namespace {

// libcurl wants one global initialisation before its first handle.
struct curl_library {
  curl_library() { curl_global_init(CURL_GLOBAL_DEFAULT); }
};

struct transfer {
  const http_request* request = nullptr;
  http_response* response = nullptr;
  bool too_large = false;
};

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& now = *static_cast<transfer*>(user);
  if (now.request->on_body)
    return now.request->on_body({data, size}) ? size : 0;
  if (now.response->body.size() + size > now.request->body_max_bytes) {
    now.too_large = true;
    return 0;
  }
  now.response->body.append(data, size);
  return size;
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& now = *static_cast<transfer*>(user);
  std::string_view line{data, size};
  // A new status line starts the headers anew (after "100 Continue").
  if (line.starts_with("HTTP/")) {
    now.response->headers.clear();
    return size;
  }
  auto colon = line.find(':');
  if (colon == line.npos)
    return size;
  std::string name{line.substr(0, colon)};
  std::transform(name.begin(), name.end(), name.begin(),
    [](unsigned char c) { return std::tolower(c); });
  auto value = line.substr(colon + 1);
  auto first = value.find_first_not_of(" \t\r\n");
  auto last = value.find_last_not_of(" \t\r\n");
  value = first == value.npos ? std::string_view{}
                              : value.substr(first, last - first + 1);
  auto& slot = now.response->headers[name];
  if (!slot.empty())
    slot += ", ";
  slot += value;
  return size;
}

} // namespace

std::string http_response::header(const std::string& lower_case_name) const {
  auto found = headers.find(lower_case_name);
  return found == headers.end() ? std::string{} : found->second;
}

struct http_client::implementation {
  CURL* handle = nullptr;
  bool verify_tls = true;
};

http_client::http_client(bool verify_tls)
  : implementation_(std::make_unique<implementation>()) {
  static curl_library library;
  implementation_->handle = curl_easy_init();
  implementation_->verify_tls = verify_tls;
}

http_client::~http_client() {
  if (implementation_ && implementation_->handle)
    curl_easy_cleanup(implementation_->handle);
}

http_client::http_client(http_client&&) noexcept = default;
http_client& http_client::operator=(http_client&&) noexcept = default;

result<http_response> http_client::perform(const http_request& request) {
  auto* curl = implementation_->handle;
  if (!curl)
    return fail(fault::unavailable, "libcurl could not make a handle");
  http_response response;
  transfer now{&request, &response, false};
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(
    curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &now);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &now);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  if (!implementation_->verify_tls) {
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  curl_slist* headers = nullptr;
  // Without this line libcurl waits up to a second for "100 Continue".
  headers = curl_slist_append(headers, "Expect:");
  for (auto& [name, value] : request.headers)
    headers = curl_slist_append(headers, (name + ": " + value).c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  if (request.method == "POST" || request.method == "PUT") {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
      static_cast<curl_off_t>(request.body.size()));
  }
  if (request.method != "GET" && request.method != "POST")
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  auto code = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  if (now.too_large)
    return fail(fault::too_large,
      fmt::format("the answer of {} is longer than {} bytes", request.url,
        request.body_max_bytes));
  if (code == CURLE_OPERATION_TIMEDOUT)
    return fail(fault::timeout,
      fmt::format(
        "no answer of {} within {} ms", request.url, request.timeout.count()));
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
    return fail(fault::invalid_input,
      fmt::format("'{}' is not an http or https URL", request.url));
  if (code != CURLE_OK)
    return fail(fault::unavailable,
      fmt::format("{}: {}", request.url, curl_easy_strerror(code)));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  return response;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
      out += static_cast<char>(c);
    else
      out += fmt::format("%{:02X}", c);
  }
  return out;
}

} // namespace herald
