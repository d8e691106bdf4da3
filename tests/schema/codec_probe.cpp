#include "protocol/schema/avro.hpp"
#include "protocol/schema/json.hpp"
#include "protocol/schema/message_pack.hpp"
#include "tests/schema/samples.hpp"

#include <iostream>
#include <string>

/// Lets test_codecs.py use the codecs on the record samples::everything. One
/// request a line, one answer a line:
///
///     schema                          its Avro schema
///     FROM TO HEX                     HEX in another codec, in hexadecimal;
///                                     codecs are avro, msgpack and json
///     resolve SCHEMA-HEX HEX          Avro data of that writer's schema as
///                                     JSON, in hexadecimal
///
/// A failure is answered by "error: " and its message.

namespace {

using namespace herald;
using samples::everything;

std::string to_hex(bytes_view data) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : data) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

bytes from_hex(const std::string& text) {
  bytes data;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    data += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return data;
}

result<everything> decode(const std::string& codec, bytes_view data) {
  if (codec == "avro")
    return avro_decode<everything>(data);
  if (codec == "msgpack")
    return message_pack_decode<everything>(data);
  return json_decode<everything>(data);
}

bytes encode(const std::string& codec, const everything& x) {
  if (codec == "avro")
    return avro_encode(x);
  if (codec == "msgpack")
    return message_pack_encode(x);
  return json_encode(x);
}

result<everything> resolve(const std::string& schema, bytes_view data) {
  const auto resolver
    = avro_resolver::make(from_hex(schema), type_of<everything>());
  if (!resolver)
    return std::unexpected{resolver.error()};
  return resolver->decode<everything>(data);
}

} // namespace

int main() {
  std::string from;
  while (std::cin >> from) {
    if (from == "schema") {
      std::cout << avro_schema(type_of<everything>()) << std::endl;
      continue;
    }
    std::string to;
    std::string hex;
    std::cin >> to >> hex;
    const auto data = from_hex(hex);
    const auto x = from == "resolve" ? resolve(to, data) : decode(from, data);
    if (!x)
      std::cout << "error: " << x.error().message << std::endl;
    else
      std::cout << to_hex(encode(from == "resolve" ? "json" : to, *x))
                << std::endl;
  }
}
