#pragma once

#include "engine/store/fold.hpp"
#include "engine/store/follower.hpp"
#include "engine/store/view_store.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace herald {

/// One partition of a build: what is still to be folded there.
struct build_part {
  /// `at.next` is the next record to fold.
  followed at;
  /// Up to where there is something to fold now.
  offset end;
};

/// Positions to begin at, by topic name and partition.
using build_positions
  = std::vector<std::pair<std::string, std::pair<std::uint32_t, offset>>>;

/// Makes the tables of one projection again, beside those that answer: on their
/// other sides, which nobody sees until all of them take over in one commit; or
/// a copy of some range of the log in a view store of its own.
///
/// It folds in small transactions with its cursors in them, so it may end at
/// any time and go on later, also after a restart. The driver that keeps the
/// live tables goes on meanwhile. One build of a projection at a time; one
/// thread at a time. Projection, log and stores outlive it.
class view_build {
public:
  /// Begins to make the live tables of `follower` again, from the start of the
  /// log; or goes on from `resume`, which must be exactly where an earlier
  /// build was left (fault::conflict). Faults: unavailable when the projection
  /// has not run yet in its present version, not_found when the log no longer
  /// has all that the live tables follow from.
  static result<view_build> again(projection& follower, const event_log& log,
    view_store& live, const std::optional<build_positions>& resume = {});

  /// Begins or continues a copy of the range of `parts` in `into`, which holds
  /// nothing else. A copy that is there must end where the range begins
  /// (fault::conflict).
  static result<view_build> copy(projection& follower, const event_log& log,
    view_store& into, std::vector<build_part> parts);

  /// Folds some records of one partition and commits them; how many. 0 when
  /// nothing is left: for again(), when it has seen what the live tables have.
  result<std::uint64_t> step();

  const std::vector<build_part>& parts() const { return parts_; }

  /// Folds what has come since step(), as long as it is little, and makes the
  /// built tables the live ones in the same transaction. False: too much has
  /// come, step() again. Only after again().
  result<bool> swap();

  /// The same, but only compares them with the live ones, whose followers wait
  /// for it, and throws them away.
  result<std::optional<view_comparison>> compare();

private:
  view_build(projection& follower, const event_log& log, view_store& store)
    : follower_{&follower}, log_{&log}, store_{&store} {}
  void look_at_live(build_part& part, const view_snapshot& views) const;
  result<void> find_live_ends();
  result<void> start_again();
  result<void> check_resume(const build_positions& resume) const;
  result<void> fold_some(build_part& part, offset end, std::size_t bytes_max,
    view_transaction& transaction, std::uint64_t& count) const;
  result<bool> finish(
    const std::function<result<void>(view_transaction&)>& last);

  projection* follower_;
  const event_log* log_;
  view_store* store_;
  std::vector<std::string> tables_;
  /// Under which name the cursors stand.
  std::string name_;
  bool on_other_sides_ = false;
  std::vector<build_part> parts_;
};

} // namespace herald
