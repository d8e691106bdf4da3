// Batches as librdkafka 2.0.2 wrote them into its mock broker, kept for ever:
// whatever the format grows into, these bytes must stay readable.

#include "protocol/batch/record_batch.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace herald {

namespace {

bytes from_hex(std::string_view text) {
  bytes data;
  for (std::size_t at = 0; at + 1 < text.size(); at += 2)
    data.push_back(static_cast<char>(
      std::stoi(std::string{text.substr(at, 2)}, nullptr, 16)));
  return data;
}

std::string hex_of_value() {
  std::string text;
  for (auto i = 0; i < 500; ++i)
    text += "78";
  return text;
}

// clang-format off
const std::vector<std::string> golden{
  "0000000000000000" "00000251" "00000000" "02" "b6add510" "0000" "00000002"
  "0000018bcfe56800" "0000018bcfe56807" "ffffffffffffffff" "ffff" "ffffffff"
  "00000003"
  "30" "00" "00" "00" "0c455557315f31" "0a6669727374" "04" "02610231" "026201"
  "f607" "00" "0a" "02" "01" "e807" + hex_of_value() + "00"
  "12" "00" "0e" "04" "066b6579" "01" "00",

  "0000000000000000" "00000076" "00000000" "02" "dce49593" "0001" "00000002"
  "0000018bcfe56800" "0000018bcfe56807" "ffffffffffffffff" "ffff" "ffffffff"
  "00000003"
  "1f8b080000000000000333606060e0710d0d378c37e44acb2c2a2e61614a6432644a62fc"
  "c6cec0c5c4f882bd62148c38c020c4c0c7c2969d5ac9c80000acfa24cf20020000",

  "0000000000000000" "0000007b" "00000000" "02" "a3843f29" "0002" "00000002"
  "0000018bcfe56800" "0000018bcfe56807" "ffffffffffffffff" "ffff" "ffffffff"
  "00000003"
  "a00488300000000c455557315f310a66697273740402610231026201f607000a0201e807"
  "7878fe0200fe0200fe0200fe0200fe0200fe0200fe0200c60200280012000e04066b6579"
  "0100",

  "0000000000000000" "00000074" "00000000" "02" "df1740dd" "0003" "00000002"
  "0000018bcfe56800" "0000018bcfe56807" "ffffffffffffffff" "ffff" "ffffffff"
  "00000003"
  "04224d1860408234000000ff13300000000c455557315f310a6669727374040261023102"
  "6201f607000a0201e807780100ffe1b00012000e04066b6579010000000000",

  "0000000000000000" "0000006f" "00000000" "02" "3244146d" "0004" "00000002"
  "0000018bcfe56800" "0000018bcfe56807" "ffffffffffffffff" "ffff" "ffffffff"
  "00000003"
  "28b52ffd0058ad0100d402300000000c455557315f310a66697273740402610231026201"
  "f607000a0201e807780012000e04066b6579010001008257c113",
};
// clang-format on

} // namespace

TEST_CASE("batches of another client stay readable") {
  for (std::size_t codec = 0; codec < golden.size(); ++codec) {
    INFO("codec " << codec);
    auto data = from_hex(golden[codec]);
    auto batch = batch_view::parse(data);
    REQUIRE(batch);
    CHECK(batch->codec() == static_cast<compression>(codec));
    CHECK(check_records(*batch));
    std::vector<std::string> values;
    std::vector<std::int64_t> times;
    auto read = batch->for_each([&](const record_view& record) {
      values.emplace_back(record.value.value_or("null"));
      times.push_back(record.timestamp_ms);
      if (record.at.value == 0) {
        CHECK(record.key == "EUW1_1");
        CHECK(record.headers()
          == std::vector<record_header>{{"a", "1"}, {"b", std::nullopt}});
      }
    });
    REQUIRE(read);
    CHECK(values
      == std::vector<std::string>{"first", std::string(500, 'x'), "null"});
    CHECK(times
      == std::vector<std::int64_t>{
        1'700'000'000'000, 1'700'000'000'005, 1'700'000'000'007});
  }
}

TEST_CASE("Herald builds byte for byte what another client builds") {
  batch_builder builder{1'700'000'000'000};
  std::vector<record_header> headers{{"a", "1"}, {"b", std::nullopt}};
  builder.add("EUW1_1", "first", 1'700'000'000'000, headers);
  builder.add(std::nullopt, std::string(500, 'x'), 1'700'000'000'005);
  builder.add("key", std::nullopt, 1'700'000'000'007);
  CHECK(builder.finish() == from_hex(golden[0]));
}

} // namespace herald
