#pragma once

#include "protocol/event/document_refused.hpp"
#include "protocol/event/match_completed.hpp"
#include "protocol/event/match_live.hpp"
#include "protocol/event/match_timeline_recorded.hpp"
#include "protocol/event/player_stats_updated.hpp"

#include <variant>

namespace herald {

/// Any event that an aggregate may cause.
using any_event
  = std::variant<event::match_live_started, event::match_live_updated,
    event::match_completed, event::match_timeline_recorded,
    event::player_stats_updated, event::document_refused>;

} // namespace herald
