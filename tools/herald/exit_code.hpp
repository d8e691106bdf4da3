#pragma once

#include "protocol/failure.hpp"

namespace herald {

/// The exit codes of every subcommand (sysexits.h where it has a number).
enum exit_code : int {
  exit_ok = 0,
  exit_failure = 1,
  exit_usage = 2,
  exit_damaged = 65,
  exit_io = 74,
  exit_configuration = 78,
};

/// The exit code that tells a script which kind of failure ended the command.
inline exit_code exit_code_of(fault code) {
  switch (code) {
  case fault::damaged:
  case fault::version:
    return exit_damaged;
  case fault::io:
  case fault::storage_full:
  case fault::in_use:
    return exit_io;
  case fault::configuration:
    return exit_configuration;
  default:
    return exit_failure;
  }
}

} // namespace herald
