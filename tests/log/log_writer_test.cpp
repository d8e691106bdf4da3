#include "engine/log/log_writer.hpp"

#include "tests/log/fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <sys/resource.h>
#include <thread>

namespace herald {

namespace {

using strings = std::vector<std::string>;

struct writer_fixture : log_fixture {
  writer_settings limits{.own_thread = false};
  std::unique_ptr<log_writer> writer;
  /// One word per answer, in the order of the answers.
  strings answers;

  writer_fixture() { start(); }
  ~writer_fixture() { writer.reset(); }

  void start() {
    writer.reset();
    writer = std::make_unique<log_writer>(*log, limits);
  }

  void send(const std::string& value, std::uint32_t partition = 0) {
    send_batch(batch_of({value}), {match.topic, partition});
  }

  void send_batch(bytes batch, partition_id where) {
    writer->append(where, std::move(batch), [this](const append_outcome& how) {
      answers.push_back(how ? std::to_string(how->where.partition) + "@"
            + std::to_string(how->first.value)
                            : std::string{to_string(how.error().code)});
    });
  }
};

} // namespace

TEST_CASE_METHOD(writer_fixture, "nothing is answered before its commit") {
  send("a");
  send("b", 1);
  CHECK(answers.empty());
  CHECK(log->committed_end(match).value == 0);
  CHECK(writer->turn() == 2);
  CHECK(answers == strings{"0@0", "1@0"});
  CHECK(log->committed_end(match).value == 1);
  CHECK(writer->turn() == 0);
}

TEST_CASE_METHOD(writer_fixture, "what is answered survives a restart") {
  send("a");
  writer->turn();
  send("never committed");
  writer.reset(new log_writer{*log, limits}); // stop() commits what waits
  CHECK(answers.size() == 2);
  writer.reset();
  reopen();
  CHECK(values() == strings{"a", "never committed"});
}

TEST_CASE_METHOD(writer_fixture, "everything that waits shares one commit") {
  for (auto i = 0; i < 100; ++i)
    send(std::to_string(i), static_cast<std::uint32_t>(i % 3));
  CHECK(writer->turn() == 100);
  CHECK(writer->counts().commits == 1);
  CHECK(writer->counts().batches == 100);
  CHECK(writer->counts().records == 100);
  CHECK(answers.size() == 100);
  CHECK(answers.back() == "0@33");
  CHECK(values()[33] == "99");
}

TEST_CASE_METHOD(writer_fixture, "batches stand in the order of append()") {
  for (auto& value : {"a", "b", "c", "d"})
    send(value);
  writer->turn();
  CHECK(values() == strings{"a", "b", "c", "d"});
  CHECK(answers == strings{"0@0", "0@1", "0@2", "0@3"});
}

TEST_CASE_METHOD(writer_fixture, "a commit takes no more than its bound") {
  limits.commit_bytes_max = 2'500;
  start();
  for (auto i = 0; i < 5; ++i)
    send(std::string(1'000, 'x'));
  CHECK(writer->turn() == 2);
  CHECK(writer->turn() == 2);
  CHECK(writer->turn() == 1);
  send(std::string(9'000, 'y'));
  CHECK(writer->turn() == 1);
}

TEST_CASE_METHOD(writer_fixture, "a full writer answers busy and recovers") {
  limits.waiting_batches_max = 2;
  start();
  send("a");
  send("b");
  send("c");
  CHECK(answers == strings{"busy"});
  CHECK(writer->counts().refused == 1);
  CHECK(writer->counts().waiting_batches == 2);
  writer->turn();
  CHECK(writer->counts().waiting_bytes == 0);
  send("d");
  writer->turn();
  CHECK(values() == strings{"a", "b", "d"});
}

TEST_CASE_METHOD(writer_fixture, "waiting bytes are bounded too") {
  limits.waiting_bytes_max = 3'000;
  start();
  send(std::string(5'000, 'x')); // alone it may pass
  send("small");
  CHECK(answers == strings{"busy"});
  writer->turn();
  send(std::string(1'000, 'x'));
  send(std::string(1'000, 'x'));
  send(std::string(1'000, 'x'));
  CHECK(answers == strings{"busy", "0@0", "busy"});
}

TEST_CASE_METHOD(writer_fixture, "a bad batch is refused on the spot, alone") {
  send("good");
  send_batch("nonsense", match);
  auto flipped = batch_of({"flipped"});
  flipped.back() ^= 1;
  send_batch(flipped, match);
  auto miscounted = batch_of({"a", "b"});
  miscounted[60] = 1; // one record for two offsets; the CRC is renewed
  set_log_append_time(miscounted, 1'000);
  send_batch(miscounted, match);
  send_batch(batch_of({"a"}) + "behind", match);
  send_batch(batch_of({"a"}), {match.topic, 3});
  send_batch(batch_of({"a"}), {77, 0});
  CHECK(answers
    == strings{"invalid_input", "invalid_input", "invalid_input",
      "invalid_input", "not_found", "not_found"});
  answers.clear();
  writer->turn();
  CHECK(answers == strings{"0@0"});
  CHECK(values() == strings{"good"});
}

TEST_CASE_METHOD(writer_fixture, "a batch beyond the bound is too large") {
  limits.batch_bytes_max = 1'000;
  start();
  send(std::string(1'000, 'x'));
  CHECK(answers == strings{"too_large"});
}

TEST_CASE_METHOD(writer_fixture, "an answer may append again") {
  limits.waiting_batches_max = 1;
  start();
  writer->append(match, batch_of({"first"}), [this](const append_outcome& how) {
    REQUIRE(how);
    CHECK(writer->counts().batches == 1);
    send("second");
  });
  CHECK(writer->turn() == 1);
  CHECK(answers.empty());
  CHECK(writer->turn() == 1);
  CHECK(answers == strings{"0@1"});
}

TEST_CASE_METHOD(writer_fixture, "a stopped writer takes nothing more") {
  send("waits");
  writer->stop();
  CHECK(answers == strings{"0@0"});
  send("late");
  CHECK(answers == strings{"0@0", "unavailable"});
  writer->stop();
}

TEST_CASE_METHOD(
  writer_fixture, "followers hear before commands are answered") {
  strings order;
  writer->on_commit([&](std::span<const partition_commit> news) {
    REQUIRE(news.size() == 1);
    CHECK(news[0].committed_end.value == 2);
    CHECK(values().size() == 2);
    order.push_back("news");
  });
  for (auto i = 0; i < 2; ++i)
    writer->append(match, batch_of({"x"}),
      [&](const append_outcome&) { order.push_back("answer"); });
  writer->turn();
  CHECK(order == strings{"news", "answer", "answer"});
}

TEST_CASE_METHOD(writer_fixture, "a failed commit stops the log for good") {
  send("before");
  writer->turn();
  // A limit on the size of files makes LMDB's write of the data fail.
  struct rlimit old{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  auto low = old;
  low.rlim_cur = 16'384;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &low) == 0);
  send("lost", 0);
  send("lost", 1);
  writer->turn();
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK(answers == strings{"0@0", "io", "io"});
  REQUIRE(writer->trouble());
  CHECK(writer->trouble()->code == fault::io);
  send("after"); // the disk would take it again, nobody may
  writer->turn();
  CHECK(answers.back() == "io");
  CHECK(log->create_topic("other", 1).error().code == fault::io);
  CHECK(log->failed());
  CHECK(values() == strings{"before"});
  writer.reset();
  reopen();
  CHECK(values() == strings{"before"});
  CHECK(append({"again"}).value == 1);
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(log_fixture, "threads that wait for their appends lose none") {
  constexpr auto threads = 4;
  constexpr auto each = 50;
  {
    log_writer writer{*log};
    std::vector<std::thread> workers;
    for (auto t = 0; t < threads; ++t)
      workers.emplace_back([&writer, this, t] {
        for (auto i = 0; i < each; ++i) {
          auto how = writer.append_and_wait(
            match, batch_of({std::to_string(t) + "/" + std::to_string(i)}));
          assert(how);
        }
      });
    for (auto& worker : workers)
      worker.join();
    CHECK(writer.counts().batches == threads * each);
    CHECK(writer.counts().commits <= threads * each);
  }
  auto all = values();
  CHECK(all.size() == threads * each);
  for (auto t = 0; t < threads; ++t) {
    auto next = 0;
    for (auto& value : all)
      if (value.starts_with(std::to_string(t) + "/"))
        CHECK(value == std::to_string(t) + "/" + std::to_string(next++));
    CHECK(next == each);
  }
}

TEST_CASE_METHOD(log_fixture, "who settles commits on its own thread") {
  log_writer writer{*log, {.settle_time_max = std::chrono::hours{1}}};
  auto data = std::make_shared<bytes>(batch_of({"a"}));
  std::thread::id where;
  auto hand_over = [&](std::promise<void>& ended) {
    writer.append_checked(
      match, *data, data, 1,
      [&](const append_outcome& how) {
        assert(how);
        where = std::this_thread::get_id();
        ended.set_value();
      },
      handed_over::when_settled);
  };
  writer.settle();
  std::promise<void> first;
  hand_over(first);
  CHECK(writer.counts().waiting_batches == 1);
  writer.settle();
  first.get_future().get();
  CHECK(where == std::this_thread::get_id());
  CHECK(values() == strings{"a"});
  std::promise<void> second;
  hand_over(second);
  writer.stop();
  second.get_future().get();
  CHECK(where != std::this_thread::get_id());
  CHECK(values() == strings{"a", "a"});
}

TEST_CASE_METHOD(log_fixture, "on a slow disk the writer's thread settles") {
  log_writer writer{*log, {.settle_time_max = std::chrono::microseconds{-1}}};
  auto data = std::make_shared<bytes>(batch_of({"a"}));
  std::promise<std::thread::id> ended;
  writer.append_checked(
    match, *data, data, 1,
    [&](const append_outcome& how) {
      assert(how);
      ended.set_value(std::this_thread::get_id());
    },
    handed_over::when_settled);
  writer.settle();
  CHECK(ended.get_future().get() != std::this_thread::get_id());
}

TEST_CASE_METHOD(log_fixture, "threads that settle lose none") {
  constexpr auto threads = 4;
  constexpr auto each = 200;
  std::atomic<int> answered{0};
  {
    log_writer writer{*log};
    std::vector<std::thread> workers;
    for (auto t = 0; t < threads; ++t)
      workers.emplace_back([&writer, &answered, this, t] {
        for (auto i = 0; i < each; ++i) {
          auto data = std::make_shared<bytes>(
            batch_of({std::to_string(t) + "/" + std::to_string(i)}));
          auto count = [&answered](const append_outcome& how) {
            assert(how);
            ++answered;
          };
          writer.append_checked(match, *data, data, 1, count,
            t % 2 ? handed_over::now : handed_over::when_settled);
          if (t % 2 == 0)
            writer.settle();
        }
      });
    for (auto& worker : workers)
      worker.join();
  }
  CHECK(answered == threads * each);
  auto all = values();
  CHECK(all.size() == threads * each);
  for (auto t = 0; t < threads; ++t) {
    auto next = 0;
    for (auto& value : all)
      if (value.starts_with(std::to_string(t) + "/"))
        CHECK(value == std::to_string(t) + "/" + std::to_string(next++));
    CHECK(next == each);
  }
}

} // namespace herald
