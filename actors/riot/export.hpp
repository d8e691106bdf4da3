#pragma once

#include "actors/riot/replay.hpp"
#include "protocol/bytes.hpp"

#include <string_view>

/// The two tables that Herald exports about matches, as comma-separated lines.

namespace herald::riot {

/// The first lines of the tables, each with its line feed.
std::string_view players_csv_header();
std::string_view minutes_csv_header();

/// Appends one line per participant to `out`; nothing for an aborted match.
/// The first blood is the timeline's where there is one (`timeline` may be
/// null), else the match document's own word.
void append_players_csv(
  const match_summary& match, const timeline_summary* timeline, bytes& out);

/// Appends one line per frame to `out`; nothing for Arena, Swarm and aborted
/// matches.
void append_minutes_csv(
  const match_summary& match, const timeline_summary& timeline, bytes& out);

} // namespace herald::riot
