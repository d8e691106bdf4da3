#include "actors/gateway/gateway.hpp"

#include "actors/gateway/routing.hpp"
#include "engine/base/logging.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace herald {

namespace {

using nlohmann::json;

constexpr unsigned attempts_max = 12;
constexpr std::int64_t first_retry_ms = 1'000;
constexpr std::int64_t last_retry_ms = 5 * 60'000;
/// Riot counts from its own clock: a little more than it says.
constexpr std::int64_t retry_after_slack_ms = 500;
/// Without a Retry-After, and for every 5xx of a route.
constexpr std::int64_t default_block_ms = 2'000;
constexpr std::size_t settled_max = 100'000;
constexpr int listed_matches = 20;

std::int64_t backoff(unsigned failures) {
  return std::min(last_retry_ms, first_retry_ms << std::min(failures, 12u));
}

/// The average distance between two calls that the limits allow, in ms:
/// "20:1,100:120" are 20 calls in 1 s and 100 in 120 s.
std::int64_t spacing_ms(std::string_view limits) {
  std::int64_t spacing = 0;
  while (!limits.empty()) {
    auto comma = limits.find(',');
    auto window = limits.substr(0, comma);
    limits = comma == limits.npos ? "" : limits.substr(comma + 1);
    while (window.starts_with(' '))
      window.remove_prefix(1);
    auto colon = window.find(':');
    if (colon == window.npos)
      continue;
    std::int64_t calls = 0, seconds = 0;
    std::from_chars(window.data(), window.data() + colon, calls);
    std::from_chars(
      window.data() + colon + 1, window.data() + window.size(), seconds);
    if (calls > 0 && seconds > 0)
      spacing = std::max(spacing, (seconds * 1000 + calls - 1) / calls);
  }
  return spacing;
}

} // namespace

riot_gateway::riot_gateway(
  const riot_settings& settings, gateway_services services)
  : settings_(settings), services_(std::move(services)) {
  for (auto& who : settings.players)
    players_.push_back({who, "", 0, 0, 0, 0, ""});
  status_.on = true;
  status_.players = players_.size();
}

gateway_status riot_gateway::status() const {
  std::lock_guard guard{mutex_};
  return status_;
}

std::int64_t riot_gateway::turn() {
  constexpr std::int64_t idle_ms = 250;
  {
    std::lock_guard guard{mutex_};
    if (!status_.stopped.empty())
      return 60'000;
    status_.waiting_matches = wanted_.size();
  }
  auto now = services_.steady_ms();
  // Running games first: they are what somebody watches. Finished ones wait
  // for no one.
  if (turn_players(now) == 0)
    return 0;
  auto earliest = now + idle_ms;
  for (auto i = wanted_.begin(); i != wanted_.end(); ++i) {
    auto& [match, which] = *i;
    if (which.at > now || !allowed(which.route, now, earliest))
      continue;
    auto name = match;
    fetch(name, which);
    if (which.match && which.timeline) {
      settled_.insert(name);
      wanted_.erase(name);
    } else if (which.attempts >= attempts_max) {
      log_warning("riot", "A match is given up",
        {{"match", name}, {"attempts", which.attempts},
          {"document", which.match ? 1 : 0},
          {"timeline", which.timeline ? 1 : 0}});
      settled_.insert(name);
      wanted_.erase(name);
    }
    return 0;
  }
  return std::clamp<std::int64_t>(earliest - now, 1, idle_ms);
}

/// 0 when a call was made.
std::int64_t riot_gateway::turn_players(std::int64_t now) {
  for (auto& who : players_) {
    auto routes = routes_of(who.who.platform);
    if (!routes)
      continue;
    std::int64_t ignored = now + last_retry_ms;
    if (who.puuid.empty()) {
      if (who.resolve_at <= now
        && allowed(std::string{routes->account_region}, now, ignored)) {
        resolve(who);
        return 0;
      }
      continue;
    }
    if (who.live_at <= now && allowed(who.who.platform, now, ignored)) {
      look_at_game(who);
      return 0;
    }
    if (who.matches_at <= now
      && allowed(std::string{routes->match_region}, now, ignored)) {
      list_matches(who);
      return 0;
    }
  }
  return 1;
}

void riot_gateway::resolve(player& who) {
  bytes body;
  auto route = std::string{routes_of(who.who.platform)->account_region};
  auto told = ask(route,
    fmt::format("/riot/account/v1/accounts/by-riot-id/{}/{}",
      percent_encode(who.who.game_name), percent_encode(who.who.tag_line)),
    body);
  auto now = services_.steady_ms();
  if (told == verdict::good) {
    auto account = json::parse(body, nullptr, false);
    if (account.is_object() && account.contains("puuid")
      && account["puuid"].is_string()) {
      who.puuid = account["puuid"].get<std::string>();
      who.failures = 0;
      std::lock_guard guard{mutex_};
      ++status_.resolved;
      return;
    }
  }
  if (told == verdict::absent && who.failures == 0)
    log_warning("riot", "A followed player is unknown to Riot",
      {{"platform", who.who.platform}});
  who.resolve_at = now + backoff(who.failures++);
}

void riot_gateway::look_at_game(player& who) {
  bytes body;
  auto told = ask(who.who.platform,
    "/lol/spectator/v5/active-games/by-summoner/" + percent_encode(who.puuid),
    body);
  auto now = services_.steady_ms();
  who.live_at = now + settings_.live_interval.count();
  if (told == verdict::good) {
    auto game = json::parse(body, nullptr, false);
    if (game.is_object() && game.contains("gameId")
      && game["gameId"].is_number_integer()
      && game.value("platformId", json{}).is_string())
      who.playing = fmt::format("{}_{}", game["platformId"].get<std::string>(),
        game["gameId"].get<std::int64_t>());
    services_.live(std::move(body));
  } else if (told == verdict::absent && !who.playing.empty()) {
    // The game is over: its document is the next thing to have.
    want(who.playing);
    who.playing.clear();
    who.matches_at = now;
  }
}

void riot_gateway::list_matches(player& who) {
  bytes body;
  auto route = std::string{routes_of(who.who.platform)->match_region};
  auto told = ask(route,
    fmt::format("/lol/match/v5/matches/by-puuid/{}/ids?start=0&count={}",
      percent_encode(who.puuid), listed_matches),
    body);
  who.matches_at = services_.steady_ms() + settings_.matches_interval.count();
  if (told != verdict::good)
    return;
  auto ids = json::parse(body, nullptr, false);
  if (!ids.is_array())
    return;
  for (auto& id : ids)
    if (id.is_string())
      want(id.get<std::string>());
}

void riot_gateway::want(const std::string& match) {
  if (settled_.contains(match) || wanted_.contains(match))
    return;
  auto routes = routes_of(match.substr(0, match.find('_')));
  if (!routes)
    return;
  auto [has_match, has_timeline] = services_.holds(match);
  if (has_match && has_timeline) {
    if (settled_.size() >= settled_max)
      settled_.clear();
    settled_.insert(match);
    return;
  }
  wanted_[match] = {std::string{routes->match_region}, has_match, has_timeline,
    0, services_.steady_ms()};
}

void riot_gateway::fetch(const std::string& match, wanted& which) {
  // Timelines expire first (riot.md, section 2), but a match that is shown
  // without its end is what people notice.
  bool timeline = which.match;
  bytes body;
  auto told = ask(which.route,
    fmt::format("/lol/match/v5/matches/{}{}", percent_encode(match),
      timeline ? "/timeline" : ""),
    body);
  auto now = services_.steady_ms();
  bool settled = told == verdict::never
    || (told == verdict::good && services_.document(std::move(body)));
  if (settled) {
    (timeline ? which.timeline : which.match) = true;
    which.attempts = 0;
    which.at = now;
  } else {
    which.at = now + backoff(which.attempts++);
  }
}

bool riot_gateway::allowed(
  const std::string& route, std::int64_t now, std::int64_t& earliest) const {
  auto blocked = blocked_until_.find(route);
  if (blocked == blocked_until_.end() || blocked->second <= now)
    return true;
  earliest = std::min(earliest, blocked->second);
  return false;
}

riot_gateway::verdict riot_gateway::ask(
  const std::string& route, const std::string& path, bytes& body) {
  http_request request;
  request.url = riot_url(settings_.base_url, route, path);
  request.headers = {{"X-Riot-Token", settings_.api_key.reveal()},
    {"Accept", "application/json"}};
  request.timeout = std::chrono::milliseconds(15'000);
  request.body_max_bytes = 16u << 20;
  auto answer = services_.call(request);
  auto now = services_.steady_ms();
  auto& blocked = blocked_until_[route];
  {
    std::lock_guard guard{mutex_};
    ++status_.calls;
    if (!answer || answer->status >= 500)
      ++status_.errors;
    if (answer && answer->status == 429)
      ++status_.rate_limited;
  }
  if (!answer) {
    blocked = now + default_block_ms;
    log_debug("riot", "No answer of Riot",
      {{"route", route}, {"reason", answer.error().message}});
    return verdict::again;
  }
  blocked = now + spacing_ms(answer->header("x-app-rate-limit"));
  body = std::move(answer->body);
  switch (answer->status) {
  case 200:
    return verdict::good;
  case 404:
    return verdict::absent;
  case 401:
  case 403:
    stop(fmt::format("Riot refused the API key on {} with status {}; put a "
                     "valid key into the key file and start the node again",
      route, answer->status));
    return verdict::again;
  case 429: {
    std::int64_t seconds = 0;
    auto text = answer->header("retry-after");
    auto parsed
      = std::from_chars(text.data(), text.data() + text.size(), seconds);
    bool known = !text.empty() && parsed.ec == std::errc{};
    blocked = now
      + (known ? seconds * 1'000 + retry_after_slack_ms : default_block_ms);
    return verdict::again;
  }
  case 400:
  case 405:
  case 415:
    log_error("riot", "Riot does not understand a call",
      {{"route", route}, {"status", answer->status}});
    return verdict::never;
  default:
    blocked = now + default_block_ms;
    return verdict::again;
  }
}

void riot_gateway::stop(std::string why) {
  log_error("riot", "The gateway has stopped", {{"reason", why}});
  std::lock_guard guard{mutex_};
  status_.stopped = std::move(why);
}

} // namespace herald
