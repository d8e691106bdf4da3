#include "tests/log/fixture.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <optional>

namespace herald {

namespace {

// What was appended at an offset.
struct model_record {
  std::optional<std::string> key;
  std::optional<std::string> value;
  bool operator==(const model_record&) const = default;
};

// A log of which parts are trimmed and compacted, with all that it ever held.
// What compaction may have taken is not predicted; what it must have left and
// must have taken is.
struct cleaned_world : log_fixture {
  std::vector<model_record> all;
  std::vector<std::uint64_t> bases;
  std::uint64_t start = 0;
  // Nothing at or above it was ever within a pass.
  std::uint64_t untouched = 0;
  // Below it each key stands once.
  std::uint64_t clean = 0;
  std::int64_t now = 1'000;

  cleaned_world() {
    std::vector<setting_change> changes{{"delete.retention.ms", "50"}};
    RC_ASSERT(log->alter_topic("match", changes).has_value());
  }

  void append_some() {
    auto batches = *rc::gen::inRange(1, 8);
    for (auto i = 0; i < batches; ++i) {
      batch_builder batch{now};
      bases.push_back(all.size());
      auto records = *rc::gen::inRange(1, 6);
      for (auto j = 0; j < records; ++j) {
        model_record record;
        if (*rc::gen::inRange(0, 20) > 0)
          record.key = "key" + std::to_string(*rc::gen::inRange(0, 6));
        if (*rc::gen::inRange(0, 5) > 0)
          record.value = std::string(
            static_cast<std::size_t>(*rc::gen::inRange(0, 300)), 'v');
        batch.add(record.key, record.value, now++);
        all.push_back(std::move(record));
      }
      auto codec = static_cast<compression>(*rc::gen::inRange(0, 5));
      append_item item{.where = match, .batch = batch.finish(codec)};
      RC_ASSERT(log->append({&item, 1}).has_value());
    }
  }

  step_settings some_steps() {
    step_settings step;
    step.batches_max = *rc::gen::inRange<std::size_t>(1, 6);
    auto left = std::make_shared<int>(*rc::gen::inRange(1, 8));
    step.go_on = [left] { return --*left > 0; };
    return step;
  }

  void trim() {
    auto to = *rc::gen::inRange<std::uint64_t>(0, all.size() + 1);
    // Mostly a little.
    if (*rc::gen::inRange(0, 4) > 0)
      to = std::min(to, start + 5);
    RC_ASSERT(log->trim(match, {to}, some_steps()).has_value());
    start = std::max(start, to);
    RC_ASSERT(log->log_start(match).value == start);
  }

  void compact() {
    if (bases.empty())
      return;
    untouched = std::max(untouched, bases.back());
    now += *rc::gen::inRange(0, 100);
    compaction_settings settings{.step = some_steps(), .even_if_clean = true};
    auto did = log->compact(match, now, settings);
    RC_ASSERT(did.has_value());
    clean = did->finished ? did->clean_end.value : 0;
  }

  // By offset, from a random one on.
  std::map<std::uint64_t, model_record> read(std::uint64_t from) const {
    std::map<std::uint64_t, model_record> found;
    std::uint64_t last = 0;
    auto done = log->visit(
      match, {from}, [&](offset base, offset next, bytes_view data) {
        RC_ASSERT(base.value >= last);
        last = next.value;
        auto whole
          = batch_view::parse(data)->for_each([&](const record_view& record) {
              model_record seen;
              if (record.key)
                seen.key = *record.key;
              if (record.value)
                seen.value = *record.value;
              RC_ASSERT(found.emplace(record.at.value, seen).second);
            });
        RC_ASSERT(whole.has_value());
        return true;
      });
    RC_ASSERT(done.has_value());
    return found;
  }

  void look() const {
    auto from = *rc::gen::inRange<std::uint64_t>(start, all.size() + 1);
    auto found = read(from);
    for (auto& [at, record] : found)
      RC_ASSERT(record == all[at]);
    for (auto at = std::max(from, untouched); at < all.size(); ++at)
      RC_ASSERT(found.contains(at));
    std::map<std::string, std::uint64_t> newest;
    for (auto at = start; at < all.size(); ++at)
      if (all[at].key)
        newest[*all[at].key] = at;
      else if (at >= from)
        RC_ASSERT(found.contains(at));
    for (auto& [key, at] : newest)
      if (at >= from && all[at].value)
        RC_ASSERT(found.contains(at));
    std::map<std::string, int> times;
    for (auto& [at, record] : read(start))
      if (record.key && at >= start && at < clean)
        RC_ASSERT(++times[*record.key] == 1);
  }
};

} // namespace

TEST_CASE("whatever is trimmed and compacted, what must be there is there") {
  auto holds = rc::check("cleaned log holds what it must", [] {
    cleaned_world world;
    auto steps = *rc::gen::inRange(1, 40);
    for (auto i = 0; i < steps; ++i) {
      switch (*rc::gen::inRange(0, 8)) {
      case 0:
        world.reopen();
        break;
      case 1:
        world.trim();
        break;
      case 2:
      case 3:
        world.compact();
        break;
      case 4:
        world.look();
        break;
      case 5: {
        auto report = world.verify();
        for (auto& problem : report.problems)
          RC_LOG() << to_string(problem) << "\n";
        RC_ASSERT(report.problems.empty());
        world.open();
        break;
      }
      default:
        world.append_some();
      }
      world.look();
    }
    RC_ASSERT(world.verify().problems.empty());
  });
  CHECK(holds);
}

} // namespace herald
