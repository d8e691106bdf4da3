#include "tools/herald/bench_kafka.hpp"

#include "protocol/batch/record_batch.hpp"
#include "protocol/kafka/create_topics.hpp"
#include "protocol/kafka/fetch.hpp"
#include "protocol/kafka/list_offsets.hpp"
#include "protocol/kafka/produce.hpp"
#include "tools/herald/child_node.hpp"
#include "tools/herald/exit_code.hpp"
#include "tools/herald/kafka_connection.hpp"
#include "tools/herald/measure.hpp"
#include "tools/herald/plain_lmdb.hpp"
#include "tools/herald/scratch_folder.hpp"

#include <fmt/format.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <optional>
#include <thread>

namespace herald {

namespace {

namespace fs = std::filesystem;

constexpr std::int16_t produce_version = 9;
constexpr std::int16_t fetch_version = 11;
constexpr std::int16_t create_version = 5;
constexpr std::size_t batch_bytes = 1'000'000;
constexpr std::size_t run_bytes = 400u << 20;
constexpr std::size_t runs = 3;
// Requests that the producer has on their way.
constexpr std::size_t window = 16;
// What plain LMDB commits at once.
constexpr std::size_t commit_bytes = 8u << 20;
// What the reader asks for at once, of all partitions together. Its buffer
// stays in the processor's cache, as that of the loopback measurement does.
constexpr std::int32_t fetch_bytes = 8 << 20;

/// A fresh folder below `parent`, gone afterwards.
struct work_folder : scratch_folder {
  explicit work_folder(const fs::path& parent) : scratch_folder{parent} {
    if (path().empty())
      throw std::runtime_error{"cannot make a folder in " + parent.string()};
  }
};

void create_topic(
  kafka_connection& broker, const std::string& name, std::int32_t partitions) {
  kafka::create_topics_request request;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.num_partitions = partitions;
  topic.replication_factor = 1;
  auto answer
    = broker.ask<kafka::create_topics_response>(request, create_version);
  if (answer.topics.at(0).error_code != kafka::error::none)
    throw std::runtime_error{"the topic was not made"};
}

bytes produce_frame(
  const std::string& topic, std::int32_t partition, bytes_view batch) {
  kafka::produce_request request;
  request.acks = -1;
  request.timeout_ms = 30'000;
  request.topic_data.push_back(
    {topic, {{partition, kafka::record_set{batch}}}});
  bytes frame;
  kafka::encoder out{frame};
  kafka::encode_request(request, produce_version, 0, "herald", out);
  return frame;
}

void check_produced(bytes_view answer) {
  auto response
    = kafka_connection::read<kafka::produce_response>(answer, produce_version);
  auto& partition = response.responses.at(0).partition_responses.at(0);
  if (partition.error_code != kafka::error::none)
    throw std::runtime_error{fmt::format("a batch was refused: {}",
      partition.error_message.value_or("without a reason"))};
}

struct work {
  std::size_t record_bytes = 0;
  std::int32_t partitions = 0;
};

struct figures {
  double seconds = 0;
  double cpu_seconds = 0;
  double records = 0;
  double bytes = 0;

  double rate() const { return records / seconds; }
  double megabytes() const { return bytes / 1e6 / seconds; }
  double cpu_per_million() const { return cpu_seconds / records * 1e6; }
};

figures produce(child_node& node, kafka_connection& broker,
  const std::string& topic, const work& of, std::size_t records_each) {
  auto batch = make_batch(records_each, of.record_bytes, {});
  std::vector<bytes> frames;
  for (std::int32_t p = 0; p < of.partitions; ++p)
    frames.push_back(produce_frame(topic, p, batch));
  auto batches = run_bytes / batch.size();
  auto cpu = node.cpu_seconds();
  auto start = bench_clock::now();
  std::size_t sent = 0;
  for (std::size_t answered = 0; answered < batches; ++answered) {
    for (; sent < batches && sent < answered + window; ++sent)
      broker.send(frames[sent % frames.size()]);
    check_produced(broker.receive());
  }
  figures got{.seconds = seconds_since(start)};
  got.cpu_seconds = node.cpu_seconds() - cpu;
  got.records = static_cast<double>(batches * records_each);
  got.bytes = static_cast<double>(batches * batch.size());
  return got;
}

double plain_seconds(
  const fs::path& folder, const bytes& value, std::size_t count) {
  work_folder own{folder};
  plain_lmdb lmdb{own.path(), count * value.size() * 9 / 8 + (64u << 20)};
  auto per_commit = std::max<std::size_t>(1, commit_bytes / value.size());
  auto start = bench_clock::now();
  for (std::size_t done = 0; done < count;) {
    lmdb.begin();
    for (std::size_t i = 0; i < per_commit && done < count; ++i, ++done)
      lmdb.append(value);
    lmdb.commit();
  }
  return seconds_since(start);
}

/// Two ends of a connection over loopback.
class loopback {
public:
  loopback() {
    auto listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener, 1);
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    near = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(near, reinterpret_cast<sockaddr*>(&address), size) != 0)
      throw std::runtime_error{"cannot connect to loopback"};
    far = ::accept(listener, nullptr, nullptr);
    ::close(listener);
    int on = 1;
    for (auto end : {near, far})
      ::setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~loopback() {
    ::close(near);
    ::close(far);
  }
  loopback(const loopback&) = delete;
  loopback& operator=(const loopback&) = delete;

  int near = -1;
  int far = -1;
};

/// Bytes per second of one stream over loopback, read away.
double loopback_rate() {
  loopback ends;
  constexpr std::size_t total = 1u << 30;
  auto start = bench_clock::now();
  std::thread sender{[&] {
    std::vector<char> block(1u << 20, 'x');
    for (std::size_t sent = 0; sent < total;) {
      auto count = ::send(ends.near, block.data(), block.size(), MSG_NOSIGNAL);
      if (count <= 0)
        break;
      sent += static_cast<std::size_t>(count);
    }
    ::shutdown(ends.near, SHUT_WR);
  }};
  std::vector<char> block(1u << 20);
  std::size_t got = 0;
  for (;;) {
    auto count = ::recv(ends.far, block.data(), block.size(), 0);
    if (count <= 0)
      break;
    got += static_cast<std::size_t>(count);
  }
  auto seconds = seconds_since(start);
  sender.join();
  return static_cast<double>(got) / seconds;
}

/// Reads a whole topic with one fetch on its way for each partition.
figures read_back(child_node& node, kafka_connection& broker,
  const std::string& topic, const work& of, const figures& written) {
  std::vector<std::int64_t> next(static_cast<std::size_t>(of.partitions), 0);
  kafka::fetch_request request;
  request.max_wait_ms = 1'000;
  request.min_bytes = 1;
  request.topics.push_back({.topic = topic});
  auto& asked = request.topics[0].partitions;
  for (std::int32_t p = 0; p < of.partitions; ++p)
    asked.push_back(
      {.partition = p, .partition_max_bytes = fetch_bytes / of.partitions});
  figures got;
  auto cpu = node.cpu_seconds();
  auto start = bench_clock::now();
  while (got.records < written.records) {
    auto answer = broker.ask<kafka::fetch_response>(request, fetch_version);
    for (auto& partition : answer.responses.at(0).partitions) {
      if (partition.error_code != kafka::error::none)
        throw std::runtime_error{"a fetch was refused"};
      auto records = partition.records->view();
      got.bytes += static_cast<double>(records.size());
      auto& from = asked[static_cast<std::size_t>(partition.partition_index)]
                     .fetch_offset;
      while (!records.empty()) {
        auto size = tried(first_batch_bytes(records));
        auto batch
          = tried(batch_view::parse_unchecked(records.substr(0, size)));
        from = static_cast<std::int64_t>(batch.next_offset().value);
        got.records += batch.record_count();
        records.remove_prefix(size);
      }
    }
  }
  got.seconds = seconds_since(start);
  got.cpu_seconds = node.cpu_seconds() - cpu;
  return got;
}

void bench_work(const fs::path& folder, const work& of) {
  auto records_each
    = std::max<std::size_t>(1, batch_bytes / (of.record_bytes + 10));
  auto batch = make_batch(records_each, of.record_bytes, {});
  std::vector<double> rates, speeds, costs, ratios, read_rates, read_speeds,
    read_costs, read_ratios;
  for (std::size_t run = 0; run < runs; ++run) {
    auto plain = plain_seconds(folder, batch, run_bytes / batch.size());
    work_folder data{folder};
    auto node = tried(child_node::start(data.path()));
    kafka_connection broker{node.kafka_port()};
    create_topic(broker, "bench", of.partitions);
    auto wrote = produce(node, broker, "bench", of, records_each);
    auto read = read_back(node, broker, "bench", of, wrote);
    rates.push_back(wrote.rate());
    speeds.push_back(wrote.megabytes());
    costs.push_back(wrote.cpu_per_million());
    ratios.push_back(plain / wrote.seconds);
    read_rates.push_back(read.rate());
    read_speeds.push_back(read.megabytes());
    read_costs.push_back(read.cpu_per_million());
    read_ratios.push_back(read.megabytes() * 1e6 / loopback_rate());
  }
  fmt::print("{} B, {} partition{}: batches of {} B\n", of.record_bytes,
    of.partitions, of.partitions == 1 ? "" : "s", batch.size());
  fmt::print("  written       {:>9.0f} records/s {:>6.0f} MB/s, the node's CPU "
             "{:.3f} s per million\n",
    median(rates), median(speeds), median(costs));
  fmt::print("  plain LMDB    ratio {:.2f} (goal 0.5; runs {:.2f})\n",
    median(ratios), fmt::join(ratios, " "));
  fmt::print("  read back     {:>9.0f} records/s {:>6.0f} MB/s, the node's CPU "
             "{:.3f} s per million\n",
    median(read_rates), median(read_speeds), median(read_costs));
  fmt::print("  loopback TCP  ratio {:.2f} (goal 0.7; runs {:.2f})\n",
    median(read_ratios), fmt::join(read_ratios, " "));
  std::fflush(stdout);
}

/// Round trips of 200 bytes over loopback, in seconds.
std::vector<double> echo_times(std::size_t count) {
  loopback ends;
  std::thread server{[&ends] {
    char block[200];
    while (::recv(ends.far, block, sizeof block, MSG_WAITALL) == sizeof block)
      if (::send(ends.far, block, sizeof block, MSG_NOSIGNAL) <= 0)
        break;
  }};
  std::vector<double> times;
  char block[200]{};
  for (std::size_t i = 0; i < count; ++i) {
    auto start = bench_clock::now();
    if (::send(ends.near, block, sizeof block, MSG_NOSIGNAL) <= 0
      || ::recv(ends.near, block, sizeof block, MSG_WAITALL) <= 0)
      break;
    times.push_back(seconds_since(start));
  }
  ::shutdown(ends.near, SHUT_RDWR);
  server.join();
  return times;
}

void bench_synchronous(const fs::path& folder) {
  constexpr std::size_t count = 1'000;
  work_folder data{folder};
  work_folder plain_folder{folder};
  auto node = tried(child_node::start(data.path()));
  kafka_connection broker{node.kafka_port()};
  create_topic(broker, "bench", 1);
  plain_lmdb lmdb{plain_folder.path(), 64u << 20};
  auto batch = make_batch(1, 200, {});
  auto frame = produce_frame("bench", 0, batch);
  std::vector<double> ours, plain;
  for (std::size_t i = 0; i < count; ++i) {
    auto start = bench_clock::now();
    broker.send(frame);
    check_produced(broker.receive());
    ours.push_back(seconds_since(start));
    start = bench_clock::now();
    lmdb.begin();
    lmdb.append(batch);
    lmdb.commit();
    plain.push_back(seconds_since(start));
  }
  auto echo = echo_times(count);
  auto goal = percentile_us(plain, 0.5) + 1.5 * percentile_us(echo, 0.5);
  fmt::print("one record of 200 B at a time, {} times\n", count);
  fmt::print("  Kafka port  p50 {:.0f} us, p99 {:.0f} us\n",
    percentile_us(ours, 0.5), percentile_us(ours, 0.99));
  fmt::print("  plain LMDB  p50 {:.0f} us; echo p50 {:.0f} us; ratio to LMDB + "
             "1.5 echo {:.2f} (goal 1)\n",
    percentile_us(plain, 0.5), percentile_us(echo, 0.5),
    percentile_us(ours, 0.5) / goal);
  std::fflush(stdout);
}

void bench_open_loop(const fs::path& folder) {
  constexpr auto interval = std::chrono::milliseconds{1};
  constexpr std::size_t ticks = 5'000;
  work_folder data{folder};
  auto node = tried(child_node::start(data.path()));
  kafka_connection broker{node.kafka_port()};
  create_topic(broker, "bench", 1);
  auto frame = produce_frame("bench", 0, make_batch(20, 200, {}));
  std::vector<double> times;
  auto start = bench_clock::now() + interval;
  std::thread receiver{[&] {
    for (std::size_t i = 0; i < ticks; ++i) {
      check_produced(broker.receive());
      times.push_back(seconds_since(start + interval * i));
    }
  }};
  for (std::size_t i = 0; i < ticks; ++i) {
    std::this_thread::sleep_until(start + interval * i);
    broker.send(frame);
  }
  receiver.join();
  fmt::print("20,000 records/s of 200 B in an open loop, 20 every ms\n");
  fmt::print("  acknowledged p50 {:.0f} us, p99 {:.0f} us, p99.9 {:.0f} us\n",
    percentile_us(times, 0.5), percentile_us(times, 0.99),
    percentile_us(times, 0.999));
  std::fflush(stdout);
}

void bench_restart(const fs::path& folder) {
  work_folder data{folder};
  auto idle = tried(child_node::start(data.path()));
  std::this_thread::sleep_for(std::chrono::milliseconds{500});
  auto [own, mapped] = idle.memory_bytes();
  fmt::print("idle node: {:.1f} MB of its own, {:.1f} MB of mapped files\n",
    static_cast<double>(own) / 1e6, static_cast<double>(mapped) / 1e6);
  work of{200, 8};
  kafka_connection broker{idle.kafka_port()};
  double records = 0;
  for (int part = 0; part < 5; ++part) {
    auto topic = fmt::format("bench-{}", part);
    create_topic(broker, topic, of.partitions);
    records += produce(idle, broker, topic, of, 4'761).records;
  }
  idle.kill();
  std::vector<double> times;
  for (std::size_t run = 0; run < runs; ++run) {
    auto start = bench_clock::now();
    auto again = tried(child_node::start(data.path()));
    times.push_back(seconds_since(start));
    if (run + 1 == runs) {
      auto [now, files] = again.memory_bytes();
      fmt::print("  after the start {:.1f} MB of its own\n",
        static_cast<double>(now) / 1e6);
    }
    again.kill();
  }
  fmt::print("ready after kill -9 with {:.1f} million records: {:.3f} s (goal "
             "0.05; runs {:.3f})\n",
    records / 1e6, median(times), fmt::join(times, " "));
}

} // namespace

int bench_kafka(const fs::path& folder) {
  try {
    bench_synchronous(folder);
    bench_open_loop(folder);
    for (auto& of :
      std::array{work{200, 1}, work{200, 8}, work{1'000, 1}, work{1'000, 8}})
      bench_work(folder, of);
    bench_restart(folder);
    return exit_ok;
  } catch (const std::exception& error) {
    fmt::print(stderr, "herald bench kafka: {}\n", error.what());
    return exit_io;
  }
}

} // namespace herald
