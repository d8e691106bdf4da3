#pragma once

#include "protocol/bytes.hpp"

#include <cstdint>

namespace herald {

/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78) of `data`, or of
/// `data` appended to something whose checksum `before` is. Of "123456789" it
/// is 0xE3069283. Uses the processor's own instruction where there is one
/// (SSE 4.2, asked once at run time), tables elsewhere; both are exact. From
/// any thread.
std::uint32_t crc32c(bytes_view data, std::uint32_t before = 0);

/// The same by tables alone, so that a test can hold one against the other.
std::uint32_t crc32c_by_table(bytes_view data, std::uint32_t before = 0);

} // namespace herald
