#include "protocol/schema/base64.hpp"

#include <catch2/catch.hpp>

#include <utility>

using namespace herald;

TEST_CASE("base64 is what RFC 4648 section 10 says") {
  const std::pair<std::string_view, std::string_view> vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xff\xfe\xfd", "//79"},
  };
  for (const auto& [data, text] : vectors) {
    std::string encoded;
    base64_encode(data, encoded);
    CHECK(encoded == text);
    bytes decoded;
    CHECK(base64_decode(text, decoded));
    CHECK(decoded == data);
  }
}

TEST_CASE("bytes have one base64 text and others are refused") {
  bytes out;
  for (std::string_view text : {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==",
         "====", "Z===", "Zm 9", "Zm-_", "Zm9v\n"}) {
    INFO(text);
    CHECK(!base64_decode(text, out));
  }
}
