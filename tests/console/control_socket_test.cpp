#include "engine/console/control_socket.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>
#include <vector>

using namespace herald;
using namespace std::chrono_literals;

namespace {

/// A server whose commands are what the tests need.
struct socket_fixture {
  std::filesystem::path folder;
  std::unique_ptr<control_server> server;
  std::promise<bool> ended;

  socket_fixture() {
    char name[] = "/tmp/herald-console-XXXXXX";
    folder = ::mkdtemp(name);
    server = *control_server::start(
      folder / "s", [this](std::string_view line, control_stream& more) {
        return answer(line, more);
      });
  }
  ~socket_fixture() {
    server.reset();
    std::filesystem::remove_all(folder);
  }

  std::string answer(std::string_view line, control_stream& more) {
    if (line == "three") {
      for (auto* each : {"1", "2", "3"})
        more.send(each);
      return "three sent";
    }
    if (line == "much") {
      for (int i = 0; i < 20'000; ++i)
        more.send(std::to_string(i));
      return "much sent";
    }
    if (line == "until stopped") {
      more.send("waiting");
      // Long enough that only a stop, or the peer's end, ends it.
      auto stopped = more.wait(1h);
      ended.set_value(stopped);
      return stopped && more.wait(0ms) ? "stopped" : "not stopped";
    }
    return "plain " + std::string{line};
  }

  control_client connect() { return *control_client::connect(folder / "s"); }
};

using lines = std::vector<std::string>;

} // namespace

TEST_CASE_METHOD(
  socket_fixture, "lines come before the answer, in order and all of them") {
  auto client = connect();
  lines seen;
  auto take = [&](std::string_view line) { seen.emplace_back(line); };
  CHECK(client.ask("three", take) == "three sent");
  CHECK(seen == lines{"1", "2", "3"});
  seen.clear();
  CHECK(client.ask("much", take) == "much sent");
  REQUIRE(seen.size() == 20'000);
  for (int i = 0; i < 20'000; ++i)
    if (seen[i] != std::to_string(i))
      FAIL(seen[i]);
  // A command without lines is answered as ever, also when nobody looks.
  CHECK(client.ask("x") == "plain x");
  CHECK(client.ask("three") == "three sent");
  CHECK(client.ask("y") == "plain y");
}

TEST_CASE_METHOD(socket_fixture, "a command that runs can be stopped") {
  auto client = connect();
  auto answer = client.ask("until stopped", [&](std::string_view line) {
    CHECK(line == "waiting");
    client.stop();
  });
  CHECK(answer == "stopped");
  CHECK(client.ask("next") == "plain next");
}

TEST_CASE_METHOD(socket_fixture, "a stop that comes too late is no command") {
  auto client = connect();
  client.stop();
  CHECK(client.ask("three") == "three sent");
  client.stop();
  client.stop();
  CHECK(client.ask("next") == "plain next");
}

TEST_CASE_METHOD(socket_fixture, "a command ends when its client goes") {
  struct gone {};
  {
    auto client = connect();
    CHECK_THROWS_AS(
      client.ask("until stopped", [](std::string_view) { throw gone{}; }),
      gone);
  }
  CHECK(ended.get_future().get());
}

TEST_CASE_METHOD(socket_fixture, "a command ends when the server goes") {
  auto client = connect();
  std::promise<void> waiting;
  std::thread asking{[&] {
    CHECK(!client.ask(
      "until stopped", [&](std::string_view) { waiting.set_value(); }));
  }};
  waiting.get_future().wait();
  server.reset();
  CHECK(ended.get_future().get());
  asking.join();
}
