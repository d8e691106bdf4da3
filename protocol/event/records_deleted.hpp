#pragma once

#include "protocol/schema/record.hpp"

#include <cstdint>
#include <string>

/// The event records.deleted of the topic `audit`: records of a partition are
/// about to be deleted. It is on disk before they are.

namespace herald::event {

HERALD_RECORD(records_deleted, "herald.records", "deleted",
  "Records of a partition are about to be deleted.",
  (std::string, topic, "The topic that they stand in."),
  (std::int32_t, partition, "The partition of the topic."),
  (std::int64_t, fromOffset, "Offset of the first of them."),
  (std::int64_t, toOffset, "The offset after the last of them."),
  (std::int64_t, byteCount,
    "Bytes of the batches that go as a whole, as they are stored."),
  (std::string, reason,
    "The setting that lets them go, such as retention.ms=604800000, or what "
    "was asked for."),
  (std::string, principal, "Who deletes them: retention or a client's name."));

} // namespace herald::event
