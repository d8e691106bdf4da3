#include "engine/log/verify.hpp"

#include "engine/log/entry.hpp"
#include "engine/log/held_folder.hpp"
#include "engine/log/log_environment.hpp"
#include "engine/log/log_tables.hpp"
#include "engine/log/schema_registry.hpp"
#include "protocol/batch/big_endian.hpp"

#include <fmt/format.h>
#include <lmdb.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>
#include <optional>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <tuple>
#include <unistd.h>
#include <utility>

namespace herald {

namespace {

// Enough for the tables of any log; LMDB asks for a number.
constexpr unsigned tables_max = 1u << 16;

constexpr int exit_done = 0;
constexpr int exit_gave_up = 3;

enum class stage : std::uint32_t { opening, schemas, walking };

// Where the child is and what it has counted, in memory that outlives it.
struct progress {
  stage at_stage = stage::opening;
  std::uint32_t partition_index = 0;
  char topic[256]{};
  std::uint32_t partition = 0;
  std::uint64_t at = 0;
  char words[256]{};
  std::uint64_t topics = 0;
  std::uint64_t partitions = 0;
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t schemas = 0;
};

void copy_words(char (&to)[256], std::string_view from) {
  auto size = std::min(from.size(), sizeof to - 1);
  std::memcpy(to, from.data(), size);
  to[size] = 0;
}

// -- in the child -------------------------------------------------------------

// What LMDB's assertion handler reports to; one walk runs in the process.
progress* assertion_goes_to = nullptr;

// Sends problems to the parent: topic, partition, offset, words.
class problem_sink {
public:
  explicit problem_sink(int pipe) : pipe_{pipe} {}

  void send(std::string_view topic, std::uint32_t partition, offset at,
    std::string_view what) const {
    char head[20];
    store_big_endian(head, static_cast<std::uint32_t>(topic.size()));
    store_big_endian(head + 4, static_cast<std::uint32_t>(what.size()));
    store_big_endian(head + 8, partition);
    store_big_endian(head + 12, at.value);
    bytes message{head, sizeof head};
    message.append(topic).append(what);
    for (std::string_view rest = message; !rest.empty();) {
      auto sent = ::write(pipe_, rest.data(), rest.size());
      if (sent < 0 && errno != EINTR)
        ::_exit(exit_gave_up);
      if (sent > 0)
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

private:
  int pipe_;
};

// Follows the entries of one partition and says what does not fit.
class partition_check {
public:
  partition_check(const topic_info& topic, std::uint32_t partition,
    const problem_sink& problems, progress& progress)
    : topic_{topic}, partition_{partition}, problems_{problems},
      progress_{progress} {
    copy_words(progress_.topic, topic.name);
    progress_.partition = partition;
    progress_.at = 0;
  }

  void wrong(offset at, std::string_view what) const {
    problems_.send(topic_.name, partition_, at, what);
  }

  void begin(const partition_numbers& numbers) {
    numbers_ = numbers;
    gaps_ = numbers.cleaning.generation > 0;
    expected_ = numbers.log_start;
    links_ = {numbers.anchor};
  }

  // The entry's batch, if it can be looked into.
  std::optional<entry_view> next(bytes_view key, bytes_view stored) {
    auto base = offset_of_key(key);
    if (!base) {
      wrong({progress_.at}, "a key behind it is not an offset");
      return std::nullopt;
    }
    progress_.at = base->value;
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

  bool last_is_sound() const { return last_is_sound_; }
  const topic_info& topic() const { return topic_; }
  std::uint32_t partition() const { return partition_; }

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

  const topic_info& topic_;
  std::uint32_t partition_;
  const problem_sink& problems_;
  progress& progress_;
  partition_numbers numbers_;
  std::optional<offset> expected_;
  std::vector<chain_hash> links_;
  std::int64_t time_ = 0;
  std::optional<offset> previous_;
  std::size_t seam_ = 0;
  bool gaps_ = false;
  bool first_ = true;
  bool last_is_sound_ = true;
};

// One pass over the log, from a given partition of all on.
class log_walk {
public:
  log_walk(const std::filesystem::path& folder, const verify_settings& settings,
    progress& progress, problem_sink problems)
    : folder_{folder}, settings_{settings}, progress_{progress},
      problems_{problems} {}

  // Returns the exit code of the process.
  int run(std::uint32_t first, bool schemas_readable) {
    auto topics = open();
    if (!topics)
      return exit_gave_up;
    schemas_readable_ = schemas_readable;
    if (first > 0 && schemas_readable)
      learn_schemas(*topics);
    progress_.at_stage = stage::walking;
    std::uint32_t index = 0;
    for (auto& topic : *topics)
      for (std::uint32_t i = 0; i < topic.partitions; ++i, ++index)
        if (index >= first) {
          progress_.partition_index = index;
          walk(topic, i);
        }
    progress_.topics = topics->size();
    progress_.partitions = index;
    progress_.schemas = registry_.size();
    return exit_done;
  }

private:
  std::optional<std::vector<topic_info>> open() {
    MDB_env* env = nullptr;
    auto code = mdb_env_create(&env);
    if (!code) {
      assertion_goes_to = &progress_;
      mdb_env_set_assert(env, [](MDB_env*, const char* message) {
        copy_words(assertion_goes_to->words, message);
        ::_exit(exit_gave_up);
      });
      mdb_env_set_maxdbs(env, tables_max);
      code = mdb_env_open(
        env, folder_.c_str(), MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0);
    }
    MDB_dbi topics = 0;
    if (!code)
      code = mdb_txn_begin(env, nullptr, MDB_RDONLY, &transaction_);
    if (!code)
      code = mdb_dbi_open(transaction_, topics_table, 0, &topics);
    if (!code)
      code = mdb_dbi_open(transaction_, partitions_table, 0, &partitions_);
    if (!code)
      code = mdb_dbi_open(transaction_, terms_table, 0, &terms_);
    std::vector<topic_info> found;
    if (!code) {
      lmdb_cursor cursor{transaction_, topics};
      for (code = cursor.move(MDB_FIRST); !code; code = cursor.move(MDB_NEXT)) {
        auto topic = decode_topic(cursor.key(), cursor.value());
        if (topic)
          found.push_back(std::move(*topic));
        else
          problems_.send(cursor.key(), 0, {0}, topic.error().message);
      }
    }
    if (code != MDB_NOTFOUND || !terms_) {
      copy_words(progress_.words, mdb_strerror(code));
      return std::nullopt;
    }
    std::ranges::sort(found, {}, &topic_info::number);
    return found;
  }

  // What a walk that begins behind the registry's topic must know.
  void learn_schemas(const std::vector<topic_info>& topics) {
    progress_.at_stage = stage::schemas;
    auto topic = std::ranges::find(topics, schemas_topic, &topic_info::name);
    MDB_dbi table = 0;
    if (topic == topics.end()
      || mdb_dbi_open(
        transaction_, partition_table(topic->id, 0).c_str(), 0, &table))
      return;
    lmdb_cursor cursor{transaction_, table};
    for (auto code = cursor.move(MDB_FIRST); !code;
      code = cursor.move(MDB_NEXT)) {
      auto key = offset_of_key(cursor.key());
      if (!key)
        continue;
      if (auto entry = read_entry(cursor.value(), *key, true))
        (void)entry->batch.for_each([this](const record_view& record) {
          (void)registry_.apply(record.key, record.value);
        });
    }
  }

  void walk(const topic_info& topic, std::uint32_t partition) {
    partition_check check{topic, partition, problems_, progress_};
    auto numbers = read_numbers(topic, partition);
    if (!numbers)
      return check.wrong({0}, numbers.error().message);
    MDB_dbi table = 0;
    if (auto code = mdb_dbi_open(transaction_,
          partition_table(topic.id, partition).c_str(), 0, &table))
      return check.wrong(
        {0}, fmt::format("its table cannot be opened: {}", mdb_strerror(code)));
    check.begin(*numbers);
    std::optional<std::uint64_t> term;
    lmdb_cursor cursor{transaction_, table};
    auto code = cursor.move(MDB_FIRST);
    for (; !code; code = cursor.move(MDB_NEXT)) {
      auto entry = check.next(cursor.key(), cursor.value());
      if (!entry)
        continue;
      auto base = entry->batch.base_offset();
      // A term that the chain does not vouch for would be told wrong twice.
      auto before = term;
      if (check.last_is_sound())
        term = entry->term;
      if (term != before
        && !check.term_may_start(
          first_of_term(topic, partition, *term), base, before.has_value()))
        check.wrong(
          base, fmt::format("term {} is not known to start here", *term));
      walk_records(check, *entry);
      ++progress_.batches;
      progress_.records += entry->batch.record_count();
      progress_.bytes += entry->batch.size_bytes();
    }
    if (code != MDB_NOTFOUND)
      return check.wrong({progress_.at},
        fmt::format("what follows cannot be read: {}", mdb_strerror(code)));
    check.end();
  }

  void walk_records(const partition_check& check, const entry_view& entry) {
    auto is_registry = check.topic().name == schemas_topic;
    auto has_schemas = !is_registry && schemas_readable_
      && settings_.carries_schemas
      && settings_.carries_schemas(check.topic().name);
    auto read = entry.batch.for_each([&](const record_view& record) {
      if (is_registry) {
        if (auto known = registry_.apply(record.key, record.value); !known)
          check.wrong(record.at, known.error().message);
      } else if (has_schemas && record.value) {
        check_schema(check, record);
      }
    });
    if (!read)
      check.wrong(entry.batch.base_offset(), read.error().message);
  }

  void check_schema(const partition_check& check, const record_view& record) {
    auto& value = *record.value;
    if (value.size() < 5 || value[0] != 0)
      return check.wrong(
        record.at, "its value does not start with the id of a schema");
    auto id = load_big_endian<std::int32_t>(value.data() + 1);
    if (!registry_.contains(id))
      check.wrong(
        record.at, fmt::format("its schema {} is not registered", id));
  }

  result<partition_numbers> read_numbers(
    const topic_info& topic, std::uint32_t partition) const {
    auto name = partition_key(topic.id, partition);
    auto key = to_value(name);
    MDB_val value{};
    if (auto code = mdb_get(transaction_, partitions_, &key, &value))
      return fail(fault::damaged,
        fmt::format("its entry cannot be read: {}", mdb_strerror(code)));
    return decode_numbers(to_view(value));
  }

  std::optional<offset> first_of_term(const topic_info& topic,
    std::uint32_t partition, std::uint64_t term) const {
    auto name = term_key(topic.id, partition, term);
    auto key = to_value(name);
    MDB_val value{};
    if (mdb_get(transaction_, terms_, &key, &value))
      return std::nullopt;
    return offset_of_key(to_view(value));
  }

  const std::filesystem::path& folder_;
  const verify_settings& settings_;
  progress& progress_;
  problem_sink problems_;
  schema_registry registry_;
  bool schemas_readable_ = true;
  MDB_txn* transaction_ = nullptr;
  MDB_dbi partitions_ = 0;
  MDB_dbi terms_ = 0;
};

// -- in the parent ------------------------------------------------------------

// Shared with the child, so that a death leaves its last words.
class shared_progress {
public:
  shared_progress() {
    auto* memory = ::mmap(nullptr, sizeof(progress), PROT_READ | PROT_WRITE,
      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED)
      progress_ = new (memory) progress;
  }
  shared_progress(const shared_progress&) = delete;
  shared_progress& operator=(const shared_progress&) = delete;
  ~shared_progress() {
    if (progress_)
      ::munmap(progress_, sizeof(progress));
  }
  progress* get() const { return progress_; }

private:
  progress* progress_ = nullptr;
};

bool read_all(int from, char* to, std::size_t size) {
  while (size > 0) {
    auto got = ::read(from, to, size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    to += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

std::optional<log_problem> receive(int from) {
  char head[20];
  if (!read_all(from, head, sizeof head))
    return std::nullopt;
  log_problem problem;
  problem.topic.resize(load_big_endian<std::uint32_t>(head));
  problem.what.resize(load_big_endian<std::uint32_t>(head + 4));
  problem.partition = load_big_endian<std::uint32_t>(head + 8);
  problem.at = {load_big_endian<std::uint64_t>(head + 12)};
  if (!read_all(from, problem.topic.data(), problem.topic.size())
    || !read_all(from, problem.what.data(), problem.what.size()))
    return std::nullopt;
  return problem;
}

void add(
  verify_report& report, log_problem problem, const verify_settings& settings) {
  if (report.problems.size() < settings.problems_max)
    report.problems.push_back(std::move(problem));
  else
    ++report.problems_left_off;
}

// Why the child ended, empty if it is done.
std::string death_of(int status, const progress& progress) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == exit_done)
    return {};
  if (WIFSIGNALED(status))
    return fmt::format("a page is damaged (reading it ended in {})",
      ::sigdescr_np(WTERMSIG(status)));
  return fmt::format("a page is damaged ({})", progress.words);
}

} // namespace

std::string to_string(const log_problem& problem) {
  return fmt::format("{}/{}@{}: {}", problem.topic, problem.partition,
    problem.at.value, problem.what);
}

result<verify_report> verify_log(
  const std::filesystem::path& path, const verify_settings& settings) {
  auto folder = held_folder::take_existing(path);
  if (!folder)
    return std::unexpected{std::move(folder).error()};
  auto log = path / "log";
  if (auto fine = check_data_file(log / "data.mdb"); !fine)
    return std::unexpected{std::move(fine).error()};
  shared_progress shared;
  if (!shared.get())
    return std::unexpected{system_failure("get memory to verify", log, errno)};
  auto& progress = *shared.get();
  verify_report report;
  std::uint32_t first = 0;
  auto schemas_readable = true;
  for (;;) {
    int ends[2];
    if (::pipe(ends) != 0)
      return std::unexpected{system_failure("make a pipe for", log, errno)};
    progress.at_stage = stage::opening;
    auto child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      log_walk walk{log, settings, progress, problem_sink{ends[1]}};
      ::_exit(walk.run(first, schemas_readable));
    }
    ::close(ends[1]);
    while (auto problem = receive(ends[0]))
      add(report, std::move(*problem), settings);
    ::close(ends[0]);
    if (child < 0)
      return std::unexpected{system_failure("start a process for", log, errno)};
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    auto death = death_of(status, progress);
    if (death.empty())
      break;
    if (progress.at_stage == stage::opening)
      return fail(fault::damaged, fmt::format("{}: {}", log.string(), death));
    if (progress.at_stage == stage::schemas) {
      schemas_readable = false; // its own walk has said so
      continue;
    }
    add(report,
      {progress.topic, progress.partition, {progress.at},
        death + "; what follows in this partition was not read"},
      settings);
    first = progress.partition_index + 1;
  }
  report.topics = progress.topics;
  report.partitions = progress.partitions;
  report.batches = progress.batches;
  report.records = progress.records;
  report.bytes = progress.bytes;
  report.schemas = progress.schemas;
  std::ranges::stable_sort(report.problems, [](auto& a, auto& b) {
    return std::tie(a.topic, a.partition, a.at)
      < std::tie(b.topic, b.partition, b.at);
  });
  return report;
}

} // namespace herald
