#include "engine/log/batch_filter.hpp"
#include "engine/log/log_state.hpp"

#include <xxhash.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>

// Compaction rewrites a partition from the front on, in bounded transactions.
// Where it stands is a seam of the chain: in front of it entries are chained
// anew, behind it they still are as they were, and what the first of them was
// chained to stands in the seam. So every transaction leaves a partition that
// can be read and verified, and a pass that was interrupted goes on at its seam
// with the same bounds.
//
// A pass reads the keys of [clean-end, pass-end), the records that came since
// the last one, and then takes out of [log-start, pass-end) all that is older
// than the newest record of its key. Below clean-end each key stands once.

namespace herald {

namespace {

struct hash_of_key {
  std::uint64_t low = 0, high = 0;
  bool operator==(const hash_of_key&) const = default;
};

struct first_word {
  std::size_t operator()(const hash_of_key& key) const { return key.low; }
};

// Keys by a hash of 128 bits with a secret of the pass's own, so that nobody
// can write two keys that it takes for one.
class key_offsets {
public:
  key_offsets(std::uint64_t secret, std::size_t keys_max)
    : secret_{secret}, keys_max_{keys_max} {}

  void note(bytes_view key, offset at) { newest_[hash(key)] = at; }
  bool full() const { return newest_.size() >= keys_max_; }
  // Whether a newer record of the key is known.
  bool outdated(bytes_view key, offset at) const {
    auto found = newest_.find(hash(key));
    return found != newest_.end() && found->second > at;
  }

private:
  hash_of_key hash(bytes_view key) const {
    auto made = XXH3_128bits_withSeed(key.data(), key.size(), secret_);
    return {made.low64, made.high64};
  }

  std::uint64_t secret_;
  std::size_t keys_max_;
  std::unordered_map<hash_of_key, offset, first_word> newest_;
};

} // namespace

// One pass; lives as long as the call to compact().
class event_log::compaction_pass {
public:
  compaction_pass(event_log& log, partition_id where, std::int64_t now_ms,
    const compaction_settings& settings, const topic_settings& topic)
    : whole_{log}, log_{*log.self_}, partition_{log.self_->at(where)},
      now_ms_{now_ms}, settings_{settings}, topic_{topic},
      keys_{log_.settings_.random(), settings.keys_max} {}

  result<compacted> run();

private:
  // What becomes of one entry.
  struct rewrite {
    offset base;
    std::uint64_t term = 0;
    bytes batch;
    chain_hash previous{};
  };

  result<void> look();
  result<void> read_keys(offset from, offset end);
  bool worth_it() const;
  result<bool> step();
  int read_step(MDB_txn* transaction, partition_numbers& numbers);
  int read_entry_of_step(
    bytes_view key, bytes_view stored, partition_numbers& numbers);
  int write_step(MDB_txn* transaction);
  void begin(partition_numbers& numbers) const;
  void end(partition_numbers& numbers) const;
  int refuse(failure why, offset at);
  std::uint64_t table_bytes(MDB_txn* transaction) const;

  event_log& whole_;
  event_log::impl& log_;
  partition_state& partition_;
  std::int64_t now_ms_;
  const compaction_settings& settings_;
  const topic_settings& topic_;
  key_offsets keys_;
  // Bounds of the pass.
  cleaning_numbers before_;
  offset log_start_;
  offset end_;
  offset tombstones_below_;
  bool resumed_ = false;
  bool tombstones_left_ = false;
  compacted did_;
  // Of the step that is going on.
  std::vector<rewrite> rewrites_;
  std::vector<offset> removals_;
  std::size_t step_bytes_ = 0;
  bool step_ended_pass_ = false;
  compacted step_did_;
  failure refused_;
};

result<compacted> event_log::compact(partition_id where, std::int64_t now_ms,
  const compaction_settings& settings) {
  auto topic = settings_of(where.topic);
  if (!topic || !has_partition(where))
    return fail(fault::not_found,
      fmt::format(
        "topic number {} has no partition {}", where.topic, where.partition));
  auto upkeep = self_->begin_upkeep(self_->at(where));
  if (!upkeep)
    return std::unexpected{std::move(upkeep).error()};
  if (!self_->shelf_.of(where).empty())
    return fail(fault::conflict,
      fmt::format(
        "topic '{}' has archived segments, which are never rewritten: "
        "detach those of partition {} before it can be compacted",
        find_topic(where.topic)->name, where.partition));
  compaction_pass pass{*this, where, now_ms, settings, *topic};
  return pass.run();
}

result<compacted> event_log::compaction_pass::run() {
  if (auto looked = look(); !looked)
    return std::unexpected{std::move(looked).error()};
  if (!resumed_ && !worth_it())
    return did_;
  did_.began = true;
  // Before the first commit that leaves gaps.
  partition_.gaps = true;
  for (;;) {
    auto more = step();
    if (!more)
      return std::unexpected{std::move(more).error()};
    if (!*more) {
      did_.finished = true;
      did_.clean_end = end_;
      return did_;
    }
    if (settings_.step.go_on && !settings_.step.go_on())
      return did_;
  }
}

// Sets the bounds of the pass and reads the keys of the new records.
result<void> event_log::compaction_pass::look() {
  {
    std::lock_guard lock{log_.write_mutex_};
    if (auto fine = log_.still_there(partition_); !fine)
      return fine;
    before_ = partition_.now.cleaning;
    log_start_ = partition_.now.log_start;
    end_ = partition_.now.committed_end;
  }
  resumed_ = before_.pass_end > offset{0};
  if (resumed_)
    end_ = before_.pass_end;
  // What came later than the lag and the newest batch are left alone.
  auto dirty = std::max(before_.clean_end, log_start_);
  if (dirty < end_)
    if (auto read = read_keys(dirty, end_); !read)
      return read;
  end_ = std::max(end_, before_.clean_end);
  if (before_.tombstones_below > log_start_
    && now_ms_ - before_.tombstones_since_ms >= topic_.delete_retention_ms())
    tombstones_below_ = before_.tombstones_below;
  auto measured
    = log_.reading(partition_.where, [&](MDB_txn* transaction) -> result<void> {
        did_.bytes_before = did_.bytes_after = table_bytes(transaction);
        return {};
      });
  did_.clean_end = before_.clean_end;
  return measured;
}

result<void> event_log::compaction_pass::read_keys(offset from, offset end) {
  auto young = topic_.min_compaction_lag_ms() > 0
    ? now_ms_ - topic_.min_compaction_lag_ms()
    : std::numeric_limits<std::int64_t>::max();
  auto last = from;
  while (last < end) {
    // In pieces, so that no transaction is held for long.
    std::size_t bytes = 0;
    auto whole = false;
    auto piece = whole_.visit(
      partition_.where, last, [&](offset base, offset next, bytes_view data) {
        auto batch = *batch_view::parse_unchecked(data);
        auto newest = next >= offset{partition_.committed_end};
        if (!resumed_
          && (newest || keys_.full() || batch.max_timestamp_ms() > young)) {
          end_ = std::max(base, from);
          whole = true;
          return false;
        }
        auto read = batch.for_each([&](const record_view& record) {
          if (record.key && !batch.control())
            keys_.note(*record.key, record.at);
        });
        if (!read) {
          refused_ = log_.named(
            {fault::damaged, read.error().message}, partition_.where, base);
          return false;
        }
        last = next;
        bytes += batch.size_bytes();
        whole = last >= end;
        return !whole && bytes < settings_.step.bytes_max;
      });
    if (!piece)
      return piece;
    if (!refused_.message.empty())
      return std::unexpected{refused_};
    if (whole)
      break;
  }
  return {};
}

bool event_log::compaction_pass::worth_it() const {
  if (tombstones_below_ > offset{0})
    return true;
  if (end_ <= std::max(before_.clean_end, log_start_))
    return false;
  auto clean = std::min(before_.clean_bytes, did_.bytes_before);
  auto dirty = did_.bytes_before - clean;
  return settings_.even_if_clean
    || static_cast<double>(dirty) >= topic_.min_cleanable_dirty_ratio()
      * static_cast<double>(did_.bytes_before);
}

// One transaction. Says whether there is more to do.
result<bool> event_log::compaction_pass::step() {
  std::lock_guard lock{log_.write_mutex_};
  if (auto fine = log_.still_there(partition_); !fine)
    return std::unexpected{std::move(fine).error()};
  auto numbers = partition_.now;
  auto written = log_.env_->write(
    [&](MDB_txn* transaction) {
      numbers = partition_.now;
      step_did_ = {};
      begin(numbers);
      auto code = read_step(transaction, numbers);
      if (!code)
        code = write_step(transaction);
      if (!code && step_ended_pass_) {
        end(numbers);
        did_.bytes_after = table_bytes(transaction);
        numbers.cleaning.clean_bytes = did_.bytes_after;
      }
      return code ? code : log_.put_numbers(transaction, partition_, numbers);
    },
    true);
  if (!written)
    return std::unexpected{std::move(written).error()};
  if (!*written)
    return std::unexpected{std::move(refused_)};
  partition_.publish(numbers);
  did_.records_removed += step_did_.records_removed;
  did_.batches_removed += step_did_.batches_removed;
  return !step_ended_pass_;
}

// Puts a seam at the front, unless the pass has one already.
void event_log::compaction_pass::begin(partition_numbers& numbers) const {
  auto& cleaning = numbers.cleaning;
  if (cleaning.pass_end > offset{0})
    return;
  ++cleaning.generation;
  cleaning.pass_end = end_;
  numbers.begin_seam();
}

void event_log::compaction_pass::end(partition_numbers& numbers) const {
  auto& cleaning = numbers.cleaning;
  cleaning.clean_end = end_;
  cleaning.pass_end = {};
  if (cleaning.seam_count > 0
    && cleaning.seams[0].before == cleaning.seams[0].after)
    numbers.erase_seam(0);
  if (tombstones_below_ > offset{0} || cleaning.tombstones_below == offset{0}) {
    cleaning.tombstones_below = tombstones_left_ || resumed_ ? end_ : offset{0};
    cleaning.tombstones_since_ms = now_ms_;
  }
}

// Decides what becomes of the next entries, as many as one step may take, and
// moves the seam behind them.
int event_log::compaction_pass::read_step(
  MDB_txn* transaction, partition_numbers& numbers) {
  rewrites_.clear();
  removals_.clear();
  step_bytes_ = 0;
  step_ended_pass_ = false;
  auto& cleaning = numbers.cleaning;
  lmdb_cursor cursor{transaction, partition_.table};
  auto code = cursor.seek(offset_key(cleaning.seams[0].at));
  std::size_t batches = 0;
  for (; !code; code = cursor.move(MDB_NEXT)) {
    auto base = offset_of_key(cursor.key());
    if (!base)
      return refuse({fault::damaged, "its key is damaged"}, numbers.log_start);
    // A seam of an earlier pass ends where this one has come to it.
    if (cleaning.seam_count > 1 && *base >= cleaning.seams[1].at) {
      if (cleaning.seams[0].after != cleaning.seams[1].before)
        return refuse({fault::damaged, "the chain of hashes is broken"}, *base);
      cleaning.seams[0].after = cleaning.seams[1].after;
      numbers.erase_seam(1);
    }
    if (*base >= cleaning.pass_end) {
      step_ended_pass_ = true;
      cleaning.seams[0].at = cleaning.pass_end;
      return 0;
    }
    cleaning.seams[0].at = *base;
    if (batches++ > 0
      && (batches > settings_.step.batches_max
        || step_bytes_ >= settings_.step.bytes_max))
      return 0;
    if (code = read_entry_of_step(cursor.key(), cursor.value(), numbers); code)
      return code;
  }
  if (code != MDB_NOTFOUND)
    return code;
  // The newest batch is never passed, so that there is one behind, unless all
  // has been trimmed meanwhile.
  if (numbers.log_start < cleaning.pass_end)
    return refuse(
      {fault::damaged, "the newest batch is missing"}, numbers.log_end);
  step_ended_pass_ = true;
  cleaning.seams[0].at = cleaning.pass_end;
  return 0;
}

int event_log::compaction_pass::read_entry_of_step(
  bytes_view key, bytes_view stored, partition_numbers& numbers) {
  auto base = *offset_of_key(key);
  auto& seam = numbers.cleaning.seams[0];
  auto entry = read_entry(stored, base, true);
  if (!entry)
    return refuse(std::move(entry).error(), base);
  // What is not as it was written must not be chained anew.
  if (chain_of(stored, seam.after) != entry->chain)
    return refuse({fault::damaged, "the chain of hashes is broken"}, base);
  step_bytes_ += stored.size();
  filtered_batch filtered;
  if (!entry->batch.control()) {
    auto read = filter_batch(entry->batch, [&](const record_view& record) {
      if (!record.key)
        return true;
      if (keys_.outdated(*record.key, record.at))
        return false;
      if (record.value)
        return true;
      if (record.at < tombstones_below_)
        return false;
      tombstones_left_ = true;
      return true;
    });
    if (!read)
      return refuse({fault::damaged, read.error().message}, base);
    filtered = std::move(*read);
    step_bytes_ += filtered.inflated_bytes;
  }
  step_did_.records_removed += filtered.removed;
  auto old = std::exchange(seam.after, entry->chain);
  if (filtered.batch && filtered.batch->empty()) {
    ++step_did_.batches_removed;
    removals_.push_back(base);
    return 0;
  }
  if (!filtered.batch && seam.before == old) {
    seam.before = entry->chain;
    return 0;
  }
  rewrites_.push_back({base, entry->term,
    filtered.batch ? std::move(*filtered.batch) : bytes{entry->batch.data()},
    seam.before});
  bytes scratch(entry_header_bytes + rewrites_.back().batch.size(), '\0');
  seam.before = write_entry(
    scratch.data(), entry->term, rewrites_.back().batch, seam.before);
  return 0;
}

int event_log::compaction_pass::write_step(MDB_txn* transaction) {
  for (auto base : removals_) {
    auto name = offset_key(base);
    auto key = to_value(name);
    if (auto code
      = mdb_del(transaction, partition_.table.handle, &key, nullptr))
      return code;
  }
  for (auto& rewrite : rewrites_) {
    auto name = offset_key(rewrite.base);
    auto key = to_value(name);
    MDB_val value{entry_header_bytes + rewrite.batch.size(), nullptr};
    if (auto code = mdb_put(
          transaction, partition_.table.handle, &key, &value, MDB_RESERVE))
      return code;
    write_entry(static_cast<char*>(value.mv_data), rewrite.term, rewrite.batch,
      rewrite.previous);
  }
  return 0;
}

int event_log::compaction_pass::refuse(failure why, offset at) {
  refused_ = log_.named(std::move(why), partition_.where, at);
  return log_environment::abandon;
}

std::uint64_t event_log::compaction_pass::table_bytes(
  MDB_txn* transaction) const {
  MDB_stat stat{};
  if (mdb_stat(transaction, table_in(transaction, partition_.table), &stat))
    return 0;
  return stat.ms_psize
    * (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages);
}

} // namespace herald
