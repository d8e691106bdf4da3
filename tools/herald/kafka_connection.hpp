#pragma once

#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/kafka/frame.hpp"

#include <cstdint>
#include <span>

namespace herald {

/// A connection to a Kafka broker of this machine that blocks: the smallest
/// client that a measurement needs. Throws std::runtime_error when the
/// connection breaks or an answer cannot be read. One thread may send while
/// another receives.
class kafka_connection {
public:
  explicit kafka_connection(std::uint16_t port);
  ~kafka_connection();
  kafka_connection(const kafka_connection&) = delete;
  kafka_connection& operator=(const kafka_connection&) = delete;

  /// Sends whole frames as they are.
  void send(bytes_view frames);
  /// The next answer without its size; the view is valid until the next call.
  bytes_view receive();
  /// Reads the next answer away; returns its bytes, the size included.
  std::size_t skip();

  /// Sends a request and reads its answer.
  template <class Response, class Request>
  Response ask(const Request& request, std::int16_t version) {
    bytes frame;
    kafka::encoder out{frame};
    kafka::encode_request(request, version, 0, "herald", out);
    send(frame);
    return read<Response>(receive(), version);
  }
  template <class Response>
  static Response read(bytes_view frame, std::int16_t version) {
    auto parsed
      = kafka::parse_response(frame, kafka::api_of<Response>(), version);
    if (!parsed)
      broken(parsed.error());
    auto response = kafka::decode<Response>(parsed->body, version);
    if (!response)
      broken(response.error());
    return std::move(*response);
  }

private:
  [[noreturn]] static void broken(const failure& why);
  void receive_exactly(char* to, std::size_t size);
  std::size_t receive_size();

  int socket_;
  bytes buffer_;
};

} // namespace herald
