#pragma once

#include "engine/log/event_log.hpp"
#include "engine/store/follower.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace herald {

// What the worker of the proofs writes and says, and the checker expects. The
// worker says what was acknowledged, one line each, outside of the data folder:
//
//     R run thread number partition offset    a record
//     P run number id                         a person, in the vault
//     K id                                    a document key

/// Partitions of the topic "t"; a thread writes to one of them.
constexpr std::uint32_t work_partitions = 3;
constexpr std::uint32_t work_threads = 4;

/// A record of the worker: the number-th of a thread of a run.
struct work_record {
  std::uint64_t run = 0;
  std::uint32_t thread = 0;
  std::uint64_t number = 0;
  auto operator<=>(const work_record&) const = default;
};

/// "run thread number".
std::string key_of(const work_record& record);
std::optional<work_record> record_of(std::string_view key);
/// Between nothing and a few pages, and never that of another record.
std::string value_of(const work_record& record);

/// The PUUID of a person of a run.
std::string puuid_of(std::uint64_t run, std::uint64_t number);
constexpr const char* work_identity = "proof";

log_settings work_log();

/// Counts the records of each thread and keeps the sum of their sizes.
class work_projection : public projection {
public:
  std::string_view name() const override { return "work"; }
  std::uint32_t version() const override { return 1; }
  std::vector<std::string> topics() const override { return {"t"}; }
  std::vector<std::string> tables() const override { return {"work"}; }
  result<void> apply(const position& at, const record_view& record,
    view_transaction& views) override;
};

} // namespace herald
