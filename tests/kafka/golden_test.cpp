// What real clients and brokers said to each other (record_frames.py): every
// frame is read, and written again gives the same bytes.

#include "protocol/batch/record_batch.hpp"
#include "protocol/big_endian.hpp"
#include "protocol/kafka/frame.hpp"
#include "protocol/kafka/messages.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace herald::kafka {

namespace {

struct recorded_frame {
  bool request = false;
  std::int16_t key = 0;
  std::int16_t version = 0;
  bytes frame;
};

std::vector<recorded_frame> recorded(const std::string& client) {
  std::ifstream in{
    HERALD_SOURCE_DIR "/tests/kafka/golden/" + client + ".frames"};
  REQUIRE(in);
  std::vector<recorded_frame> frames;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#'))
      continue;
    std::istringstream words{line};
    std::string kind, hex;
    recorded_frame one;
    words >> kind >> one.key >> one.version >> hex;
    one.request = kind == "request";
    for (std::size_t at = 0; at < hex.size(); at += 2)
      one.frame += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
    frames.push_back(std::move(one));
  }
  return frames;
}

template <class Message>
bytes written_again(bytes_view body, std::int16_t version) {
  auto read = decode<Message>(body, version);
  INFO((read ? "" : read.error().message));
  REQUIRE(read);
  bytes out;
  encoder writer{out};
  encode(*read, version, writer);
  return out;
}

// Reads a body as whichever message of the list has that number.
template <class... Message>
bytes written_again(message_list<Message...>, std::int16_t key, bytes_view body,
  std::int16_t version) {
  bytes out;
  ((Message::info.api_key == key
       ? void(out = written_again<Message>(body, version))
       : void()),
    ...);
  return out;
}

// Compares, and counts the bytes behind the message that nobody reads.
std::size_t check_request(const recorded_frame& one) {
  auto request = parse_request(one.frame);
  REQUIRE(request);
  REQUIRE(request->known);
  CHECK(request->header.request_api_key == one.key);
  CHECK(request->header.request_api_version == one.version);
  bytes again;
  encoder writer{again};
  encode(request->header, request_header_version(*request->known, one.version),
    writer);
  again += written_again(all_requests{}, one.key, request->body, one.version);
  CHECK(one.frame.starts_with(again));
  return one.frame.size() - again.size();
}

// librdkafka's broker refuses a version of ApiVersions in a form that is
// neither that version's nor version 0, of which clients read the error alone.
bool malformed(const recorded_frame& one) {
  auto refused = static_cast<std::int16_t>(error::unsupported_version);
  return !one.request && one.key == api_versions_response::info.api_key
    && load_big_endian<std::int16_t>(one.frame.data() + 4) == refused;
}

std::size_t check_response(const recorded_frame& one) {
  auto& api = *find_api(one.key);
  auto response = parse_response(one.frame, api, one.version);
  REQUIRE(response);
  bytes again;
  encoder writer{again};
  encode(response_header{response->correlation_id},
    response_header_version(api, one.version), writer);
  again += written_again(all_responses{}, one.key, response->body, one.version);
  CHECK(one.frame.starts_with(again));
  return one.frame.size() - again.size();
}

} // namespace

TEST_CASE("frames of real clients and brokers are read and written alike") {
  std::map<std::string, int> compared;
  std::set<std::int16_t> keys;
  for (std::string client :
    {"kcat", "librdkafka", "administration", "kafkajs", "java"}) {
    for (auto& one : recorded(client)) {
      auto* known = find_api(one.key);
      if (!known || !known->supports(one.version) || malformed(one))
        continue;
      INFO(client << (one.request ? " request " : " response ") << known->name
                  << " version " << one.version);
      auto left = one.request ? check_request(one) : check_response(one);
      // librdkafka leaves room for a longer count when it asks for all topics.
      if (left > 0) {
        CHECK(client == "librdkafka");
        CHECK(one.key == metadata_request::info.api_key);
        CHECK(left == 3);
      }
      ++compared[client];
      keys.insert(one.key);
    }
  }
  CHECK(compared["kcat"] >= 40);
  CHECK(compared["librdkafka"] >= 25);
  CHECK(compared["administration"] >= 25);
  CHECK(compared["kafkajs"] >= 18);
  CHECK(compared["java"] >= 45);
  CHECK(keys.size() >= 14);
}

TEST_CASE("the batches that kcat sends are read in place, of each codec") {
  std::set<compression> codecs;
  for (auto& one : recorded("kcat")) {
    if (!one.request || one.key != produce_request::info.api_key)
      continue;
    auto request = parse_request(one.frame);
    REQUIRE(request);
    auto produce = decode<produce_request>(request->body, one.version);
    REQUIRE(produce);
    auto& records = produce->topic_data.at(0).partition_data.at(0).records;
    REQUIRE(records);
    CHECK(records->view().data() >= one.frame.data());
    CHECK(records->view().data() + records->size_bytes()
      <= one.frame.data() + one.frame.size());
    auto batch = batch_view::parse(records->view());
    REQUIRE(batch);
    CHECK(check_records(*batch));
    codecs.insert(batch->codec());
  }
  CHECK(codecs.size() == 5);
}

} // namespace herald::kafka
