#include "tests/log/fixture.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <cstdio>
#include <map>
#include <random>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace herald {

namespace {

// A child that appends; what it acknowledges comes through a pipe.
class appender {
public:
  appender(const std::string& folder, int run) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    auto number = std::to_string(run);
    std::string program = HERALD_LOG_APPENDER;
    char* arguments[] = {program.data(), const_cast<char*>(folder.c_str()),
      number.data(), nullptr};
    REQUIRE(::posix_spawn(
              &child_, program.c_str(), &actions, nullptr, arguments, environ)
      == 0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    from_ = ::fdopen(ends[0], "r");
  }
  ~appender() { std::fclose(from_); }

  /// The next acknowledged name; empty after the end.
  std::string next() {
    char line[64];
    if (!std::fgets(line, sizeof line, from_))
      return {};
    std::string name = line;
    if (!name.ends_with('\n'))
      return {}; // cut off by the kill: nobody heard it
    name.pop_back();
    return name;
  }

  void kill() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }

private:
  pid_t child_ = 0;
  std::FILE* from_ = nullptr;
};

} // namespace

TEST_CASE("kill -9 at any moment loses and doubles nothing") {
  scratch_folder folder{scratch_folder::place::disk};
  auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random{seed};
  std::vector<std::string> acknowledged;
  for (auto run = 0; run < 20; ++run) {
    appender child{folder.path(), run};
    for (auto wait = random() % 200; wait > 0; --wait) {
      auto name = child.next();
      REQUIRE_FALSE(name.empty());
      acknowledged.push_back(name);
    }
    child.kill();
    for (auto name = child.next(); !name.empty(); name = child.next())
      acknowledged.push_back(name);
  }

  std::map<std::string, int> seen;
  std::map<std::pair<int, int>, int> next;
  {
    auto log = event_log::open(folder.path(), small_log());
    REQUIRE(log);
    auto topic = (*log)->find_topic("t");
    for (std::uint32_t i = 0; topic && i < 2; ++i) {
      auto read = (*log)->visit(
        {topic->number, i}, {0}, [&](offset, offset, bytes_view data) {
          (void)batch_view::parse(data)->for_each(
            [&](const record_view& record) {
              std::string name{*record.key};
              ++seen[name];
              std::istringstream words{name};
              int run = 0, thread = 0, number = 0;
              words >> run >> thread >> number;
              // In order, without a hole: each thread waits for its answers.
              CHECK(number == next[{run, thread}]++);
              CHECK(thread % 2 == static_cast<int>(i));
            });
          return true;
        });
      REQUIRE(read);
    }
  }
  CHECK(acknowledged.size() > 100);
  for (auto& name : acknowledged)
    CHECK(seen[name] == 1);
  for (auto& [name, times] : seen)
    CHECK(times == 1);
  auto report = verify_log(folder.path());
  REQUIRE(report);
  CHECK(report->problems.empty());
  CHECK(report->records == seen.size());
}

} // namespace herald
