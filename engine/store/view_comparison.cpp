#include "engine/store/follower.hpp"

#include "engine/log/event_log.hpp"
#include "engine/store/fold.hpp"

#include <fmt/format.h>

#include <stdlib.h>

#include <algorithm>
#include <utility>

namespace herald {
namespace {

/// A folder that goes when it goes.
class scratch {
public:
  static result<scratch> make(const std::filesystem::path& below) {
    auto name = (below / "fold-XXXXXX").native();
    if (!::mkdtemp(name.data()))
      return fail(fault::io,
        fmt::format("cannot make a scratch folder in {}", below.native()));
    return scratch{name};
  }
  scratch(scratch&& other) noexcept
    : folder_{std::exchange(other.folder_, {})} {}
  scratch& operator=(scratch&&) = delete;
  ~scratch() {
    std::error_code ignored;
    if (!folder_.empty())
      std::filesystem::remove_all(folder_, ignored);
  }
  const std::filesystem::path& folder() const { return folder_; }

private:
  explicit scratch(std::filesystem::path folder) : folder_{std::move(folder)} {}
  std::filesystem::path folder_;
};

/// Folds one partition from the start of the log up to `end`.
result<std::uint64_t> fold_again(projection& follower, const event_log& log,
  followed part, offset end, view_store& into) {
  std::uint64_t count = 0;
  const follower_settings settings;
  while (part.next < end) {
    auto from = log.read(part.where, part.next, settings.transaction_bytes_max);
    if (!from)
      return std::unexpected{from.error()};
    if (from->empty())
      return fail(fault::damaged,
        fmt::format("{}/{} ends at {}, before the cursor of the projection {}",
          part.topic, part.where.partition, part.next.value, follower.name()));
    result<std::uint64_t> folded = 0;
    auto done = into.update([&](view_transaction& transaction) -> result<void> {
      folded = fold(follower, part, *from, end, transaction);
      if (!folded)
        return std::unexpected{folded.error()};
      return {};
    });
    if (!done)
      return std::unexpected{done.error()};
    count += *folded;
    part.next = from->back().next;
  }
  return count;
}

/// The partitions that a projection has read, each up to `next`.
result<std::vector<followed>> read_cursors(
  const projection& follower, const event_log& log, const view_store& live) {
  std::vector<followed> parts;
  auto read = live.read([&](const view_snapshot& views) -> result<void> {
    for (const auto& name : follower.topics()) {
      auto topic = log.find_topic(name);
      if (!topic)
        continue;
      for (std::uint32_t i = 0; i < topic->partitions; ++i) {
        followed part{{topic->number, i}, key_of(*topic, i), name, {}, {}};
        auto next = views.cursor(follower.name(), part.key);
        if (!next)
          continue;
        part.next = *next;
        if (part.next > log.committed_end(part.where))
          return fail(fault::damaged,
            fmt::format("the projection {} has read {}/{} up to {}, the log "
                        "ends at {}",
              follower.name(), name, i, part.next.value,
              log.committed_end(part.where).value));
        part.origin
          = views.origin(follower.name(), part.key).value_or(offset{});
        parts.push_back(std::move(part));
      }
    }
    return {};
  });
  if (!read)
    return std::unexpected{read.error()};
  return parts;
}

/// Why a projection's tables are not to be compared, if so.
std::optional<std::string> reason_to_skip(
  const std::optional<follower_record>& stored, const follower_record& now) {
  if (!stored)
    return "it has not run yet";
  if (*stored != now)
    return "it will be made again when the node starts: its version, its "
           "tables or the log's incarnation have changed";
  return std::nullopt;
}

} // namespace

bool view_comparison::equal() const {
  return std::all_of(tables.begin(), tables.end(),
    [](const table_comparison& each) { return each.equal(); });
}

result<std::optional<std::string>> reason_not_to_rebuild(
  const projection& follower, const event_log& log, const view_store& live) {
  std::optional<std::string> reason;
  auto read = live.read([&](const view_snapshot& views) {
    reason = reason_history_is_gone(follower, log, views);
    return result<void>{};
  });
  if (!read)
    return std::unexpected{read.error()};
  return reason;
}

result<void> fold_anew(
  projection& follower, const event_log& log, view_store& views) {
  auto now = record_of(follower, log);
  if (auto opened = views.open_tables(now.tables); !opened)
    return std::unexpected{opened.error()};
  auto gone = reason_not_to_rebuild(follower, log, views);
  if (!gone)
    return std::unexpected{gone.error()};
  if (*gone)
    return fail(fault::conflict, **gone);
  auto cleared = views.update([&](view_transaction& transaction) {
    transaction.reset(follower.name(), now);
    return result<void>{};
  });
  if (!cleared)
    return cleared;
  follower_driver driver{log, views, {.own_thread = false}};
  driver.add(follower);
  if (auto started = driver.start(); !started)
    return started;
  for (;;) {
    auto folded = driver.turn();
    if (!folded)
      return std::unexpected{folded.error()};
    if (*folded == 0)
      break;
  }
  for (auto& status : driver.status())
    if (status.stopped)
      return std::unexpected{*status.stopped};
  return {};
}

result<view_comparison> compare_with_fold(projection& follower,
  const event_log& log, view_store& live,
  const std::filesystem::path& scratch_folder) {
  view_comparison found{.projection = std::string{follower.name()}};
  auto now = record_of(follower, log);
  auto looked = live.read([&](const view_snapshot& views) {
    found.skipped = reason_to_skip(views.follower(follower.name()), now);
    if (!found.skipped)
      found.skipped = reason_history_is_gone(follower, log, views);
    return result<void>{};
  });
  if (!looked)
    return std::unexpected{looked.error()};
  if (found.skipped)
    return found;
  if (auto opened = live.open_tables(now.tables); !opened)
    return std::unexpected{opened.error()};
  auto parts = read_cursors(follower, log, live);
  if (!parts)
    return std::unexpected{parts.error()};
  auto folder = scratch::make(scratch_folder);
  if (!folder)
    return std::unexpected{folder.error()};
  auto rebuilt = view_store::open(folder->folder());
  if (!rebuilt)
    return std::unexpected{rebuilt.error()};
  if (auto opened = (*rebuilt)->open_tables(now.tables); !opened)
    return std::unexpected{opened.error()};
  for (auto part : *parts) {
    auto end = std::exchange(part.next, part.origin);
    auto count = fold_again(follower, log, part, end, **rebuilt);
    if (!count)
      return std::unexpected{count.error()};
    found.records += *count;
  }
  for (const auto& table : now.tables) {
    auto is = live.digest(table);
    auto should_be = (*rebuilt)->digest(table);
    if (!is || !should_be)
      return std::unexpected{is ? should_be.error() : is.error()};
    found.tables.push_back({table, *is, *should_be});
  }
  return found;
}

} // namespace herald
