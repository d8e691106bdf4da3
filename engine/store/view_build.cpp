#include "engine/store/view_build.hpp"

#include "engine/log/event_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace herald {
namespace {

// Read of one partition and folded in one transaction; the followers of the
// live tables wait no longer than this takes.
constexpr std::size_t step_bytes = 1u << 20;
// Records that the last transaction still folds, before the tables change.
constexpr std::uint64_t last_records_max = 10'000;

/// Cursors of a build stand under a name that no projection has.
std::string cursor_name(const projection& follower) {
  return std::string{follower.name()} + ".again";
}

std::string place(const followed& at) {
  return fmt::format("{}/{}:{}", at.topic, at.where.partition, at.next.value);
}

/// The record of a build; it names no tables, since those are the live ones'.
follower_record build_record(const projection& follower, const event_log& log) {
  auto record = record_of(follower, log);
  record.tables.clear();
  return record;
}

} // namespace

result<view_build> view_build::again(projection& follower, const event_log& log,
  view_store& live, const std::optional<build_positions>& resume) {
  view_build build{follower, log, live};
  auto record = record_of(follower, log);
  build.tables_ = record.tables;
  build.name_ = cursor_name(follower);
  build.on_other_sides_ = true;
  std::optional<follower_record> known;
  std::optional<std::string> gone;
  auto read = live.read([&](const view_snapshot& views) -> result<void> {
    known = views.follower(follower.name());
    gone = reason_history_is_gone(follower, log, views);
    return {};
  });
  if (!read)
    return std::unexpected{read.error()};
  if (gone)
    return fail(fault::not_found,
      fmt::format("the view {} cannot be made again: {}; fold what is left "
                  "into a copy",
        follower.name(), *gone));
  if (known != record)
    return fail(fault::unavailable,
      fmt::format("the view {} has not run in its present version yet; it is "
                  "made from the log anyway",
        follower.name()));
  if (auto opened = live.open_tables(build.tables_); !opened)
    return std::unexpected{opened.error()};
  if (auto opened = live.open_other_sides(build.tables_); !opened)
    return std::unexpected{opened.error()};
  for (const auto& name : follower.topics())
    if (auto topic = log.find_topic(name))
      for (std::uint32_t i = 0; i < topic->partitions; ++i)
        build.parts_.push_back(
          {{{topic->number, i}, key_of(*topic, i), name, {}, {}}, {}});
  if (auto found = build.find_live_ends(); !found)
    return std::unexpected{found.error()};
  auto begun = resume ? build.check_resume(*resume) : build.start_again();
  if (!begun)
    return std::unexpected{begun.error()};
  if (resume)
    for (auto& part : build.parts_)
      for (const auto& [topic, at] : *resume)
        if (part.at.topic == topic && part.at.where.partition == at.first)
          part.at.next = at.second;
  return build;
}

result<view_build> view_build::copy(projection& follower, const event_log& log,
  view_store& into, std::vector<build_part> parts) {
  view_build build{follower, log, into};
  auto record = record_of(follower, log);
  build.tables_ = record.tables;
  build.name_ = follower.name();
  build.parts_ = std::move(parts);
  if (auto opened = into.open_tables(build.tables_); !opened)
    return std::unexpected{opened.error()};
  auto begun = into.update([&](view_transaction& views) -> result<void> {
    auto known = views.follower(build.name_);
    if (!known) {
      views.reset(build.name_, record);
    } else if (*known != record) {
      return fail(fault::conflict,
        "the copy was made from another log or by another version of the "
        "view; choose another name for this one");
    }
    for (const auto& part : build.parts_) {
      auto stands = views.cursor(build.name_, part.at.key);
      if (stands && *stands != part.at.next)
        return fail(fault::conflict,
          fmt::format("the copy has read {}/{} up to {}: go on from there, or "
                      "choose another name",
            part.at.topic, part.at.where.partition, stands->value));
    }
    return {};
  });
  if (!begun)
    return std::unexpected{begun.error()};
  return build;
}

result<void> view_build::start_again() {
  return store_->update([&](view_transaction& views) -> result<void> {
    auto others = views.on_other_sides(tables_);
    if (views.failed())
      return std::unexpected{*views.failed()};
    for (const auto& table : tables_)
      others.clear(table);
    views.reset(name_, build_record(*follower_, *log_));
    return {};
  });
}

result<void> view_build::check_resume(const build_positions& resume) const {
  return store_->read([&](const view_snapshot& views) -> result<void> {
    if (views.follower(name_) != build_record(*follower_, *log_))
      return fail(fault::conflict,
        fmt::format("no build of the view {} was left unfinished; begin with "
                    "--from earliest",
          follower_->name()));
    std::string stands;
    bool same = true;
    for (const auto& part : parts_) {
      auto next = views.cursor(name_, part.at.key).value_or(part.at.next);
      auto wanted
        = std::find_if(resume.begin(), resume.end(), [&](const auto& position) {
            return position.first == part.at.topic
              && position.second.first == part.at.where.partition;
          });
      same = same && wanted != resume.end() && wanted->second.second == next;
      auto at = part.at;
      at.next = next;
      stands += (stands.empty() ? "" : ",") + place(at);
    }
    if (!same)
      return fail(fault::conflict,
        fmt::format("the build of the view {} was left at {}: go on with "
                    "--from and that, or begin with --from earliest",
          follower_->name(), stands));
    return {};
  });
}

/// Where the live tables began to read, and up to where they have: a build
/// never goes beyond.
void view_build::look_at_live(
  build_part& part, const view_snapshot& views) const {
  auto origin = views.origin(follower_->name(), part.at.key);
  part.at.next = std::max(part.at.next, origin.value_or(offset{0}));
  part.end = std::max(part.at.next,
    views.cursor(follower_->name(), part.at.key).value_or(offset{0}));
}

result<void> view_build::find_live_ends() {
  return store_->read([&](const view_snapshot& views) -> result<void> {
    for (auto& part : parts_)
      look_at_live(part, views);
    return {};
  });
}

result<void> view_build::fold_some(build_part& part, offset end,
  std::size_t bytes_max, view_transaction& transaction,
  std::uint64_t& count) const {
  auto from = log_->read(part.at.where, part.at.next, bytes_max);
  if (!from)
    return std::unexpected{from.error()};
  if (from->empty())
    return fail(fault::damaged,
      fmt::format("{}/{} ends at {}, before {}", part.at.topic,
        part.at.where.partition, part.at.next.value, end.value));
  auto folded = fold(*follower_, part.at, *from, end, transaction);
  if (!folded)
    return std::unexpected{folded.error()};
  count += *folded;
  part.at.next = std::min(from->back().next, end);
  transaction.set_cursor(name_, part.at.key, part.at.next, part.at.origin);
  return {};
}

result<std::uint64_t> view_build::step() {
  if (on_other_sides_)
    if (auto found = find_live_ends(); !found)
      return std::unexpected{found.error()};
  auto behind = std::find_if(parts_.begin(), parts_.end(),
    [](const build_part& part) { return part.at.next < part.end; });
  if (behind == parts_.end())
    return 0;
  std::uint64_t count = 0;
  build_part stepped = *behind;
  auto done = store_->update([&](view_transaction& views) -> result<void> {
    count = 0;
    stepped = *behind;
    if (!on_other_sides_)
      return fold_some(stepped, stepped.end, step_bytes, views, count);
    auto others = views.on_other_sides(tables_);
    return fold_some(stepped, stepped.end, step_bytes, others, count);
  });
  if (!done)
    return std::unexpected{done.error()};
  auto moved = stepped.at.next.value - behind->at.next.value;
  *behind = stepped;
  // Batches without records of their own move it on, too.
  return std::max(count, moved);
}

result<bool> view_build::finish(
  const std::function<result<void>(view_transaction&)>& last) {
  bool caught_up = false;
  auto done = store_->update([&](view_transaction& views) -> result<void> {
    caught_up = false;
    auto parts = parts_;
    std::uint64_t left = 0;
    for (auto& part : parts) {
      look_at_live(part, views);
      left += part.end.value - part.at.next.value;
    }
    if (left > last_records_max)
      return {};
    auto others = views.on_other_sides(tables_);
    std::uint64_t count = 0;
    for (auto& part : parts)
      while (part.at.next < part.end)
        if (auto folded = fold_some(part, part.end, step_bytes, others, count);
          !folded)
          return folded;
    if (auto ended = last(views); !ended)
      return ended;
    views.forget(name_);
    caught_up = true;
    return {};
  });
  if (!done)
    return std::unexpected{done.error()};
  return caught_up;
}

result<bool> view_build::swap() {
  return finish([&](view_transaction& views) -> result<void> {
    views.swap_sides(tables_);
    return {};
  });
}

result<std::optional<view_comparison>> view_build::compare() {
  view_comparison found{.projection = std::string{follower_->name()}};
  auto done = finish([&](view_transaction& views) -> result<void> {
    found.tables.clear();
    auto others = views.on_other_sides(tables_);
    for (const auto& table : tables_) {
      found.tables.push_back(
        {table, views.digest(table), others.digest(table)});
      others.clear(table);
    }
    return {};
  });
  if (!done)
    return std::unexpected{done.error()};
  if (!*done)
    return std::nullopt;
  return found;
}

} // namespace herald
