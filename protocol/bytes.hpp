#pragma once

#include <string>
#include <string_view>

namespace herald {

/// Bytes that somebody owns. A std::string, since LMDB, zstd, OpenSSL, Beast
/// and CAF all take one without a copy; it holds any byte, zero included.
using bytes = std::string;

/// Bytes that somebody else owns and keeps alive for the length of the call.
using bytes_view = std::string_view;

} // namespace herald
