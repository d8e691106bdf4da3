#include "protocol/kafka/frame.hpp"

#include "protocol/big_endian.hpp"
#include "protocol/kafka/decoder.hpp"

namespace herald::kafka {

result<request_frame> parse_request(bytes_view frame) {
  constexpr std::size_t fixed_bytes = 8;
  if (frame.size() < fixed_bytes)
    return fail(fault::invalid_input, "a request without a whole header");
  request_frame request;
  request.known = find_api(load_big_endian<std::int16_t>(frame.data()));
  auto version = load_big_endian<std::int16_t>(frame.data() + 2);
  auto header_version
    = request.known ? request_header_version(*request.known, version) : 1;
  decoder in{
    frame, request_header::info, static_cast<std::int16_t>(header_version)};
  read(in, request.header, static_cast<std::int16_t>(header_version));
  auto read_bytes = in.position();
  if (auto whole = in.finish(); !whole)
    return std::unexpected{std::move(whole).error()};
  request.body = frame.substr(read_bytes);
  return request;
}

result<response_frame> parse_response(
  bytes_view frame, const api& of, std::int16_t version) {
  auto header_version = response_header_version(of, version);
  response_header header;
  decoder in{frame, response_header::info, header_version};
  read(in, header, header_version);
  auto read_bytes = in.position();
  if (auto whole = in.finish(); !whole)
    return std::unexpected{std::move(whole).error()};
  return response_frame{header.correlation_id, frame.substr(read_bytes)};
}

} // namespace herald::kafka
