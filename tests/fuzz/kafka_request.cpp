#include "protocol/kafka/frame.hpp"
#include "protocol/kafka/messages.hpp"
#include "tests/fuzz/target.hpp"

namespace herald::fuzz {

namespace {

using namespace herald::kafka;

template <class Request>
bytes written(const Request& request, std::int16_t version) {
  bytes out;
  encoder writer{out};
  encode(request, version, writer);
  return out;
}

// What is read can be written, and reads the same again.
template <class Request>
void check(bytes_view body, std::int16_t version) {
  auto request = decode<Request>(body, version);
  if (!request)
    return;
  auto again = written(*request, version);
  expect(again.size() <= body.size(), "a request does not grow");
  auto reread = decode<Request>(again, version);
  expect(reread == request, "a request that was written reads the same");
  expect(written(*reread, version) == again, "and is written the same");
}

template <class... Request>
void check_any(message_list<Request...>, const request_frame& frame) {
  auto version = frame.header.request_api_version;
  ((Request::info.api_key == frame.header.request_api_key
       ? check<Request>(frame.body, version)
       : void()),
    ...);
}

} // namespace

void kafka_request(bytes_view data) {
  if (auto frame = parse_request(data); frame && frame->known)
    check_any(all_requests{}, *frame);
}

} // namespace herald::fuzz
