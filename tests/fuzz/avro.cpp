#include "protocol/schema/avro.hpp"
#include "protocol/event/match_live.hpp"
#include "tests/fuzz/shapes.hpp"
#include "tests/fuzz/target.hpp"

namespace herald::fuzz {

namespace {

template <class Record>
void check_value(bytes_view data) {
  auto value = avro_decode<Record>(data);
  if (!value)
    return;
  auto again = avro_encode(*value);
  auto reread = avro_decode<Record>(again);
  expect(reread.has_value(), "a value that was written can be read");
  expect(avro_encode(*reread) == again, "and is written the same");
}

template <class Record>
void check_resolution(std::string_view schema, bytes_view data) {
  auto resolver = avro_resolver::make(schema, type_of<Record>());
  if (!resolver)
    return;
  if (auto value = resolver->template decode<Record>(data))
    expect(avro_decode<Record>(avro_encode(*value)).has_value(),
      "a value that was resolved can be written and read");
}

template <class Record>
void check_both(bool resolve, bytes_view data) {
  if (!resolve)
    return check_value<Record>(data);
  if (data.size() < 2)
    return;
  auto length = static_cast<std::size_t>(static_cast<std::uint8_t>(data[0]))
      << 8
    | static_cast<std::uint8_t>(data[1]);
  data.remove_prefix(2);
  auto schema = data.substr(0, length);
  check_resolution<Record>(schema, data.substr(schema.size()));
}

} // namespace

void avro(bytes_view data) {
  if (data.empty())
    return;
  auto choice = static_cast<std::uint8_t>(data.front());
  data.remove_prefix(1);
  if (choice & 2)
    check_both<event::match_live_updated>(choice & 1, data);
  else
    check_both<shape>(choice & 1, data);
}

} // namespace herald::fuzz
