#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace herald::kafka_codec {

/// An API that the codec knows: the name in front of "Request" and "Response"
/// in the definitions, and the versions to write code for. Fields that none of
/// them carries are left out.
struct api_choice {
  std::string_view name;
  std::int16_t lowest = 0;
  std::int16_t highest = 0;
};

/// All of them, by their numbers. To teach Herald another API, add it here,
/// generate, and name the new source in protocol/kafka/CMakeLists.txt.
std::span<const api_choice> api_choices();

/// Where the definitions come from, for the head of every generated file.
std::string_view definitions_source();

} // namespace herald::kafka_codec
