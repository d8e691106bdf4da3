#include "tools/herald/child_node.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>

namespace herald {

namespace {

constexpr std::string_view ready = "herald ready ";
constexpr std::string_view kafka = "herald kafka 127.0.0.1:";

/// The next line of a descriptor; empty at its end.
std::string read_line(int from) {
  std::string line;
  char c = 0;
  while (::read(from, &c, 1) == 1 && c != '\n')
    line += c;
  return line;
}

} // namespace

result<child_node> child_node::start(const std::filesystem::path& folder) {
  int out[2];
  if (::pipe(out) != 0)
    return fail(fault::io, "cannot make a pipe");
  auto data = folder.string();
  auto child = ::fork();
  if (child == 0) {
    ::dup2(out[1], STDOUT_FILENO);
    int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, STDERR_FILENO);
    ::close(out[0]);
    ::execl("/proc/self/exe", "herald", "node", "--data", data.c_str(),
      "--listen", "127.0.0.1:0", "--kafka", "127.0.0.1:0", nullptr);
    ::_exit(127);
  }
  ::close(out[1]);
  child_node node{child};
  for (auto line = read_line(out[0]); !line.empty(); line = read_line(out[0])) {
    std::string_view text{line};
    if (text.starts_with(kafka))
      std::from_chars(text.data() + kafka.size(), text.data() + text.size(),
        node.kafka_port_);
    if (text.starts_with(ready)) {
      node.url_ = text.substr(ready.size());
      break;
    }
  }
  ::close(out[0]);
  if (node.url_.empty())
    return fail(fault::unavailable, "the node did not start");
  return node;
}

child_node::child_node(child_node&& other) noexcept
  : process_{std::exchange(other.process_, 0)}, url_{std::move(other.url_)},
    kafka_port_{other.kafka_port_} {}

child_node::~child_node() {
  if (process_ > 0)
    kill();
}

double child_node::cpu_seconds() const {
  // proc(5): fields 14 and 15, behind a name that may hold spaces.
  std::ifstream file{fmt::format("/proc/{}/stat", process_)};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  std::istringstream fields{text.substr(text.rfind(')') + 2)};
  std::string skipped;
  for (int field = 3; field < 14; ++field)
    fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::pair<std::uint64_t, std::uint64_t> child_node::memory_bytes() const {
  std::ifstream file{fmt::format("/proc/{}/status", process_)};
  std::uint64_t own = 0, mapped = 0;
  for (std::string name; file >> name;) {
    std::uint64_t kib = 0;
    if (name == "RssAnon:" || name == "RssShmem:") {
      file >> kib;
      own += kib * 1024;
    } else if (name == "RssFile:") {
      file >> kib;
      mapped = kib * 1024;
    }
  }
  return {own, mapped};
}

std::pair<double, double> child_node::stop() {
  ::kill(process_, SIGTERM);
  rusage used{};
  int status = 0;
  ::wait4(std::exchange(process_, 0), &status, 0, &used);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return {seconds(used.ru_utime), seconds(used.ru_stime)};
}

void child_node::kill() {
  ::kill(process_, SIGKILL);
  ::waitpid(std::exchange(process_, 0), nullptr, 0);
}

} // namespace herald
