#include "protocol/schema/message_pack.hpp"

#include "tests/schema/samples.hpp"

#include <catch2/catch.hpp>

using namespace herald;
using namespace std::string_literals;

namespace {

HERALD_RECORD(kinds, "herald.sample", "Kinds", "Some kinds.",
  (std::optional<std::int32_t>, i, "An int."),
  (std::optional<std::int64_t>, l, "A long."),
  (std::optional<double>, d, "A double."),
  (std::optional<float>, f, "A float."),
  (std::optional<std::string>, s, "A string."),
  (std::optional<binary>, b, "Bytes."),
  (std::optional<samples::counts>, m, "A map."),
  (std::optional<std::vector<samples::objective>>, a, "An array."));

std::string problem(bytes_view data) {
  const auto read = message_pack_decode<kinds>(data);
  return read ? "" : read.error().message;
}

} // namespace

TEST_CASE("a record is a MessagePack map of what is there") {
  CHECK(message_pack_encode(samples::objective{true, 3})
    == "\x82\xa5"s
       "first\xc3\xa5"
       "kills\x03");
  CHECK(message_pack_encode(kinds{}) == "\x80");
  kinds x;
  x.i = -1;
  x.l = 1 << 16;
  x.d = 0.5;
  x.f = 1;
  x.s = "é";
  x.b = binary{"\xff"};
  x.m = samples::counts{{"k", 200}};
  x.a = std::vector<samples::objective>{{false, -33}};
  const auto data = "\x88\xa1i\xff\xa1l\xce\0\1\0\0"
                    "\xa1"
                    "d\xcb\x3f\xe0\0\0\0\0\0\0"
                    "\xa1"
                    "f\xca\x3f\x80\0\0"
                    "\xa1s\xa2\xc3\xa9"
                    "\xa1"
                    "b\xc4\1\xff"
                    "\xa1m\x81\xa1k\xcc\xc8"
                    "\xa1"
                    "a\x91\x82\xa5"
                    "first\xc2\xa5"
                    "kills\xd0\xdf"s;
  CHECK(message_pack_encode(x) == data);
  CHECK(message_pack_decode<kinds>(data) == x);
}

TEST_CASE("unknown MessagePack keys are skipped with all that is in them") {
  const auto data = "\x83\xa1x\x92\x81\x01\x82\xa1y\xc0\xa1z\xc7\1\1\0"
                    "\xc4\0"
                    "\xa5"
                    "first\xc3\xa5"
                    "kills\x03"s;
  CHECK(message_pack_decode<samples::objective>(data)
    == samples::objective{true, 3});
}

TEST_CASE("nil is the same as absent and integers pass for floats") {
  CHECK(message_pack_decode<kinds>("\x82\xa1i\xc0\xa1"
                                   "d\x05"s)
          ->d
    == 5.0);
}

TEST_CASE("MessagePack that does not fit is refused with path and reason") {
  CHECK(message_pack_decode<samples::objective>("\x81\xa5"
                                                "first\xc3"s)
          .error()
          .message
    == "cannot read MessagePack: lacks kills");
  CHECK(problem("") == "cannot read MessagePack: the bytes end too early");
  CHECK(problem("\xc1") == "cannot read MessagePack: the bytes are malformed");
  CHECK(problem("\x80\x80"s)
    == "cannot read MessagePack: bytes are left over at the end");
  CHECK(problem("\x90")
    == "cannot read MessagePack: expected an object, found an array");
  CHECK(problem("\x81\x01\x01")
    == "cannot read MessagePack: a key is not a string");
  CHECK(problem("\x81\x90\x01")
    == "cannot read MessagePack: a key is not a string");
  CHECK(problem("\x82\xa1i\x01\xa1i\x01")
    == "cannot read MessagePack at /i: a key is given twice");
  CHECK(problem("\x81\xa1i\xce\xff\xff\xff\xff")
    == "cannot read MessagePack at /i: expected a 32-bit integer, found a "
       "larger integer");
  CHECK(problem("\x81\xa1l\xcf\xff\xff\xff\xff\xff\xff\xff\xff")
    == "cannot read MessagePack at /l: expected a 64-bit integer, found a "
       "larger integer");
  CHECK(problem("\x81\xa1i\xca\x3f\x80\0\0"s)
    == "cannot read MessagePack at /i: expected a 32-bit integer, found a "
       "float");
  CHECK(problem("\x81\xa1s\x01")
    == "cannot read MessagePack at /s: expected a string, found an integer");
  CHECK(problem("\x81\xa1m\x81\xa1k\xa1x")
    == "cannot read MessagePack at /m/k: expected a 32-bit integer, found a "
       "string");
  CHECK(problem("\x81\xa1m\x82\xa1k\x01\xa1k\x01")
    == "cannot read MessagePack at /m/k: a key is given twice");
  CHECK(problem("\x81\xa1"
                "a\x91\x81\xa5"
                "first\xc3")
    == "cannot read MessagePack at /a/0: lacks kills");
}
