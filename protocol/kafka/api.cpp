#include "protocol/kafka/api.hpp"

#include "protocol/kafka/messages.hpp"

#include <algorithm>
#include <array>

namespace herald::kafka {

namespace {

constexpr api api_of(const message_info& request) {
  auto name = request.name;
  name.remove_suffix(std::string_view{"Request"}.size());
  return {static_cast<api_key>(request.api_key), name, request.lowest,
    request.highest, request.first_flexible};
}

template <class... Request>
constexpr auto table_of(message_list<Request...>) {
  return std::array{api_of(Request::info)...};
}

constexpr auto table = table_of(all_requests{});

} // namespace

std::span<const api> apis() {
  return table;
}

const api* find_api(std::int16_t key) {
  auto found
    = std::ranges::lower_bound(table, static_cast<api_key>(key), {}, &api::key);
  return found != table.end() && found->key == static_cast<api_key>(key)
    ? &*found
    : nullptr;
}

std::int16_t request_header_version(const api& of, std::int16_t version) {
  return version >= of.first_flexible ? 2 : 1;
}

std::int16_t response_header_version(const api& of, std::int16_t version) {
  return version >= of.first_flexible && of.key != api_key::api_versions ? 1
                                                                         : 0;
}

} // namespace herald::kafka
