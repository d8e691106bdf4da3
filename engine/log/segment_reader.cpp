#include "engine/log/segment_reader.hpp"

#include "engine/base/xxh3.hpp"
#include "engine/log/held_folder.hpp"
#include "engine/log/segment_layout.hpp"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace herald {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t digest_piece_bytes = 1u << 20;

// Where the bytes come from: a file, piece by piece, or memory.
class input {
public:
  input() = default;
  input(const input&) = delete;
  input& operator=(const input&) = delete;
  ~input() {
    if (file_ >= 0)
      ::close(file_);
  }

  result<void> open(const fs::path& path) {
    path_ = path;
    file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status{};
    if (file_ < 0 && errno == ENOENT)
      return fail(
        fault::not_found, fmt::format("there is no file {}", path.string()));
    if (file_ < 0 || ::fstat(file_, &status) != 0)
      return std::unexpected{system_failure("open", path, errno)};
    if (!S_ISREG(status.st_mode))
      return fail(
        fault::invalid_input, fmt::format("{} is not a file", path.string()));
    size_ = static_cast<std::uint64_t>(status.st_size);
    return {};
  }

  void open_bytes(bytes content) {
    memory_ = std::move(content);
    size_ = memory_.size();
  }

  std::uint64_t size() const { return size_; }

  /// All of the range, which lies within the size.
  result<bytes> read(std::uint64_t from, std::size_t size) const {
    if (file_ < 0)
      return memory_.substr(from, size);
    bytes out;
    out.resize_and_overwrite(size, [size](char*, std::size_t) { return size; });
    for (std::size_t done = 0; done < size;) {
      auto got = ::pread(
        file_, out.data() + done, size - done, static_cast<off_t>(from + done));
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return std::unexpected{system_failure("read", path_, errno)};
      if (got == 0)
        return fail(fault::damaged, "it became shorter while it was read");
      done += static_cast<std::size_t>(got);
    }
    return out;
  }

private:
  fs::path path_;
  int file_ = -1;
  bytes memory_;
  std::uint64_t size_ = 0;
};

struct free_context {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  void operator()(ZSTD_DDict* dictionary) const { ZSTD_freeDDict(dictionary); }
};

std::unexpected<failure> damaged(std::string why) {
  return fail(fault::damaged, std::move(why));
}

// What `decode` makes of the bytes, if they could be read.
template <class T>
result<T> decoded(const result<bytes>& data, result<T> (*decode)(bytes_view)) {
  if (!data)
    return std::unexpected{data.error()};
  return decode(*data);
}

} // namespace

struct segment_reader::impl {
  fs::path path_;
  std::string name_;
  input in_;
  segment_header header_;
  std::vector<segment_dictionary> dictionaries_;
  std::uint64_t first_block_ = 0;
  segment_footer footer_;
  segment_trailer trailer_;

  mutable std::mutex prepared_mutex_;
  mutable std::vector<std::unique_ptr<ZSTD_DDict, free_context>> prepared_;

  /// A block, inflated.
  struct block {
    segment_block_front front;
    bytes content;
    /// The items within.
    bytes_view items;
  };

  result<void> load();
  result<void> load_header();
  result<void> load_dictionaries();
  result<void> load_trailer();
  result<void> check_index() const;

  bool gaps() const { return header_.identity.generation > 0; }
  std::uint64_t end_of_block(std::size_t index) const;
  offset next_of_block(std::size_t index) const;
  std::size_t block_with(offset at) const;
  result<block> read_block(std::size_t index) const;
  result<bytes> inflate(
    const segment_block_front& front, bytes_view packed) const;
  const ZSTD_DDict* prepared(std::size_t dictionary) const;

  /// Sees an entry, its bytes and whether they are other ones than the log had.
  using entry_visitor = std::function<result<bool>(
    offset base, const entry_view& entry, bytes_view stored, bool anew)>;
  result<bool> visit_block(
    const block& from, offset at, const entry_visitor& visit) const;
  result<bool> visit_item(
    const segment_item& item, offset base, const entry_visitor& visit) const;
  result<void> visit_from(offset at, const entry_visitor& visit) const;

  result<void> verify_digest() const;
  result<segment_check> verify_entries() const;

  failure named(failure why) const {
    why.message = fmt::format("{}: {}", name_, why.message);
    return why;
  }
  failure named(failure why, offset at) const {
    why.message = fmt::format("{}: {}/{}@{}: {}", name_, header_.identity.topic,
      header_.identity.partition, at.value, why.message);
    return why;
  }
};

// -- opening ------------------------------------------------------------------

segment_reader::segment_reader(std::unique_ptr<impl> self)
  : self_{std::move(self)} {}

segment_reader::~segment_reader() = default;

result<std::unique_ptr<segment_reader>> segment_reader::open(
  const fs::path& path) {
  auto self = std::make_unique<impl>();
  self->path_ = path;
  self->name_ = path.string();
  if (auto opened = self->in_.open(path); !opened)
    return std::unexpected{std::move(opened).error()};
  if (auto loaded = self->load(); !loaded)
    return std::unexpected{self->named(std::move(loaded).error())};
  return std::unique_ptr<segment_reader>{new segment_reader{std::move(self)}};
}

result<std::unique_ptr<segment_reader>> segment_reader::open_bytes(
  bytes content, std::string name) {
  auto self = std::make_unique<impl>();
  self->name_ = std::move(name);
  self->in_.open_bytes(std::move(content));
  if (auto loaded = self->load(); !loaded)
    return std::unexpected{self->named(std::move(loaded).error())};
  return std::unique_ptr<segment_reader>{new segment_reader{std::move(self)}};
}

result<void> segment_reader::impl::load() {
  if (auto header = load_header(); !header)
    return header;
  if (auto dictionaries = load_dictionaries(); !dictionaries)
    return dictionaries;
  if (auto trailer = load_trailer(); !trailer)
    return trailer;
  return check_index();
}

result<void> segment_reader::impl::load_header() {
  if (in_.size() < segment_header_front_bytes)
    return damaged(fmt::format("it has {} bytes only", in_.size()));
  auto front = in_.read(0, segment_header_front_bytes);
  auto size = decoded(front, header_bytes);
  if (!size)
    return std::unexpected{std::move(size).error()};
  if (*size > in_.size() || *size > segment_section_bytes_max)
    return damaged("its header is cut off");
  auto header = decoded(in_.read(0, *size), decode_header);
  if (!header)
    return std::unexpected{std::move(header).error()};
  header_ = std::move(*header);
  first_block_ = *size;
  return {};
}

result<void> segment_reader::impl::load_dictionaries() {
  for (std::size_t i = 0; i < header_.dictionaries; ++i) {
    if (in_.size() - first_block_ < segment_dictionary_front_bytes)
      return damaged("its dictionaries are cut off");
    auto size = decoded(
      in_.read(first_block_, segment_dictionary_front_bytes), dictionary_bytes);
    if (!size)
      return std::unexpected{std::move(size).error()};
    if (*size > in_.size() - first_block_)
      return damaged("its dictionaries are cut off");
    auto dictionary = decoded(in_.read(first_block_, *size), decode_dictionary);
    if (!dictionary)
      return std::unexpected{std::move(dictionary).error()};
    dictionaries_.push_back(std::move(*dictionary));
    first_block_ += *size;
  }
  prepared_.resize(dictionaries_.size());
  return {};
}

result<void> segment_reader::impl::load_trailer() {
  if (in_.size() - first_block_ < segment_footer_bytes)
    return damaged("it is cut off");
  auto end = in_.size() - segment_footer_bytes;
  auto footer = decoded(in_.read(end, segment_footer_bytes), decode_footer);
  if (!footer)
    return std::unexpected{std::move(footer).error()};
  footer_ = *footer;
  if (footer_.file_bytes != in_.size())
    return damaged(fmt::format(
      "it has {} bytes, its footer says {}", in_.size(), footer_.file_bytes));
  if (footer_.trailer_position < first_block_ || footer_.trailer_position > end
    || end - footer_.trailer_position > segment_section_bytes_max)
    return damaged("its footer names an impossible trailer");
  auto trailer = decoded(
    in_.read(footer_.trailer_position, end - footer_.trailer_position),
    decode_trailer);
  if (!trailer)
    return std::unexpected{std::move(trailer).error()};
  trailer_ = std::move(*trailer);
  trailer_.summary.file_bytes = footer_.file_bytes;
  trailer_.summary.digest = footer_.digest;
  return {};
}

result<void> segment_reader::impl::check_index() const {
  auto& summary = trailer_.summary;
  auto& index = trailer_.index;
  if (index.empty()) {
    if (footer_.trailer_position != first_block_ || summary.batches != 0
      || summary.next != header_.identity.first)
      return damaged("it has no block, but says that it has entries");
    return {};
  }
  auto position = first_block_;
  auto next = header_.identity.first;
  for (std::size_t i = 0; i < index.size(); ++i) {
    auto end = end_of_block(i);
    if (index[i].position != position || end <= position
      || (i > 0    ? index[i].first <= next
          : gaps() ? index[i].first < next
                   : index[i].first != next)
      || (i > 0 && index[i].last_ms < index[i - 1].last_ms))
      return damaged(
        fmt::format("line {} of its index contradicts the others", i));
    auto size = end - position;
    if (size < segment_block_front_bytes + segment_check_bytes
      || size > segment_block_front_bytes + segment_block_bytes_max
          + segment_check_bytes)
      return damaged(fmt::format("block {} has an impossible size", i));
    position = end;
    next = index[i].first;
  }
  if (summary.next <= next)
    return damaged("its index goes beyond its end");
  return {};
}

// -- blocks -------------------------------------------------------------------

std::uint64_t segment_reader::impl::end_of_block(std::size_t index) const {
  return index + 1 < trailer_.index.size() ? trailer_.index[index + 1].position
                                           : footer_.trailer_position;
}

offset segment_reader::impl::next_of_block(std::size_t index) const {
  return index + 1 < trailer_.index.size() ? trailer_.index[index + 1].first
                                           : trailer_.summary.next;
}

std::size_t segment_reader::impl::block_with(offset at) const {
  auto& index = trailer_.index;
  auto after
    = std::ranges::upper_bound(index, at, {}, &segment_index_line::first);
  // With gaps there may be offsets in front of the first batch.
  return std::max<std::size_t>(after - index.begin(), 1) - 1;
}

result<segment_reader::impl::block> segment_reader::impl::read_block(
  std::size_t index) const {
  auto& line = trailer_.index[index];
  auto wrong = [&](failure why) {
    why.message = fmt::format(
      "block {} at byte {}: {}", index, line.position, why.message);
    return std::unexpected{named(std::move(why), line.first)};
  };
  block made;
  auto section = in_.read(line.position, end_of_block(index) - line.position);
  if (!section)
    return wrong(std::move(section).error());
  auto front = decode_block(*section);
  if (!front)
    return wrong(std::move(front).error());
  made.front = *front;
  auto next = next_of_block(index);
  if (front->first != line.first
    || (gaps() ? front->next > next : front->next != next)
    || front->last_ms != line.last_ms)
    return wrong({fault::damaged, "it is not the one that the index names"});
  if (front->zip == segment_zip::none) {
    made.content = std::move(*section);
    made.items = bytes_view{made.content}.substr(
      segment_block_front_bytes, front->plain);
    return made;
  }
  auto plain = inflate(*front,
    bytes_view{*section}.substr(segment_block_front_bytes, front->packed));
  if (!plain)
    return wrong(std::move(plain).error());
  made.content = std::move(*plain);
  made.items = made.content;
  return made;
}

result<bytes> segment_reader::impl::inflate(
  const segment_block_front& front, bytes_view packed) const {
  if (front.dictionary > dictionaries_.size())
    return damaged("it names a dictionary that is not there");
  // Before any room is made for it.
  if (ZSTD_getFrameContentSize(packed.data(), packed.size()) != front.plain)
    return damaged("its frame says another size");
  std::unique_ptr<ZSTD_DCtx, free_context> context{ZSTD_createDCtx()};
  if (!context)
    return fail(fault::busy, "no memory to inflate a block");
  bytes plain;
  plain.resize_and_overwrite(
    front.plain, [&](char*, std::size_t) { return std::size_t{front.plain}; });
  auto size = front.dictionary
    ? ZSTD_decompress_usingDDict(context.get(), plain.data(), plain.size(),
        packed.data(), packed.size(), prepared(front.dictionary))
    : ZSTD_decompressDCtx(context.get(), plain.data(), plain.size(),
        packed.data(), packed.size());
  if (ZSTD_isError(size))
    return damaged(
      fmt::format("it cannot be inflated: {}", ZSTD_getErrorName(size)));
  if (size != plain.size())
    return damaged("it inflates to another size");
  return plain;
}

const ZSTD_DDict* segment_reader::impl::prepared(std::size_t dictionary) const {
  std::lock_guard lock{prepared_mutex_};
  auto& made = prepared_[dictionary - 1];
  auto& content = dictionaries_[dictionary - 1].content;
  if (!made)
    made.reset(ZSTD_createDDict(content.data(), content.size()));
  return made.get();
}

// -- entries ------------------------------------------------------------------

result<bool> segment_reader::impl::visit_item(
  const segment_item& item, offset base, const entry_visitor& visit) const {
  segment_entry rebuilt;
  auto stored = item.body;
  if (item.form == segment_form::inflated) {
    auto made = rebuild_entry(item);
    if (!made)
      return std::unexpected{named(std::move(made).error(), base)};
    rebuilt = std::move(*made);
    stored = rebuilt.entry;
  }
  auto entry = read_entry(stored, base, gaps());
  if (!entry)
    return std::unexpected{named(std::move(entry).error(), base)};
  return visit(base, *entry, stored, rebuilt.anew);
}

// False: the visitor has seen enough.
result<bool> segment_reader::impl::visit_block(
  const block& from, offset at, const entry_visitor& visit) const {
  auto rest = from.items;
  auto expected = from.front.first;
  for (std::uint32_t i = 0; i < from.front.entries; ++i) {
    auto item = take_item(rest);
    if (!item)
      return std::unexpected{named(std::move(item).error(), expected)};
    auto next = item->next();
    auto base = item->base();
    if ((gaps() ? base < expected : base != expected) || next <= base
      || next > from.front.next)
      return std::unexpected{named(
        {fault::damaged, "the entry in its place is another one"}, expected)};
    if (next > at) {
      auto more = visit_item(*item, base, visit);
      if (!more || !*more)
        return more;
    }
    expected = next;
  }
  if (!rest.empty() || expected != from.front.next)
    return std::unexpected{named(
      {fault::damaged, "its block does not end where it says"}, expected)};
  return true;
}

result<void> segment_reader::impl::visit_from(
  offset at, const entry_visitor& visit) const {
  if (at < header_.identity.first || at >= trailer_.summary.next)
    return {};
  for (auto i = block_with(at); i < trailer_.index.size(); ++i) {
    auto block = read_block(i);
    if (!block)
      return std::unexpected{std::move(block).error()};
    auto more = visit_block(*block, at, visit);
    if (!more)
      return std::unexpected{std::move(more).error()};
    if (!*more)
      return {};
  }
  return {};
}

result<void> segment_reader::visit(offset from, const visitor& visit) const {
  return self_->visit_from(
    from, [&](offset base, const entry_view& entry, bytes_view, bool) {
      return visit(base, entry);
    });
}

result<std::optional<offset>> segment_reader::offset_at_time(
  std::int64_t timestamp_ms) const {
  auto& index = self_->trailer_.index;
  auto found = std::ranges::lower_bound(
    index, timestamp_ms, {}, &segment_index_line::last_ms);
  if (found == index.end())
    return std::nullopt;
  std::optional<offset> at;
  auto looked = self_->visit_from(found->first,
    [&](
      offset base, const entry_view& entry, bytes_view, bool) -> result<bool> {
      if (entry.batch.max_timestamp_ms() < timestamp_ms)
        return true;
      at = base;
      auto read = entry.batch.for_each([&](const record_view& record) {
        at = record.at;
        return record.timestamp_ms < timestamp_ms;
      });
      if (!read)
        return std::unexpected{
          self_->named({fault::damaged, read.error().message}, base)};
      return false;
    });
  if (!looked)
    return std::unexpected{std::move(looked).error()};
  return at;
}

// -- verifying ----------------------------------------------------------------

result<void> segment_reader::verify_bytes() const {
  return self_->verify_digest();
}

result<segment_check> segment_reader::verify() const {
  if (auto digest = self_->verify_digest(); !digest)
    return std::unexpected{std::move(digest).error()};
  return self_->verify_entries();
}

result<void> segment_reader::impl::verify_digest() const {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  // All but the digest itself and the magic behind it.
  auto end = in_.size() - segment_check_bytes - segment_magic.size();
  for (std::uint64_t at = 0; at < end;) {
    auto size = std::min<std::uint64_t>(end - at, digest_piece_bytes);
    auto piece = in_.read(at, size);
    if (!piece)
      return std::unexpected{named(std::move(piece).error())};
    XXH3_128bits_update(&state, piece->data(), piece->size());
    at += size;
  }
  XXH128_canonical_t form;
  XXH128_canonicalFromHash(&form, XXH3_128bits_digest(&state));
  if (std::memcmp(form.digest, footer_.digest.data(), footer_.digest.size()))
    return std::unexpected{
      named({fault::damaged, "the digest of the file does not match"})};
  return {};
}

result<segment_check> segment_reader::impl::verify_entries() const {
  segment_check check;
  segment_follower follower{header_.identity};
  auto wrong = [&](offset at, std::string why) {
    return std::unexpected{named({fault::damaged, std::move(why)}, at)};
  };
  auto see = [&](offset base, const entry_view& entry, bytes_view stored,
               bool anew) -> result<bool> {
    check.encoded_anew += anew;
    if (auto followed = follower.follow(stored, anew); !followed)
      return wrong(base, followed.error().message);
    if (auto read = entry.batch.for_each([](const record_view&) {}); !read)
      return wrong(base, read.error().message);
    return true;
  };
  for (std::size_t i = 0; i < trailer_.index.size(); ++i) {
    auto block = read_block(i);
    if (!block)
      return std::unexpected{std::move(block).error()};
    auto visited = visit_block(*block, {0}, see);
    if (!visited)
      return std::unexpected{std::move(visited).error()};
    if (follower.seen().last_ms != block->front.last_ms)
      return wrong(block->front.first, "its block names another record time");
  }
  auto seen = follower.seen();
  seen.file_bytes = footer_.file_bytes;
  seen.digest = footer_.digest;
  // What the log had, where the bytes have become others.
  if (check.encoded_anew > 0)
    seen.batch_bytes = trailer_.summary.batch_bytes;
  if (seen != trailer_.summary)
    return wrong(seen.next, "the trailer names other entries than there are");
  return check;
}

// -- what it is ---------------------------------------------------------------

const segment_identity& segment_reader::identity() const {
  return self_->header_.identity;
}

const segment_summary& segment_reader::summary() const {
  return self_->trailer_.summary;
}

const std::vector<segment_dictionary>& segment_reader::dictionaries() const {
  return self_->dictionaries_;
}

std::size_t segment_reader::blocks() const {
  return self_->trailer_.index.size();
}

const fs::path& segment_reader::path() const {
  return self_->path_;
}

} // namespace herald
