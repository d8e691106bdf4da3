#include "engine/log/verify.hpp"

#include "engine/log/archive.hpp"
#include "engine/log/checked_row.hpp"
#include "engine/log/entry.hpp"
#include "engine/log/event_log.hpp"
#include "engine/log/held_folder.hpp"
#include "engine/log/log_tables.hpp"
#include "engine/log/page_file.hpp"
#include "engine/log/producer_check.hpp"
#include "engine/log/schema_registry.hpp"
#include "engine/log/segment_reader.hpp"
#include "engine/log/segment_shelf.hpp"
#include "protocol/big_endian.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace herald {

namespace {

// Collects what is wrong, up to a bound.
class problem_list {
public:
  problem_list(verify_report& report, std::size_t most)
    : report_{report}, most_{most} {}

  void add(log_problem problem) {
    if (report_.problems.size() < most_)
      report_.problems.push_back(std::move(problem));
    else
      ++report_.problems_left_off;
  }
  std::uint64_t count() const {
    return report_.problems.size() + report_.problems_left_off;
  }

  // Of no partition.
  void add(std::string what) { add({{}, 0, {0}, std::move(what)}); }

private:
  verify_report& report_;
  std::size_t most_;
};

// Follows the entries of one partition and says what does not fit.
class partition_check {
public:
  partition_check(
    std::string_view topic, std::uint32_t partition, problem_list& problems)
    : topic_{topic}, partition_{partition}, problems_{problems} {}

  void wrong(offset at, std::string what) {
    problems_.add({topic_, partition_, at, std::move(what)});
  }

  // A page is damaged: what is below it cannot be seen.
  void page_is_wrong(std::string what) {
    seen_all_ = false;
    wrong(expected_.value_or(at_), std::move(what));
  }

  // Before the first stored entry, which may lie below the log start.
  void begin(const partition_numbers& numbers) {
    numbers_ = numbers;
    gaps_ = numbers.cleaning.generation > 0;
    expected_ = at_ = numbers.log_start;
    links_ = {numbers.anchor};
    first_ = true;
    seam_ = 0;
    time_ = 0;
  }

  // Whether the entries behind a row still follow what next() has seen.
  bool goes_on(const partition_numbers& numbers,
    const std::optional<std::pair<bytes, bytes>>& row) const {
    return row && numbers.cleaning == numbers_.cleaning && row->first == key_
      && bytes_view{row->second}.substr(0, entry_header_bytes) == header_;
  }

  // What is to come, or what was seen, has changed: it is followed from behind
  // that row on.
  void resume(const partition_numbers& numbers,
    const std::optional<std::pair<bytes, bytes>>& row) {
    begin(numbers);
    if (!row)
      return;
    first_ = false;
    last_is_sound_ = true;
    expected_.reset();
    auto base = offset_of_key(row->first);
    bytes_view stored = row->second;
    if (!base || stored.size() < entry_header_bytes)
      return;
    at_ = *base;
    links_ = {told_chain(stored)};
    auto& cleaning = numbers_.cleaning;
    while (seam_ < cleaning.seam_count && cleaning.seams[seam_].at <= *base)
      ++seam_;
    if (auto batch
      = batch_view::parse_unchecked(stored.substr(entry_header_bytes))) {
      expected_ = batch->next_offset();
      time_ = batch->max_timestamp_ms();
    }
  }

  // The entry's batch, if it can be looked into.
  std::optional<entry_view> next(bytes_view key, bytes_view stored) {
    auto base = offset_of_key(key);
    if (!base) {
      seen_all_ = false;
      wrong(at_, "a key behind it is not an offset");
      return std::nullopt;
    }
    at_ = *base;
    key_ = key;
    header_ = stored.substr(0, entry_header_bytes);
    if (std::exchange(first_, false))
      expect_first(*base);
    cross_seams(*base);
    previous_ = expected_;
    auto follows = !expected_ || *expected_ == *base || gaps_;
    if (expected_ && *base > *expected_ && !gaps_)
      wrong(*expected_,
        fmt::format("the records up to {} are missing", base->value));
    if (expected_ && *base < *expected_)
      wrong(*base,
        fmt::format("it overlaps the batch that ends at {}", expected_->value));
    auto entry = read_entry(stored, *base, gaps_);
    auto chained = follow_chain(stored);
    last_is_sound_ = entry && chained;
    if (!entry) {
      seen_all_ = false;
      wrong(*base, entry.error().message);
      expected_.reset();
      return std::nullopt;
    }
    if (!chained && follows)
      wrong(*base, "the chain of hashes is broken");
    if (first_timestamp_ms(entry->batch) < time_)
      wrong(*base, "its record time is before that of the batch before it");
    time_ = std::max(time_, entry->batch.max_timestamp_ms());
    expected_ = entry->batch.next_offset();
    return *entry;
  }

  // Where the term of the entry that next() has just seen may begin: behind
  // the entry before it, or anywhere where that was trimmed or removed.
  bool term_may_start(
    std::optional<offset> first, offset base, bool after_another) const {
    return first && *first <= base
      && (!after_another || !previous_ || *first >= *previous_);
  }

  // After the last entry of what begin() was told of.
  void end() {
    cross_seams({std::numeric_limits<std::uint64_t>::max()});
    if (!expected_)
      return;
    if (*expected_ != numbers_.log_end)
      return wrong(std::min(*expected_, numbers_.log_end),
        fmt::format("its batches end at {}, its entry says {}",
          expected_->value, numbers_.log_end.value));
    if (last_is_sound_ && links_.front() != numbers_.head)
      wrong(numbers_.log_end, "its entry names another end of the chain");
    // Where everything was trimmed, it is that of what is gone.
    if (!first_ && time_ != numbers_.last_timestamp_ms)
      wrong(numbers_.log_end, "its entry names another last record time");
  }

  // The same where what follows the committed end was left out.
  void end_committed() {
    if (numbers_.committed_end == numbers_.log_end)
      end();
    else if (expected_ && *expected_ < numbers_.committed_end)
      wrong(*expected_,
        fmt::format("its batches end at {}, its entry says {}",
          expected_->value, numbers_.committed_end.value));
  }

  bool last_is_sound() const { return last_is_sound_; }
  // Whether next() has returned every entry that is stored.
  bool seen_all() const { return seen_all_; }
  const std::string& topic() const { return topic_; }
  std::optional<offset> expected() const { return expected_; }
  const partition_numbers& numbers() const { return numbers_; }

private:
  // The log may start within the first batch, and behind batches that still
  // wait to be deleted; behind a gap it may begin before the first batch.
  void expect_first(offset base) {
    if (base <= numbers_.log_start || gaps_)
      expected_.reset();
  }

  // At a seam the chain must end as the seam says, and goes on from there as it
  // was before compaction.
  void cross_seams(offset base) {
    auto& cleaning = numbers_.cleaning;
    for (; seam_ < cleaning.seam_count && base >= cleaning.seams[seam_].at;
      ++seam_) {
      auto& seam = cleaning.seams[seam_];
      if (last_is_sound_
        && std::ranges::find(links_, seam.before) == links_.end())
        wrong(seam.at,
          "the chain of hashes does not end where compaction has left it");
      links_ = {seam.after};
    }
  }

  // Whether the entry continues the chain. After an entry that does not, its
  // successor may continue what it says or what its bytes yield, so that one
  // damaged byte is one problem.
  bool follow_chain(bytes_view stored) {
    if (stored.size() < entry_header_bytes)
      return false;
    auto told = told_chain(stored);
    std::vector<chain_hash> computed;
    for (auto& link : links_)
      computed.push_back(chain_of(stored, link));
    auto chained = std::ranges::find(computed, told) != computed.end();
    links_ = {told};
    if (!chained)
      links_.push_back(computed.front());
    return chained;
  }

  std::string topic_;
  std::uint32_t partition_;
  problem_list& problems_;
  partition_numbers numbers_;
  std::optional<offset> expected_;
  offset at_;
  std::vector<chain_hash> links_;
  std::int64_t time_ = 0;
  // Of the row that next() has seen last.
  bytes key_;
  bytes header_;
  std::optional<offset> previous_;
  std::size_t seam_ = 0;
  bool gaps_ = false;
  bool first_ = true;
  bool last_is_sound_ = true;
  bool seen_all_ = true;
};

// Looks into the records of batches: those of the registry's topic are learned,
// the schema ids of others looked up among them.
class record_check {
public:
  record_check(const verify_settings& settings, verify_report& report)
    : settings_{settings}, report_{report} {}

  // Without all schemas there is no saying which are missing.
  void schemas_are_incomplete() { complete_ = false; }

  void look(partition_check& check, const entry_view& entry) {
    auto is_registry = check.topic() == schemas_topic;
    auto has_schemas = !is_registry && complete_ && settings_.carries_schemas
      && settings_.carries_schemas(check.topic());
    auto read = entry.batch.for_each([&](const record_view& record) {
      if (is_registry) {
        if (auto known = registry_.apply(record.key, record.value); !known)
          check.wrong(record.at, known.error().message);
      } else if (has_schemas && record.value) {
        look_up(check, record);
      }
    });
    if (!read)
      check.wrong(entry.batch.base_offset(), read.error().message);
    ++report_.batches;
    report_.records += entry.batch.record_count();
    report_.bytes += entry.batch.size_bytes();
    report_.schemas = registry_.size();
  }

private:
  void look_up(partition_check& check, const record_view& record) {
    auto& value = *record.value;
    if (value.size() < 5 || value[0] != 0)
      return check.wrong(
        record.at, "its value does not start with the id of a schema");
    auto id = load_big_endian<std::int32_t>(value.data() + 1);
    if (!registry_.contains(id))
      check.wrong(
        record.at, fmt::format("its schema {} is not registered", id));
  }

  const verify_settings& settings_;
  verify_report& report_;
  schema_registry registry_;
  bool complete_ = true;
};

// Checks a segment of the archive, and shows the batches of a sound one;
// whether it is sound.
template <class Visit>
bool check_segment(const std::filesystem::path& archive,
  const segment_info& segment, partition_check& check, Visit&& visit) {
  auto wrong = [&](std::string what) {
    check.wrong(segment.first, std::move(what));
    return false;
  };
  auto path = archive / segment.file;
  auto reader = segment_reader::open(path);
  if (!reader)
    return wrong(reader.error().message);
  if (!same_segment(segment, **reader))
    return wrong(
      fmt::format("{} is not the segment that was archived", path.string()));
  if (auto sound = (*reader)->verify(); !sound)
    return wrong(sound.error().message);
  auto seen
    = (*reader)->visit(segment.first, [&](offset, const entry_view& entry) {
        visit(entry);
        return true;
      });
  return seen ? true : wrong(seen.error().message);
}

// Where batches that are remembered of a producer need not be stored any more.
producer_check::missing missing_batches(
  offset first_stored, const cleaning_numbers& cleaning) {
  return {.first_stored = first_stored,
    .compacted_below = cleaning.generation > 0
      ? std::max(cleaning.clean_end, cleaning.pass_end)
      : offset{0}};
}

// The registry's topic first: the others' records need it.
void sort_topics(std::vector<topic_info>& topics) {
  std::ranges::sort(topics, {}, [](const topic_info& topic) {
    return std::pair{topic.name != schemas_topic, topic.number};
  });
}

// One pass over the file of a log that nobody has open.
class file_check {
public:
  file_check(page_file& file, std::filesystem::path archive,
    const verify_settings& settings, verify_report& report)
    : file_{file}, archive_{std::move(archive)}, report_{report},
      problems_{report, settings.problems_max}, records_{settings, report} {}

  void run() {
    auto wrong = [this](std::string what) { problems_.add(std::move(what)); };
    file_.walk_free(wrong);
    for (auto& table : file_.tables(wrong))
      tables_.emplace(table.name, table);
    check_meta();
    auto topics = read_topics();
    partitions_ = read_rows(partitions_table);
    terms_ = read_rows(terms_table);
    read_producers();
    segments_ = read_rows(segments_table);
    report_.topics = topics.size();
    for (auto& topic : topics)
      for (std::uint32_t i = 0; i < topic.partitions; ++i) {
        ++report_.partitions;
        walk(topic, i);
      }
    for (auto& [topic, left] : deleted_)
      walk_deleted(topic, left);
    // A table that has got another name would not be missed while it is empty.
    for (auto& [name, table] : std::exchange(tables_, {})) {
      problems_.add(fmt::format("table '{}': it belongs to no topic", name));
      file_.walk(
        table, [](bytes_view, bytes_view) {},
        [&](std::string what) {
          problems_.add(fmt::format("table '{}': {}", name, what));
        });
    }
  }

private:
  using rows = std::map<bytes, bytes, std::less<>>;

  // Takes a table, so that each is walked once.
  std::optional<page_table> take(const std::string& name) {
    auto found = tables_.extract(name);
    if (!found)
      return std::nullopt;
    return std::move(found.mapped());
  }

  // The rows of a small table without their checks.
  rows read_rows(const std::string& name) {
    rows found;
    auto wrong = [&](std::string_view what) {
      problems_.add(fmt::format("table '{}': {}", name, what));
    };
    auto table = take(name);
    // Logs from before these were known have no table of them.
    if (!table) {
      if (name != segments_table && (checked_ || name != producers_table))
        wrong("it is missing");
      return found;
    }
    file_.walk(
      *table,
      [&](bytes_view key, bytes_view value) { found.emplace(key, value); },
      wrong);
    if (name == meta_table)
      checked_ = found.contains(checked_key);
    if (!checked_)
      return found;
    rows sound;
    for (auto& [key, stored] : found)
      if (auto value = without_row_check(key, stored))
        sound.emplace(key, *value);
      else
        wrong(fmt::format("row {:?}: {}", key, value.error().message));
    return sound;
  }

  void check_meta() {
    auto meta = read_rows(meta_table);
    for (auto& [key, bytes] :
      {std::pair{incarnation_key, 8}, {cluster_key, 22}})
      if (auto row = meta.find(key); row == meta.end()
        || row->second.size() != static_cast<std::size_t>(bytes))
        problems_.add(
          fmt::format("table '{}': row '{}' is missing", meta_table, key));
    if (auto row = meta.find(next_topic_key);
      row != meta.end() && row->second.size() == 8)
      next_topic_ = load_big_endian<std::uint64_t>(row->second.data());
    for (auto row = meta.lower_bound(deleted_prefix);
      row != meta.end() && row->first.starts_with(deleted_prefix); ++row) {
      auto& [key, left] = *row;
      uuid topic;
      if (key.size() != deleted_prefix.size() + topic.value.size()
        || left.size() != 8) {
        problems_.add(
          fmt::format("table '{}': row {:?} is damaged", meta_table, key));
        continue;
      }
      std::memcpy(topic.value.data(), key.data() + deleted_prefix.size(),
        topic.value.size());
      deleted_.emplace_back(topic, load_big_endian<std::uint64_t>(left.data()));
    }
  }

  std::vector<topic_info> read_topics() {
    std::vector<topic_info> topics;
    for (auto& [name, value] : read_rows(topics_table))
      if (auto topic = decode_topic(name, value))
        topics.push_back(std::move(*topic));
      else
        problems_.add(topic.error().message);
    std::ranges::sort(topics, {}, &topic_info::number);
    // Numbers are dense but for those of deleted topics.
    std::uint64_t next = 0;
    for (auto& topic : topics) {
      if (topic.number < next
        || (topic.number > next && topic.number > next_topic_)) {
        problems_.add(fmt::format("topic number {} is {}",
          std::min<std::uint64_t>(topic.number, next),
          topic.number < next ? "there twice" : "missing"));
        break;
      }
      next = std::uint64_t{topic.number} + 1;
    }
    sort_topics(topics);
    return topics;
  }

  void walk(const topic_info& topic, std::uint32_t partition) {
    partition_check check{topic.name, partition, problems_};
    auto name = partition_table(topic.id, partition);
    auto table = take(name);
    if (!table)
      return check.wrong({0}, "its table is missing");
    auto row = partitions_.find(partition_key(topic.id, partition));
    if (row == partitions_.end())
      return check.wrong({0}, "its entry is missing");
    auto numbers = decode_numbers(row->second);
    if (!numbers)
      return check.wrong({0}, numbers.error().message);
    producer_check producers;
    auto archive = check_archive(check, topic, partition, *numbers, producers);
    check.begin(*numbers);
    std::optional<std::uint64_t> term;
    auto first = archive.first;
    file_.walk(
      *table,
      [&](bytes_view key, bytes_view value) {
        auto entry = check.next(key, value);
        if (!entry)
          return;
        check_term(check, topic, partition, *entry, term);
        if (entry->batch.base_offset() < archive.next)
          return; // seen in a segment
        if (!first)
          first = entry->batch.base_offset();
        producers.see(entry->batch);
        records_.look(check, *entry);
      },
      [&](std::string what) {
        check.page_is_wrong(std::move(what));
        if (topic.name == schemas_topic)
          records_.schemas_are_incomplete();
      });
    check.end();
    if (check.seen_all() && archive.seen_all)
      check_producers(check, row->first, producers,
        missing_batches(first.value_or(numbers->log_end), numbers->cleaning));
  }

  // Where rows cannot be read, their producers would be told to be forgotten.
  void read_producers() {
    auto before = problems_.count();
    has_producers_ = tables_.contains(producers_table);
    producers_ = read_rows(producers_table);
    has_producers_ = has_producers_ && problems_.count() == before;
    for (auto& [key, value] : producers_)
      if (before == 0
        && !partitions_.contains(
          bytes_view{key}.substr(0, partition_key_bytes)))
        problems_.add(fmt::format(
          "table '{}': row {:?} is of no partition", producers_table, key));
  }

  // What is remembered of the partition's producers.
  void check_producers(partition_check& check, const bytes& partition,
    producer_check& producers, const producer_check::missing& gone) {
    if (!has_producers_)
      return;
    auto wrong = [&](const std::optional<producer_check::finding>& found) {
      if (found)
        check.wrong(found->at, found->what);
    };
    for (auto row = producers_.lower_bound(partition);
      row != producers_.end() && row->first.starts_with(partition); ++row) {
      auto& [key, value] = *row;
      auto remembered = producer_state::decode(value);
      if (remembered && key.size() == partition.size() + 8)
        wrong(producers.compare(
          load_big_endian<std::int64_t>(key.data() + partition.size()),
          *remembered, gone));
      else
        problems_.add(
          fmt::format("table '{}': row {:?} is damaged", producers_table, key));
    }
    wrong(producers.forgotten());
  }

  // What a partition's segments hold.
  struct archive_part {
    // None without segments; `next` is 0 then.
    std::optional<offset> first;
    offset next;
    bool seen_all = true;
  };

  // Looks at the segments of a partition, and lets `numbers` begin where the
  // environment does.
  archive_part check_archive(partition_check& check, const topic_info& topic,
    std::uint32_t partition, partition_numbers& numbers,
    producer_check& producers) {
    archive_part part;
    auto wrong = [&](offset at, std::string what) {
      check.wrong(at, std::move(what));
      part.seen_all = false;
    };
    auto prefix = partition_key(topic.id, partition);
    std::optional<live_numbers> live;
    auto anchor = numbers.anchor;
    for (auto row = segments_.lower_bound(prefix);
      row != segments_.end() && row->first.starts_with(prefix); ++row) {
      auto& [key, value] = *row;
      if (key == prefix) {
        if (auto found = decode_live(value))
          live = *found;
        else
          wrong(numbers.log_start, found.error().message);
        continue;
      }
      auto segment = decode_segment(key, value);
      if (!segment) {
        wrong(numbers.log_start, segment.error().message);
        continue;
      }
      if (segment->anchor != anchor
        || (part.first ? segment->first != part.next
                       : segment->first > numbers.log_start))
        wrong(segment->first,
          fmt::format("the segment {} does not follow on the one before it",
            segment->file));
      auto sound = check_segment(
        archive_, *segment, check, [&](const entry_view& entry) {
          producers.see(entry.batch);
          records_.look(check, entry);
        });
      if (!sound && topic.name == schemas_topic)
        records_.schemas_are_incomplete();
      part.seen_all = part.seen_all && sound;
      anchor = segment->head;
      if (!part.first)
        part.first = segment->first;
      part.next = segment->next;
    }
    if (live.has_value() != part.first.has_value()
      || (live
        && (live->start > part.next
          || (live->start == part.next && live->anchor != anchor))))
      wrong(numbers.log_start,
        "its segments and its batches in the environment do not fit");
    if (live) {
      numbers.log_start = live->start;
      numbers.anchor = live->anchor;
    }
    return part;
  }

  // What waits to be freed must be there, since LMDB will walk it.
  void walk_deleted(const uuid& topic, std::uint64_t left) {
    auto missing = false;
    for (std::uint64_t i = 0; i < left; ++i) {
      auto name = partition_table(topic, static_cast<std::uint32_t>(i));
      auto wrong = [&](std::string_view what) {
        problems_.add(
          fmt::format("table '{}' of a deleted topic: {}", name, what));
      };
      auto table = take(name);
      if (table)
        file_.walk(*table, [](bytes_view, bytes_view) {}, wrong);
      else if (!std::exchange(missing, true))
        wrong("it is missing");
    }
  }

  // Where a term starts the table of terms says so. What the chain does not
  // vouch for would be told wrong twice.
  void check_term(partition_check& check, const topic_info& topic,
    std::uint32_t partition, const entry_view& entry,
    std::optional<std::uint64_t>& term) {
    if (!check.last_is_sound() || entry.term == term)
      return;
    auto after_another = term.has_value();
    term = entry.term;
    auto base = entry.batch.base_offset();
    auto row = terms_.find(term_key(topic.id, partition, entry.term));
    auto first
      = row == terms_.end() ? std::nullopt : offset_of_key(row->second);
    if (!check.term_may_start(first, base, after_another))
      check.wrong(
        base, fmt::format("term {} is not known to start here", entry.term));
  }

  page_file& file_;
  std::filesystem::path archive_;
  verify_report& report_;
  problem_list problems_;
  record_check records_;
  std::map<std::string, page_table, std::less<>> tables_;
  rows partitions_;
  rows terms_;
  rows producers_;
  bool has_producers_ = false;
  rows segments_;
  std::uint64_t next_topic_ = 0;
  std::vector<std::pair<uuid, std::uint64_t>> deleted_;
  bool checked_ = false;
};

// One pass over the log of a running node.
class live_check {
public:
  live_check(const event_log& log, const verify_settings& settings,
    verify_report& report)
    : log_{log}, settings_{settings}, report_{report},
      problems_{report, settings.problems_max}, records_{settings, report} {}

  result<void> run() {
    auto topics = log_.topics();
    sort_topics(topics);
    report_.topics = topics.size();
    for (auto& topic : topics)
      for (std::uint32_t i = 0; i < topic.partitions; ++i) {
        ++report_.partitions;
        if (auto read = walk(topic, i); !read)
          return read;
      }
    return {};
  }

private:
  using entry_listener = std::function<void(const entry_view&)>;

  // What a partition's segments hold.
  struct archive_part {
    // None without segments; `next` is 0 then.
    std::optional<offset> first;
    offset next;
    bool sound = true;
  };

  result<void> walk(const topic_info& topic, std::uint32_t partition) {
    partition_id where{topic.number, partition};
    partition_check check{topic.name, partition, problems_};
    // What is remembered now is compared with the batches that there are now;
    // those that follow are left out.
    auto remembered = log_.inspect_producers(where);
    if (!remembered && remembered.error().code == fault::not_found)
      return {}; // the topic has been deleted
    if (!remembered && remembered.error().code != fault::damaged)
      return std::unexpected{std::move(remembered).error()};
    if (!remembered)
      check.wrong({0}, remembered.error().message);
    producer_check producers;
    auto see = [&](const entry_view& entry) {
      if (remembered && entry.batch.base_offset() < remembered->log_end)
        producers.see(entry.batch);
      records_.look(check, entry);
    };
    auto archive = walk_archive(where, check, see);
    if (!archive)
      return std::unexpected{std::move(archive).error()};
    auto whole = walk_rows(where, check, archive->next, see);
    if (!whole)
      return std::unexpected{std::move(whole).error()};
    if (*whole && archive->sound && remembered
      && remembered->committed_end == remembered->log_end)
      compare_producers(check, producers, *remembered, *archive);
    return {};
  }

  result<archive_part> walk_archive(
    partition_id where, partition_check& check, const entry_listener& see) {
    archive_part part;
    for (auto& segment : log_.segments(where)) {
      if (settings_.pause && !settings_.pause())
        return fail(fault::unavailable, "the verification was stopped");
      // It may be detached or deleted at any time.
      auto there = log_.segments(where);
      if (std::ranges::find(there, segment) == there.end())
        continue;
      part.sound
        &= check_segment(log_.data_folder() / "archive", segment, check, see);
      if (!part.first)
        part.first = segment.first;
      part.next = segment.next;
    }
    return part;
  }

  // The rows of the environment; whether all of them could be seen.
  result<bool> walk_rows(partition_id where, partition_check& check,
    offset archived, const entry_listener& see) {
    offset from;
    for (auto begun = false;; begun = true) {
      if (settings_.pause && !settings_.pause())
        return fail(fault::unavailable, "the verification was stopped");
      auto piece = log_.inspect(where, from, piece_bytes);
      if (!piece && piece.error().code == fault::not_found)
        return false; // the topic has been deleted
      if (!piece && piece.error().code == fault::damaged) {
        check.wrong(from, piece.error().message);
        return false;
      }
      if (!piece)
        return std::unexpected{std::move(piece).error()};
      // Retention or compaction may have been there meanwhile.
      if (!begun)
        check.begin(piece->numbers);
      else if (!check.goes_on(piece->numbers, piece->before))
        check.resume(piece->numbers, piece->before);
      for (auto& [key, stored] : piece->rows) {
        auto base = offset_of_key(key);
        if (base >= check.numbers().committed_end)
          break; // younger than the walk, or it may be cut off
        auto entry = check.next(key, stored);
        if (entry && *base >= archived)
          see(*entry);
        from = check.expected().value_or(base ? base->next() : from.next());
      }
      if (piece->rows.empty() || from >= check.numbers().committed_end)
        break;
    }
    check.end_committed();
    return check.seen_all();
  }

  static void compare_producers(partition_check& check,
    producer_check& producers, const remembered_producers& remembered,
    const archive_part& archive) {
    auto& numbers = check.numbers();
    // More may have been archived meanwhile, and was not seen.
    auto all = archive.first && archive.next >= numbers.log_start;
    auto gone = missing_batches(
      all ? *archive.first : numbers.log_start, numbers.cleaning);
    for (auto& [id, state] : remembered.states)
      if (auto found = producers.compare(id, state, gone))
        check.wrong(found->at, found->what);
    if (auto found = producers.forgotten())
      check.wrong(found->at, found->what);
  }

  // Read in one transaction.
  static constexpr std::size_t piece_bytes = 1u << 20;

  const event_log& log_;
  const verify_settings& settings_;
  verify_report& report_;
  problem_list problems_;
  record_check records_;
};

void sort_problems(verify_report& report) {
  std::ranges::stable_sort(report.problems, [](auto& a, auto& b) {
    return std::tie(a.topic, a.partition, a.at)
      < std::tie(b.topic, b.partition, b.at);
  });
}

} // namespace

std::string to_string(const log_problem& problem) {
  if (problem.topic.empty())
    return problem.what;
  return fmt::format("{}/{}@{}: {}", problem.topic, problem.partition,
    problem.at.value, problem.what);
}

result<verify_report> verify_log(
  const std::filesystem::path& path, const verify_settings& settings) {
  auto folder = held_folder::take_existing(path);
  if (!folder)
    return std::unexpected{std::move(folder).error()};
  std::error_code error;
  if (!std::filesystem::exists(path / "log", error))
    return fail(
      fault::not_found, fmt::format("there is no log in {}", path.string()));
  auto file = page_file::open(path / "log" / "data.mdb");
  if (!file)
    return std::unexpected{std::move(file).error()};
  verify_report report;
  file_check{*file, path / "archive", settings, report}.run();
  sort_problems(report);
  return report;
}

result<verify_report> verify_open_log(
  const event_log& log, const verify_settings& settings) {
  verify_report report;
  if (auto done = live_check{log, settings, report}.run(); !done)
    return std::unexpected{std::move(done).error()};
  sort_problems(report);
  return report;
}

} // namespace herald
