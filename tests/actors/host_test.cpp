#include "actors/aggregate_host.hpp"

#include "actors/host_actor.hpp"
#include "actors/projections.hpp"
#include "engine/store/follower.hpp"
#include "tests/actors/deterministic.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>

using namespace herald;
namespace fs = std::filesystem;

namespace {

struct temporary_folder {
  temporary_folder() {
    auto pattern = (fs::temp_directory_path() / "herald-host-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~temporary_folder() { fs::remove_all(path); }
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

/// A log with one partition of `player`, a writer whose crank the test turns,
/// and a supervised host under CAF's deterministic scheduler.
struct host_fixture {
  temporary_folder folder;
  std::unique_ptr<event_log> log = *event_log::open(folder.path, small_log());
  topic_info topic = *log->create_topic("player", 1);
  topic_info matches = *log->create_topic("match", 1);
  std::unique_ptr<event_codec> codec = *event_codec::make(*log);
  std::unique_ptr<view_store> views = *view_store::open(folder.path);
  event_index index{*log, *views};
  event_index_projection indexing{{"player"}};
  log_writer writer{*log, by_hand()};
  host_services services{
    log.get(), &writer, codec.get(), [] { return 1'000; }, &index};
  supervision_tree tree;
  deterministic_system node;
  player_host_actor host;

  host_fixture() {
    REQUIRE(views->open_tables(indexing.tables()));
    host = spawn_player_hosts(node.system, &tree, &services, topic)[0];
    node.run();
  }

  ~host_fixture() {
    auto guardian = caf::actor_cast<caf::actor>(host);
    host = nullptr;
    node.end(guardian);
  }

  std::vector<result<command_outcome>> answers;

  void count(const std::string& player, int cause) {
    auto message = std::make_shared<addressed_command<count_match>>();
    message->key = player;
    message->body.player_id = player;
    message->body.match_id = "EUW1_" + std::to_string(cause);
    message->body.cause_offset = cause;
    message->body.match.games = 1;
    message->causation = position{{matches.number, 0}, {std::uint64_t(cause)}};
    message->answer = reply<command_outcome>{
      [this](result<command_outcome> told) { answers.push_back(told); }};
    caf::anon_send(host, command_atom::value, message);
  }

  void turn_log_writer() {
    while (writer.turn() > 0) {
    }
    node.run();
  }

  std::uint64_t committed() {
    return log->committed_end({topic.number, 0}).value;
  }
};

} // namespace

TEST_CASE_METHOD(host_fixture, "no command is answered before its commit") {
  count("p", 1);
  node.run();
  CHECK(answers.empty());
  CHECK(committed() == 0);
  turn_log_writer();
  REQUIRE(answers.size() == 1);
  CHECK(answers[0]->what == command_outcome::kind::recorded);
  CHECK(answers[0]->at.at == offset{0});
  CHECK(committed() == 1);
}

TEST_CASE_METHOD(
  host_fixture, "commands that arrive together share one batch") {
  for (int i = 0; i < 10; ++i)
    count("p" + std::to_string(i), 1);
  node.run();
  turn_log_writer();
  CHECK(answers.size() == 10);
  auto batches = log->read({topic.number, 0}, {0}, 1u << 20);
  REQUIRE(batches);
  CHECK(batches->size() == 1);
  for (std::uint64_t i = 0; i < 10; ++i)
    CHECK(answers[i]->at.at.value == i);
}

TEST_CASE_METHOD(host_fixture,
  "an answer that rests on an event which is on its way waits for it") {
  count("p", 1);
  node.run();
  count("p", 1);
  node.run();
  CHECK(answers.empty());
  turn_log_writer();
  REQUIRE(answers.size() == 2);
  CHECK(answers[0]->what == command_outcome::kind::recorded);
  CHECK(answers[1]->what == command_outcome::kind::unchanged);
  CHECK(answers[1]->at == answers[0]->at);
  CHECK(committed() == 1);
}

TEST_CASE_METHOD(host_fixture,
  "the next command is decided on the state that "
  "the last one will leave") {
  count("p", 1);
  node.run();
  count("p", 2);
  node.run();
  turn_log_writer();
  REQUIRE(answers.size() == 2);
  std::int32_t games = 0;
  REQUIRE(for_each_record(*log, {topic.number, 0}, {1}, {2},
    [&](const record_view& record) -> result<void> {
      auto event = codec->decode(*record.value);
      REQUIRE(event);
      games = std::get<event::player_stats_updated>(*event).totals.games;
      auto headers = decode_headers(record, *log);
      CHECK(headers.causation == position{{matches.number, 0}, {2}});
      return {};
    }));
  CHECK(games == 2);
}

TEST_CASE_METHOD(host_fixture,
  "a restarted host brings its states back from the log, with or without the "
  "index") {
  for (int i = 1; i <= 5; ++i)
    count(i % 2 ? "odd" : "even", i);
  node.run();
  turn_log_writer();
  bool indexed = GENERATE(false, true);
  if (indexed) {
    follower_settings settings;
    settings.own_thread = false;
    follower_driver driver{*log, *views, settings};
    driver.add(indexing);
    REQUIRE(driver.start());
    while (*driver.turn() > 0) {
    }
  }
  // A second host of the same partition, as a restart makes it.
  auto fresh = spawn_player_hosts(node.system, &tree, &services, topic)[0];
  node.run();
  std::swap(host, fresh);
  answers.clear();
  count("odd", 5);
  count("odd", 6);
  node.run();
  turn_log_writer();
  REQUIRE(answers.size() == 2);
  CHECK(answers[0]->what == command_outcome::kind::unchanged);
  CHECK(answers[1]->what == command_outcome::kind::recorded);
  CHECK(answers[1]->at.at == offset{5});
  auto guardian = caf::actor_cast<caf::actor>(fresh);
  fresh = nullptr;
  node.end(guardian);
}

TEST_CASE_METHOD(host_fixture,
  "a host whose append fails tells everybody and starts again from the log") {
  count("p", 1);
  node.run();
  // The writer refuses: it was stopped while the batch waited to be handed
  // over.
  turn_log_writer();
  writer.stop();
  answers.clear();
  count("p", 2);
  count("p", 2);
  node.run();
  node.run();
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].error().code == fault::unavailable);
  CHECK(answers[1].error().code == fault::unavailable);
  CHECK(tree.restarts() == 1);
  CHECK(committed() == 1);
}

TEST_CASE_METHOD(host_fixture, "states that nobody uses are let go of") {
  aggregate_host<player_aggregate> plain{
    services, {topic.number, 0}, [](std::uint64_t, const append_outcome&) {}};
  auto command = [&](const std::string& player) {
    addressed_command<count_match> next;
    next.key = next.body.player_id = player;
    next.body.cause_offset = 1;
    plain.handle(std::move(next));
  };
  for (int i = 0; i < 10; ++i)
    command(std::to_string(i));
  CHECK(plain.active() == 10);
  plain.passivate(4);
  CHECK(plain.active() == 10); // their events are on their way
  plain.flush();
  turn_log_writer();
  REQUIRE(plain.settle(0, appended{{topic.number, 0}, {0}, {10}}));
  plain.passivate(4);
  CHECK(plain.active() == 4);
}

TEST_CASE_METHOD(host_fixture,
  "payloads of an older schema become today's "
  "events") {
  event::player_stats_updated updated;
  updated.playerId = "p";
  updated.totals.games = 3;
  auto bytes = codec->encode(any_event{updated});
  auto back = codec->decode(bytes);
  REQUIRE(back);
  CHECK(std::get<event::player_stats_updated>(*back) == updated);
  CHECK(name_of(*back) == "player.stats.updated");

  // The same fields in another order, as an older version may have had them,
  // without those that have come since.
  auto id = log->register_schema("player-herald.player.stats.updated",
    R"({"type":"record","name":"updated","namespace":"herald.player.stats",)"
    R"("fields":[{"name":"matchId","type":"string"}]})");
  REQUIRE(id);
  std::string old{'\0'};
  for (int shift = 24; shift >= 0; shift -= 8)
    old += static_cast<char>(*id >> shift);
  old += "\x0c"
         "EUW1_7";
  auto brought_up = codec->decode(old);
  // Fields without a default cannot be made up: that is said, not guessed.
  REQUIRE(!brought_up);
  CHECK(brought_up.error().code == fault::damaged);
  CHECK(!codec->decode(std::string{"\0\0\0\x7f\x7f", 5}));
  CHECK(!codec->decode(""));
  CHECK(!codec->decode(bytes.substr(0, bytes.size() - 1)));
}
