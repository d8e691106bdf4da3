#include "actors/supervision.hpp"

#include "actors/reply.hpp"
#include "tests/actors/deterministic.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <stdexcept>

using namespace herald;
using namespace std::chrono_literals;

using say_atom = caf::atom_constant<caf::atom("say")>;
using die_atom = caf::atom_constant<caf::atom("die")>;
using reply_ptr = std::shared_ptr<reply<int>>;
using ask_atom = caf::atom_constant<caf::atom("ask")>;
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(reply_ptr)

namespace {

struct supervised_fixture {
  deterministic_system node;
  supervision_tree tree;
  int started = 0;
  std::vector<int> said;

  child_spec child() {
    return {"child", [this](caf::event_based_actor* parent) -> caf::actor {
              ++started;
              return parent->spawn(
                [this](caf::event_based_actor* self) -> caf::behavior {
                  explain_exceptions(self);
                  return {
                    [this](say_atom, int number) { said.push_back(number); },
                    [](ask_atom, reply_ptr& answer) { (*answer)(7); },
                    [](die_atom) { throw std::runtime_error("as asked"); },
                  };
                });
            }};
  }

  actor_report report_of(const std::string& path) {
    for (auto& report : tree.report())
      if (report.path == path)
        return report;
    return {};
  }
};

} // namespace

TEST_CASE_METHOD(supervised_fixture,
  "a child that fails is restarted and clients keep their handle") {
  auto guardian = spawn_guardian(node.system, &tree, "room", child());
  node.run();
  caf::anon_send(guardian, say_atom::value, 1);
  caf::anon_send(guardian, die_atom::value);
  node.run();
  CHECK(report_of("room/child").state == "restarting");
  // Said while the child is down, heard by the next one.
  caf::anon_send(guardian, say_atom::value, 2);
  node.run();
  CHECK(said == std::vector<int>{1});
  node.advance(1s);
  CHECK(started == 2);
  CHECK(said == std::vector<int>{1, 2});
  CHECK(report_of("room/child").state == "running");
  CHECK(report_of("room/child").restarts == 1);
  CHECK(
    report_of("room/child").last_failure.find("as asked") != std::string::npos);
  node.end(guardian);
}

TEST_CASE_METHOD(
  supervised_fixture, "each restart waits longer than the one before") {
  restart_policy policy;
  policy.delay_min = 100ms;
  auto guardian = spawn_guardian(node.system, &tree, "room", child(), policy);
  node.run();
  caf::anon_send(guardian, die_atom::value);
  node.run();
  node.advance(100ms);
  CHECK(started == 2);
  caf::anon_send(guardian, die_atom::value);
  node.run();
  node.advance(150ms);
  CHECK(started == 2);
  node.advance(50ms);
  CHECK(started == 3);
  node.end(guardian);
}

TEST_CASE_METHOD(supervised_fixture,
  "a child that fails too often takes its supervisor with it") {
  restart_policy policy;
  policy.restarts_max = 2;
  auto guardian = spawn_guardian(node.system, &tree, "room", child(), policy);
  auto sibling = spawn_guardian(node.system, &tree, "other", child());
  std::string why;
  auto root = spawn_supervisor(node.system, &tree, "root", {guardian, sibling},
    [&](const std::string& reason) { why = reason; });
  node.run();
  for (int i = 0; i < 3; ++i) {
    caf::anon_send(guardian, die_atom::value);
    node.run();
    node.advance(1s);
  }
  CHECK(!why.empty());
  CHECK(report_of("root").state == "stopped");
  CHECK(report_of("room/child").state == "stopped");
  CHECK(report_of("other/child").state == "stopped");
}

TEST_CASE_METHOD(supervised_fixture,
  "a child that ran for a while may fail as often as before") {
  restart_policy policy;
  policy.restarts_max = 1;
  policy.window = 1s;
  auto guardian = spawn_guardian(node.system, &tree, "room", child(), policy);
  node.run();
  for (int i = 0; i < 4; ++i) {
    node.advance(2s);
    caf::anon_send(guardian, die_atom::value);
    node.run();
    node.advance(500ms);
  }
  CHECK(started == 5);
  CHECK(report_of("room/child").state == "running");
  node.end(guardian);
}

TEST_CASE_METHOD(supervised_fixture,
  "whoever finds no room while the child is down is told so") {
  restart_policy policy;
  policy.stash_max = 2;
  auto guardian = spawn_guardian(node.system, &tree, "room", child(), policy);
  node.run();
  caf::anon_send(guardian, die_atom::value);
  node.run();
  std::vector<result<int>> answers;
  for (int i = 0; i < 3; ++i)
    caf::anon_send(guardian, ask_atom::value,
      std::make_shared<reply<int>>(
        [&](result<int> told) { answers.push_back(told); }));
  node.run();
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].error().code == fault::unavailable);
  node.advance(1s);
  REQUIRE(answers.size() == 3);
  CHECK(answers[1] == 7);
  CHECK(answers[2] == 7);
  node.end(guardian);
}
