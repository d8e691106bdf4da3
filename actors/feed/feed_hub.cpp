#include "actors/feed/feed_hub.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <unordered_map>
#include <vector>

namespace herald {

namespace {

using nlohmann::json;

constexpr std::string_view list_channel = "*";
constexpr std::string_view replay_channel = "replay:";
constexpr std::size_t id_bytes_max = 128;
constexpr std::size_t match_bytes_max = 64;
// Events that one catching-up subscriber gets before the next has its turn.
constexpr std::size_t catch_up_count = 64;

struct subscription {
  std::string id;
  std::string match;
  std::uint32_t partition = 0;
  /// The first offset that the subscriber has not been sent.
  offset next;
  /// Served from the log until it has caught up with the hub.
  bool catching_up = false;
  /// A snapshot is owed as soon as the socket has room and the view knows what
  /// the log held when the client asked.
  bool snapshot_due = false;
  offset view_at_least;
  /// It got an error and gets nothing more.
  bool ended = false;
  /// Since when the socket has taken nothing of what is owed.
  std::optional<std::int64_t> stalled_since_ms;
};

struct list_subscription {
  std::string id;
  bool snapshot_due = true;
  /// What the view must know before the snapshot, by partition.
  std::vector<offset> view_at_least;
  /// Where the subscriber stands; only read when it comes back.
  feed_cursor from;
  bool resume = false;
};

/// Of a replay; it stands nowhere, the replay comes to it.
struct replay_subscription {
  std::string match;
  /// It sees the next piece that has a state, and what follows.
  bool snapshot_due = true;
  /// It missed something of the replay that runs.
  bool behind = false;
};

struct connection {
  std::shared_ptr<feed_sink> sink;
  feed_encoding encoding = feed_encoding::json;
  std::map<std::string, subscription> matches;
  std::map<std::string, list_subscription> lists;
  std::map<std::string, replay_subscription> replays;
  std::size_t subscriptions() const {
    return matches.size() + lists.size() + replays.size();
  }
  bool holds(const std::string& id) const {
    return matches.contains(id) || lists.contains(id) || replays.contains(id);
  }
};

/// Frames of one event, encoded once per encoding and subscription id: a
/// thousand viewers whose page uses the same id share one frame.
class frame_cache {
public:
  std::shared_ptr<const bytes> get(feed_encoding encoding,
    const std::string& id, const std::function<json()>& make) {
    auto& slot = frames_[{encoding, id}];
    if (!slot)
      slot = encode(encoding, make());
    return slot;
  }

  static std::shared_ptr<const bytes> encode(
    feed_encoding encoding, const json& frame) {
    if (encoding == feed_encoding::json)
      return std::make_shared<const bytes>(
        frame.dump(-1, ' ', false, json::error_handler_t::replace));
    bytes out;
    json::to_msgpack(frame, nlohmann::detail::output_adapter<char>(out));
    return std::make_shared<const bytes>(std::move(out));
  }

private:
  std::map<std::pair<feed_encoding, std::string>, std::shared_ptr<const bytes>>
    frames_;
};

} // namespace

class feed_hub::implementation {
public:
  implementation(feed_source* source, std::function<std::int64_t()> now_ms,
    feed_limits limits)
    : source_(source), now_ms_(std::move(now_ms)), limits_(limits),
      read_to_(source->partitions()), committed_(source->partitions()) {
    for (std::uint32_t p = 0; p < source_->partitions(); ++p)
      committed_[p] = read_to_[p] = source_->committed_end(p);
  }

  // -- any thread -------------------------------------------------------------

  struct input {
    enum class kind { open, message, closed } what;
    connection_id from;
    std::shared_ptr<feed_sink> sink;
    feed_encoding encoding = feed_encoding::json;
    bytes frame;
  };

  connection_id open(std::shared_ptr<feed_sink> sink, feed_encoding encoding) {
    std::lock_guard guard{mutex_};
    auto id = ++last_connection_;
    inputs_.push_back({input::kind::open, id, std::move(sink), encoding, {}});
    wake_.notify_one();
    return id;
  }

  void message(connection_id from, bytes frame) {
    std::lock_guard guard{mutex_};
    if (inputs_.size() >= limits_.messages_waiting_max) {
      overrun_.insert(from);
    } else {
      inputs_.push_back({input::kind::message, from, nullptr,
        feed_encoding::json, std::move(frame)});
    }
    wake_.notify_one();
  }

  void closed(connection_id from) {
    std::lock_guard guard{mutex_};
    inputs_.push_back(
      {input::kind::closed, from, nullptr, feed_encoding::json, {}});
    wake_.notify_one();
  }

  void committed(std::uint32_t partition, offset end) {
    std::lock_guard guard{mutex_};
    if (committed_[partition] < end)
      committed_[partition] = end;
    moved_ = true;
    wake_.notify_one();
  }

  replay_demand demand_of(const std::string& match) const {
    std::lock_guard guard{mutex_};
    auto found = demand_.find(match);
    return found == demand_.end() ? replay_demand::none : found->second;
  }

  bool replay(replayed_piece piece) {
    std::lock_guard guard{mutex_};
    if (replayed_.size() >= limits_.replayed_waiting_max)
      return false;
    replayed_.push_back(std::move(piece));
    wake_.notify_one();
    return true;
  }

  void view_moved() {
    std::lock_guard guard{mutex_};
    moved_ = true;
    wake_.notify_one();
  }

  void start() {
    thread_ = std::thread{[this] { run(); }};
  }

  void stop() {
    {
      std::lock_guard guard{mutex_};
      stopping_ = true;
      wake_.notify_one();
    }
    if (thread_.joinable())
      thread_.join();
  }

  feed_counts counts() const {
    feed_counts now;
    now.connections = connection_count_;
    now.subscriptions = subscription_count_;
    now.frames = frames_;
    now.snapshots = snapshots_;
    now.lagging = lagging_;
    now.closed_slow = closed_slow_;
    return now;
  }

  // -- the hub's thread -------------------------------------------------------

  void turn() {
    std::deque<input> inputs;
    std::set<connection_id> overrun;
    std::vector<offset> ends;
    std::deque<replayed_piece> replayed;
    {
      std::lock_guard guard{mutex_};
      inputs.swap(inputs_);
      replayed.swap(replayed_);
      overrun.swap(overrun_);
      ends = committed_;
      moved_ = false;
    }
    for (auto id : overrun)
      if (auto found = connections_.find(id); found != connections_.end())
        found->second.sink->close(1013, "the feed has no room; come back");
    for (auto& next : inputs)
      take(next);
    for (std::uint32_t p = 0; p < ends.size(); ++p)
      deliver(p, ends[p]);
    for (auto& piece : replayed)
      show(piece);
    serve_owed();
    serve_lists();
    connection_count_ = connections_.size();
  }

private:
  void run() {
    for (;;) {
      {
        std::unique_lock lock{mutex_};
        auto pending = [this] {
          return stopping_ || moved_ || !inputs_.empty() || !overrun_.empty()
            || !replayed_.empty();
        };
        if (owed_)
          wake_.wait_for(lock, std::chrono::milliseconds(10), pending);
        else if (!changed_.empty())
          wake_.wait_for(lock, std::chrono::milliseconds(50), pending);
        else
          wake_.wait(lock, pending);
        if (stopping_)
          return;
      }
      turn();
    }
  }

  void take(input& next) {
    if (next.what == input::kind::open) {
      connection fresh;
      fresh.sink = std::move(next.sink);
      fresh.encoding = next.encoding;
      connections_.emplace(next.from, std::move(fresh));
      return;
    }
    auto found = connections_.find(next.from);
    if (found == connections_.end())
      return;
    if (next.what == input::kind::closed) {
      for (auto& [id, held] : found->second.matches)
        forget(next.from, held);
      for (auto& [id, held] : found->second.replays)
        forget_replay(next.from, id, held.match);
      lists_ -= found->second.lists.size();
      subscription_count_ -= found->second.subscriptions();
      connections_.erase(found);
      return;
    }
    obey(next.from, found->second, next.frame);
  }

  // -- what clients send ------------------------------------------------------

  void obey(connection_id from, connection& peer, const bytes& frame) {
    json message = peer.encoding == feed_encoding::json
      ? json::parse(frame, nullptr, false)
      : json::from_msgpack(frame, true, false);
    if (!message.is_object())
      return error(peer, "", "bad_frame",
        peer.encoding == feed_encoding::json
          ? "a frame must be a JSON object"
          : "a frame must be a MessagePack map");
    auto text = [&](const char* member) -> const std::string* {
      auto found = message.find(member);
      return found != message.end() && found->is_string()
        ? found->get_ptr<const std::string*>()
        : nullptr;
    };
    auto* id = text("id");
    if (!id || id->empty() || id->size() > id_bytes_max)
      return error(peer, "", "bad_frame",
        fmt::format(
          "a frame needs \"id\", a text of 1 to {} bytes", id_bytes_max));
    auto* type = text("type");
    if (type && *type == "subscribe")
      return subscribe(from, peer, *id, message);
    if (type && *type == "unsubscribe")
      return unsubscribe(from, peer, *id);
    error(peer, *id, "bad_frame",
      "\"type\" must be \"subscribe\" or \"unsubscribe\"");
  }

  void subscribe(connection_id from, connection& peer, const std::string& id,
    const json& message) {
    // One that ended with an error makes room for its successor.
    if (auto old = peer.matches.find(id);
      old != peer.matches.end() && old->second.ended)
      unsubscribe(from, peer, id);
    if (peer.holds(id))
      return error(peer, id, "id_in_use",
        "this id has a subscription already; unsubscribe it first");
    if (peer.subscriptions() >= limits_.subscriptions_per_connection)
      return error(peer, id, "too_many_subscriptions",
        fmt::format("a connection may hold {} subscriptions; open another one "
                    "or unsubscribe",
          limits_.subscriptions_per_connection));
    auto match = message.find("match");
    if (match == message.end() || !match->is_string()
      || match->get_ref<const std::string&>().empty()
      || match->get_ref<const std::string&>().size() > match_bytes_max)
      return error(peer, id, "bad_frame",
        "\"match\" must be a match id such as \"EUW1_123\", or \"*\" for the "
        "list of matches");
    std::optional<feed_cursor> cursor;
    if (auto given = message.find("cursor");
      given != message.end() && !given->is_null()) {
      if (!given->is_string())
        return error(peer, id, "cursor_invalid", "\"cursor\" must be a text");
      auto parsed = parse_cursor(given->get_ref<const std::string&>());
      if (!parsed)
        return error(peer, id, "cursor_invalid", parsed.error().message);
      if (parsed->incarnation != source_->incarnation())
        return error(peer, id, "cursor_foreign",
          "the cursor is of another incarnation of the log (it was restored, "
          "or this is another node); subscribe without a cursor");
      cursor = std::move(*parsed);
    }
    auto& name = match->get_ref<const std::string&>();
    if (name.starts_with(replay_channel))
      subscribe_replay(from, peer, id, name, cursor.has_value());
    else if (name == list_channel)
      subscribe_list(peer, id, std::move(cursor));
    else
      subscribe_match(from, peer, id, name, cursor);
  }

  void subscribe_match(connection_id from, connection& peer,
    const std::string& id, const std::string& match,
    const std::optional<feed_cursor>& cursor) {
    subscription fresh;
    fresh.id = id;
    fresh.match = match;
    fresh.partition = source_->partition_of(match);
    fresh.view_at_least = source_->committed_end(fresh.partition);
    bool gap = false;
    if (cursor) {
      if (cursor->entries.size() != 1
        || cursor->entries[0].partition != fresh.partition)
        return error(
          peer, id, "cursor_invalid", "the cursor belongs to another channel");
      fresh.next = cursor->entries[0].next;
      if (fresh.next > read_to_[fresh.partition]
        && fresh.next > source_->committed_end(fresh.partition))
        return error(peer, id, "cursor_future",
          "the cursor is ahead of the log; subscribe without a cursor");
      fresh.catching_up = true;
      gap = fresh.next < source_->log_start(fresh.partition);
    }
    if (!cursor || gap)
      fresh.snapshot_due = true;
    if (gap)
      send(peer,
        {{"type", "gap"}, {"id", id}, {"match", match},
          {"cursor", cursor_text(fresh.partition, fresh.next)},
          {"reason",
            "retention has removed events after the cursor; "
            "a snapshot follows"}});
    followers_[match].insert({from, id});
    auto& held = peer.matches.emplace(id, std::move(fresh)).first->second;
    ++subscription_count_;
    serve(peer, held);
  }

  void subscribe_list(connection& peer, const std::string& id,
    std::optional<feed_cursor> cursor) {
    list_subscription fresh;
    fresh.id = id;
    if (cursor) {
      if (cursor->entries.size() != source_->partitions())
        return error(
          peer, id, "cursor_invalid", "the cursor belongs to another channel");
      for (auto& entry : cursor->entries)
        if (entry.partition >= source_->partitions()
          || entry.next > source_->committed_end(entry.partition))
          return error(peer, id, "cursor_future",
            "the cursor is ahead of the log; subscribe without a cursor");
      fresh.snapshot_due = false;
      fresh.resume = true;
      fresh.from = std::move(*cursor);
    }
    for (std::uint32_t p = 0; p < source_->partitions(); ++p)
      fresh.view_at_least.push_back(source_->committed_end(p));
    ++lists_;
    ++subscription_count_;
    auto& held = peer.lists.emplace(id, std::move(fresh)).first->second;
    serve_list(peer, held);
  }

  void subscribe_replay(connection_id from, connection& peer,
    const std::string& id, const std::string& channel, bool with_cursor) {
    if (with_cursor)
      return error(peer, id, "cursor_invalid",
        "a replay cannot be resumed by a cursor; subscribe without one");
    auto match = channel.substr(replay_channel.size());
    if (match.empty())
      return error(peer, id, "bad_frame",
        "name the match whose replay is meant, such as \"replay:EUW1_123\"");
    peer.replays.emplace(id, replay_subscription{match});
    replay_followers_[match].insert({from, id});
    ++subscription_count_;
    note_demand(match);
  }

  void forget_replay(
    connection_id from, const std::string& id, const std::string& match) {
    auto found = replay_followers_.find(match);
    if (found == replay_followers_.end())
      return;
    found->second.erase({from, id});
    if (found->second.empty())
      replay_followers_.erase(found);
    note_demand(match);
  }

  void unsubscribe(
    connection_id from, connection& peer, const std::string& id) {
    if (auto found = peer.matches.find(id); found != peer.matches.end()) {
      forget(from, found->second);
      peer.matches.erase(found);
      --subscription_count_;
    } else if (auto replay = peer.replays.find(id);
      replay != peer.replays.end()) {
      auto match = replay->second.match;
      peer.replays.erase(replay);
      --subscription_count_;
      forget_replay(from, id, match);
    } else if (peer.lists.erase(id) > 0) {
      --lists_;
      --subscription_count_;
    } else {
      error(peer, id, "id_unknown", "no subscription has this id");
    }
  }

  void forget(connection_id from, const subscription& held) {
    auto found = followers_.find(held.match);
    if (found == followers_.end())
      return;
    found->second.erase({from, held.id});
    if (found->second.empty())
      followers_.erase(found);
  }

  // -- what the log brings ----------------------------------------------------

  /// Reads what is new in a partition once and hands it to everybody who
  /// follows a match in it.
  void deliver(std::uint32_t partition, offset end) {
    while (read_to_[partition] < end) {
      if (followers_.empty() && lists_ == 0) {
        read_to_[partition] = end;
        return;
      }
      offset reached = read_to_[partition];
      auto events = source_->read(
        partition, read_to_[partition], end,
        [this](std::string_view match) {
          return followers_.contains(std::string{match});
        },
        reached);
      if (!events || reached == read_to_[partition]) {
        // The subscribers of this partition find the damage by themselves
        // when they are served from the log; nothing is skipped in silence.
        report_damage(partition,
          events ? failure{fault::damaged, "no progress"} : events.error());
        read_to_[partition] = end;
        return;
      }
      for (auto& event : *events) {
        if (lists_ > 0)
          note_change(partition, event.match, event.at);
        if (event.patch)
          publish(partition, event);
      }
      read_to_[partition] = reached;
    }
  }

  void publish(std::uint32_t partition, const feed_event& event) {
    auto found = followers_.find(event.match);
    if (found == followers_.end())
      return;
    frame_cache frames;
    for (auto& [from, id] : found->second) {
      auto& peer = connections_.at(from);
      auto& held = peer.matches.at(id);
      if (held.ended || held.catching_up || held.snapshot_due
        || event.at < held.next)
        continue;
      auto frame = frames.get(
        peer.encoding, id, [&] { return update_frame(id, partition, event); });
      if (peer.sink->send(frame)) {
        held.next = event.at.next();
        ++frames_;
      } else {
        held.catching_up = true;
      }
    }
  }

  json update_frame(const std::string& id, std::uint32_t partition,
    const feed_event& event) const {
    return {{"type", "update"}, {"id", id}, {"match", event.match},
      {"cursor", cursor_text(partition, event.at.next())},
      {"event", event.name}, {"time", event.time_ms}, {"patch", *event.patch}};
  }

  void report_damage(std::uint32_t partition, const failure& why) {
    for (auto& [match, followers] : followers_)
      for (auto& [from, id] : followers) {
        auto& peer = connections_.at(from);
        auto& held = peer.matches.at(id);
        if (held.partition == partition)
          fail_subscription(peer, held, why);
      }
  }

  // -- replays ----------------------------------------------------------------

  /// Tells the replay's thread what the subscribers of a match wait for.
  void note_demand(const std::string& match) {
    auto demand = replay_demand::none;
    if (auto found = replay_followers_.find(match);
      found != replay_followers_.end()) {
      demand = replay_demand::events;
      for (auto& [from, id] : found->second)
        if (held_replay(from, id).snapshot_due)
          demand = replay_demand::state;
    }
    std::lock_guard guard{mutex_};
    if (demand == replay_demand::none)
      demand_.erase(match);
    else
      demand_[match] = demand;
  }

  replay_subscription& held_replay(connection_id from, const std::string& id) {
    return connections_.at(from).replays.at(id);
  }

  void show(const replayed_piece& piece) {
    auto found = replay_followers_.find(piece.match);
    if (found == replay_followers_.end())
      return;
    for (auto& [from, id] : found->second) {
      auto& peer = connections_.at(from);
      auto& held = peer.replays.at(id);
      if (held.snapshot_due && piece.state)
        held.snapshot_due = !send_replay_state(peer, id, held, piece);
      if (!held.snapshot_due && piece.event
        && !send(peer, replay_update(id, piece)))
        held.snapshot_due = held.behind = true;
      if (piece.last) {
        send(peer, replay_frame("replay-ended", id, piece.match));
        held = replay_subscription{piece.match};
      }
    }
    note_demand(piece.match);
  }

  bool send_replay_state(connection& peer, const std::string& id,
    replay_subscription& held, const replayed_piece& piece) {
    if (held.behind) {
      auto gap = replay_frame("gap", id, piece.match);
      gap["reason"] = "the replay is faster than this connection; a snapshot "
                      "of where it is follows";
      if (!send(peer, gap))
        return false;
    }
    auto frame = replay_frame("snapshot", id, piece.match);
    frame["position"]
      = fmt::format("{}:{}", piece.partition, piece.state_next.value);
    frame["state"] = *piece.state;
    held.behind = !send(peer, frame);
    return !held.behind;
  }

  static json replay_frame(
    std::string_view type, const std::string& id, const std::string& match) {
    return {{"type", type}, {"id", id},
      {"match", std::string{replay_channel} + match}, {"replay", true}};
  }

  static json replay_update(
    const std::string& id, const replayed_piece& piece) {
    auto frame = replay_frame("update", id, piece.match);
    frame["position"]
      = fmt::format("{}:{}", piece.partition, piece.event->at.next().value);
    frame["event"] = piece.event->name;
    frame["time"] = piece.event->time_ms;
    frame["patch"] = *piece.event->patch;
    return frame;
  }

  // -- those who are owed something -------------------------------------------

  void serve_owed() {
    owed_ = false;
    std::uint64_t lagging = 0;
    auto now = now_ms_();
    for (auto& [id, peer] : connections_) {
      for (auto& [name, held] : peer.matches) {
        if (!held.catching_up && !held.snapshot_due) {
          held.stalled_since_ms.reset();
          continue;
        }
        if (serve(peer, held))
          held.stalled_since_ms.reset();
        else if (!held.stalled_since_ms)
          held.stalled_since_ms = now;
        else if (now - *held.stalled_since_ms >= limits_.stalled_ms) {
          ++closed_slow_;
          held.stalled_since_ms = now;
          peer.sink->close(4408, "too slow; come back with the last cursor");
        }
        if (held.catching_up || held.snapshot_due) {
          ++lagging;
          owed_ = true;
        }
      }
    }
    lagging_ = lagging;
  }

  /// Sends what a subscription is owed as far as its socket takes it. True
  /// when it took something or nothing is owed.
  bool serve(connection& peer, subscription& held) {
    bool progress = false;
    if (held.snapshot_due) {
      if (source_->view_cursor(held.partition) < held.view_at_least) {
        owed_ = true;
        return true;
      }
      auto now = source_->snapshot(held.match);
      if (!now) {
        fail_subscription(peer, held, now.error());
        return true;
      }
      if (!send(peer,
            {{"type", "snapshot"}, {"id", held.id}, {"match", held.match},
              {"cursor", cursor_text(held.partition, now->next)},
              {"state", *now->state}}))
        return false;
      ++snapshots_;
      held.snapshot_due = false;
      held.catching_up = true;
      held.next = now->next;
      progress = true;
    }
    if (!held.catching_up)
      return true;
    auto end = read_to_[held.partition];
    if (held.next >= end) {
      held.catching_up = false;
      return true;
    }
    offset reached = held.next;
    auto events
      = source_->events_of(held.match, held.next, end, catch_up_count, reached);
    if (!events) {
      fail_subscription(peer, held, events.error());
      return true;
    }
    for (auto& event : *events) {
      if (!send(peer, update_frame(held.id, held.partition, event)))
        return progress;
      held.next = event.at.next();
      progress = true;
    }
    held.next = std::max(held.next, reached);
    if (held.next >= end)
      held.catching_up = false;
    else
      owed_ = true;
    return true;
  }

  /// The subscription cannot go on; its client is told and may try again.
  void fail_subscription(
    connection& peer, subscription& held, const failure& why) {
    if (why.code == fault::not_found)
      error(peer, held.id, "match_unknown",
        "no event names the match " + held.match + " yet");
    else
      error(peer, held.id, to_string(why.code), why.message,
        cursor_text(held.partition, held.next));
    held.catching_up = held.snapshot_due = false;
    held.ended = true;
  }

  // -- the list of matches ----------------------------------------------------

  void note_change(
    std::uint32_t partition, const std::string& match, offset at) {
    auto& change = changed_[match];
    change = {partition, at.next()};
  }

  void serve_lists() {
    for (auto& [id, peer] : connections_)
      for (auto& [name, held] : peer.lists)
        if (held.snapshot_due || held.resume)
          serve_list(peer, held);
    auto now = now_ms_();
    if (changed_.empty() || now - listed_ms_ < limits_.list_interval_ms)
      return;
    auto summaries = json::array();
    for (auto i = changed_.begin(); i != changed_.end();) {
      // The view must have seen the change that is announced.
      if (source_->view_cursor(i->second.first) < i->second.second) {
        ++i;
        continue;
      }
      if (auto summary = source_->summary(i->first))
        summaries.push_back(std::move(*summary));
      i = changed_.erase(i);
    }
    if (summaries.empty())
      return;
    listed_ms_ = now;
    publish_list(summaries);
  }

  void publish_list(const json& summaries) {
    frame_cache frames;
    auto cursor = to_string(view_position());
    for (auto& [id, peer] : connections_) {
      for (auto& [name, held] : peer.lists) {
        if (held.snapshot_due)
          continue;
        auto frame = frames.get(peer.encoding, name,
          [&] { return list_frame(name, cursor, summaries); });
        // A list that fell behind begins anew with a snapshot: its rows are
        // states, not events, so nothing is lost.
        if (peer.sink->send(frame))
          ++frames_;
        else
          held.snapshot_due = owed_ = true;
      }
    }
  }

  json list_frame(const std::string& id, const std::string& cursor,
    const json& summaries) const {
    return {{"type", "update"}, {"id", id}, {"match", list_channel},
      {"cursor", cursor},
      {"patch",
        {{"set", json::object()}, {"upsert", {{"matches", summaries}}}}}};
  }

  void serve_list(connection& peer, list_subscription& held) {
    if (held.resume) {
      auto summaries = changes_since(held.from);
      if (!summaries) {
        held.resume = false;
        held.snapshot_due = true;
        send(peer,
          {{"type", "gap"}, {"id", held.id}, {"match", list_channel},
            {"cursor", to_string(held.from)},
            {"reason", summaries.error().message}});
      } else if (summaries->empty()
        || send(
          peer, list_frame(held.id, to_string(view_position()), *summaries))) {
        held.resume = false;
      } else {
        owed_ = true;
      }
    }
    if (!held.snapshot_due)
      return;
    for (std::uint32_t p = 0; p < held.view_at_least.size(); ++p)
      if (source_->view_cursor(p) < held.view_at_least[p]) {
        owed_ = true;
        return;
      }
    auto now = source_->list();
    if (!now) {
      error(peer, held.id, to_string(now.error().code), now.error().message);
      held.snapshot_due = false;
      return;
    }
    if (send(peer,
          {{"type", "snapshot"}, {"id", held.id}, {"match", list_channel},
            {"cursor", to_string(now->second)}, {"state", *now->first}})) {
      held.snapshot_due = false;
      ++snapshots_;
    } else {
      owed_ = true;
    }
  }

  /// The summaries of all matches with an event after the cursor; a failure
  /// when there is too much of it to read.
  result<json> changes_since(const feed_cursor& from) {
    constexpr std::uint64_t events_max = 20'000;
    std::uint64_t events = 0;
    std::set<std::string> matches;
    for (auto& entry : from.entries) {
      auto end = source_->view_cursor(entry.partition);
      if (entry.next < source_->log_start(entry.partition))
        return fail(fault::not_found,
          "retention has removed events after the cursor; a snapshot follows");
      for (auto at = entry.next; at < end;) {
        offset reached = at;
        auto read = source_->read(
          entry.partition, at, end, [](std::string_view) { return false; },
          reached);
        if (!read)
          return std::unexpected(read.error());
        events += read->size();
        if (reached == at || events > events_max)
          return fail(fault::too_large,
            "more events than the list keeps track of lie after the cursor; a "
            "snapshot follows");
        for (auto& event : *read)
          matches.insert(event.match);
        at = reached;
      }
    }
    auto summaries = json::array();
    for (auto& match : matches)
      if (auto summary = source_->summary(match))
        summaries.push_back(std::move(*summary));
    return summaries;
  }

  feed_cursor view_position() {
    feed_cursor cursor{source_->incarnation(), {}};
    for (std::uint32_t p = 0; p < source_->partitions(); ++p)
      cursor.entries.push_back({p, source_->view_cursor(p)});
    return cursor;
  }

  // -- frames -----------------------------------------------------------------

  std::string cursor_text(std::uint32_t partition, offset next) const {
    return to_string(feed_cursor{source_->incarnation(), {{partition, next}}});
  }

  bool send(connection& peer, const json& frame) {
    if (!peer.sink->send(frame_cache::encode(peer.encoding, frame)))
      return false;
    ++frames_;
    return true;
  }

  void error(connection& peer, const std::string& id, std::string_view code,
    const std::string& message, std::string cursor = {}) {
    json frame{
      {"type", "error"}, {"id", id}, {"code", code}, {"message", message}};
    frame["cursor"] = cursor.empty() ? json(nullptr) : json(cursor);
    send(peer, frame);
  }

  feed_source* source_;
  std::function<std::int64_t()> now_ms_;
  feed_limits limits_;

  // Shared with the other threads.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<input> inputs_;
  std::deque<replayed_piece> replayed_;
  /// What replays find in demand, by match.
  std::map<std::string, replay_demand> demand_;
  std::set<connection_id> overrun_;
  bool moved_ = false;
  bool stopping_ = false;
  connection_id last_connection_ = 0;
  std::thread thread_;

  // The hub's thread alone.
  std::unordered_map<connection_id, connection> connections_;
  std::unordered_map<std::string,
    std::set<std::pair<connection_id, std::string>>>
    followers_;
  std::map<std::string, std::set<std::pair<connection_id, std::string>>>
    replay_followers_;
  /// Up to where each partition has been handed out.
  std::vector<offset> read_to_;
  /// With the mutex: up to where each partition is committed.
  std::vector<offset> committed_;
  /// Matches that changed since the lists were told, with the place.
  std::map<std::string, std::pair<std::uint32_t, offset>> changed_;
  std::size_t lists_ = 0;
  std::int64_t listed_ms_ = 0;
  bool owed_ = false;

  std::atomic<std::uint64_t> connection_count_{0}, subscription_count_{0},
    frames_{0}, snapshots_{0}, lagging_{0}, closed_slow_{0};
};

feed_hub::feed_hub(
  feed_source* source, std::function<std::int64_t()> now_ms, feed_limits limits)
  : implementation_(
      std::make_unique<implementation>(source, std::move(now_ms), limits)) {}

feed_hub::~feed_hub() {
  implementation_->stop();
}

void feed_hub::start() {
  implementation_->start();
}
void feed_hub::stop() {
  implementation_->stop();
}

feed_hub::connection_id feed_hub::open(
  std::shared_ptr<feed_sink> sink, feed_encoding encoding) {
  return implementation_->open(std::move(sink), encoding);
}

void feed_hub::message(connection_id from, bytes frame) {
  implementation_->message(from, std::move(frame));
}

void feed_hub::closed(connection_id connection) {
  implementation_->closed(connection);
}

void feed_hub::committed(std::uint32_t partition, offset end) {
  implementation_->committed(partition, end);
}

void feed_hub::view_moved() {
  implementation_->view_moved();
}

feed_hub::replay_demand feed_hub::demand_of(const std::string& match) const {
  return implementation_->demand_of(match);
}

bool feed_hub::replay(replayed_piece piece) {
  return implementation_->replay(std::move(piece));
}

void feed_hub::turn() {
  implementation_->turn();
}
feed_counts feed_hub::counts() const {
  return implementation_->counts();
}

} // namespace herald
