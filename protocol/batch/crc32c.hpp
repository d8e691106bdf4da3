#pragma once

#include "protocol/bytes.hpp"

#include <cstdint>

namespace herald {

/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720, appendix
/// B.4) of `data`, or of `data` appended to something whose checksum `before`
/// is. Of "123456789" it is 0xE3069283. ISA-L's, with the widest instructions
/// that the processor has. From any thread.
std::uint32_t crc32c(bytes_view data, std::uint32_t before = 0);

} // namespace herald
