#include "protocol/schema/avro.hpp"
#include "protocol/schema/json.hpp"
#include "protocol/schema/message_pack.hpp"
#include "tests/schema/random_value.hpp"
#include "tests/schema/samples.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace herald;
using samples::everything;

namespace {

HERALD_RECORD(list, "herald.sample", "List", "A list.",
  (std::vector<samples::team>, teams, "Teams."));

HERALD_RECORD(wide, "herald.sample", "Wide", "Mostly absent.",
  (std::optional<everything>, one, "One."),
  (std::optional<everything>, two, "Two."));

HERALD_RECORD(
  many, "herald.sample", "Many", "Many.", (std::vector<wide>, items, "Items."));

/// Bytes that begin well: what was encoded, with a few bytes changed, cut out
/// or put in.
bytes damaged(bytes data) {
  auto randomness = draw_randomness();
  for (auto changes = 1 + randomness() % 3; changes > 0 && !data.empty();
    --changes) {
    const auto at = randomness() % data.size();
    const auto byte = static_cast<char>(randomness());
    switch (randomness() % 4) {
    case 0:
      data[at] = byte;
      break;
    case 1:
      data.erase(at, 1);
      break;
    case 2:
      data.insert(at, 1, byte);
      break;
    default:
      data.resize(at);
    }
  }
  return data;
}

/// What is accepted was a value: it can be written and read again.
template <class Decode>
void survives(const bytes& data, Decode decode) {
  const auto read = decode(data);
  if (read)
    RC_ASSERT(avro_decode<everything>(avro_encode(*read)).has_value());
  else
    RC_ASSERT(!read.error().message.empty());
}

const auto from_avro
  = [](const bytes& data) { return avro_decode<everything>(data); };
const auto from_message_pack
  = [](const bytes& data) { return message_pack_decode<everything>(data); };
const auto from_json
  = [](const bytes& data) { return json_decode<everything>(data); };

avro_resolver resolver_of(std::string_view schema) {
  auto made = avro_resolver::make(schema, type_of<samples::objective>());
  if (!made)
    FAIL(made.error().message);
  return *made;
}

constexpr std::string_view objective_with_extra
  = R"({"type":"record","name":"Objective","fields":[
        {"name":"extra","type":%},
        {"name":"first","type":"boolean"},{"name":"kills","type":"int"}]})";

avro_resolver resolver_with_extra(std::string_view type) {
  std::string schema{objective_with_extra};
  schema.replace(schema.find('%'), 1, type);
  return resolver_of(schema);
}

} // namespace

TEST_CASE("damaged bytes are refused or read, and nothing else happens") {
  const auto& of = type_of<everything>();
  const auto resolver = avro_resolver::make(avro_schema(of), of).value();
  const auto from_resolver
    = [&](const bytes& data) { return resolver.decode<everything>(data); };
  CHECK(rc::check([&] {
    const auto x = anything<everything>();
    const auto avro = damaged(avro_encode(x));
    survives(avro, from_avro);
    survives(avro, from_resolver);
    RC_ASSERT(from_avro(avro).has_value() == from_resolver(avro).has_value());
    survives(damaged(message_pack_encode(x)), from_message_pack);
    survives(damaged(json_encode(x)), from_json);
  }));
}

TEST_CASE("noise is refused or read, and nothing else happens") {
  CHECK(rc::check([] {
    const auto noise = *rc::gen::arbitrary<std::string>();
    survives(noise, from_avro);
    survives(noise, from_message_pack);
    survives(noise, from_json);
  }));
}

TEST_CASE("a value that is cut short anywhere is refused") {
  everything x;
  x.text = "text";
  x.list = {1, 2, 300};
  x.teams.resize(2);
  x.challenges = {{"a", 1.5}};
  const auto cut_everywhere = [](const bytes& data, auto decode) {
    for (std::size_t length = 0; length < data.size(); ++length) {
      INFO(length);
      CHECK(!decode(data.substr(0, length)));
    }
    CHECK(decode(data));
    CHECK(!decode(data + '\0'));
  };
  cut_everywhere(avro_encode(x), from_avro);
  cut_everywhere(message_pack_encode(x), from_message_pack);
  cut_everywhere(json_encode(x), from_json);
}

TEST_CASE("a count that lies costs no memory") {
  // 2^62 teams, then nothing.
  const bytes avro{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10};
  CHECK(avro_decode<list>(avro).error().code == fault::invalid_input);
  const bytes pack{"\x81\xa5teams\xdd\xff\xff\xff\xff", 12};
  CHECK(message_pack_decode<list>(pack).error().code == fault::invalid_input);
}

TEST_CASE("an input that stands for too much memory is refused") {
  const auto count = decoded_bytes_max / sizeof(wide) + 1;
  std::string json = R"({"items":[)";
  for (std::size_t i = 0; i < count; ++i)
    json += i == 0 ? "{}" : ",{}";
  json += "]}";
  CHECK(json_decode<many>(json).error().code == fault::too_large);

  many x;
  bytes avro = avro_encode(x);
  REQUIRE(avro == bytes(1, '\0'));
  avro.clear();
  for (std::size_t i = 0; i < count; ++i)
    avro += std::string_view{"\x02\0\0", 3}; // a block of one item
  avro += '\0';
  CHECK(avro_decode<many>(avro).error().code == fault::too_large);

  bytes pack{"\x81\xa5items\xdd", 8};
  for (int shift = 24; shift >= 0; shift -= 8)
    pack += static_cast<char>(count >> shift);
  pack.append(count, '\x80');
  CHECK(message_pack_decode<many>(pack).error().code == fault::too_large);
}

TEST_CASE("MessagePack that nests deeply is refused") {
  bytes pack = "\x81\xa1x";
  pack.append(100'000, '\x91');
  CHECK(message_pack_decode<samples::objective>(pack).error().message
    == "cannot read MessagePack at /x: values nest too deeply");
}

TEST_CASE("a writer's record that contains itself ends at a depth") {
  const auto resolver = resolver_with_extra(
    R"({"type":"record","name":"R","fields":[
          {"name":"next","type":["null","R"]}]})");
  const bytes rest{"\x01\x06", 2};
  const bytes shallow = bytes(20, '\x02') + '\0' + rest;
  CHECK(resolver.decode<samples::objective>(shallow)
    == samples::objective{true, 3});
  CHECK(!resolver.decode<samples::objective>(bytes(100'000, '\x02')));
}

TEST_CASE("a writer's value without bytes cannot be repeated for ever") {
  const bytes many{"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f", 9};
  const bytes rest{"\0\x01\x06", 3};
  const auto nulls = resolver_with_extra(R"({"type":"array","items":"null"})");
  CHECK(!nulls.decode<samples::objective>(many + rest));
  CHECK(nulls.decode<samples::objective>(bytes{"\x0a"} + rest));

  // Sixty records, each made of two of the one before: 2^60 values, no byte.
  std::string bush = R"({"type":"record","name":"R0","fields":[]})";
  for (int i = 1; i < 60; ++i)
    bush = R"({"type":"record","name":"R)" + std::to_string(i)
      + R"(","fields":[{"name":"a","type":)" + bush
      + R"(},{"name":"b","type":"R)" + std::to_string(i - 1) + R"("}]})";
  std::string schema{objective_with_extra};
  schema.replace(schema.find('%'), 1, bush);
  if (const auto made
    = avro_resolver::make(schema, type_of<samples::objective>()))
    CHECK(!made->decode<samples::objective>(rest));

  // The same within the nesting that is allowed.
  bush = R"({"type":"record","name":"R0","fields":[]})";
  for (int i = 1; i < 28; ++i)
    bush = R"({"type":"record","name":"R)" + std::to_string(i)
      + R"(","fields":[{"name":"a","type":)" + bush
      + R"(},{"name":"b","type":"R)" + std::to_string(i - 1) + R"("}]})";
  CHECK(!resolver_with_extra(bush).decode<samples::objective>(rest));
}

TEST_CASE("a text that is no Avro schema is refused with the reason") {
  const auto problem = [](std::string_view schema) {
    const auto made
      = avro_resolver::make(schema, type_of<samples::objective>());
    REQUIRE(!made);
    CHECK(made.error().code == fault::invalid_input);
    return made.error().message;
  };
  const std::string start = "this is no Avro schema: ";
  CHECK(problem("").starts_with(start + "this is not JSON"));
  CHECK(problem("42") == start + "a type is a name, a list or an object");
  CHECK(problem("{}") == start + "an object lacks \"type\"");
  CHECK(problem(R"("Nothing")") == start + "\"Nothing\" is not defined");
  CHECK(problem("[]") == start + "a union has no branches");
  CHECK(
    problem(R"([["int"]])") == start + "a union stands directly in a union");
  CHECK(problem(R"({"type":"array"})") == start + "array lacks \"items\"");
  CHECK(problem(R"({"type":"map"})") == start + "map lacks \"values\"");
  CHECK(problem(R"({"type":"record","fields":[]})")
    == start + "record lacks a name");
  CHECK(problem(R"({"type":"record","name":"R"})")
    == start + "\"R\" lacks a list of fields");
  CHECK(problem(R"({"type":"record","name":"R","fields":[{"name":"a"}]})")
    == start + "a field of \"R\" lacks its name or type");
  CHECK(problem(R"({"type":"record","name":"R","namespace":"n","fields":[
          {"name":"a","type":"int"},{"name":"a","type":"int"}]})")
    == start + "\"n.R\" has two fields named \"a\"");
  CHECK(problem(R"([{"type":"fixed","name":"F","size":1},
                    {"type":"fixed","name":"F","size":1}])")
    == start + "\"F\" is defined twice");
  CHECK(problem(R"({"type":"fixed","name":"F","size":-1})")
    == start + "\"F\" lacks a size");
  CHECK(problem(R"({"type":"record","name":"int","fields":[]})")
    == start + "\"int\" is the name of a primitive type");

  std::string deep;
  for (int i = 0; i < 100; ++i)
    deep += R"({"type":"array","items":)";
  deep += "\"int\"" + std::string(100, '}');
  CHECK(problem(deep) == start + "it nests too deeply");
  CHECK(problem(std::string(avro_schema_bytes_max + 1, ' '))
    == start + "it is longer than 1048576 bytes");
}
