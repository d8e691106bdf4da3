#include "engine/kafka/request_table.hpp"

#include <algorithm>
#include <array>

namespace herald {

namespace {

kafka_api offer(kafka::api_key key, std::int16_t lowest, std::int16_t highest,
  handled (*handle)(kafka_request&)) {
  return {
    kafka::find_api(static_cast<std::int16_t>(key)), lowest, highest, handle};
}

// Produce 0 to 2 and FindCoordinator 0 stand here because librdkafka compresses
// only if they are announced (rdkafka_feature.c), and would send everything
// uncompressed without a word; what they answer is an error that says so.
const std::array<kafka_api, 15>& offered() {
  using enum kafka::api_key;
  static const std::array apis{offer(produce, 0, 11, handle_produce),
    offer(fetch, 4, 17, handle_fetch),
    offer(list_offsets, 1, 8, handle_list_offsets),
    offer(metadata, 0, 12, handle_metadata),
    offer(find_coordinator, 0, 0, handle_find_coordinator),
    offer(api_versions, 0, 4, handle_api_versions),
    offer(create_topics, 2, 7, handle_create_topics),
    offer(delete_topics, 1, 6, handle_delete_topics),
    offer(delete_records, 0, 2, handle_delete_records),
    offer(init_producer_id, 0, 5, handle_init_producer_id),
    offer(offset_for_leader_epoch, 2, 4, handle_offset_for_leader_epoch),
    offer(describe_configs, 1, 4, handle_describe_configs),
    offer(alter_configs, 0, 2, handle_alter_configs),
    offer(incremental_alter_configs, 0, 1, handle_incremental_alter_configs),
    offer(describe_cluster, 0, 1, handle_describe_cluster)};
  return apis;
}

const kafka_api* find_offer(std::int16_t key) {
  auto& apis = offered();
  auto found = std::ranges::find(apis, key, [](const kafka_api& api) {
    return static_cast<std::int16_t>(api.codec->key);
  });
  return found == apis.end() ? nullptr : &*found;
}

} // namespace

std::span<const kafka_api> kafka_apis() {
  return offered();
}

bool read_header(kafka_request& request) {
  auto parsed = kafka::parse_request(request.frame);
  if (!parsed)
    return false;
  request.header = std::move(parsed->header);
  request.body_at = request.frame.size() - parsed->body.size();
  return find_offer(request.header.request_api_key) != nullptr;
}

handled handle(kafka_request& request) {
  auto* api = find_offer(request.header.request_api_key);
  auto served
    = api->lowest <= request.version() && request.version() <= api->highest;
  if (!served && api->handle != handle_api_versions)
    return handled::hang_up;
  return api->handle(request);
}

} // namespace herald
