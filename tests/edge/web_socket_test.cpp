#include "engine/edge/web_socket.hpp"

#include "tests/edge/edge_fixture.hpp"

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

using namespace herald;
using namespace std::chrono_literals;

namespace {

constexpr int text = 1;
constexpr int binary = 2;
constexpr int ping = 9;
constexpr int pong = 10;

/// An endpoint that writes down what happens and lets a test wait for it.
struct feed_fixture : edge_fixture {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> transcript;
  web_socket_session_ptr session;
  bool echoes = true;
  std::size_t sessions_max = 100;

  ~feed_fixture() { server.reset(); }

  void note(std::string what) {
    std::lock_guard lock(mutex);
    transcript.push_back(std::move(what));
    changed.notify_all();
  }

  /// What happened so far does not count any more.
  void forget() {
    std::lock_guard lock(mutex);
    transcript.clear();
  }

  bool happened(const std::string& what) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, 20s, [&] {
      return std::find(transcript.begin(), transcript.end(), what)
        != transcript.end();
    });
  }

  void run() {
    web_socket_endpoint feed;
    feed.subprotocols
      = {{"herald.v1.json", true}, {"herald.v1.msgpack", false}};
    feed.sessions_max = sessions_max;
    feed.on_open = [this](const web_socket_session_ptr& opened) {
      {
        std::lock_guard lock(mutex);
        session = opened;
      }
      note("open " + std::string(opened->subprotocol()));
    };
    feed.on_message
      = [this](const web_socket_session_ptr& from, bytes message) {
          if (echoes)
            from->send(std::make_shared<std::string>(message),
              from->subprotocol() == "herald.v1.json");
          note("message " + message.substr(0, 20));
        };
    feed.on_close = [this](const web_socket_session_ptr&, close_code code) {
      note("close " + std::to_string(static_cast<int>(code)));
    };
    feed.on_room = [this](const web_socket_session_ptr&) { note("room"); };
    make().web_socket("/v1/feed", std::move(feed));
    start();
  }

  void open(
    raw_client& client, std::string_view subprotocol = "herald.v1.json") {
    auto got = client.upgrade("/v1/feed", subprotocol);
    REQUIRE(got.status == 101);
    CHECK(got.headers["sec-websocket-protocol"] == subprotocol);
    CHECK(
      got.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    CHECK_FALSE(got.headers.contains("sec-websocket-extensions"));
    REQUIRE(happened("open " + std::string(subprotocol)));
  }
};

} // namespace

TEST_CASE_METHOD(
  feed_fixture, "messages go both ways until the client closes") {
  run();
  raw_client client{port()};
  open(client);
  CHECK(server->sessions() == 1);
  client.send_frame(text, "{}");
  auto got = client.receive_frame();
  REQUIRE(got);
  CHECK(got->opcode == text);
  CHECK(got->payload == "{}");
  // In two fragments.
  client.send_frame(text, "[1,", false);
  client.send_frame(0, "2]");
  CHECK(client.receive_frame()->payload == "[1,2]");
  client.send_frame(ping, "are you there");
  got = client.receive_frame();
  CHECK(got->opcode == pong);
  CHECK(got->payload == "are you there");
  client.send_frame(8, std::string("\x03\xe8", 2));
  CHECK(client.closed_with() == 1000);
  CHECK(happened("close 1000"));
  CHECK(client.closed());
}

TEST_CASE_METHOD(feed_fixture, "the server's favourite subprotocol is chosen") {
  run();
  raw_client both{port()};
  auto got = both.upgrade("/v1/feed", "x, herald.v1.msgpack, herald.v1.json");
  CHECK(got.headers["sec-websocket-protocol"] == "herald.v1.json");
  raw_client packed{port()};
  open(packed, "herald.v1.msgpack");
  packed.send_frame(binary, "\x81");
  CHECK(packed.receive_frame()->opcode == binary);
}

TEST_CASE_METHOD(feed_fixture, "a client that speaks none of them is refused") {
  run();
  for (auto offered : {"", "herald.v2.json", "herald.v1"}) {
    raw_client client{port()};
    auto got = client.upgrade("/v1/feed", offered);
    CHECK(got.status == 400);
    CHECK(got.body.find("urn:herald:problem:unsupported-subprotocol")
      != std::string::npos);
    CHECK(
      got.body.find("herald.v1.json, herald.v1.msgpack") != std::string::npos);
  }
}

TEST_CASE_METHOD(feed_fixture, "a plain request is told to upgrade") {
  run();
  raw_client client{port()};
  auto got = client.get("/v1/feed");
  CHECK(got.status == 426);
  CHECK(got.headers["upgrade"] == "websocket");
  raw_client poster{port()};
  CHECK(poster.request("POST", "/v1/feed").status == 405);
}

TEST_CASE_METHOD(feed_fixture, "an upgrade that is damaged is refused") {
  run();
  raw_client old{port()};
  old.send("GET /v1/feed HTTP/1.1\r\nHost: " + old.host()
    + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 8\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Protocol: herald.v1.json\r\n\r\n");
  CHECK(old.receive().status / 100 == 4);
  raw_client keyless{port()};
  keyless.send("GET /v1/feed HTTP/1.1\r\nHost: " + keyless.host()
    + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Protocol: herald.v1.json\r\n\r\n");
  CHECK(keyless.receive().status / 100 == 4);
  CHECK(server->sessions() == 0);
}

TEST_CASE_METHOD(feed_fixture, "pages of other origins get no socket") {
  options.origins = {"https://herald.example"};
  run();
  auto own = "http://127.0.0.1:" + std::to_string(port());
  auto status = [this](const std::string& origin) {
    raw_client client{port()};
    return client
      .upgrade("/v1/feed", "herald.v1.json", "Origin: " + origin + "\r\n")
      .status;
  };
  CHECK(status(own) == 101);
  CHECK(status("https://herald.example") == 101);
  for (auto& origin : {std::string("null"), std::string("http://evil.example"),
         own + "0", std::string("https://herald.example.evil.example"),
         std::string("https://HERALD.example"),
         std::string("https://herald.example:8480")})
    CHECK(status(origin) == 403);
}

TEST_CASE_METHOD(
  feed_fixture, "a frame of the wrong type is closed with 1003") {
  run();
  raw_client client{port()};
  open(client);
  client.send_frame(binary, "{}");
  CHECK(client.closed_with() == 1003);
  CHECK(happened("close 1003"));
}

TEST_CASE_METHOD(feed_fixture, "text that is not UTF-8 is closed with 1007") {
  run();
  raw_client client{port()};
  open(client);
  client.send_frame(text, "\xff\xfe");
  CHECK(client.closed_with() == 1007);
  CHECK(happened("close 1007"));
}

TEST_CASE_METHOD(feed_fixture, "64 KiB are read, and one byte more is not") {
  run();
  raw_client client{port()};
  open(client);
  client.send_frame(text, std::string(64 * 1024, 'x'));
  CHECK(client.receive_frame()->payload.size() == 64 * 1024);
  client.send_frame(text, std::string(64 * 1024 + 1, 'x'));
  CHECK(client.closed_with() == 1009);
  CHECK(happened("close 1009"));
}

TEST_CASE_METHOD(feed_fixture, "fragments together have the same bound") {
  run();
  raw_client client{port()};
  open(client);
  client.send_frame(text, std::string(60'000, 'x'), false);
  client.try_send(raw_client::frame(0, std::string(60'000, 'x')));
  CHECK(client.closed_with() == 1009);
}

TEST_CASE_METHOD(
  feed_fixture, "frames that break RFC 6455 are closed with 1002") {
  run();
  auto frame = GENERATE(as<std::string>{},
    // Without a mask; reserved bits; a reserved opcode; a long ping; a
    // continuation of nothing.
    std::string("\x81\x02{}", 4), std::string("\xf1\x80\0\0\0\0", 6),
    std::string("\x83\x80\0\0\0\0", 6),
    std::string("\x89\xfe\0\x7e\0\0\0\0", 8) + std::string(126, 'x'),
    std::string("\x80\x80\0\0\0\0", 6));
  raw_client client{port()};
  open(client);
  client.send(frame);
  CHECK(client.closed_with() == 1002);
  CHECK(happened("close 1002"));
}

TEST_CASE_METHOD(feed_fixture, "a connection that breaks is noticed") {
  run();
  {
    raw_client client{port()};
    open(client);
  }
  CHECK(happened("close 1006"));
  CHECK(session->send(std::make_shared<std::string>("x"), true)
    == send_outcome::closed);
}

TEST_CASE_METHOD(feed_fixture, "a silent client is asked, then cut off") {
  options.socket_idle_time = 200ms;
  run();
  raw_client client{port()};
  open(client);
  // It sees the question and does not answer it.
  CHECK(client.receive_frame()->opcode == ping);
  CHECK(client.closed());
  CHECK(happened("close 1006"));
}

TEST_CASE_METHOD(
  feed_fixture, "one frame is shared by many sockets, in order") {
  run();
  std::vector<std::unique_ptr<raw_client>> clients;
  std::vector<web_socket_session_ptr> sessions;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<raw_client>(port()));
    forget();
    open(*clients.back());
    sessions.push_back(session);
  }
  CHECK(server->sessions() == 20);
  for (int i = 0; i < 100; ++i) {
    auto frame = std::make_shared<const std::string>(std::to_string(i));
    for (auto& one : sessions)
      REQUIRE(one->send(frame, true) == send_outcome::queued);
  }
  for (auto& client : clients)
    for (int i = 0; i < 100; ++i)
      REQUIRE(client->receive_frame()->payload == std::to_string(i));
}

TEST_CASE_METHOD(feed_fixture, "a slow client is closed and nobody waits") {
  options.outbox_bytes = 256 * 1024;
  options.socket_handshake_time = 50ms;
  run();
  raw_client slow{port(), 4096};
  open(slow);
  auto frame = std::make_shared<const std::string>(64 * 1024, 'x');
  auto outcome = send_outcome::queued;
  std::size_t sent = 0;
  while (outcome == send_outcome::queued && sent < (256u << 20)) {
    outcome = session->send(frame, true);
    sent += frame->size();
  }
  CHECK(outcome == send_outcome::full);
  CHECK(session->send(frame, true) == send_outcome::closed);
  CHECK(happened("close 4408"));
  CHECK(counted("herald_edge_web_socket_closed_total{code=\"4408\"} 1"));
}

TEST_CASE_METHOD(feed_fixture, "a slow client that wakes up reads why") {
  options.outbox_bytes = 256 * 1024;
  run();
  raw_client slow{port(), 4096};
  open(slow);
  auto frame = std::make_shared<const std::string>(64 * 1024, 'x');
  while (session->send(frame, true) == send_outcome::queued) {
  }
  CHECK(slow.closed_with() == 4408);
}

TEST_CASE_METHOD(feed_fixture, "the number of waiting frames has a bound too") {
  options.socket_outbox_frames = 10;
  options.socket_handshake_time = 50ms;
  run();
  raw_client slow{port(), 4096};
  open(slow);
  auto large = std::make_shared<const std::string>(900 * 1024, 'x');
  auto small = std::make_shared<const std::string>("x");
  // Once the socket's buffers are full, the small ones wait behind it.
  std::size_t queued = 0;
  while (session->outbox_bytes() < 100 * 1024 && queued < 200)
    queued += session->send(large, true) == send_outcome::queued;
  std::size_t taken = 0;
  while (session->send(small, true) == send_outcome::queued)
    ++taken;
  CHECK(taken <= 1'000'000);
  CHECK(happened("close 4408"));
}

TEST_CASE_METHOD(feed_fixture, "the owner hears when there is room again") {
  options.outbox_bytes = 1024 * 1024;
  run();
  raw_client client{port(), 4096};
  open(client);
  auto frame = std::make_shared<const std::string>(16 * 1024, 'x');
  std::size_t frames = 0;
  while (session->outbox_bytes() < 800 * 1024) {
    REQUIRE(session->send(frame, true) == send_outcome::queued);
    ++frames;
  }
  for (std::size_t i = 0; i < frames; ++i)
    REQUIRE(client.receive_frame()->payload.size() == frame->size());
  CHECK(happened("room"));
  CHECK(session->outbox_bytes() < 512 * 1024);
}

TEST_CASE_METHOD(
  feed_fixture, "a frame above the outbox is sent if it is alone") {
  options.outbox_bytes = 1000;
  run();
  raw_client client{port()};
  open(client);
  CHECK(session->send(std::make_shared<std::string>(5000, 'x'), true)
    == send_outcome::queued);
  CHECK(client.receive_frame()->payload.size() == 5000);
}

TEST_CASE_METHOD(feed_fixture, "the owner's close comes after what it sent") {
  run();
  raw_client client{port()};
  open(client);
  session->send(std::make_shared<std::string>("last words"), true);
  session->close(close_code::unauthorized, "the token has expired");
  CHECK(session->send(std::make_shared<std::string>("more"), true)
    == send_outcome::closed);
  session->close(close_code::normal, "too late");
  CHECK(client.receive_frame()->payload == "last words");
  auto got = client.receive_frame();
  CHECK(got->close_code() == 4401);
  CHECK(got->payload.substr(2) == "the token has expired");
  client.send_frame(8, got->payload);
  CHECK(happened("close 4401"));
}

TEST_CASE_METHOD(feed_fixture, "a client that ignores the close is cut off") {
  options.socket_handshake_time = 50ms;
  run();
  raw_client client{port()};
  open(client);
  session->close(close_code::normal, "");
  CHECK(client.receive_frame()->close_code() == 1000);
  CHECK(client.closed());
  CHECK(happened("close 1000"));
}

TEST_CASE_METHOD(feed_fixture, "too many messages are closed with 1008") {
  run();
  auto opcode = GENERATE(text, ping);
  raw_client client{port()};
  open(client);
  echoes = false;
  auto frame = raw_client::frame(opcode, "x");
  for (int i = 0; i < 100'000 && client.try_send(frame); ++i) {
  }
  CHECK(client.closed_with() == 1008);
  CHECK(happened("close 1008"));
}

TEST_CASE_METHOD(feed_fixture, "an owner that fails ends one session alone") {
  web_socket_endpoint failing;
  failing.subprotocols = {{"x", true}};
  failing.on_message = [](const web_socket_session_ptr&, bytes message) {
    if (message == "fail")
      throw std::runtime_error("secret");
  };
  make().web_socket("/failing", std::move(failing));
  start();
  raw_client other{port()};
  raw_client client{port()};
  REQUIRE(other.upgrade("/failing", "x").status == 101);
  REQUIRE(client.upgrade("/failing", "x").status == 101);
  client.send_frame(text, "fail");
  CHECK(client.closed_with() == 1011);
  other.send_frame(ping, "still here");
  CHECK(other.receive_frame()->opcode == pong);
}

TEST_CASE_METHOD(feed_fixture, "sessions above the bound get a 503") {
  sessions_max = 1;
  run();
  raw_client first{port()};
  open(first);
  raw_client second{port()};
  auto got = second.upgrade("/v1/feed", "herald.v1.json");
  CHECK(got.status == 503);
  CHECK(got.headers["retry-after"] == "1");
}

TEST_CASE_METHOD(feed_fixture, "a stop says goodbye with its code") {
  run();
  raw_client client{port()};
  open(client);
  auto stopping = std::async(
    std::launch::async, [this] { server->stop(20s, close_code::going_away); });
  auto got = client.receive_frame();
  CHECK(got->close_code() == 1001);
  client.send_frame(8, got->payload);
  CHECK(client.closed());
  stopping.get();
  CHECK(happened("close 1001"));
  CHECK(server->sessions() == 0);
}

TEST_CASE_METHOD(feed_fixture, "a session may outlive its server") {
  run();
  auto client = std::make_unique<raw_client>(port());
  open(*client);
  auto kept = session;
  server.reset();
  CHECK(kept->send(std::make_shared<std::string>("x"), true)
    == send_outcome::closed);
  kept->close(close_code::normal, "");
  kept.reset();
  session.reset();
}

TEST_CASE_METHOD(feed_fixture, "threads may send and close at the same time") {
  run();
  for (int round = 0; round < 20; ++round) {
    auto client = std::make_unique<raw_client>(port());
    forget();
    open(*client);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([one = session] {
        auto frame = std::make_shared<const std::string>(1000, 'x');
        while (one->send(frame, true) == send_outcome::queued) {
        }
      });
    threads.emplace_back(
      [one = session] { one->close(close_code::normal, "enough"); });
    for (auto& thread : threads)
      thread.join();
    client.reset();
  }
  server->stop(0ms);
  CHECK(server->sessions() == 0);
}
