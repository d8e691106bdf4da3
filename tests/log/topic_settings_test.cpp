#include "tests/log/fixture.hpp"

#include <catch2/catch.hpp>

#include <set>

namespace herald {

namespace {

std::string refusal_of(const std::string& name, const std::string& value) {
  topic_settings settings;
  auto done = settings.set(name, value);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == fault::invalid_input);
  CHECK(settings == topic_settings{});
  return done.error().message;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("what nobody has set is Kafka's default, and kept for ever") {
  topic_settings settings;
  CHECK(settings.deletes());
  CHECK_FALSE(settings.compacts());
  CHECK_FALSE(settings.retention_ms());
  CHECK_FALSE(settings.retention_bytes());
  CHECK_FALSE(settings.retention_state());
  CHECK(settings.max_message_bytes() == 1'048'588);
  CHECK_FALSE(settings.log_append_time());
  CHECK(settings.delete_retention_ms() == 86'400'000);
  CHECK(settings.given().empty());
  for (auto& known : topic_settings::known()) {
    CHECK(settings.get(known.name) == known.fallback);
    if (!known.fallback.empty()) {
      INFO(known.name);
      CHECK(settings.set(known.name, known.fallback));
      CHECK(settings.get(known.name) == known.fallback);
    }
  }
}

TEST_CASE("durations and sizes have units and are kept as Kafka has them") {
  topic_settings settings;
  REQUIRE(settings.set("retention.ms", "7 d"));
  CHECK(settings.get("retention.ms") == "604800000");
  CHECK(settings.retention_ms() == 604'800'000);
  REQUIRE(settings.set("retention.ms", "90000"));
  CHECK(settings.retention_ms() == 90'000);
  REQUIRE(settings.set("retention.ms", "-1"));
  CHECK_FALSE(settings.retention_ms());
  REQUIRE(settings.set("retention.bytes", "1 GiB"));
  CHECK(settings.retention_bytes() == 1u << 30);
  REQUIRE(settings.set("herald.retention.state", "closed + 90 d"));
  CHECK(settings.retention_state() == state_retention{"closed", 7'776'000'000});
  REQUIRE(settings.set("cleanup.policy", "compact,delete"));
  CHECK(settings.deletes());
  CHECK(settings.compacts());
  REQUIRE(settings.unset("cleanup.policy"));
  CHECK_FALSE(settings.compacts());
  CHECK_FALSE(settings.is_set("cleanup.policy"));
}

TEST_CASE("what has no effect here is kept and reported all the same") {
  topic_settings settings;
  REQUIRE(settings.set("segment.bytes", "52428800"));
  REQUIRE(settings.set("min.insync.replicas", "2"));
  CHECK(settings.get("segment.bytes") == "52428800");
  CHECK(settings.given().size() == 2);
  CHECK_FALSE(topic_settings::find("segment.bytes")->effective);
}

TEST_CASE("an unknown setting or value is refused with what is allowed") {
  CHECK(has(refusal_of("retention", "1"), "retention.ms"));
  CHECK(has(refusal_of("retention", "1"), "'retention'"));
  auto unit = refusal_of("retention.ms", "3 weeks");
  CHECK(has(unit, "retention.ms"));
  CHECK(has(unit, "3 weeks"));
  CHECK(has(unit, "min, h, d"));
  CHECK(has(refusal_of("retention.bytes", "1 GB"), "GiB"));
  CHECK(has(refusal_of("cleanup.policy", "shred"), "delete, compact"));
  refusal_of("cleanup.policy", "delete,delete");
  refusal_of("cleanup.policy", "");
  refusal_of("retention.ms", "-2");
  refusal_of("retention.ms", "99999999999999999999");
  refusal_of("retention.ms", "9223372036854775807 d");
  CHECK(has(refusal_of("max.message.bytes", "25 MiB"), "24 MiB"));
  refusal_of("max.message.bytes", "0");
  refusal_of("compression.type", "zstd");
  refusal_of("preallocate", "yes");
  refusal_of("min.cleanable.dirty.ratio", "1.5");
  refusal_of("min.cleanable.dirty.ratio", "half");
  refusal_of("herald.retention.state", "closed");
  refusal_of("herald.retention.state", "+ 3 d");
  CHECK(has(refusal_of("preallocate", "a\nb"), "a\\x0ab"));
}

TEST_CASE("of several changes all happen or none") {
  topic_settings settings;
  std::vector<setting_change> changes{
    {"retention.ms", "1 d"}, {"cleanup.policy", "nothing"}};
  CHECK_FALSE(settings.apply(changes));
  CHECK(settings.given().empty());
  changes[1].value = "compact";
  REQUIRE(settings.apply(changes));
  changes = {{"retention.ms", std::nullopt}};
  REQUIRE(settings.apply(changes));
  CHECK(settings.given().size() == 1);
}

TEST_CASE("a client's batch must fit, and have keys where keys count") {
  topic_settings settings;
  batch_builder builder{1};
  builder.add("a", "1", 1);
  builder.add(std::nullopt, "2", 1);
  auto data = builder.finish(compression::zstd);
  auto batch = *batch_view::parse(data);
  CHECK(check_at_door(settings, batch));
  REQUIRE(settings.set("cleanup.policy", "compact"));
  auto keyless = check_at_door(settings, batch);
  REQUIRE_FALSE(keyless);
  CHECK(keyless.error().code == fault::invalid_input);
  CHECK(has(keyless.error().message, "record 1"));
  REQUIRE(settings.set("max.message.bytes", "60"));
  CHECK(check_at_door(settings, batch).error().code == fault::too_large);
}

TEST_CASE_METHOD(log_fixture, "settings of a topic outlive the log's closing") {
  topic_settings wanted;
  REQUIRE(wanted.set("retention.ms", "1 h"));
  auto topic = log->create_topic("chat", 2, wanted);
  REQUIRE(topic);
  CHECK(log->settings_of(topic->number)->retention_ms() == 3'600'000);
  std::vector<setting_change> changes{
    {"retention.ms", std::nullopt}, {"cleanup.policy", "compact"}};
  auto altered = log->alter_topic("chat", changes);
  REQUIRE(altered);
  CHECK(altered->compacts());
  reopen();
  auto settings = log->settings_of(topic->number);
  REQUIRE(settings);
  CHECK(*settings == *altered);
  CHECK(log->settings_of(match.topic)->given().empty());
  CHECK(log->settings_of(99) == nullptr);
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(log_fixture, "settings that cannot be are not stored") {
  std::vector<setting_change> changes{{"retention.ms", "soon"}};
  CHECK(
    log->alter_topic("match", changes).error().code == fault::invalid_input);
  CHECK(log->alter_topic("nothing", changes).error().code == fault::not_found);
  changes[0].value = "1 d";
  CHECK(
    log->alter_topic(schemas_topic, changes).error().code == fault::forbidden);
  settings.check_settings
    = [](std::string_view topic, const topic_settings& asked) -> result<void> {
    if (asked.retention_state())
      return fail(fault::invalid_input, "no state in " + std::string{topic});
    return {};
  };
  reopen();
  changes = {{"herald.retention.state", "closed + 1 d"}};
  CHECK(
    log->alter_topic("match", changes).error().message == "no state in match");
  CHECK(log->settings_of(match.topic)->given().empty());
}

TEST_CASE_METHOD(log_fixture, "append time is the time of the append") {
  std::int64_t now = 5'000;
  settings.now_ms = [&] { return now; };
  reopen();
  std::vector<setting_change> changes{
    {"message.timestamp.type", "LogAppendTime"}};
  REQUIRE(log->alter_topic("match", changes));
  append({"a"}, 1'000);
  CHECK(log->last_timestamp_ms(match) == 5'000);
  now = 4'000; // a clock that goes back
  append({"b"}, 9'000);
  CHECK(log->last_timestamp_ms(match) == 5'000);
  reopen();
  now = 6'000;
  append({"c"}, 1'000);
  CHECK(log->last_timestamp_ms(match) == 6'000);
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(log_fixture, "a deleted topic is gone, and its number too") {
  auto chat = log->create_topic("chat", 2);
  REQUIRE(chat);
  partition_id where{chat->number, 1};
  append_to(where, {"x", "y"});
  append({"kept"});
  REQUIRE(log->delete_topic("chat"));
  CHECK_FALSE(log->find_topic("chat"));
  CHECK_FALSE(log->find_topic(chat->number));
  CHECK_FALSE(log->has_partition(where));
  CHECK(log->committed_end(where) == offset{2});
  CHECK(log->read(where, {0}, 1'000).error().code == fault::not_found);
  CHECK(log->offset_at_time(where, 0).error().code == fault::not_found);
  CHECK(log->trim(where, {1}).error().code == fault::not_found);
  CHECK(log->compact(where, 0).error().code == fault::not_found);
  std::vector<append_item> group{{.where = where, .batch = batch_of({"late"})},
    {.where = match, .batch = batch_of({"in time"})}};
  REQUIRE(log->append(group));
  REQUIRE(group[0].refused);
  CHECK(group[0].refused->code == fault::not_found);
  CHECK(values() == std::vector<std::string>{"kept", "in time"});
  auto again = log->create_topic("chat", 1);
  REQUIRE(again);
  CHECK(again->number == chat->number + 1);
  CHECK(again->id != chat->id);
  REQUIRE(log->delete_topic("chat"));
  reopen();
  CHECK(log->create_topic("chat", 1)->number == chat->number + 2);
  CHECK(log->delete_topic("nothing").error().code == fault::not_found);
  CHECK(log->delete_topic(schemas_topic).error().code == fault::forbidden);
  auto report = verify();
  CHECK(report.problems.empty());
  CHECK(report.records == 2);
}

TEST_CASE_METHOD(
  log_fixture, "a deletion that a crash cut short is taken up step by step") {
  auto chat = log->create_topic("chat", 3);
  REQUIRE(chat);
  for (std::uint32_t i = 0; i < 12; ++i)
    append_to({chat->number, i % 3}, {std::string(5'000, 'x')});
  append({"kept"});
  step_settings step{.batches_max = 1, .go_on = [] { return false; }};
  REQUIRE(log->delete_topic("chat", step));
  auto commits = 0;
  for (auto more = true; more; ++commits) {
    auto report = verify();
    for (auto& problem : report.problems)
      FAIL_CHECK(to_string(problem));
    open();
    CHECK_FALSE(log->find_topic("chat"));
    CHECK(values() == std::vector<std::string>{"kept"});
    auto freed = log->free_deleted(step);
    REQUIRE(freed);
    more = *freed;
  }
  CHECK(commits >= 12);
  CHECK_FALSE(*log->free_deleted(step));
  CHECK(log->create_topic("chat", 3)->number == chat->number + 1);
  CHECK(verify().problems.empty());
}

TEST_CASE_METHOD(log_fixture, "topics may come and go for ever") {
  // More than there is room for at one time.
  std::set<std::uint32_t> numbers;
  for (auto i = 0; i < 20; ++i) {
    auto topic = log->create_topic("passing", 15);
    REQUIRE(topic);
    numbers.insert(topic->number);
    append_to({topic->number, 14}, {std::string(10'000, 'x')});
    CHECK(values().empty());
    REQUIRE(log->delete_topic("passing"));
  }
  CHECK(numbers.size() == 20);
  CHECK(log->usage().used_bytes < 2u << 20);
  CHECK(verify().problems.empty());
}

} // namespace herald
