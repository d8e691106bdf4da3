#pragma once

#include "protocol/kafka/api_key.hpp"
#include "protocol/kafka/message.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace herald::kafka {

/// What the codec can do for one API. Which versions a listener announces is
/// its own affair.
struct api {
  api_key key{};
  /// "Produce".
  std::string_view name;
  /// The versions that can be read and written, both included.
  std::int16_t lowest = 0;
  std::int16_t highest = 0;
  /// From this version on the messages are flexible.
  std::int16_t first_flexible = never_flexible;

  bool supports(std::int16_t version) const {
    return lowest <= version && version <= highest;
  }
};

/// All APIs that the codec knows, by their numbers.
std::span<const api> apis();

/// The API of that number; null if the codec does not know it.
const api* find_api(std::int16_t key);

/// The version of the header in front of a request of that version, which need
/// not be a supported one.
std::int16_t request_header_version(const api& of, std::int16_t version);

/// The version of the header in front of the response. ApiVersions answers with
/// version 0 always, since its client does not know yet what the other side
/// understands.
std::int16_t response_header_version(const api& of, std::int16_t version);

} // namespace herald::kafka
