#include "tests/log/fixture.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace herald {

namespace fs = std::filesystem;

scratch_folder::scratch_folder(place where) {
  fs::path memory = "/dev/shm";
  auto parent = where == place::memory && fs::is_directory(memory)
    ? memory
    : fs::temp_directory_path();
  auto pattern = (parent / "herald-log-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

log_settings small_log() {
  log_settings settings;
  settings.initial_bytes = 256u << 10;
  settings.step_bytes = 256u << 10;
  settings.reserve_bytes = 0;
  settings.partitions_max = 64;
  return settings;
}

bytes batch_of(
  const std::vector<std::string>& values, std::int64_t timestamp_ms) {
  batch_builder batch{timestamp_ms};
  for (auto& value : values)
    batch.add("key", value, timestamp_ms);
  return batch.finish();
}

std::vector<std::string> values_of(bytes_view data) {
  std::vector<std::string> values;
  auto batch = batch_view::parse(data);
  REQUIRE(batch);
  auto read = batch->for_each([&](const record_view& record) {
    values.emplace_back(record.value.value_or("null"));
  });
  REQUIRE(read);
  return values;
}

void log_fixture::open() {
  auto opened = event_log::open(folder.path(), settings);
  if (!opened)
    FAIL(opened.error().message);
  log = std::move(*opened);
  auto topic = log->create_topic("match", 3);
  REQUIRE(topic);
  match = {topic->number, 0};
}

void log_fixture::reopen() {
  log.reset();
  open();
}

failure log_fixture::refusal() {
  log.reset();
  auto opened = event_log::open(folder.path(), settings);
  REQUIRE_FALSE(opened);
  return opened.error();
}

offset log_fixture::append(const std::vector<std::string>& values,
  std::int64_t timestamp_ms, bool visible) {
  return append_to(match, values, timestamp_ms, visible);
}

offset log_fixture::append_to(partition_id where,
  const std::vector<std::string>& values, std::int64_t timestamp_ms,
  bool visible) {
  append_item item{.where = where, .batch = batch_of(values, timestamp_ms)};
  auto done = log->append({&item, 1}, visible);
  if (!done)
    FAIL(done.error().message);
  CHECK(item.next.value == item.first.value + values.size());
  return item.first;
}

std::vector<std::string> log_fixture::values(offset from) {
  std::vector<std::string> all;
  auto read = log->visit(match, from, [&](offset, offset, bytes_view batch) {
    for (auto& value : values_of(batch))
      all.push_back(std::move(value));
    return true;
  });
  if (!read)
    FAIL(read.error().message);
  return all;
}

void log_fixture::damage(std::string_view text, std::ptrdiff_t behind) {
  log.reset();
  std::fstream file{
    data_file(), std::ios::in | std::ios::out | std::ios::binary};
  std::string content{std::istreambuf_iterator<char>{file}, {}};
  file.clear();
  auto places = 0;
  for (auto at = content.find(text); at != content.npos;
    at = content.find(text, at + 1), ++places) {
    auto where = static_cast<std::ptrdiff_t>(at) + behind;
    file.seekp(where);
    file.put(static_cast<char>(content[static_cast<std::size_t>(where)] ^ 4));
  }
  REQUIRE(places > 0);
}

void log_fixture::edit(const std::string& table,
  const std::function<void(MDB_txn*, MDB_dbi)>& change) {
  log.reset();
  MDB_env* env = nullptr;
  MDB_txn* transaction = nullptr;
  MDB_dbi handle = 0;
  REQUIRE(mdb_env_create(&env) == 0);
  REQUIRE(mdb_env_set_maxdbs(env, 256) == 0);
  REQUIRE(mdb_env_open(env, (folder.path() / "log").c_str(), 0, 0644) == 0);
  REQUIRE(mdb_txn_begin(env, nullptr, 0, &transaction) == 0);
  REQUIRE(mdb_dbi_open(transaction, table.c_str(), 0, &handle) == 0);
  change(transaction, handle);
  REQUIRE(mdb_txn_commit(transaction) == 0);
  mdb_env_close(env);
}

verify_report log_fixture::verify() {
  log.reset();
  auto report
    = verify_log(folder.path(), {.carries_schemas = [](std::string_view topic) {
        return topic == "player";
      }});
  if (!report)
    FAIL(report.error().message);
  return *report;
}

} // namespace herald
