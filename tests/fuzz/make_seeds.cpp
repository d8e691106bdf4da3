// Writes the corpus that fuzzing starts from, made up by Herald's own encoders:
// `fuzz_seeds FOLDER CONFIG`, one file with an input in hex per line and
// target.

#include "engine/log/segment_writer.hpp"
#include "protocol/batch/record_batch.hpp"
#include "protocol/kafka/frame.hpp"
#include "protocol/schema/avro.hpp"
#include "protocol/schema/json.hpp"
#include "protocol/schema/message_pack.hpp"
#include "tests/event/samples.hpp"
#include "tests/fuzz/shapes.hpp"
#include "tests/kafka/random_messages.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace herald::fuzz {

namespace {

using inputs = std::vector<bytes>;

void write_inputs(
  const std::filesystem::path& folder, const char* target, const inputs& all) {
  std::ofstream out{folder / (std::string{target} + ".hex")};
  for (auto& one : all) {
    for (auto byte : one)
      out << fmt::format("{:02x}", static_cast<unsigned char>(byte));
    out << '\n';
  }
}

template <class... Request>
inputs kafka_requests(kafka::message_list<Request...>) {
  inputs all;
  kafka::random_values random{1};
  auto add = [&]<class One>(One) {
    for (auto version = One::info.lowest; version <= One::info.highest;
      ++version) {
      One request;
      kafka::fill(random, request, version);
      bytes frame;
      kafka::encoder out{frame};
      kafka::encode_request(request, version, 1, "a", out);
      if (frame.size() < 400)
        all.push_back(frame.substr(sizeof(std::int32_t)));
    }
  };
  (add(Request{}), ...);
  return all;
}

inputs record_batches() {
  inputs all;
  for (auto codec : {compression::none, compression::gzip, compression::snappy,
         compression::lz4, compression::zstd}) {
    batch_builder builder{1'000};
    record_header header{"kind", "match"};
    builder.add("EUW1_1", bytes(40, 'a'), 1'000, {&header, 1});
    builder.add(std::nullopt, std::nullopt, 1'005);
    all.push_back(builder.finish(codec));
  }
  all.push_back(all[0] + all[4]);
  return all;
}

shape sample_shape() {
  shape made;
  made.i = -5;
  made.l = 1ll << 40;
  made.f = 0.5;
  made.d = 1e300;
  made.s = "text";
  made.y.value = bytes{"\0\xff", 2};
  made.a = {1, 2, 3};
  made.m = {{"k", 2.5}};
  made.r.push_back({true, "in", 8});
  made.n["x"] = {};
  made.o.emplace();
  return made;
}

bytes with_schema(char choice, const std::string& schema, const bytes& value) {
  bytes out{choice};
  out += static_cast<char>(schema.size() >> 8);
  out += static_cast<char>(schema.size() & 0xff);
  return out + schema + value;
}

inputs avro_values() {
  auto value = avro_encode(sample_shape());
  auto live = avro_encode(event::sample_match_live_updated());
  auto schema = avro_schema(type_of<shape>());
  return {bytes{'\0'} + value, bytes{'\2'} + live,
    with_schema('\1', schema, value),
    with_schema('\1',
      R"({"type":"record","name":"S","fields":[{"name":"i","type":"int"},)"
      R"({"name":"l","type":["null","int","long"]},)"
      R"({"name":"x","type":{"type":"enum","name":"E","symbols":["A","B"]}},)"
      R"({"name":"y","type":{"type":"fixed","name":"F","size":2}},)"
      R"({"name":"s","type":"bytes"}]})",
      bytes{"\2\4\6\2ab\4hi", 9})};
}

template <class Encode>
inputs values(Encode&& encode) {
  return {encode(shape{}), encode(sample_shape()),
    encode(event::sample_match_live_updated())};
}

// A few batches, as they are and packed.
bytes segment_with(segment_packing packing) {
  segment_identity identity{
    .cluster = "cluster", .topic = "match", .partition = 2, .first = {40}};
  auto writer = segment_writer::create(identity, std::move(packing));
  if (!writer)
    return {};
  auto chain = identity.anchor;
  auto next = identity.first;
  for (auto codec : {compression::none, compression::zstd, compression::gzip}) {
    auto time = 1'000 + static_cast<std::int64_t>(next.value);
    batch_builder builder{time};
    for (int i = 0; i < 3; ++i)
      builder.add("EUW1_1", bytes("\0\0\0\0\7", 5) + bytes(30, 'a'), time + i);
    auto batch = builder.finish(codec);
    set_base_offset(batch, next);
    bytes entry(entry_header_bytes + batch.size(), '\0');
    chain = write_entry(entry.data(), 0, batch, chain);
    next = {next.value + 3};
    if (!(*writer)->add(entry))
      return {};
  }
  return (*writer)->finish() ? (*writer)->take() : bytes{};
}

inputs segments() {
  return {segment_with({.pack = false}), segment_with({.pack = true}),
    segment_with({.pack = true, .dictionaries = {{7, bytes(300, 'a')}}})};
}

int run(const std::filesystem::path& folder, const char* config) {
  std::filesystem::create_directories(folder);
  write_inputs(folder, "kafka_request", kafka_requests(kafka::all_requests{}));
  write_inputs(folder, "record_batch", record_batches());
  write_inputs(folder, "avro", avro_values());
  write_inputs(folder, "message_pack",
    values([](const auto& value) { return message_pack_encode(value); }));
  write_inputs(folder, "json",
    values([](const auto& value) { return json_encode(value); }));
  write_inputs(folder, "segment", segments());
  std::ifstream in{config};
  write_inputs(
    folder, "settings", {bytes{std::istreambuf_iterator<char>{in}, {}}});
  return 0;
}

} // namespace

} // namespace herald::fuzz

int main(int count, char** arguments) {
  if (count != 3) {
    fmt::print(stderr, "usage: fuzz_seeds FOLDER CONFIG\n");
    return 2;
  }
  return herald::fuzz::run(arguments[1], arguments[2]);
}
