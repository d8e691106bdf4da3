#include "tools/herald/signals.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdint>

namespace herald {

termination_signals::termination_signals() {
  sigset_t both;
  sigemptyset(&both);
  sigaddset(&both, SIGINT);
  sigaddset(&both, SIGTERM);
  sigprocmask(SIG_BLOCK, &both, nullptr);
  // A peer that goes away is an error of a write, not the end of the program.
  ::signal(SIGPIPE, SIG_IGN);
  descriptor_ = ::signalfd(-1, &both, SFD_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC);
}

void termination_signals::wait() {
  pollfd sources[2] = {{descriptor_, POLLIN, 0}, {wake_, POLLIN, 0}};
  while (::poll(sources, 2, -1) < 0) {
  }
  if (sources[0].revents != 0) {
    signalfd_siginfo info;
    [[maybe_unused]] auto got = ::read(descriptor_, &info, sizeof info);
  }
  sigset_t both;
  sigemptyset(&both);
  sigaddset(&both, SIGINT);
  sigaddset(&both, SIGTERM);
  sigprocmask(SIG_UNBLOCK, &both, nullptr);
}

void termination_signals::wake() {
  std::uint64_t one = 1;
  [[maybe_unused]] auto written = ::write(wake_, &one, sizeof one);
}

} // namespace herald
