#pragma once

#include "actors/api/node_services.hpp"
#include "protocol/failure.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace herald {

class control_stream;

/// The console's `replay`: shows a range of the log again, or makes a view
/// again, while the node serves. Nothing of it can cause a command, a
/// notification or an append: it only reads the log, and writes nothing but
/// tables of views and frames of "replay:" subscriptions.
///
///     replay --topic T --from P [--to Q] [--rate N] [--match ID]
///            --into jsonl | feed
///     replay --into view:NAME [--topic T] [--from P] [--rate N] [--compare]
///     replay --into view:NAME --as COPY [--topic T] [--from P] [--to Q]
///            [--rate N]
///     replay list
///     replay delete COPY --yes
///
/// P and Q are positions as replay_range.hpp has them; `to` is `latest` and,
/// with a view, `from` is `earliest` unless said. --rate bounds the records per
/// second (20,000 unless said), --match leaves all others out.
///
/// Into jsonl it sends CloudEvents as lines that begin with '>'. Into feed the
/// events of `match` go to the subscribers of "replay:MATCH". Into view:NAME
/// the view's tables are made again from the whole log beside those that
/// answer, and take over in one commit once they have caught up, or are only
/// compared with them; into a copy, any range is folded into a view store of
/// its own, DATA/replays/COPY; `list` answers [{"copy","bytes"}], and `delete`
/// deletes one unless a replay is at work in it.
///
/// About once a second it sends {"progress":{"records","total","position"}}.
/// The answer: {"stopped","records","position","to",...}; `position` and `to`
/// are what --from and --to take to go on. Runs on the connection's thread.
result<nlohmann::ordered_json> replay_for_console(const node_services& node,
  const std::vector<std::string>& arguments, control_stream& more);

} // namespace herald
