#include "protocol/schema/avro.hpp"
#include "protocol/schema/json.hpp"
#include "protocol/schema/message_pack.hpp"
#include "tests/schema/random_value.hpp"
#include "tests/schema/samples.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <cmath>

using namespace herald;
using samples::everything;

namespace {

/// 0.0 == -0.0, but a codec that loses the sign is broken.
bool same_signs(const everything& a, const everything& b) {
  return std::signbit(a.real) == std::signbit(b.real)
    && std::signbit(a.single) == std::signbit(b.single);
}

} // namespace

TEST_CASE("any value comes back from Avro as it was") {
  CHECK(rc::check([] {
    const auto x = anything<everything>();
    const auto back = avro_decode<everything>(avro_encode(x));
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == x);
    RC_ASSERT(same_signs(*back, x));
  }));
}

TEST_CASE("any value comes back through a resolver of its own schema") {
  const auto& of = type_of<everything>();
  const auto resolver = avro_resolver::make(avro_schema(of), of);
  REQUIRE(resolver);
  CHECK(rc::check([&] {
    const auto x = anything<everything>();
    const auto back = resolver->decode<everything>(avro_encode(x));
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == x);
  }));
}

TEST_CASE("any value comes back from MessagePack as it was") {
  CHECK(rc::check([] {
    const auto x = anything<everything>();
    const auto back = message_pack_decode<everything>(message_pack_encode(x));
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == x);
    RC_ASSERT(same_signs(*back, x));
  }));
}

TEST_CASE("any value comes back from JSON as it was") {
  CHECK(rc::check([] {
    const auto x = anything<everything>();
    json_report report;
    const auto back = json_decode<everything>(json_encode(x), report);
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == x);
    RC_ASSERT(same_signs(*back, x));
    RC_ASSERT(report.unknown.empty());
  }));
}

TEST_CASE("a codec writes the same bytes for what it read") {
  CHECK(rc::check([] {
    const auto x = anything<everything>();
    const auto avro = avro_encode(x);
    RC_ASSERT(avro_encode(avro_decode<everything>(avro).value()) == avro);
    const auto pack = message_pack_encode(x);
    RC_ASSERT(message_pack_encode(message_pack_decode<everything>(pack).value())
      == pack);
    const auto json = json_encode(x);
    RC_ASSERT(json_encode(json_decode<everything>(json).value()) == json);
  }));
}
