#include "actors/aggregate_host.hpp"
#include "actors/match/match_aggregate.hpp"
#include "actors/match/match_snapshot.hpp"
#include "actors/player/player_aggregate.hpp"
#include "actors/riot/document.hpp"
#include "actors/state_codec.hpp"
#include "engine/store/follower.hpp"
#include "tools/simulate/documents.hpp"
#include "tools/simulate/generator.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <utility>

using namespace herald;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t keys = 5;

struct scratch {
  scratch() {
    auto pattern
      = (fs::temp_directory_path() / "herald-snapshot-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~scratch() { fs::remove_all(path); }
  fs::path path;
};

log_settings small_log() {
  log_settings settings;
  settings.initial_bytes = settings.step_bytes = 1u << 20;
  settings.reserve_bytes = 0;
  return settings;
}

writer_settings by_hand() {
  writer_settings settings;
  settings.own_thread = false;
  return settings;
}

std::uint64_t fresh_seed() {
  auto* given = std::getenv("HERALD_SEED");
  auto seed = given ? std::strtoull(given, nullptr, 10)
                    : std::uint64_t{std::random_device{}()};
  UNSCOPED_INFO("HERALD_SEED=" << seed);
  return seed;
}

/// A log with `match` and `player`, and a store of snapshots whose crank the
/// test turns. Each look at the clock moves it by `look`.
struct snapshot_fixture {
  scratch folder;
  std::unique_ptr<event_log> log = *event_log::open(folder.path, small_log());
  topic_info matches = *log->create_topic("match", 1);
  topic_info players = *log->create_topic("player", 1);
  std::unique_ptr<event_codec> codec = *event_codec::make(*log);
  std::unique_ptr<view_store> views = *view_store::open(folder.path);
  event_index index{*log, *views};
  event_index_projection indexing{{"match", "player"}};
  log_writer writer{*log, by_hand()};
  std::unique_ptr<snapshot_store> rows
    = *snapshot_store::open(*views, {.own_thread = false});
  metrics_registry metrics;
  std::chrono::nanoseconds clock{0}, look{0};
  std::unique_ptr<aggregate_snapshots> snapshots;
  host_services with, without;

  snapshot_fixture() {
    REQUIRE(views->open_tables(indexing.tables()));
    use({10, 1u << 30, std::chrono::hours(1)});
  }

  void use(const snapshot_policy& policy) {
    snapshots = std::make_unique<aggregate_snapshots>(
      *log, *rows, policy, metrics, [] { return 5'000; },
      [this] { return clock += look; });
    without = {
      log.get(), &writer, codec.get(), [] { return 1'000; }, &index, nullptr};
    with = without;
    with.snapshots = snapshots.get();
  }

  /// Of all players' events.
  std::uint64_t payload_bytes() const {
    std::uint64_t sum = 0;
    partition_id where{players.number, 0};
    REQUIRE(for_each_record(*log, where, {0}, log->committed_end(where),
      [&](const record_view& record) -> result<void> {
        sum += record.value->size();
        return {};
      }));
    return sum;
  }

  /// Lets the index read all of the log.
  void follow() {
    follower_settings settings;
    settings.own_thread = false;
    follower_driver driver{*log, *views, settings};
    driver.add(indexing);
    REQUIRE(driver.start());
    while (*driver.turn() > 0) {
    }
  }
};

/// A host without its actor.
template <class Aggregate>
struct plain_host {
  std::deque<std::pair<std::uint64_t, append_outcome>> ended;
  snapshot_fixture& fixture;
  aggregate_host<Aggregate> host;

  plain_host(snapshot_fixture& fixture, const host_services& services,
    const topic_info& topic)
    : fixture(fixture),
      host{services, {topic.number, 0},
        [this](std::uint64_t ticket, const append_outcome& outcome) {
          ended.emplace_back(ticket, outcome);
        }} {}

  void send(const std::string& key, typename Aggregate::command body) {
    addressed_command<typename Aggregate::command> next;
    next.key = key;
    next.body = std::move(body);
    host.handle(std::move(next));
  }

  /// Everything that is on its way, to its end.
  bool finish() {
    host.flush();
    while (fixture.writer.turn() > 0) {
    }
    bool well = true;
    for (; !ended.empty(); ended.pop_front())
      well = host.settle(ended.front().first, ended.front().second) && well;
    fixture.rows->turn();
    return well;
  }
};

using player_host = plain_host<player_aggregate>;
using match_host = plain_host<match_aggregate>;

count_match counted(const std::string& player, int cause, int partition = 0) {
  count_match body;
  body.player_id = player;
  body.match_id = "EUW1_" + std::to_string(cause);
  body.cause_partition = partition;
  body.cause_offset = cause;
  body.match.games = 1;
  body.match.kills = cause % 7;
  return body;
}

/// A command that changes nothing, for its activation: the encoded state.
bytes state_of(player_host& host, const std::string& player) {
  host.send(player, counted(player, -1));
  host.finish();
  return *host.host.encoded_state(player);
}

} // namespace

TEST_CASE_METHOD(snapshot_fixture,
  "a snapshot is taken after so many events, once they are committed") {
  player_host host{*this, with, players};
  for (int i = 0; i < 9; ++i)
    host.send("p", counted("p", i));
  REQUIRE(host.finish());
  CHECK(rows->usage()->count == 0);
  host.send("p", counted("p", 9));
  host.host.flush();
  while (writer.turn() > 0) {
  }
  rows->turn();
  // On disk, and not yet told: nothing may know more than the log's readers.
  CHECK(rows->usage()->count == 0);
  REQUIRE(host.finish());
  auto stored = *rows->get({players.id.value, 0}, "p");
  REQUIRE(stored);
  CHECK(stored->next == offset{10});
  CHECK(stored->incarnation == log->incarnation());
  CHECK(stored->taken_ms == 5'000);
  CHECK(stored->state == *host.host.encoded_state("p"));
  CHECK(snapshots->counts().taken == 1);

  // The count starts again.
  for (int i = 10; i < 19; ++i)
    host.send("p", counted("p", i));
  REQUIRE(host.finish());
  CHECK((*rows->get({players.id.value, 0}, "p"))->next == offset{10});
}

TEST_CASE_METHOD(snapshot_fixture, "a snapshot is taken after so many bytes") {
  use({1'000'000, 2'000, std::chrono::hours(1)});
  player_host host{*this, with, players};
  std::uint64_t before_last = 0, bytes_sent = 0;
  for (int sent = 0; rows->usage()->count == 0 && sent < 1'000; ++sent) {
    host.send("p", counted("p", sent));
    REQUIRE(host.finish());
    before_last = std::exchange(bytes_sent, payload_bytes());
  }
  CHECK(before_last < 2'000);
  CHECK(bytes_sent >= 2'000);
  CHECK(rows->usage()->count == 1);
}

TEST_CASE_METHOD(snapshot_fixture,
  "a state that was slow to come back is stored at once, even if nothing "
  "changes") {
  {
    player_host host{*this, without, players};
    host.send("p", counted("p", 1));
    REQUIRE(host.finish());
  }
  use({1'000'000, 1u << 30, std::chrono::milliseconds(20)});
  look = std::chrono::milliseconds(19);
  {
    player_host host{*this, with, players};
    state_of(host, "p");
    CHECK(rows->usage()->count == 0);
  }
  look = std::chrono::milliseconds(20);
  {
    player_host host{*this, with, players};
    state_of(host, "p");
    CHECK((*rows->get({players.id.value, 0}, "p"))->next == offset{1});
    // One that has no events is not worth it, however slow it was.
    state_of(host, "nobody");
    CHECK(rows->usage()->count == 1);
  }
}

TEST_CASE_METHOD(
  snapshot_fixture, "states of batches that failed are not stored") {
  player_host host{*this, with, players};
  for (int i = 0; i < 10; ++i)
    host.send("p", counted("p", i));
  host.host.flush();
  writer.stop();
  for (int i = 10; i < 20; ++i)
    host.send("p", counted("p", i));
  host.finish();
  auto stored = *rows->get({players.id.value, 0}, "p");
  CHECK((!stored || stored->next <= log->committed_end({players.number, 0})));
}

TEST_CASE_METHOD(snapshot_fixture,
  "with snapshots, without them and after deleting them all states are the "
  "fold of the log") {
  std::mt19937_64 random{fresh_seed()};
  auto chosen = [&] { return "p" + std::to_string(random() % keys); };
  std::vector<int> causes(3, 0);
  auto host = std::make_unique<player_host>(*this, with, players);
  for (int i = 0; i < 400; ++i) {
    int partition = static_cast<int>(random() % causes.size());
    host->send(chosen(), counted("", causes[partition]++, partition));
    if (random() % 5 == 0)
      REQUIRE(host->finish());
    if (random() % 20 == 0) {
      // A restart, or nobody asked for a while.
      REQUIRE(host->finish());
      if (random() % 2 == 0)
        follow();
      if (random() % 2 == 0)
        host = std::make_unique<player_host>(*this, with, players);
      else
        host->host.passivate(random() % keys);
    }
  }
  REQUIRE(host->finish());
  CHECK(snapshots->counts().taken > 10);
  CHECK(snapshots->counts().used > 0);
  CHECK(snapshots->counts().refused == 0);
  follow();

  player_host from_snapshots{*this, with, players};
  player_host from_log{*this, without, players};
  std::map<std::string, bytes> states;
  for (std::size_t i = 0; i < keys; ++i) {
    auto player = "p" + std::to_string(i);
    states[player] = state_of(from_log, player);
    CHECK(state_of(from_snapshots, player) == states[player]);
  }
  REQUIRE(*rows->clear() > 0);
  auto used = snapshots->counts().used;
  player_host afterwards{*this, with, players};
  for (auto& [player, state] : states)
    CHECK(state_of(afterwards, player) == state);
  CHECK(snapshots->counts().used == used);

  // And the fold itself, without a host.
  std::map<std::string, player_state> folded;
  REQUIRE(for_each_record(*log, {players.number, 0}, {0},
    log->committed_end({players.number, 0}),
    [&](const record_view& record) -> result<void> {
      player_aggregate::evolve(folded[std::string{*record.key}],
        *codec->decode(*record.value), record.at);
      return {};
    }));
  for (auto& [player, state] : folded)
    CHECK(player_aggregate::encode_state(state) == states[player]);
}

TEST_CASE_METHOD(
  snapshot_fixture, "a match comes back from its snapshot as it was") {
  use({1, 1u << 30, std::chrono::hours(1)});
  auto game = simulate::make_game(11, 0, {});
  match_host host{*this, with, matches};
  auto document = riot::read_document(simulate::match_document(game));
  REQUIRE(document);
  auto& completed = std::get<event::match_completed>(document->content);
  completed.contentHash = "aa";
  auto summary
    = std::make_shared<const riot::match_summary>(riot::summarize(completed));
  auto key = completed.matchId;
  observe_live look_at;
  look_at.match_id = key;
  look_at.observed_ms = 77;
  auto seen = std::make_shared<riot::live_observation>();
  seen->game_time = 12.25;
  seen->game_mode = "CLASSIC";
  seen->participants.resize(2);
  seen->participants[0].participantId = 1;
  seen->events.resize(1);
  seen->events[0].eventId = 4;
  look_at.seen = seen;
  host.send(key, match_command{look_at});
  REQUIRE(host.finish());
  host.send(key,
    match_command{
      record_match{std::make_shared<const any_event>(completed), summary}});
  auto timeline = riot::read_document(simulate::timeline_document(game));
  REQUIRE(timeline);
  auto& recorded = std::get<event::match_timeline_recorded>(timeline->content);
  recorded.contentHash = "bb";
  host.send(key,
    match_command{record_timeline{std::make_shared<const any_event>(recorded),
      std::make_shared<const riot::timeline_summary>(riot::replay(recorded))}});
  REQUIRE(host.finish());
  auto state = *host.host.encoded_state(key);
  auto decoded = match_aggregate::decode_state(state);
  REQUIRE(decoded);
  CHECK(decoded->documents
    == std::map<std::string, offset>{{"aa", {2}}, {"bb", {3}}});
  CHECK(decoded->started == offset{0});
  CHECK(decoded->live_at == offset{1});
  CHECK(decoded->live.last_event_id == 4);
  CHECK(decoded->live_observed_ms == 77);
  CHECK(decoded->live_source == "live-client");
  CHECK(decoded->completed->at == offset{2});
  CHECK(decoded->completed->revision == 1);
  CHECK(decoded->timeline->at == offset{3});
  CHECK(decoded->summary == *summary);
  CHECK(decoded->replay);
  CHECK(match_aggregate::encode_state(*decoded) == state);

  for (auto* services : {&with, &without}) {
    match_host again{*this, *services, matches};
    again.send(key,
      match_command{
        record_match{std::make_shared<const any_event>(completed), summary}});
    CHECK(again.host.encoded_state(key) == state);
  }
  CHECK(snapshots->counts().used == 1);
}

TEST_CASE_METHOD(snapshot_fixture,
  "a snapshot that cannot be believed is refused, counted and replaced") {
  followed_partition where{players.id.value, 0};
  {
    player_host host{*this, with, players};
    for (int i = 0; i < 15; ++i)
      host.send("p", counted("p", i));
    REQUIRE(host.finish());
  }
  auto sound = *rows->get(where, "p");
  REQUIRE(sound);
  auto put = [&](const state_snapshot& snapshot) {
    rows->put(
      where, "p", snapshot, [](const result<void>& done) { CHECK(done); });
    rows->turn();
  };
  auto bad = *sound;
  std::string what = GENERATE(as<std::string>{}, "incarnation", "version",
    "fingerprint", "ahead", "undecodable", "damaged");
  CAPTURE(what);
  if (what == "incarnation")
    bad.incarnation += 1;
  if (what == "version")
    bad.format.version += 1;
  if (what == "fingerprint")
    bad.format.fingerprint += 1;
  if (what == "ahead")
    bad.next = {16};
  if (what == "undecodable")
    bad.state = "\xc1";
  // Were it believed, it would show.
  else
    bad.state = player_aggregate::encode_state({});
  put(bad);
  if (what == "damaged")
    REQUIRE(views->update([&](view_transaction& all) -> result<void> {
      bytes key, row;
      all.scan(snapshot_store::table, {}, scan_order::forward, 1,
        [&](bytes_view k, bytes_view r) {
          key = k;
          row = r;
          return true;
        });
      row[row.size() / 2] = static_cast<char>(row[row.size() / 2] ^ 1);
      all.put(snapshot_store::table, key, row);
      return {};
    }));
  player_host from_log{*this, without, players};
  player_host host{*this, with, players};
  CHECK(state_of(host, "p") == state_of(from_log, "p"));
  CHECK(snapshots->counts().refused == 1);
  CHECK(snapshots->counts().used == 0);
  // The next one finds a good one in its place.
  player_host next{*this, with, players};
  CHECK(state_of(next, "p") == state_of(from_log, "p"));
  CHECK(snapshots->counts().refused == 1);
  CHECK(snapshots->counts().used == 1);
  CHECK(metrics.exposition().find("herald_snapshots_refused_total 1")
    != std::string::npos);
}

TEST_CASE_METHOD(snapshot_fixture,
  "a restored log makes the snapshots of its old life worthless") {
  {
    player_host host{*this, with, players};
    for (int i = 0; i < 10; ++i)
      host.send("p", counted("p", i));
    REQUIRE(host.finish());
  }
  REQUIRE(log->renew_incarnation());
  player_host host{*this, with, players};
  state_of(host, "p");
  CHECK(snapshots->counts().refused == 1);
}

TEST_CASE_METHOD(snapshot_fixture,
  "the index shows the records of a key from any offset on, across batches") {
  {
    player_host host{*this, without, players};
    for (int i = 0; i < 60; ++i) {
      host.send(i % 3 ? "odd" : "even", counted("", i));
      if (i % 7 == 0)
        REQUIRE(host.finish());
    }
    REQUIRE(host.finish());
  }
  if (GENERATE(false, true))
    follow();
  for (std::uint64_t from = 0; from <= 60; ++from)
    for (std::uint64_t end : {std::uint64_t{31}, std::uint64_t{60}})
      for (std::size_t count : {std::size_t{3}, ~std::size_t{0}}) {
        std::vector<std::uint64_t> seen, expected;
        REQUIRE(index.for_each_event(
          {players.number, 0}, "even", {from}, {end},
          [&](const record_view& record) -> result<void> {
            seen.push_back(record.at.value);
            return {};
          },
          count));
        for (auto at = from; at < end && expected.size() < count; ++at)
          if (at % 3 == 0)
            expected.push_back(at);
        CHECK(seen == expected);
      }
}

TEST_CASE("any change of a stored state's fields makes another format") {
  CHECK(match_aggregate::stored_format() != player_aggregate::stored_format());
  auto& described = type_of<match_snapshot>();
  CHECK(format_of(described, 1) == match_aggregate::stored_format());
  CHECK(
    format_of(described, 1).fingerprint == format_of(described, 2).fingerprint);
  CHECK(format_of(described, 1) != format_of(described, 2));
}
