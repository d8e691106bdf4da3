#pragma once

#include "protocol/bytes.hpp"

#include <stdexcept>
#include <string>

/// Fuzz targets: functions that take any bytes and must neither crash nor
/// allocate beyond the bounds of what they call. libFuzzer calls them with made
/// up bytes (fuzzer.cpp, tools/fuzz), and the test fuzz_tests with the kept
/// ones (corpus, findings).

namespace herald::fuzz {

/// Ends the run with a finding if a promise does not hold.
inline void expect(bool holds, const char* promise) {
  if (!holds)
    throw std::logic_error{promise};
}

/// A whole request of Kafka's protocol: header, then any API in any version.
void kafka_request(bytes_view data);

/// A row of record batches, their headers, records and compression.
void record_batch(bytes_view data);

/// The first byte chooses: a value in today's schema, or a writer's schema (two
/// bytes of length, then JSON) and a value in it.
void avro(bytes_view data);

/// A value as MessagePack.
void message_pack(bytes_view data);

/// A document as JSON.
void json(bytes_view data);

/// A segment file, as it is and with its checks made right.
void segment(bytes_view data);

/// The text of a configuration file.
void settings(bytes_view data);

} // namespace herald::fuzz
