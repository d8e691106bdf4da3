#include "tests/log/fixture.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>

namespace herald {

namespace {

// What a partition should hold.
struct model_record {
  std::string value;
  std::int64_t time = 0;
  std::uint64_t batch_base = 0;
};

struct model : log_fixture {
  std::vector<model_record> partitions[3];

  void append_group() {
    std::vector<append_item> group;
    auto batches = *rc::gen::inRange(1, 6);
    for (auto i = 0; i < batches; ++i) {
      auto number = *rc::gen::inRange(0u, 3u);
      auto& records = partitions[number];
      auto base = records.size();
      auto last = records.empty() ? 0 : records.back().time;
      auto start = last + *rc::gen::inRange(-50, 100);
      auto values
        = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(
          rc::gen::string<std::string>()));
      batch_builder batch{start};
      auto time = start;
      for (auto& value : values) {
        time += *rc::gen::inRange(0, 5);
        batch.add("key", value, time);
        records.push_back({value, time, base});
      }
      // The log may not go back in time: such a batch gets its last record's
      // time, or that of the record before it, in all of its records.
      if (start < last)
        for (auto at = base; at < records.size(); ++at)
          records[at].time = std::max(last, time);
      auto codec = static_cast<compression>(*rc::gen::inRange(0, 5));
      group.push_back({{match.topic, number}, batch.finish(codec), {}, {}});
    }
    auto done = log->append(group);
    RC_ASSERT(done.has_value());
  }

  void read_somewhere() {
    auto number = *rc::gen::inRange(0u, 3u);
    auto& records = partitions[number];
    auto from = *rc::gen::inRange<std::uint64_t>(0, records.size() + 1);
    auto bytes_max = *rc::gen::inRange<std::size_t>(0, 4'000);
    auto read = log->read({match.topic, number}, {from}, bytes_max);
    RC_ASSERT(read.has_value());
    if (from == records.size()) {
      RC_ASSERT(read->empty());
      return;
    }
    auto at = records[from].batch_base;
    RC_ASSERT(!read->empty());
    for (auto& stored : *read) {
      RC_ASSERT(stored.base.value == at);
      auto batch = batch_view::parse(stored.batch);
      RC_ASSERT(batch.has_value());
      auto whole = batch->for_each([&](const record_view& record) {
        RC_ASSERT(record.at.value == at);
        RC_ASSERT(record.value == records[at].value);
        RC_ASSERT(record.timestamp_ms == records[at].time);
        ++at;
      });
      RC_ASSERT(whole.has_value());
      RC_ASSERT(stored.next.value == at);
    }
  }

  void look_up_a_time() {
    auto number = *rc::gen::inRange(0u, 3u);
    auto& records = partitions[number];
    auto time = *rc::gen::inRange<std::int64_t>(
      -10, records.empty() ? 10 : records.back().time + 10);
    auto found = log->offset_at_time({match.topic, number}, time);
    RC_ASSERT(found.has_value());
    auto expected
      = std::ranges::lower_bound(records, time, {}, &model_record::time);
    if (expected == records.end())
      RC_ASSERT(!*found);
    else
      RC_ASSERT((*found)->value
        == static_cast<std::uint64_t>(expected - records.begin()));
  }
};

} // namespace

TEST_CASE("a log reads as the list of what was appended") {
  auto holds = rc::check("log equals model", [] {
    model world;
    auto steps = *rc::gen::inRange(1, 25);
    for (auto i = 0; i < steps; ++i)
      switch (*rc::gen::inRange(0, 8)) {
      case 0:
        world.reopen();
        break;
      case 1:
      case 2:
      case 3:
        world.read_somewhere();
        break;
      case 4:
        world.look_up_a_time();
        break;
      default:
        world.append_group();
      }
    auto report = world.verify();
    RC_ASSERT(report.problems.empty());
    RC_ASSERT(report.records
      == world.partitions[0].size() + world.partitions[1].size()
        + world.partitions[2].size());
  });
  CHECK(holds);
}

} // namespace herald
