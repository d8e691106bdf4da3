#include "actors/replay/replay.hpp"

#include "actors/match/match_patch.hpp"
#include "actors/replay/feed_replay.hpp"
#include "actors/replay/replay_desk.hpp"
#include "engine/log/event_log.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>

using namespace herald;
using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

/// A log with the topics t (3 partitions) and u (1); record i of a partition
/// has the time 1000 * i and the value i.
struct replay_fixture {
  fs::path folder;
  std::unique_ptr<event_log> log;
  topic_info t, u;

  replay_fixture() {
    auto pattern
      = (fs::temp_directory_path() / "herald-replay-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    log_settings settings;
    settings.initial_bytes = settings.step_bytes = 1u << 20;
    settings.reserve_bytes = 0;
    log = *event_log::open(folder, settings);
    t = *log->create_topic("t", 3);
    u = *log->create_topic("u", 1);
    fill(t, 0, 10);
    fill(t, 1, 5);
    fill(u, 0, 4);
  }
  ~replay_fixture() {
    log.reset();
    fs::remove_all(folder);
  }

  /// Batches of three records at most.
  void fill(const topic_info& topic, std::uint32_t partition, int count) {
    for (int i = 0; i < count;) {
      batch_builder builder{1000 * i};
      for (int n = 0; n < 3 && i < count; ++n, ++i)
        builder.add("k" + std::to_string(i % 2), std::to_string(i), 1000 * i);
      append_item item{{topic.number, partition}, builder.finish(), {}, {}};
      REQUIRE(log->append({&item, 1}));
    }
  }

  result<std::vector<replay_part>> resolve(
    std::string_view from, std::string_view to) {
    return resolve_range(*log, {t}, from, to);
  }

  /// "0:2-7 1:2-5"
  std::string ranges(std::string_view from, std::string_view to) {
    auto parts = resolve(from, to);
    if (!parts)
      return parts.error().message;
    std::string text;
    for (auto& part : *parts)
      text += (text.empty() ? "" : " ") + std::to_string(part.where.partition)
        + ":" + std::to_string(part.next.value) + "-"
        + std::to_string(part.end.value);
    return text;
  }
};

/// A clock that only waiting moves.
struct manual_pace {
  std::chrono::nanoseconds now{0};
  std::chrono::nanoseconds stop_at = std::chrono::hours(1'000'000);
  std::vector<replay_progress> told;
  replay_pace pace;

  explicit manual_pace(std::uint64_t rate = 0) {
    pace.rate = rate;
    pace.now = [this] { return now; };
    pace.wait = [this](std::chrono::milliseconds time) {
      now += time;
      return now >= stop_at;
    };
    pace.progress
      = [this](const replay_progress& progress) { told.push_back(progress); };
  }
};

} // namespace

TEST_CASE_METHOD(replay_fixture, "positions mean what an operator means") {
  CHECK(ranges("earliest", "latest") == "0:0-10 1:0-5 2:0-0");
  CHECK(ranges("7", "latest") == "0:7-10 1:5-5 2:0-0");
  CHECK(ranges("2", "4") == "0:2-4 1:2-4 2:0-0");
  CHECK(ranges("0:3", "latest") == "0:3-10");
  CHECK(ranges("1:2,0:3", "latest") == "0:3-10 1:2-5");
  CHECK(ranges("t/1:2", "1:4") == "1:2-4");
  CHECK(ranges("earliest", "1:4") == "1:0-4");
  CHECK(ranges("latest", "latest") == "0:10-10 1:5-5 2:0-0");
  CHECK(ranges("0:10", "latest") == "0:10-10");
  CHECK(ranges("1970-01-01T00:00:03Z", "latest") == "0:3-10 1:3-5 2:0-0");
  CHECK(ranges("1970-01-01T00:00:02.500Z", "1970-01-01T00:00:04Z")
    == "0:3-4 1:3-4 2:0-0");
  CHECK(ranges("1970-01-01", "1970-01-02") == "0:0-10 1:0-5 2:0-0");
  CHECK(ranges("0:3", "1970-01-01T00:00:05Z") == "0:3-5");
}

TEST_CASE_METHOD(
  replay_fixture, "what is no position is refused with a reason") {
  struct row {
    std::string from, to, words;
  };
  auto [from, to, words] = GENERATE(values<row>({
    {"", "latest", "--from: '' is no position"},
    {"soon", "latest", "'soon' is no position"},
    {"-1", "latest", "'-1' is no position"},
    {"0:", "latest", "'0:' is no position"},
    {"0:1,", "latest", "'0:1,' is no position"},
    {"0:1;1:2", "latest", "is no position"},
    {"99999999999999999999", "latest", "is no position"},
    {"0:1,0:2", "latest", "partition 0 is there twice"},
    {"3:0", "latest", "t has the partitions 0 to 2, not 3"},
    {"u/0:0", "latest", "'u' is not part of this replay"},
    {"0:11", "latest", "t/0 holds the offsets from 0 up to 10"},
    {"earliest", "0:11", "--to: t/0 holds the offsets from 0 up to 10"},
    {"0:3", "1:4", "--from and --to name different partitions"},
    {"0:5", "0:3", "the range ends before it begins"},
    {"4", "2", "the range ends before it begins"},
    {"2026-13-01", "latest", "'2026-13-01' is no time"},
    {"2026-01-01T10:00", "latest", "is no time"},
    {"2026-01-01T25:00Z", "latest", "is no time"},
    {"2026-02-30", "latest", "is no time"},
  }));
  CAPTURE(from, to);
  auto refused = resolve(from, to);
  REQUIRE(!refused);
  CHECK(refused.error().code == fault::invalid_input);
  CHECK_THAT(refused.error().message, Catch::Contains(words));
}

TEST_CASE("times are read with their zones") {
  CHECK(parse_time("1970-01-01") == 0);
  CHECK(parse_time("2026-01-31T18:00:00Z") == 1'769'882'400'000);
  CHECK(parse_time("2026-01-31T19:00:00+01:00") == 1'769'882'400'000);
  CHECK(parse_time("2026-01-31T12:30:00.25-05:30") == 1'769'882'400'250);
  CHECK(parse_time("2026-01-31 18:00Z") == 1'769'882'400'000);
  for (auto* wrong : {"2026-01-31T18:00:00", "2026-01-31T18:00:00Zx",
         "2026-01-31T18:00:00+1:00", "2026-01-31T18:00:60Z", "2026-1-31",
         "2026-01-31T", "2026-01-31T18:00:00.Z", "x"})
    CHECK(parse_time(wrong) == std::nullopt);
}

TEST_CASE_METHOD(replay_fixture,
  "the position of a replay that was stopped leads on to the rest of it") {
  std::vector<std::string> all;
  auto show
    = [&](const replay_part& part, const record_view& record) -> result<bool> {
    all.push_back(part.topic.name + "/" + std::to_string(part.where.partition)
      + ":" + std::to_string(record.at.value) + "="
      + std::string{*record.value});
    return true;
  };
  auto topics = std::vector{t, u};
  auto whole = *resolve_range(*log, topics, "earliest", "latest");
  manual_pace quick;
  replay_clock clock{quick.pace, records_left(whole)};
  REQUIRE(replay(*log, whole, clock, show) == true);
  CHECK(position_text(whole).empty());
  REQUIRE(all.size() == 19);
  CHECK(all.front() == "t/0:0=0");
  CHECK(all[10] == "t/1:0=0");
  CHECK(all.back() == "u/0:3=3");

  // One record a second, stopped after each possible number of them.
  auto expected = std::exchange(all, {});
  for (int records = 1; records <= 18; ++records) {
    all.clear();
    std::string from = "earliest", to = "latest";
    for (int part = 0; part < 2; ++part) {
      auto range = *resolve_range(*log, topics, from, to);
      manual_pace slow{1};
      slow.stop_at = part == 0 ? std::chrono::seconds(records)
                               : std::chrono::seconds(1'000);
      replay_clock pace{slow.pace, records_left(range)};
      auto ended = replay(*log, range, pace, show);
      REQUIRE(ended);
      CHECK(*ended == (part == 1));
      from = position_text(range);
      to = position_text(range, true);
      if (part == 0)
        CHECK(all.size() == static_cast<std::size_t>(records));
    }
    CHECK(all == expected);
  }
}

TEST_CASE_METHOD(replay_fixture, "a rate is kept, and progress is told") {
  auto whole = *resolve("earliest", "latest");
  manual_pace paced{2};
  replay_clock clock{paced.pace, records_left(whole)};
  std::uint64_t shown = 0;
  REQUIRE(replay(*log, whole, clock,
            [&](const replay_part&, const record_view&) -> result<bool> {
              ++shown;
              // The record after n others is not shown before n / rate.
              CHECK(paced.now >= (shown - 1) * 500ms);
              CHECK(paced.now <= shown * 500ms);
              return true;
            })
    == true);
  CHECK(shown == 15);
  REQUIRE(paced.told.size() >= 5);
  for (std::size_t i = 1; i < paced.told.size(); ++i)
    CHECK(paced.told[i].records > paced.told[i - 1].records);
  CHECK(paced.told.back().total == 15);
}

TEST_CASE_METHOD(replay_fixture, "records that are left out cost no time") {
  auto whole = *resolve("earliest", "latest");
  manual_pace paced{1};
  replay_clock clock{paced.pace, records_left(whole)};
  REQUIRE(replay(*log, whole, clock,
            [&](const replay_part&, const record_view& record) -> result<bool> {
              return record.at.value == 3;
            })
    == true);
  CHECK(clock.shown() == 2);
  CHECK(clock.passed() == 15);
  CHECK(paced.now <= 2s);
}

TEST_CASE_METHOD(
  replay_fixture, "a failure leaves the position in front of its record") {
  auto whole = *resolve("earliest", "latest");
  manual_pace quick;
  replay_clock clock{quick.pace, records_left(whole)};
  auto failed = replay(*log, whole, clock,
    [&](const replay_part&, const record_view& record) -> result<bool> {
      if (record.at.value == 4)
        return fail(fault::damaged, "no event");
      return true;
    });
  REQUIRE(!failed);
  CHECK(position_text(whole) == "0:4,1:0");
}

TEST_CASE("what is taken is free again when it is done with") {
  replay_desk desk;
  {
    auto place = desk.take("feed");
    CHECK(place);
    CHECK_FALSE(desk.take("feed"));
    CHECK(desk.take("view"));
    auto one = desk.join("jsonl"), another = desk.join("jsonl");
  }
  CHECK(desk.take("feed"));
}

TEST_CASE("the slowest replay of a partition is known while it reads") {
  using standing = std::pair<std::string, offset>;
  const partition_id first{1, 0}, second{1, 1};
  replay_desk desk;
  CHECK(desk.slowest(first) == std::nullopt);
  auto view = *desk.take("view");
  view.stands_at(first, offset{7});
  {
    auto lines = desk.join("jsonl");
    lines.stands_at(first, offset{3});
    lines.stands_at(second, offset{9});
    CHECK(desk.slowest(first) == standing{"jsonl", offset{3}});
    CHECK(desk.slowest(second) == standing{"jsonl", offset{9}});
    lines.stands_at(first, offset{8});
    CHECK(desk.slowest(first) == standing{"view", offset{7}});
    lines.is_through(second);
    CHECK(desk.slowest(second) == std::nullopt);
    lines.stands_at(first, offset{1});
  }
  CHECK(desk.slowest(first) == standing{"view", offset{7}});
}

// -- the feed -----------------------------------------------------------------

namespace {

/// A source that has nothing: whatever a subscriber of a replay sees came from
/// the replay.
class empty_source final : public feed_source {
public:
  std::uint64_t incarnation() const override { return 1; }
  std::uint32_t partitions() const override { return 1; }
  std::uint32_t partition_of(std::string_view) const override { return 0; }
  offset committed_end(std::uint32_t) const override { return {}; }
  offset log_start(std::uint32_t) const override { return {}; }
  offset view_cursor(std::uint32_t) override { return {}; }
  result<std::vector<feed_event>> read(std::uint32_t, offset, offset,
    const std::function<bool(std::string_view)>&, offset&) override {
    return std::vector<feed_event>{};
  }
  result<std::vector<feed_event>> events_of(
    std::string_view, offset, offset, std::size_t, offset&) override {
    return std::vector<feed_event>{};
  }
  result<feed_snapshot> snapshot(std::string_view) override {
    return fail(fault::not_found, "nothing");
  }
  result<std::pair<std::shared_ptr<const json>, feed_cursor>> list() override {
    return fail(fault::not_found, "nothing");
  }
  result<json> summary(std::string_view) override {
    return fail(fault::not_found, "nothing");
  }
};

class sink final : public feed_sink {
public:
  std::vector<json> frames;
  std::size_t room = 1'000'000;
  bool send(std::shared_ptr<const bytes> frame) override {
    if (room == 0)
      return false;
    --room;
    frames.push_back(json::parse(*frame));
    return true;
  }
  void close(std::uint16_t, std::string) override {}
};

/// Live events of the matches A and B in turn, and a hub with subscribers.
struct feed_replay_fixture {
  fs::path folder;
  std::unique_ptr<event_log> log;
  topic_info topic;
  std::unique_ptr<event_codec> codec;
  std::unique_ptr<view_store> views;
  std::optional<event_index> index;
  empty_source source;
  feed_hub hub{&source, [] { return 0; }};

  feed_replay_fixture() {
    auto pattern
      = (fs::temp_directory_path() / "herald-replay-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    log_settings settings;
    settings.initial_bytes = settings.step_bytes = 1u << 20;
    settings.reserve_bytes = 0;
    log = *event_log::open(folder, settings);
    topic = *log->create_topic("match", 1);
    codec = *event_codec::make(*log);
    views = *view_store::open(folder);
    index.emplace(*log, *views);
    event_index_projection indexing{{"match"}};
    REQUIRE(views->open_tables(indexing.tables()));
    for (int i = 0; i < 20; ++i)
      append(i % 2 ? "B" : "A", i);
  }
  ~feed_replay_fixture() {
    index.reset();
    views.reset();
    log.reset();
    fs::remove_all(folder);
  }

  void append(const std::string& match, int i) {
    event::match_live_updated update;
    update.matchId = match;
    update.gameTime = i;
    update.source = "live-client";
    batch_builder builder{1000 * i};
    builder.add(match, codec->encode(update), 1000 * i);
    append_item item{{topic.number, 0}, builder.finish(), {}, {}};
    REQUIRE(log->append({&item, 1}));
  }

  std::shared_ptr<sink> subscribe(const std::string& match) {
    auto fresh = std::make_shared<sink>();
    auto connection = hub.open(fresh, feed_encoding::json);
    hub.message(connection,
      json{{"type", "subscribe"}, {"id", "a"}, {"match", match}}.dump());
    hub.turn();
    return fresh;
  }

  /// Replays with the hub's turn after each record.
  void run(std::string_view from, std::string_view to,
    const std::function<void(offset)>& after = {}) {
    feed_replay feed{*index, *codec, hub, [this] {
                       hub.turn();
                       return false;
                     }};
    auto parts = *resolve_range(*log, {topic}, from, to);
    manual_pace quick;
    replay_clock clock{quick.pace, records_left(parts)};
    REQUIRE(replay(*log, parts, clock,
      [&](const replay_part& part, const record_view& record) {
        auto shown = feed.show(part, record);
        hub.turn();
        if (after)
          after(record.at);
        return shown;
      }));
    feed.end();
    hub.turn();
  }

  /// The state that the frames fold into.
  static json fold(const std::vector<json>& frames) {
    json state;
    for (auto& frame : frames) {
      CHECK(frame["replay"] == true);
      CHECK(!frame.contains("cursor"));
      if (frame["type"] == "snapshot")
        state = frame["state"];
      if (frame["type"] == "update")
        apply_patch(state, frame["patch"]);
    }
    return state;
  }

  json state_of(const std::string& match, std::uint64_t end) {
    auto state = empty_match_state(match);
    REQUIRE(index->for_each_event({topic.number, 0}, match, {0}, {end},
      [&](const record_view& record) -> result<void> {
        apply_patch(state,
          match_patch(*codec->decode(*record.value), record.timestamp_ms));
        return {};
      }));
    return state;
  }

  static std::vector<std::string> types(const sink& of) {
    std::vector<std::string> all;
    for (auto& frame : of.frames)
      all.push_back(frame["type"]);
    return all;
  }
};

} // namespace

TEST_CASE_METHOD(feed_replay_fixture,
  "a replay goes to those who asked for it, from the state before it on") {
  auto watching = subscribe("replay:A");
  auto other = subscribe("replay:C");
  auto live = subscribe("A");
  auto heard_live = live->frames;
  run("10", "16");
  CHECK(types(*watching)
    == std::vector<std::string>{
      "snapshot", "update", "update", "update", "replay-ended"});
  CHECK(watching->frames[0]["state"] == state_of("A", 10));
  CHECK(watching->frames[0]["position"] == "0:10");
  CHECK(watching->frames[0]["match"] == "replay:A");
  CHECK(watching->frames[1]["position"] == "0:11");
  CHECK(watching->frames[1]["event"] == "match.live.updated");
  CHECK(fold(watching->frames) == state_of("A", 16));
  CHECK(other->frames.empty());
  CHECK(live->frames == heard_live);
  // The next one begins with its own state.
  watching->frames.clear();
  run("earliest", "4");
  CHECK(watching->frames[0]["state"] == empty_match_state("A"));
  CHECK(fold(watching->frames) == state_of("A", 4));
}

TEST_CASE_METHOD(feed_replay_fixture,
  "one that comes in the middle sees the state of then and the rest") {
  std::shared_ptr<sink> late;
  run("earliest", "latest", [&](offset at) {
    if (at == offset{9})
      late = subscribe("replay:B");
  });
  CHECK(late->frames[0]["state"] == state_of("B", 11));
  CHECK(fold(late->frames) == state_of("B", 20));
}

TEST_CASE_METHOD(feed_replay_fixture,
  "one that is too slow gets a gap and a snapshot, and ends at the same "
  "state") {
  auto slow = subscribe("replay:A");
  slow->room = 2;
  run("earliest", "latest", [&](offset at) {
    if (at == offset{13})
      slow->room = 1'000;
  });
  auto seen = types(*slow);
  CHECK(std::count(seen.begin(), seen.end(), "gap") == 1);
  CHECK(seen.back() == "replay-ended");
  CHECK(fold(slow->frames) == state_of("A", 20));
}

TEST_CASE_METHOD(feed_replay_fixture,
  "a subscription to a replay is one like any other to its connection") {
  auto fresh = std::make_shared<sink>();
  auto connection = hub.open(fresh, feed_encoding::json);
  auto say = [&](const json& frame) {
    hub.message(connection, frame.dump());
    hub.turn();
  };
  say({{"type", "subscribe"}, {"id", "a"}, {"match", "replay:A"}});
  CHECK(fresh->frames.empty());
  CHECK(hub.demand_of("A") == feed_hub::replay_demand::state);
  CHECK(hub.counts().subscriptions == 1);
  say({{"type", "subscribe"}, {"id", "a"}, {"match", "replay:B"}});
  CHECK(fresh->frames.back()["code"] == "id_in_use");
  say({{"type", "subscribe"}, {"id", "b"}, {"match", "replay:"}});
  CHECK(fresh->frames.back()["code"] == "bad_frame");
  say({{"type", "unsubscribe"}, {"id", "a"}});
  CHECK(hub.demand_of("A") == feed_hub::replay_demand::none);
  CHECK(hub.counts().subscriptions == 0);
  say({{"type", "subscribe"}, {"id", "a"}, {"match", "replay:A"}});
  hub.closed(connection);
  hub.turn();
  CHECK(hub.demand_of("A") == feed_hub::replay_demand::none);
  CHECK(hub.counts().subscriptions == 0);
}
