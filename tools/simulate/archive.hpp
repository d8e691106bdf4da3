#pragma once

#include "protocol/failure.hpp"
#include "tools/simulate/match_source.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <unordered_map>

namespace herald::simulate {

/// The match-v5 documents of a folder, served as matches that ended long ago.
/// Files (*.json, searched recursively) are read once to learn who played, and
/// again when somebody asks for one.
class archive : public match_source {
public:
  /// Fails with not_found when there is no match document, io when the folder
  /// cannot be read. Files that are no match-v5 documents are passed over.
  static result<std::unique_ptr<archive>> open(
    const std::filesystem::path& folder);

  std::optional<person> by_puuid(std::string_view puuid) const override;
  std::optional<person> by_riot_id(
    std::string_view game_name, std::string_view tag_line) const override;
  std::vector<listed_match> matches_of(
    std::string_view puuid, std::int64_t now_ms) override;
  std::optional<bytes> match(
    std::string_view match_id, std::int64_t now_ms) override;
  std::optional<bytes> timeline(
    std::string_view match_id, std::int64_t now_ms) override;
  std::optional<bytes> current_game_of(
    std::string_view puuid, std::int64_t now_ms) override;
  std::optional<ranked_record> ranked(std::string_view puuid,
    std::int32_t queue_id, std::int64_t now_ms) override;

  /// How many matches there are.
  std::size_t size() const { return matches_.size(); }
  /// Everybody whom the documents name.
  std::vector<person> people() const;

private:
  struct entry {
    std::filesystem::path match_file;
    std::filesystem::path timeline_file;
    std::int64_t start_ms = 0;
    std::int32_t queue_id = 0;
  };

  archive() = default;
  void add(const std::filesystem::path& file);

  std::map<std::string, entry, std::less<>> matches_;
  std::unordered_map<std::string, person> people_;
  std::unordered_map<std::string, std::string> names_;
  std::unordered_map<std::string, std::vector<std::string>> played_;
};

} // namespace herald::simulate
