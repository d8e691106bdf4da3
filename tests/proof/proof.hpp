#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>

namespace herald {

/// A number from the environment, such as HERALD_FLIPS, or the one for everyday
/// runs.
std::uint64_t number_of(const char* variable, std::uint64_t otherwise);

/// A fresh seed, or that of HERALD_SEED; printed, so that a run can be
/// repeated.
std::uint64_t printed_seed();

/// How a child process ended: an exit code, or 128 and the signal's number.
int wait_for(pid_t child);

/// In a child: dies of signals as any process does, and of SIGALRM after that
/// many seconds.
void become_mortal(unsigned seconds);

/// Runs `work` in a child of this process and returns how it ended.
template <class Work>
int in_child(unsigned seconds, Work&& work);

/// What a process that was ended by SIGALRM returns: it did not come to an end.
constexpr int ended_late = 128 + 14;

} // namespace herald

#include <unistd.h>

namespace herald {

template <class Work>
int in_child(unsigned seconds, Work&& work) {
  auto child = ::fork();
  if (child == 0) {
    become_mortal(seconds);
    ::_exit(work());
  }
  return wait_for(child);
}

} // namespace herald
