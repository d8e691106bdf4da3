#include "tests/proof/workload.hpp"

#include "protocol/batch/record_batch.hpp"

#include <fmt/format.h>

#include <random>
#include <sstream>

namespace herald {

std::string key_of(const work_record& record) {
  return fmt::format("{} {} {}", record.run, record.thread, record.number);
}

std::optional<work_record> record_of(std::string_view key) {
  std::istringstream words{std::string{key}};
  work_record record;
  if (!(words >> record.run >> record.thread >> record.number)
    || key_of(record) != key)
    return std::nullopt;
  return record;
}

std::string value_of(const work_record& record) {
  std::minstd_rand random{static_cast<std::uint32_t>(
    record.run * 7'919 + record.thread * 104'729 + record.number * 31 + 1)};
  auto value = key_of(record);
  // Most fit into a page with others, some need pages of their own.
  std::size_t size = random() % 8 == 0 ? random() % 20'000 : random() % 600;
  while (value.size() < size)
    value += static_cast<char>(random());
  return value;
}

std::string puuid_of(std::uint64_t run, std::uint64_t number) {
  return fmt::format("person-{}-{}", run, number);
}

log_settings work_log() {
  log_settings settings;
  settings.initial_bytes = 256u << 10;
  settings.step_bytes = 256u << 10;
  settings.reserve_bytes = 0;
  settings.partitions_max = 16;
  return settings;
}

result<void> work_projection::apply(
  const position&, const record_view& record, view_transaction& views) {
  auto from = record_of(record.key.value_or(""));
  if (!from)
    return fail(fault::damaged, "a foreign record");
  auto row = fmt::format("{} {}", from->run, from->thread);
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  if (auto known = views.get("work", row))
    std::istringstream{std::string{*known}} >> records >> bytes;
  views.put("work", row,
    fmt::format(
      "{} {}", records + 1, bytes + record.value.value_or("").size()));
  return {};
}

} // namespace herald
