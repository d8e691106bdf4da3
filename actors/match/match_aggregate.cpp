#include "actors/match/match_aggregate.hpp"

#include "actors/match/match_snapshot.hpp"
#include "actors/riot/rules.hpp"
#include "actors/state_codec.hpp"
#include "protocol/schema/message_pack.hpp"

namespace herald {

namespace {

// Raised whenever evolve() folds the same events into something else.
constexpr std::uint32_t state_version = 1;

using events = std::vector<std::shared_ptr<const any_event>>;

refusal as_refusal(riot::refusal why) {
  return {std::move(why.rule), std::move(why.pointer), std::move(why.reason)};
}

/// The event itself, or a copy that says what it corrects.
template <class Event>
std::shared_ptr<const any_event> as_revision(
  const std::shared_ptr<const any_event>& event,
  const std::optional<match_state::recorded>& before) {
  if (!before)
    return event;
  auto corrected = std::get<Event>(*event);
  corrected.revision = before->revision + 1;
  corrected.supersedes = static_cast<std::int64_t>(before->at.value);
  return std::make_shared<const any_event>(std::move(corrected));
}

decision decide(const match_state& state, const record_match& command, offset) {
  auto& event = std::get<event::match_completed>(*command.event);
  if (auto known = state.documents.find(event.contentHash);
    known != state.documents.end())
    return known->second;
  if (state.replay)
    if (auto broken = riot::check_pair(*command.summary, *state.replay))
      return as_refusal(std::move(*broken));
  return events{
    as_revision<event::match_completed>(command.event, state.completed)};
}

decision decide(
  const match_state& state, const record_timeline& command, offset) {
  auto& event = std::get<event::match_timeline_recorded>(*command.event);
  if (auto known = state.documents.find(event.contentHash);
    known != state.documents.end())
    return known->second;
  if (state.summary)
    if (auto broken = riot::check_pair(*state.summary, *command.summary))
      return as_refusal(std::move(*broken));
  return events{
    as_revision<event::match_timeline_recorded>(command.event, state.timeline)};
}

/// A game that nobody announced: what its client shows is enough to start it.
std::shared_ptr<const any_event> start_of(const observe_live& command) {
  event::match_live_started started;
  auto& seen = *command.seen;
  started.matchId = command.match_id;
  started.principal = command.principal;
  started.source = "live-client";
  started.confidence = 1;
  auto cut = command.match_id.find('_');
  started.platformId = command.match_id.substr(0, cut);
  for (auto c :
    cut == std::string::npos ? std::string{} : command.match_id.substr(cut + 1))
    if (c >= '0' && c <= '9')
      started.gameId = started.gameId * 10 + (c - '0');
  started.gameStartTime
    = command.observed_ms - static_cast<std::int64_t>(seen.game_time * 1000);
  started.gameMode = seen.game_mode;
  started.mapId = seen.map_id;
  for (auto& player : seen.participants) {
    event::live_starter starter;
    starter.participantId = player.participantId;
    starter.teamId = player.teamId;
    if (auto known = command.player_ids.find(player.participantId);
      known != command.player_ids.end())
      starter.playerId = known->second;
    started.participants.push_back(std::move(starter));
  }
  return std::make_shared<const any_event>(std::move(started));
}

decision decide(const match_state& state, const observe_live& command, offset) {
  if (state.completed)
    return refusal{"match.ended", "",
      "the match has ended and its document is recorded; nothing live can "
      "follow"};
  auto news = riot::difference(state.live, *command.seen);
  if (!news.changed && state.live_at && state.live_source == "live-client")
    return *state.live_at;
  events all;
  if (!state.started)
    all.push_back(start_of(command));
  auto update = std::move(news.update);
  update.matchId = command.match_id;
  update.principal = command.principal;
  update.observedAt = command.observed_ms;
  all.push_back(std::make_shared<const any_event>(std::move(update)));
  return all;
}

decision decide(
  const match_state& state, const observe_spectator& command, offset) {
  // spectator-v5 has shown games that were over already (riot.md, section 9).
  if (state.completed)
    return state.completed->at;
  if (!state.started)
    return events{command.event};
  if (command.observed_ms - state.live_observed_ms < still_running_interval_ms)
    return state.live_at ? *state.live_at : *state.started;
  auto& started = std::get<event::match_live_started>(*command.event);
  event::match_live_updated running;
  running.matchId = started.matchId;
  running.principal = started.principal;
  running.source = started.source;
  running.confidence = started.confidence;
  running.gameTime = static_cast<double>(command.game_length_s);
  running.observedAt = command.observed_ms;
  return events{std::make_shared<const any_event>(std::move(running))};
}

void evolve(match_state& state, const event::match_live_started&, offset at) {
  state.started = at;
}

void evolve(
  match_state& state, const event::match_live_updated& event, offset at) {
  state.live_at = at;
  state.live_observed_ms = event.observedAt;
  state.live_source = event.source;
  // What spectator-v5 says has no players: it must not take back what a game
  // client told.
  if (event.participants.empty())
    return;
  state.live.game_time = event.gameTime;
  state.live.teams = event.teams;
  state.live.participants = event.participants;
  for (auto& happened : event.events)
    state.live.last_event_id
      = std::max(state.live.last_event_id, happened.eventId);
}

void evolve(
  match_state& state, const event::match_completed& event, offset at) {
  state.documents.emplace(event.contentHash, at);
  state.completed = {at, event.revision};
  state.summary = riot::summarize(event);
}

void evolve(
  match_state& state, const event::match_timeline_recorded& event, offset at) {
  state.documents.emplace(event.contentHash, at);
  state.timeline = {at, event.revision};
  state.replay = riot::replay(event);
}

// Events of other aggregates never stand under a match's key.
template <class Other>
void evolve(match_state&, const Other&, offset) {}

// -- the stored state ---------------------------------------------------------

std::optional<std::int64_t> stored(const std::optional<offset>& at) {
  if (!at)
    return std::nullopt;
  return static_cast<std::int64_t>(at->value);
}

std::optional<offset> restored(const std::optional<std::int64_t>& at) {
  if (!at)
    return std::nullopt;
  return offset{static_cast<std::uint64_t>(*at)};
}

std::optional<recorded_snapshot> stored(
  const std::optional<match_state::recorded>& event) {
  if (!event)
    return std::nullopt;
  return recorded_snapshot{
    static_cast<std::int64_t>(event->at.value), event->revision};
}

std::optional<match_state::recorded> restored(
  const std::optional<recorded_snapshot>& event) {
  if (!event)
    return std::nullopt;
  return match_state::recorded{
    {static_cast<std::uint64_t>(event->at)}, event->revision};
}

} // namespace

decision match_aggregate::decide(
  const match_state& state, const match_command& command, offset next) {
  return std::visit(
    [&](auto& which) { return herald::decide(state, which, next); }, command);
}

void match_aggregate::evolve(
  match_state& state, const any_event& event, offset at) {
  std::visit([&](auto& which) { herald::evolve(state, which, at); }, event);
}

state_format match_aggregate::stored_format() {
  static const auto format
    = format_of(type_of<match_snapshot>(), state_version);
  return format;
}

bytes match_aggregate::encode_state(const match_state& state) {
  match_snapshot snapshot;
  for (auto& [hash, at] : state.documents)
    snapshot.documents.emplace(hash, static_cast<std::int64_t>(at.value));
  snapshot.completed = stored(state.completed);
  snapshot.summary = state.summary;
  snapshot.timeline = stored(state.timeline);
  snapshot.replay = state.replay;
  snapshot.started = stored(state.started);
  snapshot.liveAt = stored(state.live_at);
  snapshot.live = state.live;
  snapshot.liveObservedAt = state.live_observed_ms;
  snapshot.liveSource = state.live_source;
  return message_pack_encode(snapshot);
}

result<match_state> match_aggregate::decode_state(bytes_view stored) {
  auto snapshot = message_pack_decode<match_snapshot>(stored);
  if (!snapshot)
    return std::unexpected(snapshot.error());
  match_state state;
  for (auto& [hash, at] : snapshot->documents)
    state.documents.emplace(hash, offset{static_cast<std::uint64_t>(at)});
  state.completed = restored(snapshot->completed);
  state.summary = std::move(snapshot->summary);
  state.timeline = restored(snapshot->timeline);
  state.replay = std::move(snapshot->replay);
  state.started = restored(snapshot->started);
  state.live_at = restored(snapshot->liveAt);
  state.live = std::move(snapshot->live);
  state.live_observed_ms = snapshot->liveObservedAt;
  state.live_source = std::move(snapshot->liveSource);
  return state;
}

} // namespace herald
