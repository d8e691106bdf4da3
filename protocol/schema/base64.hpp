#pragma once

#include "protocol/bytes.hpp"

#include <string>
#include <string_view>

/// Base64 with padding (RFC 4648 section 4): how JSON carries bytes.

namespace herald {

/// Appends `data` in base64 to `out`.
void base64_encode(bytes_view data, std::string& out);

/// Appends the bytes that `text` stands for to `out`. False, with `out` in an
/// unspecified state, when it is not the one base64 text of some bytes:
/// foreign characters, missing padding, bits left over.
bool base64_decode(std::string_view text, bytes& out);

} // namespace herald
