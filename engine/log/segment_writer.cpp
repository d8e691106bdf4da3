#include "engine/log/segment_writer.hpp"

#include "engine/base/xxh3.hpp"
#include "engine/log/dictionary_trainer.hpp"
#include "engine/log/held_folder.hpp"
#include "engine/log/segment_layout.hpp"
#include "engine/log/segment_reader.hpp"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <unistd.h>
#include <utility>

namespace herald {

namespace {

namespace fs = std::filesystem;

// Archived once and read for years: more effort than a live batch gets.
constexpr int pack_level = 9;

struct free_context {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_CDict* dictionary) const { ZSTD_freeCDict(dictionary); }
};

// Where the bytes go: a file or memory.
class output {
public:
  output() = default;
  output(const output&) = delete;
  output& operator=(const output&) = delete;
  ~output() { close(); }

  result<void> open(const fs::path& path) {
    path_ = path;
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error)
      return std::unexpected{
        system_failure("create", path.parent_path(), error.value())};
    file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
      S_IRUSR | S_IWUSR | S_IRGRP);
    if (file_ < 0)
      return std::unexpected{system_failure("create", path, errno)};
    return {};
  }

  result<void> write(bytes_view data) {
    if (path_.empty()) {
      memory_ += data;
      return {};
    }
    while (!data.empty()) {
      auto written = ::write(file_, data.data(), data.size());
      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        return std::unexpected{
          system_failure("write", path_, written < 0 ? errno : ENOSPC)};
      data.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  result<void> sync() {
    if (!path_.empty() && ::fsync(file_) != 0)
      return std::unexpected{system_failure("sync", path_, errno)};
    close();
    return {};
  }

  bytes take() { return std::move(memory_); }

private:
  void close() {
    if (file_ >= 0)
      ::close(std::exchange(file_, -1));
  }

  fs::path path_;
  int file_ = -1;
  bytes memory_;
};

} // namespace

struct segment_writer::impl {
  fs::path path_;
  segment_identity identity_;
  segment_packing packing_;
  output out_;
  XXH3_state_t hash_;
  std::uint64_t position_ = 0;
  segment_follower follower_{identity_};
  segment_trailer trailer_;
  bool finished_ = false;
  bool published_ = false;

  // The block that is being filled, and the bytes of values by their schema.
  bytes plain_;
  segment_block_front block_;
  std::map<std::int32_t, std::uint64_t> schemas_;

  std::unique_ptr<ZSTD_CCtx, free_context> context_{ZSTD_createCCtx()};
  std::vector<std::unique_ptr<ZSTD_CDict, free_context>> dictionaries_;

  impl(fs::path path, const segment_identity& identity, segment_packing packing)
    : path_{std::move(path)}, identity_{identity},
      packing_{std::move(packing)} {
    XXH3_128bits_reset(&hash_);
  }

  ~impl() {
    std::error_code error;
    if (!path_.empty() && !published_)
      fs::remove(fresh(), error);
  }

  fs::path fresh() const {
    auto name = path_;
    name += ".new";
    return name;
  }

  result<void> start() {
    if (!path_.empty())
      if (auto opened = out_.open(fresh()); !opened)
        return opened;
    auto& given = packing_.dictionaries;
    if (!packing_.pack)
      given.clear();
    if (given.size() > segment_dictionaries_max)
      return fail(fault::too_large, "a segment has too many dictionaries");
    auto written = write(encode_header(identity_, given.size()));
    for (auto& dictionary : given) {
      if (dictionary.content.size() > segment_dictionary_bytes_max)
        return fail(fault::too_large, "a dictionary is too large");
      if (written)
        written = write(encode_dictionary(dictionary));
      dictionaries_.emplace_back(ZSTD_createCDict(
        dictionary.content.data(), dictionary.content.size(), pack_level));
    }
    return written;
  }

  result<void> write(bytes_view data) {
    XXH3_128bits_update(&hash_, data.data(), data.size());
    position_ += data.size();
    return out_.write(data);
  }

  result<void> add(bytes_view entry);
  void count_schemas(const entry_view& entry, bytes_view records);
  bytes pack();
  std::uint8_t best_dictionary() const;
  result<void> end_block();
};

segment_writer::segment_writer(std::unique_ptr<impl> self)
  : self_{std::move(self)} {}

segment_writer::~segment_writer() = default;

result<std::unique_ptr<segment_writer>> segment_writer::create(
  const fs::path& path, const segment_identity& identity,
  segment_packing packing) {
  auto self = std::make_unique<impl>(path, identity, std::move(packing));
  if (auto started = self->start(); !started)
    return std::unexpected{std::move(started).error()};
  return std::unique_ptr<segment_writer>{new segment_writer{std::move(self)}};
}

result<std::unique_ptr<segment_writer>> segment_writer::create(
  const segment_identity& identity, segment_packing packing) {
  return create(fs::path{}, identity, std::move(packing));
}

result<void> segment_writer::add(bytes_view entry) {
  return self_->add(entry);
}

result<void> segment_writer::impl::add(bytes_view stored) {
  assert(!finished_);
  auto& seen = follower_.seen();
  auto wrong = [&](failure why, offset at) {
    return fail(why.code,
      fmt::format("{}/{}@{}: {}", identity_.topic, identity_.partition,
        at.value, why.message));
  };
  // Blocks of many small entries never come near their bound.
  if (plain_.size() + stored.size() > segment_block_bytes_max / 2)
    if (auto ended = end_block(); !ended)
      return ended;
  auto expected = seen.next;
  auto entry = follower_.follow(stored);
  if (!entry)
    return wrong(std::move(entry).error(), expected);
  auto base = entry->batch.base_offset();
  if (plain_.empty())
    block_ = {.first = base};
  auto records = append_item(plain_, stored, packing_.pack);
  if (!records)
    return wrong(std::move(records).error(), base);
  if (!dictionaries_.empty() && !records->empty())
    count_schemas(*entry, *records);
  ++block_.entries;
  block_.next = seen.next;
  block_.last_ms = seen.last_ms;
  return plain_.size() >= segment_block_bytes ? end_block() : result<void>{};
}

// How many bytes of the batch are values of which schema.
void segment_writer::impl::count_schemas(
  const entry_view& entry, bytes_view records) {
  (void)for_each_inflated(
    entry.batch, records, [this](const record_view& record) {
      if (!record.value)
        return;
      if (auto schema = schema_of(*record.value))
        schemas_[*schema] += record.value->size();
    });
}

std::uint8_t segment_writer::impl::best_dictionary() const {
  std::uint64_t most = 0;
  std::size_t best = 0;
  for (std::size_t i = 0; i < dictionaries_.size(); ++i) {
    auto found = schemas_.find(packing_.dictionaries[i].schema);
    if (found == schemas_.end() || found->second <= most)
      continue;
    most = found->second;
    best = i + 1;
  }
  return static_cast<std::uint8_t>(best);
}

// The block's bytes in a frame, when that is worth it.
bytes segment_writer::impl::pack() {
  bytes packed;
  packed.resize(ZSTD_compressBound(plain_.size()));
  auto dictionary = best_dictionary();
  auto size = dictionary
    ? ZSTD_compress_usingCDict(context_.get(), packed.data(), packed.size(),
        plain_.data(), plain_.size(), dictionaries_[dictionary - 1].get())
    : ZSTD_compressCCtx(context_.get(), packed.data(), packed.size(),
        plain_.data(), plain_.size(), pack_level);
  if (ZSTD_isError(size) || size + plain_.size() / 32 >= plain_.size())
    return {};
  packed.resize(size);
  block_.zip = segment_zip::zstd;
  block_.dictionary = dictionary;
  return packed;
}

result<void> segment_writer::impl::end_block() {
  if (plain_.empty())
    return {};
  auto packed = packing_.pack ? pack() : bytes{};
  bytes_view content = block_.zip == segment_zip::zstd ? packed : plain_;
  block_.plain = static_cast<std::uint32_t>(plain_.size());
  block_.packed = static_cast<std::uint32_t>(content.size());
  trailer_.index.push_back({position_, block_.first, block_.last_ms});
  auto written = write(encode_block(block_, content));
  plain_.clear();
  schemas_.clear();
  return written;
}

offset segment_writer::next() const {
  return self_->follower_.seen().next;
}

std::uint64_t segment_writer::batch_bytes() const {
  return self_->follower_.seen().batch_bytes;
}

result<segment_summary> segment_writer::finish() {
  auto& self = *self_;
  assert(!self.finished_);
  self.finished_ = true;
  auto written = self.end_block();
  auto& summary = self.trailer_.summary;
  summary = self.follower_.seen();
  segment_footer footer{.trailer_position = self.position_};
  auto trailer = encode_trailer(self.trailer_);
  if (written && trailer.size() > segment_section_bytes_max)
    return fail(fault::too_large, "the index of a segment is too large");
  if (written)
    written = self.write(trailer);
  footer.file_bytes = self.position_ + segment_footer_bytes;
  if (written)
    written = self.write(encode_footer_front(footer));
  XXH128_canonical_t form;
  XXH128_canonicalFromHash(&form, XXH3_128bits_digest(&self.hash_));
  std::memcpy(summary.digest.data(), form.digest, summary.digest.size());
  if (written)
    written = self.out_.write(encode_footer_end(summary.digest));
  if (written)
    written = self.out_.sync();
  if (!written)
    return std::unexpected{std::move(written).error()};
  summary.file_bytes = footer.file_bytes;
  return summary;
}

result<void> segment_writer::publish() {
  auto& self = *self_;
  assert(self.finished_ && !self.path_.empty());
  auto reader = segment_reader::open(self.fresh());
  if (!reader)
    return std::unexpected{std::move(reader).error()};
  if (self.packing_.pack) {
    if (auto checked = (*reader)->verify(); !checked)
      return std::unexpected{std::move(checked).error()};
  } else if (auto checked = (*reader)->verify_bytes(); !checked) {
    return checked;
  }
  if ((*reader)->summary() != self.trailer_.summary)
    return fail(fault::damaged,
      fmt::format(
        "{} does not read back as it was written", self.fresh().string()));
  std::error_code error;
  fs::rename(self.fresh(), self.path_, error);
  if (error)
    return std::unexpected{
      system_failure("rename", self.fresh(), error.value())};
  self.published_ = true;
  return sync_folder(self.path_.parent_path());
}

bytes segment_writer::take() {
  assert(self_->finished_);
  return self_->out_.take();
}

} // namespace herald
