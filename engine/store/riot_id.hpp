#pragma once

#include "protocol/bytes.hpp"

#include <string_view>

namespace herald {

/// The form of a Riot id under which it is looked up: Riot takes upper and
/// lower case as the same and ignores spaces. Letters of every script are
/// folded (Unicode's simple lower case); bytes that are not UTF-8 stay as they
/// are. "Hide on Bush#KR1" becomes "hideonbush#kr1".
bytes fold_riot_id(std::string_view riot_id);

} // namespace herald
