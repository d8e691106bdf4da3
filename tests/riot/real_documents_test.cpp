#include "actors/riot/document.hpp"
#include "actors/riot/export.hpp"
#include "actors/riot/live.hpp"
#include "actors/riot/rules.hpp"
#include "protocol/schema/record.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>
#include <zlib.h>

/// The same against real documents, which stand beside the repository, never
/// in it. HERALD_SHARED names another folder that has them.

using namespace herald;
using namespace herald::riot;

namespace {

namespace fs = std::filesystem;

std::optional<fs::path> riot_folder() {
  const auto* told = std::getenv("HERALD_SHARED");
  const auto shared = told
    ? fs::path{told}
    : fs::path{HERALD_SOURCE_DIR}.parent_path() / "shared";
  const auto folder = shared / "data/riot";
  if (fs::exists(folder / "match-v5"))
    return folder;
  WARN("skipped: there are no real documents beside the repository");
  return std::nullopt;
}

std::string read_text(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::string read_gzip(const fs::path& path) {
  const auto file = gzopen(path.c_str(), "rb");
  REQUIRE(file);
  std::string text;
  std::array<char, 65536> piece{};
  for (int got = 0; (got = gzread(file, piece.data(), piece.size())) > 0;)
    text.append(piece.data(), static_cast<std::size_t>(got));
  gzclose(file);
  return text;
}

/// A folder that is gone when the test is over.
class temporary_folder {
public:
  temporary_folder() {
    auto name = (fs::temp_directory_path() / "herald-riot-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()));
    path_ = name;
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

private:
  fs::path path_;
};

/// What remains of all documents of an archive.
struct archive_contents {
  std::map<std::string, match_summary> matches;
  std::map<std::string, timeline_summary> timelines;
  std::map<std::string, std::uint64_t> unknown;
};

void read_archive(const fs::path& archive, archive_contents& into) {
  const temporary_folder unpacked;
  const auto command = "zstd -dcq '" + archive.string() + "' | tar -x -C '"
    + unpacked.path().string() + "'";
  REQUIRE(std::system(command.c_str()) == 0);
  for (const auto& file : fs::recursive_directory_iterator{unpacked.path()}) {
    if (!file.is_regular_file())
      continue;
    INFO(file.path().filename());
    const auto doc = read_document(read_text(file.path()));
    if (!doc) {
      UNSCOPED_INFO(doc.error().rule << ' ' << doc.error().pointer << ' '
                                     << doc.error().reason);
      CHECK(doc);
      continue;
    }
    for (const auto& [path, count] : doc->unknown)
      into.unknown[path] += count;
    if (doc->kind() == document_kind::match)
      into.matches[doc->match_id]
        = summarize(std::get<event::match_completed>(doc->content));
    else
      into.timelines[doc->match_id]
        = replay(std::get<event::match_timeline_recorded>(doc->content));
  }
}

/// All 277 documents, read once for all tests; nothing when they are absent.
const archive_contents* all_documents() {
  static std::optional<archive_contents> contents;
  const auto folder = riot_folder();
  if (!folder)
    return nullptr;
  if (!contents) {
    contents.emplace();
    read_archive(*folder / "match-v5/matches.tar.zst", *contents);
    read_archive(*folder / "match-v5/timelines.tar.zst", *contents);
  }
  return &*contents;
}

std::vector<std::string> sorted_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  std::ranges::sort(lines);
  return lines;
}

} // namespace

TEST_CASE("every real document is accepted and knows nothing unknown") {
  const auto* all = all_documents();
  if (!all)
    return;
  CHECK(all->matches.size() == 146);
  CHECK(all->timelines.size() == 131);
  CHECK(all->unknown.empty());
}

TEST_CASE("every real pair agrees") {
  const auto* all = all_documents();
  if (!all)
    return;
  int pairs = 0;
  for (const auto& [id, match] : all->matches) {
    const auto timeline = all->timelines.find(id);
    if (timeline == all->timelines.end())
      continue;
    ++pairs;
    const auto broken = check_pair(match, timeline->second);
    INFO(id << ' ' << (broken ? broken->reason : ""));
    CHECK_FALSE(broken);
  }
  CHECK(pairs == 125);
}

TEST_CASE("one real game is a remake, none is aborted") {
  const auto* all = all_documents();
  if (!all)
    return;
  for (const auto& [id, match] : all->matches) {
    INFO(id);
    CHECK(match.outcome == (id == "NA1_3721380428" ? "remake" : "finished"));
  }
}

TEST_CASE("the tables are the expected ones, character for character") {
  const auto* all = all_documents();
  if (!all)
    return;
  const auto folder = *riot_folder() / "match-v5";
  std::string players{players_csv_header()};
  std::string minutes{minutes_csv_header()};
  for (const auto& [id, match] : all->matches) {
    const auto timeline = all->timelines.find(id);
    if (timeline == all->timelines.end())
      continue;
    append_players_csv(match, &timeline->second, players);
    append_minutes_csv(match, timeline->second, minutes);
  }
  CHECK(sorted_lines(players)
    == sorted_lines(read_gzip(folder / "expected-final.csv.gz")));
  CHECK(sorted_lines(minutes)
    == sorted_lines(read_gzip(folder / "expected-minutes.csv.gz")));
}

TEST_CASE("every real answer of a game client is read") {
  const auto folder = riot_folder();
  if (!folder)
    return;
  std::size_t files = 0;
  for (const auto& file : fs::directory_iterator{*folder / "liveclient"}) {
    INFO(file.path().filename());
    const auto seen = read_live(read_text(file.path()));
    REQUIRE(seen);
    const auto found = difference({}, *seen);
    CHECK(found.changed);
    CHECK_FALSE(difference(found.after, *seen).changed);
    ++files;
  }
  CHECK(files == 8);
}

TEST_CASE("a real ranked game seen live has its objectives") {
  const auto folder = riot_folder();
  if (!folder)
    return;
  const auto seen = read_live(
    read_text(*folder / "liveclient/allgamedata-11.21-ranked-00.json"));
  REQUIRE(seen);
  const auto found = difference({}, *seen);
  CHECK(found.update.events.size() == 88);
  CHECK(found.update.teams[0].kills == 39);
  CHECK(found.update.teams[0].towers == 8);
  CHECK(found.update.teams[0].dragons == 4);
  CHECK(found.update.teams[1].barons == 1);
}

TEST_CASE("the samples that begin with made-up events add only real ones") {
  const auto folder = riot_folder();
  if (!folder)
    return;
  const auto before
    = read_live(read_text(*folder / "liveclient/allgamedata-early-a.json"));
  const auto after
    = read_live(read_text(*folder / "liveclient/allgamedata-early-b.json"));
  REQUIRE(before);
  REQUIRE(after);
  const auto first = difference({}, *before);
  CHECK(first.update.teams[0].towers == 0);
  const auto second = difference(first.after, *after);
  REQUIRE(second.update.events.size() == 1);
  CHECK(second.update.events[0].name == "GameEnd");
}
