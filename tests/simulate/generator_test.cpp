#include "tools/simulate/generator.hpp"

#include "tools/simulate/documents.hpp"
#include "tools/simulate/simulator.hpp"
#include "tools/simulate/tables.hpp"

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unistd.h>

using nlohmann::json;
using namespace herald::simulate;

namespace {

const std::filesystem::path source_directory = HERALD_SOURCE_DIR;
const auto shared_data = source_directory / "../shared/data/riot";

// A folder that goes away with the test.
struct scratch {
  std::filesystem::path path;
  scratch() {
    auto name
      = (std::filesystem::temp_directory_path() / "simulate-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~scratch() { std::filesystem::remove_all(path); }
};

std::string contents(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  REQUIRE(in);
  return {std::istreambuf_iterator<char>{in}, {}};
}

// FNV-1a: a few lines, and the same everywhere.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (auto one : text)
    hash = (hash ^ static_cast<unsigned char>(one)) * 0x100000001b3;
  return hash;
}

std::uint64_t hash_of_game(std::uint64_t seed, std::uint32_t index) {
  auto played = make_game(seed, index);
  return hash_of(match_document(played) + timeline_document(played));
}

void run(const std::string& command) {
  CAPTURE(command);
  REQUIRE(std::system(command.c_str()) == 0);
}

// The lines of one of the oracle's tables over a folder.
std::string oracle(const std::string& table, const std::string& folders,
  const std::filesystem::path& into) {
  run("python3 " + (source_directory / "tests/simulate/oracle.py").string()
    + " " + table + " " + folders + " > " + into.string());
  return contents(into);
}

std::string sorted_lines(const std::string& text) {
  std::set<std::string> lines;
  std::istringstream in{text};
  std::string header, line, out;
  std::getline(in, header);
  while (std::getline(in, line))
    lines.insert(line);
  out = header + "\n";
  for (const auto& one : lines)
    out += one + "\n";
  return out;
}

// Whether everything that the official description requires is there.
class description {
public:
  explicit description(json document)
    : schemas_(std::move(document["components"]["schemas"])) {}

  void check(const json& value, const std::string& schema,
    const std::string& where) const {
    const auto& described = schemas_.at(schema);
    for (const auto& name : described.value("required", json::array())) {
      CAPTURE(where, name.get<std::string>());
      CHECK(value.contains(name.get<std::string>()));
    }
    for (const auto& [name, content] : value.items())
      if (described.contains("properties")
        && described["properties"].contains(name))
        check_type(content, described["properties"][name], where + "/" + name);
  }

private:
  void check_type(
    const json& value, const json& type, const std::string& where) const {
    CAPTURE(where);
    if (type.contains("$ref")) {
      auto name = type["$ref"].get<std::string>();
      check(value, name.substr(name.rfind('/') + 1), where);
    } else if (type["type"] == "array") {
      REQUIRE(value.is_array());
      for (const auto& one : value)
        check_type(one, type["items"], where + "/*");
    } else if (type["type"] == "integer") {
      CHECK(value.is_number_integer());
    } else if (type["type"] == "number") {
      CHECK(value.is_number());
    } else if (type["type"] == "string") {
      CHECK(value.is_string());
    } else if (type["type"] == "boolean") {
      CHECK(value.is_boolean());
    }
  }

  json schemas_;
};

} // namespace

TEST_CASE("a seed gives the same bytes on every machine") {
  CHECK(hash_of_game(1, 0) == 0xae8bb26cf8f37ec0);
  CHECK(hash_of_game(1, 11) == 0xcc8d3f64180e9571);
  CHECK(hash_of_game(20'260'101, 4'999) == 0x13d6b11d6b56e85d);
}

TEST_CASE("games may be made in any order") {
  auto later = match_document(make_game(3, 5));
  make_game(3, 4);
  CHECK(match_document(make_game(3, 5)) == later);
  CHECK(match_document(make_game(4, 5)) != later);
}

TEST_CASE("when a game starts changes nothing but its times") {
  auto early = make_game(3, 0, {}, 1'000'000);
  auto late = make_game(3, 0, {}, 5'000'000);
  CHECK(late.start_ms - early.start_ms == 4'000'000);
  CHECK(late.end_ms - early.end_ms == 4'000'000);
  late.start_ms = early.start_ms;
  late.end_ms = early.end_ms;
  late.creation_ms = early.creation_ms;
  CHECK(timeline_document(late) == timeline_document(early));
}

TEST_CASE("match ids of a seed are unique") {
  std::set<std::string> ids;
  for (std::uint32_t index = 0; index < 50; ++index)
    CHECK(ids.insert(make_game(9, index).match_id()).second);
}

TEST_CASE("players meet again, and tables share nobody") {
  std::map<std::string, std::uint32_t> table_of;
  std::map<std::string, int> appearances;
  game_options options;
  for (std::uint32_t index = 0; index < 30; ++index) {
    auto played = make_game(5, index, options);
    std::set<std::string> names;
    auto table = index % options.tables;
    auto regular = make_person(5, table, 0).puuid;
    auto regular_plays = false;
    for (const auto& one : played.contestants) {
      ++appearances[one.who.puuid];
      auto known = table_of.emplace(one.who.puuid, table);
      CHECK(known.first->second == table);
      names.insert(one.who.game_name);
      regular_plays |= one.who.puuid == regular;
    }
    CHECK(names.size() == 10);
    CHECK(regular_plays);
  }
  auto often = std::count_if(appearances.begin(), appearances.end(),
    [](const auto& one) { return one.second >= 3; });
  CHECK(often > 20);
}

TEST_CASE("names are as long as Riot ids may be") {
  for (std::uint32_t number = 0; number < 200; ++number) {
    auto who = make_person(1, number % 7, number);
    CAPTURE(who.game_name, who.tag_line);
    CHECK(who.game_name.size() >= 3);
    CHECK(who.game_name.size() <= 16);
    CHECK(who.tag_line.size() >= 3);
    CHECK(who.tag_line.size() <= 5);
  }
}

TEST_CASE("an aborted game is Riot's empty document") {
  game_options options;
  options.remake_percent = 0;
  options.aborted_percent = 100;
  auto played = make_game(1, 0, options);
  auto match = json::parse(match_document(played));
  auto timeline = json::parse(timeline_document(played));
  CHECK(match["metadata"]["matchId"] == played.match_id());
  CHECK(match["metadata"]["participants"].size() == 10);
  for (const auto& [name, value] : match["info"].items()) {
    CAPTURE(name);
    if (value.is_number())
      CHECK(value == 0);
    else if (name != "endOfGameResult")
      CHECK((value.empty() || value == ""));
  }
  const auto& info = timeline["info"];
  CHECK(info["frameInterval"] == 0);
  REQUIRE(info["frames"].size() == 1);
  CHECK(info["frames"][0]["participantFrames"].is_null());
  CHECK(info["frames"][0]["events"][0]["type"] == "GAME_END");
  CHECK(info["frames"][0]["events"][0]["winningTeam"] == 0);
}

TEST_CASE("most games are won in half an hour by some forty kills") {
  auto finished = 0, minutes = 0, kills = 0, blue = 0;
  game_options options;
  options.aram_percent = options.remake_percent = options.aborted_percent = 0;
  for (std::uint32_t index = 0; index < 100; ++index) {
    auto played = make_game(2, index, options);
    ++finished;
    minutes += static_cast<int>(played.length_ms / 60'000);
    blue += played.winner == 100;
    for (const auto& one : played.summaries)
      kills += one.kills;
  }
  CHECK(minutes / finished > 20);
  CHECK(minutes / finished < 35);
  CHECK(kills / finished > 20);
  CHECK(kills / finished < 60);
  CHECK(blue > 30);
  CHECK(blue < 70);
}

TEST_CASE("nobody spends gold that he does not have") {
  for (std::uint32_t index = 0; index < 60; ++index)
    for (const auto& frame : make_game(2, index).frames)
      for (const auto& one : frame.standings)
        CHECK(one.current_gold >= 0);
}

TEST_CASE("generated games still give the committed tables") {
  scratch here;
  auto written = write_games(here.path / "games", 1, 12);
  REQUIRE(written);
  for (std::string table : {"final", "minutes"}) {
    auto made
      = oracle(table, (here.path / "games").string(), here.path / "table.csv");
    CHECK(made
      == contents(
        source_directory / "tests/simulate/expected" / (table + ".csv")));
  }
}

TEST_CASE("the oracle works out the tables of real documents") {
  if (!std::filesystem::exists(shared_data)) {
    WARN("skipped: there are no real documents beside the repository");
    return;
  }
  scratch here;
  auto folder = here.path.string();
  for (std::string name : {"matches", "timelines"})
    run("zstd -qdc " + (shared_data / "match-v5" / name).string()
      + ".tar.zst | tar -x -C " + folder);
  for (std::string table : {"final", "minutes"}) {
    run("zcat " + (shared_data / "match-v5/expected-").string() + table
      + ".csv.gz > " + folder + "/expected.csv");
    auto made = oracle(table, folder + "/matches " + folder + "/timelines",
      here.path / "table.csv");
    CHECK(
      sorted_lines(made) == sorted_lines(contents(here.path / "expected.csv")));
  }
}

TEST_CASE("documents have whatever the official description requires") {
  if (!std::filesystem::exists(shared_data)) {
    WARN("skipped: there is no official description beside the repository");
    return;
  }
  description official{
    json::parse(contents(shared_data / "schema/openapi-3.0.0.min.json"))};
  for (std::uint32_t index = 0; index < 40; ++index) {
    auto played = make_game(6, index);
    if (played.shape == game_shape::aborted)
      continue;
    official.check(
      json::parse(match_document(played)), "match-v5.MatchDto", "");
    official.check(
      json::parse(timeline_document(played)), "match-v5.TimelineDto", "");
  }
}

TEST_CASE(
  "the tables hold each item and champion once, with parts that exist") {
  std::set<std::int32_t> ids;
  std::set<std::string_view> names;
  for (const auto& one : champions()) {
    CHECK(ids.insert(one.id).second);
    CHECK(names.insert(one.name).second);
    CHECK(one.roles != 0);
    for (std::uint32_t variant = 0; variant < 2; ++variant)
      for (auto wanted : build_of(one.kind, variant)) {
        const auto& great = item_of(wanted);
        auto parts = 0;
        for (auto part : great.parts)
          if (part != 0)
            parts += item_of(part).price;
        CHECK(parts <= great.price);
      }
  }
}
