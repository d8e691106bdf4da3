#include "protocol/event/event_types.hpp"

#include "protocol/schema/avro.hpp"
#include "protocol/schema/json.hpp"
#include "tests/event/samples.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

using namespace herald;
using namespace herald::event;

namespace {

const std::filesystem::path folder
  = std::filesystem::path{HERALD_SOURCE_DIR} / "tests/event";

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// The committed text of a file. With HERALD_WRITE_GOLDEN set the text of
/// today is written first, for whoever adds a field on purpose.
std::string golden(
  const std::filesystem::path& path, const std::string& today) {
  if (std::getenv("HERALD_WRITE_GOLDEN"))
    std::ofstream{path, std::ios::binary} << today;
  return read_text(path);
}

std::string pretty(const std::string& json) {
  return nlohmann::ordered_json::parse(json).dump(2) + '\n';
}

/// Bytes in hexadecimal digits, 32 a line.
std::string hex(bytes_view data) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < data.size(); ++i) {
    text += digits[static_cast<unsigned char>(data[i]) >> 4];
    text += digits[static_cast<unsigned char>(data[i]) & 15];
    if (i % 32 == 31 || i + 1 == data.size())
      text += '\n';
  }
  return text;
}

bytes unhex(const std::string& text) {
  bytes data;
  std::string digits;
  for (const char c : text)
    if (c != '\n')
      digits += c;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    data += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return data;
}

template <class T>
void check_golden(const char* name, const T& sample) {
  INFO(name);
  REQUIRE(find_event_type(name));
  CHECK(find_event_type(name)->description == &type_of<T>());
  const auto file = folder / "golden" / (std::string{name} + ".avro.hex");
  const auto written = golden(file, hex(avro_encode(sample)));
  CHECK(written == hex(avro_encode(sample)));
  const auto decoded = avro_decode<T>(unhex(written));
  REQUIRE(decoded);
  CHECK(*decoded == sample);
  // What was written with the committed schema stays readable by it.
  const auto schema
    = read_text(folder / "schemas" / (std::string{name} + ".avsc"));
  const auto resolver = avro_resolver::make(schema, type_of<T>());
  REQUIRE(resolver);
  const auto resolved = resolver->template decode<T>(unhex(written));
  REQUIRE(resolved);
  CHECK(*resolved == sample);
  const auto again = json_decode<T>(json_encode(sample));
  REQUIRE(again);
  CHECK(*again == sample);
}

/// All property names of a schema, however deep.
void collect_names(
  const nlohmann::ordered_json& schema, std::set<std::string>& names) {
  if (schema.is_object() && schema.contains("fields"))
    for (const auto& field : schema["fields"])
      names.insert(field["name"].get<std::string>());
  if (schema.is_structured())
    for (const auto& part : schema)
      collect_names(part, names);
}

} // namespace

TEST_CASE("the schema of every event is the committed one") {
  for (const auto& kind : event_types()) {
    INFO(kind.name);
    const auto today = pretty(avro_schema(*kind.description));
    const auto file = folder / "schemas" / (std::string{kind.name} + ".avsc");
    CHECK(golden(file, today) == today);
  }
}

TEST_CASE("the bytes of every event are the committed ones") {
  check_golden("match.completed", sample_match_completed());
  check_golden("match.timeline.recorded", sample_match_timeline_recorded());
  check_golden("match.live.started", sample_match_live_started());
  check_golden("match.live.updated", sample_match_live_updated());
  check_golden("player.stats.updated", sample_player_stats_updated());
  check_golden("document.refused", sample_document_refused());
  check_golden("records.deleted", sample_records_deleted());
}

TEST_CASE("an event is found by its name, its subject and its struct") {
  std::set<std::string_view> names;
  for (const auto& kind : event_types()) {
    INFO(kind.name);
    names.insert(kind.name);
    CHECK(find_event_type(kind.name) == &kind);
    CHECK(find_event_type_by_subject(kind.subject) == &kind);
    CHECK(find_event_type(*kind.description) == &kind);
    const auto full = full_name(*kind.description);
    CHECK(full == "herald." + std::string{kind.name});
    CHECK(kind.subject == std::string{kind.topic} + '-' + full);
  }
  CHECK(names.size() == event_types().size());
  CHECK(find_event_type("match.unheard") == nullptr);
  CHECK(find_event_type_by_subject("match") == nullptr);
  CHECK(find_event_type(type_of<objective>()) == nullptr);
}

TEST_CASE("no event has a field for the name or id of a person") {
  for (const auto& kind : event_types()) {
    std::set<std::string> names;
    collect_names(
      nlohmann::ordered_json::parse(avro_schema(*kind.description)), names);
    for (const auto* personal : {"puuid", "summonerId", "summonerName",
           "riotIdName", "riotIdGameName", "riotIdTagline", "riotId"})
      CHECK(names.count(personal) == 0);
  }
}

TEST_CASE("every field of every event says what it is") {
  const auto check = [](const auto& self, const type& described) -> void {
    if (described.element)
      self(self, *described.element);
    for (const auto& x : described.fields) {
      INFO(full_name(described) << '.' << x.name);
      CHECK(x.doc.size() > 3);
      CHECK(x.doc.ends_with('.'));
      self(self, *x.of);
    }
  };
  for (const auto& kind : event_types())
    check(check, *kind.description);
}
