#include "engine/store/riot_id.hpp"

#include <catch2/catch.hpp>

using namespace herald;

TEST_CASE("Riot ids that differ in case and spaces are one") {
  CHECK(fold_riot_id("Hide on Bush#KR1") == "hideonbush#kr1");
  CHECK(fold_riot_id("hideonbush#kr1") == "hideonbush#kr1");
  CHECK(fold_riot_id("ÄÖÜ#É") == fold_riot_id("äöü#é"));
  CHECK(fold_riot_id("ΣΊΓΜΑ#GR") == fold_riot_id("σίγμα#gr"));
  CHECK(fold_riot_id("ПРИВЕТ#RU1") == fold_riot_id("привет#ru1"));
  CHECK(fold_riot_id("페이커 #KR") == "페이커#kr");
  CHECK(fold_riot_id("𐐀#1") == "𐐨#1");
}

TEST_CASE("bytes that are not UTF-8 stay as they are") {
  for (bytes text : {"\xff", "\xc3", "\xc0\x80", "\xe2\x82", "\xf5\x80\x80\x80",
         "\xed\xa0\xc1", "x\x80y"})
    CHECK(fold_riot_id(text) == text);
  CHECK(fold_riot_id("") == "");
}
