#include "protocol/event/event_types.hpp"

#include "protocol/event/document_refused.hpp"
#include "protocol/event/match_completed.hpp"
#include "protocol/event/match_live.hpp"
#include "protocol/event/match_timeline_recorded.hpp"
#include "protocol/event/player_stats_updated.hpp"
#include "protocol/event/records_deleted.hpp"

#include <algorithm>
#include <array>

namespace herald::event {

std::span<const event_type> event_types() {
  static const std::array<event_type, 7> types{{
    {"match.completed", "match", "match-herald.match.completed",
      &type_of<match_completed>()},
    {"match.timeline.recorded", "match", "match-herald.match.timeline.recorded",
      &type_of<match_timeline_recorded>()},
    {"match.live.started", "match", "match-herald.match.live.started",
      &type_of<match_live_started>()},
    {"match.live.updated", "match", "match-herald.match.live.updated",
      &type_of<match_live_updated>()},
    {"player.stats.updated", "player", "player-herald.player.stats.updated",
      &type_of<player_stats_updated>()},
    {"document.refused", "dead-letter", "dead-letter-herald.document.refused",
      &type_of<document_refused>()},
    {"records.deleted", "audit", "audit-herald.records.deleted",
      &type_of<records_deleted>()},
  }};
  return types;
}

namespace {

const event_type* find(const auto& matches) {
  const auto types = event_types();
  const auto found = std::ranges::find_if(types, matches);
  return found == types.end() ? nullptr : &*found;
}

} // namespace

const event_type* find_event_type(std::string_view name) {
  return find([&](const event_type& x) { return x.name == name; });
}

const event_type* find_event_type_by_subject(std::string_view subject) {
  return find([&](const event_type& x) { return x.subject == subject; });
}

const event_type* find_event_type(const type& description) {
  return find(
    [&](const event_type& x) { return x.description == &description; });
}

} // namespace herald::event
