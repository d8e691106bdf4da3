#include "protocol/schema/record.hpp"

#include "protocol/schema/avro.hpp"
#include "protocol/schema/json.hpp"
#include "tests/schema/samples.hpp"

#include <catch2/catch.hpp>

using namespace herald;

#define FIELD(N) (std::int32_t, field##N, "A field.")
#define TEN(N)                                                                 \
  FIELD(N##0), FIELD(N##1), FIELD(N##2), FIELD(N##3), FIELD(N##4),             \
    FIELD(N##5), FIELD(N##6), FIELD(N##7), FIELD(N##8), FIELD(N##9)

HERALD_RECORD(two_hundred, "herald.sample", "TwoHundred", "The most.", TEN(0),
  TEN(1), TEN(2), TEN(3), TEN(4), TEN(5), TEN(6), TEN(7), TEN(8), TEN(9),
  TEN(10), TEN(11), TEN(12), TEN(13), TEN(14), TEN(15), TEN(16), TEN(17),
  TEN(18), TEN(19));

HERALD_DESCRIBED_ELSEWHERE(two_hundred);
HERALD_DESCRIBE(two_hundred);

TEST_CASE("a record begins with its defaults") {
  samples::everything x;
  CHECK(x.small == 0);
  CHECK(x.truth == false);
  CHECK(x.revision == 1);
  CHECK(x.source == "a \"file\"");
  CHECK(x.key.value == "\x01\xff");
  CHECK(x.bounty == samples::objective{true, 2});
  CHECK(!x.maybeTeam);
}

TEST_CASE("a description says what the list says") {
  const auto& of = type_of<samples::team>();
  CHECK(of.what == kind::record);
  CHECK(full_name(of) == "herald.sample.Team");
  CHECK(of.doc == "What a team has.");
  REQUIRE(of.fields.size() == 4);
  CHECK(of.fields[2].name == "atakhan");
  CHECK(of.fields[2].doc == "Atakhans, where there are any.");
  CHECK(of.fields[2].of == &type_of<std::optional<samples::objective>>());
  CHECK(of.fields[2].may_be_absent());
  CHECK(!of.fields[1].may_be_absent());

  samples::team x;
  auto* start = reinterpret_cast<char*>(&x);
  CHECK(start + of.fields[1].place == reinterpret_cast<char*>(&x.baron));
  CHECK(start + of.fields[3].place == reinterpret_cast<char*>(&x.others));
}

TEST_CASE("a record of 200 fields finds each of them by name") {
  const auto& of = type_of<two_hundred>();
  REQUIRE(of.fields.size() == 200);
  for (std::size_t i = 0; i < of.fields.size(); ++i) {
    CHECK(of.find_field(of.fields[i].name) == i);
    CHECK(!of.find_field(std::string{of.fields[i].name} + "x"));
    CHECK(of.required.contains(i));
  }
  CHECK(!of.find_field(""));
  CHECK(!of.find_field(std::string(100'000, 'f')));

  two_hundred x;
  x.field00 = 1;
  x.field199 = 200;
  CHECK(avro_decode<two_hundred>(avro_encode(x)) == x);
  CHECK(json_decode<two_hundred>(json_encode(x)) == x);
}
