#include "engine/log/segment_reader.hpp"

#include "engine/log/dictionary_trainer.hpp"
#include "engine/log/segment_layout.hpp"
#include "tests/log/fixture.hpp"
#include "tests/log/segment_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <span>

namespace herald {

namespace {

std::unique_ptr<segment_reader> open(bytes content) {
  auto reader = segment_reader::open_bytes(std::move(content));
  REQUIRE(reader);
  return std::move(*reader);
}

// A few batches of every codec, and a dictionary for each schema.
struct packed_fixture {
  std::mt19937_64 random{announced_seed()};
  segment_identity identity = some_identity({1'000});
  entry_chain chain{identity};
  segment_packing packing;

  packed_fixture() {
    dictionary_trainer trainer;
    for (int i = 0; i < 60; ++i) {
      auto codec = static_cast<compression>(random() % 5);
      auto batch
        = random_events(random, codec, 1'000 + i * 30, random() % 20 + 1);
      trainer.add(*batch_view::parse(batch));
      chain.add(std::move(batch), static_cast<std::uint64_t>(i) / 25);
    }
    packing.dictionaries = trainer.train();
  }

  bytes segment() { return segment_of(identity, chain.entries(), packing); }
};

} // namespace

TEST_CASE("a segment has the bytes that its grammar says") {
  auto identity = some_identity({7});
  entry_chain chain{identity};
  chain.add(batch_of({"v"}, 1'700'000'000'000), 3);
  auto segment = segment_of(identity, chain.entries(), {.pack = false});
  CHECK(hex_of(segment)
    == "484552414c44534701000000" // magic, version, dictionaries
       "0000007c"                 // size of the header
       "001641414141414141414141414141414141414141414141" // cluster
       "00056d61746368"                                   // topic
       "000102030405060708090a0b0c0d0e0f"                 // its uuid
       "000000021122334455667788"         // partition, incarnation
       "0000000000000000"                 // generation
       "0000000000000007"                 // first
       "7b9972cd87f57e8c9ab2a8cb63e730c7" // anchor
       "00"                               // seams
       "b5e844208e6e5dd2e95d8a9785415daa" // check
       "424c434b00000000"                 // a block as it is
       "0000006d0000006d00000001"         // packed, plain, entries
       "00000000000000070000000000000008" // first, next
       "0000018bcfe56800"                 // last time
       "0000000068"                       // an item as it is: an entry
       "01000000000000000000000000000003a6e792a77bd5641a"
       "1bc03fb2f0bdea1100000000000000070000003c00000003"
       "026b77cd380000000000000000018bcfe568000000018bcf"
       "e56800ffffffffffffffffffffffffffff00000001140000"
       "00066b6579027600"                         // the batch
       "adbccb893a2e520e6e0e3aef88b6a0f4"         // check
       "54524c5200000088"                         // the trailer and its size
       "0000000000000008"                         // next
       "00000000000000010000000000000001"         // batches, records
       "0000000000000048"                         // bytes
       "0000018bcfe568000000018bcfe56800"         // first and last time
       "a6e792a77bd5641a1bc03fb2f0bdea11"         // head
       "0000000100000000000000030000000000000007" // a term
       "00000001000000000000007c"                 // a block: its place,
       "00000000000000070000018bcfe56800"         // first, last time
       "5c1885a6916ac6c3f82ff82b31151f4b"         // check
       "000000000000012500000000000001d5" // the trailer's place, the file's
                                          // size
       "b5a8a544c718d480eac1a285bf66e58f" // digest
       "484552414c445347");
  auto reader = open(segment);
  CHECK(reader->identity() == identity);
  CHECK(reader->verify());
  CHECK(entries_of(*reader, {7}) == chain.entries());
}

TEST_CASE("a packed segment of an earlier day can still be read") {
  // One event batch in zstd, inflated in form 1, its block in a frame.
  auto reader = open(
    of_hex("484552414c445347010000000000007c00164141414141414141414141414141"
           "414141414141414100056d61746368000102030405060708090a0b0c0d0e0f00"
           "0000021122334455667788000000000000000000000000000000007b9972cd87"
           "f57e8c9ab2a8cb63e730c700c81ea6f20bc94de52badcb3a516f038e424c434b"
           "010000000000012c000006040000000100000000000000000000000000000003"
           "00000000000003ea28b52ffd60040515090012ce2f2c804d3a331bb202d38220"
           "061dc6eada451d64e59877d8c62932e19edb57a694524ac9a5bd2061e8fdc926"
           "72a7f7ec33cb6c896d977d7b3fdf951b95a9c6276f36cd391ff734f56deae9fd"
           "8fdeacef4c9319766b547d0e776fadd43920f7b8a73663bbb7cdfddf77eefe6c"
           "6e6c775fb5379369c3277b57245181265634452c0b342d5dd0433431589604b1"
           "d86aa8440ed2e43a9ce9f3022a201c08dc9d1372292199a81b08c84850c81cc6"
           "888887644170a100060512c546c535cc8572c7043aa8513c8b4b0c0aebd60e80"
           "8324250f1150040a4608111ae19f5462b903c1e2ba24c2a9c6adf33062a1813e"
           "71a19725377a0c3439545bd89ae53c0a042f06643e4e3fb10d5334dd44d36747"
           "17c94a3d1fd43e30b16e8245b005044871b5337eb0825321a9fc682dfbdc905e"
           "c556327c54524c52000000880000000000000003000000000000000100000000"
           "00000003000000000000013d00000000000003e800000000000003ea83998266"
           "1a41063387198466b7c8d3890000000100000000000000000000000000000000"
           "00000001000000000000007c000000000000000000000000000003eac91064f3"
           "f31d1112fe7c1aeedfaf6b3e00000000000001e40000000000000294974d77f2"
           "c0263a484f5307ec151c7cb3484552414c445347"));
  CHECK(reader->identity() == some_identity());
  CHECK(reader->summary().records == 3);
  REQUIRE(reader->verify());
  std::mt19937_64 random{1};
  entry_chain chain{some_identity()};
  chain.add(random_events(random, compression::none, 1'000, 3));
  auto found = entries_of(*reader);
  REQUIRE(found.size() == 1);
  auto values = values_of(bytes_view{found[0]}.substr(entry_header_bytes));
  CHECK(values
    == values_of(bytes_view{chain.entries()[0]}.substr(entry_header_bytes)));
}

TEST_CASE("a segment without an entry is sound") {
  auto reader = open(segment_of(some_identity({5}), {}));
  CHECK(reader->verify());
  CHECK(reader->summary().next == offset{5});
  CHECK(entries_of(*reader).empty());
  auto found = reader->offset_at_time(0);
  REQUIRE(found);
  CHECK(!*found);
}

TEST_CASE_METHOD(packed_fixture,
  "what a packed segment gives back is what the log had, byte by byte") {
  REQUIRE(packing.dictionaries.size() == 3);
  auto plain = segment_of(identity, chain.entries(), {.pack = false});
  auto packed = segment();
  CHECK(packed.size() < plain.size());
  for (auto& content : {plain, packed}) {
    auto reader = open(content);
    CHECK(entries_of(*reader, identity.first) == chain.entries());
    auto check = reader->verify();
    REQUIRE(check);
    CHECK(check->encoded_anew == 0);
    auto& summary = reader->summary();
    CHECK(summary.next == chain.next());
    CHECK(summary.head == chain.head());
    CHECK(summary.batches == 60);
    CHECK(summary.file_bytes == content.size());
    REQUIRE(summary.terms.size() == 3);
    CHECK(summary.terms[0] == std::pair{std::uint64_t{0}, identity.first});
  }
  CHECK(open(packed)->dictionaries() == packing.dictionaries);
}

TEST_CASE_METHOD(packed_fixture, "reading starts with the batch asked for") {
  auto reader = open(segment());
  auto at = identity.first;
  for (std::size_t i = 0; i < chain.entries().size(); ++i) {
    auto batch = batch_view::parse(
      bytes_view{chain.entries()[i]}.substr(entry_header_bytes));
    for (auto from : {at, batch->last_offset()}) {
      std::optional<offset> first;
      REQUIRE(reader->visit(from, [&](offset base, const entry_view&) {
        first = base;
        return false;
      }));
      CHECK(first == at);
    }
    at = batch->next_offset();
  }
  CHECK(entries_of(*reader, chain.next()).empty());
  CHECK(entries_of(*reader, {identity.first.value - 1}).empty());
}

TEST_CASE_METHOD(packed_fixture, "a time leads to the first record that old") {
  auto reader = open(segment());
  std::vector<std::pair<std::int64_t, offset>> times;
  REQUIRE(reader->visit(identity.first, [&](offset, const entry_view& entry) {
    REQUIRE(entry.batch.for_each([&](const record_view& record) {
      times.emplace_back(record.timestamp_ms, record.at);
    }));
    return true;
  }));
  for (std::int64_t time = 990; time < times.back().first + 10; time += 7) {

    auto found = reader->offset_at_time(time);
    REQUIRE(found);
    auto wanted = std::ranges::find_if(
      times, [&](auto& record) { return record.first >= time; });
    CHECK((*found == std::nullopt) == (wanted == times.end()));
    if (wanted != times.end())
      CHECK(**found == wanted->second);
  }
}

TEST_CASE_METHOD(packed_fixture, "every shorter file is refused") {
  auto content = segment();
  auto step = std::max<std::size_t>(1, content.size() / 4'000);
  for (std::size_t size = 0; size < content.size(); size += step) {
    auto reader = segment_reader::open_bytes(content.substr(0, size));
    if (reader)
      FAIL("a segment cut off at " << size << " is opened");
    CHECK(reader.error().code == fault::damaged);
  }
  auto small = segment_of(some_identity(), {});
  for (std::size_t size = 0; size < small.size(); ++size)
    CHECK(!segment_reader::open_bytes(small.substr(0, size)));
}

TEST_CASE("every flipped bit of a small segment is found") {
  std::mt19937_64 random{1};
  entry_chain chain{some_identity()};
  chain.add(random_events(random, compression::zstd, 1'000, 3));
  auto content = segment_of(some_identity(), chain.entries());
  for (std::size_t bit = 0; bit < content.size() * 8; ++bit) {
    auto wrong = content;
    wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << bit % 8));
    auto reader = segment_reader::open_bytes(std::move(wrong));
    if (reader && (*reader)->verify())
      FAIL("bit " << bit << " is flipped and nobody sees it");
  }
}

TEST_CASE_METHOD(packed_fixture, "random damage is found and harms nobody") {
  auto content = segment();
  for (int i = 0; i < 500; ++i) {
    auto wrong = content;
    for (auto flips = random() % 8 + 1; flips > 0; --flips) {
      auto at = random() % wrong.size();
      wrong[at] = static_cast<char>(wrong[at] ^ (1 << random() % 8));
    }
    if (wrong == content)
      continue;
    auto reader = segment_reader::open_bytes(std::move(wrong));
    if (!reader)
      continue;
    CHECK(!(*reader)->verify());
    // Reads without the whole verification: right or refused.
    std::vector<bytes> found;
    auto read
      = (*reader)->visit(identity.first, [&](offset, const entry_view& entry) {
          auto* start = entry.batch.data().data() - entry_header_bytes;
          found.emplace_back(
            start, entry_header_bytes + entry.batch.data().size());
          return true;
        });
    REQUIRE(found.size() <= chain.entries().size());
    CHECK(std::ranges::equal(
      found, std::span{chain.entries()}.subspan(0, found.size())));
  }
}

TEST_CASE("what lies behind a right checksum is not trusted either") {
  // A hostile writer: the checks are right, what they cover is not.
  std::mt19937_64 random{announced_seed()};
  entry_chain chain{some_identity()};
  chain.add(random_events(random, compression::zstd, 1'000, 3));
  auto front = segment_entry_front_bytes;
  bytes items;
  REQUIRE(append_item(items, chain.entries()[0], true));
  for (int i = 0; i < 3'000; ++i) {
    auto wrong = items;
    for (auto flips = random() % 4 + 1; flips > 0; --flips)
      wrong[random() % std::min(wrong.size(), front + 20)]
        = static_cast<char>(random());
    auto identity = some_identity();
    auto out = encode_header(identity, 0);
    segment_block_front block{
      .packed = static_cast<std::uint32_t>(wrong.size()),
      .plain = static_cast<std::uint32_t>(wrong.size()),
      .entries = 1,
      .first = {0},
      .next = {3},
      .last_ms = 1'002};
    segment_trailer trailer;
    trailer.index.push_back({out.size(), {0}, 1'002});
    trailer.summary.next = {3};
    trailer.summary.batches = 1;
    out += encode_block(block, wrong);
    segment_footer footer{.trailer_position = out.size()};
    out += encode_trailer(trailer);
    footer.file_bytes = out.size() + segment_footer_bytes;
    out += encode_footer_front(footer);
    out += encode_footer_end(digest_of(out));
    auto reader = segment_reader::open_bytes(std::move(out));
    REQUIRE(reader);
    CHECK(!(*reader)->verify());
    (void)(*reader)->visit({0}, [](offset, const entry_view&) { return true; });
  }
}

TEST_CASE("an entry out of place or out of the chain is not taken") {
  auto identity = some_identity();
  entry_chain chain{identity};
  chain.add(batch_of({"a"}));
  chain.add(batch_of({"b"}));
  auto writer = segment_writer::create(identity);
  REQUIRE(writer);
  CHECK((*writer)->add(chain.entries()[1]).error().code == fault::damaged);
  REQUIRE((*writer)->add(chain.entries()[0]));
  auto other = identity;
  other.first = {1};
  entry_chain stranger{other};
  auto refused = (*writer)->add(stranger.add(batch_of({"c"})));
  REQUIRE(!refused);
  CHECK(refused.error().message == "match/2@1: the chain of hashes is broken");
}

TEST_CASE("a batch whose compressor has changed is given back encoded anew") {
  std::mt19937_64 random{1};
  entry_chain chain{some_identity()};
  auto batch = random_events(random, compression::zstd, 1'000, 3);
  // As if another library had compressed it: the CRC is that of other bytes.
  auto plain = decompress(
    compression::zstd, batch_view::parse(batch)->payload(), 1u << 20);
  REQUIRE(plain);
  segment_item item{.form = segment_form::inflated};
  bytes body(entry_header_bytes, '\0');
  body[0] = 1;
  body[1] = static_cast<char>(compression::zstd);
  body += batch.substr(0, batch_header_bytes);
  body[entry_header_bytes + 17] ^= 1;
  body += *plain;
  item.body = body;
  auto rebuilt = rebuild_entry(item);
  REQUIRE(rebuilt);
  CHECK(rebuilt->anew);
  auto read = read_entry(rebuilt->entry, {0});
  REQUIRE(read);
  CHECK(values_of(read->batch.data()) == values_of(batch));
}

TEST_CASE("a file is published only as it was written") {
  scratch_folder folder;
  auto path = folder.path() / "a" / "b" / segment_file_name({0});
  CHECK(path.filename() == "00000000000000000000.segment");
  auto identity = some_identity();
  entry_chain chain{identity};
  chain.add(batch_of({"a"}));
  {
    auto writer = segment_writer::create(path, identity);
    REQUIRE(writer);
    REQUIRE((*writer)->add(chain.entries()[0]));
    auto summary = (*writer)->finish();
    REQUIRE(summary);
    CHECK(!std::filesystem::exists(path));
    REQUIRE((*writer)->publish());
    auto reader = segment_reader::open(path);
    REQUIRE(reader);
    CHECK((*reader)->summary() == *summary);
    CHECK(entries_of(**reader) == chain.entries());
  }
  auto second = folder.path() / "second.segment";
  {
    auto writer = segment_writer::create(second, identity);
    REQUIRE(writer);
    REQUIRE((*writer)->add(chain.entries()[0]));
    REQUIRE((*writer)->finish());
    std::ofstream{folder.path() / "second.segment.new",
      std::ios::binary | std::ios::in | std::ios::out}
      << "x";
    CHECK((*writer)->publish().error().code == fault::damaged);
  }
  CHECK(!std::filesystem::exists(second));
  CHECK(!std::filesystem::exists(folder.path() / "second.segment.new"));
  CHECK(segment_reader::open(second).error().code == fault::not_found);
}

} // namespace herald
