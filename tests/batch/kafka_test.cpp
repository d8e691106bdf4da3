// Record batches against another implementation: librdkafka, with the mock
// broker that it carries, on a loopback port.

#include "protocol/batch/partitioner.hpp"
#include "protocol/batch/record_batch.hpp"
#include "protocol/big_endian.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <arpa/inet.h>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace herald {

namespace {

using client = std::unique_ptr<rd_kafka_t, void (*)(rd_kafka_t*)>;
using settings = std::map<std::string, std::string>;

client make_client(rd_kafka_type_t type, const settings& wanted) {
  char error[512];
  auto* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "log_level", "3", error, sizeof error);
  for (auto& [name, value] : wanted)
    if (rd_kafka_conf_set(
          conf, name.c_str(), value.c_str(), error, sizeof error)
      != RD_KAFKA_CONF_OK)
      FAIL(error);
  auto* made = rd_kafka_new(type, conf, error, sizeof error);
  if (!made)
    FAIL(error);
  return {made, rd_kafka_destroy};
}

// A broker with topic "t" of one partition and "wide" of 32.
struct mock_broker {
  client owner = make_client(RD_KAFKA_PRODUCER, {});
  std::unique_ptr<rd_kafka_mock_cluster_t, void (*)(rd_kafka_mock_cluster_t*)>
    cluster{
      rd_kafka_mock_cluster_new(owner.get(), 1), rd_kafka_mock_cluster_destroy};

  mock_broker() {
    REQUIRE(rd_kafka_mock_topic_create(cluster.get(), "t", 1, 1) == 0);
    REQUIRE(rd_kafka_mock_topic_create(cluster.get(), "wide", 32, 1) == 0);
  }
  std::string address() const {
    return rd_kafka_mock_cluster_bootstraps(cluster.get());
  }
};

// Just enough of Kafka's protocol to put bytes into the broker and to take them
// out as they are.
class wire {
public:
  explicit wire(const mock_broker& broker) {
    auto address = broker.address();
    auto colon = address.rfind(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port
      = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(
      ::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  }
  ~wire() { ::close(socket_); }

  /// Produce v7: the batch goes to partition 0 of topic "t".
  void produce(bytes_view batch) {
    bytes body;
    put(body, std::int16_t{-1}); // no transaction
    put(body, std::int16_t{1});  // acks
    put(body, std::int32_t{5'000});
    put_topic(body);
    put(body, static_cast<std::int32_t>(batch.size()));
    body.append(batch);
    auto answer = call(0, 7, body);
    // topic count, name, partition count, index, then the error code
    REQUIRE(load_big_endian<std::int16_t>(answer.data() + 4 + 3 + 4 + 4) == 0);
  }

  /// Fetch v4: batches of partition 0 of topic "t" from an offset on. The
  /// broker gives one at a time.
  bytes fetch(std::int64_t from = 0) {
    bytes body;
    put(body, std::int32_t{-1});
    put(body, std::int32_t{100});
    put(body, std::int32_t{1});
    put(body, std::int32_t{1 << 20});
    body.push_back('\0');
    put_topic(body);
    put(body, from);
    put(body, std::int32_t{1 << 20});
    auto answer = call(1, 4, body);
    // throttle, topic count, name, partition count, index
    auto* at = answer.data() + 4 + 4 + 3 + 4 + 4;
    REQUIRE(load_big_endian<std::int16_t>(at) == 0);
    at += 2 + 8 + 8;
    auto aborted = load_big_endian<std::int32_t>(at);
    at += 4 + std::max(aborted, 0) * 16;
    auto size = load_big_endian<std::int32_t>(at);
    return {at + 4, static_cast<std::size_t>(size)};
  }

private:
  template <class T>
  static void put(bytes& out, T value) {
    char raw[sizeof value];
    store_big_endian(raw, value);
    out.append(raw, sizeof raw);
  }

  static void put_topic(bytes& out) {
    put(out, std::int32_t{1});
    put(out, std::int16_t{1});
    out.push_back('t');
    put(out, std::int32_t{1});
    put(out, std::int32_t{0});
  }

  bytes call(std::int16_t key, std::int16_t version, bytes_view body) {
    bytes request;
    put(request, static_cast<std::int32_t>(10 + body.size()));
    put(request, key);
    put(request, version);
    put(request, std::int32_t{77}); // correlation
    put(request, std::int16_t{-1}); // no client id
    request.append(body);
    REQUIRE(::send(socket_, request.data(), request.size(), 0)
      == static_cast<ssize_t>(request.size()));
    char size[4];
    take(size, sizeof size);
    bytes answer(load_big_endian<std::uint32_t>(size), '\0');
    take(answer.data(), answer.size());
    REQUIRE(load_big_endian<std::int32_t>(answer.data()) == 77);
    return answer.substr(4);
  }

  void take(char* to, std::size_t size) {
    REQUIRE(
      ::recv(socket_, to, size, MSG_WAITALL) == static_cast<ssize_t>(size));
  }

  int socket_ = -1;
};

// What both sides should see of a record.
std::string shown(std::int64_t at, std::int64_t time,
  std::optional<bytes_view> key, std::optional<bytes_view> value,
  const std::vector<record_header>& headers) {
  auto line = fmt::format(
    "{} {} {} {}", at, time, key.value_or("null"), value.value_or("null"));
  for (auto& header : headers)
    line += fmt::format(" {}={}", header.key, header.value.value_or("null"));
  return line;
}

std::vector<std::string> shown(bytes_view batches) {
  std::vector<std::string> lines;
  while (!batches.empty()) {
    auto size = first_batch_bytes(batches);
    REQUIRE(size);
    auto batch = batch_view::parse(batches.substr(0, *size));
    REQUIRE(batch);
    auto read = batch->for_each([&](const record_view& record) {
      lines.push_back(shown(static_cast<std::int64_t>(record.at.value),
        record.timestamp_ms, record.key, record.value, record.headers()));
    });
    REQUIRE(read);
    batches.remove_prefix(*size);
  }
  return lines;
}

// The three records that both tests send, the first at this offset.
std::vector<std::string> expected(std::int64_t at) {
  return {fmt::format("{} 1700000000000 EUW1_1 first a=1 b=null", at),
    fmt::format("{} 1700000000005 null {}", at + 1, std::string(500, 'x')),
    fmt::format("{} 1700000000007 key null", at + 2)};
}

constexpr compression codecs[] = {compression::none, compression::gzip,
  compression::snappy, compression::lz4, compression::zstd};

} // namespace

TEST_CASE("what librdkafka writes is read, whatever the codec") {
  for (auto codec : codecs) {
    INFO(to_string(codec));
    mock_broker broker;
    auto producer = make_client(RD_KAFKA_PRODUCER,
      {{"bootstrap.servers", broker.address()},
        {"compression.codec", std::string{to_string(codec)}},
        {"linger.ms", "50"}});
    std::string large(500, 'x');
    auto* headers = rd_kafka_headers_new(2);
    rd_kafka_header_add(headers, "a", -1, "1", 1);
    rd_kafka_header_add(headers, "b", -1, nullptr, 0);
    REQUIRE(rd_kafka_producev(producer.get(), RD_KAFKA_V_TOPIC("t"),
              RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_KEY("EUW1_1", 6),
              RD_KAFKA_V_VALUE(const_cast<char*>("first"), 5),
              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
              RD_KAFKA_V_TIMESTAMP(1'700'000'000'000),
              RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END)
      == 0);
    REQUIRE(
      rd_kafka_producev(producer.get(), RD_KAFKA_V_TOPIC("t"),
        RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_VALUE(large.data(), large.size()),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_TIMESTAMP(1'700'000'000'005), RD_KAFKA_V_END)
      == 0);
    REQUIRE(rd_kafka_producev(producer.get(), RD_KAFKA_V_TOPIC("t"),
              RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_KEY("key", 3),
              RD_KAFKA_V_TIMESTAMP(1'700'000'000'007), RD_KAFKA_V_END)
      == 0);
    REQUIRE(rd_kafka_flush(producer.get(), 20'000) == 0);
    // The client may have sent them in several batches.
    wire connection{broker};
    std::vector<std::string> lines;
    while (lines.size() < 3) {
      auto more
        = shown(connection.fetch(static_cast<std::int64_t>(lines.size())));
      REQUIRE_FALSE(more.empty());
      lines.insert(lines.end(), more.begin(), more.end());
    }
    CHECK(lines == expected(0));
  }
}

TEST_CASE("what Herald builds librdkafka reads, whatever the codec") {
  mock_broker broker;
  std::vector<std::string> wanted_lines;
  for (auto codec : codecs) {
    batch_builder builder{1'700'000'000'000};
    std::vector<record_header> headers{{"a", "1"}, {"b", std::nullopt}};
    builder.add("EUW1_1", "first", 1'700'000'000'000, headers);
    builder.add(std::nullopt, std::string(500, 'x'), 1'700'000'000'005);
    builder.add("key", std::nullopt, 1'700'000'000'007);
    wire{broker}.produce(builder.finish(codec));
    for (auto& line : expected(static_cast<std::int64_t>(wanted_lines.size())))
      wanted_lines.push_back(line);
  }

  auto consumer = make_client(RD_KAFKA_CONSUMER,
    {{"bootstrap.servers", broker.address()}, {"group.id", "herald"},
      {"auto.offset.reset", "earliest"}, {"check.crcs", "true"}});
  std::unique_ptr<rd_kafka_topic_partition_list_t,
    void (*)(rd_kafka_topic_partition_list_t*)>
    wanted{rd_kafka_topic_partition_list_new(1),
      rd_kafka_topic_partition_list_destroy};
  rd_kafka_topic_partition_list_add(wanted.get(), "t", 0)->offset = 0;
  REQUIRE(rd_kafka_assign(consumer.get(), wanted.get()) == 0);
  std::vector<std::string> lines;
  while (lines.size() < wanted_lines.size()) {
    std::unique_ptr<rd_kafka_message_t, void (*)(rd_kafka_message_t*)> message{
      rd_kafka_consumer_poll(consumer.get(), 20'000), rd_kafka_message_destroy};
    REQUIRE(message);
    REQUIRE(message->err == 0);
    auto field = [](const void* data, std::size_t size) {
      return data
        ? std::optional<bytes_view>{{static_cast<const char*>(data), size}}
        : std::nullopt;
    };
    std::vector<record_header> seen;
    rd_kafka_headers_t* list = nullptr;
    if (rd_kafka_message_headers(message.get(), &list) == 0) {
      const char* name = nullptr;
      const void* value = nullptr;
      std::size_t size = 0;
      for (std::size_t i = 0;
        rd_kafka_header_get_all(list, i, &name, &value, &size) == 0; ++i)
        seen.push_back({name, field(value, size)});
    }
    lines.push_back(
      shown(message->offset, rd_kafka_message_timestamp(message.get(), nullptr),
        field(message->key, message->key_len),
        field(message->payload, message->len), seen));
  }
  CHECK(lines == wanted_lines);
  rd_kafka_consumer_close(consumer.get());
}

TEST_CASE("keys go where librdkafka's murmur2 partitioner puts them") {
  mock_broker broker;
  std::map<std::string, std::int32_t> placed;
  char error[512];
  auto* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(
    conf, "bootstrap.servers", broker.address().c_str(), error, sizeof error);
  rd_kafka_conf_set(conf, "partitioner", "murmur2", error, sizeof error);
  rd_kafka_conf_set_opaque(conf, &placed);
  rd_kafka_conf_set_dr_msg_cb(
    conf, [](rd_kafka_t*, const rd_kafka_message_t* message, void* to) {
      (*static_cast<std::map<std::string, std::int32_t>*>(
        to))[{static_cast<const char*>(message->key), message->key_len}]
        = message->partition;
    });
  client producer{rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error),
    rd_kafka_destroy};
  REQUIRE(producer);
  for (auto i = 0; i < 100; ++i) {
    auto key = "EUW1_" + std::to_string(i * 7'919);
    REQUIRE(rd_kafka_producev(producer.get(), RD_KAFKA_V_TOPIC("wide"),
              RD_KAFKA_V_KEY(key.data(), key.size()), RD_KAFKA_V_END)
      == 0);
  }
  REQUIRE(rd_kafka_flush(producer.get(), 20'000) == 0);
  CHECK(placed.size() == 100);
  for (auto& [key, partition] : placed)
    CHECK(partition_of(key, 32) == static_cast<std::uint32_t>(partition));
}

} // namespace herald
