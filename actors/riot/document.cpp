#include "actors/riot/document.hpp"

#include "actors/riot/replay.hpp"
#include "actors/riot/rules.hpp"
#include "protocol/schema/json_reader.hpp"
#include "protocol/schema/record.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <optional>
#include <simdjson.h>
#include <utility>

namespace herald::riot {

namespace {

using simdjson::dom::element;
using simdjson::dom::object;

using frames_by_key = std::map<std::string, event::participant_frame>;

// Riot's documents where they differ from the events that they become.

HERALD_RECORD(metadata_document, "herald.riot.document", "Metadata",
  "What stands before the content of a document.",
  (std::string, dataVersion, "Version of the document."),
  (std::string, matchId, "Platform and game id."),
  (std::vector<std::string>, participants, "PUUIDs of the humans."));

HERALD_RECORD(match_document, "herald.riot.document", "Match",
  "The content of a match document.",
  (std::optional<std::string>, endOfGameResult, "As in match.completed."),
  (std::int64_t, gameCreation, "As in match.completed."),
  (std::int64_t, gameDuration, "As in match.completed."),
  (std::optional<std::int64_t>, gameEndTimestamp, "As in match.completed."),
  (std::int64_t, gameId, "As in match.completed."),
  (std::string, gameMode, "As in match.completed."),
  (std::optional<std::vector<std::string>>, gameModeMutators,
    "As in match.completed."),
  (std::string, gameName, "As in match.completed."),
  (std::int64_t, gameStartTimestamp, "As in match.completed."),
  (std::string, gameType, "As in match.completed."),
  (std::string, gameVersion, "As in match.completed."),
  (std::int32_t, mapId, "As in match.completed."),
  (std::vector<event::participant>, participants, "As in match.completed."),
  (std::string, platformId, "As in match.completed."),
  (std::int32_t, queueId, "As in match.completed."),
  (std::vector<event::team>, teams, "As in match.completed."),
  (std::optional<std::string>, tournamentCode, "As in match.completed."));

HERALD_RECORD(timeline_participant_document, "herald.riot.document",
  "TimelineParticipant", "Who stands behind a participant id.",
  (std::int32_t, participantId, "From 1."),
  (std::string, puuid, "Riot's id of the player."));

HERALD_RECORD(timeline_frame_document, "herald.riot.document", "TimelineFrame",
  "A frame, its participants keyed by number.",
  (std::vector<event::timeline_event>, events, "What happened."),
  (std::optional<frames_by_key>, participantFrames,
    "How everybody stands; null when the game was aborted."),
  (std::int32_t, timestamp, "Game time in ms."));

HERALD_RECORD(timeline_document, "herald.riot.document", "Timeline",
  "The content of a timeline.",
  (std::optional<std::string>, endOfGameResult, "As in the event."),
  (std::int64_t, frameInterval, "As in the event."),
  (std::vector<timeline_frame_document>, frames, "As in the event."),
  (std::optional<std::int64_t>, gameId, "As in the event."),
  (std::optional<std::vector<timeline_participant_document>>, participants,
    "Who is who; absent in old timelines."));

/// What a bot has for a PUUID.
constexpr std::string_view bot_puuid = "BOT";
constexpr std::size_t puuid_length = 78;

/// Properties of a participant that name a person: required ones and others.
/// They are known, but kept out of the events.
constexpr std::string_view required_names[]
  = {"puuid", "summonerId", "summonerName"};
constexpr std::string_view optional_names[]
  = {"riotIdGameName", "riotIdName", "riotIdTagline"};

std::unexpected<refusal> misshapen(std::string pointer, std::string reason) {
  return std::unexpected{
    refusal{"shape", std::move(pointer), std::move(reason)}};
}

/// Decodes a part of a document; unknown properties go into the report.
template <class T>
reading<T> decode(
  const element& json, std::string_view pointer, json_report& report) {
  T value{};
  if (auto done = json_decode(type_of<T>(), &value, json, pointer, report);
    !done)
    return misshapen(report.pointer, report.detail);
  return value;
}

/// The string at a key; empty when it is not there or no string.
std::string text_at(const object& from, std::string_view key) {
  std::string_view text;
  if (from[key].get(text) != simdjson::SUCCESS)
    return {};
  return std::string{text};
}

/// Takes properties out of the report that no struct has but Herald knows.
void forget_unknown(
  json_report& report, const std::string& path, std::uint64_t count) {
  const auto found = report.unknown.find(path);
  if (found == report.unknown.end())
    return;
  found->second -= std::min(found->second, count);
  if (found->second == 0)
    report.unknown.erase(found);
}

document_kind kind_of(const object& info, bool& known) {
  known = true;
  for (const auto* key : {"frames", "frameInterval"})
    if (info[key].error() == simdjson::SUCCESS)
      return document_kind::timeline;
  for (const auto* key : {"participants", "teams", "gameDuration",
         "gameCreation", "gameStartTimestamp"})
    if (info[key].error() == simdjson::SUCCESS)
      return document_kind::match;
  known = false;
  return document_kind::match;
}

/// Who played, in the document's order, and that their required properties are
/// strings.
reading<std::vector<person>> read_people(
  const simdjson::dom::array& participants) {
  std::vector<person> people;
  std::int32_t place = 0;
  for (const auto item : participants) {
    const object from = item;
    for (const auto name : required_names) {
      auto pointer = fmt::format("/info/participants/{}/{}", place, name);
      const auto found = from[name];
      if (found.error() != simdjson::SUCCESS)
        return misshapen(std::move(pointer), "is missing");
      if (!found.is_string())
        return misshapen(std::move(pointer), "is not a string");
    }
    ++place;
    auto puuid = text_at(from, "puuid");
    if (puuid == bot_puuid)
      continue;
    auto game_name = text_at(from, "riotIdGameName");
    if (game_name.empty())
      game_name = text_at(from, "riotIdName");
    people.push_back({place, std::move(puuid), std::move(game_name),
      text_at(from, "riotIdTagline"), text_at(from, "summonerName")});
  }
  return people;
}

/// Riot puts a list among the challenges, which are numbers otherwise.
reading<std::optional<std::vector<std::int32_t>>> read_legendary_items(
  const object& participant, std::size_t place) {
  simdjson::dom::array items;
  if (participant["challenges"]["legendaryItemUsed"].get(items)
    != simdjson::SUCCESS)
    return std::nullopt;
  std::vector<std::int32_t> ids;
  for (const auto item : items) {
    std::int64_t id = 0;
    if (item.get(id) != simdjson::SUCCESS
      || id != static_cast<std::int32_t>(id))
      return misshapen(
        fmt::format("/info/participants/{}/challenges/legendaryItemUsed/{}",
          place, ids.size()),
        "is not a 32-bit integer");
    ids.push_back(static_cast<std::int32_t>(id));
  }
  return ids;
}

bool ended_as_remake(const std::vector<event::participant>& participants) {
  return !participants.empty()
    && std::ranges::all_of(
      participants, &event::participant::gameEndedInEarlySurrender);
}

reading<void> read_match(const element& info, document& doc,
  metadata_document&& metadata, json_report& report) {
  auto from = decode<match_document>(info, "/info", report);
  if (!from)
    return std::unexpected{std::move(from.error())};
  const simdjson::dom::array participants = info["participants"];
  auto people = read_people(participants);
  if (!people)
    return std::unexpected{std::move(people.error())};
  std::size_t place = 0;
  std::uint64_t lists = 0;
  for (const auto item : participants) {
    auto& who = from->participants[place];
    // Ids are Herald's own to give, whatever a document says.
    if (std::exchange(who.playerId, std::nullopt))
      ++report.unknown["info/participants/playerId"];
    if (std::exchange(who.legendaryItemUsed, std::nullopt))
      ++report.unknown["info/participants/legendaryItemUsed"];
    auto items = read_legendary_items(item, place++);
    if (!items)
      return std::unexpected{std::move(items.error())};
    lists += items->has_value();
    who.legendaryItemUsed = std::move(*items);
  }
  forget_unknown(
    report, "info/participants/challenges/legendaryItemUsed", lists);
  for (const auto name : required_names)
    report.unknown.erase(fmt::format("info/participants/{}", name));
  for (const auto name : optional_names)
    report.unknown.erase(fmt::format("info/participants/{}", name));

  event::match_completed match;
  match.matchId = std::move(metadata.matchId);
  match.dataVersion = std::move(metadata.dataVersion);
  match.endOfGameResult = std::move(from->endOfGameResult);
  match.gameCreation = from->gameCreation;
  match.gameDuration = from->gameDuration;
  match.gameEndTimestamp = from->gameEndTimestamp;
  match.gameId = from->gameId;
  match.gameMode = std::move(from->gameMode);
  match.gameModeMutators = std::move(from->gameModeMutators);
  match.gameName = std::move(from->gameName);
  match.gameStartTimestamp = from->gameStartTimestamp;
  match.gameType = std::move(from->gameType);
  match.gameVersion = std::move(from->gameVersion);
  match.mapId = from->mapId;
  match.participants = std::move(from->participants);
  match.platformId = std::move(from->platformId);
  match.queueId = from->queueId;
  match.teams = std::move(from->teams);
  match.tournamentCode = std::move(from->tournamentCode);
  doc.aborted = is_aborted(match);
  match.outcome = doc.aborted             ? "aborted"
    : ended_as_remake(match.participants) ? "remake"
                                          : "finished";
  if (!doc.aborted)
    doc.people = std::move(*people);
  doc.content = std::move(match);
  return {};
}

/// A frame's participants in the order of their numbers, which are the keys.
reading<std::vector<event::participant_frame>> sort_frames(
  frames_by_key&& by_key, std::size_t frame) {
  std::vector<event::participant_frame> sorted;
  sorted.reserve(by_key.size());
  for (auto& [key, who] : by_key) {
    std::int32_t number = 0;
    const auto end = key.data() + key.size();
    const auto read = std::from_chars(key.data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end
      || number != who.participantId)
      return misshapen(
        fmt::format(
          "/info/frames/{}/participantFrames/{}/participantId", frame, key),
        fmt::format("is {}", who.participantId));
    sorted.push_back(std::move(who));
  }
  std::ranges::sort(sorted, {}, &event::participant_frame::participantId);
  const auto twice = std::ranges::adjacent_find(
    sorted, {}, &event::participant_frame::participantId);
  if (twice != sorted.end())
    return misshapen(fmt::format("/info/frames/{}/participantFrames", frame),
      fmt::format("has participant {} twice", twice->participantId));
  return sorted;
}

reading<void> read_timeline(const element& info, document& doc,
  metadata_document&& metadata, json_report& report) {
  auto from = decode<timeline_document>(info, "/info", report);
  if (!from)
    return std::unexpected{std::move(from.error())};
  event::match_timeline_recorded timeline;
  timeline.matchId = std::move(metadata.matchId);
  timeline.dataVersion = std::move(metadata.dataVersion);
  timeline.endOfGameResult = std::move(from->endOfGameResult);
  timeline.frameInterval = from->frameInterval;
  timeline.gameId = from->gameId;
  timeline.frames.reserve(from->frames.size());
  for (auto& frame : from->frames) {
    auto participants = sort_frames(
      std::move(frame.participantFrames).value_or(frames_by_key{}),
      timeline.frames.size());
    if (!participants)
      return std::unexpected{std::move(participants.error())};
    auto& added = timeline.frames.emplace_back();
    added.events = std::move(frame.events);
    added.participantFrames = std::move(*participants);
    added.timestamp = frame.timestamp;
  }
  doc.aborted = is_aborted(timeline);
  if (from->participants && !doc.aborted)
    for (auto& who : *from->participants) {
      timeline.participants.push_back({who.participantId, {}});
      // Bots have "BOT"; a timeline cannot say what a broken id means.
      if (who.puuid.size() == puuid_length)
        doc.people.push_back(
          {who.participantId, std::move(who.puuid), {}, {}, {}});
    }
  doc.content = std::move(timeline);
  return {};
}

/// Memory for parsing, kept by each thread that reads documents while these are
/// of the usual size.
class parser_lease {
public:
  explicit parser_lease(std::size_t document_bytes)
    : large_(document_bytes > usual_bytes_max) {}
  parser_lease(const parser_lease&) = delete;
  parser_lease& operator=(const parser_lease&) = delete;
  ~parser_lease() {
    if (large_)
      kept() = json_parser{};
  }
  json_parser& operator*() { return kept(); }

private:
  static constexpr std::size_t usual_bytes_max = 4u << 20;
  static json_parser& kept() {
    static thread_local json_parser parser;
    return parser;
  }
  bool large_;
};

bool is_match_id(std::string_view text) {
  const auto cut = text.find('_');
  if (cut == text.npos)
    return false;
  const auto platform = text.substr(0, cut);
  const auto number = text.substr(cut + 1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !platform.empty() && platform.size() <= 8 && !number.empty()
    && number.size() <= 19 && std::ranges::all_of(number, is_digit)
    && std::ranges::all_of(platform, [&](char c) {
         return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
       });
}

void take_unknown(json_report&& report, document& doc) {
  std::uint64_t others = report.unknown_not_listed;
  for (auto& [path, count] : report.unknown) {
    if (doc.unknown.size() < unknown_paths_max)
      doc.unknown.emplace(path, count);
    else
      others += count;
  }
  if (others != 0)
    doc.unknown["(others)"] += others;
}

} // namespace

std::string_view to_string(document_kind kind) {
  return kind == document_kind::match ? "match" : "timeline";
}

reading<document> read_shape(bytes_view json) {
  if (json.size() > document_bytes_max)
    return misshapen("",
      fmt::format(
        "has {} bytes, at most {} are read", json.size(), document_bytes_max));
  parser_lease parser{json.size()};
  auto parsed = (*parser).parse(json);
  if (!parsed)
    return misshapen("", parsed.error().message);
  object root;
  if (parsed->get(root) != simdjson::SUCCESS)
    return misshapen("", "is not an object");
  element metadata_json;
  if (root["metadata"].get(metadata_json) != simdjson::SUCCESS)
    return misshapen("/metadata", "is missing: this is no match-v5 document");
  element info;
  if (root["info"].get(info) != simdjson::SUCCESS)
    return misshapen("/info", "is missing: this is no match-v5 document");
  object content;
  if (info.get(content) != simdjson::SUCCESS)
    return misshapen("/info", "is not an object");
  json_report report;
  auto metadata = decode<metadata_document>(metadata_json, "/metadata", report);
  if (!metadata)
    return std::unexpected{std::move(metadata.error())};
  bool known = false;
  const auto kind = kind_of(content, known);
  if (!known)
    return misshapen("/info",
      "has neither participants and teams nor frames: this is no match-v5 "
      "document");
  document doc;
  doc.match_id = metadata->matchId;
  doc.listed_puuids = std::move(metadata->participants);
  auto done = kind == document_kind::match
    ? read_match(info, doc, std::move(*metadata), report)
    : read_timeline(info, doc, std::move(*metadata), report);
  if (!done)
    return std::unexpected{std::move(done.error())};
  std::size_t parts = 0;
  for (const auto& [key, value] : root)
    if (key == "metadata" || key == "info")
      ++parts;
    else
      ++report.unknown[std::string{key}];
  if (parts != 2)
    return misshapen("", "has metadata or info twice");
  take_unknown(std::move(report), doc);
  return doc;
}

reading<document> read_document(bytes_view json) {
  auto doc = read_shape(json);
  if (!doc)
    return doc;
  if (auto broken = check(*doc))
    return std::unexpected{std::move(*broken)};
  // Rule 1 allows any platform; ids become keys, so theirs must be short.
  if (!is_match_id(doc->match_id))
    return misshapen(
      "/metadata/matchId", "is not a platform, \"_\" and the number of a game");
  return doc;
}

void set_player_id(document& doc, const person& who, std::string player_id) {
  const auto assign = [&](auto& participants) {
    const auto found = std::ranges::find_if(participants,
      [&](const auto& x) { return x.participantId == who.participant_id; });
    if (found != participants.end())
      found->playerId = std::move(player_id);
  };
  std::visit([&](auto& content) { assign(content.participants); }, doc.content);
}

} // namespace herald::riot
