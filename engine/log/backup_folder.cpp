#include "engine/log/backup_folder.hpp"

#include "engine/base/xxh3.hpp"
#include "engine/log/held_folder.hpp"
#include "protocol/big_endian.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace herald {

namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

constexpr std::string_view tables_magic = "HERALDTB";
constexpr char tables_version = 1;
constexpr int manifest_version = 1;
constexpr std::size_t piece_bytes = 1u << 20;
constexpr std::uint64_t manifest_bytes_max = 256u << 20;

constexpr const char* manifest_name = "manifest.json";
constexpr const char* digest_name = "manifest.digest";

template <class T>
void put(bytes& out, T value) {
  char raw[sizeof value];
  store_big_endian(raw, value);
  out.append(raw, sizeof raw);
}

// A file descriptor that closes itself.
class open_file {
public:
  open_file(const fs::path& path, int flags)
    : file_{::open(path.c_str(), flags | O_CLOEXEC, S_IRUSR | S_IWUSR)} {}
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  ~open_file() {
    if (file_ >= 0)
      ::close(file_);
  }
  int get() const { return file_; }

private:
  int file_;
};

result<void> write_all(int file, bytes_view data, const fs::path& path) {
  while (!data.empty()) {
    auto written = ::write(file, data.data(), data.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return std::unexpected{
        system_failure("write", path, written < 0 ? errno : ENOSPC)};
    data.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

segment_digest finish(const XXH3_state_t& state) {
  XXH128_canonical_t form;
  XXH128_canonicalFromHash(&form, XXH3_128bits_digest(&state));
  segment_digest digest;
  std::memcpy(digest.data(), form.digest, digest.size());
  return digest;
}

// Reads all of a file; `see` gets each piece.
result<copied_file> walk_file(const fs::path& from, std::size_t tail,
  const std::function<result<void>(bytes_view)>& see) {
  open_file in{from, O_RDONLY};
  struct stat status{};
  if (in.get() < 0 || ::fstat(in.get(), &status) != 0)
    return std::unexpected{system_failure("open", from, errno)};
  auto size = static_cast<std::uint64_t>(status.st_size);
  auto front = size - std::min<std::uint64_t>(size, tail);
  XXH3_state_t whole, first;
  XXH3_128bits_reset(&whole);
  XXH3_128bits_reset(&first);
  copied_file copied;
  bytes piece(piece_bytes, '\0');
  for (;;) {
    auto got = ::read(in.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return std::unexpected{system_failure("read", from, errno)};
    if (got == 0)
      break;
    bytes_view data{piece.data(), static_cast<std::size_t>(got)};
    XXH3_128bits_update(&whole, data.data(), data.size());
    if (copied.bytes < front)
      XXH3_128bits_update(&first, data.data(),
        std::min<std::uint64_t>(data.size(), front - copied.bytes));
    copied.bytes += data.size();
    if (auto seen = see(data); !seen)
      return std::unexpected{std::move(seen).error()};
  }
  copied.digest = finish(whole);
  copied.front_digest = finish(first);
  return copied;
}

} // namespace

// -- files --------------------------------------------------------------------

result<void> write_file(const fs::path& path, bytes_view content) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error)
    return std::unexpected{
      system_failure("create", path.parent_path(), error.value())};
  open_file out{path, O_WRONLY | O_CREAT | O_TRUNC};
  if (out.get() < 0)
    return std::unexpected{system_failure("create", path, errno)};
  if (auto written = write_all(out.get(), content, path); !written)
    return written;
  if (::fsync(out.get()) != 0)
    return std::unexpected{system_failure("sync", path, errno)};
  return sync_folder(path.parent_path());
}

result<bytes> read_file(const fs::path& path, std::uint64_t bytes_max) {
  bytes content;
  auto read = walk_file(path, 0, [&](bytes_view piece) -> result<void> {
    if (content.size() + piece.size() > bytes_max)
      return fail(fault::too_large,
        fmt::format("{} has more than {} bytes", path.string(), bytes_max));
    content += piece;
    return {};
  });
  if (!read)
    return std::unexpected{std::move(read).error()};
  return content;
}

result<copied_file> copy_file(const fs::path& from, const fs::path& to,
  std::size_t tail,
  const std::function<result<void>(std::size_t bytes)>& piece) {
  std::error_code error;
  fs::create_directories(to.parent_path(), error);
  if (error)
    return std::unexpected{
      system_failure("create", to.parent_path(), error.value())};
  open_file out{to, O_WRONLY | O_CREAT | O_TRUNC};
  if (out.get() < 0)
    return std::unexpected{system_failure("create", to, errno)};
  auto copied = walk_file(from, tail, [&](bytes_view data) -> result<void> {
    if (auto written = write_all(out.get(), data, to); !written)
      return written;
    return piece ? piece(data.size()) : result<void>{};
  });
  if (copied && ::fsync(out.get()) != 0)
    return std::unexpected{system_failure("sync", to, errno)};
  if (copied)
    if (auto synced = sync_folder(to.parent_path()); !synced)
      return std::unexpected{std::move(synced).error()};
  return copied;
}

result<copied_file> digest_file(const fs::path& path) {
  return walk_file(path, 0, [](bytes_view) { return result<void>{}; });
}

result<void> make_empty_folder(const fs::path& path, std::string_view what) {
  std::error_code error;
  if (fs::exists(path, error)
    && (!fs::is_directory(path, error) || !fs::is_empty(path, error)))
    return fail(fault::invalid_input,
      fmt::format("{} is not empty: choose a new or an empty folder for {}",
        path.string(), what));
  fs::create_directories(path, error);
  if (error)
    return std::unexpected{system_failure("create", path, error.value())};
  return {};
}

// -- tables -------------------------------------------------------------------

bytes encode_tables(const std::vector<table_dump>& tables) {
  bytes out{tables_magic};
  out.push_back(tables_version);
  for (auto& table : tables) {
    put(out, static_cast<std::uint16_t>(table.name.size()));
    out += table.name;
    for (auto& [key, value] : table.rows) {
      assert(!key.empty());
      put(out, static_cast<std::uint16_t>(key.size()));
      out += key;
      put(out, static_cast<std::uint32_t>(value.size()));
      out += value;
    }
    put(out, std::uint16_t{0});
  }
  put(out, std::uint16_t{0});
  auto check = digest_of(out);
  out.append(reinterpret_cast<const char*>(check.data()), check.size());
  return out;
}

result<std::vector<table_dump>> decode_tables(bytes_view content) {
  auto damaged
    = [] { return fail(fault::damaged, "the file is damaged or cut off"); };
  if (!content.starts_with(tables_magic)
    || content.size() < tables_magic.size() + 1 + 16)
    return damaged();
  if (content[tables_magic.size()] > tables_version)
    return fail(fault::version, "the file is of a newer version");
  auto rest = content.substr(0, content.size() - 16);
  auto check = digest_of(rest);
  if (std::memcmp(content.data() + rest.size(), check.data(), check.size())
    != 0)
    return damaged();
  rest.remove_prefix(tables_magic.size() + 1);
  auto fine = true;
  auto take = [&](std::size_t size) {
    fine = fine && size <= rest.size();
    auto taken = fine ? rest.substr(0, size) : bytes_view{};
    rest.remove_prefix(taken.size());
    return taken;
  };
  auto take_short = [&] {
    auto raw = take(2);
    return fine ? load_big_endian<std::uint16_t>(raw.data()) : std::uint16_t{0};
  };
  std::vector<table_dump> tables;
  while (auto size = take_short()) {
    tables.push_back({std::string{take(size)}, {}});
    while (auto key_size = take_short()) {
      bytes key{take(key_size)};
      auto raw = take(4);
      auto value_size = fine ? load_big_endian<std::uint32_t>(raw.data()) : 0u;
      tables.back().rows.emplace_back(std::move(key), take(value_size));
    }
  }
  if (!fine || !rest.empty())
    return damaged();
  return tables;
}

// -- the manifest -------------------------------------------------------------

result<void> write_manifest(
  const fs::path& folder, const backup_manifest& manifest) {
  auto& report = manifest.report;
  json told{{"format", manifest_version}, {"cluster", report.cluster},
    {"incarnation", report.incarnation}, {"records", report.records}};
  told["positions"] = json::array();
  for (auto& at : report.positions)
    told["positions"].push_back(
      {{"topic", at.topic}, {"partition", at.partition},
        {"start", at.start.value}, {"end", at.end.value}});
  told["files"] = json::array();
  for (auto& file : manifest.files)
    told["files"].push_back({{"path", file.path}, {"bytes", file.bytes},
      {"xxh3", to_string(file.digest)}});
  auto text = told.dump(1) + "\n";
  auto written
    = write_file(folder / digest_name, to_string(digest_of(text)) + "\n");
  if (written)
    written = write_file(folder / "manifest.new", text);
  if (!written)
    return written;
  std::error_code error;
  fs::rename(folder / "manifest.new", folder / manifest_name, error);
  if (error)
    return std::unexpected{
      system_failure("rename", folder / "manifest.new", error.value())};
  return sync_folder(folder);
}

result<backup_manifest> read_manifest(const fs::path& folder) {
  auto path = folder / manifest_name;
  std::error_code error;
  if (!fs::exists(path, error))
    return fail(fault::not_found,
      fmt::format("{} holds no finished backup: there is no {} in it",
        folder.string(), manifest_name));
  auto damaged = [&](std::string_view why) {
    return fail(fault::damaged, fmt::format("{}: {}", path.string(), why));
  };
  auto text = read_file(path, manifest_bytes_max);
  if (!text)
    return std::unexpected{std::move(text).error()};
  auto digest = read_file(folder / digest_name, 64);
  if (!digest || *digest != to_string(digest_of(*text)) + "\n")
    return damaged("it is not what manifest.digest says");
  backup_manifest manifest;
  auto& report = manifest.report;
  try {
    auto told = json::parse(*text);
    if (told.at("format").get<int>() > manifest_version)
      return fail(fault::version,
        fmt::format("the backup in {} is of a newer format", folder.string()));
    report.cluster = told.at("cluster").get<std::string>();
    report.incarnation = told.at("incarnation").get<std::uint64_t>();
    report.records = told.at("records").get<std::uint64_t>();
    for (auto& at : told.at("positions"))
      report.positions.push_back({at.at("topic").get<std::string>(),
        at.at("partition").get<std::uint32_t>(),
        {at.at("start").get<std::uint64_t>()},
        {at.at("end").get<std::uint64_t>()}});
    for (auto& file : told.at("files")) {
      auto found = parse_digest(file.at("xxh3").get<std::string>());
      auto name = file.at("path").get<std::string>();
      // Nothing outside of the folder is ever opened for it.
      if (!found || name.empty() || name.starts_with('/')
        || name.find("..") != name.npos)
        return damaged("a file in it has no proper name or digest");
      manifest.files.push_back(
        {std::move(name), file.at("bytes").get<std::uint64_t>(), *found});
      report.bytes += manifest.files.back().bytes;
    }
  } catch (const json::exception& why) {
    return damaged(why.what());
  }
  report.files = manifest.files.size();
  return manifest;
}

} // namespace herald
