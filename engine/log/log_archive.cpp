#include "engine/log/archive.hpp"
#include "engine/log/checked_row.hpp"
#include "engine/log/dictionary_trainer.hpp"
#include "engine/log/log_state.hpp"
#include "engine/log/segment_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>

// Old batches leave the environment for segment files, and are read there.

namespace herald {

namespace fs = std::filesystem;

std::string archive_folder(
  std::string_view topic, const uuid& id, std::uint32_t partition) {
  return fmt::format("{}-{}/{}", topic, to_string(id).substr(0, 8), partition);
}

// -- opening ------------------------------------------------------------------

int event_log::impl::load_segments(MDB_txn* transaction, const topic_info& info,
  partition_state& partition, failure& refused) {
  auto damaged = [&](failure why) {
    refused = {why.code,
      fmt::format(
        "{}/{}: {}", info.name, partition.where.partition, why.message)};
    return log_environment::abandon;
  };
  auto prefix = partition_key(info.id, partition.where.partition);
  std::vector<segment_info> found;
  auto anchor = partition.now.anchor;
  std::optional<live_numbers> live;
  lmdb_cursor cursor{transaction, tables_.segments};
  auto code = cursor.seek(prefix);
  for (; !code && cursor.key().starts_with(prefix);
    code = cursor.move(MDB_NEXT)) {
    auto value = without_row_check(cursor.key(), cursor.value());
    if (!value)
      return damaged(std::move(value).error());
    if (cursor.key().size() == prefix.size()) {
      auto row = decode_live(*value);
      if (!row)
        return damaged(std::move(row).error());
      live = *row;
      continue;
    }
    auto segment = decode_segment(cursor.key(), *value);
    if (!segment)
      return damaged(std::move(segment).error());
    if (segment->anchor != anchor
      || (!found.empty() && segment->first != found.back().next))
      return damaged({fault::damaged,
        fmt::format("the segment {} does not follow on the one before it",
          segment->file)});
    anchor = segment->head;
    found.push_back(std::move(*segment));
  }
  if (code && code != MDB_NOTFOUND)
    return code;
  auto contradict = found.empty()
    ? live.has_value()
    : !live || found.front().first > partition.now.log_start
      || found.back().next <= partition.now.log_start
      || live->start > found.back().next
      || (live->start == found.back().next && live->anchor != anchor);
  if (contradict)
    return damaged({fault::damaged,
      "its segments and its batches in the environment contradict"});
  partition.live_start = live ? live->start.value : 0;
  shelf_.set(partition.where, std::move(found));
  return 0;
}

// -- reading ------------------------------------------------------------------

// Visits the archived entries from the one that holds `from` to the end of its
// segment.
result<void> event_log::impl::visit_archived(
  partition_id where, offset from, const entry_visitor& visit) const {
  auto segment = shelf_.holding(where, from);
  auto reader = segment
    ? shelf_.open(*segment)
    : std::unexpected{failure{fault::damaged, "no segment holds it"}};
  if (reader)
    return (*reader)->visit(from, visit);
  // It may have been deleted just now.
  if (from.value < at(where).log_start)
    return fail(fault::not_found,
      fmt::format("{} is gone: the log starts at {}", place(where, from),
        at(where).log_start.load()));
  return std::unexpected{named(std::move(reader).error(), where, from)};
}

std::vector<segment_info> event_log::segments(partition_id where) const {
  (void)self_->at(where);
  return self_->shelf_.of(where);
}

offset event_log::live_start(partition_id where) const {
  auto& partition = self_->at(where);
  return {std::max(partition.live_start.load(), partition.log_start.load())};
}

// -- archiving ----------------------------------------------------------------

failure upkeep_is_busy() {
  return {fault::busy,
    "a backup, or something else that needs the partition's old batches, is at "
    "work; try again when it is done"};
}

result<event_log::impl::upkeep> event_log::impl::begin_upkeep(
  partition_state& partition) {
  upkeep held{std::shared_lock{upkeep_mutex_, std::try_to_lock},
    std::unique_lock{partition.upkeep, std::try_to_lock}};
  if (!held.log || !held.partition)
    return std::unexpected{upkeep_is_busy()};
  return held;
}

bool event_log::is_busy() const {
  return !std::shared_lock{self_->upkeep_mutex_, std::try_to_lock};
}

bool event_log::is_busy(partition_id where) const {
  return !self_->begin_upkeep(self_->at(where));
}

// Where the environment's first batch starts; its log end when there is none.
result<offset> event_log::impl::first_stored(partition_id where) const {
  auto& partition = at(where);
  return reading(where, [&](MDB_txn* transaction) -> result<offset> {
    lmdb_cursor cursor{transaction, partition.table};
    auto code = cursor.move(MDB_FIRST);
    if (code == MDB_NOTFOUND)
      return offset{partition.log_end};
    auto base = code ? std::nullopt : offset_of_key(cursor.key());
    if (!base)
      return std::unexpected{
        lmdb_failure("read", folder_.path() / "log", code)};
    return *base;
  });
}

// Copies entries of the environment from the one that starts at `from` on, as
// many as fit into `bytes_max` (at least one) and end at or below `end`.
result<event_log::impl::copied_entries> event_log::impl::copy_entries(
  partition_id where, offset from, offset end, std::size_t bytes_max) const {
  auto& partition = at(where);
  return reading(where, [&](MDB_txn* transaction) -> result<copied_entries> {
    copied_entries copied;
    std::size_t sum = 0;
    lmdb_cursor cursor{transaction, partition.table};
    auto code = cursor.seek(offset_key(from));
    for (; !code; code = cursor.move(MDB_NEXT)) {
      auto base = offset_of_key(cursor.key());
      auto stored = cursor.value();
      auto batch = !base || stored.size() < entry_header_bytes
        ? fail(fault::damaged, "the entry is damaged")
        : batch_view::parse_unchecked(stored.substr(entry_header_bytes));
      if (!batch)
        return std::unexpected{named(
          {fault::damaged, batch.error().message}, where, base.value_or(from))};
      if (batch->next_offset() > end
        || (!copied.empty() && sum + stored.size() > bytes_max))
        return copied;
      sum += stored.size();
      copied.emplace_back(stored);
    }
    if (code != MDB_NOTFOUND)
      return std::unexpected{
        lmdb_failure("read", folder_.path() / "log", code)};
    return copied;
  });
}

result<archived> event_log::archive(
  partition_id where, offset up_to, const archive_settings& settings) {
  auto& self = *self_;
  auto& partition = self.at(where);
  auto upkeep = self.begin_upkeep(partition);
  if (!upkeep)
    return std::unexpected{std::move(upkeep).error()};
  archived did;
  auto going_on = [&] { return !settings.go_on || settings.go_on(); };
  std::error_code error;
  auto topic = find_topic(where.topic);
  auto settings_now = settings_of(where.topic);
  if (!topic || !settings_now)
    return fail(fault::not_found,
      fmt::format("there is no topic with number {}", where.topic));
  if (settings_now->compacts() || partition.gaps)
    return fail(fault::conflict,
      fmt::format("topic '{}' is compacted: of such topics nothing is archived",
        topic->name));
  auto folder = self.shelf_.folder()
    / archive_folder(topic->name, topic->id, where.partition);
  // What a crash left half written.
  for (fs::directory_iterator each{folder, error}, end; !error && each != end;
    each.increment(error))
    if (each->path().extension() == ".new")
      fs::remove(each->path(), error);
  for (;;) {
    // What was registered and is still in the environment goes first.
    for (;;) {
      auto more = self.remove_archived(partition, settings, did);
      if (!more)
        return std::unexpected{std::move(more).error()};
      if (!*more)
        break;
      if (!going_on()) {
        did.finished = false;
        return did;
      }
    }
    auto known = self.shelf_.of(where);
    auto from = known.empty() ? self.first_stored(where)
                              : result<offset>{known.back().next};
    if (!from)
      return std::unexpected{std::move(from).error()};
    if (!going_on()) {
      did.finished = false;
      return did;
    }
    auto next = self.archive_part(where, *from,
      std::min(up_to, offset{partition.committed_end}), settings, did);
    if (!next)
      return std::unexpected{std::move(next).error()};
    if (*next == *from)
      return did;
  }
}

// Writes and registers one segment; returns where it ends, `from` when there is
// nothing to archive.
result<offset> event_log::impl::archive_part(partition_id where, offset from,
  offset end, const archive_settings& settings, archived& did) {
  auto& partition = at(where);
  // Reads the batches of the segment twice: for the dictionaries and to write.
  auto stop = from;
  auto each_entry = [&](offset until, auto&& see) -> result<void> {
    for (auto next = from; next < until;) {
      auto copied = copy_entries(where, next, until, settings.read_bytes);
      if (!copied)
        return std::unexpected{std::move(copied).error()};
      if (copied->empty())
        return {};
      for (auto& entry : *copied) {
        auto batch = batch_view::parse_unchecked(
          bytes_view{entry}.substr(entry_header_bytes));
        next = batch->next_offset();
        // The newest batch stays.
        if (next.value >= partition.log_end)
          return {};
        auto more = see(entry, *batch);
        if (!more || !*more)
          return more ? result<void>{}
                      : std::unexpected{std::move(more).error()};
      }
    }
    return {};
  };
  dictionary_trainer trainer;
  std::uint64_t sum = 0;
  auto surveyed = each_entry(
    end, [&](const bytes&, const batch_view& batch) -> result<bool> {
      if (settings.pack)
        trainer.add(batch);
      sum += batch.size_bytes();
      stop = batch.next_offset();
      return sum < settings.segment_bytes;
    });
  if (!surveyed)
    return std::unexpected{std::move(surveyed).error()};
  if (stop == from)
    return from;
  segment_identity identity{.cluster = cluster_id_,
    .incarnation = incarnation_,
    .partition = where.partition,
    .first = from};
  {
    std::shared_lock lock{topics_mutex_};
    identity.topic = topics_[where.topic]->info.name;
    identity.topic_id = topics_[where.topic]->info.id;
  }
  auto known = shelf_.of(where);
  {
    std::lock_guard lock{write_mutex_};
    identity.anchor = known.empty() ? partition.now.anchor : known.back().head;
  }
  auto parent
    = archive_folder(identity.topic, identity.topic_id, where.partition);
  auto file = fmt::format("{}/{}", parent, segment_file_name(from));
  auto writer = segment_writer::create(shelf_.folder() / file, identity,
    {.pack = settings.pack, .dictionaries = trainer.train()});
  if (!writer)
    return std::unexpected{std::move(writer).error()};
  auto written = each_entry(
    stop, [&](const bytes& entry, const batch_view&) -> result<bool> {
      auto added = (*writer)->add(entry);
      if (!added)
        return std::unexpected{std::move(added).error()};
      return true;
    });
  if (!written)
    return std::unexpected{std::move(written).error()};
  auto summary = (*writer)->finish();
  if (!summary)
    return std::unexpected{std::move(summary).error()};
  if (auto published = (*writer)->publish(); !published)
    return std::unexpected{std::move(published).error()};
  // The names of new folders, too.
  for (auto folder :
    {(shelf_.folder() / parent).parent_path(), shelf_.folder(), folder_.path()})
    if (auto synced = sync_folder(folder); !synced)
      return std::unexpected{std::move(synced).error()};
  auto reader = segment_reader::open(shelf_.folder() / file);
  if (!reader)
    return std::unexpected{std::move(reader).error()};
  auto segment = describe(**reader, file);
  if (auto done = register_segment(partition, segment); !done)
    return std::unexpected{std::move(done).error()};
  did.segments.push_back(segment);
  return segment.next;
}

result<void> event_log::impl::register_segment(
  partition_state& partition, const segment_info& segment) {
  auto where = partition.where;
  std::lock_guard lock{write_mutex_};
  if (auto fine = still_there(partition); !fine) {
    std::error_code ignored;
    fs::remove(shelf_.folder() / segment.file, ignored);
    return fine;
  }
  auto known = shelf_.of(where);
  auto& id = topic_id(partition);
  auto written = env_->write([&](MDB_txn* transaction) {
    auto code = put_row(transaction, tables_.segments,
      segment_key(id, where.partition, segment.first), encode_segment(segment));
    if (!code && known.empty())
      code = put_row(transaction, tables_.segments,
        partition_key(id, where.partition),
        encode_live({segment.first, segment.anchor}));
    return code;
  });
  if (!written)
    return std::unexpected{std::move(written).error()};
  known.push_back(segment);
  shelf_.set(where, std::move(known));
  return {};
}

// One bounded commit that removes what is in segments from the environment;
// whether there is more.
result<bool> event_log::impl::remove_archived(
  partition_state& partition, const archive_settings& settings, archived& did) {
  auto where = partition.where;
  auto known = shelf_.of(where);
  if (known.empty())
    return false;
  auto end = known.back().next;
  auto live = live_of(partition);
  if (!live)
    return std::unexpected{std::move(live).error()};
  if (live->start >= end)
    return false;
  std::lock_guard lock{write_mutex_};
  if (auto fine = still_there(partition); !fine)
    return std::unexpected{std::move(fine).error()};
  auto& id = topic_id(partition);
  // Readers look there from now on: the files are complete.
  partition.live_start = end.value;
  live_numbers now;
  std::size_t batches = 0;
  failure refused;
  auto written = env_->write(
    [&](MDB_txn* transaction) {
      now = *live;
      batches = 0;
      std::size_t sum = 0;
      lmdb_cursor cursor{transaction, partition.table};
      auto code = cursor.move(MDB_FIRST);
      for (; !code; code = cursor.move(MDB_FIRST)) {
        auto base = offset_of_key(cursor.key());
        auto entry = base ? read_entry(cursor.value(), *base)
                          : fail(fault::damaged, "its key is damaged");
        if (!entry || *base != now.start) {
          refused = named(entry
              ? failure{fault::damaged, "it is not the batch that was archived"}
              : entry.error(),
            where, now.start);
          return log_environment::abandon;
        }
        auto next = entry->batch.next_offset();
        if (next > end || batches >= settings.remove_batches_max
          || (batches > 0
            && sum + cursor.value().size() > settings.remove_bytes_max))
          break;
        sum += cursor.value().size();
        ++batches;
        now = {next, entry->chain};
        if (code = cursor.remove(); code)
          return code;
        if (now.start == end)
          break;
      }
      if (code && code != MDB_NOTFOUND)
        return code;
      return put_row(transaction, tables_.segments,
        partition_key(id, where.partition), encode_live(now));
    },
    true);
  if (!written)
    return std::unexpected{std::move(written).error()};
  if (!*written)
    return std::unexpected{std::move(refused)};
  did.removed_batches += batches;
  return now.start < end;
}

result<live_numbers> event_log::impl::live_of(
  const partition_state& partition) const {
  auto id = id_of(partition);
  return reading(
    partition.where, [&](MDB_txn* transaction) -> result<live_numbers> {
      bytes_view value;
      if (auto code = get_row(transaction, tables_.segments,
            partition_key(id, partition.where.partition), value))
        return std::unexpected{
          lmdb_failure("read", folder_.path() / "log", code)};
      return decode_live(value);
    });
}

// Takes the rows of the segments that lie below the log start away, and moves
// the anchor behind them. `left` says whether any stay.
int event_log::impl::trim_segments(MDB_txn* transaction,
  const partition_state& partition, partition_numbers& numbers,
  std::vector<segment_info>& gone, bool& left, failure& refused) const {
  auto where = partition.where;
  auto& id = topic_id(partition);
  gone.clear();
  auto known = shelf_.of(where);
  for (auto& segment : known) {
    if (segment.next > numbers.log_start)
      break;
    auto name = segment_key(id, where.partition, segment.first);
    auto key = to_value(name);
    if (auto code
      = mdb_del(transaction, tables_.segments.handle, &key, nullptr))
      return code;
    numbers.anchor = segment.head;
    gone.push_back(segment);
  }
  left = gone.size() < known.size();
  if (known.empty() || left)
    return 0;
  // The environment may still have what the last of them has.
  auto name = partition_key(id, where.partition);
  auto key = to_value(name);
  bytes_view value;
  if (auto code = get_row(transaction, tables_.segments, name, value))
    return code;
  auto live = decode_live(value);
  if (!live) {
    refused
      = named(std::move(live).error(), partition.where, numbers.log_start);
    return log_environment::abandon;
  }
  numbers.anchor = live->anchor;
  return mdb_del(transaction, tables_.segments.handle, &key, nullptr);
}

// After the commit: nobody finds them any more, and their files go.
void event_log::impl::drop_segments(
  partition_id where, const std::vector<segment_info>& gone) {
  if (gone.empty())
    return;
  auto known = shelf_.of(where);
  known.erase(
    known.begin(), known.begin() + static_cast<std::ptrdiff_t>(gone.size()));
  shelf_.set(where, std::move(known));
  std::error_code ignored;
  for (auto& segment : gone)
    fs::remove(shelf_.folder() / segment.file, ignored);
}

// Of a topic that was deleted.
int event_log::impl::free_segments(
  MDB_txn* transaction, const uuid& id, std::uint32_t partition) {
  auto prefix = partition_key(id, partition);
  lmdb_cursor cursor{transaction, tables_.segments};
  auto code = cursor.seek(prefix);
  for (; !code && cursor.key().starts_with(prefix);
    code = cursor.seek(prefix)) {
    std::error_code ignored;
    if (auto value = without_row_check(cursor.key(), cursor.value()))
      if (auto segment = decode_segment(cursor.key(), *value))
        fs::remove(shelf_.folder() / segment->file, ignored);
    if (code = cursor.remove(); code)
      return code;
  }
  return code == MDB_NOTFOUND ? 0 : code;
}

// -- detaching and attaching --------------------------------------------------

result<void> event_log::detach_segment(std::string_view file) {
  auto& self = *self_;
  auto found = self.shelf_.find(file);
  if (!found)
    return fail(fault::not_found,
      fmt::format("no segment '{}' is attached; 'archive list' tells those "
                  "that are",
        file));
  auto where = found->first;
  auto segment = found->second;
  auto& partition = self.at(where);
  auto upkeep = self.begin_upkeep(partition);
  if (!upkeep)
    return std::unexpected{std::move(upkeep).error()};
  auto known = self.shelf_.of(where);
  if (known.empty())
    return fail(fault::conflict,
      fmt::format("'{}' has just been detached or deleted", file));
  if (known.front().file != file)
    return fail(fault::conflict,
      fmt::format(
        "older records are in {}: detach that first", known.front().file));
  // The environment takes over where the last segment ends.
  archived did;
  while (known.size() == 1) {
    auto more = self.remove_archived(partition, {}, did);
    if (!more)
      return std::unexpected{std::move(more).error()};
    if (!*more)
      break;
  }
  std::lock_guard lock{self.write_mutex_};
  auto numbers = partition.now;
  numbers.log_start = std::max(numbers.log_start, segment.next);
  numbers.anchor = segment.head;
  auto& id = self.topic_id(partition);
  auto written = self.env_->write([&](MDB_txn* transaction) {
    auto name = segment_key(id, where.partition, segment.first);
    auto key = to_value(name);
    auto code
      = mdb_del(transaction, self.tables_.segments.handle, &key, nullptr);
    if (!code && known.size() == 1) {
      name = partition_key(id, where.partition);
      key = to_value(name);
      code = mdb_del(transaction, self.tables_.segments.handle, &key, nullptr);
    }
    return code ? code : self.put_numbers(transaction, partition, numbers);
  });
  if (!written)
    return std::unexpected{std::move(written).error()};
  partition.publish(numbers);
  known.erase(known.begin());
  self.shelf_.set(where, std::move(known));
  return {};
}

namespace {

// Copies a file to a place of the archive, durably.
result<void> copy_into_archive(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to.parent_path(), error);
  auto fresh = to;
  fresh += ".new";
  if (!error)
    fs::copy_file(from, fresh, fs::copy_options::overwrite_existing, error);
  if (error)
    return std::unexpected{system_failure("copy", from, error.value())};
  if (auto synced = sync_file(fresh); !synced)
    return synced;
  fs::rename(fresh, to, error);
  if (error)
    return std::unexpected{system_failure("rename", fresh, error.value())};
  return sync_folder(to.parent_path());
}

} // namespace

result<segment_info> event_log::attach_segment(const fs::path& path) {
  auto& self = *self_;
  auto& folder = self.shelf_.folder();
  std::error_code error;
  auto source = path;
  if (path.is_relative() && !fs::exists(path, error)
    && fs::exists(folder / path, error))
    source = folder / path;
  auto reader = segment_reader::open(source);
  if (!reader)
    return std::unexpected{std::move(reader).error()};
  auto& identity = (*reader)->identity();
  auto topic = find_topic(identity.topic);
  if (!topic || topic->id != identity.topic_id
    || identity.partition >= topic->partitions)
    return fail(fault::conflict,
      fmt::format("{} is of topic '{}' with id {}, partition {}, which this "
                  "log does not have",
        source.string(), identity.topic, to_string(identity.topic_id),
        identity.partition));
  partition_id where{topic->number, identity.partition};
  auto& partition = self.at(where);
  auto upkeep = self.begin_upkeep(partition);
  if (!upkeep)
    return std::unexpected{std::move(upkeep).error()};
  auto known = self.shelf_.of(where);
  auto file = fmt::format("{}/{}",
    archive_folder(identity.topic, identity.topic_id, identity.partition),
    segment_file_name(identity.first));
  auto segment = describe(**reader, file);
  auto fits = [&]() -> result<void> {
    auto& now = partition.now;
    auto start = known.empty() ? now.log_start : known.front().first;
    if (segment.next != start || segment.head != now.anchor
      || identity.generation != 0 || segment.first >= segment.next)
      return fail(fault::conflict,
        fmt::format("{} holds {}/{} from {} to {}, and the log starts at {}{}: "
                    "segments are attached newest first",
          source.string(), identity.topic, identity.partition,
          segment.first.value, segment.next.value, start.value,
          segment.next == start ? " with another chain of hashes" : ""));
    return {};
  };
  {
    std::lock_guard lock{self.write_mutex_};
    if (auto fine = fits(); !fine)
      return std::unexpected{std::move(fine).error()};
  }
  // What the environment holds must begin where the segment ends.
  auto stored = self.first_stored(where);
  if (!stored)
    return std::unexpected{std::move(stored).error()};
  if (known.empty() && *stored < segment.next)
    return fail(fault::busy,
      fmt::format("old batches of {}/{} are still to be deleted; try again "
                  "when that is done",
        identity.topic, identity.partition));
  if (auto sound = (*reader)->verify(); !sound)
    return std::unexpected{std::move(sound).error()};
  if (!fs::equivalent(source, folder / file, error)) {
    if (auto copied = copy_into_archive(source, folder / file); !copied)
      return std::unexpected{std::move(copied).error()};
    auto copy = segment_reader::open(folder / file);
    if (!copy)
      return std::unexpected{std::move(copy).error()};
    if (auto sound = (*copy)->verify(); !sound)
      return std::unexpected{std::move(sound).error()};
  }
  std::lock_guard lock{self.write_mutex_};
  if (auto fine = fits(); !fine)
    return std::unexpected{std::move(fine).error()};
  auto numbers = partition.now;
  numbers.log_start = segment.first;
  numbers.anchor = segment.anchor;
  auto& id = self.topic_id(partition);
  auto written = self.env_->write([&](MDB_txn* transaction) {
    auto code = put_row(transaction, self.tables_.segments,
      segment_key(id, where.partition, segment.first), encode_segment(segment));
    if (!code && known.empty())
      code = put_row(transaction, self.tables_.segments,
        partition_key(id, where.partition),
        encode_live({segment.next, segment.head}));
    return code ? code : self.put_numbers(transaction, partition, numbers);
  });
  if (!written)
    return std::unexpected{std::move(written).error()};
  // Readers must find the segment before they see that the log starts there.
  if (known.empty())
    partition.live_start = segment.next.value;
  known.insert(known.begin(), segment);
  self.shelf_.set(where, std::move(known));
  partition.publish(numbers);
  return segment;
}

} // namespace herald
