#include "engine/store/player_id.hpp"

#include <catch2/catch.hpp>

using namespace herald;

TEST_CASE("a player id is sixteen hex digits and back") {
  CHECK(to_string(player_id{1}) == "0000000000000001");
  CHECK(to_string(player_id{0xfedcba9876543210}) == "fedcba9876543210");
  CHECK(parse_player_id("fedcba9876543210") == player_id{0xfedcba9876543210});
  for (auto text : {"", "0000000000000000", "FEDCBA9876543210",
         "fedcba987654321", "fedcba98765432100", " edcba9876543210",
         "-edcba9876543210", "0xdcba9876543210"})
    CHECK(parse_player_id(text) == std::nullopt);
}
