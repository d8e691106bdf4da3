#pragma once

#include "actors/riot/document.hpp"
#include "protocol/bytes.hpp"
#include "protocol/event/match_live.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// Games in progress: what the Live Client Data API of a player's own machine
/// and spectator-v5 show of them.

namespace herald::riot {

/// One look at a running game through the Live Client Data API
/// (/liveclientdata/allgamedata). Participants are numbered from 1 in the order
/// of `allPlayers`. Names were used to find out who did what; only `people`
/// still has them.
struct live_observation {
  /// Seconds of game time.
  double game_time = 0;
  std::string game_mode;
  /// Id of the map, such as 11; 0 when not told.
  std::int32_t map_id = 0;
  /// A spectator's client answered, which is known to miss events.
  bool spectating = false;
  std::vector<event::live_participant> participants;
  /// Names of the participants that are no bots; the API knows no PUUIDs.
  std::vector<person> people;
  /// The whole feed so far. Events whose id does not rise are left out: old
  /// clients begin with a sample of every kind of event, all numbered 0.
  std::vector<event::live_event> events;
};

/// Reads the answer of /liveclientdata/allgamedata. A killer that is no player
/// of the game (or one whose name is hidden) stays absent; what killed instead,
/// such as a minion, is told by monsterType or structure. Refuses as "shape"
/// what lacks gameData, allPlayers or events; `activePlayer` may be an error
/// and is not looked at.
reading<live_observation> read_live(bytes_view all_game_data);

HERALD_RECORD(live_state, "herald.riot", "LiveState",
  "How far a running game has been told.",
  (std::int32_t, last_event_id, "Highest event id told; -1 before any.", -1),
  (double, game_time, "Game time of the last observation, in seconds."),
  (std::vector<event::live_team>, teams, "Both teams, 100 first."),
  (std::vector<event::live_participant>, participants, "As last told."));

/// What an observation adds to what was told before.
struct live_difference {
  /// The event without `matchId`, `principal` and `observedAt`; `source` is
  /// "live-client", `confidence` 1, or 0.8 from a spectator's client.
  event::match_live_updated update;
  /// What has been told once `update` is.
  live_state after;
  /// False when nothing but the clock moved: no event is needed.
  bool changed = false;
};

/// Compares an observation with what was told before: new events are those with
/// a higher id; the teams' objectives are counted from them (a building for the
/// team that did not lose it, a monster for its killer's team), kills and item
/// gold are sums over the participants. An observation of an earlier game time
/// than the last one changes nothing, so that late and repeated ones are
/// harmless.
live_difference difference(
  const live_state& before, const live_observation& seen);

/// A running game as spectator-v5 shows it.
struct live_start {
  /// The event without `principal`; `source` is "spectator-v5", `confidence`
  /// 0.9, since spectator-v5 was seen to show the game before.
  event::match_live_started content;
  /// Seconds since the start, as told; can be negative while the game loads.
  std::int64_t game_length = 0;
  /// Players whose PUUID is shown. Names may be missing.
  std::vector<person> people;
};

/// Reads spectator-v5's CurrentGameInfo. Refuses as "shape" what lacks a
/// property that the event needs.
reading<live_start> read_spectator(bytes_view current_game_info);

/// Writes the vault's id of a person into the event.
void set_player_id(live_start& start, const person& who, std::string player_id);

} // namespace herald::riot
