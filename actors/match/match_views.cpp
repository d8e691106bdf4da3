#include "actors/match/match_views.hpp"

#include "actors/match/match_patch.hpp"
#include "protocol/batch/partitioner.hpp"
#include "protocol/big_endian.hpp"
#include "protocol/schema/avro.hpp"

#include <nlohmann/json.hpp>

#include <cassert>
#include <thread>

namespace herald {

namespace {

using nlohmann::json;

constexpr std::string_view state_table = "match.state";
constexpr std::string_view list_table = "match.list";
constexpr std::string_view live_table = "match.live";
constexpr std::string_view player_table = "match.player";
constexpr std::string_view documents_table = "match.documents";
constexpr std::string_view summary_table = "match.summary";
constexpr std::string_view timeline_table = "match.timeline";

constexpr std::size_t list_limit_max = 1'000;
// Matches that an export reads in one transaction.
constexpr std::size_t export_step = 200;

bytes to_message_pack(const json& value) {
  bytes out;
  json::to_msgpack(value, nlohmann::detail::output_adapter<char>(out));
  return out;
}

json from_message_pack(bytes_view row) {
  return json::from_msgpack(row.begin(), row.end(), true, false);
}

/// Latest start first.
bytes list_key(const json& state) {
  auto& started = state.at("startedAt");
  auto ms = started.is_number() ? started.get<std::int64_t>() : 0;
  bytes key;
  append_big_endian(
    key, ~static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0)));
  return key + state.at("matchId").get<std::string>();
}

void write_document(view_transaction& views, const std::string& hash,
  const position& at, char kind, bytes_view match) {
  bytes row;
  append_big_endian(row, at.where.partition);
  append_big_endian(row, at.at.value);
  row += kind;
  row += match;
  views.put(documents_table, hash, row);
}

/// Both in the key: matches of one player stand in different partitions, and
/// between those there is no order.
bytes player_key(std::string_view player, bytes_view match) {
  return bytes{player} + '\0' + bytes{match};
}

/// The players of a game that starts, or that ended.
void write_players(
  view_transaction& views, const any_event& event, bytes_view match) {
  if (auto* started = std::get_if<event::match_live_started>(&event)) {
    for (auto& player : started->participants)
      if (player.playerId)
        views.put(player_table, player_key(*player.playerId, match), {});
  } else if (auto* completed = std::get_if<event::match_completed>(&event)) {
    for (auto& player : completed->participants)
      if (player.playerId)
        views.erase(player_table, player_key(*player.playerId, match));
  }
}

} // namespace

std::vector<std::string> match_projection::tables() const {
  std::vector<std::string> names;
  for (auto table : {state_table, list_table, live_table, player_table,
         documents_table, summary_table, timeline_table})
    names.emplace_back(table);
  return names;
}

result<void> match_projection::apply(
  const position& at, const record_view& record, view_transaction& views) {
  if (!record.key || !record.value)
    return {};
  auto match = *record.key;
  auto event = codec_.decode(*record.value);
  if (!event)
    return std::unexpected(event.error());

  auto row = views.get(state_table, match);
  auto state = row ? from_message_pack(*row) : empty_match_state(match);
  if (!state.is_object())
    return fail(fault::damaged, "a row of match.state is not a state");
  auto old_key = row ? list_key(state) : bytes{};
  apply_patch(state, match_patch(*event, record.timestamp_ms));
  auto key = list_key(state);
  if (!old_key.empty() && old_key != key)
    views.erase(list_table, old_key);
  views.put(state_table, match, to_message_pack(state));
  views.put(list_table, key, match_list_entry(state).dump());
  if (state.at("state") == "live")
    views.put(live_table, match, {});
  else
    views.erase(live_table, match);
  write_players(views, *event, match);

  if (auto* completed = std::get_if<event::match_completed>(&*event)) {
    write_document(views, completed->contentHash, at, 'm', match);
    views.put(summary_table, match, avro_encode(riot::summarize(*completed)));
  } else if (auto* recorded
    = std::get_if<event::match_timeline_recorded>(&*event)) {
    write_document(views, recorded->contentHash, at, 't', match);
    views.put(timeline_table, match, avro_encode(riot::replay(*recorded)));
  }
  return {};
}

match_views::match_views(const event_log& log, const view_store& views)
  : log_(log), views_(views) {
  auto topic = log.find_topic("match");
  assert(topic);
  topic_ = *topic;
}

result<std::pair<json, offset>> match_views::state(
  std::string_view match) const {
  json state;
  offset next{0};
  auto partition = partition_of(match, topic_.partitions);
  auto read = views_.read([&](const view_snapshot& views) -> result<void> {
    if (auto row = views.get(state_table, match))
      state = from_message_pack(*row);
    next
      = views
          .cursor(match_projection::follower_name, {topic_.id.value, partition})
          .value_or(offset{0});
    return {};
  });
  if (!read)
    return std::unexpected(read.error());
  if (state.is_null())
    return fail(
      fault::not_found, "no event names the match " + std::string{match});
  return std::pair{std::move(state), next};
}

result<json> match_views::list(
  std::string_view state, std::size_t limit) const {
  limit = std::min(limit, list_limit_max);
  auto entries = json::array();
  auto read = views_.read([&](const view_snapshot& views) -> result<void> {
    if (state.empty() || state == "live") {
      std::vector<std::string> live;
      views.scan(live_table, {}, scan_order::forward, limit,
        [&](bytes_view match, bytes_view) {
          live.emplace_back(match);
          return true;
        });
      for (auto& match : live)
        if (auto row = views.get(state_table, match))
          entries.push_back(match_list_entry(from_message_pack(*row)));
    }
    if (state == "live")
      return {};
    views.scan(list_table, {}, scan_order::forward, all_rows,
      [&](bytes_view, bytes_view row) {
        if (entries.size() >= limit)
          return false;
        auto entry = json::parse(row, nullptr, false);
        auto which = entry.value("state", "");
        if (which != "live" && (state.empty() || which == state))
          entries.push_back(std::move(entry));
        return true;
      });
    return {};
  });
  if (!read)
    return std::unexpected(read.error());
  return entries;
}

result<std::string> match_views::match_of_player(
  std::string_view player_id) const {
  std::string match;
  auto prefix = player_key(player_id, {});
  auto read = views_.read([&](const view_snapshot& views) -> result<void> {
    views.scan(player_table, key_range::with_prefix(prefix),
      scan_order::backward, 1, [&](bytes_view key, bytes_view) {
        match = key.substr(prefix.size());
        return false;
      });
    return {};
  });
  if (!read)
    return std::unexpected(read.error());
  if (match.empty())
    return fail(fault::not_found, "the player is in no game that is known");
  return match;
}

std::optional<recorded_document> match_views::document(
  std::string_view hash) const {
  auto row = views_.get(documents_table, hash);
  if (!row || !*row || (*row)->size() < 13)
    return std::nullopt;
  bytes_view in = **row;
  return recorded_document{load_big_endian<std::uint32_t>(in.data()),
    {load_big_endian<std::uint64_t>(in.data() + 4)},
    in[12] == 'm' ? "match" : "timeline", std::string{in.substr(13)}};
}

result<void> match_views::for_each_summary(const std::function<bool(
    const riot::match_summary&, const riot::timeline_summary*)>& visit) const {
  bytes from;
  for (;;) {
    std::vector<std::pair<bytes, bytes>> rows;
    std::vector<std::optional<bytes>> timelines;
    auto read = views_.read([&](const view_snapshot& views) -> result<void> {
      views.scan(summary_table, {from, std::nullopt}, scan_order::forward,
        export_step, [&](bytes_view match, bytes_view row) {
          rows.emplace_back(match, row);
          return true;
        });
      for (auto& [match, row] : rows) {
        auto timeline = views.get(timeline_table, match);
        timelines.push_back(
          timeline ? std::optional<bytes>{*timeline} : std::nullopt);
      }
      return {};
    });
    if (!read)
      return read;
    if (rows.empty())
      return {};
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto match = avro_decode<riot::match_summary>(rows[i].second);
      if (!match)
        return std::unexpected(match.error());
      std::optional<riot::timeline_summary> timeline;
      if (timelines[i]) {
        auto decoded = avro_decode<riot::timeline_summary>(*timelines[i]);
        if (!decoded)
          return std::unexpected(decoded.error());
        timeline = std::move(*decoded);
      }
      if (!visit(*match, timeline ? &*timeline : nullptr))
        return {};
    }
    from = rows.back().first + '\0';
  }
}

offset match_views::cursor(std::uint32_t partition) const {
  offset next{0};
  (void)views_.read([&](const view_snapshot& views) -> result<void> {
    next
      = views
          .cursor(match_projection::follower_name, {topic_.id.value, partition})
          .value_or(offset{0});
    return {};
  });
  return next;
}

std::vector<offset> match_views::log_ends() const {
  std::vector<offset> ends;
  for (std::uint32_t p = 0; p < topic_.partitions; ++p)
    ends.push_back(log_.committed_end({topic_.number, p}));
  return ends;
}

bool match_views::have(const std::vector<offset>& ends) const {
  bool all = true;
  auto read = views_.read([&](const view_snapshot& views) -> result<void> {
    for (std::uint32_t p = 0; p < ends.size() && all; ++p)
      all = views.cursor(match_projection::follower_name, {topic_.id.value, p})
              .value_or(offset{0})
        >= ends[p];
    return {};
  });
  return read && all;
}

bool match_views::wait(
  const std::vector<offset>& ends, std::chrono::milliseconds at_most) const {
  auto end = std::chrono::steady_clock::now() + at_most;
  while (!have(ends)) {
    if (std::chrono::steady_clock::now() >= end)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

std::uint64_t match_views::live_count() const {
  std::uint64_t count = 0;
  (void)views_.read([&](const view_snapshot& views) -> result<void> {
    count = views.count(live_table);
    return {};
  });
  return count;
}

std::uint64_t match_views::match_count() const {
  std::uint64_t count = 0;
  (void)views_.read([&](const view_snapshot& views) -> result<void> {
    count = views.count(state_table);
    return {};
  });
  return count;
}

} // namespace herald
