// Writes the codec of Kafka's protocol from Kafka's message definitions. See
// tools/kafka_codec/generate for how to run it.

#include "tools/kafka_codec/api_list.hpp"
#include "tools/kafka_codec/writers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace herald::kafka_codec {

namespace {

namespace fs = std::filesystem;

result<message_group> read_group(const fs::path& definitions,
  const std::string& stem, const std::string& api_name,
  const std::vector<std::pair<std::string, version_range>>& names) {
  message_group group{stem, api_name, {}};
  for (auto& [name, versions] : names) {
    auto read = read_definition(
      definitions / (name + ".json"), versions.lowest, versions.highest);
    if (!read)
      return std::unexpected{read.error()};
    group.messages.push_back(std::move(*read));
  }
  return group;
}

result<std::vector<message_group>> read_all(const fs::path& definitions) {
  std::vector<message_group> groups;
  for (auto& api : api_choices()) {
    std::string name{api.name};
    version_range versions{api.lowest, api.highest};
    auto group = read_group(definitions, snake_case(name), name,
      {{name + "Request", versions}, {name + "Response", versions}});
    if (!group)
      return std::unexpected{group.error()};
    groups.push_back(std::move(*group));
  }
  std::ranges::sort(
    groups, {}, [](auto& one) { return one.messages.front().api_key; });
  // Version 0 of the request's header is of an API between brokers.
  auto headers = read_group(definitions, "header", "",
    {{"RequestHeader", {1, 2}}, {"ResponseHeader", {0, 1}}});
  if (!headers)
    return std::unexpected{headers.error()};
  groups.push_back(std::move(*headers));
  return groups;
}

bool write_file(const fs::path& file, const std::string& text) {
  std::ofstream out{file, std::ios::binary};
  out << text;
  out.close();
  if (!out)
    fmt::print(stderr, "cannot write {}\n", file.string());
  fmt::print("{}\n", file.string());
  return static_cast<bool>(out);
}

bool write_all(const fs::path& into, const std::vector<message_group>& groups) {
  auto protocol = into / "protocol/kafka", tests = into / "tests/kafka";
  fs::create_directories(protocol);
  fs::create_directories(tests);
  auto written = true;
  for (auto& group : groups)
    written = write_file(protocol / (group.stem + ".hpp"), header_text(group))
      && write_file(protocol / (group.stem + ".cpp"), source_text(group))
      && written;
  return write_file(protocol / "api_key.hpp", api_keys_text(groups))
    && write_file(protocol / "messages.hpp", message_list_text(groups))
    && write_file(tests / "random_messages.hpp", random_header_text(groups))
    && write_file(tests / "random_messages.cpp", random_source_text(groups))
    && written;
}

int run(int count, char** arguments) {
  if (count != 3) {
    fmt::print(stderr,
      "usage: herald_kafka_codec DEFINITIONS ROOT\n"
      "Writes ROOT/protocol/kafka and ROOT/tests/kafka from "
      "the folder of Kafka's message definitions.\n");
    return 2;
  }
  auto groups = read_all(arguments[1]);
  if (!groups) {
    fmt::print(stderr, "{}\n", groups.error().message);
    return 1;
  }
  return write_all(arguments[2], *groups) ? 0 : 1;
}

} // namespace

} // namespace herald::kafka_codec

int main(int count, char** arguments) {
  return herald::kafka_codec::run(count, arguments);
}
