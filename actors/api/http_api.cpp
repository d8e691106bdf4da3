#include "actors/api/http_api.hpp"

#include "actors/api/task_pool.hpp"
#include "actors/player/player_views.hpp"
#include "actors/riot/export.hpp"
#include "engine/base/logging.hpp"
#include "engine/edge/http_server.hpp"
#include "protocol/batch/partitioner.hpp"
#include "protocol/schema/json.hpp"

#include <caf/send.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <charconv>

namespace herald {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr std::size_t live_body_bytes_max = 1u << 20;
constexpr std::size_t query_threads = 1;
constexpr std::size_t queries_waiting_max = 256;
constexpr std::size_t export_threads = 2;
constexpr std::size_t exports_waiting_max = 16;
constexpr std::size_t export_piece_bytes = 64 * 1024;
constexpr std::size_t list_limit_default = 50;
constexpr std::size_t list_limit_max = 1'000;

problem bad_request(std::string detail) {
  return {400, "invalid-input", std::move(detail), {}, {}};
}

bool is_match_id(std::string_view text) {
  auto cut = text.find('_');
  if (cut == text.npos || cut == 0 || cut + 1 == text.size()
    || text.size() > 40)
    return false;
  for (auto c : text.substr(0, cut))
    if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'))
      return false;
  for (auto c : text.substr(cut + 1))
    if (c < '0' || c > '9')
      return false;
  return true;
}

// -- POST /v1/documents -------------------------------------------------------

void answer_document(const node_services& node, const responder& answer,
  const result<document_outcome>& told) {
  if (!told) {
    answer.respond(problem_of(told.error()));
    return;
  }
  if (told->what == document_outcome::kind::refused) {
    problem refused{422, "document-refused", told->why.reason,
      {{"rule", told->why.rule}, {"pointer", told->why.pointer}}, {}};
    if (!told->match_id.empty())
      refused.members.emplace_back("matchId", told->match_id);
    answer.respond(std::move(refused));
    return;
  }
  auto topic = node.log->find_topic(told->at.where.topic);
  json body{{"outcome",
              told->what == document_outcome::kind::accepted ? "accepted"
                                                             : "duplicate"},
    {"kind", told->document_kind}, {"matchId", told->match_id},
    {"topic", topic ? topic->name : ""},
    {"partition", told->at.where.partition}, {"offset", told->at.at.value}};
  answer.respond_json(body.dump());
}

void take_document(
  const node_services& node, server_request request, responder answer) {
  if (auto full = node.disk_trouble()) {
    answer.respond(problem_of(*full));
    return;
  }
  if (request.body.empty()) {
    answer.respond(
      bad_request("the body is empty; send one match-v5 document"));
    return;
  }
  auto job = std::make_shared<ingest_job>();
  job->hash = content_hash(request.body);
  job->content = std::move(request.body);
  job->principal = "import";
  job->source = "file";
  job->answer = reply<document_outcome>{
    [&node, answer](const result<document_outcome>& told) {
      answer_document(node, answer, told);
    }};
  auto partition = partition_of(
    job->hash, static_cast<std::uint32_t>(node.ingest_actors.size()));
  caf::anon_send(
    node.ingest_actors[partition], ingest_atom::value, std::move(job));
}

// -- POST /v1/live ------------------------------------------------------------

/// The game that some player of an observation is known to be in.
std::optional<std::string> find_match(
  const node_services& node, const riot::live_observation& seen) {
  for (auto& who : seen.people) {
    if (who.game_name.empty())
      continue;
    auto id = node.people->find_riot_id(who.game_name + "#" + who.tag_line);
    if (!id)
      continue;
    if (auto match = node.matches->match_of_player(to_string(*id)))
      return *match;
  }
  return std::nullopt;
}

void take_live(
  const node_services& node, server_request request, responder answer) {
  if (auto full = node.disk_trouble()) {
    answer.respond(problem_of(*full));
    return;
  }
  auto body = json::parse(request.body, nullptr, false);
  if (!body.is_object() || !body.contains("allgamedata")
    || !body["allgamedata"].is_object()) {
    answer.respond(bad_request(
      "the body must be {\"matchId\"?: text, \"allgamedata\": object}"));
    return;
  }
  auto read = riot::read_live(body["allgamedata"].dump());
  if (!read) {
    answer.respond(problem{422, "document-refused", read.error().reason,
      {{"rule", read.error().rule},
        {"pointer", "/allgamedata" + read.error().pointer}},
      {}});
    return;
  }
  std::string match;
  if (auto given = body.find("matchId");
    given != body.end() && !given->is_null()) {
    if (!given->is_string() || !is_match_id(given->get_ref<std::string&>())) {
      answer.respond(bad_request(
        "\"matchId\" must be a platform and a game id, such as EUW1_123"));
      return;
    }
    match = given->get<std::string>();
  } else if (auto found = find_match(node, *read)) {
    match = *found;
  } else {
    answer.respond(problem{404, "match-unknown",
      "no running game of these players is known; name it with \"matchId\"", {},
      {}});
    return;
  }
  observe_live command;
  command.match_id = match;
  command.seen
    = std::make_shared<const riot::live_observation>(std::move(*read));
  command.observed_ms = node.time->now_ms();
  command.principal = "companion";
  for (auto& who : command.seen->people)
    if (auto id = node.people->find_riot_id(who.game_name + "#" + who.tag_line))
      command.player_ids[who.participant_id] = to_string(*id);
  auto message = std::make_shared<addressed_command<match_command>>();
  message->key = match;
  message->body = std::move(command);
  message->answer = reply<command_outcome>{
    [answer, match](const result<command_outcome>& told) {
      if (!told) {
        answer.respond(problem_of(told.error()));
      } else if (told->what == command_outcome::kind::refused) {
        answer.respond(problem{409, "conflict", told->why.reason, {}, {}});
      } else {
        bool news = told->what == command_outcome::kind::recorded;
        answer.respond_json(
          json{{"outcome", news ? "accepted" : "unchanged"}, {"matchId", match}}
            .dump(),
          202);
      }
    }};
  auto host
    = partition_of(match, static_cast<std::uint32_t>(node.match_hosts.size()));
  caf::anon_send(
    node.match_hosts[host], command_atom::value, std::move(message));
}

// -- queries ------------------------------------------------------------------

/// Runs `then` when the views know everything that is in the log now: a client
/// finds what it was told of. Here where they do, which is nearly always, else
/// on a thread that may wait.
void after_views(const node_services& node, task_pool& pool,
  const responder& answer, std::function<void()> then) {
  auto ends = node.matches->log_ends();
  if (node.matches->have(ends)) {
    then();
    return;
  }
  auto taken = pool.submit([&node, ends = std::move(ends), then] {
    node.matches->wait(ends);
    then();
  });
  if (!taken)
    answer.respond(problem{503, "busy",
      "too many queries wait for the views; come back in a second", {},
      std::chrono::seconds(1)});
}

void list_matches(
  const node_services& node, const server_request& request, responder answer) {
  std::string state{request.query_value("state").value_or("")};
  if (!state.empty() && state != "live" && state != "finished"
    && state != "aborted" && state != "unknown") {
    answer.respond(
      bad_request("\"state\" must be live, finished, aborted or unknown"));
    return;
  }
  std::size_t limit = list_limit_default;
  if (auto text = request.query_value("limit")) {
    auto parsed
      = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (parsed.ec != std::errc{} || parsed.ptr != text->data() + text->size()
      || limit < 1 || limit > list_limit_max) {
      answer.respond(bad_request(fmt::format(
        "\"limit\" must be a number from 1 to {}", list_limit_max)));
      return;
    }
  }
  auto entries = node.matches->list(state, limit);
  if (!entries) {
    answer.respond(problem_of(entries.error()));
    return;
  }
  server_response list;
  list.body = json{{"matches", std::move(*entries)}}.dump(
    -1, ' ', false, json::error_handler_t::replace);
  list.etag = "\"" + content_hash(list.body).substr(0, 32) + "\"";
  list.headers = {{"Cache-Control", "no-cache"}};
  answer.respond(std::move(list));
}

void show_match(
  const node_services& node, const server_request& request, responder answer) {
  auto& match = request.params.at("id");
  auto state = node.matches->state(match);
  if (!state) {
    answer.respond(problem_of(state.error()));
    return;
  }
  auto topic = node.log->find_topic("match");
  auto cursor = to_string(feed_cursor{node.log->incarnation(),
    {{partition_of(match, topic->partitions), state->second}}});
  server_response shown;
  shown.body
    = json{{"cursor", cursor}, {"state", std::move(state->first)}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
  shown.etag = "\"" + content_hash(shown.body).substr(0, 32) + "\"";
  shown.headers = {{"Cache-Control", "no-cache"}};
  answer.respond(std::move(shown));
}

void show_player(
  const node_services& node, const server_request& request, responder answer) {
  auto stats = player_stats(*node.views, *node.codec, request.params.at("id"));
  if (!stats)
    answer.respond(problem_of(stats.error()));
  else
    answer.respond_json(json_encode(*stats));
}

// -- exports ------------------------------------------------------------------

/// Collects lines into pieces and streams them, waiting for slow clients.
class line_stream {
public:
  explicit line_stream(body_stream stream) : stream_(std::move(stream)) {}

  /// False when the client is gone.
  bool write(std::string_view text) {
    piece_ += text;
    return piece_.size() < export_piece_bytes || flush();
  }

  void end() {
    if (flush())
      stream_.end();
  }

private:
  bool flush() {
    if (piece_.empty())
      return !gone_;
    if (gone_)
      return false;
    auto outcome = stream_.write(std::exchange(piece_, {}));
    if (outcome == body_stream::outcome::gone
      || (outcome == body_stream::outcome::wait && !stream_.wait_for_room(30s)))
      gone_ = true;
    return !gone_;
  }

  body_stream stream_;
  bytes piece_;
  bool gone_ = false;
};

/// A stream that is not ended is cut off, so the client sees the failure.
void report_export(const result<void>& done, line_stream& lines) {
  if (done)
    lines.end();
  else
    log_error(
      "export", "An export was cut off", {{"reason", done.error().message}});
}

void export_table(const node_services& node, bool minutes, line_stream& lines) {
  bool here = lines.write(
    minutes ? riot::minutes_csv_header() : riot::players_csv_header());
  auto done
    = node.matches->for_each_summary([&](const riot::match_summary& match,
                                       const riot::timeline_summary* timeline) {
        bytes text;
        if (!minutes)
          riot::append_players_csv(match, timeline, text);
        else if (timeline)
          riot::append_minutes_csv(match, *timeline, text);
        here = here && lines.write(text);
        return here;
      });
  report_export(done, lines);
}

void export_events(
  const node_services& node, const topic_info& topic, line_stream& lines) {
  result<void> done;
  bool here = true;
  for (std::uint32_t p = 0; p < topic.partitions && done && here; ++p) {
    partition_id where{topic.number, p};
    done = for_each_record(*node.log, where, node.log->log_start(where),
      node.log->committed_end(where),
      [&](const record_view& record) -> result<void> {
        auto event = cloud_event(*node.log, *node.codec, topic, p, record);
        if (!event)
          return std::unexpected(event.error());
        here = lines.write(*event) && lines.write("\n");
        if (!here)
          return fail(fault::unavailable, "the client is gone");
        return {};
      });
  }
  report_export(done, lines);
}

void run_export(const node_services& node, task_pool& pool,
  const responder& answer, std::string content_type,
  std::function<void(line_stream&)> work) {
  bool taken = pool.submit(
    [&node, answer, ends = node.matches->log_ends(),
      content_type = std::move(content_type), work = std::move(work)] {
      node.matches->wait(ends);
      server_response head;
      head.content_type = content_type;
      line_stream lines{answer.begin(std::move(head))};
      work(lines);
    });
  if (!taken)
    answer.respond(problem{503, "busy",
      "too many exports are waiting; come back in some seconds", {},
      std::chrono::seconds(5)});
}

/// False (and answered) when the format is not the one there is.
bool format_is(const server_request& request, std::string_view only,
  const responder& answer) {
  if (request.query_value("format").value_or(only) == only)
    return true;
  answer.respond(bad_request(fmt::format("\"format\" must be {}", only)));
  return false;
}

void add_exports(http_server& server, const node_services& node,
  std::shared_ptr<task_pool> pool) {
  for (bool minutes : {false, true})
    server.route("GET", minutes ? "/v1/export/minutes" : "/v1/export/players",
      [&node, pool, minutes](const server_request& request, responder answer) {
        if (format_is(request, "csv", answer))
          run_export(node, *pool, answer, "text/csv; charset=utf-8",
            [&node, minutes](
              line_stream& lines) { export_table(node, minutes, lines); });
      });
  server.route("GET", "/v1/export/events",
    [&node, pool](const server_request& request, responder answer) {
      if (!format_is(request, "jsonl", answer))
        return;
      std::string name{request.query_value("topic").value_or("")};
      auto topic = node.log->find_topic(name);
      if (!topic) {
        std::string names;
        for (auto& known : node.log->topics())
          names += (names.empty() ? "" : ", ") + known.name;
        answer.respond(problem{404, "not-found",
          fmt::format("there is no topic '{}'; there are {}", name, names), {},
          {}});
        return;
      }
      run_export(node, *pool, answer, "application/jsonl",
        [&node, topic = *topic](
          line_stream& lines) { export_events(node, topic, lines); });
    });
}

// -- the feed -----------------------------------------------------------------

/// A socket of the edge as the hub sees it.
class socket_sink final : public feed_sink {
public:
  socket_sink(web_socket_session_ptr session, std::size_t budget)
    : session_(std::move(session)), budget_(budget),
      text_(session_->subprotocol() == "herald.v1.json") {}

  bool send(std::shared_ptr<const bytes> frame) override {
    // The hub keeps the place of a slow reader in the log: its outbox is never
    // filled to the bound at which the edge closes it.
    auto queued = session_->outbox_bytes();
    if (queued > 0 && queued + frame->size() > budget_)
      return false;
    return session_->send(std::move(frame), text_) != send_outcome::full;
  }

  void close(std::uint16_t code, std::string reason) override {
    session_->close(static_cast<close_code>(code), reason);
  }

private:
  web_socket_session_ptr session_;
  std::size_t budget_;
  bool text_;
};

void add_feed(http_server& server, const node_services& node) {
  web_socket_endpoint endpoint;
  endpoint.subprotocols
    = {{"herald.v1.json", true}, {"herald.v1.msgpack", false}};
  endpoint.sessions_max = node.configuration->edge.max_connections;
  auto budget
    = static_cast<std::size_t>(node.configuration->edge.outbox_bytes / 2);
  endpoint.on_open = [&node, budget](const web_socket_session_ptr& session) {
    auto encoding = session->subprotocol() == "herald.v1.json"
      ? feed_encoding::json
      : feed_encoding::message_pack;
    session->owner_data
      = std::make_shared<feed_hub::connection_id>(node.feed->open(
        std::make_shared<socket_sink>(session, budget), encoding));
  };
  auto id_of = [](const web_socket_session_ptr& session) {
    return *std::static_pointer_cast<feed_hub::connection_id>(
      session->owner_data);
  };
  endpoint.on_message
    = [&node, id_of](const web_socket_session_ptr& session, bytes message) {
        node.feed->message(id_of(session), std::move(message));
      };
  endpoint.on_close = [&node, id_of](const web_socket_session_ptr& session,
                        close_code) { node.feed->closed(id_of(session)); };
  server.web_socket("/v1/feed", std::move(endpoint));
}

// -- health -------------------------------------------------------------------

void add_readiness(http_server& server, const node_services& node) {
  server.readiness("log", [&node]() -> std::optional<std::string> {
    if (auto failed = node.log->failed())
      return "the log has stopped: " + failed->message;
    if (auto trouble = node.writer->trouble())
      return "the log takes no writes: " + trouble->message;
    return std::nullopt;
  });
  server.readiness("disk", [&node]() -> std::optional<std::string> {
    if (auto full = node.disk_trouble())
      return full->message;
    return std::nullopt;
  });
  server.readiness("views", [&node]() -> std::optional<std::string> {
    if (auto failed = node.followers->failed())
      return "the views cannot be written: " + failed->message;
    for (auto& follower : node.followers->status())
      if (follower.stopped)
        return fmt::format("the view '{}' has stopped: {}", follower.name,
          follower.stopped->message);
    return std::nullopt;
  });
  server.readiness("vault", [&node]() -> std::optional<std::string> {
    if (auto failed = node.people->failed())
      return "the vault has stopped: " + failed->message;
    return std::nullopt;
  });
  server.readiness("actors", [&node]() -> std::optional<std::string> {
    for (auto& actor : node.tree->report())
      if (actor.state == "stopped")
        return fmt::format(
          "the actor {} has stopped: {}", actor.path, actor.last_failure);
    return std::nullopt;
  });
}

} // namespace

result<std::string> cloud_event(const event_log& log, const event_codec& codec,
  const topic_info& topic, std::uint32_t partition, const record_view& record) {
  auto seconds = record.timestamp_ms / 1000;
  std::string out;
  out += "{\"specversion\":\"1.0\",\"id\":";
  json_encode_string(fmt::format("{}@{}", partition, record.at.value), out);
  out += ",\"source\":";
  json_encode_string(
    fmt::format("urn:herald:{}:{}", log.cluster_id(), topic.name), out);
  out += ",\"time\":";
  json_encode_string(fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                       fmt::gmtime(seconds), record.timestamp_ms % 1000),
    out);
  if (record.key) {
    out += ",\"subject\":";
    json_encode_string(*record.key, out);
  }
  auto headers = decode_headers(record, log);
  if (headers.causation) {
    auto cause = log.find_topic(headers.causation->where.topic);
    out += ",\"causation\":";
    json_encode_string(
      fmt::format("{}/{}@{}", cause ? cause->name : "?",
        headers.causation->where.partition, headers.causation->at.value),
      out);
  }
  auto value = record.value.value_or("");
  auto is_event = holds_events(topic.name);
  if (is_event) {
    auto event = codec.decode(value);
    if (!event)
      return fail(event.error().code,
        fmt::format("{}/{}@{}: {}", topic.name, partition, record.at.value,
          event.error().message));
    out += ",\"type\":";
    json_encode_string(fmt::format("herald.{}", name_of(*event)), out);
    out += ",\"datacontenttype\":\"application/json\",\"data\":";
    std::visit(
      [&](auto& which) {
        json_encode(type_of<std::decay_t<decltype(which)>>(), &which, out);
      },
      *event);
  } else {
    out += ",\"type\":";
    json_encode_string("herald." + topic.name, out);
    if (topic.name == schemas_topic && json::accept(value)) {
      out += ",\"datacontenttype\":\"application/json\",\"data\":";
      out += value;
    } else {
      out += ",\"datacontenttype\":\"application/octet-stream\","
             "\"data_base64\":";
      binary data{bytes{value}};
      json_encode(type_of<binary>(), &data, out);
    }
  }
  out += '}';
  return out;
}

void add_http_api(http_server& server, const node_services& node) {
  server.route("POST", "/v1/documents",
    [&node](server_request request, responder answer) {
      take_document(node, std::move(request), std::move(answer));
    },
    {node.configuration->edge.max_document_bytes});
  server.route("POST", "/v1/live",
    [&node](server_request request, responder answer) {
      take_live(node, std::move(request), std::move(answer));
    },
    {live_body_bytes_max});
  auto queries
    = std::make_shared<task_pool>(query_threads, queries_waiting_max);
  server.route("GET", "/v1/matches",
    [&node, queries](const server_request& request, responder answer) {
      after_views(node, *queries, answer,
        [&node, request, answer] { list_matches(node, request, answer); });
    });
  server.route("GET", "/v1/matches/{id}",
    [&node, queries](const server_request& request, responder answer) {
      after_views(node, *queries, answer,
        [&node, request, answer] { show_match(node, request, answer); });
    });
  server.route("GET", "/v1/players/{id}",
    [&node](const server_request& request, responder answer) {
      show_player(node, request, std::move(answer));
    });
  add_exports(server, node,
    std::make_shared<task_pool>(export_threads, exports_waiting_max));
  add_feed(server, node);
  add_readiness(server, node);
}

} // namespace herald
