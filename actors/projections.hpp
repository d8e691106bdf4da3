#pragma once

#include "actors/event_index.hpp"
#include "actors/ingest/document_views.hpp"
#include "actors/match/match_views.hpp"
#include "actors/player/player_views.hpp"

#include <vector>

namespace herald {

/// Every view of a node: what the followers' driver runs and what `herald
/// verify` compares with the fold of the log. The codec outlives it.
class node_projections {
public:
  explicit node_projections(const event_codec& codec)
    : matches_(codec), refused_(codec), index_({"match", "player"}) {}

  std::vector<projection*> all() {
    return {&matches_, &players_, &raw_, &refused_, &index_};
  }

private:
  match_projection matches_;
  player_projection players_;
  raw_projection raw_;
  refused_projection refused_;
  event_index_projection index_;
};

} // namespace herald
