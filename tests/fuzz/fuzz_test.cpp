// What fuzzing has kept: the corpus, and every input that was once a finding.

#include "tests/fuzz/target.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace herald::fuzz {

namespace {

namespace fs = std::filesystem;

const fs::path folder = HERALD_SOURCE_DIR "/tests/fuzz";

const std::map<std::string, void (*)(bytes_view)> targets{
  {"kafka_request", kafka_request}, {"record_batch", record_batch},
  {"avro", avro}, {"message_pack", message_pack}, {"json", json},
  {"segment", segment}, {"settings", settings}};

bytes from_hex(const std::string& hex) {
  bytes out;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    out += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
  return out;
}

// Feeds the inputs of a file, one in hex per line, to a target.
std::size_t feed(const fs::path& file, void (*target)(bytes_view)) {
  std::ifstream in{file};
  std::size_t count = 0;
  for (std::string line; std::getline(in, line); ++count) {
    INFO(file.string() << ", line " << count + 1);
    CHECK_NOTHROW(target(from_hex(line)));
  }
  return count;
}

} // namespace

TEST_CASE("the corpus of every fuzz target passes") {
  for (auto& [name, target] : targets) {
    INFO(name);
    CHECK(feed(folder / "corpus" / (name + ".hex"), target) > 0);
  }
}

TEST_CASE("what fuzzing once found stays mended") {
  for (auto& [name, target] : targets)
    feed(folder / "findings" / (name + ".hex"), target);
}

} // namespace herald::fuzz
