#pragma once

#include "actors/riot/live.hpp"
#include "actors/riot/replay.hpp"
#include "protocol/schema/record.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace herald {

// The stored form of match_state: see match_aggregate::encode_state(). Any
// change of a field makes another format, which refuses older snapshots.

/// By content hash, ascending, so that equal states have equal bytes.
using document_offsets = std::map<std::string, std::int64_t>;

HERALD_RECORD(recorded_snapshot, "herald.match", "RecordedSnapshot",
  "An event that a document became.", (std::int64_t, at, "Its offset."),
  (std::int32_t, revision, "Counts corrections."));

HERALD_RECORD(match_snapshot, "herald.match", "MatchSnapshot",
  "The state of a match aggregate, as it is stored.",
  (document_offsets, documents, "Content hash to the offset of its event."),
  (std::optional<recorded_snapshot>, completed, "The match document."),
  (std::optional<riot::match_summary>, summary, "What the rules need of it."),
  (std::optional<recorded_snapshot>, timeline, "The timeline."),
  (std::optional<riot::timeline_summary>, replay,
    "What the rules need of the timeline."),
  (std::optional<std::int64_t>, started, "Offset of match.live.started."),
  (std::optional<std::int64_t>, liveAt, "Offset of the last live event."),
  (riot::live_state, live, "What the live events told."),
  (std::int64_t, liveObservedAt, "When the last of them was observed, ms."),
  (std::string, liveSource, "Where the last of them came from."));

} // namespace herald
