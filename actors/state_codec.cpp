#include "actors/state_codec.hpp"

#include "protocol/schema/avro.hpp"

#include <xxhash.h>

namespace herald {

state_format format_of(const type& stored, std::uint32_t version) {
  auto schema = avro_schema(stored);
  return {version, XXH3_64bits(schema.data(), schema.size())};
}

} // namespace herald
