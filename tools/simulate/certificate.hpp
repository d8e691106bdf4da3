#pragma once

#include "protocol/failure.hpp"

#include <string>

namespace herald::simulate {

/// A key and a certificate that it signed itself, both as PEM.
struct self_signed {
  std::string certificate;
  std::string key;
};

/// Makes a P-256 key and a certificate for 127.0.0.1, ::1 and localhost, valid
/// for 30 days, as a game client's is signed by nobody whom a machine trusts.
/// Fails with io when OpenSSL does.
result<self_signed> make_self_signed();

} // namespace herald::simulate
