#include "engine/log/event_log.hpp"
#include "engine/log/topic_settings.hpp"
#include "engine/log/verify.hpp"
#include "tests/log/fixture.hpp"
#include "tests/proof/live_bytes.hpp"
#include "tests/proof/proof.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <array>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <unistd.h>

namespace herald {

namespace {

namespace fs = std::filesystem;

// Exit codes of children.
constexpr int is_sound = 0;
constexpr int is_refused = 65;
constexpr int is_wrong = 66;

// A log of a few megabytes with everything that a log can have.
class rich_log {
public:
  explicit rich_log(std::mt19937_64& random) : random_{random} {
    auto opened = event_log::open(folder_.path(), small_log());
    REQUIRE(opened);
    auto& log = **opened;
    for (auto i = 0; i < 40; ++i)
      REQUIRE(log.register_schema(
        fmt::format("subject-{}", i % 7), fmt::format("\"schema {}\"", i)));
    auto deep = log.create_topic("deep", 1);
    auto wide = log.create_topic("wide", 20);
    REQUIRE(deep);
    REQUIRE(wide);
    for (auto i = 0; i < 40; ++i)
      append(log, {deep->number, 0}, 120, 250);
    for (auto i = 0; i < 120; ++i)
      append(log, {wide->number, static_cast<std::uint32_t>(random_() % 18)}, 1,
        40'000);
    partition_id terms{wide->number, 18};
    for (std::uint64_t term = 1; term < 6; ++term) {
      REQUIRE(log.start_term(terms, term));
      append(log, terms, 2, 300);
    }
    auto end = log.log_end(terms);
    append(log, terms, 3, 100, false);
    REQUIRE(log.cut_off(terms, end));
    clean(log);
    // The last commit makes the file grow. Of one that does not, nobody can
    // tell whether its meta page was changed afterwards: when LMDB cannot write
    // one, it puts the old number upon the new page.
    append(log, {wide->number, 0}, 6, 900'000);
  }

  fs::path folder() const { return folder_.path(); }
  fs::path file() const { return folder_.path() / "log" / "data.mdb"; }

private:
  // Trimmed, compacted, half compacted and deleted.
  void clean(event_log& log) {
    REQUIRE(log.create_topic("gone", 3));
    append(log, {log.find_topic("gone")->number, 1}, 10, 200);
    topic_settings compacted;
    REQUIRE(compacted.set("cleanup.policy", "compact"));
    auto kept = log.create_topic("kept", 3, compacted);
    REQUIRE(kept);
    REQUIRE(log.delete_topic("gone"));
    REQUIRE(log.allocate_producer_ids(10));
    for (auto i = 0; i < 90; ++i) {
      batch_builder batch{++time_};
      batch.add(std::string(1, static_cast<char>(random_() % 20)),
        std::string(random_() % 500, 'k'), time_);
      append_item item{{kept->number, static_cast<std::uint32_t>(i) % 3},
        batch.finish(), {}, {}};
      set_producer(item.batch, i % 3, 0, i / 3);
      REQUIRE(log.append({&item, 1}));
      REQUIRE_FALSE(item.refused);
    }
    REQUIRE(log.trim({kept->number, 0}, {10}));
    REQUIRE(log.compact({kept->number, 1}, time_ + 1, {.even_if_clean = true}));
    REQUIRE(log.compact({kept->number, 2}, time_ + 1,
      {.step = {.batches_max = 12, .go_on = [] { return false; }},
        .even_if_clean = true}));
  }

  void append(event_log& log, partition_id where, std::size_t batches,
    std::size_t bytes_max, bool visible = true) {
    std::vector<append_item> group;
    for (std::size_t i = 0; i < batches; ++i) {
      std::vector<std::string> values(1 + random_() % 3);
      for (auto& value : values)
        value.assign(random_() % bytes_max, static_cast<char>(random_()));
      group.push_back({where, batch_of(values, ++time_), {}, {}});
    }
    REQUIRE(log.append(group, visible));
  }

  scratch_folder folder_;
  std::mt19937_64& random_;
  std::int64_t time_ = 1'000;
};

/// Everything that the log can be asked, one line an answer; a line "?" for
/// each that it refuses.
std::vector<std::string> answers_of(const fs::path& folder) {
  std::vector<std::string> lines;
  auto opened = event_log::open(folder, small_log());
  if (!opened)
    return {"?"};
  auto& log = **opened;
  auto hash = std::hash<std::string_view>{};
  lines.push_back(fmt::format("{} {}", log.incarnation(), log.cluster_id()));
  for (auto& schema : log.schemas())
    lines.push_back(fmt::format(
      "{} {} {} {}", schema.id, schema.subject, schema.version, schema.text));
  for (auto& topic : log.topics()) {
    lines.push_back(fmt::format("{} {} {} {}", topic.name, to_string(topic.id),
      topic.number, topic.partitions));
    for (std::uint32_t i = 0; i < topic.partitions; ++i) {
      partition_id where{topic.number, i};
      auto start = log.log_start(where);
      auto end = log.committed_end(where);
      lines.push_back(fmt::format("{} {} {} {} {}", start.value, end.value,
        log.log_end(where).value, log.term(where),
        log.last_timestamp_ms(where)));
      auto terms = log.terms(where);
      lines.push_back("?");
      if (terms) {
        lines.back() = "terms";
        for (auto& [term, first] : *terms)
          lines.back() += fmt::format(" {}@{}", term, first.value);
      }
      auto seen
        = log.visit(where, start, [&](offset base, offset next, bytes_view b) {
            lines.push_back(
              fmt::format("{} {} {:x}", base.value, next.value, hash(b)));
            return true;
          });
      if (!seen)
        lines.push_back("?");
      for (auto at = start.value; at < end.value; at += 97) {
        auto read = log.read(where, {at}, 1);
        lines.push_back(read
            ? fmt::format("{}: {} {:x}", at, read->front().base.value,
                hash(read->front().batch))
            : "?");
      }
      for (std::int64_t time = 900; time < 6'500; time += 800) {
        auto at = log.offset_at_time(where, time);
        lines.push_back(
          !at ? "?" : fmt::format("{}", *at ? (*at)->value : ~0ull));
      }
    }
  }
  return lines;
}

// Whether nothing was answered that is not so. A partition that ends early says
// so ("?") and shows fewer batches than there are.
int compare(
  const std::vector<std::string>& sound, const std::vector<std::string>& now) {
  if (sound == now)
    return is_sound;
  std::size_t at = 0;
  for (auto& line : now) {
    if (line == "?")
      continue;
    while (at < sound.size() && sound[at] != line)
      ++at;
    if (at++ >= sound.size())
      return is_wrong;
  }
  auto refused = std::ranges::find(now, "?") != now.end();
  return refused ? is_refused : is_wrong;
}

// The file in memory, and on disk with one bit flipped at a time.
class rotting_file {
public:
  explicit rotting_file(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    content_.assign(std::istreambuf_iterator<char>{file}, {});
    file_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    REQUIRE(file_ >= 0);
  }
  ~rotting_file() { ::close(file_); }
  rotting_file(const rotting_file&) = delete;
  rotting_file& operator=(const rotting_file&) = delete;

  std::string_view content() const { return content_; }

  void flip(std::uint64_t at, int bit) {
    auto byte = static_cast<char>(content_[at] ^ (1 << bit));
    REQUIRE(::pwrite(file_, &byte, 1, static_cast<off_t>(at)) == 1);
  }
  void heal(std::uint64_t at) {
    REQUIRE(::pwrite(file_, &content_[at], 1, static_cast<off_t>(at)) == 1);
  }
  // After something that may have written.
  void restore() {
    REQUIRE(::ftruncate(file_, static_cast<off_t>(content_.size())) == 0);
    REQUIRE(::pwrite(file_, content_.data(), content_.size(), 0)
      == static_cast<ssize_t>(content_.size()));
  }

private:
  std::string content_;
  int file_ = -1;
};

int verify_in_child(const fs::path& folder) {
  return in_child(10, [&] {
    auto report = verify_log(folder);
    if (!report)
      return report.error().code == fault::damaged
          || report.error().code == fault::version
        ? is_refused
        : 1;
    return report->problems.empty() ? is_sound : is_refused;
  });
}

// A bit among the live ones: of any kind, or first of all a kind, so that what
// is rare has its turn too.
class live_bits {
public:
  explicit live_bits(std::string_view file) {
    for (auto& range : live_bytes(file)) {
      by_use_[range.use].push_back(range);
      bytes_[range.use] += range.bytes;
      all_ += range.bytes;
    }
  }

  std::uint64_t bytes() const { return all_; }
  const std::map<byte_use, std::uint64_t>& bytes_by_use() const {
    return bytes_;
  }

  std::pair<std::uint64_t, byte_use> pick(std::mt19937_64& random) const {
    auto use = byte_use::meta;
    if (random() % 2 == 0) {
      auto chosen = bytes_.begin();
      std::advance(chosen, random() % bytes_.size());
      use = chosen->first;
    } else {
      auto at = random() % all_;
      for (auto& [each, size] : bytes_) {
        use = each;
        if (at < size)
          break;
        at -= size;
      }
    }
    auto at = random() % bytes_.at(use);
    for (auto& range : by_use_.at(use)) {
      if (at < range.bytes)
        return {range.at + at, use};
      at -= range.bytes;
    }
    return {0, use};
  }

private:
  std::map<byte_use, std::vector<live_range>> by_use_;
  std::map<byte_use, std::uint64_t> bytes_;
  std::uint64_t all_ = 0;
};

constexpr std::array use_names{"meta pages", "structure", "keys", "separators",
  "values", "big values", "free pages"};

} // namespace

TEST_CASE("verify finds every flipped bit that changes an answer") {
  auto seed = printed_seed();
  INFO("HERALD_SEED=" << seed);
  std::mt19937_64 random{seed};
  rich_log log{random};
  rotting_file file{log.file()};
  live_bits live{file.content()};
  REQUIRE(verify_in_child(log.folder()) == is_sound);
  auto sound = answers_of(log.folder());
  file.restore();
  auto same_answers = 0;
  std::map<byte_use, std::pair<int, int>> found;
  for (auto left = number_of("HERALD_FLIPS", 1'000); left > 0; --left) {
    auto [at, use] = live.pick(random);
    auto bit = static_cast<int>(random() % 8);
    file.flip(at, bit);
    auto how = verify_in_child(log.folder());
    // Where rows were deleted, a key between the ones that are left divides
    // them as well as the one before.
    if (how == is_sound && use == byte_use::separator) {
      auto answered = in_child(
        20, [&] { return compare(sound, answers_of(log.folder())); });
      file.restore();
      CHECK(answered == is_sound);
      ++same_answers;
      continue;
    }
    file.heal(at);
    ++found[use].first;
    found[use].second += how == is_refused ? 1 : 0;
    INFO("byte " << at << " (page " << at / 4096 << " + " << at % 4096
                 << "), bit " << bit << ", of "
                 << use_names[static_cast<std::size_t>(use)]);
    CHECK(how == is_refused);
  }
  CHECK(verify_in_child(log.folder()) == is_sound);
  fmt::print("{} of {} bytes are live\n", live.bytes(), file.content().size());
  fmt::print("{} flips of separators changed no answer\n", same_answers);
  for (auto& [use, count] : found)
    fmt::print("{}: {} of {} flips found ({} bytes)\n",
      use_names[static_cast<std::size_t>(use)], count.second, count.first,
      live.bytes_by_use().at(use));
}

TEST_CASE("a damaged log answers rightly, refuses, or ends") {
  auto seed = printed_seed();
  INFO("HERALD_SEED=" << seed);
  std::mt19937_64 random{seed};
  rich_log log{random};
  auto sound = answers_of(log.folder());
  REQUIRE(std::ranges::find(sound, "?") == sound.end());
  rotting_file file{log.file()};
  live_bits live{file.content()};
  std::map<std::string, int> ends;
  for (auto left = number_of("HERALD_FLIPS", 1'000) / 4; left > 0; --left) {
    // Half of them anywhere: what verify calls sound must answer as before.
    auto anywhere = left % 2 == 0;
    auto at
      = anywhere ? random() % file.content().size() : live.pick(random).first;
    auto bit = static_cast<int>(random() % 8);
    file.flip(at, bit);
    auto verified = verify_in_child(log.folder());
    auto report = verify_log(log.folder());
    auto problem = !report       ? report.error().message
      : report->problems.empty() ? "nothing"
                                 : to_string(report->problems.front());
    auto how
      = in_child(20, [&] { return compare(sound, answers_of(log.folder())); });
    file.restore();
    INFO("byte " << at << " (page " << at / 4096 << " + " << at % 4096
                 << "), bit " << bit << ", verify said " << verified << ": "
                 << problem);
    CHECK(how != is_wrong);
    CHECK(how != ended_late);
    if (verified == is_sound)
      CHECK(how == is_sound);
    ++ends[how == is_sound  ? "answered as before"
        : how == is_refused ? "refused"
                            : "ended"];
  }
  for (auto& [what, count] : ends)
    fmt::print("{}: {}\n", what, count);
}

} // namespace herald
