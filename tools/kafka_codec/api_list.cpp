#include "tools/kafka_codec/api_list.hpp"

#include <array>

namespace herald::kafka_codec {

namespace {

constexpr std::array choices{
  // Versions 0 to 2 are there to be refused in their own form: librdkafka
  // compresses only where they are listed.
  api_choice{"Produce", 0, 11},
  api_choice{"Fetch", 4, 17},
  api_choice{"ListOffsets", 1, 8},
  api_choice{"Metadata", 0, 12},
  api_choice{"FindCoordinator", 0, 5},
  api_choice{"ApiVersions", 0, 4},
  api_choice{"CreateTopics", 2, 7},
  api_choice{"DeleteTopics", 1, 6},
  api_choice{"DeleteRecords", 0, 2},
  api_choice{"InitProducerId", 0, 5},
  api_choice{"OffsetForLeaderEpoch", 2, 4},
  api_choice{"DescribeConfigs", 1, 4},
  api_choice{"AlterConfigs", 0, 2},
  api_choice{"CreatePartitions", 0, 3},
  api_choice{"IncrementalAlterConfigs", 0, 1},
  api_choice{"DescribeCluster", 0, 1},
};

} // namespace

std::span<const api_choice> api_choices() {
  return choices;
}

std::string_view definitions_source() {
  return "Apache Kafka 3.9, commit c821449fb7c1e2c0f398eeb5cfc4a8abc210c0a4";
}

} // namespace herald::kafka_codec
