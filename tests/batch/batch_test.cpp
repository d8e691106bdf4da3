#include "protocol/batch/record_batch.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <string>
#include <vector>

namespace herald {

namespace {

struct plain_header {
  std::string key;
  std::optional<std::string> value;
  bool operator==(const plain_header&) const = default;
};

struct plain_record {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::int64_t time = 0;
  std::vector<plain_header> headers;
  bool operator==(const plain_record&) const = default;
};

std::optional<bytes_view> view(const std::optional<std::string>& text) {
  return text ? std::optional<bytes_view>{*text} : std::nullopt;
}

std::optional<std::string> text(const std::optional<bytes_view>& view) {
  return view ? std::optional<std::string>{*view} : std::nullopt;
}

bytes build(const std::vector<plain_record>& records, std::int64_t base,
  compression codec = compression::none) {
  batch_builder batch{base};
  for (auto& record : records) {
    std::vector<record_header> headers;
    for (auto& header : record.headers)
      headers.push_back({header.key, view(header.value)});
    batch.add(view(record.key), view(record.value), record.time, headers);
  }
  return batch.finish(codec);
}

result<std::vector<plain_record>> read(const batch_view& batch) {
  std::vector<plain_record> records;
  auto next = batch.base_offset();
  auto done = batch.for_each([&](const record_view& record) {
    CHECK(record.at == next);
    next = record.at.next();
    plain_record plain{
      text(record.key), text(record.value), record.timestamp_ms, {}};
    for (auto& header : record.headers())
      plain.headers.push_back({std::string{header.key}, text(header.value)});
    records.push_back(std::move(plain));
  });
  if (!done)
    return std::unexpected{done.error()};
  return records;
}

std::vector<plain_record> some_records() {
  return {{"key", "value", 1'000, {{"h", "1"}, {"h", std::nullopt}, {"", ""}}},
    {std::nullopt, std::nullopt, 1'001, {}}, {"", "", 1'001, {}},
    {"last", std::string(300, 'x'), 70'000, {}}};
}

rc::Gen<std::optional<std::string>> maybe_text() {
  return rc::gen::map(
    rc::gen::pair(rc::gen::arbitrary<bool>(), rc::gen::string<std::string>()),
    [](std::pair<bool, std::string> made) {
      return made.first ? std::optional{made.second} : std::nullopt;
    });
}

} // namespace

TEST_CASE("a batch gives back what was put into it, with every codec") {
  CHECK(rc::check("round trip", [] {
    std::vector<plain_record> records;
    auto base = *rc::gen::arbitrary<std::int32_t>();
    std::int64_t time = base;
    auto count = *rc::gen::inRange(1, 20);
    for (auto i = 0; i < count; ++i) {
      time += *rc::gen::inRange(0, 1'000'000);
      plain_record record{*maybe_text(), *maybe_text(), time, {}};
      for (auto h = *rc::gen::inRange(0, 3); h > 0; --h)
        record.headers.push_back(
          {*rc::gen::string<std::string>(), *maybe_text()});
      records.push_back(std::move(record));
    }
    auto codec = static_cast<compression>(*rc::gen::inRange(0, 5));
    auto data = build(records, base, codec);
    auto batch = batch_view::parse(data);
    RC_ASSERT(batch.has_value());
    RC_ASSERT(batch->codec() == codec);
    RC_ASSERT(batch->record_count() == records.size());
    RC_ASSERT(batch->base_timestamp_ms() == base);
    RC_ASSERT(batch->max_timestamp_ms() == time);
    RC_ASSERT((read(*batch) == records));
    RC_ASSERT(check_records(*batch).has_value());
  }));
}

TEST_CASE("a builder says its size and can be used again") {
  batch_builder batch{1'000};
  CHECK(batch.empty());
  batch.add("a", "b", 1'000);
  CHECK(batch.record_count() == 1);
  auto size = batch.size_bytes();
  auto first = batch.finish();
  CHECK(first.size() == size);
  CHECK(batch.empty());
  batch.add("a", "b", 1'000);
  CHECK(batch.finish() == first);
}

TEST_CASE("record time does not decrease within a batch") {
  auto data = build(
    {{"a", "", 500, {}}, {"b", "", 2'000, {}}, {"c", "", 1'500, {}}}, 1'000);
  auto records = read(*batch_view::parse(data));
  REQUIRE(records);
  CHECK((*records)[0].time == 1'000);
  CHECK((*records)[1].time == 2'000);
  CHECK((*records)[2].time == 2'000);
}

TEST_CASE("what the broker sets leaves the CRC alone") {
  auto data = build(some_records(), 1'000);
  auto crc = batch_view::parse(data)->crc();
  set_base_offset(data, {1'000'000'000'000});
  set_leader_epoch(data, 7);
  auto batch = batch_view::parse(data);
  REQUIRE(batch);
  CHECK(batch->crc() == crc);
  CHECK(batch->base_offset().value == 1'000'000'000'000);
  CHECK(batch->last_offset().value == 1'000'000'000'003);
  CHECK(batch->next_offset().value == 1'000'000'000'004);
  CHECK(batch->leader_epoch() == 7);
  CHECK(batch->producer_id() == -1);
  CHECK(batch->producer_epoch() == -1);
  CHECK(batch->base_sequence() == -1);
}

TEST_CASE("log append time holds for all records and renews the CRC") {
  auto data = build(some_records(), 1'000);
  set_log_append_time(data, 99'000);
  auto batch = batch_view::parse(data);
  REQUIRE(batch);
  CHECK(batch->log_append_time());
  auto records = read(*batch);
  REQUIRE(records);
  CHECK(records->size() == 4);
  for (auto& record : *records)
    CHECK(record.time == 99'000);
}

TEST_CASE("headers are found by name, the first of several") {
  auto data = build(some_records(), 1'000);
  auto batch = batch_view::parse(data);
  auto seen = 0;
  (void)batch->for_each([&](const record_view& record) {
    ++seen;
    CHECK(record.header("h") == "1");
    CHECK(record.header("") == "");
    CHECK(record.header("other") == std::nullopt);
    return false;
  });
  CHECK(seen == 1);
}

TEST_CASE("no flipped bit of a batch goes unnoticed") {
  auto data = build(some_records(), 1'000);
  for (std::size_t bit = 0; bit < data.size() * 8; ++bit) {
    auto wrong = data;
    wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << bit % 8));
    auto batch = batch_view::parse(wrong);
    auto place_changed = bit < 64 || (bit >= 96 && bit < 128);
    CHECK((!batch || place_changed));
  }
}

TEST_CASE("a batch that is cut off or followed by more is refused") {
  auto data = build(some_records(), 1'000);
  for (std::size_t size = 0; size < data.size(); ++size) {
    CHECK_FALSE(batch_view::parse(bytes_view{data}.substr(0, size)));
    CHECK_FALSE(first_batch_bytes(bytes_view{data}.substr(0, size)));
  }
  CHECK_FALSE(batch_view::parse(data + "x"));
  CHECK(first_batch_bytes(data + data) == data.size());
}

TEST_CASE("a batch that lies about its contents is refused") {
  auto lie = [](std::size_t at, bytes_view what) {
    auto data = build(some_records(), 1'000);
    data.replace(at, what.size(), what);
    // Renews the CRC, so that only the lie is wrong.
    set_log_append_time(data, 1'000);
    return data;
  };
  using namespace std::string_view_literals;
  auto refused = [](const bytes& data) {
    auto batch = batch_view::parse(data);
    return !batch || !check_records(*batch);
  };
  CHECK_FALSE(refused(lie(0, ""sv)));
  CHECK(refused(lie(16, "\1"sv)));                   // magic
  CHECK(refused(lie(21, "\0\5"sv)));                 // codec 5
  CHECK(refused(lie(21, "\0\1"sv)));                 // not gzip at all
  CHECK(refused(lie(21, "\0\x20"sv)));               // a control batch
  CHECK(refused(lie(23, "\0\0\0\2"sv)));             // last offset delta
  CHECK(refused(lie(23, "\0\0\0\x9"sv)));            // gaps
  CHECK(refused(lie(57, "\0\0\0\3"sv)));             // too few records
  CHECK(refused(lie(57, "\x7f\xff\xff\xff"sv)));     // far too many
  CHECK(refused(lie(57, "\xff\xff\xff\xff"sv)));     // a negative count
  CHECK(refused(lie(43, "\0\0\0\0\0\0\0\1"sv)));     // producer, no sequence
  CHECK(refused(lie(61, "\x7e"sv)));                 // length of a record
  CHECK(refused(lie(61, "\xff\xff\xff\xff\x0f"sv))); // length of 2^31
  CHECK(refused(lie(64, "\4"sv)));                   // offset of a record
  CHECK(refused(lie(65, "\5"sv)));                   // length of a key: -3
}

TEST_CASE("random changes to the records never crash the reader") {
  CHECK(rc::check("no crash", [](const std::string& noise) {
    auto data = build(some_records(), 1'000);
    for (auto c : noise)
      data[*rc::gen::inRange<std::size_t>(61, data.size())] = c;
    set_log_append_time(data, 1'000);
    auto batch = batch_view::parse(data);
    RC_ASSERT(batch.has_value());
    (void)batch->for_each([](const record_view& record) {
      (void)record.headers();
      (void)record.header("h");
    });
  }));
}

TEST_CASE("checking all records finds what reading them finds") {
  CHECK(rc::check("same verdict", [](std::vector<std::string> values) {
    if (values.empty())
      values.emplace_back();
    batch_builder builder{1'000};
    std::vector<record_header> headers{{"a", "b"}, {"c", std::nullopt}};
    for (auto& value : values) {
      headers.resize(value.size() % 3);
      builder.add(value, value + value, 1'000, headers);
      headers.resize(2);
    }
    auto batch = builder.finish();
    if (*rc::gen::inRange(0, 4) > 0) {
      auto at = *rc::gen::inRange(batch_header_bytes, batch.size());
      batch[at] = static_cast<char>(batch[at] ^ *rc::gen::inRange(1, 256));
    }
    auto view = batch_view::parse_unchecked(batch);
    RC_ASSERT(view.has_value());
    auto read = view->for_each([](const record_view&) {});
    RC_ASSERT(check_records(*view).has_value() == read.has_value());
  }));
}

TEST_CASE("a compressed batch inflates within the bound only") {
  auto data
    = build({{"k", std::string(100'000, 'x'), 1, {}}}, 1, compression::zstd);
  auto batch = batch_view::parse(data);
  REQUIRE(batch);
  CHECK(data.size() < 1'000);
  auto read = batch->for_each([](const record_view&) {}, 10'000);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == fault::too_large);
  CHECK(batch->for_each([](const record_view&) {}, 200'000));
}

} // namespace herald
