#include "tools/herald/bench_archive.hpp"

#include "actors/event_codec.hpp"
#include "engine/log/archive.hpp"
#include "engine/log/segment_reader.hpp"
#include "protocol/batch/compression.hpp"
#include "tools/herald/exit_code.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>

namespace herald {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t document_bytes_max = 64u << 20;

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

/// Takes documents in and counts them.
class document_sink {
public:
  explicit document_sink(fs::path folder) : folder_{std::move(folder)} {}

  void take(const bytes& content) {
    ++counts.count;
    counts.bytes += content.size();
    auto start = cpu_seconds();
    counts.packed_bytes += compress(compression::zstd, content).size();
    counts.pack_seconds += cpu_seconds() - start;
    std::ofstream{
      folder_ / fmt::format("{}.json", counts.count), std::ios::binary}
      << content;
  }

  unpacked_documents counts;

private:
  fs::path folder_;
};

void take_file(const fs::path& path, document_sink& sink) {
  std::ifstream in{path, std::ios::binary};
  sink.take({std::istreambuf_iterator<char>{in}, {}});
}

result<void> take_archive(const fs::path& path, document_sink& sink) {
  std::unique_ptr<archive, decltype(&archive_read_free)> in{
    archive_read_new(), archive_read_free};
  archive_read_support_filter_zstd(in.get());
  archive_read_support_format_tar(in.get());
  auto refused = [&] {
    return fail(fault::io,
      fmt::format(
        "cannot read {}: {}", path.string(), archive_error_string(in.get())));
  };
  if (archive_read_open_filename(in.get(), path.c_str(), 1 << 16) != ARCHIVE_OK)
    return refused();
  archive_entry* entry = nullptr;
  for (;;) {
    auto status = archive_read_next_header(in.get(), &entry);
    if (status == ARCHIVE_EOF)
      return {};
    if (status != ARCHIVE_OK)
      return refused();
    std::string_view name = archive_entry_pathname(entry);
    auto size = static_cast<std::size_t>(archive_entry_size(entry));
    if (!name.ends_with(".json") || size > document_bytes_max)
      continue;
    bytes content(size, '\0');
    if (archive_read_data(in.get(), content.data(), size)
      != static_cast<la_ssize_t>(size))
      return refused();
    sink.take(content);
  }
}

result<void> take_path(const fs::path& path, document_sink& sink) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    for (auto& each : fs::recursive_directory_iterator(path, error))
      if (each.is_regular_file())
        if (auto taken = take_path(each.path(), sink); !taken)
          return taken;
  } else if (path.native().ends_with(".tar.zst")) {
    return take_archive(path, sink);
  } else if (path.extension() == ".json") {
    take_file(path, sink);
  }
  return {};
}

/// All batches of a topic, into the first partition of another log.
result<std::vector<bytes>> collect(const event_log& from, event_log& to) {
  auto topic = from.find_topic("match");
  if (!topic)
    return fail(fault::not_found, "there is no topic 'match'");
  auto target = to.create_topic("match", 1);
  if (!target)
    return std::unexpected{std::move(target).error()};
  std::vector<append_item> items;
  for (std::uint32_t i = 0; i < topic->partitions; ++i) {
    auto read = from.visit(
      {topic->number, i}, {0}, [&](offset, offset, bytes_view batch) {
        items.push_back({.where = {target->number, 0}, .batch = bytes{batch}});
        return true;
      });
    if (!read)
      return std::unexpected{std::move(read).error()};
  }
  // Archiving leaves the newest batch where it is.
  batch_builder last{0};
  last.add(std::nullopt, "end", 0);
  items.push_back({.where = {target->number, 0}, .batch = last.finish()});
  if (auto done = to.append(items); !done)
    return std::unexpected{std::move(done).error()};
  items.pop_back();
  std::vector<bytes> batches;
  for (auto& item : items)
    batches.push_back(std::move(item.batch));
  return batches;
}

void print_row(std::string_view form, std::uint64_t bytes, std::uint64_t raw,
  double seconds) {
  fmt::print("{:<42} {:>12} {:>7.2f} % {:>9.3f} s\n", form, bytes,
    100.0 * static_cast<double>(bytes) / static_cast<double>(raw), seconds);
}

/// Archives all of a log's partition and prints what that took.
result<void> archive_and_print(event_log& log, const unpacked_documents& raw) {
  auto topic = log.find_topic("match");
  partition_id where{topic->number, 0};
  auto start = cpu_seconds();
  auto did = log.archive(where, log.committed_end(where), {});
  if (!did)
    return std::unexpected{std::move(did).error()};
  auto seconds = cpu_seconds() - start;
  std::uint64_t bytes = 0, dictionary_bytes = 0;
  double read_seconds = 0;
  std::size_t dictionaries = 0;
  for (auto& segment : did->segments) {
    bytes += segment.file_bytes;
    auto reader
      = segment_reader::open(log.data_folder() / "archive" / segment.file);
    if (!reader)
      return std::unexpected{std::move(reader).error()};
    for (auto& dictionary : (*reader)->dictionaries()) {
      dictionary_bytes += dictionary.content.size();
      ++dictionaries;
    }
    start = cpu_seconds();
    auto read = (*reader)->visit(
      segment.first, [](offset, const entry_view&) { return true; });
    if (!read)
      return read;
    read_seconds += cpu_seconds() - start;
  }
  print_row("Avro + zstd with trained dictionaries", bytes, raw.bytes, seconds);
  fmt::print("  ({} dictionaries of {} bytes in all are part of it; the time "
             "covers training, packing,\n   reading back and removing; reading "
             "it all as the log had it takes {:.3f} s)\n",
    dictionaries, dictionary_bytes, read_seconds);
  return {};
}

/// What the batches take in each form, and the CPU for it.
struct batch_figures {
  std::uint64_t events = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t plain_bytes = 0;
  std::uint64_t packed_bytes = 0;
  double encode_seconds = 0;
  double pack_seconds = 0;
};

result<batch_figures> measure(
  const std::vector<bytes>& batches, const event_codec& codec) {
  batch_figures made;
  for (auto& data : batches) {
    auto batch = batch_view::parse_unchecked(data);
    made.live_bytes += batch->size_bytes();
    auto read = batch->for_each([&](const record_view& record) {
      ++made.events;
      if (auto event = codec.decode(*record.value)) {
        auto start = cpu_seconds();
        (void)codec.encode(*event);
        made.encode_seconds += cpu_seconds() - start;
      }
    });
    auto plain
      = decompress(batch->codec(), batch->payload(), inflated_bytes_max);
    if (!read || !plain)
      return fail(fault::damaged, "an imported batch cannot be read");
    made.plain_bytes += plain->size() + batch_header_bytes;
    auto start = cpu_seconds();
    made.packed_bytes
      += compress(compression::zstd, *plain).size() + batch_header_bytes;
    made.pack_seconds += cpu_seconds() - start;
  }
  return made;
}

result<void> print_figures(const fs::path& data, const fs::path& scratch,
  const unpacked_documents& raw) {
  auto from = event_log::open(data);
  if (!from)
    return std::unexpected{std::move(from).error()};
  auto to = event_log::open(scratch);
  if (!to)
    return std::unexpected{std::move(to).error()};
  auto batches = collect(**from, **to);
  if (!batches)
    return std::unexpected{std::move(batches).error()};
  auto codec = event_codec::make(**from);
  if (!codec)
    return std::unexpected{std::move(codec).error()};
  auto figures = measure(*batches, **codec);
  if (!figures)
    return std::unexpected{std::move(figures).error()};
  fmt::print("{} documents, {} events\n", raw.count, figures->events);
  fmt::print("{:<42} {:>12} {:>9} {:>11}\n", "form", "bytes", "of raw", "CPU");
  print_row("raw JSON", raw.bytes, raw.bytes, 0);
  print_row("raw JSON + zstd, each document", raw.packed_bytes, raw.bytes,
    raw.pack_seconds);
  print_row("Avro", figures->plain_bytes, raw.bytes, figures->encode_seconds);
  print_row("Avro + zstd, as in live batches", figures->packed_bytes, raw.bytes,
    figures->pack_seconds);
  fmt::print("  (the log has {} bytes of them)\n", figures->live_bytes);
  return archive_and_print(**to, raw);
}

} // namespace

result<unpacked_documents> unpack_documents(
  const std::vector<std::string>& paths, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  document_sink sink{folder};
  for (auto& path : paths)
    if (auto taken = take_path(path, sink); !taken)
      return std::unexpected{std::move(taken).error()};
  if (sink.counts.count == 0)
    return fail(fault::not_found, "there is no document below the paths");
  return sink.counts;
}

int print_archive_figures(const fs::path& data, const fs::path& scratch,
  const unpacked_documents& documents) {
  if (auto printed = print_figures(data, scratch, documents); !printed) {
    fmt::print(stderr, "herald bench: {}\n", printed.error().message);
    return exit_code_of(printed.error().code);
  }
  return exit_ok;
}

} // namespace herald
