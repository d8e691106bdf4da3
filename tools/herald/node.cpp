#include "tools/herald/node.hpp"

#include "actors/api/console_api.hpp"
#include "actors/api/http_api.hpp"
#include "actors/feed/log_feed_source.hpp"
#include "actors/gateway/gateway_actor.hpp"
#include "actors/host_actor.hpp"
#include "actors/ingest/document_views.hpp"
#include "actors/ingest/vault_check.hpp"
#include "actors/log_keeping.hpp"
#include "actors/player/player_views.hpp"
#include "actors/player/statistics_actor.hpp"
#include "actors/projections.hpp"
#include "engine/base/logging.hpp"
#include "engine/console/control_socket.hpp"
#include "engine/edge/http_server.hpp"
#include "engine/kafka/kafka_server.hpp"
#include "protocol/batch/partitioner.hpp"

#include <caf/all.hpp>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

// The wiring diagram of a node. What each part does stands in its own room;
// here is only who knows whom, what is started first, and what ends last.

namespace herald {

namespace {

using namespace std::chrono_literals;

class actor_config : public caf::actor_system_config {
public:
  actor_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{4});
    set("scheduler.max-throughput", std::size_t{100});
  }
};

/// Topics that the configuration sizes, made before anything uses them.
struct node_topics {
  topic_info raw, dead_letter, match, player;
};

/// Sets what the configuration says about a topic, unless it holds already.
result<void> set_declared(
  event_log& log, const topic_info& topic, const declared_topic& declared) {
  std::vector<setting_change> changes;
  for (auto& [name, value] : declared.settings)
    changes.push_back({name, value});
  auto wanted = *log.settings_of(topic.number);
  if (auto fine = wanted.apply(changes); !fine)
    return fine;
  if (wanted == *log.settings_of(topic.number))
    return {};
  auto altered = log.alter_topic(topic.name, changes);
  if (!altered)
    return fail(fault::configuration,
      fmt::format("[topics.{}]: {}", topic.name, altered.error().message));
  return {};
}

/// Topics of one's own that the configuration names, and their settings.
result<void> make_declared(event_log& log, const settings& configured) {
  for (auto& [name, declared] : configured.topics) {
    auto topic = log.find_topic(name);
    if (!topic) {
      auto made = log.create_topic(name, declared.partitions);
      if (!made)
        return std::unexpected(made.error());
      topic = *made;
    }
    if (auto set = set_declared(log, *topic, declared); !set)
      return set;
  }
  if (!log.find_topic(audit_topic))
    if (auto made = log.create_topic(audit_topic, 1); !made)
      return std::unexpected(made.error());
  return {};
}

result<node_topics> make_topics(event_log& log, const settings& configured) {
  node_topics topics;
  auto make = [&](const char* name, topic_info& made) -> result<void> {
    // The number of partitions counts when a topic is made, and never again.
    if (auto known = log.find_topic(name)) {
      made = *known;
      return {};
    }
    auto created
      = log.create_topic(name, configured.topics.at(name).partitions);
    if (!created)
      return std::unexpected(created.error());
    made = *created;
    return {};
  };
  for (auto& [name, made] :
    {std::pair{"riot.raw", &topics.raw},
      std::pair{"dead-letter", &topics.dead_letter},
      std::pair{"match", &topics.match}, std::pair{"player", &topics.player}})
    if (auto done = make(name, *made); !done)
      return std::unexpected(done.error());
  if (topics.dead_letter.partitions != topics.raw.partitions)
    return fail(fault::configuration,
      fmt::format("the topics riot.raw and dead-letter must have the same "
                  "number of partitions, not {} and {}",
        topics.raw.partitions, topics.dead_letter.partitions));
  if (auto declared = make_declared(log, configured); !declared)
    return std::unexpected(declared.error());
  return topics;
}

log_settings log_settings_of(const settings& configured) {
  log_settings log;
  log.step_bytes = configured.storage.map_step_bytes;
  log.reserve_bytes = configured.storage.reserve_bytes;
  log.check_settings = check_topic_settings;
  return log;
}

writer_settings writer_settings_of(const settings& configured) {
  writer_settings writer;
  writer.commit_bytes_max = configured.storage.commit_batch_bytes;
  return writer;
}

/// Topics that Kafka's clients may only read: what stands in them follows from
/// decisions of aggregates, or describes the log itself.
bool is_own_topic(std::string_view name) {
  static const std::set<std::string_view> own{
    "match", "player", "riot.raw", "dead-letter", "audit", schemas_topic};
  return own.contains(name);
}

kafka_options kafka_options_of(const kafka_settings& configured) {
  kafka_options kafka;
  kafka.address = configured.listen->address;
  kafka.port = configured.listen->port;
  kafka.threads = configured.threads;
  kafka.connections_max = configured.max_connections;
  kafka.request_bytes_max = configured.max_request_bytes;
  kafka.create_topics_on_first_use = configured.create_topics;
  kafka.default_partitions = configured.default_partitions;
  return kafka;
}

std::string host_and_port(const std::string& address, std::uint16_t port) {
  return address.find(':') == address.npos
    ? fmt::format("{}:{}", address, port)
    : fmt::format("[{}]:{}", address, port);
}

} // namespace

// Members are made from top to bottom and destroyed from bottom to top: what
// stands higher outlives what stands lower.
struct node::implementation {
  settings configuration;
  std::function<void(const std::string&)> on_failure;
  system_time_source time;
  metrics_registry metrics;
  supervision_tree tree;
  unknown_properties unknown;

  std::unique_ptr<event_log> log;
  node_topics topics;
  std::unique_ptr<event_codec> codec;
  std::unique_ptr<vault> people;
  std::unique_ptr<view_store> views;
  std::optional<aggregate_snapshots> snapshots;
  // Tells the former how its writes ended.
  std::unique_ptr<snapshot_store> snapshot_rows;
  std::optional<event_index> index;
  std::optional<match_views> matches;
  std::unique_ptr<node_projections> projections;
  std::unique_ptr<follower_driver> followers;
  // Numbers of the topics that the followers read.
  std::set<std::uint32_t> followed;
  std::optional<log_feed_source> feed_source;
  std::unique_ptr<feed_hub> feed;
  std::unique_ptr<cursor_keeper> cursors;
  replay_desk replays;
  std::unique_ptr<retention> keeping;
  // Outlives the writer, which tells it how batches ended.
  std::unique_ptr<kafka_server> kafka;
  std::unique_ptr<log_writer> writer;

  /// Stands below all that it works on.
  long_task task;

  host_services hosts;
  ingest_services ingestion;
  statistics_services statistics;
  std::unique_ptr<riot_gateway> gateway;
  http_client riot_client;
  node_services services;

  actor_config actors_config;
  std::unique_ptr<caf::actor_system> actors;
  caf::actor root;
  std::vector<statistics_actor> statisticians;
  /// Where commits are told to clients of Kafka, once they may come in.
  std::atomic<kafka_server*> kafka_listens{nullptr};
  /// From when on commits are told to actors.
  std::atomic<bool> actors_listen{false};

  std::vector<std::shared_ptr<void>> gauges;
  std::unique_ptr<http_server> server;
  std::unique_ptr<control_server> console;
  std::jthread log_watch;
  std::string url;
  bool stopped = false;
  std::atomic<bool> stopping{false};
  mutable std::atomic<std::int64_t> room_until_ms{0};

  /// Asked for every batch: where there was room a moment ago there is some
  /// still, at what a disk can write in that time.
  std::optional<failure> disk_trouble() const {
    constexpr std::int64_t moment_ms = 10;
    auto& storage = configuration.storage;
    auto now = steady_ms();
    if (now < room_until_ms.load(std::memory_order_relaxed))
      return std::nullopt;
    std::error_code error;
    auto space = std::filesystem::space(storage.data_folder, error);
    if (error || space.available >= storage.reserve_bytes) {
      room_until_ms.store(now + moment_ms, std::memory_order_relaxed);
      return std::nullopt;
    }
    return failure{fault::storage_full,
      fmt::format("only {} bytes are free on the disk of {}, less than the "
                  "reserve of {}; the node reads on and takes nothing new "
                  "until there is room",
        space.available, storage.data_folder.string(), storage.reserve_bytes)};
  }

  std::int64_t steady_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
      time.steady_now())
      .count();
  }

  // -- storage ----------------------------------------------------------------

  result<void> open_storage() {
    auto& folder = configuration.storage.data_folder;
    auto opened = event_log::open(folder, log_settings_of(configuration));
    if (!opened)
      return std::unexpected(opened.error());
    log = std::move(*opened);
    auto made = make_topics(*log, configuration);
    if (!made)
      return std::unexpected(made.error());
    topics = *made;
    auto registered = event_codec::make(*log);
    if (!registered)
      return std::unexpected(registered.error());
    codec = std::move(*registered);
    auto safe = vault::open(folder);
    if (!safe)
      return std::unexpected(safe.error());
    people = std::move(*safe);
    auto belongs = check_vault(*log, *people, vault_look::last_records, 1);
    if (!belongs)
      return std::unexpected(belongs.error());
    if (!belongs->empty())
      return fail(fault::damaged,
        fmt::format("{}; restore the folders 'log' and 'vault' of {} from the "
                    "same copy",
          belongs->front(), folder.string()));
    auto stored = view_store::open(folder);
    if (!stored)
      return std::unexpected(stored.error());
    views = std::move(*stored);
    return open_snapshots();
  }

  result<void> open_snapshots() {
    auto stored = snapshot_store::open(*views);
    if (!stored)
      return std::unexpected(stored.error());
    snapshot_rows = std::move(*stored);
    auto& configured = configuration.snapshots;
    snapshots.emplace(
      *log, *snapshot_rows,
      snapshot_policy{
        configured.events, configured.bytes, configured.replay_time},
      metrics, [this] { return time.now_ms(); },
      [this] { return time.steady_now(); });
    return {};
  }

  // -- what follows the log ---------------------------------------------------

  result<void> start_followers() {
    index.emplace(*log, *views);
    matches.emplace(*log, *views);
    projections = std::make_unique<node_projections>(*codec);
    followers = std::make_unique<follower_driver>(*log, *views);
    for (auto* projection : projections->all()) {
      followers->add(*projection);
      for (auto& name : projection->topics())
        if (auto topic = log->find_topic(name))
          followed.insert(topic->number);
    }
    feed_source.emplace(*log, *codec, *index, *matches);
    feed = std::make_unique<feed_hub>(
      &*feed_source, [this] { return steady_ms(); });
    followers->on_applied(
      [this](const projection& which, partition_id, offset) {
        if (which.name() == match_projection::follower_name)
          feed->view_moved();
      });
    if (auto started = followers->start(); !started)
      return started;
    // Whoever decides or answers rests on views that know the whole log.
    for (;;) {
      if (auto failed = followers->failed())
        return std::unexpected(*failed);
      for (auto& follower : followers->status())
        if (follower.stopped)
          return std::unexpected(*follower.stopped);
      if (lag() == 0)
        break;
      std::this_thread::sleep_for(1ms);
    }
    cursors = std::make_unique<cursor_keeper>(*log, *views);
    for (auto* follower : {ingest_follower, statistics_follower})
      if (auto adopted = cursors->adopt(follower); !adopted)
        return adopted;
    feed->start();
    make_keeping();
    return {};
  }

  /// Retention as a part that deletes when it is asked to; it starts to work by
  /// itself when everything stands.
  void make_keeping() {
    log_keeping parts{log.get(), codec.get(), &*matches, followers.get(),
      cursors.get(), &replays, &metrics,
      {{ingest_follower, topics.raw.number},
        {statistics_follower, topics.match.number}},
      [this] { return time.now_ms(); }};
    retention_settings limits;
    limits.interval = configuration.retention.interval;
    keeping
      = std::make_unique<retention>(*log, make_retention_seams(parts), limits);
  }

  /// Whether a topic is made for clients to write to.
  bool is_for_clients(std::string_view topic) const {
    auto declared = configuration.topics.find(std::string{topic});
    return !is_own_topic(topic)
      && (declared == configuration.topics.end() || declared->second.ingest);
  }

  std::uint64_t lag() const {
    std::uint64_t sum = 0;
    for (auto& follower : followers->status())
      sum += follower.lag;
    return sum;
  }

  /// Runs on the thread that committed, after each commit.
  void committed(std::span<const partition_commit> commits) {
    // A thread that is woken for nothing takes its time from the next commit.
    if (std::ranges::any_of(commits, [this](const partition_commit& commit) {
          return followed.contains(commit.where.topic);
        }))
      followers->wake();
    if (auto* listener = kafka_listens.load())
      listener->committed(commits);
    for (auto& commit : commits) {
      if (commit.where.topic != topics.match.number)
        continue;
      feed->committed(commit.where.partition, commit.committed_end);
      if (actors_listen)
        caf::anon_send(statisticians[commit.where.partition], news_atom::value);
    }
  }

  // -- actors -----------------------------------------------------------------

  void start_actors() {
    auto now_ms = [this] { return time.now_ms(); };
    hosts
      = {log.get(), writer.get(), codec.get(), now_ms, &*index, &*snapshots};
    actors = std::make_unique<caf::actor_system>(actors_config);

    auto match_hosts = spawn_match_hosts(*actors, &tree, &hosts, topics.match);
    auto player_hosts
      = spawn_player_hosts(*actors, &tree, &hosts, topics.player);

    auto outcome = [&](const char* name) {
      return &metrics.make_counter(
        "herald_documents_total", "Documents by outcome", {{"outcome", name}});
    };
    ingestion = {log.get(), writer.get(), codec.get(), views.get(),
      people.get(), cursors.get(), &unknown, topics.raw, topics.dead_letter,
      topics.match, match_hosts, now_ms, configuration.riot.project,
      outcome("accepted"), outcome("duplicate"), outcome("refused")};
    auto ingest_actors = spawn_ingestion(*actors, &tree, &ingestion);

    statistics
      = {log.get(), codec.get(), cursors.get(), topics.match, player_hosts};
    statisticians = spawn_statistics(*actors, &tree, &statistics);

    services = {&configuration, &time, log.get(), writer.get(), codec.get(),
      &*index, views.get(), &*matches, followers.get(), people.get(),
      feed.get(), nullptr, &tree, &unknown, &ingestion, &metrics, ingest_actors,
      match_hosts, [this] { return disk_trouble(); }, keeping.get(),
      [this](std::string_view topic) { return is_for_clients(topic); },
      [](std::string_view topic) { return is_own_topic(topic); },
      time.steady_now(), &stopping};

    services.task = &task;
    services.snapshots = &*snapshots;
    services.replays = &replays;

    std::vector<caf::actor> groups;
    groups.push_back(supervise("match", match_hosts));
    groups.push_back(supervise("player", player_hosts));
    groups.push_back(supervise("ingest", ingest_actors));
    groups.push_back(supervise("statistics", statisticians));
    if (configuration.riot.gateway_on()) {
      gateway = std::make_unique<riot_gateway>(
        configuration.riot, make_gateway_services());
      services.gateway = gateway.get();
      groups.push_back(spawn_supervisor(*actors, &tree, "riot",
        {spawn_gateway(*actors, &tree, gateway.get())}));
    }
    actors_listen = true;
    for (auto& one : statisticians)
      caf::anon_send(one, news_atom::value);
    root = spawn_supervisor(*actors, &tree, "herald", std::move(groups),
      [this](const std::string& reason) {
        if (on_failure)
          on_failure(reason);
      });
  }

  template <class Handle>
  caf::actor supervise(const char* name, const std::vector<Handle>& children) {
    std::vector<caf::actor> guardians;
    for (auto& child : children)
      guardians.push_back(caf::actor_cast<caf::actor>(child));
    return spawn_supervisor(*actors, &tree, name, std::move(guardians));
  }

  gateway_services make_gateway_services();

  // -- the outside ------------------------------------------------------------

  result<void> open_doors() {
    add_metrics();
    auto options = server_options(configuration);
    options.time = &time;
    server = std::make_unique<http_server>(options, metrics);
    server->assets(page_assets());
    add_http_api(*server, services);
    auto port = server->start();
    if (!port)
      return std::unexpected(port.error());
    url = "http://" + host_and_port(configuration.edge.listen.address, *port);
    auto listening = control_server::start(
      configuration.storage.data_folder / "control.sock",
      [this](std::string_view line, control_stream& more) {
        return answer_console(services, line, more);
      });
    if (!listening)
      return std::unexpected(listening.error());
    console = std::move(*listening);
    return open_kafka();
  }

  /// Ends the node when its log can no longer be written, if that is wanted.
  void watch_log() {
    if (configuration.storage.on_write_failure != write_failure::exit
      || !on_failure)
      return;
    log_watch = std::jthread{[this](const std::stop_token& stopping) {
      while (!stopping.stop_requested()) {
        if (auto failed = log->failed()) {
          on_failure(failed->message);
          return;
        }
        std::this_thread::sleep_for(50ms);
      }
    }};
  }

  result<void> open_kafka() {
    if (!configuration.kafka.listen)
      return {};
    kafka_services offered{log.get(), writer.get(), &metrics,
      [this] { return time.now_ms(); },
      [this](std::string_view topic) { return is_for_clients(topic); },
      [this](partition_id where, offset up_to) -> result<void> {
        auto start = keeping->remove(where, up_to, "kafka");
        if (!start)
          return std::unexpected(start.error());
        return {};
      },
      [this](std::string_view topic) {
        return keeping->delete_topic(topic, "kafka");
      },
      [this] { return disk_trouble(); }};
    auto listening
      = kafka_server::start(kafka_options_of(configuration.kafka), offered);
    if (!listening)
      return std::unexpected(listening.error());
    kafka = std::move(*listening);
    kafka_listens = kafka.get();
    return {};
  }

  void add_metrics();
};

// -- the gateway's side -------------------------------------------------------

namespace {

/// Waits for the answer to a command that the gateway sent.
template <class T>
class awaited {
public:
  reply<T> make_reply() {
    auto state = state_;
    return reply<T>{[state](result<T> told) {
      std::lock_guard guard{state->mutex};
      state->told = std::move(told);
      state->wake.notify_all();
    }};
  }

  /// Nothing when no answer came in time.
  std::optional<result<T>> wait(std::chrono::milliseconds at_most) {
    std::unique_lock lock{state_->mutex};
    state_->wake.wait_for(
      lock, at_most, [this] { return state_->told.has_value(); });
    return state_->told;
  }

private:
  struct shared {
    std::mutex mutex;
    std::condition_variable wake;
    std::optional<result<T>> told;
  };
  std::shared_ptr<shared> state_ = std::make_shared<shared>();
};

} // namespace

gateway_services node::implementation::make_gateway_services() {
  gateway_services gate;
  gate.call = [this](const http_request& request) {
    return riot_client.perform(request);
  };
  gate.steady_ms = [this] { return steady_ms(); };
  gate.document = [this](bytes document) {
    if (disk_trouble())
      return false;
    auto job = std::make_shared<ingest_job>();
    job->hash = content_hash(document);
    job->content = std::move(document);
    job->principal = "riot-gateway";
    job->source = "match-v5";
    awaited<document_outcome> outcome;
    job->answer = outcome.make_reply();
    auto partition = partition_of(job->hash, topics.raw.partitions);
    caf::anon_send(
      services.ingest_actors[partition], ingest_atom::value, std::move(job));
    auto told = outcome.wait(30s);
    return told && *told;
  };
  gate.live = [this](bytes game) {
    if (disk_trouble())
      return;
    auto read = riot::read_spectator(game);
    if (!read) {
      log_warning("riot", "A running game cannot be read",
        {{"pointer", read.error().pointer}, {"reason", read.error().reason}});
      return;
    }
    std::vector<person> known;
    for (auto& who : read->people) {
      person one{configuration.riot.project, who.puuid, std::nullopt};
      if (!who.game_name.empty())
        one.names = player_names{
          who.game_name, who.tag_line, who.summoner_name, time.now_ms()};
      known.push_back(std::move(one));
    }
    if (auto ids = people->player_ids(known))
      for (std::size_t i = 0; i < ids->size(); ++i)
        riot::set_player_id(*read, read->people[i], to_string((*ids)[i]));
    read->content.principal = "riot-gateway";
    observe_spectator command;
    command.game_length_s = read->game_length;
    command.observed_ms = time.now_ms();
    auto message = std::make_shared<addressed_command<match_command>>();
    message->key = read->content.matchId;
    command.event = std::make_shared<const any_event>(std::move(read->content));
    message->body = std::move(command);
    auto host = partition_of(message->key, topics.match.partitions);
    caf::anon_send(
      services.match_hosts[host], command_atom::value, std::move(message));
  };
  gate.holds = [this](std::string_view match) {
    auto state = matches->state(match);
    if (!state)
      return std::pair{false, false};
    auto which = state->first.value("state", "");
    return std::pair{which == "finished" || which == "aborted",
      state->first.value("timeline", false)};
  };
  return gate;
}

void node::implementation::add_metrics() {
  auto watch = [&](const char* name, const char* help,
                 std::function<double()> read, metric_labels labels = {}) {
    gauges.push_back(
      metrics.observe_gauge(name, help, labels, std::move(read)));
  };
  auto count = [&](const char* name, const char* help,
                 std::function<double()> read) {
    gauges.push_back(metrics.observe_counter(name, help, {}, std::move(read)));
  };
  watch("herald_matches", "Matches that the views know",
    [this] { return static_cast<double>(matches->match_count()); });
  watch("herald_matches_live", "Matches that are being played",
    [this] { return static_cast<double>(matches->live_count()); });
  watch("herald_log_used_bytes", "Bytes that the log has ever used",
    [this] { return static_cast<double>(log->usage().used_bytes); });
  watch("herald_log_file_bytes", "Size of the log's file",
    [this] { return static_cast<double>(log->usage().file_bytes); });
  watch("herald_log_waiting_batches", "Batches that wait for a commit",
    [this] { return static_cast<double>(writer->counts().waiting_batches); });
  count("herald_log_commits_total", "Commits of the log.",
    [this] { return static_cast<double>(writer->counts().commits); });
  count("herald_log_records_total", "Records appended to the log.",
    [this] { return static_cast<double>(writer->counts().records); });
  count("herald_actor_restarts_total", "Restarts of actors.",
    [this] { return static_cast<double>(tree.restarts()); });
  watch("herald_feed_subscriptions", "Subscriptions of the feed",
    [this] { return static_cast<double>(feed->counts().subscriptions); });
  count("herald_feed_frames_total", "Frames of the feed handed to sockets.",
    [this] { return static_cast<double>(feed->counts().frames); });
  count("herald_retention_deleted_bytes_total",
    "Bytes of batches that retention has deleted.",
    [this] { return static_cast<double>(keeping->totals().bytes_deleted); });
  count("herald_retention_compacted_records_total",
    "Records that compaction has taken out.", [this] {
      return static_cast<double>(keeping->totals().records_compacted);
    });
  watch("herald_feed_lagging", "Subscriptions that are behind the log",
    [this] { return static_cast<double>(feed->counts().lagging); });
  for (auto* projection : projections->all()) {
    std::string name{projection->name()};
    watch("herald_view_lag_records",
      "Records committed to the log and not yet in the view",
      [this, name] {
        for (auto& follower : followers->status())
          if (follower.name == name)
            return static_cast<double>(follower.lag);
        return 0.0;
      },
      {{"view", name}});
  }
}

// -- the whole ----------------------------------------------------------------

node::node(std::unique_ptr<implementation> implementation)
  : implementation_(std::move(implementation)) {}

node::~node() {
  stop();
}

result<std::unique_ptr<node>> node::start(const settings& configuration,
  std::function<void(const std::string& reason)> on_failure) {
  auto made = std::make_unique<implementation>();
  auto& self = *made;
  self.configuration = configuration;
  self.on_failure = std::move(on_failure);
  // From here on the destructor of `whole` undoes what was done.
  std::unique_ptr<node> whole{new node{std::move(made)}};
  if (auto opened = self.open_storage(); !opened)
    return std::unexpected(opened.error());
  if (auto started = self.start_followers(); !started)
    return std::unexpected(started.error());
  self.writer = std::make_unique<log_writer>(
    *self.log, writer_settings_of(configuration));
  self.log->on_commit([&self](std::span<const partition_commit> commits) {
    self.committed(commits);
  });
  self.start_actors();
  if (auto open = self.open_doors(); !open)
    return std::unexpected(open.error());
  self.watch_log();
  self.keeping->start([&self] { return self.time.now_ms(); });
  log_info("node", "The node serves",
    {{"url", self.url},
      {"gateway",
        configuration.riot.gateway_on()
          ? "on"
          : "off, since [riot] api_key_file is not set"}});
  return whole;
}

std::string node::url() const {
  return implementation_->url;
}

std::optional<std::string> node::kafka_address() const {
  auto& self = *implementation_;
  if (!self.kafka)
    return std::nullopt;
  return host_and_port(
    self.configuration.kafka.listen->address, self.kafka->port());
}

void node::stop() {
  auto& self = *implementation_;
  if (std::exchange(self.stopped, true))
    return;
  self.stopping = true;
  self.log_watch = {};
  self.console.reset();
  self.task.stop();
  if (self.keeping)
    self.keeping->stop();
  if (self.kafka)
    self.kafka->stop();
  if (self.server)
    self.server->stop();
  if (self.feed)
    self.feed->stop();
  if (self.actors) {
    // Their last appends still find the writer.
    caf::anon_send_exit(self.root, caf::exit_reason::user_shutdown);
    self.root = nullptr;
    self.actors->await_all_actors_done();
    // Only now, since actors that still ran used these.
    self.services.ingest_actors.clear();
    self.services.match_hosts.clear();
    self.ingestion.match_hosts.clear();
    self.statistics.player_hosts.clear();
  }
  if (self.writer)
    self.writer->stop();
  self.statisticians.clear();
  self.actors.reset();
  if (self.snapshot_rows)
    self.snapshot_rows->stop();
  if (self.cursors)
    self.cursors->stop();
  if (self.followers)
    self.followers->stop();
  if (self.people)
    self.people->stop();
  self.server.reset();
}

} // namespace herald
