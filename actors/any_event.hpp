#pragma once

#include "protocol/event/document_refused.hpp"
#include "protocol/event/match_completed.hpp"
#include "protocol/event/match_live.hpp"
#include "protocol/event/match_timeline_recorded.hpp"
#include "protocol/event/player_stats_updated.hpp"
#include "protocol/event/records_deleted.hpp"

#include <variant>

namespace herald {

/// Any event that an aggregate may cause, or the node itself.
using any_event = std::variant<event::match_live_started,
  event::match_live_updated, event::match_completed,
  event::match_timeline_recorded, event::player_stats_updated,
  event::document_refused, event::records_deleted>;

} // namespace herald
