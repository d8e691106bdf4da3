#pragma once

#include "engine/base/logging.hpp"
#include "protocol/failure.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace herald {

// The configuration file config.toml as values. Each member has the name of
// its key, and its initialiser is what holds without the key; config.toml in
// the repository explains every one and repeats the defaults.

/// A text that must not be seen: it has no operator<<, and nothing prints it.
class secret {
public:
  secret() = default;
  explicit secret(std::string text) : text_(std::move(text)) {}
  bool empty() const { return text_.empty(); }
  /// The text itself, for the one request header that needs it.
  const std::string& reveal() const { return text_; }

private:
  std::string text_;
};

/// [node]
struct node_settings {
  std::string name = "herald";
  herald::log_format log_format = herald::log_format::human;
  herald::log_level log_level = herald::log_level::info;
};

/// What a node does when a commit or sync of the log has failed, after which
/// nothing more can be written until it is started again.
enum class write_failure : std::uint8_t {
  /// It goes on reading and says why it does not write.
  read_on,
  /// It ends with exit code 1, so that whoever watches it starts it again.
  exit,
};

/// [storage]
struct storage_settings {
  std::filesystem::path data_folder = "data";
  /// The log's map grows in steps of this many bytes, written ahead of use.
  std::uint64_t map_step_bytes = 64u << 20;
  /// With less free space than this on its disk the node becomes read-only.
  std::uint64_t reserve_bytes = 256u << 20;
  /// Record bytes that one commit takes at most.
  std::uint64_t commit_batch_bytes = 2u << 20;
  write_failure on_write_failure = write_failure::read_on;
};

/// ADDRESS:PORT. Port 0 lets the system pick a free one.
struct listen_address {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8480;
  bool operator==(const listen_address&) const = default;
};

/// [edge]
struct edge_settings {
  listen_address listen;
  std::uint32_t threads = 2;
  std::uint32_t max_connections = 8192;
  std::uint64_t max_document_bytes = 16u << 20;
  std::uint64_t outbox_bytes = 1u << 20;
  /// Names in Host headers beside those of loopback: "herald.example:8480".
  std::vector<std::string> hosts;
  /// Origins of pages beside the node's own: "https://herald.example".
  std::vector<std::string> origins;
};

/// [kafka]
struct kafka_settings {
  /// Absent: no Kafka client can come in.
  std::optional<listen_address> listen
    = listen_address{.address = "127.0.0.1", .port = 9092};
  std::uint32_t threads = 1;
  std::uint32_t max_connections = 1024;
  std::uint64_t max_request_bytes = 100u << 20;
  /// Whether a topic is made when a client first asks for it.
  bool create_topics = true;
  std::uint32_t default_partitions = 4;
};

/// A player to follow: "Name#TAG@euw1" in the file.
struct followed_riot_id {
  std::string game_name;
  std::string tag_line;
  /// Platform in lower case, one of Riot's.
  std::string platform;
  bool operator==(const followed_riot_id&) const = default;
};

/// [riot]
struct riot_settings {
  /// "{route}" stands for a platform or a region, such as euw1 or europe.
  std::string base_url = "https://{route}.api.riotgames.com";
  /// Absent: the gateway is off.
  std::optional<std::filesystem::path> api_key_file;
  /// What the file holds; not a key of config.toml.
  secret api_key;
  /// Names the project of the key: PUUIDs are valid within one project only.
  std::string project = "default";
  std::vector<followed_riot_id> players;
  /// How often a player's list of matches is read.
  std::chrono::milliseconds matches_interval{60'000};
  /// How often a player is looked up in a running game.
  std::chrono::milliseconds live_interval{30'000};

  bool gateway_on() const { return !api_key.empty(); }
};

/// [snapshots]. When the state of an aggregate is stored, so that it comes
/// back without all of its events. Whichever is reached first counts.
struct snapshot_settings {
  /// Events of the aggregate since its last snapshot.
  std::uint32_t events = 500;
  /// Bytes of those events.
  std::uint64_t bytes = 1u << 20;
  /// How long it took to bring the state back from the log.
  std::chrono::milliseconds replay_time{20};
};

/// [retention]
struct retention_section {
  /// How often the log is looked through for what may go.
  std::chrono::milliseconds interval{300'000};
};

/// [topics.NAME]
struct declared_topic {
  /// Counts only when the topic is made for the first time.
  std::uint32_t partitions = 32;
  /// Kafka's clients may write to it. Never one of Herald's own topics.
  bool ingest = false;
  /// Settings of topics (engine/log/topic_settings.hpp) by name, each checked
  /// and as the file says it; they are set at every start.
  std::map<std::string, std::string> settings;
  bool operator==(const declared_topic&) const = default;
};

/// The whole file.
struct settings {
  node_settings node;
  storage_settings storage;
  edge_settings edge;
  kafka_settings kafka;
  riot_settings riot;
  retention_section retention;
  snapshot_settings snapshots;
  /// Every topic that Herald uses, also those that the file leaves out, and
  /// those that the file adds.
  std::map<std::string, declared_topic> topics{
    {"dead-letter", {}}, {"match", {}}, {"player", {}}, {"riot.raw", {}}};
};

/// Reads config.toml. Every failure is fault::configuration (fault::io when
/// the file cannot be read) with a message that names file, line, key, what is
/// allowed and, for an unknown name, the nearest known one. Relative paths in
/// the file start at its folder. Reads the key file too, and refuses it when
/// the group or others may read it. The caller applies its flags afterwards.
result<settings> load_settings(const std::filesystem::path& file);

/// The same for a text; `file` names it in messages. Opens no other file: the
/// key stays empty.
result<settings> parse_settings(
  std::string_view text, const std::filesystem::path& file);

/// Reads "127.0.0.1:8480", "[::1]:0" or "localhost:8480", for [edge] listen
/// and --listen, [kafka] listen and --kafka. An address that is not of this
/// machine alone is refused: Herald does not know yet who is asking.
result<listen_address> parse_listen_address(std::string_view text);

/// Reads the file with an API key: one line, spaces around it dropped.
result<secret> load_key_file(const std::filesystem::path& file);

} // namespace herald
