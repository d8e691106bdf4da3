#pragma once

#include "engine/store/lmdb_environment.hpp"
#include "protocol/failure.hpp"

#include <cstdint>
#include <string_view>

namespace herald {

/// The table in which an environment keeps what is known of itself, and the key
/// of its format version there (u32, big-endian).
constexpr std::string_view format_table = "@format";
constexpr std::string_view format_key = "format";

/// Checks that the environment has the format `known`, and gives it that format
/// if it is new. Another one is fault::version.
result<void> check_format(lmdb_environment& environment, std::uint32_t known);

} // namespace herald
