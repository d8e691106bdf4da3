#include "tests/edge/raw_client.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <cerrno>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace herald {

namespace {

constexpr int patience_ms = 20'000;

void await(int descriptor, short what) {
  pollfd entry{descriptor, what, 0};
  if (poll(&entry, 1, patience_ms) <= 0)
    throw std::runtime_error("the server let the client wait");
}

} // namespace

int raw_frame::close_code() const {
  if (payload.size() < 2)
    return 1005;
  return static_cast<unsigned char>(payload[0]) << 8
    | static_cast<unsigned char>(payload[1]);
}

raw_client::raw_client(std::uint16_t port, int receive_buffer_bytes)
  : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), port_(port) {
  if (receive_buffer_bytes > 0)
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
      sizeof receive_buffer_bytes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(
        descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address)
    != 0)
    throw std::runtime_error("cannot connect");
}

raw_client::~raw_client() {
  ::close(descriptor_);
}

bool raw_client::try_send(std::string_view bytes) {
  while (!bytes.empty()) {
    await(descriptor_, POLLOUT);
    auto sent = ::send(
      descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
      continue;
    if (sent < 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void raw_client::send(std::string_view bytes) {
  if (!try_send(bytes))
    throw std::runtime_error("the server ended the connection");
}

void raw_client::shut_down() {
  shutdown(descriptor_, SHUT_WR);
}

bool raw_client::fill() {
  char bytes[65536];
  await(descriptor_, POLLIN);
  auto got = recv(descriptor_, bytes, sizeof bytes, 0);
  if (got <= 0)
    return false;
  buffer_.append(bytes, static_cast<std::size_t>(got));
  return true;
}

bool raw_client::fill_to(std::size_t size) {
  while (buffer_.size() < size)
    if (!fill())
      return false;
  return true;
}

std::string raw_client::take(std::size_t size) {
  auto out = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return out;
}

std::string raw_client::take_line() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n")) == std::string::npos)
    if (!fill())
      throw std::runtime_error("the connection ended within a line");
  auto line = take(end);
  buffer_.erase(0, 2);
  return line;
}

raw_response raw_client::receive(bool to_head) {
  raw_response out;
  auto status_line = take_line();
  if (!status_line.starts_with("HTTP/1.1 "))
    throw std::runtime_error("no status line: " + status_line);
  out.status = std::stoi(status_line.substr(9));
  for (auto line = take_line(); !line.empty(); line = take_line()) {
    auto colon = line.find(": ");
    auto name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
      [](unsigned char c) { return std::tolower(c); });
    out.headers[name] = line.substr(colon + 2);
  }
  if (to_head || out.status == 304 || out.status == 204
    || out.status / 100 == 1) {
    out.complete = true;
  } else if (out.headers.contains("transfer-encoding")) {
    for (;;) {
      if (buffer_.find("\r\n") == std::string::npos && !fill())
        return out;
      if (buffer_.find("\r\n") == std::string::npos)
        continue;
      auto size = std::stoul(take_line(), nullptr, 16);
      if (!fill_to(size + 2))
        return out;
      out.body += take(size);
      take(2);
      if (size == 0)
        break;
      ++out.chunks;
    }
    out.complete = true;
  } else if (out.headers.contains("content-length")) {
    auto size = std::stoul(out.headers["content-length"]);
    out.complete = fill_to(size);
    out.body = take(size);
  } else {
    while (fill()) {
    }
    out.body = take(buffer_.size());
  }
  return out;
}

std::string raw_client::host() const {
  return "127.0.0.1:" + std::to_string(port_);
}

raw_response raw_client::get(std::string_view path, std::string_view headers) {
  return request("GET", path, headers);
}

raw_response raw_client::request(std::string_view method, std::string_view path,
  std::string_view headers, std::string_view body) {
  auto text = std::string(method) + " " + std::string(path)
    + " HTTP/1.1\r\nHost: " + host() + "\r\n" + std::string(headers);
  if (!body.empty())
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  text += "\r\n";
  send(text);
  try_send(body);
  return receive(method == "HEAD");
}

bool raw_client::closed() {
  while (fill())
    buffer_.clear();
  return true;
}

raw_response raw_client::upgrade(std::string_view path,
  std::string_view subprotocols, std::string_view headers) {
  std::string text = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  if (!subprotocols.empty())
    text += "Sec-WebSocket-Protocol: " + std::string(subprotocols) + "\r\n";
  return request("GET", path, text + std::string(headers));
}

std::string raw_client::frame(int opcode, std::string_view payload, bool last) {
  std::string out;
  out += static_cast<char>((last ? 0x80 : 0) | opcode);
  auto size = payload.size();
  if (size < 126) {
    out += static_cast<char>(0x80 | size);
  } else if (size < 65536) {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(size >> 8);
    out += static_cast<char>(size);
  } else {
    out += static_cast<char>(0x80 | 127);
    for (int shift = 56; shift >= 0; shift -= 8)
      out += static_cast<char>(size >> shift);
  }
  const char mask[] = {1, 2, 3, 4};
  out.append(mask, 4);
  for (std::size_t i = 0; i < size; ++i)
    out += static_cast<char>(payload[i] ^ mask[i % 4]);
  return out;
}

void raw_client::send_frame(int opcode, std::string_view payload, bool last) {
  send(frame(opcode, payload, last));
}

std::optional<raw_frame> raw_client::receive_frame() {
  if (!fill_to(2))
    return {};
  auto byte
    = [this](std::size_t i) { return static_cast<unsigned char>(buffer_[i]); };
  raw_frame out;
  out.opcode = byte(0) & 0x0f;
  std::size_t size = byte(1) & 0x7f;
  std::size_t head = 2;
  if (size >= 126) {
    std::size_t length = size == 126 ? 2 : 8;
    if (!fill_to(2 + length))
      return {};
    size = 0;
    for (std::size_t i = 0; i < length; ++i)
      size = size << 8 | byte(2 + i);
    head += length;
  }
  if (!fill_to(head + size))
    return {};
  take(head);
  out.payload = take(size);
  return out;
}

int raw_client::closed_with() {
  while (auto frame = receive_frame())
    if (frame->opcode == 8) {
      try_send(raw_client::frame(8, frame->payload));
      return frame->close_code();
    }
  return 1006;
}

} // namespace herald
