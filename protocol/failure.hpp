#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace herald {

/// Everything that can go wrong while Herald is healthy. The numbers reach
/// clients and logs: append, never renumber.
enum class fault : std::uint8_t {
  /// The input is not what its format or its rules demand.
  invalid_input = 1,
  /// What was asked for does not exist.
  not_found = 2,
  /// The request contradicts what is already recorded.
  conflict = 3,
  /// A bound was reached: too large, too many, too long.
  too_large = 4,
  /// The part that should answer has no room now; the same call may work soon.
  busy = 5,
  /// The part that should answer has stopped or is not there.
  unavailable = 6,
  /// Stored bytes are not what was written: a checksum, the chain, a length.
  damaged = 7,
  /// The operating system refused an operation on a file or a socket.
  io = 8,
  /// The disk, the map or the reserve is full; nothing of the write was kept.
  storage_full = 9,
  /// The configuration is wrong.
  configuration = 10,
  /// Somebody else holds what only one may hold (the data folder, a port).
  in_use = 11,
  /// The format on disk or on the wire is of another, unreadable version.
  version = 12,
  /// The caller may not do this.
  forbidden = 13,
  /// No answer came in time.
  timeout = 14,
  /// Something that comes before it is missing.
  out_of_order = 15,
  /// A newer one of the same name has taken over.
  fenced = 16,
};

/// The name of a fault as logs, metrics and clients spell it, such as
/// "invalid_input".
std::string_view to_string(fault code);

/// What went wrong, for whoever asked: a code to act upon and a sentence for a
/// person (what was tried, on what, what to do).
struct failure {
  fault code{};
  std::string message;
  bool operator==(const failure&) const = default;
};

/// A value, or the reason why there is none.
template <class T>
using result = std::expected<T, failure>;

/// Makes the unexpected side of a result: `return fail(fault::io, "...")`.
std::unexpected<failure> fail(fault code, std::string message);

} // namespace herald
