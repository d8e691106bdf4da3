#include "engine/kafka/request_table.hpp"
#include "protocol/kafka/api_versions.hpp"

#include <algorithm>

namespace herald {

namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
    || (c >= '0' && c <= '9');
}

// KIP-511: [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?
bool is_software_name(std::string_view name) {
  return !name.empty() && is_alphanumeric(name.front())
    && is_alphanumeric(name.back()) && std::ranges::all_of(name, [](char c) {
         return is_alphanumeric(c) || c == '-' || c == '.';
       });
}

} // namespace

handled handle_api_versions(kafka_request& request) {
  kafka::api_versions_response response;
  auto version = request.version();
  auto own
    = [&](const kafka_api& api) { return api.handle == handle_api_versions; };
  auto offered = kafka_apis();
  auto& self = *std::ranges::find_if(offered, own);
  auto unknown = version < self.lowest || version > self.highest;
  if (unknown) {
    // The client reads version 0 whatever it asked, and tries again with what
    // it finds there (KIP-511).
    version = 0;
    response.error_code = kafka::error::unsupported_version;
  } else {
    auto asked = kafka::decode<kafka::api_versions_request>(
      request.body(), request.version());
    if (!asked)
      return handled::hang_up;
    if (version >= 3
      && (!is_software_name(asked->client_software_name)
        || !is_software_name(asked->client_software_version)))
      response.error_code = kafka::error::invalid_request;
  }
  for (auto& api : offered)
    if (!unknown || own(api))
      response.api_keys.push_back(
        {static_cast<std::int16_t>(api.codec->key), api.lowest, api.highest});
  request.session->answer(
    request.slot, make_answer(request, version, response));
  return handled::taken;
}

} // namespace herald
