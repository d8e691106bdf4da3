#include "tests/proof/folder_check.hpp"

#include "engine/log/page_file.hpp"
#include "engine/log/verify.hpp"
#include "engine/store/vault.hpp"
#include "protocol/batch/record_batch.hpp"
#include "tests/proof/proof.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sstream>
#include <sys/mman.h>
#include <unistd.h>

namespace herald {

namespace {

namespace fs = std::filesystem;

// A record that is not where it was said to be, or is there and cannot be.
std::string check_records(const event_log& log, const acknowledged& heard) {
  auto topic = log.find_topic("t");
  if (!topic)
    return heard.records.empty() ? "" : "the topic is lost";
  std::string wrong;
  std::set<work_record> seen;
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint64_t> next;
  for (std::uint32_t i = 0; i < topic->partitions; ++i) {
    auto read = log.visit(
      {topic->number, i}, {0}, [&](offset, offset, bytes_view data) {
        auto batch = batch_view::parse(data);
        if (!batch) {
          wrong = batch.error().message;
          return false;
        }
        (void)batch->for_each([&](const record_view& record) {
          auto known = record_of(record.key.value_or(""));
          if (!known || record.value != value_of(*known)) {
            wrong
              = fmt::format("a foreign record at {}@{}", i, record.at.value);
            return;
          }
          if (!seen.insert(*known).second)
            wrong = fmt::format("twice: {}", key_of(*known));
          auto& number = next[{known->run, known->thread}];
          if (known->number != number++ || known->thread % work_partitions != i)
            wrong = fmt::format("out of order: {}", key_of(*known));
          auto said = heard.records.find(*known);
          if (said != heard.records.end()
            && said->second != std::pair{i, record.at.value})
            wrong = fmt::format(
              "not where it was acknowledged: {}", key_of(*known));
        });
        return wrong.empty();
      });
    if (!read)
      return read.error().message;
  }
  for (auto& [record, place] : heard.records)
    if (!seen.contains(record))
      return fmt::format("lost: {}", key_of(record));
  return wrong;
}

std::string check_vault(const fs::path& folder, const acknowledged& heard) {
  auto opened
    = vault::open(folder, {.map_bytes = 1u << 20, .own_thread = false});
  if (!opened)
    return opened.error().message;
  for (auto& [who, id] : heard.people) {
    auto found
      = (*opened)->find_player(work_identity, puuid_of(who.first, who.second));
    if (!found || found->value != id)
      return fmt::format(
        "the vault has lost person {} of run {}", who.second, who.first);
    auto identity = (*opened)->identity({id});
    if (!identity || identity->puuid != puuid_of(who.first, who.second))
      return fmt::format("the vault has lost the id {}", id);
  }
  auto key = (*opened)->new_document_key();
  if (!key)
    return key.error().message;
  if (heard.keys.contains(key->id))
    return fmt::format("the vault gives out key {} again", key->id);
  return {};
}

std::string compare(work_projection& projection, const event_log& log,
  view_store& views, const fs::path& scratch) {
  auto compared = compare_with_fold(projection, log, views, scratch);
  if (!compared)
    return "views: " + compared.error().message;
  return compared->equal() ? "" : "the views are not the fold of the log";
}

std::string check_views(
  const fs::path& folder, const event_log& log, const acknowledged& heard) {
  auto views = view_store::open(folder, {.map_bytes = 1u << 20});
  if (!views)
    return views.error().message;
  work_projection projection;
  auto scratch = folder.parent_path();
  if (auto wrong = compare(projection, log, **views, scratch); !wrong.empty())
    return wrong;
  follower_driver driver{log, **views, {.own_thread = false}};
  driver.add(projection);
  if (auto started = driver.start(); !started)
    return started.error().message;
  for (auto& follower : driver.status())
    if (follower.reset && !heard.empty()
      && follower.reset->find("the log ends") != std::string::npos)
      return "the views were ahead: " + *follower.reset;
  for (;;) {
    auto turned = driver.turn();
    if (!turned)
      return turned.error().message;
    if (*turned == 0)
      break;
  }
  for (auto& follower : driver.status())
    if (follower.stopped)
      return follower.stopped->message;
  return compare(projection, log, **views, scratch);
}

std::string check_all(const fs::path& folder, const acknowledged& heard) {
  if (!heard.contradictions.empty())
    return heard.contradictions.front();
  auto report = verify_log(folder);
  // The power may have gone before there was a log.
  if (!report && report.error().code != fault::not_found)
    return "verify: " + report.error().message;
  if (!report && !heard.empty())
    return "verify: " + report.error().message;
  if (report && !report->problems.empty())
    return "verify: " + to_string(report->problems.front());
  for (auto* store : {"vault", "views"}) {
    auto file = folder / store / "data.mdb";
    std::error_code error;
    if (fs::exists(folder / store / "made", error)) {
      auto wrong = check_pages(file);
      if (!wrong)
        return wrong.error().message;
      if (!wrong->empty())
        return fmt::format("{}: {}", store, wrong->front());
    }
  }
  auto log = event_log::open(folder, work_log());
  if (!log)
    return log.error().message;
  for (auto& wrong : {check_records(**log, heard), check_vault(folder, heard),
         check_views(folder, **log, heard)})
    if (!wrong.empty())
      return wrong;
  return {};
}

} // namespace

void acknowledged::hear(const std::string& line) {
  std::istringstream words{line};
  std::string kind;
  words >> kind;
  auto fine = false;
  if (kind == "R") {
    work_record record;
    std::uint32_t partition = 0;
    std::uint64_t at = 0;
    fine
      = words >> record.run >> record.thread >> record.number >> partition >> at
      && records.emplace(record, std::pair{partition, at}).second;
  } else if (kind == "P") {
    std::uint64_t run = 0, number = 0, id = 0;
    fine = words >> run >> number >> id
      && people.emplace(std::pair{run, number}, id).second;
  } else if (kind == "K") {
    std::uint64_t id = 0;
    fine = words >> id && keys.insert(id).second;
  }
  if (!fine)
    contradictions.push_back("a line that cannot be: " + line);
}

int run_worker(
  const fs::path& folder, const worker_run& how, acknowledged& heard) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return -1;
  auto child = ::fork();
  if (child == 0) {
    become_mortal(60);
    ::dup2(ends[1], STDOUT_FILENO);
    ::setenv("LD_PRELOAD", HERALD_DISK_SHIM, 1);
    ::setenv("HERALD_DISK", folder.c_str(), 1);
    for (auto setting : how.disk)
      ::putenv(::strdup(setting.c_str()));
    auto run = std::to_string(how.run);
    auto commits = std::to_string(how.commits);
    ::execl(HERALD_DISK_WORKER, HERALD_DISK_WORKER, folder.c_str(), run.c_str(),
      how.commits ? commits.c_str() : nullptr, nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  auto* from = ::fdopen(ends[0], "r");
  char line[256];
  while (std::fgets(line, sizeof line, from)) {
    std::string text = line;
    if (!text.ends_with('\n'))
      break; // cut off by the end: nobody heard it
    text.pop_back();
    heard.hear(text);
  }
  std::fclose(from);
  return wait_for(child);
}

std::string check_folder(const fs::path& folder, const acknowledged& heard) {
  constexpr std::size_t words_max = 4096;
  auto* words = static_cast<char*>(::mmap(nullptr, words_max,
    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  auto how = in_child(60, [&] {
    auto wrong = check_all(folder, heard);
    wrong.copy(words, words_max - 1);
    return wrong.empty() ? 0 : 1;
  });
  std::string wrong = words;
  ::munmap(words, words_max);
  if (how != 0 && wrong.empty())
    wrong = fmt::format("the check ended with {}", how);
  return wrong;
}

} // namespace herald
