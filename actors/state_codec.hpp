#pragma once

#include "engine/store/snapshot_store.hpp"
#include "protocol/schema/type.hpp"

#include <cstdint>

namespace herald {

/// The format of a state that is stored as MessagePack of a described record
/// (HERALD_RECORD). Its fingerprint is XXH3-64 of the record's Avro schema, so
/// that any change of a field, at any depth, makes another format; `version` is
/// raised when evolve() folds the same events into something else.
state_format format_of(const type& stored, std::uint32_t version);

} // namespace herald
