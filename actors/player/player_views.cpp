#include "actors/player/player_views.hpp"

namespace herald {

result<event::player_stats_updated> player_stats(const view_store& views,
  const event_codec& codec, std::string_view player_id) {
  auto row = views.get(player_projection::table, player_id);
  if (!row)
    return std::unexpected(row.error());
  if (!*row)
    return fail(fault::not_found, "no match of this player has been counted");
  auto event = codec.decode(**row);
  if (!event)
    return std::unexpected(event.error());
  auto* updated = std::get_if<event::player_stats_updated>(&*event);
  if (!updated)
    return fail(fault::damaged, "a row of player.stats holds another event");
  return std::move(*updated);
}

} // namespace herald
