#pragma once

#include <sys/resource.h>

#include <csignal>

namespace herald {

/// While it lives no file of this process can be written at or beyond
/// `bytes`: commits fail as they do on a disk that takes no more.
class full_disk {
public:
  explicit full_disk(rlim_t bytes) : handler_{std::signal(SIGXFSZ, SIG_IGN)} {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit now{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~full_disk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  full_disk(const full_disk&) = delete;
  full_disk& operator=(const full_disk&) = delete;

private:
  void (*handler_)(int);
  rlimit before_{};
};

} // namespace herald
