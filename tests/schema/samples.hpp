#pragma once

#include "protocol/schema/record.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// Records for the tests of this room: together they have every kind of field
/// in every kind of place.

namespace herald::samples {

HERALD_RECORD(objective, "herald.sample", "Objective",
  "One kind of objective, as one team took it.",
  (bool, first, "Whether this team took the first one."),
  (std::int32_t, kills, "How many this team took."));

HERALD_RECORD(team, "herald.sample", "Team", "What a team has.",
  (std::int32_t, teamId, "100 for blue, 200 for red."),
  (objective, baron, "Barons."),
  (std::optional<objective>, atakhan, "Atakhans, where there are any."),
  (std::vector<objective>, others, "The rest."));

using numbers = std::map<std::string, double>;
using counts = std::map<std::string, std::int32_t>;
using teams_by_name = std::map<std::string, team>;

HERALD_RECORD(everything, "herald.sample", "Everything",
  "A field of each kind. \"Quoted\", with a \\ in its words.",
  (bool, truth, "A bool."), (std::int32_t, small, "An int32."),
  (std::int64_t, large, "An int64."), (float, single, "A float."),
  (double, real, "A double."), (std::string, text, "A string."),
  (binary, raw, "Bytes."), (std::vector<std::int32_t>, list, "An array."),
  (std::vector<std::string>, words, "An array of strings."),
  (numbers, challenges, "A map of doubles."), (counts, tally, "A map of ints."),
  (team, ours, "A record."), (std::vector<team>, teams, "An array of records."),
  (teams_by_name, named, "A map of records."),
  (std::optional<bool>, maybeTruth, "An optional bool."),
  (std::optional<std::int64_t>, maybeLarge, "An optional int64."),
  (std::optional<double>, maybeReal, "An optional double."),
  (std::optional<std::string>, maybeText, "An optional string."),
  (std::optional<binary>, maybeRaw, "Optional bytes."),
  (std::optional<team>, maybeTeam, "An optional record."),
  (std::optional<std::vector<std::int64_t>>, maybeList, "An optional array."),
  (std::optional<numbers>, maybeNumbers, "An optional map."),
  (std::vector<std::optional<std::int32_t>>, gaps, "An array of optionals."),
  (std::int32_t, revision, "An int with a default.", 1),
  (std::string, source, "A string with a default.", "a \"file\""),
  (double, confidence, "A double with a default.", 0.25),
  (bool, stolen, "A bool with a default.", true),
  (binary, key, "Bytes with a default.", (binary{"\x01\xff"})),
  (std::vector<std::int32_t>, none, "An array with an empty default.", {}),
  (objective, bounty, "A record with a default.", (objective{true, 2})));

} // namespace herald::samples
