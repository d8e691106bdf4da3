#include "engine/log/archive.hpp"

#include "engine/log/log_tables.hpp"
#include "engine/log/segment_writer.hpp"
#include "tests/log/fixture.hpp"
#include "tests/log/segment_fixture.hpp"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <fstream>

namespace herald {

namespace {

namespace fs = std::filesystem;
using strings = std::vector<std::string>;

struct archive_fixture : log_fixture {
  archive_settings how{.segment_bytes = 600, .remove_batches_max = 2};

  archive_fixture() {
    for (int i = 0; i < 30; ++i)
      append(
        {"a" + std::to_string(i), "b" + std::to_string(i)}, 1'000 + i * 100);
  }

  archived archive(offset up_to) {
    auto did = log->archive(match, up_to, how);
    REQUIRE(did);
    return *did;
  }

  fs::path folder_of(std::string_view file) {
    return folder.path() / "archive" / file;
  }

  /// How many batches the environment holds. The log is closed and opened.
  std::size_t live_batches() {
    std::size_t count = 0;
    auto name = partition_table(log->find_topic("match")->id, 0);
    log.reset();
    edit(name, [&](MDB_txn* transaction, MDB_dbi table) {
      MDB_stat stat{};
      mdb_stat(transaction, table, &stat);
      count = stat.ms_entries;
    });
    open();
    return count;
  }
};

} // namespace

TEST_CASE_METHOD(archive_fixture, "who reads from the start sees no seam") {
  auto before = values();
  auto all = log->read(match, {0}, 1u << 20);
  REQUIRE(before.size() == 60);
  auto did = archive({41});
  CHECK(did.finished);
  CHECK(did.segments.size() > 2);
  CHECK(did.removed_batches == 20);
  CHECK(did.segments.front().first == offset{0});
  CHECK(did.segments.back().next == offset{40});
  CHECK(log->live_start(match) == offset{40});
  CHECK(log->log_start(match) == offset{0});
  for (int opened = 0; opened < 2; ++opened) {
    CHECK(values() == before);
    for (std::uint64_t from = 0; from < 60; ++from)
      CHECK(values({from}).size() >= 60 - from);
    auto now = log->read(match, {0}, 1u << 20);
    REQUIRE(now);
    REQUIRE(now->size() == all->size());
    for (std::size_t i = 0; i < now->size(); ++i) {
      CHECK((*now)[i].batch == (*all)[i].batch);
      CHECK((*now)[i].term == (*all)[i].term);
      CHECK((*now)[i].base == (*all)[i].base);
    }
    reopen();
  }
  CHECK(live_batches() == 10);
}

TEST_CASE_METHOD(archive_fixture, "a visitor that has enough is left alone") {
  archive({41});
  std::size_t seen = 0;
  REQUIRE(log->visit(
    match, {38}, [&](offset, offset, bytes_view) { return ++seen < 1; }));
  CHECK(seen == 1);
  REQUIRE(log->visit(match, {38}, [&](offset, offset next, bytes_view) {
    ++seen;
    return next < offset{44};
  }));
  CHECK(seen == 4);
}

TEST_CASE_METHOD(
  archive_fixture, "a time is found on both sides of the archive") {
  std::vector<std::optional<offset>> before;
  for (std::int64_t time = 900; time < 4'100; time += 50)
    before.push_back(*log->offset_at_time(match, time));
  archive({30});
  std::size_t i = 0;
  for (std::int64_t time = 900; time < 4'100; time += 50)
    CHECK(*log->offset_at_time(match, time) == before[i++]);
}

TEST_CASE_METHOD(archive_fixture, "the newest batch stays where it is") {
  auto before = values();
  archive({60});
  CHECK(log->live_start(match) == offset{58});
  reopen();
  append({"more"}, 9'000);
  before.push_back("more");
  CHECK(values() == before);
  CHECK(archive({61}).segments.size() == 1);
  CHECK(values() == before);
  CHECK(archive({61}).segments.empty());
}

TEST_CASE_METHOD(
  archive_fixture, "archiving can be stopped at any step and goes on later") {
  auto before = values();
  for (int steps = 0;; ++steps) {
    REQUIRE(steps < 200);
    auto left = 1;
    how.go_on = [&] { return left-- > 0; };
    auto did = archive({50});
    CHECK(values() == before);
    reopen();
    CHECK(values() == before);
    if (did.finished)
      break;
  }
  CHECK(log->live_start(match) == offset{50});
  CHECK(live_batches() == 5);
}

TEST_CASE_METHOD(archive_fixture, "what a crash left half written is ignored") {
  auto before = values();
  auto file = folder_of(fmt::format("match-{}/0/{}",
    to_string(log->find_topic("match")->id).substr(0, 8),
    segment_file_name({0})));
  fs::create_directories(file.parent_path());
  // Written, not registered; and half written.
  std::ofstream{file} << "something";
  std::ofstream{file.string() + ".new"} << "some";
  reopen();
  CHECK(log->segments(match).empty());
  CHECK(values() == before);
  archive({30});
  CHECK(values() == before);
  CHECK(!fs::exists(file.string() + ".new"));
}

TEST_CASE_METHOD(archive_fixture,
  "segments are detached oldest first and attached newest first") {
  auto before = values();
  archive({40});
  auto segments = log->segments(match);
  REQUIRE(segments.size() >= 3);
  CHECK(log->detach_segment(segments[1].file).error().code == fault::conflict);
  CHECK(log->detach_segment("match/0/other").error().code == fault::not_found);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    REQUIRE(log->detach_segment(segments[i].file));
    CHECK(log->log_start(match) == segments[i].next);
    CHECK(log->read(match, {0}, 1'000).error().code == fault::not_found);
    CHECK(values(segments[i].next)
      == strings(
        before.begin() + static_cast<std::ptrdiff_t>(segments[i].next.value),
        before.end()));
    CHECK(fs::exists(folder_of(segments[i].file)));
    reopen();
    CHECK(log->log_start(match) == segments[i].next);
  }
  CHECK(log->segments(match).empty());
  auto oldest = log->attach_segment(folder_of(segments[0].file));
  REQUIRE(!oldest);
  CHECK(oldest.error().code == fault::conflict);
  for (auto i = segments.size(); i-- > 0;) {
    auto back = log->attach_segment(segments[i].file);
    REQUIRE(back);
    CHECK(*back == segments[i]);
    CHECK(log->log_start(match) == segments[i].first);
    reopen();
  }
  CHECK(log->segments(match) == segments);
  CHECK(values() == before);
}

TEST_CASE_METHOD(archive_fixture,
  "a segment that was moved away is attached from where it is now") {
  auto before = values();
  archive({30});
  auto segments = log->segments(match);
  for (auto& segment : segments)
    REQUIRE(log->detach_segment(segment.file));
  for (auto i = segments.size(); i-- > 0;) {
    auto away = folder.path() / fmt::format("away{}", i);
    fs::rename(folder_of(segments[i].file), away);
    REQUIRE(log->attach_segment(away));
    CHECK(fs::exists(folder_of(segments[i].file)));
  }
  CHECK(values() == before);
}

TEST_CASE_METHOD(archive_fixture, "what does not fit is not attached") {
  archive({30});
  auto segments = log->segments(match);
  REQUIRE(log->detach_segment(segments[0].file));
  auto path = folder_of(segments[0].file);
  SECTION("a damaged file") {
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(200);
    file << "damage";
    file.close();
    CHECK(log->attach_segment(path).error().code == fault::damaged);
  }
  SECTION("another topic's") {
    auto foreign = folder.path() / "foreign.segment";
    auto writer = segment_writer::create(foreign, some_identity());
    REQUIRE((*writer)->finish());
    REQUIRE((*writer)->publish());
    auto refused = log->attach_segment(foreign);
    CHECK(refused.error().code == fault::conflict);
    CHECK(refused.error().message.find("does not have") != std::string::npos);
  }
  SECTION("one with another history") {
    auto topic = log->find_topic("match");
    auto identity = some_identity();
    identity.topic_id = topic->id;
    identity.partition = 0;
    identity.anchor = first_anchor(topic->id.value, 0);
    entry_chain chain{identity};
    for (std::uint64_t i = 0; chain.next() < segments[0].next; ++i)
      chain.add(batch_of({"x", "y"}));
    auto other = folder.path() / "other.segment";
    auto writer = segment_writer::create(other, identity);
    for (auto& entry : chain.entries())
      REQUIRE((*writer)->add(entry));
    REQUIRE((*writer)->finish());
    REQUIRE((*writer)->publish());
    auto refused = log->attach_segment(other);
    CHECK(refused.error().code == fault::conflict);
    CHECK(refused.error().message.find("chain") != std::string::npos);
  }
  CHECK(log->log_start(match) == segments[0].next);
  SECTION("and a missing file") {
    CHECK(log->attach_segment("nowhere").error().code == fault::not_found);
  }
}

TEST_CASE_METHOD(
  archive_fixture, "a segment that vanished or changed is named when read") {
  archive({30});
  auto segments = log->segments(match);
  auto path = folder_of(segments[0].file);
  SECTION("gone") {
    fs::remove(path);
  }
  SECTION("another one in its place") {
    fs::copy_file(
      folder_of(segments[1].file), path, fs::copy_options::overwrite_existing);
  }
  reopen();
  auto refused = log->read(match, {0}, 1'000);
  REQUIRE(!refused);
  CHECK(refused.error().code == fault::damaged);
  CHECK(refused.error().message.find(path.string()) != std::string::npos);
  CHECK(values(segments[1].first).size() == 60 - segments[1].first.value);
}

TEST_CASE_METHOD(
  archive_fixture, "deleting old records deletes whole segment files") {
  auto before = values();
  archive({50});
  auto segments = log->segments(match);
  REQUIRE(segments.size() >= 3);
  auto gone = log->trim(match, {segments[1].next.value + 1});
  REQUIRE(gone);
  CHECK(gone->finished);
  CHECK(gone->batches == segments[0].batches + segments[1].batches);
  CHECK(!fs::exists(folder_of(segments[0].file)));
  CHECK(!fs::exists(folder_of(segments[1].file)));
  CHECK(fs::exists(folder_of(segments[2].file)));
  CHECK(log->segments(match).front() == segments[2]);
  auto start = log->log_start(match);
  CHECK(start == offset{segments[1].next.value + 1});
  reopen();
  CHECK(
    log->read(match, segments[0].first, 1).error().code == fault::not_found);
  CHECK(values(start).back() == before.back());
  CHECK(*log->offset_at_time(match, 0) == std::optional{start});
  // Then everything that is archived and some of what is not.
  REQUIRE(log->trim(match, {54}));
  CHECK(log->segments(match).empty());
  reopen();
  CHECK(log->log_start(match) == offset{54});
  CHECK(values({54}).size() == 6);
  CHECK(verify().problems.empty());
  open();
  CHECK(archive({58}).segments.size() == 1);
  CHECK(values({54}).size() == 6);
}

TEST_CASE_METHOD(
  archive_fixture, "deleting goes on while batches are in both places") {
  how.remove_batches_max = 1;
  auto left = 6;
  how.go_on = [&] { return left-- > 0; };
  CHECK(!archive({50}).finished);
  auto segments = log->segments(match);
  REQUIRE(!segments.empty());
  SECTION("below their end") {
    REQUIRE(log->trim(match, {segments.back().next.value - 1}));
  }
  SECTION("to their end") {
    REQUIRE(log->trim(match, segments.back().next));
  }
  SECTION("beyond") {
    REQUIRE(log->trim(match, {segments.back().next.value + 3}));
  }
  auto start = log->log_start(match);
  reopen();
  CHECK(log->log_start(match) == start);
  CHECK(values(start).back() == "b29");
  how.go_on = {};
  archive({50});
  CHECK(values(start).back() == "b29");
  reopen();
  CHECK(values(start).back() == "b29");
}

TEST_CASE_METHOD(
  archive_fixture, "what is compacted is not archived, nor the other way") {
  archive({30});
  setting_change change{"cleanup.policy", "compact"};
  REQUIRE(log->alter_topic("match", {&change, 1}));
  CHECK(log->archive(match, {50}, how).error().code == fault::conflict);
  CHECK(log->compact(match, 100'000).error().code == fault::conflict);
}

TEST_CASE_METHOD(
  archive_fixture, "what producers have sent is known from segments, too") {
  auto send = [&](const strings& values, std::int32_t sequence, bool visible) {
    append_item item{.where = match, .batch = batch_of(values, 5'000)};
    set_producer(item.batch, 7, 0, sequence);
    REQUIRE(log->append({&item, 1}, visible));
    return item;
  };
  for (std::int32_t i = 0; i < 7; ++i)
    send({"p" + std::to_string(i)}, i, true);
  append({"last"}, 6'000);
  archive({67});
  CHECK(log->live_start(match) == offset{67});
  CHECK(send({"p6"}, 6, true).duplicate);
  CHECK(verify().problems.empty());
  open();
  // Cut off, its place is taken by one that only the archive has.
  send({"p7"}, 7, false);
  REQUIRE(log->cut_off(match, {68}));
  CHECK(send({"p2"}, 2, true).duplicate);
  CHECK(send({"p6"}, 6, true).duplicate);
  CHECK(verify().problems.empty());
  open();
  CHECK_FALSE(send({"p7"}, 7, true).duplicate);
  CHECK(values().back() == "p7");
  CHECK(verify().problems.empty());
  open();
}

TEST_CASE_METHOD(archive_fixture, "archived batches are lent like others") {
  auto all = log->read(match, {0}, 1u << 20);
  archive({41});
  for (std::size_t i = 0; i < all->size();) {
    std::size_t lent = 0;
    REQUIRE(log->lend(
      match, (*all)[i].base, 4, [&](std::span<const bytes_view> batches) {
        REQUIRE(!batches.empty());
        CHECK(batches.size() <= 4);
        for (auto batch : batches)
          CHECK(batch == (*all)[i + lent++].batch);
      }));
    REQUIRE(lent > 0);
    i += lent;
  }
  CHECK(log->lend(match, {1}, 1, [](auto) {}).error().code == fault::not_found);
}

TEST_CASE_METHOD(archive_fixture, "a live log is verified with its segments") {
  archive({41});
  auto report = verify_open_log(*log);
  REQUIRE(report);
  CHECK(report->problems.empty());
  CHECK(report->records == 60);
  auto segments = log->segments(match);
  fs::remove(folder_of(segments[1].file));
  reopen();
  report = verify_open_log(*log);
  REQUIRE(report);
  REQUIRE(report->problems.size() == 1);
  CHECK(report->problems[0].at == segments[1].first);
  auto stopped = verify();
  REQUIRE(stopped.problems.size() == 1);
  CHECK(stopped.problems[0].at == segments[1].first);
  open();
}

TEST_CASE_METHOD(archive_fixture,
  "what is in both places is counted once when it is verified") {
  how.remove_batches_max = 1;
  auto left = 6;
  how.go_on = [&] { return left-- > 0; };
  CHECK(!archive({50}).finished);
  auto report = verify_open_log(*log);
  REQUIRE(report);
  CHECK(report->problems.empty());
  CHECK(report->records == 60);
  auto stopped = verify();
  CHECK(stopped.problems.empty());
  CHECK(stopped.records == 60);
  open();
}

TEST_CASE_METHOD(archive_fixture, "a deleted topic takes its segments along") {
  archive({30});
  auto segments = log->segments(match);
  REQUIRE(log->delete_topic("match"));
  for (auto& segment : segments)
    CHECK(!fs::exists(folder_of(segment.file)));
  reopen();
  CHECK(log->create_topic("match", 3));
}

} // namespace herald
