#include "protocol/batch/compression.hpp"

#include "protocol/big_endian.hpp"

#include <fmt/format.h>
#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <climits>
#include <memory>

namespace herald {

namespace {

using namespace std::string_view_literals;

// In front of what Java's snappy streams write; version and lowest compatible
// version follow, four bytes each, then blocks, each after its size.
constexpr auto xerial_magic = "\x82SNAPPY\0"sv;
constexpr std::size_t xerial_header_bytes = 16;

// zstd keeps a window of its own beside the output. Encoders use 2 MiB by
// default and 8 MiB at their highest common level.
constexpr std::size_t zstd_window_bytes_min = 8u << 20;

auto too_large(compression codec, std::size_t bytes_max) {
  return fail(fault::too_large,
    fmt::format("the {} data inflate to more than {} bytes", to_string(codec),
      bytes_max));
}

auto malformed(compression codec, std::string_view why) {
  return fail(fault::invalid_input,
    fmt::format("the {} data cannot be inflated: {}", to_string(codec), why));
}

// libstdc++ 12 hands the capacity to the operation, not the size asked for.
void resize_uninitialized(bytes& out, std::size_t size) {
  out.resize_and_overwrite(size, [size](char*, std::size_t) { return size; });
}

// An output that grows as it fills, up to a bound. One byte beyond the bound is
// asked for, so that a full output and an overflow can be told apart.
class bounded_output {
public:
  bounded_output(std::size_t guess, std::size_t bytes_max)
    : bytes_max_{bytes_max} {
    resize_uninitialized(out_, std::clamp<std::size_t>(guess, 1, limit()));
  }

  char* end() { return out_.data() + used_; }
  std::size_t room() const { return out_.size() - used_; }
  void advance(std::size_t size) { used_ += size; }
  bool overflown() const { return used_ > bytes_max_; }

  void grow_if_full() {
    if (room() == 0)
      resize_uninitialized(out_, std::min(out_.size() * 2, limit()));
  }

  bytes take() {
    out_.resize(used_);
    return std::move(out_);
  }

private:
  std::size_t limit() const { return bytes_max_ + 1; }

  std::size_t bytes_max_;
  std::size_t used_ = 0;
  bytes out_;
};

std::size_t first_guess(bytes_view packed) {
  return std::min<std::size_t>(packed.size() * 4 + 64, 1u << 20);
}

bytes gzip(bytes_view plain) {
  z_stream stream{};
  [[maybe_unused]] auto made = deflateInit2(
    &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  assert(made == Z_OK && plain.size() <= UINT_MAX);
  bytes out;
  resize_uninitialized(out, deflateBound(&stream, plain.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  [[maybe_unused]] auto ended = deflate(&stream, Z_FINISH);
  assert(ended == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

result<bytes> gunzip(bytes_view packed, std::size_t bytes_max) {
  if (packed.size() > UINT_MAX)
    return fail(fault::too_large, "the gzip data have more than 4 GiB");
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK)
    return fail(fault::busy, "no memory to inflate gzip data");
  std::unique_ptr<z_stream, int (*)(z_stream*)> guard{&stream, inflateEnd};
  bounded_output out{first_guess(packed), bytes_max};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  for (;;) {
    out.grow_if_full();
    auto room = std::min<std::size_t>(out.room(), UINT_MAX);
    stream.next_out = reinterpret_cast<Bytef*>(out.end());
    stream.avail_out = static_cast<uInt>(room);
    auto state = inflate(&stream, Z_NO_FLUSH);
    out.advance(room - stream.avail_out);
    if (out.overflown())
      return too_large(compression::gzip, bytes_max);
    if (state == Z_STREAM_END) {
      if (stream.avail_in == 0)
        return out.take();
      inflateReset(&stream); // the next member
    } else if (state == Z_BUF_ERROR
      || (state == Z_OK && stream.avail_in == 0 && stream.avail_out > 0)) {
      return malformed(compression::gzip, "they end too early");
    } else if (state != Z_OK) {
      return malformed(
        compression::gzip, stream.msg ? stream.msg : "unknown error");
    }
  }
}

bytes snappy_pack(bytes_view plain) {
  bytes out;
  snappy::Compress(plain.data(), plain.size(), &out);
  return out;
}

result<void> append_snappy_block(
  bytes& out, bytes_view block, std::size_t bytes_max) {
  std::size_t size = 0;
  if (!snappy::GetUncompressedLength(block.data(), block.size(), &size))
    return malformed(compression::snappy, "the length is missing");
  if (size > bytes_max - out.size())
    return too_large(compression::snappy, bytes_max);
  auto at = out.size();
  resize_uninitialized(out, at + size);
  if (!snappy::RawUncompress(block.data(), block.size(), out.data() + at))
    return malformed(compression::snappy, "a block is damaged");
  return {};
}

result<bytes> snappy_unpack(bytes_view packed, std::size_t bytes_max) {
  bytes out;
  if (!packed.starts_with(xerial_magic)) {
    if (auto done = append_snappy_block(out, packed, bytes_max); !done)
      return std::unexpected{std::move(done).error()};
    return out;
  }
  if (packed.size() < xerial_header_bytes)
    return malformed(compression::snappy, "they end too early");
  packed.remove_prefix(xerial_header_bytes);
  while (!packed.empty()) {
    if (packed.size() < 4)
      return malformed(compression::snappy, "they end too early");
    auto size = load_big_endian<std::uint32_t>(packed.data());
    packed.remove_prefix(4);
    if (size > packed.size())
      return malformed(compression::snappy, "they end too early");
    auto done = append_snappy_block(out, packed.substr(0, size), bytes_max);
    if (!done)
      return std::unexpected{std::move(done).error()};
    packed.remove_prefix(size);
  }
  return out;
}

bytes lz4_pack(bytes_view plain) {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  // Java's reader refuses blocks that need the ones before them.
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  bytes out;
  resize_uninitialized(
    out, LZ4F_compressFrameBound(plain.size(), &preferences));
  auto size = LZ4F_compressFrame(
    out.data(), out.size(), plain.data(), plain.size(), &preferences);
  assert(!LZ4F_isError(size));
  out.resize(size);
  return out;
}

result<bytes> lz4_unpack(bytes_view packed, std::size_t bytes_max) {
  LZ4F_dctx* raw = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION)))
    return fail(fault::busy, "no memory to inflate lz4 data");
  std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> context{
    raw, LZ4F_freeDecompressionContext};
  bounded_output out{first_guess(packed), bytes_max};
  std::size_t wanted = 1;
  while (wanted != 0 || !packed.empty()) {
    out.grow_if_full();
    auto written = out.room();
    auto taken = packed.size();
    wanted = LZ4F_decompress(
      context.get(), out.end(), &written, packed.data(), &taken, nullptr);
    if (LZ4F_isError(wanted))
      return malformed(compression::lz4, LZ4F_getErrorName(wanted));
    out.advance(written);
    packed.remove_prefix(taken);
    if (out.overflown())
      return too_large(compression::lz4, bytes_max);
    if (wanted != 0 && written == 0 && taken == 0)
      return malformed(compression::lz4, "they end too early");
  }
  return out.take();
}

// Twice as fast as the library's default and a few percent larger; what is kept
// for long is compressed again, with a dictionary, in archive segments.
constexpr int zstd_level = 1;

bytes zstd_pack(bytes_view plain) {
  // A context costs more to make than a small batch to compress.
  thread_local std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context{
    ZSTD_createCCtx(), ZSTD_freeCCtx};
  assert(context);
  bytes out;
  resize_uninitialized(out, ZSTD_compressBound(plain.size()));
  auto size = ZSTD_compressCCtx(context.get(), out.data(), out.size(),
    plain.data(), plain.size(), zstd_level);
  assert(!ZSTD_isError(size));
  out.resize(size);
  return out;
}

result<bytes> zstd_unpack(bytes_view packed, std::size_t bytes_max) {
  std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context{
    ZSTD_createDCtx(), ZSTD_freeDCtx};
  if (!context)
    return fail(fault::busy, "no memory to inflate zstd data");
  auto window = std::clamp<std::size_t>(
    bytes_max, zstd_window_bytes_min, std::size_t{1} << 27);
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax,
    static_cast<int>(std::bit_width(window) - 1));
  auto known = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (known == ZSTD_CONTENTSIZE_ERROR)
    return malformed(compression::zstd, "there is no frame");
  if (known != ZSTD_CONTENTSIZE_UNKNOWN && known > bytes_max)
    return too_large(compression::zstd, bytes_max);
  bounded_output out{
    known == ZSTD_CONTENTSIZE_UNKNOWN ? first_guess(packed) : known + 1,
    bytes_max};
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  std::size_t wanted = 1;
  while (wanted != 0 || in.pos < in.size) {
    out.grow_if_full();
    ZSTD_outBuffer to{out.end(), out.room(), 0};
    auto taken_before = in.pos;
    wanted = ZSTD_decompressStream(context.get(), &to, &in);
    if (ZSTD_isError(wanted))
      return malformed(compression::zstd, ZSTD_getErrorName(wanted));
    out.advance(to.pos);
    if (out.overflown())
      return too_large(compression::zstd, bytes_max);
    if (wanted != 0 && to.pos == 0 && in.pos == taken_before)
      return malformed(compression::zstd, "they end too early");
  }
  return out.take();
}

} // namespace

std::string_view to_string(compression codec) {
  switch (codec) {
  case compression::none:
    return "none";
  case compression::gzip:
    return "gzip";
  case compression::snappy:
    return "snappy";
  case compression::lz4:
    return "lz4";
  case compression::zstd:
    return "zstd";
  }
  return "unknown";
}

bytes compress(compression codec, bytes_view plain) {
  switch (codec) {
  case compression::none:
    return bytes{plain};
  case compression::gzip:
    return gzip(plain);
  case compression::snappy:
    return snappy_pack(plain);
  case compression::lz4:
    return lz4_pack(plain);
  case compression::zstd:
    return zstd_pack(plain);
  }
  assert(!"a codec that does not exist");
  return {};
}

result<bytes> decompress(
  compression codec, bytes_view packed, std::size_t bytes_max) {
  switch (codec) {
  case compression::none:
    if (packed.size() > bytes_max)
      return too_large(codec, bytes_max);
    return bytes{packed};
  case compression::gzip:
    return gunzip(packed, bytes_max);
  case compression::snappy:
    return snappy_unpack(packed, bytes_max);
  case compression::lz4:
    return lz4_unpack(packed, bytes_max);
  case compression::zstd:
    return zstd_unpack(packed, bytes_max);
  }
  return fail(fault::invalid_input,
    fmt::format("codec {} does not exist", static_cast<int>(codec)));
}

} // namespace herald
