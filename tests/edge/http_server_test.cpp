#include "engine/edge/http_server.hpp"

#include "engine/base/clock.hpp"
#include "engine/base/settings.hpp"
#include "tests/edge/edge_fixture.hpp"

#include <cstdlib>
#include <future>
#include <thread>

using namespace herald;
using namespace std::chrono_literals;

namespace {

/// Answers with what it was asked.
void echo(server_request request, responder reply_to) {
  std::string text = request.method + " " + request.path + "\n";
  for (auto& [name, value] : request.params)
    text += "param " + name + "=" + value + "\n";
  for (auto& [name, value] : request.query)
    text += "query " + name + "=" + value + "\n";
  if (auto value = request.header("x-test"))
    text += "x-test " + std::string(*value) + "\n";
  text += "body " + request.body + "\n";
  server_response answer;
  answer.content_type = "text/plain";
  answer.body = std::move(text);
  reply_to.respond(std::move(answer));
}

/// A server with `echo` at some paths.
struct echo_fixture : edge_fixture {
  echo_fixture() { options.address = "127.0.0.1"; }

  void run() {
    auto& server = make();
    server.route("GET", "/v1/matches/{id}", echo);
    server.route("POST", "/v1/documents", echo, {.body_bytes_max = 1000});
    server.route("DELETE", "/v1/matches/{id}", echo);
    start();
  }
};

/// The code within a problem's type, after checking the rest of it.
std::string code_of(const raw_response& answer) {
  CHECK(answer.headers.at("content-type") == "application/problem+json");
  std::string_view body = answer.body;
  std::string_view start = "{\"type\":\"urn:herald:problem:";
  REQUIRE(body.starts_with(start));
  body.remove_prefix(start.size());
  CHECK(answer.body.find("\"status\":" + std::to_string(answer.status))
    != std::string::npos);
  return std::string(body.substr(0, body.find('"')));
}

std::string head(const raw_client& client, std::string_view rest) {
  return "GET /livez HTTP/1.1\r\nHost: " + client.host() + "\r\n"
    + std::string(rest);
}

/// A responder that a test answers when it likes.
struct held_answer {
  std::promise<responder> promise;
  std::future<responder> future = promise.get_future();
  request_handler handler() {
    return [this](server_request, responder reply_to) {
      promise.set_value(std::move(reply_to));
    };
  }
  responder take() {
    REQUIRE(future.wait_for(20s) == std::future_status::ready);
    return future.get();
  }
};

} // namespace

TEST_CASE_METHOD(echo_fixture, "a route gets params, query, headers and body") {
  run();
  raw_client client{port()};
  auto got
    = client.get("/v1/matches/EUW1_1?limit=5&name=a%20b", "X-Test: t\r\n");
  CHECK(got.status == 200);
  CHECK(got.headers["content-type"] == "text/plain");
  CHECK(got.headers["x-content-type-options"] == "nosniff");
  CHECK(got.headers["cache-control"] == "no-store");
  CHECK(got.body
    == "GET /v1/matches/EUW1_1\nparam id=EUW1_1\nquery limit=5\n"
       "query name=a b\nx-test t\nbody \n");
  got = client.request("POST", "/v1/documents", "", "{}");
  CHECK(got.body == "POST /v1/documents\nbody {}\n");
}

TEST_CASE_METHOD(echo_fixture, "the time in Date comes through the seam") {
  manual_time_source time{784'111'777'000};
  options.time = &time;
  run();
  raw_client client{port()};
  CHECK(
    client.get("/livez").headers["date"] == "Sun, 06 Nov 1994 08:49:37 GMT");
  server.reset();
}

TEST_CASE_METHOD(echo_fixture, "HEAD answers as GET does, without the body") {
  run();
  raw_client client{port()};
  auto body = client.get("/v1/matches/1");
  auto got = client.request("HEAD", "/v1/matches/1");
  CHECK(got.status == 200);
  CHECK(got.headers["content-length"] == std::to_string(body.body.size()));
  CHECK(client.get("/livez").status == 200);
}

TEST_CASE_METHOD(echo_fixture, "an unknown path and an unknown method differ") {
  run();
  raw_client client{port()};
  auto missing = client.get("/v2");
  CHECK(missing.status == 404);
  CHECK(code_of(missing) == "not-found");
  auto wrong = client.request("PUT", "/v1/matches/1");
  CHECK(wrong.status == 405);
  CHECK(code_of(wrong) == "method-not-allowed");
  CHECK(wrong.headers["allow"] == "DELETE, GET, HEAD");
  // The connection is still good.
  CHECK(client.get("/livez").status == 200);
}

TEST_CASE_METHOD(echo_fixture, "pipelined requests are answered in order") {
  run();
  raw_client client{port()};
  auto one = [&](const std::string& id) {
    return "GET /v1/matches/" + id + " HTTP/1.1\r\nHost: " + client.host()
      + "\r\n\r\n";
  };
  auto post = "POST /v1/documents HTTP/1.1\r\nHost: " + client.host()
    + "\r\nContent-Length: 2\r\n\r\n{}";
  client.send(one("1") + post + one("2") + one("3"));
  CHECK(client.receive().body.find("id=1") != std::string::npos);
  CHECK(client.receive().body.find("body {}") != std::string::npos);
  CHECK(client.receive().body.find("id=2") != std::string::npos);
  CHECK(client.receive().body.find("id=3") != std::string::npos);
}

TEST_CASE_METHOD(echo_fixture, "a request may come byte by byte") {
  run();
  raw_client client{port()};
  auto text = "POST /v1/documents HTTP/1.1\r\nHost: " + client.host()
    + "\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n"
      "0\r\n\r\n";
  for (char c : text)
    client.send({&c, 1});
  CHECK(client.receive().body == "POST /v1/documents\nbody abcde\n");
}

TEST_CASE_METHOD(echo_fixture, "Connection: close and HTTP/1.0 end it") {
  run();
  raw_client client{port()};
  CHECK(client.get("/livez", "Connection: close\r\n").headers["connection"]
    == "close");
  CHECK(client.closed());
  raw_client old{port()};
  old.send("GET /livez HTTP/1.0\r\nHost: " + old.host() + "\r\n\r\n");
  CHECK(old.receive().status == 200);
  CHECK(old.closed());
}

TEST_CASE_METHOD(echo_fixture, "Expect: 100-continue is answered first") {
  run();
  raw_client client{port()};
  client.send("POST /v1/documents HTTP/1.1\r\nHost: " + client.host()
    + "\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.receive().status == 100);
  client.send("{}");
  CHECK(client.receive().status == 200);
}

TEST_CASE_METHOD(echo_fixture, "bytes that are not HTTP get a 400 and an end") {
  run();
  auto text = GENERATE(as<std::string>{}, "hello\r\n\r\n",
    "\x16\x03\x01\x02\r\n", "GET /livez HTTP/9.9\r\n\r\n", "GET /livez\r\n\r\n",
    "GET  /livez HTTP/1.1\r\n\r\n", "GET /livez HTTP/1.1\r\nHost x\r\n\r\n",
    "GET /livez HTTP/1.1\r\nA b: c\r\n\r\n",
    "GET /livez HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    "GET /livez HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "GET /livez HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: "
    "chunked\r\n\r\n");
  INFO(text);
  raw_client client{port()};
  client.send(text);
  auto got = client.receive();
  CHECK((got.status == 400 || got.status == 505));
  code_of(got);
  client.shut_down();
  CHECK(client.closed());
}

TEST_CASE_METHOD(echo_fixture, "a head that ends too early gets a 400") {
  run();
  raw_client client{port()};
  client.send(head(client, "X-Test: "));
  client.shut_down();
  CHECK(client.receive().status == 400);
  CHECK(client.closed());
}

TEST_CASE_METHOD(echo_fixture, "a body that ends too early gets a 400") {
  run();
  raw_client client{port()};
  client.send("POST /v1/documents HTTP/1.1\r\nHost: " + client.host()
    + "\r\nContent-Length: 10\r\n\r\nabc");
  client.shut_down();
  CHECK(client.receive().status == 400);
}

TEST_CASE_METHOD(echo_fixture, "a bad chunk gets a 400") {
  run();
  raw_client client{port()};
  client.send("POST /v1/documents HTTP/1.1\r\nHost: " + client.host()
    + "\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n");
  auto got = client.receive();
  CHECK(got.status == 400);
  CHECK(code_of(got) == "bad-request");
}

TEST_CASE_METHOD(echo_fixture, "headers above the bound get a 431") {
  run();
  raw_client client{port()};
  client.send(head(client, "X-Long: " + std::string(7'000, 'a') + "\r\n\r\n"));
  CHECK(client.receive().status == 200);
  client.send(head(client, "X-Long: " + std::string(9'000, 'a') + "\r\n\r\n"));
  auto got = client.receive();
  CHECK(got.status == 431);
  CHECK(code_of(got) == "headers-too-large");
  raw_client endless{port()};
  endless.try_send(head(endless, "X-Long: " + std::string(100'000, 'a')));
  CHECK(endless.receive().status == 431);
  raw_client many{port()};
  std::string headers;
  for (int i = 0; i < 64; ++i)
    headers += "A: b\r\n";
  many.send(head(many, headers + "\r\n"));
  CHECK(many.receive().status == 431);
}

TEST_CASE_METHOD(echo_fixture, "a body above the route's bound gets a 413") {
  run();
  raw_client fits{port()};
  CHECK(fits.request("POST", "/v1/documents", "", std::string(1000, 'a')).status
    == 200);
  raw_client announced{port()};
  auto got
    = announced.request("POST", "/v1/documents", "", std::string(1001, 'a'));
  CHECK(got.status == 413);
  CHECK(code_of(got) == "body-too-large");
  raw_client expecting{port()};
  expecting.send("POST /v1/documents HTTP/1.1\r\nHost: " + expecting.host()
    + "\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
  CHECK(expecting.receive().status == 413);
  raw_client chunked{port()};
  chunked.send("POST /v1/documents HTTP/1.1\r\nHost: " + chunked.host()
    + "\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'a')
    + "\r\n0\r\n\r\n");
  CHECK(chunked.receive().status == 413);
  raw_client enormous{port()};
  enormous.send("POST /v1/documents HTTP/1.1\r\nHost: " + enormous.host()
    + "\r\nContent-Length: 99999999999999\r\n\r\n");
  CHECK(enormous.receive().status == 413);
  CHECK(counted("herald_edge_problems_total{code=\"body-too-large\"} 4"));
}

TEST_CASE_METHOD(echo_fixture, "a large body arrives whole") {
  auto& server = make();
  server.route("POST", "/v1/documents", echo, {.body_bytes_max = 16u << 20});
  start();
  raw_client client{port()};
  std::string body(16u << 20, 'x');
  auto got = client.request("POST", "/v1/documents", "", body);
  CHECK(got.status == 200);
  CHECK(got.body.size() == body.size() + 25);
  CHECK(got.complete);
}

TEST_CASE_METHOD(echo_fixture, "all bodies together have a bound") {
  options.bodies_in_flight_bytes = 1500;
  run();
  raw_client slow{port()};
  slow.send("POST /v1/documents HTTP/1.1\r\nHost: " + slow.host()
    + "\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n");
  CHECK(slow.receive().status == 100);
  raw_client second{port()};
  auto got = second.request("POST", "/v1/documents", "", std::string(600, 'a'));
  CHECK(got.status == 503);
  CHECK(code_of(got) == "busy");
  CHECK(got.headers["retry-after"] == "1");
  slow.send(std::string(1000, 'a'));
  CHECK(slow.receive().status == 200);
  raw_client third{port()};
  CHECK(third.request("POST", "/v1/documents", "", std::string(600, 'a')).status
    == 200);
}

TEST_CASE_METHOD(echo_fixture, "only hosts of this node are answered") {
  options.hosts = {"Herald.example"};
  run();
  auto status = [this](const std::string& headers) {
    raw_client client{port()};
    client.send("GET /livez HTTP/1.1\r\n" + headers + "\r\n");
    return client.receive().status;
  };
  auto with_port = ":" + std::to_string(port());
  for (std::string fine : {"127.0.0.1", "localhost", "LOCALHOST", "[::1]"}) {
    INFO(fine);
    CHECK(status("Host: " + fine + with_port + "\r\n") == 200);
  }
  CHECK(status("Host: herald.example\r\n") == 200);
  for (std::string wrong :
    {"localhost", "127.0.0.1:1", "evil.example", "localhost.evil.example",
      "herald.example:1", "127.0.0.1.nip.io", ""}) {
    INFO(wrong);
    CHECK(status("Host: " + wrong + "\r\n") == 403);
  }
  CHECK(status("") == 400);
  CHECK(status("Host: localhost" + with_port + "\r\nHost: localhost" + with_port
          + "\r\n")
    == 400);
  raw_client absolute{port()};
  absolute.send("GET http://evil.example/livez HTTP/1.1\r\nHost: "
    + absolute.host() + "\r\n\r\n");
  CHECK(absolute.receive().status == 403);
}

TEST_CASE_METHOD(echo_fixture, "pages of other origins change nothing") {
  options.origins = {"https://herald.example"};
  run();
  auto status = [this](std::string method, std::string origin) {
    raw_client client{port()};
    return client
      .request(method, method == "POST" ? "/v1/documents" : "/v1/matches/1",
        origin.empty() ? "" : "Origin: " + origin + "\r\n")
      .status;
  };
  auto own = "http://127.0.0.1:" + std::to_string(port());
  CHECK(status("POST", "") == 200);
  CHECK(status("POST", own) == 200);
  CHECK(status("POST", "https://herald.example") == 200);
  for (std::string wrong :
    {std::string("null"), own + "0", own + ".evil.example",
      std::string("http://evil.example"), std::string("https://evil.example"),
      std::string("https://herald.example.evil.example"),
      std::string("https://herald.example:444"),
      std::string("http://herald.example"), std::string("file://"),
      "http://localhost:" + std::to_string(port()),
      own + "\r\nOrigin: " + own}) {
    INFO(wrong);
    CHECK(status("POST", wrong) == 403);
    CHECK(status("DELETE", wrong) == 403);
    // Reading is left to the browser, which hands nothing on.
    CHECK(status("GET", wrong) == 200);
  }
}

TEST_CASE_METHOD(
  echo_fixture, "connections above the bound are refused politely") {
  options.max_connections = 2;
  run();
  raw_client first{port()};
  auto second = std::make_unique<raw_client>(port());
  CHECK(first.get("/livez").status == 200);
  CHECK(second->get("/livez").status == 200);
  raw_client third{port()};
  auto got = third.receive();
  CHECK(got.status == 503);
  CHECK(code_of(got) == "busy");
  CHECK(got.headers["retry-after"] == "1");
  CHECK(
    counted("herald_edge_refused_connections_total{reason=\"connections\"} 1"));
  // Room again, once one is gone.
  CHECK(second->get("/livez", "Connection: close\r\n").status == 200);
  CHECK(second->closed());
  second.reset();
  int status = 503;
  for (int i = 0; i < 1000 && status == 503; ++i)
    status = raw_client{port()}.get("/livez").status;
  CHECK(status == 200);
}

TEST_CASE_METHOD(echo_fixture, "one address has a bound of its own") {
  options.connections_per_address = 1;
  options.count_loopback_addresses = true;
  run();
  raw_client first{port()};
  CHECK(first.get("/livez").status == 200);
  raw_client second{port()};
  CHECK(second.receive().status == 503);
  CHECK(counted("herald_edge_refused_connections_total{reason=\"address\"} 1"));
}

TEST_CASE_METHOD(echo_fixture, "unanswered requests have a bound") {
  options.requests_in_flight = 1;
  auto& server = make();
  held_answer held;
  server.route("GET", "/held", held.handler());
  start();
  raw_client first{port()};
  first.send("GET /held HTTP/1.1\r\nHost: " + first.host() + "\r\n\r\n");
  auto reply_to = held.take();
  raw_client second{port()};
  auto got = second.get("/livez");
  CHECK(got.status == 503);
  CHECK(got.headers["retry-after"] == "1");
  reply_to.respond_json("1");
  CHECK(first.receive().body == "1");
  CHECK(first.get("/livez").status == 200);
}

TEST_CASE_METHOD(echo_fixture, "a head that does not end gets a 408") {
  options.request_header_time = 50ms;
  run();
  raw_client client{port()};
  client.send(head(client, "X-Slow: "));
  auto got = client.receive();
  CHECK(got.status == 408);
  CHECK(code_of(got) == "request-timeout");
  CHECK(client.closed());
}

TEST_CASE_METHOD(echo_fixture, "a trickle of headers does not keep it open") {
  options.request_header_time = 100ms;
  run();
  raw_client client{port()};
  client.send(head(client, "X-Slow: "));
  // Until the server has had enough of it.
  while (client.try_send("a")) {
  }
  SUCCEED();
}

TEST_CASE_METHOD(echo_fixture, "a body that does not come gets a 408") {
  options.request_body_time = 50ms;
  run();
  raw_client client{port()};
  client.send("POST /v1/documents HTTP/1.1\r\nHost: " + client.host()
    + "\r\nContent-Length: 10\r\n\r\nabc");
  CHECK(client.receive().status == 408);
}

TEST_CASE_METHOD(echo_fixture, "an idle connection is closed") {
  options.idle_time = 50ms;
  options.request_header_time = 50ms;
  run();
  raw_client silent{port()};
  CHECK(silent.closed());
  raw_client client{port()};
  CHECK(client.get("/livez").status == 200);
  CHECK(client.closed());
}

TEST_CASE_METHOD(echo_fixture, "a handler that never answers gets a 504") {
  options.answer_time = 50ms;
  auto& server = make();
  held_answer held;
  server.route("GET", "/held", held.handler());
  start();
  raw_client client{port()};
  auto got = client.get("/held");
  CHECK(got.status == 504);
  CHECK(code_of(got) == "no-answer");
  // Too late, and harmless.
  auto reply_to = held.take();
  reply_to.respond_json("1");
  CHECK_FALSE(reply_to.begin({}).wait_for_room(0ms));
  CHECK(client.get("/livez").status == 200);
}

TEST_CASE_METHOD(echo_fixture, "a responder that is let go of gets a 500") {
  auto& server = make();
  server.route("GET", "/dropped", [](server_request, responder) {});
  server.route("GET", "/thrown",
    [](server_request, responder) { throw std::runtime_error("secret"); });
  start();
  raw_client client{port()};
  auto got = client.get("/dropped");
  CHECK(got.status == 500);
  CHECK(code_of(got) == "internal");
  got = client.get("/thrown");
  CHECK(got.status == 500);
  CHECK(got.body.find("secret") == std::string::npos);
}

TEST_CASE_METHOD(
  echo_fixture, "only the first answer counts, from any thread") {
  auto& server = make();
  server.route("GET", "/race", [](server_request, responder reply_to) {
    std::thread([reply_to] {
      reply_to.respond_json("1");
      reply_to.respond_json("2");
      reply_to.respond(problem{});
    }).detach();
  });
  start();
  raw_client client{port()};
  for (int i = 0; i < 100; ++i)
    REQUIRE(client.get("/race").body == "1");
}

TEST_CASE_METHOD(echo_fixture, "an entity tag that is named gets a 304") {
  auto& server = make();
  server.route("GET", "/tagged", [](server_request, responder reply_to) {
    server_response answer;
    answer.body = "{}";
    answer.etag = "\"v7\"";
    reply_to.respond(std::move(answer));
  });
  start();
  raw_client client{port()};
  auto got = client.get("/tagged");
  CHECK(got.status == 200);
  CHECK(got.headers["etag"] == "\"v7\"");
  CHECK(got.headers["cache-control"] == "no-cache");
  got = client.get("/tagged", "If-None-Match: \"v6\", \"v7\"\r\n");
  CHECK(got.status == 304);
  CHECK(got.headers["etag"] == "\"v7\"");
  CHECK(client.get("/tagged", "If-None-Match: \"v6\"\r\n").status == 200);
}

// Streams

namespace {

constexpr auto wait_here = body_stream::outcome::wait;

/// Streams `pieces` of `size` bytes from a thread of its own.
request_handler streamed(int pieces, std::size_t size) {
  return [pieces, size](server_request, responder reply_to) {
    std::thread([=] {
      server_response answer;
      answer.content_type = "text/csv";
      auto stream = reply_to.begin(std::move(answer));
      for (int i = 0; i < pieces; ++i) {
        auto outcome
          = stream.write(std::string(size, static_cast<char>('a' + i % 26)));
        if (outcome == wait_here && !stream.wait_for_room(20s))
          return;
        if (outcome == body_stream::outcome::gone)
          return;
      }
      stream.end();
    }).detach();
  };
}

} // namespace

TEST_CASE_METHOD(echo_fixture, "a streamed answer comes in chunks, whole") {
  auto& server = make();
  server.route("GET", "/export", streamed(1000, 10'000));
  start();
  raw_client client{port()};
  auto got = client.get("/export");
  CHECK(got.status == 200);
  CHECK(got.headers["content-type"] == "text/csv");
  CHECK(got.headers["transfer-encoding"] == "chunked");
  CHECK(got.complete);
  CHECK(got.body.size() == 10'000'000);
  CHECK(got.body[9'990'000] == static_cast<char>('a' + 999 % 26));
  CHECK(client.get("/livez").status == 200);
  CHECK(client.request("HEAD", "/export").status == 200);
  CHECK(client.get("/livez").status == 200);
}

TEST_CASE_METHOD(
  echo_fixture, "a stream to HTTP/1.0 ends with the connection") {
  auto& server = make();
  server.route("GET", "/export", streamed(3, 10));
  start();
  raw_client client{port()};
  client.send("GET /export HTTP/1.0\r\nHost: " + client.host() + "\r\n\r\n");
  auto got = client.receive();
  CHECK_FALSE(got.headers.contains("transfer-encoding"));
  CHECK(got.body == "aaaaaaaaaabbbbbbbbbbcccccccccc");
}

TEST_CASE_METHOD(
  echo_fixture, "a stream waits for a client that does not read") {
  auto& server = make();
  held_answer held;
  server.route("GET", "/export", held.handler());
  start();
  raw_client client{port(), 4096};
  client.send("GET /export HTTP/1.1\r\nHost: " + client.host() + "\r\n\r\n");
  auto stream = held.take().begin({});
  std::string piece(256 * 1024, 'x');
  std::size_t written = 0;
  // The socket's buffers take some; then it must come to waiting.
  while (written < (256u << 20)) {
    auto outcome = stream.write(piece);
    written += piece.size();
    if (outcome == wait_here && !stream.wait_for_room(100ms))
      break;
  }
  CHECK(written < (256u << 20));
  std::promise<void> room;
  stream.on_room([&room] { room.set_value(); });
  auto reading
    = std::async(std::launch::async, [&client] { return client.receive(); });
  CHECK(room.get_future().wait_for(20s) == std::future_status::ready);
  CHECK(stream.write("end") != body_stream::outcome::gone);
  stream.end();
  auto got = reading.get();
  CHECK(got.complete);
  CHECK(got.body.size() == written + 3);
}

TEST_CASE_METHOD(
  echo_fixture, "who ignores the waiting has the stream cut off") {
  auto& server = make();
  held_answer held;
  server.route("GET", "/export", held.handler());
  start();
  raw_client client{port(), 4096};
  client.send("GET /export HTTP/1.1\r\nHost: " + client.host() + "\r\n\r\n");
  auto stream = held.take().begin({});
  std::string piece(256 * 1024, 'x');
  std::size_t written = 0;
  while (
    written < (256u << 20) && stream.write(piece) != body_stream::outcome::gone)
    written += piece.size();
  CHECK(written < (256u << 20));
  CHECK_FALSE(client.receive().complete);
}

TEST_CASE_METHOD(
  echo_fixture, "a stream that is dropped is seen to be cut off") {
  auto& server = make();
  server.route("GET", "/export", [](server_request, responder reply_to) {
    reply_to.begin({}).write("some");
  });
  start();
  raw_client client{port()};
  auto got = client.get("/export");
  CHECK(got.status == 200);
  CHECK_FALSE(got.complete);
}

TEST_CASE_METHOD(echo_fixture, "a stream learns that its client is gone") {
  auto& server = make();
  held_answer held;
  server.route("GET", "/export", held.handler());
  start();
  auto client = std::make_unique<raw_client>(port());
  client->send("GET /export HTTP/1.1\r\nHost: " + client->host() + "\r\n\r\n");
  auto stream = held.take().begin({});
  client.reset();
  std::string piece(64 * 1024, 'x');
  auto outcome = body_stream::outcome::more;
  while (outcome != body_stream::outcome::gone) {
    outcome = stream.write(piece);
    if (outcome == wait_here)
      stream.wait_for_room(20s);
  }
  CHECK_FALSE(stream.wait_for_room(20s));
  bool called = false;
  stream.on_room([&called] { called = true; });
  CHECK(called);
}

// Health

TEST_CASE_METHOD(echo_fixture, "readiness names what is missing") {
  auto& server = make();
  std::atomic<bool> ready = false;
  server.readiness("log", [] { return std::nullopt; });
  server.readiness("views", [&ready]() -> std::optional<std::string> {
    if (ready)
      return {};
    return "following at offset 7";
  });
  start();
  raw_client client{port()};
  CHECK(client.get("/livez").body == "{\"status\":\"alive\"}\n");
  auto got = client.get("/readyz");
  CHECK(got.status == 503);
  CHECK(code_of(got) == "not-ready");
  CHECK(got.body.find("views: following at offset 7") != std::string::npos);
  ready = true;
  CHECK(client.get("/readyz").body == "{\"status\":\"ready\"}\n");
  CHECK(client.get("/readyz?verbose").body
    == R"({"status":"ready","checks":[{"name":"log","ready":true},)"
       R"({"name":"views","ready":true}]})"
       "\n");
}

TEST_CASE_METHOD(echo_fixture, "metrics count requests by route, not by path") {
  run();
  raw_client client{port()};
  client.get("/v1/matches/1");
  client.get("/v1/matches/2");
  client.get("/nothing/at/all");
  auto got = client.get("/metrics");
  CHECK(
    got.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8");
  auto has = [&got](std::string_view line) {
    return got.body.find(line) != std::string::npos;
  };
  CHECK(has("herald_edge_requests_total{method=\"GET\",route=\"/v1/matches/"
            "{id}\",status=\"2xx\"} 2\n"));
  CHECK(has("herald_edge_requests_total{method=\"\",route=\"other\",status="
            "\"4xx\"} 1\n"));
  CHECK(has("herald_edge_connections 1\n"));
  CHECK_FALSE(has("nothing/at/all"));
}

TEST_CASE_METHOD(
  echo_fixture, "promtool has nothing to object to at /metrics") {
  if (std::system("command -v promtool >/dev/null") != 0) {
    WARN("promtool (package prometheus) is not installed");
    return;
  }
  run();
  raw_client client{port()};
  client.get("/nothing");
  auto* pipe = popen("promtool check metrics 2>&1", "w");
  auto text = client.get("/metrics").body;
  fwrite(text.data(), 1, text.size(), pipe);
  CHECK(pclose(pipe) == 0);
}

// Start and stop

TEST_CASE("a port that is taken is named as such") {
  metrics_registry metrics;
  http_server first{{}, metrics};
  auto port = first.start();
  REQUIRE(port);
  http_server_options options;
  options.port = *port;
  http_server second{options, metrics};
  auto got = second.start();
  REQUIRE_FALSE(got);
  CHECK(got.error().code == fault::in_use);
  CHECK(got.error().message.find(std::to_string(*port)) != std::string::npos);
}

TEST_CASE("an address that is not of this machine cannot be listened on") {
  metrics_registry metrics;
  http_server_options options;
  options.address = "192.0.2.1";
  http_server server{options, metrics};
  CHECK(server.start().error().code == fault::io);
}

TEST_CASE("IPv6 is spoken too") {
  metrics_registry metrics;
  http_server_options options;
  options.address = "::1";
  http_server server{options, metrics};
  CHECK(server.start());
}

TEST_CASE_METHOD(echo_fixture, "a stop lets what is on its way finish") {
  auto& server = make();
  held_answer held;
  server.route("GET", "/held", held.handler());
  start();
  raw_client idle{port()};
  CHECK(idle.get("/livez").status == 200);
  raw_client client{port()};
  client.send("GET /held HTTP/1.1\r\nHost: " + client.host() + "\r\n\r\n");
  auto reply_to = held.take();
  auto stopping
    = std::async(std::launch::async, [&server] { server.stop(20s); });
  CHECK(idle.closed());
  reply_to.respond_json("1");
  auto got = client.receive();
  CHECK(got.body == "1");
  CHECK(got.headers["connection"] == "close");
  CHECK(client.closed());
  stopping.get();
}

TEST_CASE_METHOD(echo_fixture, "a stop cuts off what takes too long") {
  auto& server = make();
  held_answer held;
  server.route("GET", "/held", held.handler());
  start();
  raw_client client{port()};
  client.send("GET /held HTTP/1.1\r\nHost: " + client.host() + "\r\n\r\n");
  auto reply_to = held.take();
  server.stop(10ms);
  CHECK(client.closed());
  this->server.reset();
  // The server is gone; its responder is idle.
  reply_to.respond_json("1");
  CHECK(reply_to.begin({}).write("x") == body_stream::outcome::gone);
}

TEST_CASE("the settings of [edge] reach the server") {
  settings from;
  from.edge.listen = {"127.0.0.1", 0};
  from.edge.threads = 3;
  from.edge.max_connections = 77;
  from.edge.outbox_bytes = 1234;
  from.edge.hosts = {"a"};
  from.edge.origins = {"b"};
  auto got = server_options(from);
  CHECK(got.address == "127.0.0.1");
  CHECK(got.port == 0);
  CHECK(got.threads == 3);
  CHECK(got.max_connections == 77);
  CHECK(got.outbox_bytes == 1234);
  CHECK(got.hosts == from.edge.hosts);
  CHECK(got.origins == from.edge.origins);
}
