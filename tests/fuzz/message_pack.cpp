#include "protocol/schema/message_pack.hpp"
#include "protocol/event/match_live.hpp"
#include "tests/fuzz/shapes.hpp"
#include "tests/fuzz/target.hpp"

namespace herald::fuzz {

namespace {

template <class Record>
void check(bytes_view data) {
  auto value = message_pack_decode<Record>(data);
  if (!value)
    return;
  auto again = message_pack_encode(*value);
  auto reread = message_pack_decode<Record>(again);
  expect(reread.has_value(), "a value that was written can be read");
  expect(message_pack_encode(*reread) == again, "and is written the same");
}

} // namespace

void message_pack(bytes_view data) {
  check<shape>(data);
  check<event::match_live_updated>(data);
}

} // namespace herald::fuzz
