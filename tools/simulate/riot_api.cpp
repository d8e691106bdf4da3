#include "tools/simulate/riot_api.hpp"

#include "tools/simulate/json_text.hpp"
#include "tools/simulate/random.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace herald::simulate {

namespace {

// The older of Riot's two shapes of errors.
api_answer refusal(int status, std::string_view message) {
  api_answer answer;
  answer.status = status;
  json_text json{answer.body};
  json.open()
    .key("status")
    .open()
    .member("message", message)
    .member("status_code", status)
    .close()
    .close();
  return answer;
}

// The newer one, which match-v5 uses.
api_answer not_found_newer() {
  api_answer answer;
  answer.status = 404;
  answer.body = R"({"httpStatus":404,"errorCode":"NOT_FOUND",)"
                R"("message":"Not Found","implementationDetails":"filtered"})";
  return answer;
}

api_answer found(bytes body) {
  api_answer answer;
  answer.body = std::move(body);
  return answer;
}

int digit(char c) {
  return c >= '0' && c <= '9' ? c - '0'
    : c >= 'a' && c <= 'f'    ? c - 'a' + 10
    : c >= 'A' && c <= 'F'    ? c - 'A' + 10
                              : -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0
      && digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char by) {
  std::vector<std::string> parts;
  while (true) {
    auto end = text.find(by);
    auto part = text.substr(0, end);
    if (!part.empty())
      parts.push_back(decoded(part));
    if (end == text.npos)
      return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  auto [end, error]
    = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::string limits_text(const std::vector<rate_window>& windows) {
  std::string text;
  for (const auto& one : windows) {
    if (!text.empty())
      text += ',';
    text += std::to_string(one.limit) + ":" + std::to_string(one.seconds);
  }
  return text;
}

bool is_ranked(std::int32_t queue) {
  return queue == 420 || queue == 440;
}

} // namespace

result<std::vector<rate_window>> parse_limits(std::string_view text) {
  std::vector<rate_window> windows;
  for (const auto& part : split(text, ',')) {
    auto colon = part.find(':');
    auto limit = number(std::string_view{part}.substr(0, colon));
    auto seconds = colon == part.npos
      ? std::nullopt
      : number(std::string_view{part}.substr(colon + 1));
    if (!limit || !seconds || *limit < 1 || *seconds < 1 || *limit > 1'000'000
      || *seconds > 1'000'000)
      return fail(fault::invalid_input,
        "\"" + part
          + "\" is no rate limit: write requests:seconds, such as 20:1");
    windows.push_back(
      {static_cast<std::int32_t>(*limit), static_cast<std::int32_t>(*seconds)});
  }
  return windows;
}

// A request, taken apart.
struct riot_api::call {
  std::string route;
  std::vector<std::string> path;
  std::map<std::string, std::string> query;

  bool is(std::initializer_list<std::string_view> begin) const {
    return path.size() >= begin.size()
      && std::equal(begin.begin(), begin.end(), path.begin());
  }

  // The name of the method, for its limits: the path without what varies.
  std::string method() const {
    std::string name;
    for (const auto& one : path)
      if (one.size() < 24 && one.find('_') == one.npos)
        name += "/" + one;
    return is({"riot", "account", "v1", "accounts", "by-riot-id"})
      ? "/riot/account/v1/accounts/by-riot-id"
      : name;
  }

  static call of(std::string_view target) {
    call made;
    auto question = target.find('?');
    made.path = split(target.substr(0, question), '/');
    if (question != target.npos)
      for (const auto& part : split(target.substr(question + 1), '&')) {
        auto equals = part.find('=');
        made.query[part.substr(0, equals)]
          = equals == part.npos ? "" : part.substr(equals + 1);
      }
    if (!made.path.empty() && made.path[0] != "lol" && made.path[0] != "riot") {
      made.route = made.path[0];
      made.path.erase(made.path.begin());
    }
    return made;
  }
};

riot_api::riot_api(match_source& source, api_settings settings,
  std::function<std::int64_t()> steady_ms)
  : source_{source}, settings_{std::move(settings)},
    steady_ms_{std::move(steady_ms)} {}

// Counts a request in every window. Answers how many milliseconds remain of
// the longest window that is over its limit, 0 if none is.
std::int64_t riot_api::count(
  buckets& of, const std::vector<rate_window>& windows) {
  of.resize(windows.size());
  auto now = steady_ms_();
  std::int64_t wait = 0;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    auto& one = of[i];
    auto length = std::int64_t{windows[i].seconds} * 1000;
    if (one.count == 0 || now - one.began_ms >= length)
      one = {now, 0};
    ++one.count;
    if (one.count > windows[i].limit)
      wait = std::max(wait, one.began_ms + length - now);
  }
  return wait;
}

api_answer riot_api::answer(const api_request& request, std::int64_t now_ms) {
  if (request.token.empty())
    return refusal(401, "Unauthorized");
  if (!settings_.api_key.empty() && request.token != settings_.api_key)
    return refusal(403, "Forbidden");
  auto made = call::of(request.target);
  // Invented routes and paths must not fill the memory.
  if (app_.size() > 1'000 || methods_.size() > 1'000) {
    app_.clear();
    methods_.clear();
  }
  auto& app = app_[made.route];
  auto method_name = made.method();
  auto& method = methods_[{made.route, method_name}];
  auto app_wait = count(app, settings_.app_limits);
  auto method_wait = count(method, settings_.method_limits);
  api_answer answer;
  if (auto wait = std::max(app_wait, method_wait); wait > 0) {
    answer = refusal(429, "Rate limit exceeded");
    answer.headers.emplace_back(
      "Retry-After", std::to_string((wait + 999) / 1000));
    answer.headers.emplace_back(
      "X-Rate-Limit-Type", app_wait > 0 ? "application" : "method");
  } else if (request.method != "GET") {
    answer = refusal(405, "Method not allowed");
  } else {
    answer = dispatch(made, now_ms);
  }
  auto add = [&](const char* name, const std::vector<rate_window>& windows,
               const buckets& counts) {
    if (windows.empty())
      return;
    answer.headers.emplace_back(name, limits_text(windows));
    auto counted_windows = windows;
    for (std::size_t i = 0; i < windows.size(); ++i)
      counted_windows[i].limit = counts[i].count;
    answer.headers.emplace_back(
      std::string{name} + "-Count", limits_text(counted_windows));
  };
  add("X-App-Rate-Limit", settings_.app_limits, app);
  add("X-Method-Rate-Limit", settings_.method_limits, method);
  return answer;
}

api_answer riot_api::dispatch(const call& made, std::int64_t now_ms) {
  auto size = made.path.size();
  // Riot decrypts PUUIDs before anything else.
  for (std::size_t i = 1; i < size; ++i)
    if (made.path[i - 1] == "by-puuid" || made.path[i - 1] == "by-summoner")
      if (made.path[i].size() != 78)
        return refusal(
          400, "Bad Request - Exception decrypting " + made.path[i]);
  if (made.is({"riot", "account", "v1", "accounts"})
    && (size == 6 || size == 7))
    return account(made);
  if (made.is({"lol", "summoner", "v4", "summoners", "by-puuid"}) && size == 6)
    return summoner(made, now_ms);
  if (made.is({"lol", "match", "v5", "matches", "by-puuid"}) && size == 7
    && made.path[6] == "ids")
    return match_ids(made, now_ms);
  if (made.is({"lol", "match", "v5", "matches"})
    && (size == 5 || (size == 6 && made.path[5] == "timeline")))
    return match(made, now_ms);
  if (made.is({"lol", "spectator", "v5", "active-games", "by-summoner"})
    && size == 6)
    return active_game(made, now_ms);
  if (made.is({"lol", "league", "v4", "entries", "by-puuid"}) && size == 6)
    return league_entries(made, now_ms);
  return refusal(404, "Data not found");
}

api_answer riot_api::account(const call& made) const {
  std::optional<person> who;
  if (made.path[4] == "by-puuid" && made.path.size() == 6)
    who = source_.by_puuid(made.path[5]);
  else if (made.path[4] == "by-riot-id" && made.path.size() == 7)
    who = source_.by_riot_id(made.path[5], made.path[6]);
  if (!who)
    return refusal(404, "Data not found");
  bytes body;
  json_text{body}
    .open()
    .member("puuid", who->puuid)
    .member("gameName", who->game_name)
    .member("tagLine", who->tag_line)
    .close();
  return found(std::move(body));
}

api_answer riot_api::summoner(const call& made, std::int64_t now_ms) const {
  auto who = source_.by_puuid(made.path[5]);
  if (!who)
    return refusal(404, "Data not found");
  bytes body;
  json_text{body}
    .open()
    .member("puuid", who->puuid)
    .member("profileIconId", who->profile_icon)
    .member("revisionDate", now_ms / 86'400'000 * 86'400'000)
    .member("summonerLevel", who->summoner_level)
    .close();
  return found(std::move(body));
}

api_answer riot_api::match_ids(const call& made, std::int64_t now_ms) {
  auto wanted = [&](const char* name, std::int64_t otherwise, std::int64_t low,
                  std::int64_t high) -> std::optional<std::int64_t> {
    auto given = made.query.find(name);
    if (given == made.query.end())
      return otherwise;
    auto value = number(given->second);
    return value && *value >= low && *value <= high ? value : std::nullopt;
  };
  constexpr auto far = std::int64_t{1} << 40;
  auto start = wanted("start", 0, 0, far);
  auto most = wanted("count", 20, 0, 100);
  auto from = wanted("startTime", 0, 0, far);
  auto to = wanted("endTime", far, 0, far);
  auto queue = wanted("queue", -1, 0, 100'000);
  auto type = made.query.find("type");
  if (!start || !most || !from || !to || !queue)
    return refusal(400, "Bad Request");
  if (type != made.query.end() && type->second != "ranked"
    && type->second != "normal" && type->second != "tourney"
    && type->second != "tutorial")
    return refusal(400, "Bad Request");
  bytes body;
  json_text json{body};
  json.open_list();
  std::int64_t passed = 0, listed = 0;
  for (const auto& one : source_.matches_of(made.path[5], now_ms)) {
    auto second = one.start_ms / 1000;
    if (second < *from || second > *to
      || (*queue >= 0 && one.queue_id != *queue))
      continue;
    if (type != made.query.end()
      && type->second != (is_ranked(one.queue_id) ? "ranked" : "normal"))
      continue;
    if (passed++ < *start || listed >= *most)
      continue;
    json.value(one.match_id);
    ++listed;
  }
  json.close_list();
  return found(std::move(body));
}

api_answer riot_api::match(const call& made, std::int64_t now_ms) {
  auto document = made.path.size() == 6 ? source_.timeline(made.path[4], now_ms)
                                        : source_.match(made.path[4], now_ms);
  return document ? found(std::move(*document)) : not_found_newer();
}

api_answer riot_api::active_game(const call& made, std::int64_t now_ms) {
  auto document = source_.current_game_of(made.path[5], now_ms);
  return document ? found(std::move(*document))
                  : refusal(404,
                      "Data not found - spectator game info isn't "
                      "found");
}

api_answer riot_api::league_entries(const call& made, std::int64_t now_ms) {
  constexpr std::string_view tiers[]
    = {"IRON", "BRONZE", "SILVER", "GOLD", "PLATINUM", "EMERALD", "DIAMOND"};
  constexpr std::string_view divisions[] = {"IV", "III", "II", "I"};
  bytes body;
  json_text json{body};
  json.open_list();
  const auto& puuid = made.path[5];
  std::uint64_t own = 0;
  for (auto one : puuid)
    own = mix(own, static_cast<unsigned char>(one));
  for (auto queue : {420, 440}) {
    auto record = source_.ranked(puuid, queue, now_ms);
    if (!record)
      continue;
    random_source random{mix(own, static_cast<std::uint64_t>(queue))};
    // Divisions are a ladder of a hundred points each.
    auto points = std::clamp(
      random.below(2'400) + record->wins * 21 - record->losses * 19, 0, 2'799);
    json.open()
      .member("leagueId",
        "00000000-0000-4000-8000-000000000"
          + std::to_string(100 + points / 100))
      .member("queueType", queue == 420 ? "RANKED_SOLO_5x5" : "RANKED_FLEX_SR")
      .member("tier", tiers[points / 400])
      .member("rank", divisions[points / 100 % 4])
      .member("puuid", puuid)
      .member("leaguePoints", points % 100)
      .member("wins", record->wins)
      .member("losses", record->losses)
      .member("veteran", record->wins + record->losses > 100)
      .member("inactive", false)
      .member("freshBlood", record->wins + record->losses < 20)
      .member("hotStreak", false)
      .close();
  }
  json.close_list();
  return found(std::move(body));
}

} // namespace herald::simulate
