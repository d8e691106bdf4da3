#include "tools/companion/companion.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <curl/curl.h>
#include <mutex>
#include <optional>
#include <thread>

namespace herald {

std::string_view to_string(companion_state state) {
  switch (state) {
  case companion_state::starting:
    return "starting";
  case companion_state::reporting:
    return "reporting";
  case companion_state::no_game:
    return "no_game";
  case companion_state::no_node:
    return "no_node";
  case companion_state::refused:
    return "refused";
  }
  return "unknown";
}

namespace {

constexpr long connect_timeout_ms = 2'000;
constexpr long total_timeout_ms = 5'000;
// A full game's document has some 60 kB.
constexpr std::size_t answer_bytes_max = 4 * 1024 * 1024;

// curl_global_init is not safe beside other threads that use curl, so it runs
// once, before the first handle.
void initialise_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

std::string without_slash(std::string url) {
  while (!url.empty() && url.back() == '/')
    url.pop_back();
  return url;
}

bool is_loopback(const std::string& url) {
  auto host = url.substr(std::min(url.size(), url.find("://") + 3));
  return host.starts_with("127.") || host.starts_with("localhost")
    || host.starts_with("[::1]");
}

// The text as a JSON string; ids have nothing to escape but must not break
// the document whatever they hold.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (auto one : text) {
    if (one == '"' || one == '\\')
      out += '\\';
    if (static_cast<unsigned char>(one) >= 0x20)
      out += one;
  }
  return out + '"';
}

// An answer, or none when nobody could be asked.
struct reply {
  long status = 0;
  std::string body;
};

} // namespace

class companion::implementation {
public:
  explicit implementation(companion_options options)
    : options_{std::move(options)} {
    initialise_curl();
    options_.node_url = without_slash(options_.node_url);
    options_.live_client_url = without_slash(options_.live_client_url);
    if (!options_.say)
      options_.say = [](std::string_view text) {
        std::fprintf(stderr, "herald companion: %.*s\n",
          static_cast<int>(text.size()), text.data());
      };
    curl_ = curl_easy_init();
  }

  ~implementation() {
    stop();
    if (thread_.joinable())
      thread_.join();
    curl_easy_cleanup(curl_);
  }

  companion_state look() {
    auto seen = fetch();
    if (stopped_)
      return state_;
    if (!seen || seen->status != 200 || !seen->body.starts_with('{'))
      return turn(companion_state::no_game, "no game is being played");
    auto answer = report(seen->body);
    if (stopped_)
      return state_;
    if (!answer)
      return turn(companion_state::no_node,
        "the node at " + options_.node_url + " cannot be reached");
    if (answer->status >= 200 && answer->status < 300) {
      ++reported_;
      return turn(companion_state::reporting,
        "a game is being played; reporting it to " + options_.node_url);
    }
    auto status = std::to_string(answer->status);
    if (answer->status == 429 || answer->status >= 500)
      return turn(companion_state::no_node,
        "the node at " + options_.node_url + " has no room now (status "
          + status + ")");
    return turn(companion_state::refused,
      "the node at " + options_.node_url + " refuses the report (status "
        + status + "): " + answer->body.substr(0, 300));
  }

  void run() {
    auto wait = options_.interval;
    while (!stopped_) {
      auto began = std::chrono::steady_clock::now();
      auto state = look();
      if (options_.once)
        return;
      auto well = state == companion_state::reporting;
      wait = well ? options_.interval
                  : std::clamp(wait * 2, options_.interval,
                      std::max(options_.interval, options_.backoff_max));
      std::unique_lock lock{mutex_};
      wake_.wait_until(lock, began + wait, [this] { return stopped_.load(); });
    }
  }

  void start() {
    thread_ = std::thread{[this] { run(); }};
  }

  void stop() {
    {
      std::lock_guard lock{mutex_};
      stopped_ = true;
    }
    wake_.notify_all();
  }

  companion_state state() const { return state_; }
  std::uint64_t reported() const { return reported_; }

private:
  companion_state turn(companion_state state, const std::string& why) {
    if (state_.exchange(state) != state)
      options_.say(why);
    return state;
  }

  std::optional<reply> fetch() {
    curl_easy_reset(curl_);
    auto url = options_.live_client_url + "/liveclientdata/allgamedata";
    if (is_loopback(url)) {
      // The game client signs its certificate itself.
      curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYPEER, 0L);
      curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    return perform(url);
  }

  std::optional<reply> report(const std::string& document) {
    auto match_id = options_.match_id_source ? options_.match_id_source()
                                             : options_.match_id;
    std::string body = "{";
    if (!match_id.empty())
      body += "\"matchId\":" + quoted(match_id) + ",";
    body += "\"allgamedata\":" + document + "}";
    curl_easy_reset(curl_);
    auto* headers
      = curl_slist_append(nullptr, "Content-Type: application/json");
    // No pause for a "100 Continue" that nobody sends.
    headers = curl_slist_append(headers, "Expect:");
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(
      curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    auto answer = perform(options_.node_url + "/v1/live");
    curl_slist_free_all(headers);
    return answer;
  }

  std::optional<reply> perform(const std::string& url) {
    reply answer;
    curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
    // Both sides are near; a proxy of the environment is not meant for them.
    curl_easy_setopt(curl_, CURLOPT_NOPROXY, "127.0.0.1,localhost,::1");
    curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
    curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, total_timeout_ms);
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(curl_, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl_, CURLOPT_XFERINFOFUNCTION, go_on);
    curl_easy_setopt(curl_, CURLOPT_XFERINFODATA, this);
    if (curl_easy_perform(curl_) != CURLE_OK)
      return std::nullopt;
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &answer.status);
    return answer;
  }

  static std::size_t take(
    char* data, std::size_t size, std::size_t count, void* into) {
    auto& body = *static_cast<std::string*>(into);
    auto bytes = size * count;
    if (body.size() + bytes > answer_bytes_max)
      return 0;
    body.append(data, bytes);
    return bytes;
  }

  // A stop ends a transfer that is under way.
  static int go_on(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<implementation*>(self)->stopped_ ? 1 : 0;
  }

  companion_options options_;
  CURL* curl_ = nullptr;
  std::atomic<companion_state> state_{companion_state::starting};
  std::atomic<std::uint64_t> reported_{0};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;
};

companion::companion(companion_options options)
  : implementation_{std::make_unique<implementation>(std::move(options))} {}

companion::~companion() = default;

companion_state companion::look() {
  return implementation_->look();
}
void companion::run() {
  implementation_->run();
}
void companion::start() {
  implementation_->start();
}
void companion::stop() {
  implementation_->stop();
}
companion_state companion::state() const {
  return implementation_->state();
}
std::uint64_t companion::reported() const {
  return implementation_->reported();
}

int run_companion(const companion_options& options) {
  if (!options.node_url.starts_with("http://")
    && !options.node_url.starts_with("https://")) {
    std::fprintf(stderr,
      "herald companion: \"%s\" is no URL of a node, such as "
      "http://127.0.0.1:8080\n",
      options.node_url.c_str());
    return 2;
  }
  // Signals are caught before any thread could take them.
  boost::asio::io_context io{1};
  boost::asio::signal_set signals{io, SIGINT, SIGTERM};
  companion beside{options};
  if (options.once)
    return beside.look() == companion_state::reporting ? 0 : 1;
  signals.async_wait([](const boost::system::error_code&, int) {});
  beside.start();
  io.run();
  beside.stop();
  return 0;
}

} // namespace herald
