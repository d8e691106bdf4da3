#include "protocol/batch/crc32c.hpp"

#include <isa-l/crc.h>

#include <climits>

namespace herald {

namespace {

// What ISA-L takes at once.
constexpr std::size_t piece_bytes = INT_MAX;

} // namespace

std::uint32_t crc32c(bytes_view data, std::uint32_t before) {
  auto state = ~before;
  while (!data.empty()) {
    auto piece = data.substr(0, piece_bytes);
    // It does not write, though it asks for a pointer that would let it.
    auto* from = reinterpret_cast<const unsigned char*>(piece.data());
    state = ::crc32_iscsi(
      const_cast<unsigned char*>(from), static_cast<int>(piece.size()), state);
    data.remove_prefix(piece.size());
  }
  return ~state;
}

} // namespace herald
