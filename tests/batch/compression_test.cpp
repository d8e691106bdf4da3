#include "protocol/batch/compression.hpp"

#include "protocol/big_endian.hpp"

#include <catch2/catch.hpp>
#include <lz4frame.h>
#include <rapidcheck.h>
#include <snappy.h>
#include <zstd.h>

#include <string>

namespace herald {

namespace {

constexpr compression codecs[] = {compression::none, compression::gzip,
  compression::snappy, compression::lz4, compression::zstd};

// Framing of Java's snappy streams around blocks of at most `block` bytes.
bytes xerial(bytes_view plain, std::size_t block) {
  bytes out{"\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16};
  for (std::size_t at = 0; at < plain.size(); at += block) {
    auto packed = compress(compression::snappy, plain.substr(at, block));
    char size[4];
    store_big_endian(size, static_cast<std::uint32_t>(packed.size()));
    out.append(size, 4).append(packed);
  }
  return out;
}

} // namespace

TEST_CASE("what a codec packs it unpacks") {
  CHECK(rc::check("round trip", [](const std::string& text) {
    auto times = *rc::gen::inRange(0, 2'000);
    std::string plain;
    for (auto i = 0; i < times; ++i)
      plain += text;
    for (auto codec : codecs) {
      auto unpacked = decompress(codec, compress(codec, plain), plain.size());
      RC_ASSERT(unpacked.has_value());
      RC_ASSERT(*unpacked == plain);
    }
  }));
}

TEST_CASE("nothing inflates beyond its bound") {
  std::string plain(1'000'000, 'x');
  for (auto codec : codecs) {
    INFO(to_string(codec));
    auto packed = compress(codec, plain);
    CHECK((decompress(codec, packed, plain.size()) == plain));
    for (auto bound : {plain.size() - 1, std::size_t{100}, std::size_t{0}}) {
      auto refused = decompress(codec, packed, bound);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code == fault::too_large);
    }
  }
}

TEST_CASE("what is cut off, damaged or followed by more is refused") {
  std::string plain = "some text, some text, and some more text";
  for (auto codec : {compression::gzip, compression::snappy, compression::lz4,
         compression::zstd}) {
    INFO(to_string(codec));
    auto packed = compress(codec, plain);
    for (std::size_t size = 0; size < packed.size(); ++size)
      CHECK_FALSE(decompress(codec, bytes_view{packed}.substr(0, size), 1'000));
    CHECK_FALSE(decompress(codec, packed + "more", 1'000));
    CHECK_FALSE(decompress(codec, "nonsense", 1'000));
  }
}

TEST_CASE("random bytes never crash a codec") {
  CHECK(rc::check("no crash", [](const std::string& noise) {
    for (auto codec : codecs) {
      (void)decompress(codec, noise, 10'000);
      auto packed = compress(codec, "a text that is packed, a text");
      for (std::size_t i = 0; i < noise.size() && i < packed.size(); ++i)
        packed[*rc::gen::inRange<std::size_t>(0, packed.size())] = noise[i];
      (void)decompress(codec, packed, 10'000);
    }
  }));
}

TEST_CASE("snappy is read in the framing of the Java clients too") {
  std::string plain;
  for (auto i = 0; i < 10'000; ++i)
    plain += std::to_string(i);
  auto framed = xerial(plain, 32 * 1024);
  CHECK((decompress(compression::snappy, framed, plain.size()) == plain));
  CHECK(decompress(compression::snappy, framed, 1'000).error().code
    == fault::too_large);
  for (auto size : {std::size_t{10}, std::size_t{18}, framed.size() - 1})
    CHECK_FALSE(decompress(
      compression::snappy, bytes_view{framed}.substr(0, size), plain.size()));
  CHECK(decompress(compression::snappy, xerial("", 1), 10) == "");
}

TEST_CASE("gzip members follow each other") {
  auto two
    = compress(compression::gzip, "one") + compress(compression::gzip, "two");
  CHECK(decompress(compression::gzip, two, 100) == "onetwo");
  CHECK_FALSE(decompress(compression::gzip, two, 5));
}

TEST_CASE("lz4 frames have independent blocks, dependent ones are read") {
  std::string plain(300'000, 'x');
  auto packed = compress(compression::lz4, plain);
  // FLG: version 01, block independence; no reserved bit.
  CHECK((static_cast<std::uint8_t>(packed[4]) & 0xe2) == 0x60);
  LZ4F_preferences_t linked = LZ4F_INIT_PREFERENCES;
  linked.frameInfo.blockMode = LZ4F_blockLinked;
  linked.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  bytes other(LZ4F_compressFrameBound(plain.size(), &linked), '\0');
  other.resize(LZ4F_compressFrame(
    other.data(), other.size(), plain.data(), plain.size(), &linked));
  CHECK((decompress(compression::lz4, other, plain.size()) == plain));
}

TEST_CASE("a zstd frame without its size is bounded all the same") {
  std::string plain(2'000'000, 'x');
  auto* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  bytes packed(ZSTD_compressBound(plain.size()), '\0');
  packed.resize(ZSTD_compress2(
    context, packed.data(), packed.size(), plain.data(), plain.size()));
  ZSTD_freeCCtx(context);
  CHECK((decompress(compression::zstd, packed, plain.size()) == plain));
  CHECK(decompress(compression::zstd, packed, plain.size() - 1).error().code
    == fault::too_large);
}

} // namespace herald
