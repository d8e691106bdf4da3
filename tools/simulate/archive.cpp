#include "tools/simulate/archive.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <simdjson.h>

namespace herald::simulate {

namespace {

std::optional<bytes> read_file(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  if (file.empty() || !in)
    return std::nullopt;
  return bytes{std::istreambuf_iterator<char>{in}, {}};
}

std::string text_at(simdjson::dom::element of, std::string_view key) {
  std::string_view text;
  return of[key].get(text) == simdjson::SUCCESS ? std::string{text} : "";
}

std::int64_t number_at(simdjson::dom::element of, std::string_view key) {
  std::int64_t number = 0;
  return of[key].get(number) == simdjson::SUCCESS ? number : 0;
}

} // namespace

result<std::unique_ptr<archive>> archive::open(
  const std::filesystem::path& folder) {
  std::unique_ptr<archive> made{new archive};
  std::error_code error;
  std::filesystem::recursive_directory_iterator all{folder, error};
  if (error)
    return fail(fault::io,
      "cannot read the folder " + folder.string() + ": " + error.message());
  std::vector<std::filesystem::path> files;
  for (; all != std::filesystem::recursive_directory_iterator{};
    all.increment(error)) {
    if (error)
      return fail(fault::io,
        "cannot read the folder " + folder.string() + ": " + error.message());
    if (all->path().extension() == ".json" && all->is_regular_file(error))
      files.push_back(all->path());
  }
  std::ranges::sort(files);
  for (const auto& file : files)
    made->add(file);
  std::erase_if(made->matches_,
    [](const auto& one) { return one.second.match_file.empty(); });
  if (made->matches_.empty())
    return fail(fault::not_found,
      "there is no match-v5 match document in " + folder.string());
  for (auto& [puuid, ids] : made->played_)
    std::ranges::sort(ids, [&](const auto& a, const auto& b) {
      return made->matches_.at(a).start_ms > made->matches_.at(b).start_ms;
    });
  return made;
}

void archive::add(const std::filesystem::path& file) {
  auto text = read_file(file);
  if (!text)
    return;
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (parser.parse(*text).get(document) != simdjson::SUCCESS)
    return;
  simdjson::dom::element info;
  std::string_view id;
  if (document["metadata"]["matchId"].get(id) != simdjson::SUCCESS
    || document["info"].get(info) != simdjson::SUCCESS)
    return;
  auto& one = matches_[std::string{id}];
  simdjson::dom::element frames;
  if (info["frames"].get(frames) == simdjson::SUCCESS) {
    one.timeline_file = file;
    return;
  }
  if (!one.match_file.empty())
    return;
  one.match_file = file;
  one.start_ms = number_at(info, "gameStartTimestamp");
  one.queue_id = static_cast<std::int32_t>(number_at(info, "queueId"));
  simdjson::dom::array players;
  if (document["metadata"]["participants"].get(players) == simdjson::SUCCESS)
    for (auto player : players) {
      std::string_view puuid;
      if (player.get(puuid) == simdjson::SUCCESS)
        played_[std::string{puuid}].emplace_back(id);
    }
  if (info["participants"].get(players) != simdjson::SUCCESS)
    return;
  for (auto player : players) {
    person who;
    who.puuid = text_at(player, "puuid");
    if (who.puuid.size() != 78)
      continue;
    who.game_name = text_at(player, "riotIdGameName");
    if (who.game_name.empty())
      who.game_name = text_at(player, "summonerName");
    who.tag_line = text_at(player, "riotIdTagline");
    who.summoner_id = text_at(player, "summonerId");
    who.summoner_level
      = static_cast<std::int32_t>(number_at(player, "summonerLevel"));
    who.profile_icon
      = static_cast<std::int32_t>(number_at(player, "profileIcon"));
    names_[riot_id_key(who.game_name, who.tag_line)] = who.puuid;
    people_[who.puuid] = std::move(who);
  }
}

std::optional<person> archive::by_puuid(std::string_view puuid) const {
  auto found = people_.find(std::string{puuid});
  if (found == people_.end())
    return std::nullopt;
  return found->second;
}

std::optional<person> archive::by_riot_id(
  std::string_view game_name, std::string_view tag_line) const {
  auto found = names_.find(riot_id_key(game_name, tag_line));
  if (found == names_.end())
    return std::nullopt;
  return by_puuid(found->second);
}

std::vector<listed_match> archive::matches_of(
  std::string_view puuid, std::int64_t) {
  std::vector<listed_match> all;
  auto found = played_.find(std::string{puuid});
  if (found == played_.end())
    return all;
  for (const auto& id : found->second) {
    const auto& one = matches_.at(id);
    all.push_back({id, one.start_ms, one.queue_id});
  }
  return all;
}

std::optional<bytes> archive::match(std::string_view match_id, std::int64_t) {
  auto found = matches_.find(match_id);
  if (found == matches_.end())
    return std::nullopt;
  return read_file(found->second.match_file);
}

std::optional<bytes> archive::timeline(
  std::string_view match_id, std::int64_t) {
  auto found = matches_.find(match_id);
  if (found == matches_.end())
    return std::nullopt;
  return read_file(found->second.timeline_file);
}

std::optional<bytes> archive::current_game_of(std::string_view, std::int64_t) {
  return std::nullopt;
}

std::optional<ranked_record> archive::ranked(
  std::string_view, std::int32_t, std::int64_t) {
  return std::nullopt;
}

std::vector<person> archive::people() const {
  std::vector<person> all;
  for (const auto& [puuid, who] : people_)
    all.push_back(who);
  std::ranges::sort(all, {}, &person::puuid);
  return all;
}

} // namespace herald::simulate
