#include "protocol/schema/json.hpp"
#include "protocol/event/match_live.hpp"
#include "tests/fuzz/shapes.hpp"
#include "tests/fuzz/target.hpp"

namespace herald::fuzz {

namespace {

template <class Record>
void check(bytes_view data) {
  json_report report;
  auto value = json_decode<Record>(data, report);
  expect(report.unknown.size() <= json_report_paths_max,
    "a report lists no more than it may");
  if (!value) {
    expect(!value.error().message.empty(), "a refusal has words");
    return;
  }
  auto again = json_encode(*value);
  auto reread = json_decode<Record>(again);
  expect(reread.has_value(), "a value that was written can be read");
  expect(json_encode(*reread) == again, "and is written the same");
}

} // namespace

void json(bytes_view data) {
  check<shape>(data);
  check<event::match_live_updated>(data);
}

} // namespace herald::fuzz
