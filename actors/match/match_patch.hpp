#pragma once

#include "actors/any_event.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string_view>

namespace herald {

// The state of a match as views keep it and feeds show it, and the change that
// one event makes to it. A patch depends on its event alone, so that the view,
// the feed and a client that resumes from a cursor all see the same one:
//
//     patch  = { "set": { member: value, ... },      ; replaces members
//                "append": { member: [value, ...] } } ; extends lists
//
// The state after an event is the state before it with the patch applied.

/// The state of a match of which no event is known yet.
nlohmann::json empty_match_state(std::string_view match);

/// The change that an event of the topic `match` makes. `time_ms` is its
/// record time.
nlohmann::json match_patch(const any_event& event, std::int64_t time_ms);

/// Applies a patch that match_patch() made.
void apply_patch(nlohmann::json& state, nlohmann::json patch);

/// What the list of matches shows of a state.
nlohmann::json match_list_entry(const nlohmann::json& state);

} // namespace herald
