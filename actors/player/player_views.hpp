#pragma once

#include "actors/event_codec.hpp"
#include "engine/store/follower.hpp"
#include "engine/store/view_store.hpp"

#include <string_view>

namespace herald {

/// Follows `player`: the latest totals of each player.
///
///     player.stats   player id -> payload of the last player.stats.updated
class player_projection final : public projection {
public:
  static constexpr std::string_view table = "player.stats";
  std::string_view name() const override { return "players"; }
  std::uint32_t version() const override { return 1; }
  std::vector<std::string> topics() const override { return {"player"}; }
  std::vector<std::string> tables() const override {
    return {std::string{table}};
  }
  result<void> apply(const position&, const record_view& record,
    view_transaction& views) override {
    if (record.key && record.value)
      views.put(table, *record.key, *record.value);
    return {};
  }
};

/// The last totals of a player; fault::not_found.
result<event::player_stats_updated> player_stats(const view_store& views,
  const event_codec& codec, std::string_view player_id);

} // namespace herald
