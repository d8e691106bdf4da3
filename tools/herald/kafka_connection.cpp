#include "tools/herald/kafka_connection.hpp"

#include "protocol/big_endian.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace herald {

namespace {

constexpr std::size_t skip_bytes = 1u << 20;

[[noreturn]] void fail_with_errno(const char* what) {
  throw std::runtime_error{std::string{"the Kafka port: cannot "} + what + ": "
    + std::strerror(errno)};
}

} // namespace

kafka_connection::kafka_connection(std::uint16_t port)
  : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address)
    != 0)
    fail_with_errno("connect");
  int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

kafka_connection::~kafka_connection() {
  ::close(socket_);
}

void kafka_connection::send(bytes_view frames) {
  while (!frames.empty()) {
    auto count = ::send(socket_, frames.data(), frames.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      fail_with_errno("send");
    frames.remove_prefix(static_cast<std::size_t>(count));
  }
}

void kafka_connection::receive_exactly(char* to, std::size_t size) {
  while (size > 0) {
    auto count = ::recv(socket_, to, size, 0);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      fail_with_errno("receive");
    to += count;
    size -= static_cast<std::size_t>(count);
  }
}

std::size_t kafka_connection::receive_size() {
  char size[4];
  receive_exactly(size, sizeof size);
  return load_big_endian<std::uint32_t>(size);
}

bytes_view kafka_connection::receive() {
  auto size = receive_size();
  if (buffer_.size() < size)
    buffer_.resize(size);
  receive_exactly(buffer_.data(), size);
  return bytes_view{buffer_}.substr(0, size);
}

std::size_t kafka_connection::skip() {
  auto size = receive_size();
  if (buffer_.size() < skip_bytes)
    buffer_.resize(skip_bytes);
  for (auto left = size; left > 0;) {
    auto part = std::min(left, buffer_.size());
    receive_exactly(buffer_.data(), part);
    left -= part;
  }
  return size + 4;
}

void kafka_connection::broken(const failure& why) {
  throw std::runtime_error{"the Kafka port: " + why.message};
}

} // namespace herald
