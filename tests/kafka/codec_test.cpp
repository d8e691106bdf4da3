// Every message in every version: out and back, cut off, and with what a
// hostile or a newer client may send.

#include "protocol/kafka/decoder.hpp"
#include "protocol/kafka/frame.hpp"
#include "protocol/kafka/messages.hpp"
#include "tests/kafka/random_messages.hpp"

#include <catch2/catch.hpp>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace herald::kafka {

namespace {

std::uint64_t seed() {
  auto* chosen = std::getenv("HERALD_SEED");
  return chosen ? std::stoull(chosen) : std::random_device{}();
}

template <class Message>
bytes encoded(const Message& message, std::int16_t version) {
  bytes out;
  encoder writer{out};
  encode(message, version, writer);
  return out;
}

template <class Message>
std::string failure_of(bytes_view body, std::int16_t version) {
  auto read = decode<Message>(body, version);
  REQUIRE_FALSE(read);
  return read.error().message;
}

// Calls `visit` with a default message of each type and every version of it.
template <class... Message, class Visit>
void for_each_version(message_list<Message...>, Visit&& visit) {
  auto versions = [&]<class One>(const One& empty) {
    for (auto version = One::info.lowest; version <= One::info.highest;
      ++version)
      visit(empty, version);
  };
  (versions(Message{}), ...);
}

template <class Visit>
void for_every_message(Visit&& visit) {
  for_each_version(all_requests{}, visit);
  for_each_version(all_responses{}, visit);
  for_each_version(message_list<request_header, response_header>{}, visit);
}

} // namespace

TEST_CASE("every message of every version comes back as it was") {
  auto start = seed();
  INFO("HERALD_SEED=" << start);
  random_values random{start};
  for_every_message([&]<class Message>(const Message& empty, auto version) {
    for (int round = 0; round < 60; ++round) {
      auto message = empty;
      fill(random, message, version);
      auto body = encoded(message, version);
      auto read = decode<Message>(body, version);
      INFO(Message::info.name << " version " << version << " round " << round);
      REQUIRE(read);
      REQUIRE(*read == message);
      REQUIRE(encoded(*read, version) == body);
    }
  });
}

TEST_CASE("what a version does not carry has its default afterwards") {
  random_values random{seed()};
  fetch_request request;
  fill(random, request, 11);
  request.replica_state.replica_id = 7;
  request.cluster_id = "c";
  auto body = encoded(request, 11);
  auto read = decode<fetch_request>(body, 11);
  REQUIRE(read);
  CHECK(read->replica_state.replica_id == -1);
  CHECK_FALSE(read->cluster_id);

  metadata_request all;
  all.topics = std::nullopt;
  CHECK(decode<metadata_request>(encoded(all, 1), 1)->topics == std::nullopt);
  // Version 0 asks for all topics with an empty list.
  CHECK(decode<metadata_request>(encoded(all, 0), 0)->topics->empty());
  CHECK(
    decode<metadata_request>(encoded(all, 0), 0)->allow_auto_topic_creation);
}

TEST_CASE("a message cut off anywhere is refused and no more") {
  auto start = seed();
  INFO("HERALD_SEED=" << start);
  random_values random{start};
  for_every_message([&]<class Message>(const Message& empty, auto version) {
    auto message = empty;
    fill(random, message, version);
    auto body = encoded(message, version);
    for (std::size_t size = 0; size < body.size(); ++size) {
      // In memory of its own, so that a sanitizer sees a read behind it.
      bytes part{body, 0, size};
      auto read = decode<Message>(part, version);
      INFO(Message::info.name << " version " << version << " of size " << size);
      REQUIRE_FALSE(read);
      REQUIRE(read.error().code == fault::invalid_input);
    }
  });
}

TEST_CASE("a message with changed bytes is read or refused") {
  auto start = seed();
  INFO("HERALD_SEED=" << start);
  random_values random{start};
  for_every_message([&]<class Message>(const Message& empty, auto version) {
    auto message = empty;
    fill(random, message, version);
    auto body = encoded(message, version);
    for (int round = 0; round < 200 && !body.empty(); ++round) {
      auto changed = body;
      for (auto flips = random.number(3) + 1; flips > 0; --flips)
        changed[random.number(changed.size())] ^= 1 << random.number(8);
      // What is read can be written, and then reads the same.
      if (auto read = decode<Message>(changed, version))
        REQUIRE(*decode<Message>(encoded(*read, version), version) == *read);
    }
  });
}

TEST_CASE("bytes behind a message are ignored") {
  api_versions_request wanted{"a", "b"};
  CHECK(decode<api_versions_request>(encoded(wanted, 3) + "xyz", 3) == wanted);
}

TEST_CASE("a failure says where it is") {
  produce_request request;
  request.topic_data = {{"games", {{3, bytes_view{"batch"}}}}};
  auto body = encoded(request, 7);
  CHECK(failure_of<produce_request>(body.substr(0, body.size() - 2), 7)
    == "ProduceRequest version 7, TopicData.PartitionData.Records at byte 31: "
       "5 bytes wanted, 3 left");
  CHECK(failure_of<produce_request>(body, 12)
    == "ProduceRequest version 12, the version at byte 0: not supported, 0 to "
       "11 are");
  CHECK(failure_of<produce_request>(body, -1).ends_with("0 to 11 are"));
  CHECK(failure_of<list_offsets_request>({"\0\0\0\0\0\0\0\0\1\xff\xff", 11}, 2)
          .find("Topics.Name at byte 11: null where there may be none")
    != std::string::npos);
}

TEST_CASE("a count that the frame cannot hold is refused before memory is "
          "taken") {
  // 2^31 - 1 topics of a produce request, then nothing.
  auto refusal
    = decode<produce_request>({"\xff\xff\0\1\0\0\0\0\x7f\xff\xff\xff", 12}, 3);
  REQUIRE_FALSE(refusal);
  CHECK(refusal.error().message
    == "ProduceRequest version 3, TopicData at byte 12: 2147483647 elements "
       "cannot be in the 0 bytes that are left");
  // The largest count of a varint, and one that has more than 32 bits.
  CHECK(
    failure_of<produce_request>({"\0\0\1\0\0\0\0\xff\xff\xff\xff\x0f\0", 13}, 9)
      .find("4294967294 elements")
    != std::string::npos);
  CHECK(
    failure_of<produce_request>({"\0\0\1\0\0\0\0\xff\xff\xff\xff\x1f\0", 13}, 9)
      .find("a varint of more than 32 bits")
    != std::string::npos);
}

TEST_CASE("small things on the wire cannot become much memory") {
  // Topics without name and id of two bytes each: the frame holds them, but
  // they would be a hundred times as large.
  bytes body(8u << 20, '\1');
  body.replace(0, 4, "\x81\x80\x80\x02", 4);
  auto read = decode<metadata_request>(body, 9);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == fault::too_large);
}

TEST_CASE("unknown tagged fields are skipped, misplaced ones refused") {
  auto with_tags = [](bytes_view tags) { return "\2a\2b" + bytes{tags}; };
  api_versions_request wanted{"a", "b"};
  auto read = [&](bytes_view tags) {
    return decode<api_versions_request>(with_tags(tags), 3);
  };
  CHECK(read({"\0", 1}) == wanted);
  CHECK(read({"\2\0\3xyz\x81\1\0", 9}) == wanted);
  auto twice = read({"\2\5\0\5\0", 5});
  REQUIRE_FALSE(twice);
  CHECK(
    twice.error().message.find("tagged field 5 behind 5") != std::string::npos);
  CHECK_FALSE(read({"\2\5\0\4\0", 5}));
  CHECK_FALSE(read({"\1\5\3ab", 5}));
  CHECK_FALSE(read({"\7\5\0", 3}));

  // A known one must fill its size: the epoch of ApiVersions has tag 1.
  api_versions_response response;
  response.finalized_features_epoch = 5;
  auto body = encoded(response, 3);
  CHECK(*decode<api_versions_response>(body, 3) == response);
  auto size_at = body.size() - 9;
  REQUIRE(body[size_at] == 8);
  auto longer = body + "x";
  longer[size_at] = 9;
  CHECK(failure_of<api_versions_response>(longer, 3).ends_with(
    "1 bytes too many in a tagged field"));
}

TEST_CASE("strings too long for the protocol are cut between two characters") {
  create_topics_response response;
  auto& topic = response.topics.emplace_back();
  topic.error_message = std::string(32'766, 'a') + "\u00e9" + "z";
  for (std::int16_t version : {4, 5}) {
    auto read
      = decode<create_topics_response>(encoded(response, version), version);
    REQUIRE(read);
    CHECK(read->topics[0].error_message == std::string(32'766, 'a'));
  }
  // Nor is a longer one taken.
  bytes body{"\x81\x80\x02"};
  body.append(32'768, 'a');
  body.append("\1\0", 2);
  CHECK(failure_of<api_versions_request>(body, 3).find(
          "a string of 32768 bytes, 32767 are allowed")
    != std::string::npos);
}

TEST_CASE("records are spliced in and not copied where the caller likes") {
  auto start = seed();
  INFO("HERALD_SEED=" << start);
  random_values random{start};
  for (int round = 0; round < 200; ++round) {
    auto version = static_cast<std::int16_t>(4 + random.number(14));
    fetch_response response;
    fill(random, response, version);
    bytes copied, buffer{"before"};
    encoder plain{copied};
    encode_response(response, version, 9, plain);
    std::vector<splice> splices;
    encoder splicing{buffer, splices};
    encode_response(response, version, 9, splicing);
    REQUIRE(splicing.size_bytes() == copied.size() + 6);
    bytes sent;
    for (auto piece : gather(buffer, splices))
      sent.append(piece);
    REQUIRE(sent == "before" + copied);
    REQUIRE(load_big_endian<std::int32_t>(copied.data())
      == static_cast<std::int32_t>(copied.size() - 4));
    if (!splices.empty())
      REQUIRE(buffer.size() < sent.size());
  }
}

TEST_CASE("a row of records is the same in one piece and in many") {
  record_set whole{"abcdef"}, pieces;
  CHECK(pieces.empty());
  for (auto* piece : {"", "ab", "", "cde", "f"})
    pieces.append(piece);
  CHECK(pieces.size_bytes() == 6);
  CHECK(pieces == whole);
  CHECK(pieces.copy() == "abcdef");
  CHECK_FALSE(pieces == record_set{"abcdeg"});
}

TEST_CASE("frames are read as they are written") {
  bytes out;
  encoder writer{out};
  encode_request(api_versions_request{}, 0, 7, "a", writer);
  CHECK(out == bytes{"\0\0\0\x0b\0\x12\0\0\0\0\0\7\0\1a", 15});
  auto request = parse_request(bytes_view{out}.substr(4));
  REQUIRE(request);
  CHECK(request->header == request_header{18, 0, 7, "a"});
  CHECK(request->body.empty());
  REQUIRE(request->known);
  CHECK(request->known->name == "ApiVersions");

  // A flexible version that the codec does not know still has a header 2.
  auto newer = parse_request({"\0\x12\0\x63\0\0\0\7\xff\xff\0body", 15});
  REQUIRE(newer);
  CHECK(newer->header == request_header{18, 99, 7, std::nullopt});
  CHECK(newer->body == "body");
  CHECK_FALSE(newer->known->supports(99));

  auto foreign = parse_request({"\x03\xe7\0\0\0\0\0\7\xff\xff", 10});
  REQUIRE(foreign);
  CHECK_FALSE(foreign->known);
  CHECK_FALSE(parse_request({"\0\x12\0\0\0\0\0", 7}));
  CHECK_FALSE(parse_request({"\0\x12\0\0\0\0\0\7\0\5a", 11}));

  out.clear();
  encode_response(api_versions_response{}, 3, 7, writer);
  auto response = parse_response(
    bytes_view{out}.substr(4), api_of<api_versions_response>(), 3);
  REQUIRE(response);
  CHECK(response->correlation_id == 7);
  CHECK(decode<api_versions_response>(response->body, 3));
}

TEST_CASE("the table of APIs knows headers as well") {
  CHECK(apis().size() == 16);
  CHECK(std::ranges::is_sorted(apis(), {}, &api::key));
  CHECK_FALSE(find_api(-1));
  CHECK_FALSE(find_api(5));
  auto* versions = find_api(18);
  REQUIRE(versions);
  CHECK(request_header_version(*versions, 2) == 1);
  CHECK(request_header_version(*versions, 3) == 2);
  CHECK(response_header_version(*versions, 3) == 0);
  auto* fetch = find_api(1);
  REQUIRE(fetch);
  CHECK(fetch->name == "Fetch");
  CHECK(response_header_version(*fetch, 11) == 0);
  CHECK(response_header_version(*fetch, 12) == 1);
}

TEST_CASE("errors have the names that librdkafka gives them") {
  const rd_kafka_err_desc* all = nullptr;
  std::size_t count = 0;
  rd_kafka_get_err_descs(&all, &count);
  std::vector<int> other;
  for (auto& one : std::span{all, count})
    if (one.name && one.code > 0 && one.code <= 127
      && to_string(static_cast<error>(one.code)) != one.name)
      other.push_back(one.code);
  // librdkafka abbreviates these, and Kafka has renamed number 6.
  CHECK(other == std::vector{2, 3, 4, 6, 10, 11, 17});
  CHECK(to_string(error::unknown_server_error) == "UNKNOWN_SERVER_ERROR");
  CHECK(to_string(error::voter_not_found) == "VOTER_NOT_FOUND");
  CHECK(to_string(static_cast<error>(128)) == "UNKNOWN_ERROR_CODE");
  CHECK(to_string(static_cast<error>(-2)) == "UNKNOWN_ERROR_CODE");
}

} // namespace herald::kafka
