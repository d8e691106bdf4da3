#include "engine/log/verify.hpp"

#include "engine/log/checked_row.hpp"
#include "engine/log/entry.hpp"
#include "engine/log/log_environment.hpp"
#include "engine/log/log_tables.hpp"
#include "tests/log/fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <map>

namespace herald {

namespace {

using strings = std::vector<std::string>;

struct verify_fixture : log_fixture {
  /// What is wrong and where, one line each.
  strings problems() {
    strings lines;
    for (auto& problem : verify().problems)
      lines.push_back(to_string(problem));
    return lines;
  }

  std::string table(std::uint32_t partition = 0) {
    return partition_table(log->find_topic("match")->id, partition);
  }

  bytes stored(MDB_txn* transaction, MDB_dbi table, offset at) {
    auto key_bytes = offset_key(at);
    MDB_val key{key_bytes.size(), key_bytes.data()};
    MDB_val value{};
    REQUIRE(mdb_get(transaction, table, &key, &value) == 0);
    return {static_cast<char*>(value.mv_data), value.mv_size};
  }

  void store(MDB_txn* transaction, MDB_dbi table, offset at, bytes entry) {
    auto key_bytes = offset_key(at);
    MDB_val key{key_bytes.size(), key_bytes.data()};
    MDB_val value{entry.size(), entry.data()};
    REQUIRE(mdb_put(transaction, table, &key, &value, 0) == 0);
  }
};

} // namespace

TEST_CASE_METHOD(verify_fixture, "a sound log has no problems and is counted") {
  append({"a", "b"});
  append({"c"});
  append_to({match.topic, 2}, {"d"});
  REQUIRE(log->register_schema("s", "\"int\""));
  auto report = verify();
  CHECK(report.problems.empty());
  CHECK(report.topics == 2);
  CHECK(report.partitions == 4);
  CHECK(report.batches == 4);
  CHECK(report.records == 5);
  CHECK(report.bytes > 300);
  CHECK(report.schemas == 1);
}

TEST_CASE("there is nothing to verify where no log is") {
  scratch_folder folder;
  CHECK(verify_log(folder.path()).error().code == fault::not_found);
  CHECK(verify_log(folder.path() / "absent").error().code == fault::not_found);
}

TEST_CASE_METHOD(verify_fixture, "one flipped bit is one problem, named") {
  append({"first"});
  append({"second", "in the middle"});
  append({"third"});
  SECTION("in a value") {
    damage("in the middle", 3);
    auto found = problems();
    REQUIRE(found.size() == 1);
    CHECK(found[0].starts_with("match/0@1: "));
    CHECK(found[0].find("CRC") != std::string::npos);
  }
  SECTION("in what the CRC leaves out") {
    // base offset, length, leader epoch and magic are before the CRC.
    for (auto at : {0, 7, 8, 11, 12, 15, 16}) {
      edit(table(), [&](MDB_txn* transaction, MDB_dbi handle) {
        auto entry = stored(transaction, handle, {1});
        entry[entry_header_bytes + static_cast<std::size_t>(at)] ^= 1;
        store(transaction, handle, {1}, entry);
      });
      auto found = problems();
      REQUIRE(found.size() == 1);
      CHECK(found[0].starts_with("match/0@1: "));
      open();
      edit(table(), [&](MDB_txn* transaction, MDB_dbi handle) {
        auto entry = stored(transaction, handle, {1});
        entry[entry_header_bytes + static_cast<std::size_t>(at)] ^= 1;
        store(transaction, handle, {1}, entry);
      });
      open();
    }
  }
  SECTION("in any byte of the entry's header") {
    for (std::size_t at = 0; at < entry_header_bytes; ++at) {
      auto flip = [&](MDB_txn* transaction, MDB_dbi handle) {
        auto entry = stored(transaction, handle, {1});
        entry[at] ^= 1;
        store(transaction, handle, {1}, entry);
      };
      edit(table(), flip);
      auto found = problems();
      REQUIRE(found.size() == 1);
      CHECK(found[0].starts_with("match/0@1: "));
      open();
      edit(table(), flip);
      open();
    }
  }
}

TEST_CASE_METHOD(verify_fixture, "an exchanged batch breaks the chain") {
  append({"first"});
  append({"a false one"});
  append({"third"});
  edit(table(), [&](MDB_txn* transaction, MDB_dbi handle) {
    // A batch that is right in itself, with a CRC of its own.
    auto entry = stored(transaction, handle, {1});
    auto other = batch_of({"a fake one!"});
    set_base_offset(other, {1});
    entry.replace(entry_header_bytes, bytes::npos, other);
    store(transaction, handle, {1}, entry);
  });
  CHECK(problems() == strings{"match/0@1: the chain of hashes is broken"});
}

TEST_CASE_METHOD(verify_fixture, "a partition does not pass for another") {
  append({"same"});
  append_to({match.topic, 1}, {"same"});
  bytes entry;
  edit(table(0), [&](MDB_txn* transaction, MDB_dbi handle) {
    entry = stored(transaction, handle, {0});
  });
  open();
  edit(table(1), [&](MDB_txn* transaction, MDB_dbi handle) {
    CHECK(stored(transaction, handle, {0}) != entry);
    store(transaction, handle, {0}, entry);
  });
  CHECK(problems() == strings{"match/1@0: the chain of hashes is broken"});
}

TEST_CASE_METHOD(verify_fixture, "missing batches are named by their offsets") {
  append({"a"});
  append({"b", "c"});
  append({"d"});
  auto drop = [&](offset at) {
    edit(table(), [&](MDB_txn* transaction, MDB_dbi handle) {
      auto key_bytes = offset_key(at);
      MDB_val key{key_bytes.size(), key_bytes.data()};
      REQUIRE(mdb_del(transaction, handle, &key, nullptr) == 0);
    });
  };
  SECTION("in between") {
    drop({1});
    CHECK(problems() == strings{"match/0@1: the records up to 3 are missing"});
  }
  SECTION("at the start") {
    drop({0});
    CHECK(problems() == strings{"match/0@0: the records up to 1 are missing"});
  }
  SECTION("at the end") {
    drop({3});
    CHECK(problems()[0] == "match/0@3: its batches end at 3, its entry says 4");
  }
}

TEST_CASE_METHOD(
  verify_fixture, "records that lie behind a good CRC are found") {
  append({"a"});
  auto batch = batch_of({"b"});
  batch[61 + 1] = 5; // the first record's attributes: meaningless, still fine
  batch[61 + 3] = 2; // its offset within the batch: 1 where only 0 can be
  set_log_append_time(batch, 1'000); // renews the CRC
  append_item item{.where = match, .batch = batch};
  REQUIRE(log->append({&item, 1}));
  auto found = problems();
  REQUIRE(found.size() == 1);
  CHECK(found[0].starts_with("match/0@1: "));
}

TEST_CASE_METHOD(verify_fixture, "a schema that nobody registered is named") {
  auto player = log->create_topic("player", 1);
  REQUIRE(player);
  REQUIRE(log->register_schema("s", "\"int\"") == 1);
  using namespace std::string_literals;
  append_to({player->number, 0}, {"\0\0\0\0\1x"s, "\0\0\0\0\2x"s});
  append_to({player->number, 0}, {"\1\0\0\0\1x"s, ""s});
  append({"no schema is asked for here"});
  CHECK(problems()
    == strings{"player/0@1: its schema 2 is not registered",
      "player/0@2: its value does not start with the id of a schema",
      "player/0@3: its value does not start with the id of a schema"});
}

TEST_CASE_METHOD(
  verify_fixture, "a foreign record among the schemas is named") {
  append_to({log->find_topic(schemas_topic)->number, 0}, {"not json"});
  auto found = problems();
  REQUIRE(found.size() == 1);
  CHECK(found[0].starts_with("_schemas/0@0: "));
  open();
  CHECK(log->register_schema("s", "\"int\"") == 1);
}

TEST_CASE_METHOD(verify_fixture, "a page that would kill LMDB is a problem") {
  std::vector<append_item> group;
  for (auto i = 0; i < 400; ++i)
    group.push_back({match, batch_of({std::string(200, 'x')}), {}, {}});
  REQUIRE(log->append(group));
  append_to({match.topic, 1}, {"in good health"});
  damage("in good health", 0); // the walk must still come here
  std::fstream file{
    data_file(), std::ios::in | std::ios::out | std::ios::binary};
  std::string content{std::istreambuf_iterator<char>{file}, {}};
  file.clear();
  // Leaf pages (flag 2) full of batches: node pointers that lead far away.
  auto torn = 0;
  for (std::size_t page = 8192; page + 4096 <= content.size(); page += 4096)
    if (content[page + 10] == 2 && content[page + 11] == 0
      && content.find(std::string(200, 'x'), page) < page + 4096) {
      file.seekp(static_cast<std::streamoff>(page + 16));
      for (auto i = 0; i < 10; ++i)
        file.put('\xff').put('\x7f');
      ++torn;
    }
  file.close();
  REQUIRE(torn > 0);
  auto found = problems();
  REQUIRE(found.size() >= 2);
  // The free list's page had such batches once, and was torn too.
  CHECK(std::ranges::any_of(found,
    [](const std::string& line) { return line.starts_with("match/0@0: "); }));
  CHECK(found.back().starts_with("match/1@0: "));
}

TEST_CASE_METHOD(
  verify_fixture, "a row of the small tables that was changed is named") {
  append({"a"});
  auto change = [&](const char* table, bytes key, std::size_t at) {
    edit(table, [&](MDB_txn* transaction, MDB_dbi handle) {
      MDB_val name{key.size(), key.data()};
      MDB_val value{};
      REQUIRE(mdb_get(transaction, handle, &name, &value) == 0);
      bytes row{static_cast<char*>(value.mv_data), value.mv_size};
      row[at] ^= 1;
      value = {row.size(), row.data()};
      REQUIRE(mdb_put(transaction, handle, &name, &value, 0) == 0);
    });
  };
  auto id = log->find_topic("match")->id;
  auto named = [&](std::string_view what) {
    auto found = problems();
    REQUIRE_FALSE(found.empty());
    CHECK(found[0].find(what) != std::string::npos);
    CHECK(refusal().code == fault::damaged);
  };
  SECTION("a topic") {
    change(topics_table, "match", 20);
    named("table 'topics': row \"match\"");
  }
  SECTION("the offsets of a partition") {
    change(partitions_table, partition_key(id, 1), 30);
    named("table 'partitions': row");
  }
  SECTION("the incarnation") {
    change(meta_table, bytes{incarnation_key}, 3);
    named("table 'meta': row \"incarnation\"");
  }
  SECTION("how many topics there were") {
    REQUIRE(log->create_topic("short-lived", 1));
    REQUIRE(log->delete_topic("short-lived"));
    change(meta_table, bytes{next_topic_key}, 5);
    named("table 'meta': row \"next-topic\"");
  }
  SECTION("the start of a term") {
    change(terms_table, term_key(id, 0, 0), 7);
    CHECK(problems()[0].starts_with("table 'terms': row"));
  }
  SECTION("a producer") {
    append_item item{.where = match, .batch = batch_of({"b"})};
    set_producer(item.batch, 7, 0, 0);
    REQUIRE(log->append({&item, 1}));
    change(producers_table, producer_key(id, 0, 7), 2);
    CHECK(problems()[0].starts_with("table 'producers': row"));
    open();
    item.batch = batch_of({"c"});
    set_producer(item.batch, 7, 0, 1);
    REQUIRE(log->append({&item, 1}));
    REQUIRE(item.refused);
    CHECK(item.refused->code == fault::damaged);
  }
  SECTION("the producer ids that were given out") {
    REQUIRE(log->allocate_producer_ids(1));
    change(meta_table, bytes{producer_id_key}, 7);
    named("table 'meta': row \"producer-id\"");
  }
}

TEST_CASE_METHOD(
  verify_fixture, "the numbers of deleted topics are not missed") {
  REQUIRE(log->create_topic("a", 1)->number == 2);
  REQUIRE(log->create_topic("b", 2)->number == 3);
  REQUIRE(log->delete_topic("b"));
  REQUIRE(log->create_topic("c", 1)->number == 4);
  REQUIRE(log->create_topic("d", 1)->number == 5);
  REQUIRE(log->delete_topic("a"));
  CHECK(problems().empty());
  open();
  CHECK(log->find_topic("c")->number == 4);
  REQUIRE(log->delete_topic("d"));
  REQUIRE(log->delete_topic("c"));
  reopen();
  CHECK(log->create_topic("e", 1)->number == 6);
  reopen();
  CHECK(problems().empty());
}

TEST_CASE_METHOD(
  verify_fixture, "what a deleted topic has left is looked at, too") {
  REQUIRE(log->create_topic("left", 2));
  auto left = *log->find_topic("left");
  append_to({left.number, 0}, {"left"});
  auto put_row = [&](const char* table, bytes key, bytes value) {
    edit(table, [&](MDB_txn* transaction, MDB_dbi handle) {
      auto name = to_value(key);
      auto row = with_row_check(key, value);
      auto data = to_value(row);
      REQUIRE((value.empty() ? mdb_del(transaction, handle, &name, nullptr)
                             : mdb_put(transaction, handle, &name, &data, 0))
        == 0);
    });
  };
  // As a crash leaves it behind the first commit of the deletion.
  put_row(topics_table, "left", {});
  put_row(meta_table, bytes{next_topic_key}, offset_key({3}));
  put_row(meta_table, deleted_key(left.id), offset_key({2}));
  CHECK(problems().empty());
  SECTION("it is freed and gone") {
    open();
    while (log->free_deleted().value()) {
    }
    CHECK(problems().empty());
  }
  SECTION("a missing table is named") {
    auto name = partition_table(left.id, 0);
    edit(name, [](MDB_txn* transaction, MDB_dbi handle) {
      REQUIRE(mdb_drop(transaction, handle, 1) == 0);
    });
    CHECK(problems()
      == strings{"table '" + name + "' of a deleted topic: it is missing"});
  }
}

TEST_CASE_METHOD(verify_fixture, "a log of before the checks gets them") {
  append_item item{.where = match, .batch = batch_of({"a"})};
  set_producer(item.batch, 7, 0, 0);
  REQUIRE(log->append({&item, 1}));
  auto cluster = log->cluster_id();
  for (auto* table : {meta_table, topics_table, partitions_table, terms_table,
         producers_table}) {
    edit(table, [&](MDB_txn* transaction, MDB_dbi handle) {
      std::vector<std::pair<bytes, bytes>> rows;
      lmdb_cursor cursor{transaction, handle};
      for (auto code = cursor.move(MDB_FIRST); !code;
        code = cursor.move(MDB_NEXT))
        rows.emplace_back(cursor.key(),
          cursor.value().substr(0, cursor.value().size() - row_check_bytes));
      for (auto& [key, value] : rows) {
        auto name = to_value(key);
        auto data = to_value(value);
        REQUIRE(
          (key == checked_key ? mdb_del(transaction, handle, &name, nullptr)
                              : mdb_put(transaction, handle, &name, &data, 0))
          == 0);
      }
    });
  }
  CHECK(problems().empty());
  open();
  CHECK(log->cluster_id() == cluster);
  item.batch = batch_of({"a"});
  set_producer(item.batch, 7, 0, 0);
  REQUIRE(log->append({&item, 1}));
  CHECK(item.duplicate);
  append({"b"});
  CHECK(problems().empty());
  edit(meta_table, [&](MDB_txn* transaction, MDB_dbi handle) {
    auto name = to_value(checked_key);
    MDB_val value{};
    CHECK(mdb_get(transaction, handle, &name, &value) == 0);
  });
}

TEST_CASE_METHOD(
  verify_fixture, "an open log is verified while it is written") {
  for (auto i = 0; i < 30; ++i)
    append({"a value", std::string(100'000, 'x')});
  append_to({match.topic, 2}, {"in another"});
  append_to({match.topic, 2}, {"and its last"});
  auto pieces = 0;
  auto report = verify_open_log(*log, {.pause = [&] {
    ++pieces;
    append({"more"});
    return true;
  }});
  REQUIRE(report);
  CHECK(report->problems.empty());
  CHECK(report->topics == 2);
  CHECK(report->partitions == 4);
  CHECK(report->records > 60);
  CHECK(pieces > 5);
  auto stopped = verify_open_log(*log, {.pause = [] { return false; }});
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == fault::unavailable);
  damage("in another");
  open();
  report = verify_open_log(*log);
  REQUIRE(report);
  REQUIRE(report->problems.size() == 1);
  CHECK(to_string(report->problems[0]).starts_with("match/2@0: "));
}

TEST_CASE_METHOD(verify_fixture,
  "an open log is verified while it is trimmed, compacted and cut off") {
  // Four batches a piece, each key's from a producer of its own.
  std::map<int, std::int32_t> sequences;
  auto write = [&](int key, bool visible = true) {
    batch_builder batch{1'000};
    batch.add("key " + std::to_string(key), std::string(300'000, 'x'), 1'000);
    append_item item{.where = match, .batch = batch.finish()};
    set_producer(item.batch, key, 0, sequences[key]);
    REQUIRE(log->append({&item, 1}, visible));
    REQUIRE_FALSE(item.refused);
    sequences[key] += visible ? 1 : 0;
  };
  for (auto i = 0; i < 40; ++i)
    write(i % 7);
  compaction_settings eager{.even_if_clean = true};
  eager.step.batches_max = 3;
  auto pieces = 0;
  eager.step.go_on = [] { return false; };
  SECTION("by each in turn") {
    auto report = verify_open_log(*log, {.pause = [&] {
      ++pieces;
      if (pieces % 3 == 0)
        REQUIRE(log->compact(match, 10'000, eager));
      if (pieces % 3 == 1)
        REQUIRE(log->trim(match,
          {std::min(
            log->log_start(match).value + 5, log->committed_end(match).value)},
          {.batches_max = 2, .go_on = [] { return false; }}));
      if (pieces % 3 == 2) {
        auto end = log->log_end(match);
        write(1, false);
        REQUIRE(log->cut_off(match, end));
        write(2);
        write(pieces % 7);
      }
      return true;
    }});
    REQUIRE(report);
    CHECK(report->problems.empty());
    CHECK(pieces > 6);
  }
  SECTION("behind it and in front of it") {
    auto report = verify_open_log(*log, {.pause = [&] {
      if (++pieces == 5)
        REQUIRE(log->trim(match, {30}));
      return true;
    }});
    REQUIRE(report);
    CHECK(report->problems.empty());
  }
  SECTION("as a whole") {
    auto report = verify_open_log(*log, {.pause = [&] {
      if (++pieces == 5)
        REQUIRE(log->trim(match, log->committed_end(match)));
      return true;
    }});
    REQUIRE(report);
    CHECK(report->problems.empty());
  }
  SECTION("and deleted") {
    auto report = verify_open_log(*log, {.pause = [&] {
      if (++pieces == 5)
        REQUIRE(log->delete_topic("match"));
      return true;
    }});
    REQUIRE(report);
    CHECK(report->problems.empty());
    CHECK(problems().empty());
    return;
  }
  CHECK(problems().empty());
}

TEST_CASE_METHOD(verify_fixture, "the list of problems is bounded") {
  std::vector<append_item> group;
  for (auto i = 0; i < 10; ++i)
    group.push_back({match, batch_of({"a bad value"}), {}, {}});
  REQUIRE(log->append(group));
  damage("a bad value");
  auto report = verify_log(folder.path(), {.problems_max = 4});
  REQUIRE(report);
  CHECK(report->problems.size() == 4);
  CHECK(report->problems_left_off == 6);
}

TEST_CASE_METHOD(verify_fixture, "verifying changes nothing") {
  append({"a"});
  log.reset();
  auto before = std::filesystem::last_write_time(data_file());
  CHECK(problems().empty());
  CHECK(std::filesystem::last_write_time(data_file()) == before);
}

} // namespace herald
