#pragma once

#include "actors/cursor_keeper.hpp"
#include "actors/ingest/document_views.hpp"
#include "actors/interfaces.hpp"
#include "actors/match/match_views.hpp"
#include "actors/supervision.hpp"
#include "engine/base/metrics.hpp"
#include "engine/store/vault.hpp"

#include <caf/fwd.hpp>

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace herald {

/// Properties that Riot sends and no description knows: kept out of events,
/// counted here for the console. At most `paths_max` different ones; the rest
/// counts as "(others)". Any thread.
class unknown_properties {
public:
  static constexpr std::size_t paths_max = 1'000;
  void add(const std::map<std::string, std::uint64_t>& counts);
  std::map<std::string, std::uint64_t> report() const;

private:
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t> counts_;
};

/// What ingestion borrows from the node. All of it outlives the actors.
struct ingest_services {
  event_log* log = nullptr;
  log_writer* writer = nullptr;
  const event_codec* codec = nullptr;
  const view_store* views = nullptr;
  vault* people = nullptr;
  cursor_keeper* cursors = nullptr;
  unknown_properties* unknown = nullptr;
  topic_info raw, dead_letter, match;
  std::vector<match_host_actor> match_hosts;
  std::function<std::int64_t()> now_ms;
  /// Names the API key's project that PUUIDs belong to.
  std::string key_identity;
  counter* accepted = nullptr;
  counter* duplicate = nullptr;
  counter* refused = nullptr;
};

/// The follower name of ingestion in the cursor table.
constexpr const char* ingest_follower = "ingest";

/// Spawns one supervised ingestion actor per partition of riot.raw. Each takes
/// documents whose content hash falls into its partition:
///
///   1. Known already (by content hash)? Then the outcome of then is told.
///   2. The bytes, compressed and sealed, go to riot.raw, before anybody
///      interprets them.
///   3. Validation: shape and the rules that the document can break alone.
///   4. Its people get their player ids in the vault.
///   5. The command goes to the match's host, which checks the document against
///      its other half and records it.
///   6. What fails 3 or 5 goes to the dead letters, with rule, place and
///   reason.
///
/// The reply is given when the outcome is on disk. After a restart, documents
/// in riot.raw without an outcome go on at step 3.
std::vector<ingest_actor> spawn_ingestion(caf::actor_system& system,
  supervision_tree* tree, const ingest_services* services);

} // namespace herald
