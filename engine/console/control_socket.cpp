#include "engine/console/control_socket.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace herald {

namespace {

// An answer may hold some hundred events; beyond this a peer is broken.
constexpr std::size_t answer_max_bytes = 64u << 20;

result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto text = path.string();
  if (text.size() >= sizeof(address.sun_path))
    return fail(fault::too_large,
      fmt::format("the path of the control socket, {}, is longer than the {} "
                  "bytes a socket address holds; choose a shorter data folder",
        text, sizeof(address.sun_path) - 1));
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

// Lines of a stream that leave together.
constexpr std::size_t stream_bytes = 64 * 1024;

constexpr std::string_view stop_line = "stop";

bool write_all(int descriptor, std::string_view rest) {
  while (!rest.empty()) {
    auto written = ::send(descriptor, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool write_line(int descriptor, std::string line) {
  line += '\n';
  return write_all(descriptor, line);
}

/// The next line, or nothing when the peer is gone or sends too much.
std::optional<std::string> read_line(
  int descriptor, std::string& buffered, std::size_t bytes_max) {
  std::size_t searched = 0;
  for (;;) {
    auto end = buffered.find('\n', searched);
    if (end != buffered.npos) {
      auto line = buffered.substr(0, end);
      buffered.erase(0, end + 1);
      return line;
    }
    searched = buffered.size();
    if (buffered.size() > bytes_max)
      return std::nullopt;
    char chunk[16 * 1024];
    auto got = ::recv(descriptor, chunk, sizeof chunk, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return std::nullopt;
    buffered.append(chunk, static_cast<std::size_t>(got));
  }
}

/// The lines before an answer, on a connection whose bytes that were read and
/// not used are in `buffered`.
class connection_stream final : public control_stream {
public:
  connection_stream(int descriptor, std::string& buffered)
    : descriptor_(descriptor), buffered_(buffered) {}

  bool send(std::string_view line) override {
    pending_ += '+';
    pending_ += line;
    pending_ += '\n';
    return pending_.size() < stream_bytes || flush();
  }

  bool wait(std::chrono::milliseconds at_most) override {
    flush();
    auto end = std::chrono::steady_clock::now() + at_most;
    while (!ended_ && !take_stop()) {
      auto left = std::chrono::ceil<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
      pollfd waiting{descriptor_, POLLIN, 0};
      auto ready = ::poll(
        &waiting, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
      if (ready > 0)
        receive();
      else if (ready == 0)
        break;
      else if (errno != EINTR)
        ended_ = true;
    }
    return ended_;
  }

  bool flush() {
    if (!pending_.empty() && !write_all(descriptor_, pending_))
      ended_ = gone_ = true;
    pending_.clear();
    return !gone_;
  }

private:
  /// Whether the next line is the wish to stop; any other waits for its turn.
  bool take_stop() {
    auto end = buffered_.find('\n');
    if (end == buffered_.npos)
      return false;
    if (std::string_view{buffered_}.substr(0, end) == stop_line)
      buffered_.erase(0, end + 1);
    return ended_ = true;
  }

  void receive() {
    char chunk[1024];
    auto got = ::recv(descriptor_, chunk, sizeof chunk, 0);
    if (got > 0)
      buffered_.append(chunk, static_cast<std::size_t>(got));
    if (buffered_.size() > control_server::line_max_bytes)
      ended_ = true;
    else if (got == 0 || (got < 0 && errno != EINTR))
      ended_ = true;
  }

  int descriptor_;
  std::string& buffered_;
  std::string pending_;
  bool ended_ = false;
  bool gone_ = false;
};

} // namespace

struct control_server::implementation {
  std::filesystem::path path;
  handler answer;
  int listener = -1;
  int wake[2] = {-1, -1};
  std::thread acceptor;
  struct connection {
    int descriptor = -1;
    std::atomic<bool> done{false};
    std::thread thread;
  };
  std::mutex mutex;
  std::list<connection> connections;

  void accept_all() {
    for (;;) {
      pollfd waiting[2] = {{listener, POLLIN, 0}, {wake[0], POLLIN, 0}};
      if (::poll(waiting, 2, -1) < 0 && errno != EINTR)
        return;
      if (waiting[1].revents != 0)
        return;
      if ((waiting[0].revents & POLLIN) == 0)
        continue;
      int peer = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0)
        continue;
      std::lock_guard guard{mutex};
      reap();
      if (connections.size() >= connections_max) {
        write_line(peer,
          R"({"error":{"code":"busy","message":"too many )"
          R"(consoles are connected; end one"}})");
        ::close(peer);
        continue;
      }
      auto& fresh = connections.emplace_back();
      fresh.descriptor = peer;
      fresh.thread = std::thread{[this, &fresh] { serve(fresh); }};
    }
  }

  void serve(connection& peer) {
    std::string buffered;
    while (auto line = read_line(peer.descriptor, buffered, line_max_bytes)) {
      if (*line == stop_line)
        continue;
      connection_stream more{peer.descriptor, buffered};
      auto last = answer(*line, more);
      if (!more.flush() || !write_line(peer.descriptor, std::move(last)))
        break;
    }
    peer.done = true;
  }

  // With the mutex held.
  void reap() {
    for (auto i = connections.begin(); i != connections.end();) {
      if (!i->done) {
        ++i;
        continue;
      }
      i->thread.join();
      ::close(i->descriptor);
      i = connections.erase(i);
    }
  }

  ~implementation() {
    if (wake[1] >= 0 && ::write(wake[1], "x", 1) == 1 && acceptor.joinable())
      acceptor.join();
    {
      std::lock_guard guard{mutex};
      for (auto& peer : connections)
        ::shutdown(peer.descriptor, SHUT_RDWR);
      for (auto& peer : connections) {
        peer.thread.join();
        ::close(peer.descriptor);
      }
    }
    for (int descriptor : {listener, wake[0], wake[1]})
      if (descriptor >= 0)
        ::close(descriptor);
    if (listener >= 0)
      ::unlink(path.c_str());
  }
};

control_server::control_server(std::unique_ptr<implementation> implementation)
  : implementation_(std::move(implementation)) {}
control_server::~control_server() = default;

result<std::unique_ptr<control_server>> control_server::start(
  const std::filesystem::path& path, handler answer) {
  auto address = address_of(path);
  if (!address)
    return std::unexpected(address.error());
  auto self = std::make_unique<implementation>();
  self->path = path;
  self->answer = std::move(answer);
  int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // The caller holds the data folder's lock: whoever made this file is dead.
  ::unlink(path.c_str());
  auto mask = ::umask(0177);
  bool bound = listener >= 0
    && ::bind(
         listener, reinterpret_cast<sockaddr*>(&*address), sizeof(*address))
      == 0;
  auto why = errno;
  ::umask(mask);
  if (!bound || ::listen(listener, 8) != 0
    || ::pipe2(self->wake, O_CLOEXEC) != 0) {
    if (listener >= 0)
      ::close(listener);
    return fail(fault::io,
      fmt::format("cannot listen on the control socket {}: {}", path.string(),
        std::strerror(why)));
  }
  self->listener = listener;
  auto* raw = self.get();
  self->acceptor = std::thread{[raw] { raw->accept_all(); }};
  return std::unique_ptr<control_server>{new control_server{std::move(self)}};
}

result<control_client> control_client::connect(
  const std::filesystem::path& path) {
  auto address = address_of(path);
  if (!address)
    return std::unexpected(address.error());
  int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return fail(fault::io, std::strerror(errno));
  control_client client{descriptor};
  if (::connect(
        descriptor, reinterpret_cast<sockaddr*>(&*address), sizeof(*address))
    != 0)
    return fail(fault::unavailable,
      fmt::format("no node answers on {}: {}; is it running, with this data "
                  "folder?",
        path.string(), std::strerror(errno)));
  return client;
}

control_client::control_client(control_client&& other) noexcept
  : descriptor_(std::exchange(other.descriptor_, -1)),
    buffered_(std::move(other.buffered_)) {}

control_client& control_client::operator=(control_client&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(buffered_, other.buffered_);
  return *this;
}

control_client::~control_client() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
}

result<std::string> control_client::ask(std::string_view line,
  const std::function<void(std::string_view line)>& on_line) {
  if (write_line(descriptor_, std::string{line}))
    while (auto answer = read_line(descriptor_, buffered_, answer_max_bytes)) {
      if (!answer->starts_with('+'))
        return *answer;
      if (on_line)
        on_line(std::string_view{*answer}.substr(1));
    }
  return fail(fault::unavailable, "the node closed the control socket");
}

void control_client::stop() noexcept {
  constexpr std::string_view line = "stop\n";
  [[maybe_unused]] auto sent
    = ::send(descriptor_, line.data(), line.size(), MSG_NOSIGNAL);
}

} // namespace herald
