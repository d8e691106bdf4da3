#include "engine/log/backup.hpp"

#include "engine/log/archive.hpp"
#include "engine/log/log_tables.hpp"
#include "engine/log/restore.hpp"
#include "tests/log/fixture.hpp"
#include "tests/log/segment_fixture.hpp"

#include <catch2/catch.hpp>

#include <fstream>

namespace herald {

namespace {

namespace fs = std::filesystem;

struct backup_fixture : log_fixture {
  scratch_folder elsewhere;
  fs::path backup = elsewhere.path() / "backup";
  fs::path data = elsewhere.path() / "restored";

  backup_fixture() {
    for (int i = 0; i < 40; ++i)
      append_to({match.topic, static_cast<std::uint32_t>(i % 2)},
        {"a" + std::to_string(i), "b" + std::to_string(i)}, 1'000 + i * 100);
    REQUIRE(log->register_schema("s", "\"int\""));
    setting_change change{"retention.ms", "1000000000"};
    REQUIRE(log->alter_topic("match", {&change, 1}));
  }

  backup_report back_up(const backup_settings& settings = {}) {
    auto made = herald::back_up(*log, backup, settings);
    REQUIRE(made);
    return *made;
  }

  /// All batches of a log, by topic name, partition and offset.
  static std::map<std::string, bytes> content(const event_log& log) {
    std::map<std::string, bytes> found;
    for (auto& topic : log.topics())
      for (std::uint32_t i = 0; i < topic.partitions; ++i) {
        partition_id where{topic.number, i};
        REQUIRE(log.visit(where, log.log_start(where),
          [&](offset base, offset, bytes_view batch) {
            found[topic.name + "/" + std::to_string(i) + "@"
              + std::to_string(base.value)]
              = batch;
            return true;
          }));
      }
    return found;
  }

  std::unique_ptr<event_log> restored() {
    auto opened = event_log::open(data, settings);
    REQUIRE(opened);
    return std::move(*opened);
  }
};

void damage_file(const fs::path& path, std::streamoff at) {
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  file.seekg(at);
  auto byte = file.get();
  file.seekp(at);
  file.put(static_cast<char>(byte ^ 1));
}

} // namespace

TEST_CASE_METHOD(backup_fixture, "a restored log equals the original") {
  auto archive = GENERATE(false, true);
  if (archive)
    REQUIRE(log->archive(match, {30}, {.segment_bytes = 600}));
  auto before = content(*log);
  auto report = back_up();
  CHECK(report.positions
    == std::vector<backup_position>{{"_schemas", 0, {0}, {1}},
      {"match", 0, {0}, {40}}, {"match", 1, {0}, {40}},
      {"match", 2, {0}, {0}}});
  CHECK(report.records == 81);
  auto told = restore_backup(backup, data);
  REQUIRE(told);
  CHECK(told->positions == report.positions);
  {
    auto copy = restored();
    CHECK(content(*copy) == before);
    CHECK(copy->topics() == log->topics());
    CHECK(copy->cluster_id() == log->cluster_id());
    CHECK(copy->incarnation() != log->incarnation());
    CHECK(copy->schema(1) == "\"int\"");
    CHECK(copy->settings_of(match.topic)->is_set("retention.ms"));
    CHECK(copy->segments(match) == log->segments(match));
    CHECK(copy->last_timestamp_ms(match) == log->last_timestamp_ms(match));
    append_item item{.where = match, .batch = batch_of({"new"}, 99'000)};
    REQUIRE(copy->append({&item, 1}));
    CHECK(item.first == offset{40});
  }
  auto verified = verify_log(data);
  REQUIRE(verified);
  CHECK(verified->problems.empty());
}

TEST_CASE_METHOD(
  backup_fixture, "a backup is a prefix although appends go on beside it") {
  auto before = content(*log);
  int steps = 0;
  backup_settings settings;
  settings.read_bytes = 200;
  settings.on_progress = [&](const backup_progress& now) {
    CHECK(now.bytes <= now.bytes_total);
    ++steps;
    append({"while it runs"}, 50'000);
    // Nobody deletes meanwhile.
    CHECK(log->trim(match, {10}).error().code == fault::busy);
    CHECK(log->archive(match, {10}, {}).error().code == fault::busy);
    return true;
  };
  settings.copy_vault = [&](const fs::path& to) -> result<void> {
    // Later than the positions.
    append({"before the vault"}, 40'000);
    fs::create_directory(to);
    std::ofstream{to / "data.mdb"} << "vault";
    return {};
  };
  auto report = back_up(settings);
  CHECK(steps > 10);
  REQUIRE(restore_backup(backup, data));
  CHECK(content(*restored()) == before);
  std::ifstream vault{data / "vault" / "data.mdb"};
  std::string text;
  vault >> text;
  CHECK(text == "vault");
}

TEST_CASE_METHOD(backup_fixture, "a backup takes the time it was given") {
  std::chrono::nanoseconds now{0};
  backup_settings settings;
  settings.bytes_per_second = 1'000;
  settings.read_bytes = 200;
  std::uint64_t bytes = 0;
  settings.now = [&] { return now; };
  settings.wait = [&](std::chrono::nanoseconds time) {
    CHECK(time.count() > 0);
    now += time;
  };
  settings.on_progress = [&](const backup_progress& at) {
    bytes = at.bytes;
    return true;
  };
  back_up(settings);
  CHECK(std::chrono::duration<double>(now).count()
    == Approx(static_cast<double>(bytes) / 1'000));
}

TEST_CASE_METHOD(backup_fixture, "a backup that was stopped is none") {
  backup_settings settings;
  settings.on_progress = [](const backup_progress&) { return false; };
  CHECK(
    herald::back_up(*log, backup, settings).error().code == fault::unavailable);
  CHECK(restore_backup(backup, data).error().code == fault::not_found);
  CHECK(!fs::exists(data));
  CHECK(herald::back_up(*log, backup).error().code == fault::invalid_input);
}

TEST_CASE_METHOD(
  backup_fixture, "a damaged or incomplete backup is refused with the place") {
  REQUIRE(log->archive(match, {30}, {.segment_bytes = 600}));
  back_up();
  REQUIRE(check_backup(backup));
  std::vector<fs::path> files;
  for (auto& each : fs::recursive_directory_iterator(backup))
    if (each.is_regular_file())
      files.push_back(each.path());
  CHECK(files.size() > 6);
  for (auto& file : files) {
    INFO(file);
    auto aside = elsewhere.path() / "aside";
    fs::copy_file(file, aside, fs::copy_options::overwrite_existing);
    auto refused = [&] {
      auto made = restore_backup(backup, data);
      REQUIRE(!made);
      CHECK((made.error().code == fault::damaged
        || made.error().code == fault::not_found));
      CHECK(made.error().message.find(backup.string()) != std::string::npos);
      CHECK(!fs::exists(data));
    };
    auto size = static_cast<std::streamoff>(fs::file_size(file));
    damage_file(file, size / 2);
    refused();
    fs::copy_file(aside, file, fs::copy_options::overwrite_existing);
    fs::resize_file(file, static_cast<std::uintmax_t>(size) - 1);
    refused();
    fs::remove(file);
    refused();
    fs::copy_file(aside, file);
  }
  CHECK(restore_backup(backup, data));
}

TEST_CASE_METHOD(
  backup_fixture, "nothing is restored over what is there already") {
  back_up();
  fs::create_directories(data);
  std::ofstream{data / "precious"} << "x";
  CHECK(restore_backup(backup, data).error().code == fault::invalid_input);
  CHECK(fs::exists(data / "precious"));
  fs::remove(data / "precious");
  // A restoration that was interrupted is no data folder.
  fs::create_directories(data / "restoring");
  CHECK(event_log::open(data, settings).error().code == fault::version);
}

TEST_CASE_METHOD(
  backup_fixture, "a compacted and a trimmed partition come back as they are") {
  std::vector<setting_change> compact{
    {"cleanup.policy", "compact"}, {"min.cleanable.dirty.ratio", "0"}};
  REQUIRE(log->alter_topic("match", compact));
  auto cleaned = log->compact(match, 1'000'000'000, {.even_if_clean = true});
  REQUIRE(cleaned);
  CHECK(cleaned->records_removed > 0);
  REQUIRE(log->trim({match.topic, 1}, {21}));
  auto before = content(*log);
  back_up();
  REQUIRE(restore_backup(backup, data));
  {
    auto copy = restored();
    CHECK(content(*copy) == before);
    CHECK(copy->log_start({match.topic, 1}) == offset{21});
    CHECK(copy->has_gaps(match));
  }
  auto verified = verify_log(data);
  REQUIRE(verified);
  CHECK(verified->problems.empty());
}

TEST_CASE_METHOD(backup_fixture, "what was not committed is not in a backup") {
  auto before = content(*log);
  append({"not visible"}, 60'000, false);
  back_up();
  REQUIRE(restore_backup(backup, data));
  auto copy = restored();
  CHECK(content(*copy) == before);
  CHECK(copy->log_end(match) == offset{40});
  CHECK(copy->last_timestamp_ms(match) == 1'000 + 38 * 100);
}

TEST_CASE_METHOD(
  backup_fixture, "what producers have sent is known to a restored log") {
  auto send = [](event_log& log, partition_id where, std::int32_t sequence,
                bool visible) {
    append_item item{
      .where = where, .batch = batch_of({std::to_string(sequence)}, 9'000)};
    set_producer(item.batch, 7, 0, sequence);
    REQUIRE(log.append({&item, 1}, visible));
    return item;
  };
  for (std::int32_t i = 0; i < 8; ++i)
    send(*log, match, i, true);
  REQUIRE(log->archive(match, {46}, {.segment_bytes = 600}));
  // Two are not committed: older ones are known in their place.
  send(*log, match, 8, false);
  send(*log, match, 9, false);
  back_up();
  REQUIRE(restore_backup(backup, data));
  auto verified = verify_log(data);
  REQUIRE(verified);
  CHECK(verified->problems.empty());
  auto copy = restored();
  CHECK(send(*copy, match, 3, true).duplicate);
  CHECK(send(*copy, match, 7, true).duplicate);
  CHECK_FALSE(send(*copy, match, 8, true).duplicate);
}

} // namespace herald
