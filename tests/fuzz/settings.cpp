#include "engine/base/settings.hpp"
#include "tests/fuzz/target.hpp"

namespace herald::fuzz {

void settings(bytes_view data) {
  auto read = parse_settings(data, "config.toml");
  if (!read) {
    expect(read.error().code == fault::configuration,
      "a wrong text is a wrong configuration");
    expect(read.error().message.find("config.toml") != std::string::npos,
      "a refusal names the file");
    return;
  }
  expect(read->riot.api_key.empty(), "a text opens no other file");
}

} // namespace herald::fuzz
