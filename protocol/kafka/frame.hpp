#pragma once

#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/kafka/api.hpp"
#include "protocol/kafka/encoder.hpp"
#include "protocol/kafka/header.hpp"
#include "protocol/kafka/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

// A frame is what one side sends at once:
//
//     frame    = size:i32 header body        ; size counts header and body
//     header   = request-header | response-header
//
//     request-header  = key:i16 version:i16 correlation:i32 client-id:string
//                       [tags]               ; version 2: the client id stays
//                                            ; in the old form
//     response-header = correlation:i32 [tags]                  ; version 1
//
// Worked example: ApiVersions version 0, correlation 7, from client "a":
//
//     00 00 00 0b  00 12 00 00  00 00 00 07  00 01 61

namespace herald::kafka {

/// A request whose header is read. Its body points into the frame.
struct request_frame {
  request_header header;
  bytes_view body;
  /// What the codec knows of its API; null: nothing, and header and body may
  /// have been cut in the wrong place, but for key, version and correlation.
  const api* known = nullptr;
};

/// Reads the header of a request from a frame without its size. A version that
/// the codec does not support is no failure here. fault::invalid_input names
/// what is wrong. From any thread.
result<request_frame> parse_request(bytes_view frame);

/// A response whose header is read. Its body points into the frame.
struct response_frame {
  std::int32_t correlation_id = 0;
  bytes_view body;
};

/// Reads the header of a response to a request of that API and version, from a
/// frame without its size. fault::invalid_input names what is wrong.
result<response_frame> parse_response(
  bytes_view frame, const api& of, std::int16_t version);

/// The API that a kind of message belongs to.
template <class Message>
const api& api_of() {
  return *find_api(Message::info.api_key);
}

/// Appends a whole request, with its size, as a client sends it. Asserts that
/// the version is supported, as encode() does.
template <class Request>
void encode_request(const Request& request, std::int16_t version,
  std::int32_t correlation_id, std::optional<std::string> client_id,
  encoder& out) {
  out.begin_frame();
  encode(request_header{Request::info.api_key, version, correlation_id,
           std::move(client_id)},
    request_header_version(api_of<Request>(), version), out);
  encode(request, version, out);
  out.end_frame();
}

/// Appends a whole response, with its size. Asserts that the version is
/// supported, as encode() does.
template <class Response>
void encode_response(const Response& response, std::int16_t version,
  std::int32_t correlation_id, encoder& out) {
  out.begin_frame();
  encode(response_header{correlation_id},
    response_header_version(api_of<Response>(), version), out);
  encode(response, version, out);
  out.end_frame();
}

} // namespace herald::kafka
