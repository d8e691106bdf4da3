#include "engine/base/settings.hpp"

#include "engine/base/limits.hpp"

#include <catch2/catch.hpp>
#include <toml++/toml.h>

#include <fstream>
#include <sys/stat.h>

using namespace herald;
using namespace std::chrono_literals;

namespace {

const std::filesystem::path shipped = HERALD_SOURCE_DIR "/config.toml";

/// Every key of a table with its section, in the order of their names.
void list_keys(const toml::table& table, const std::string& prefix,
  std::vector<std::string>& out) {
  for (auto& [key, value] : table) {
    auto name = prefix + std::string(key.str());
    if (auto* inner = value.as_table())
      list_keys(*inner, name + " ", out);
    else
      out.push_back(name);
  }
}

std::string message_of(std::string_view text) {
  auto got = parse_settings(text, "config.toml");
  if (got)
    return "accepted";
  CHECK(got.error().code == fault::configuration);
  return got.error().message;
}

settings accepted(std::string_view text) {
  auto got = parse_settings(text, "config.toml");
  INFO((got ? "" : got.error().message));
  REQUIRE(got);
  return *got;
}

/// A folder that goes with the test.
struct scratch_folder {
  scratch_folder() {
    char name[] = "/tmp/herald-settings-XXXXXX";
    path = mkdtemp(name);
  }
  ~scratch_folder() { std::filesystem::remove_all(path); }
  std::filesystem::path write(
    const std::string& name, const std::string& text, mode_t mode = 0600) {
    auto file = path / name;
    std::ofstream{file} << text;
    chmod(file.c_str(), mode);
    return file;
  }
  std::filesystem::path path;
};

} // namespace

TEST_CASE("the keys of config.toml are frozen") {
  std::vector<std::string> keys;
  list_keys(toml::parse_file(shipped.string()), "", keys);
  CHECK(keys
    == std::vector<std::string>{"edge hosts", "edge listen",
      "edge max_connections", "edge max_document_bytes", "edge origins",
      "edge outbox_bytes", "edge threads", "kafka create_topics",
      "kafka default_partitions", "kafka listen", "kafka max_connections",
      "kafka max_request_bytes", "kafka threads", "node log_format",
      "node log_level", "node name", "retention interval", "riot api_key_file",
      "riot base_url", "riot live_interval", "riot matches_interval",
      "riot players", "riot project", "snapshots bytes", "snapshots events",
      "snapshots replay_time", "storage commit_batch_bytes",
      "storage data_folder", "storage map_step_bytes",
      "storage on_write_failure", "storage reserve_bytes",
      "topics dead-letter partitions", "topics match partitions",
      "topics player partitions", "topics riot.raw partitions"});
}

TEST_CASE("config.toml repeats the defaults") {
  auto got = load_settings(shipped);
  INFO((got ? "" : got.error().message));
  REQUIRE(got);
  settings expected;
  CHECK(got->node.name == expected.node.name);
  CHECK(got->node.log_format == expected.node.log_format);
  CHECK(got->node.log_level == expected.node.log_level);
  CHECK(got->storage.data_folder
    == shipped.parent_path() / expected.storage.data_folder);
  CHECK(got->storage.map_step_bytes == expected.storage.map_step_bytes);
  CHECK(got->storage.reserve_bytes == expected.storage.reserve_bytes);
  CHECK(got->storage.commit_batch_bytes == expected.storage.commit_batch_bytes);
  CHECK(got->storage.on_write_failure == expected.storage.on_write_failure);
  CHECK(got->edge.listen == expected.edge.listen);
  CHECK(got->edge.threads == expected.edge.threads);
  CHECK(got->edge.max_connections == expected.edge.max_connections);
  CHECK(got->edge.max_document_bytes == expected.edge.max_document_bytes);
  CHECK(got->edge.outbox_bytes == expected.edge.outbox_bytes);
  CHECK(got->edge.hosts == expected.edge.hosts);
  CHECK(got->edge.origins == expected.edge.origins);
  CHECK(got->kafka.listen == expected.kafka.listen);
  CHECK(got->kafka.threads == expected.kafka.threads);
  CHECK(got->kafka.max_connections == expected.kafka.max_connections);
  CHECK(got->kafka.max_request_bytes == expected.kafka.max_request_bytes);
  CHECK(got->kafka.create_topics == expected.kafka.create_topics);
  CHECK(got->kafka.default_partitions == expected.kafka.default_partitions);
  CHECK(got->riot.base_url == expected.riot.base_url);
  CHECK(got->riot.api_key_file == expected.riot.api_key_file);
  CHECK(got->riot.project == expected.riot.project);
  CHECK(got->riot.players == expected.riot.players);
  CHECK(got->riot.matches_interval == expected.riot.matches_interval);
  CHECK(got->riot.live_interval == expected.riot.live_interval);
  CHECK(got->retention.interval == expected.retention.interval);
  CHECK(got->snapshots.events == expected.snapshots.events);
  CHECK(got->snapshots.bytes == expected.snapshots.bytes);
  CHECK(got->snapshots.replay_time == expected.snapshots.replay_time);
  CHECK(got->topics == expected.topics);
  CHECK_FALSE(got->riot.gateway_on());
}

TEST_CASE("an empty file means the defaults") {
  auto got = accepted("");
  CHECK(got.edge.listen == listen_address{"127.0.0.1", 8480});
  CHECK(got.topics.size() == 4);
}

TEST_CASE("every key is read") {
  auto got = accepted(R"(
[node]
name = "n-1"
log_format = "json"
log_level = "debug"
[storage]
data_folder = "/var/lib/herald"
map_step_bytes = "1 GiB"
reserve_bytes = "0 B"
commit_batch_bytes = "512KiB"
[edge]
listen = "[::1]:0"
threads = 4
max_connections = 100
max_document_bytes = "1 MiB"
outbox_bytes = "64 KiB"
hosts = ["herald.example", "herald.example:8480"]
origins = ["https://herald.example", "http://127.0.0.1:5173"]
[riot]
base_url = "http://127.0.0.1:8088/{route}"
api_key_file = "riot.key"
project = "p2"
players = ["Name With Space#TAG@euw1", "a@b#c#1234@kr"]
matches_interval = "10 s"
live_interval = "500 ms"
[retention]
interval = "1 s"
[snapshots]
events = 7
bytes = "4 KiB"
replay_time = "1 s"
[topics.match]
partitions = 8
[topics."riot.raw"]
partitions = 8
)");
  CHECK(got.node.name == "n-1");
  CHECK(got.node.log_format == log_format::json);
  CHECK(got.node.log_level == log_level::debug);
  CHECK(got.storage.data_folder == "/var/lib/herald");
  CHECK(got.storage.map_step_bytes == 1u << 30);
  CHECK(got.storage.reserve_bytes == 0);
  CHECK(got.storage.commit_batch_bytes == 512 * 1024);
  CHECK(got.edge.listen == listen_address{"::1", 0});
  CHECK(got.edge.threads == 4);
  CHECK(got.edge.max_connections == 100);
  CHECK(got.edge.max_document_bytes == 1u << 20);
  CHECK(got.edge.outbox_bytes == 64 * 1024);
  CHECK(got.edge.hosts.size() == 2);
  CHECK(got.edge.origins.size() == 2);
  CHECK(got.riot.base_url == "http://127.0.0.1:8088/{route}");
  CHECK(got.riot.api_key_file == "riot.key");
  CHECK(got.riot.project == "p2");
  REQUIRE(got.riot.players.size() == 2);
  CHECK(
    got.riot.players[0] == followed_riot_id{"Name With Space", "TAG", "euw1"});
  CHECK(got.riot.players[1] == followed_riot_id{"a@b#c", "1234", "kr"});
  CHECK(got.riot.matches_interval == 10s);
  CHECK(got.riot.live_interval == 500ms);
  CHECK(got.retention.interval == 1s);
  CHECK(got.snapshots.events == 7);
  CHECK(got.snapshots.bytes == 4096);
  CHECK(got.snapshots.replay_time == 1s);
  CHECK(got.topics.at("match").partitions == 8);
  CHECK(got.topics.at("riot.raw").partitions == 8);
  CHECK(got.topics.at("player").partitions == 32);
}

TEST_CASE("what is wrong is named with file, line and what is allowed") {
  struct row {
    std::string text;
    std::string message;
  };
  auto rows = GENERATE(values<row>({
    {"[node]\n\nnmae = \"x\"\n",
      "config.toml:3: [node] has no key 'nmae'; did you mean 'name'? Allowed: "
      "name, log_format, log_level"},
    {"[egde]\n",
      "config.toml:1: there is no section [egde]; did you mean 'edge'? "
      "Allowed: node, storage, edge, kafka, riot, retention, snapshots, "
      "topics"},
    {"listen = \"127.0.0.1:1\"\n",
      "config.toml:1: there is no section [listen] Allowed: node, storage, "
      "edge, kafka, riot, retention, snapshots, topics"},
    {"node = 3\n", "config.toml:1: [node] must be a section, not a value"},
    {"[node]\nlog_format = \"jsno\"\n",
      "config.toml:2: [node] log_format: unknown value 'jsno'; did you mean "
      "'json'? Allowed: human, json"},
    {"[node]\nlog_level = 3\n",
      "config.toml:2: [node] log_level: must be one of the texts debug, info, "
      "warning, error"},
    {"[node]\nname = \"a b\"\n",
      "config.toml:2: [node] name: allowed: 1 to 63 letters, digits, '.', '-' "
      "and '_'"},
    {"[storage]\nmap_step_bytes = \"64 MB\"\n",
      "config.toml:2: [storage] map_step_bytes: unknown unit 'MB' in '64 MB'; "
      "did you mean 'MiB'? Allowed: B, KiB, MiB, GiB, TiB"},
    {"[storage]\nmap_step_bytes = 64\n",
      "config.toml:2: [storage] map_step_bytes: must be a text with a unit, "
      "such as \"64 MiB\"; allowed: 1 MiB to 64 GiB (B, KiB, MiB, GiB, TiB)"},
    {"[storage]\nmap_step_bytes = \"64\"\n",
      "config.toml:2: [storage] map_step_bytes: '64' has no unit; allowed: B, "
      "KiB, MiB, GiB, TiB"},
    {"[storage]\nmap_step_bytes = \"much\"\n",
      "config.toml:2: [storage] map_step_bytes: 'much' does not start with a "
      "whole number"},
    {"[storage]\nmap_step_bytes = \"-1 MiB\"\n",
      "config.toml:2: [storage] map_step_bytes: '-1 MiB' does not start with a "
      "whole number"},
    {"[storage]\nmap_step_bytes = \"99999999999 TiB\"\n",
      "config.toml:2: [storage] map_step_bytes: '99999999999 TiB' is too "
      "large"},
    {"[storage]\nmap_step_bytes = \"4 KiB\"\n",
      "config.toml:2: [storage] map_step_bytes: '4 KiB' is out of range; "
      "allowed: 1 MiB to 64 GiB"},
    {"[storage]\ndata_folder = \"\"\n",
      "config.toml:2: [storage] data_folder: must name a folder"},
    {"[edge]\nthreads = 0\n",
      "config.toml:2: [edge] threads: must be a whole number; allowed: 1 to "
      "64"},
    {"[edge]\nmax_connections = \"many\"\n",
      "config.toml:2: [edge] max_connections: must be a whole number; allowed: "
      "16 to 100000"},
    {"[edge]\nhosts = \"x\"\n",
      "config.toml:2: [edge] hosts: must be a list of texts, such as [\"...\", "
      "\"...\"]"},
    {"[edge]\nhosts = [\"ok\",\n  \"*.example\"]\n",
      "config.toml:3: [edge] hosts: '*.example' is not a host name; allowed: "
      "\"herald.example\" or \"herald.example:8480\", exactly as browsers send "
      "it in Host, without wildcards"},
    {"[edge]\norigins = [\"null\"]\n",
      "config.toml:2: [edge] origins: 'null' is not an origin; allowed: "
      "\"https://herald.example\" or \"http://127.0.0.1:5173\", exactly as "
      "browsers send it in Origin, without path and wildcards"},
    {"[riot]\nlive_interval = \"10 sec\"\n",
      "config.toml:2: [riot] live_interval: unknown unit 'sec' in '10 sec'; "
      "did you mean 's'? Allowed: ms, s, min, h"},
    {"[riot]\nlive_interval = \"1 ms\"\n",
      "config.toml:2: [riot] live_interval: '1 ms' is out of range; allowed: "
      "100 ms to 24 h"},
    {"[riot]\nplayers = [\"Name@euw1\"]\n",
      "config.toml:2: [riot] players: 'Name@euw1' is not a player; allowed: "
      "\"Name#TAG@platform\", such as \"Name#TAG@euw1\""},
    {"[riot]\nplayers = [7]\n",
      "config.toml:2: [riot] players: every entry must be a text in quotes"},
    {"[riot]\nplayers = [\"A#B@kr\", \"A#B@kr\"]\n",
      "config.toml:2: [riot] players: 'A#B@kr' is there twice"},
    {"[riot]\nbase_url = \"https://{region}.api.riotgames.com\"\n",
      "config.toml:2: [riot] base_url: the only placeholder is {route}"},
    {"[riot]\nbase_url = \"http://127.0.0.1.example\"\n",
      "config.toml:2: [riot] base_url: 'http://127.0.0.1.example' is not "
      "allowed: an https URL, or an http URL on 127.0.0.1, localhost or [::1], "
      "since the key must not travel in clear text"},
    {"[topics.mach]\npartitions = 1\n",
      "config.toml:1: [topics] has no topic 'mach'; did you mean 'match'? "
      "Allowed: dead-letter, match, player, riot.raw. A name with a dot is "
      "written in quotes: [topics.\"riot.raw\"]; a topic of your own says "
      "ingest = true"},
    {"[topics.match]\npartitions = 0\n",
      "config.toml:2: [topics.match] partitions: must be a whole number; "
      "allowed: 1 to 1024"},
    {"[topics.match]\ningest = true\n",
      "config.toml:1: [topics.match] ingest: 'match' is Herald's own topic, "
      "which clients cannot write to"},
    {"[topics.audit]\ningest = true\n",
      "config.toml:1: 'audit' cannot name a topic of your own: 1 to 249 "
      "letters, digits, '.', '_' and '-', not with '_' first, and not 'audit', "
      "which is Herald's"},
    {"[topics.match]\n\"retention.ms\" = \"3 weeks\"\n",
      "config.toml:2: [topics.match] retention.ms cannot be '3 weeks'; "
      "allowed: a duration, or -1 for ever (milliseconds, or with a unit: ms, "
      "s, min, h, d)"},
    {"[topics.match]\nretention.ms = [1]\n",
      "config.toml:2: [topics.match] retention.ms: must be a text, a whole "
      "number, true or false"},
    {"[retention]\ninterval = \"1 ms\"\n",
      "config.toml:2: [retention] interval: '1 ms' is out of range; allowed: "
      "100 ms to 24 h"},
    {"[topics]\nmatch = 3\n",
      "config.toml:2: [topics.match] must be a section, not a value"},
    // All at once, in the order of the file.
    {"[edge]\nthreads = 0\n[node]\nx = 1\n",
      "config.toml:2: [edge] threads: must be a whole number; allowed: 1 to "
      "64\nconfig.toml:4: [node] has no key 'x' Allowed: name, log_format, "
      "log_level"},
  }));
  CHECK(message_of(rows.text) == rows.message);
}

TEST_CASE("topics have settings, and there may be more of them") {
  auto got = accepted(R"(
[topics.match]
"retention.ms" = "90 d"
herald.retention.state = "closed + 90 d"
[topics.chat]
partitions = 4
ingest = true
cleanup.policy = "compact"
segment.bytes = 52428800
[topics."chat.old"]
ingest = false
)");
  CHECK(got.topics.size() == 6);
  auto& match = got.topics.at("match");
  CHECK(match.partitions == 32);
  CHECK(match.settings
    == std::map<std::string, std::string>{
      {"herald.retention.state", "closed + 90 d"}, {"retention.ms", "90 d"}});
  auto& chat = got.topics.at("chat");
  CHECK(chat.partitions == 4);
  CHECK(chat.ingest);
  CHECK(chat.settings.at("segment.bytes") == "52428800");
  CHECK_FALSE(got.topics.at("chat.old").ingest);
}

TEST_CASE("a topic's key that nobody knows is refused with those there are") {
  for (std::string key : {"partition = 3", "retention.msec = 3"}) {
    auto message = message_of("[topics.match]\n" + key + "\n");
    CHECK(message.starts_with("config.toml:2: [topics.match] has no key '"));
    CHECK(message.find("did you mean '") != std::string::npos);
    CHECK(
      message.find("partitions, ingest, cleanup.policy") != std::string::npos);
  }
}

TEST_CASE("a platform that Riot does not have is refused with the known ones") {
  auto message = message_of("[riot]\nplayers = [\"A#B@euw\"]\n");
  CHECK(message.starts_with("config.toml:2: [riot] players: unknown platform "
                            "'euw' in 'A#B@euw'; did you mean 'euw1'?"));
  CHECK(message.ends_with("tr1, tw2, vn2"));
}

TEST_CASE("what is not TOML is refused with its line") {
  CHECK(message_of("[node]\nname = \n").starts_with("config.toml:2: not TOML"));
  CHECK(message_of(std::string("\0\xff", 2)).starts_with("config.toml:1: not"));
}

TEST_CASE("only addresses of this machine are listened on") {
  CHECK(*parse_listen_address("127.0.0.1:0") == listen_address{"127.0.0.1", 0});
  CHECK(*parse_listen_address("127.8.9.1:1") == listen_address{"127.8.9.1", 1});
  CHECK(*parse_listen_address("[::1]:65535") == listen_address{"::1", 65535});
  CHECK(
    *parse_listen_address("localhost:80") == listen_address{"127.0.0.1", 80});
  for (auto text : {"0.0.0.0:8480", "[::]:8480", "192.168.1.1:80",
         "[fe80::1]:80", "[::ffff:127.0.0.1]:80"}) {
    auto got = parse_listen_address(text);
    REQUIRE_FALSE(got);
    CHECK(got.error().message.find("is not an address of loopback")
      != std::string::npos);
  }
  for (auto text : {"", ":", "8480", "127.0.0.1", "127.0.0.1:", ":8480",
         "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x", "::1:80",
         "example.org:80", "[127.0.0.1]:80"}) {
    INFO(text);
    CHECK_FALSE(parse_listen_address(text));
  }
}

TEST_CASE("a key that only its owner can read switches the gateway on") {
  scratch_folder folder;
  folder.write("riot.key", " RGAPI-secret \n");
  auto file
    = folder.write("config.toml", "[riot]\napi_key_file = \"riot.key\"");
  auto got = load_settings(file);
  REQUIRE(got);
  CHECK(got->riot.gateway_on());
  CHECK(got->riot.api_key.reveal() == "RGAPI-secret");
  CHECK(*got->riot.api_key_file == folder.path / "riot.key");
}

TEST_CASE("a key that others can read is refused and not shown") {
  scratch_folder folder;
  auto mode = GENERATE(0640, 0604, 0620, 0602, 0610);
  auto key = folder.write("riot.key", "RGAPI-secret\n", mode);
  auto file
    = folder.write("config.toml", "[riot]\napi_key_file = \"riot.key\"");
  auto got = load_settings(file);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == fault::configuration);
  CHECK(got.error().message.find("can be read or written by others")
    != std::string::npos);
  CHECK(
    got.error().message.find("chmod 600 " + key.string()) != std::string::npos);
  CHECK(got.error().message.find("secret") == std::string::npos);
}

TEST_CASE("a key file that holds no key is refused and not shown") {
  scratch_folder folder;
  auto text
    = GENERATE(as<std::string>{}, "", " \n", "secret one\n", "secret\nsecret\n",
      "s\xc3\xa9"
      "cret",
      std::string(5000, 's'));
  auto got = load_key_file(folder.write("riot.key", text));
  REQUIRE_FALSE(got);
  CHECK(got.error().message.find("cret") == std::string::npos);
}

TEST_CASE("a key file that is not there, or no file, is named") {
  scratch_folder folder;
  CHECK(load_key_file(folder.path / "no")
      .error()
      .message.ends_with("/no cannot be opened: No such file or directory"));
  CHECK(load_key_file(folder.path)
      .error()
      .message.ends_with("is not a regular file"));
}

TEST_CASE("a configuration that cannot be read is a matter of I/O") {
  scratch_folder folder;
  auto got = load_settings(folder.path / "none.toml");
  REQUIRE_FALSE(got);
  CHECK(got.error().code == fault::io);
  CHECK(got.error().message.find("none.toml") != std::string::npos);
  CHECK(load_settings(folder.path).error().code == fault::io);
  auto large = folder.write(
    "large.toml", std::string(limits::settings_file_bytes + 1, '#'));
  CHECK(load_settings(large).error().code == fault::configuration);
}
