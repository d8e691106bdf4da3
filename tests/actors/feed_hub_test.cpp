#include "actors/feed/feed_hub.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <map>

using namespace herald;
using nlohmann::json;

namespace {

/// A log of one partition in memory, and a view that lags as told.
class fake_source final : public feed_source {
public:
  struct stored {
    std::string match;
    json patch;
  };
  std::vector<stored> events;
  std::uint64_t view = 0;
  std::uint64_t start = 0;
  std::uint64_t number = 77;
  bool damaged = false;

  void add(const std::string& match, int value) {
    events.push_back(
      {match, {{"set", {{"value", value}}}, {"append", {{"all", {value}}}}}});
  }

  std::uint64_t incarnation() const override { return number; }
  std::uint32_t partitions() const override { return 1; }
  std::uint32_t partition_of(std::string_view) const override { return 0; }
  offset committed_end(std::uint32_t) const override { return {events.size()}; }
  offset log_start(std::uint32_t) const override { return {start}; }
  offset view_cursor(std::uint32_t) override { return {view}; }

  result<std::vector<feed_event>> read(std::uint32_t, offset from, offset end,
    const std::function<bool(std::string_view)>& wanted,
    offset& reached) override {
    if (damaged)
      return fail(fault::damaged, "match/0@3: the CRC does not match");
    std::vector<feed_event> all;
    auto to = std::min(end.value, from.value + 3);
    for (auto i = from.value; i < to; ++i)
      all.push_back(event_at(i, wanted(events[i].match)));
    reached = {to};
    return all;
  }

  result<std::vector<feed_event>> events_of(std::string_view match, offset from,
    offset end, std::size_t count, offset& reached) override {
    std::vector<feed_event> all;
    reached = end;
    for (auto i = from.value; i < end.value; ++i) {
      if (events[i].match != match)
        continue;
      all.push_back(event_at(i, true));
      if (all.size() == count) {
        reached = {i + 1};
        break;
      }
    }
    return all;
  }

  result<feed_snapshot> snapshot(std::string_view match) override {
    json state{{"matchId", match}, {"all", json::array()}};
    bool known = false;
    for (std::uint64_t i = 0; i < view; ++i)
      if (events[i].match == match) {
        known = true;
        state["value"] = events[i].patch["set"]["value"];
        state["all"].push_back(events[i].patch["set"]["value"]);
      }
    if (!known)
      return fail(fault::not_found, "unknown");
    return feed_snapshot{std::make_shared<const json>(state), {view}};
  }

  result<std::pair<std::shared_ptr<const json>, feed_cursor>> list() override {
    return std::pair{
      std::make_shared<const json>(json{{"matches", json::array()}}),
      feed_cursor{number, {{0, {view}}}}};
  }
  result<json> summary(std::string_view match) override {
    return json{{"matchId", match}};
  }

private:
  feed_event event_at(std::uint64_t at, bool with_patch) {
    feed_event event;
    event.at = {at};
    event.match = events[at].match;
    event.name = "match.live.updated";
    if (with_patch)
      event.patch = std::make_shared<const json>(events[at].patch);
    return event;
  }
};

/// A socket that takes so many frames.
class fake_sink final : public feed_sink {
public:
  std::vector<json> frames;
  std::size_t room = 1'000'000;
  std::uint16_t closed = 0;
  bool send(std::shared_ptr<const bytes> frame) override {
    if (room == 0)
      return false;
    --room;
    frames.push_back(json::parse(*frame));
    return true;
  }
  void close(std::uint16_t code, std::string) override { closed = code; }

  std::vector<std::string> types() const {
    std::vector<std::string> all;
    for (auto& frame : frames)
      all.push_back(frame.at("type"));
    return all;
  }
  json fold() const {
    json state;
    for (auto& frame : frames) {
      if (frame.at("type") == "snapshot") {
        state = frame.at("state");
      } else if (frame.at("type") == "update") {
        state["value"] = frame["patch"]["set"]["value"];
        state["all"].push_back(frame["patch"]["set"]["value"]);
      }
    }
    return state;
  }
};

struct hub_fixture {
  fake_source source;
  std::int64_t now = 0;
  std::unique_ptr<feed_hub> hub;
  std::shared_ptr<fake_sink> sink = std::make_shared<fake_sink>();
  feed_hub::connection_id connection = 0;

  void open() {
    if (!hub)
      hub = std::make_unique<feed_hub>(&source, [this] { return now; });
    connection = hub->open(sink, feed_encoding::json);
  }
  void subscribe(const std::string& match, const json& cursor = nullptr) {
    hub->message(connection,
      json{{"type", "subscribe"}, {"id", "a"}, {"match", match},
        {"cursor", cursor}}
        .dump());
    hub->turn();
  }
  void commit(bool view_too = true) {
    if (view_too)
      source.view = source.events.size();
    hub->committed(0, {source.events.size()});
    hub->turn();
  }
  void turns(int count) {
    for (int i = 0; i < count; ++i)
      hub->turn();
  }
};

using types = std::vector<std::string>;

} // namespace

TEST_CASE_METHOD(
  hub_fixture, "a subscriber gets a snapshot and then every update in order") {
  source.add("A", 1);
  source.view = 1;
  open();
  subscribe("A");
  source.add("B", 2);
  source.add("A", 3);
  source.add("A", 4);
  commit();
  CHECK(sink->types() == types{"snapshot", "update", "update"});
  CHECK(sink->fold().at("all") == json{1, 3, 4});
  CHECK(
    parse_cursor(sink->frames[2]["cursor"].get<std::string>())->entries[0].next
    == offset{4});
}

TEST_CASE_METHOD(hub_fixture,
  "a snapshot waits for a view that lags and overlaps with nothing") {
  source.add("A", 1);
  source.add("A", 2);
  open();
  source.view = 1;
  subscribe("A");
  CHECK(sink->frames.empty());
  source.add("A", 3);
  source.view = 2;
  commit(false);
  turns(3);
  CHECK(sink->types() == types{"snapshot", "update"});
  CHECK(sink->fold().at("all") == json{1, 2, 3});
}

TEST_CASE_METHOD(
  hub_fixture, "coming back with any cursor gives exactly what came after it") {
  for (int i = 0; i < 10; ++i)
    source.add(i % 3 ? "A" : "B", i);
  source.view = 10;
  open();
  for (std::uint64_t next = 0; next <= 10; ++next) {
    sink = std::make_shared<fake_sink>();
    open();
    subscribe("A", to_string(feed_cursor{77, {{0, {next}}}}));
    turns(5);
    json expected = json::array();
    for (int i = static_cast<int>(next); i < 10; ++i)
      if (i % 3)
        expected.push_back(i);
    json got = json::array();
    for (auto& frame : sink->frames)
      got.push_back(frame["patch"]["set"]["value"]);
    CHECK(got == expected);
  }
}

TEST_CASE_METHOD(hub_fixture,
  "a socket that takes nothing is served from the log when it does again") {
  source.add("A", 0);
  source.view = 1;
  open();
  subscribe("A");
  sink->room = 2;
  for (int i = 1; i <= 300; ++i) {
    source.add("A", i);
    commit();
  }
  CHECK(sink->frames.size() == 3);
  CHECK(hub->counts().lagging == 1);
  sink->room = 1'000;
  turns(20);
  REQUIRE(sink->frames.size() == 301);
  CHECK(sink->fold().at("all").size() == 301);
  CHECK(sink->fold().at("value") == 300);
  CHECK(sink->closed == 0);
}

TEST_CASE_METHOD(
  hub_fixture, "a socket that takes nothing for too long is closed as slow") {
  source.add("A", 0);
  source.view = 1;
  open();
  subscribe("A");
  sink->room = 0;
  source.add("A", 1);
  commit();
  now += 29'000;
  turns(1);
  CHECK(sink->closed == 0);
  now += 2'000;
  turns(2);
  CHECK(sink->closed == 4408);
}

TEST_CASE_METHOD(hub_fixture, "wrong frames and cursors get an error frame") {
  source.add("A", 1);
  source.view = 1;
  open();
  auto code_of = [&](const std::string& frame) {
    auto before = sink->frames.size();
    hub->message(connection, frame);
    hub->turn();
    REQUIRE(sink->frames.size() == before + 1);
    CHECK(sink->frames.back().at("type") == "error");
    CHECK(!sink->frames.back().at("message").get<std::string>().empty());
    CHECK(sink->frames.back().contains("cursor"));
    return sink->frames.back().at("code").get<std::string>();
  };
  auto with_cursor = [](const std::string& cursor) {
    return json{
      {"type", "subscribe"}, {"id", "x"}, {"match", "A"}, {"cursor", cursor}}
      .dump();
  };
  CHECK(code_of("nonsense") == "bad_frame");
  CHECK(code_of("[]") == "bad_frame");
  CHECK(code_of(R"({"type":"subscribe","match":"A"})") == "bad_frame");
  CHECK(code_of(R"({"type":"dance","id":"a"})") == "bad_frame");
  CHECK(code_of(R"({"type":"subscribe","id":"a","match":7})") == "bad_frame");
  CHECK(code_of(R"({"type":"unsubscribe","id":"a"})") == "id_unknown");
  CHECK(
    code_of(R"({"type":"subscribe","id":"a","match":"Z"})") == "match_unknown");
  CHECK(code_of(with_cursor("12")) == "cursor_invalid");
  CHECK(code_of(with_cursor(to_string(feed_cursor{78, {{0, {0}}}})))
    == "cursor_foreign");
  CHECK(code_of(with_cursor(to_string(feed_cursor{77, {{0, {2}}}})))
    == "cursor_future");
  CHECK(code_of(with_cursor(to_string(feed_cursor{77, {{1, {0}}}})))
    == "cursor_invalid");
  subscribe("A");
  CHECK(sink->frames.back().at("type") == "snapshot");
  CHECK(code_of(R"({"type":"subscribe","id":"a","match":"A"})") == "id_in_use");
}

TEST_CASE_METHOD(
  hub_fixture, "a connection holds no more subscriptions than it may") {
  source.add("A", 1);
  source.view = 1;
  open();
  for (int i = 0; i < 65; ++i) {
    hub->message(connection,
      json{{"type", "subscribe"}, {"id", std::to_string(i)}, {"match", "A"}}
        .dump());
    hub->turn();
  }
  CHECK(hub->counts().subscriptions == 64);
  CHECK(sink->frames.back().at("code") == "too_many_subscriptions");
  hub->closed(connection);
  hub->turn();
  CHECK(hub->counts().subscriptions == 0);
}

TEST_CASE_METHOD(hub_fixture,
  "events that retention removed are a gap, and a snapshot follows") {
  for (int i = 0; i < 5; ++i)
    source.add("A", i);
  source.view = 5;
  source.start = 3;
  open();
  subscribe("A", to_string(feed_cursor{77, {{0, {1}}}}));
  CHECK(sink->types() == types{"gap", "snapshot"});
  CHECK(!sink->frames[0].at("reason").get<std::string>().empty());
}

TEST_CASE_METHOD(hub_fixture,
  "damage is told to those whom it concerns, and nothing skipped") {
  source.add("A", 1);
  source.view = 1;
  open();
  subscribe("A");
  source.damaged = true;
  source.add("A", 2);
  commit();
  CHECK(sink->types() == types{"snapshot", "error"});
  CHECK(sink->frames[1].at("code") == "damaged");
  source.damaged = false;
  source.add("A", 3);
  commit();
  CHECK(sink->frames.size() == 2);
  // It may begin anew from where it stood.
  subscribe("A", sink->frames[1].at("cursor"));
  turns(2);
  CHECK(sink->fold().at("all") == json{1, 2, 3});
}

TEST_CASE_METHOD(hub_fixture,
  "the list tells of changes when the view shows them, gathered for a while") {
  open();
  subscribe("*");
  CHECK(sink->types() == types{"snapshot"});
  now += 1'000;
  for (int i = 0; i < 5; ++i)
    source.add(i % 2 ? "A" : "B", i);
  commit(false);
  CHECK(sink->frames.size() == 1);
  commit(true);
  REQUIRE(sink->frames.size() == 2);
  CHECK(sink->frames[1]["patch"]["upsert"]["matches"]
    == json{{{"matchId", "A"}}, {{"matchId", "B"}}});
  source.add("A", 9);
  commit(true);
  CHECK(sink->frames.size() == 2);
  now += 200;
  turns(1);
  CHECK(sink->frames.size() == 3);
}

TEST_CASE_METHOD(
  hub_fixture, "MessagePack frames have the structure of the JSON ones") {
  source.add("A", 1);
  source.view = 1;
  class raw_sink final : public feed_sink {
  public:
    std::vector<bytes> frames;
    bool send(std::shared_ptr<const bytes> frame) override {
      frames.push_back(*frame);
      return true;
    }
    void close(std::uint16_t, std::string) override {}
  };
  open();
  subscribe("A");
  auto packed = std::make_shared<raw_sink>();
  auto other = hub->open(packed, feed_encoding::message_pack);
  bytes request;
  json::to_msgpack(json{{"type", "subscribe"}, {"id", "a"}, {"match", "A"}},
    nlohmann::detail::output_adapter<char>(request));
  hub->message(other, request);
  hub->turn();
  source.add("A", 2);
  commit();
  turns(2);
  REQUIRE(packed->frames.size() == sink->frames.size());
  for (std::size_t i = 0; i < packed->frames.size(); ++i)
    CHECK(json::from_msgpack(packed->frames[i]) == sink->frames[i]);
}
