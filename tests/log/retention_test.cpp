#include "tests/log/fixture.hpp"

#include "engine/log/archive.hpp"
#include "engine/log/backup.hpp"
#include "engine/log/retention.hpp"

#include <catch2/catch.hpp>

namespace herald {

namespace {

using strings = std::vector<std::string>;

struct retention_fixture : log_fixture {
  std::vector<log_deletion> announced;
  std::optional<follower_position> follower;
  std::optional<failure> refusal_to_announce;
  offset closed_below;
  strings alerts;
  std::unique_ptr<retention> keeper;

  void make(retention_settings limits = {}) {
    retention_seams seams;
    seams.slowest = [this](partition_id where) {
      return where == match ? follower : std::nullopt;
    };
    seams.announce = [this](const log_deletion& what) -> result<void> {
      // Before it happens.
      CHECK(log->log_start(match) <= what.from);
      if (refusal_to_announce)
        return std::unexpected{*refusal_to_announce};
      announced.push_back(what);
      return {};
    };
    seams.state_end = [this](partition_id, const state_retention& rule, offset,
                        offset, std::int64_t) -> result<offset> {
      CHECK(rule.state == "closed");
      return closed_below;
    };
    seams.on_held = [this](std::string_view topic, std::size_t count,
                      const retention_hold* hold) {
      alerts.push_back(std::string{topic} + " " + std::to_string(count)
        + (hold ? " " + hold->follower : ""));
    };
    seams.on_failure
      = [this](std::string_view topic, std::uint32_t, const failure& why) {
          alerts.push_back(std::string{topic} + ": " + why.message);
        };
    keeper = std::make_unique<retention>(*log, seams, limits);
  }

  void set(const std::string& name, const std::string& value) {
    std::vector<setting_change> changes{{name, value}};
    auto done = log->alter_topic("match", changes);
    if (!done)
      FAIL(done.error().message);
  }

  void append_days(int count) {
    for (auto day = 0; day < count; ++day)
      append({"of day " + std::to_string(day)}, day * 86'400'000ll);
  }

  static std::int64_t day(int number) { return number * 86'400'000ll; }
};

} // namespace

TEST_CASE_METHOD(retention_fixture, "nothing goes unless somebody said so") {
  append_days(5);
  make();
  CHECK(keeper->turn(day(1'000)) == retention_turn{});
  CHECK(log->log_start(match) == offset{0});
  CHECK(announced.empty());
}

TEST_CASE_METHOD(retention_fixture, "old records go, announced before") {
  append_days(6);
  set("retention.ms", "2 d");
  make();
  auto did = keeper->turn(day(5));
  CHECK(did.batches_deleted == 3);
  CHECK(log->log_start(match) == offset{3});
  REQUIRE(announced.size() == 1);
  CHECK(announced[0].topic == "match");
  CHECK(announced[0].from == offset{0});
  CHECK(announced[0].to == offset{3});
  CHECK(announced[0].bytes == did.bytes_deleted);
  CHECK(announced[0].reason == "retention.ms=172800000");
  CHECK(announced[0].principal == "retention");
  CHECK(keeper->turn(day(5)) == retention_turn{});
  // The newest batch stays, however old.
  keeper->turn(day(500));
  CHECK(values({5}) == strings{"of day 5"});
  CHECK(log->log_start(match) == offset{5});
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(retention_fixture, "what cannot be announced stays") {
  append_days(6);
  set("retention.ms", "2 d");
  make();
  refusal_to_announce = failure{fault::storage_full, "no room"};
  CHECK(keeper->turn(day(5)).partitions_failed == 1);
  CHECK(log->log_start(match) == offset{0});
  CHECK(alerts == strings{"match: no room"});
  CHECK(keeper->remove(match, {2}, "somebody").error().message == "no room");
  log->create_topic("chat", 1);
  CHECK_FALSE(keeper->delete_topic("chat", "somebody"));
  CHECK(log->find_topic("chat"));
}

TEST_CASE_METHOD(
  retention_fixture, "nothing is announced while a backup is at work") {
  append_days(6);
  set("retention.ms", "2 d");
  make();
  scratch_folder elsewhere;
  backup_settings settings;
  settings.on_progress = [&](const backup_progress&) {
    CHECK(keeper->turn(day(5)) == retention_turn{});
    CHECK(keeper->remove(match, {2}, "somebody").error().code == fault::busy);
    CHECK(keeper->delete_topic("match", "x").error().code == fault::busy);
    return true;
  };
  REQUIRE(back_up(*log, elsewhere.path() / "backup", settings));
  CHECK(announced.empty());
  CHECK(alerts.empty());
  CHECK(keeper->turn(day(5)).batches_deleted == 3);
}

TEST_CASE_METHOD(
  retention_fixture, "whole segments go when all in them is old") {
  append_days(8);
  set("retention.ms", "2 d");
  make();
  archive_settings small;
  small.segment_bytes = 1;
  REQUIRE(log->archive(match, {4}, small));
  REQUIRE(log->segments(match).size() == 4);
  CHECK(keeper->turn(day(4)).batches_deleted == 2);
  CHECK(log->log_start(match) == offset{2});
  CHECK(log->segments(match).size() == 2);
  CHECK(keeper->turn(day(7)).batches_deleted == 3);
  CHECK(log->log_start(match) == offset{5});
  CHECK(log->segments(match).empty());
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(retention_fixture, "a partition keeps so many bytes") {
  for (auto i = 0; i < 50; ++i)
    append({std::string(7'000, 'x')});
  set("retention.bytes", "100 KiB");
  make();
  keeper->turn(0);
  auto left = *log->stored_bytes(match);
  CHECK(left >= 100 * 1'024);
  CHECK(left < 120 * 1'024);
  CHECK(announced[0].reason == "retention.bytes=102400");
  CHECK(keeper->turn(0).batches_deleted == 0);
}

TEST_CASE_METHOD(retention_fixture, "what has long been closed goes") {
  append_days(6);
  set("herald.retention.state", "closed + 90 d");
  make();
  closed_below = {2};
  keeper->turn(day(100));
  CHECK(log->log_start(match) == offset{2});
  CHECK(announced[0].reason == "herald.retention.state=closed + 90 d");
  closed_below = {6};
  keeper->turn(day(100));
  CHECK(log->log_start(match) == offset{5});
}

TEST_CASE_METHOD(retention_fixture, "a follower that is behind is waited for") {
  append_days(6);
  set("retention.ms", "1 d");
  follower = {"slow", {2}};
  make();
  keeper->turn(day(6));
  CHECK(log->log_start(match) == offset{2});
  CHECK(announced.at(0).to == offset{2});
  CHECK(alerts == strings{"match 1 slow"});
  auto holds = keeper->holds();
  REQUIRE(holds.size() == 1);
  CHECK(holds[0] == retention_hold{"match", 0, "slow", {2}, {5}});
  auto asked = keeper->remove(match, {4}, "somebody");
  REQUIRE_FALSE(asked);
  CHECK(asked.error().code == fault::conflict);
  keeper->turn(day(6));
  CHECK(alerts.size() == 1);
  follower->next = {6};
  keeper->turn(day(6));
  CHECK(log->log_start(match) == offset{5});
  CHECK(alerts == strings{"match 1 slow", "match 0"});
  CHECK(keeper->holds().empty());
}

TEST_CASE_METHOD(retention_fixture, "a turn deletes so much and no more") {
  append_days(20);
  set("retention.ms", "1 d");
  make({.batches_max = 3});
  for (auto turn = 1; turn <= 6; ++turn) {
    keeper->turn(day(20));
    CHECK(log->log_start(match).value == static_cast<std::uint64_t>(turn * 3));
  }
}

TEST_CASE_METHOD(retention_fixture, "somebody may delete records by hand") {
  append({"a", "b", "c"});
  append({"d"});
  make();
  CHECK(keeper->remove(match, {2}, "somebody") == offset{2});
  CHECK(announced.at(0).bytes == 0);
  CHECK(announced[0].principal == "somebody");
  CHECK(keeper->remove(match, {1}, "somebody") == offset{2});
  CHECK(keeper->remove(match, {9}, "somebody").error().code
    == fault::invalid_input);
  CHECK(
    keeper->remove({99, 0}, {0}, "somebody").error().code == fault::not_found);
  partition_id schemas{log->find_topic(schemas_topic)->number, 0};
  CHECK(
    keeper->remove(schemas, {0}, "somebody").error().code == fault::forbidden);
  CHECK(keeper->remove(match, {4}, "somebody") == offset{4});
}

TEST_CASE_METHOD(
  retention_fixture, "a segment is announced before it is detached") {
  append_days(6);
  make();
  REQUIRE(log->archive(match, {3}, {}));
  REQUIRE(log->archive(match, {5}, {}));
  auto segments = log->segments(match);
  REQUIRE(segments.size() == 2);
  follower = follower_position{"view matches", {2}};
  auto behind = keeper->detach(segments[0].file, "ops");
  CHECK(behind.error().code == fault::conflict);
  CHECK(behind.error().message
    == "view matches has read match/0 up to 2 only: wait for it");
  follower.reset();
  CHECK(
    keeper->detach(segments[1].file, "ops").error().code == fault::conflict);
  CHECK(keeper->detach("other", "ops").error().code == fault::not_found);
  CHECK(announced.empty());
  REQUIRE(keeper->detach(segments[0].file, "ops"));
  REQUIRE(announced.size() == 1);
  CHECK(announced[0]
    == log_deletion{"match", 0, {0}, {3}, segments[0].file_bytes,
      "detached to " + segments[0].file, "ops"});
  CHECK(log->log_start(match) == offset{3});
  refusal_to_announce = failure{fault::storage_full, "no room"};
  CHECK(keeper->detach(segments[1].file, "ops").error().code
    == fault::storage_full);
  CHECK(log->log_start(match) == offset{3});
}

TEST_CASE_METHOD(retention_fixture, "a topic is announced before it goes") {
  auto chat = log->create_topic("chat", 2);
  append_to({chat->number, 1}, {"x"});
  make();
  CHECK(keeper->delete_topic("nothing", "somebody").error().code
    == fault::not_found);
  REQUIRE(keeper->delete_topic("chat", "somebody"));
  CHECK_FALSE(log->find_topic("chat"));
  REQUIRE(announced.size() == 2);
  CHECK(announced[1].topic == "chat");
  CHECK(announced[1].to == offset{1});
  CHECK(announced[1].reason == "topic deleted");
  CHECK(keeper->turn(0) == retention_turn{});
}

TEST_CASE_METHOD(retention_fixture, "topics that ask for it are compacted") {
  append({"1"});
  append({"2"});
  append({"3"});
  set("cleanup.policy", "compact");
  set("min.cleanable.dirty.ratio", "0");
  make();
  CHECK(keeper->turn(10'000).records_compacted == 1);
  CHECK(values() == strings{"2", "3"});
}

TEST_CASE_METHOD(retention_fixture, "what a crash left is deleted later") {
  append_days(6);
  auto stop = [] { return false; };
  REQUIRE(log->trim(match, {4}, {.batches_max = 1, .go_on = stop}));
  reopen();
  make();
  CHECK(keeper->turn(0).batches_deleted == 3);
  CHECK((*log->first_stored(match))->base == offset{4});
}

} // namespace herald
