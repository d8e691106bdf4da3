#include "tools/herald/import.hpp"

#include "engine/client/http_client.hpp"
#include "tools/herald/document_source.hpp"
#include "tools/herald/exit_code.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>

namespace herald {

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

// Documents read but not sent yet: enough to keep every connection busy.
constexpr std::size_t queue_max_bytes = 64u << 20;

/// Documents between the one thread that reads files and those that send.
/// Bounded in bytes: push() waits for room.
class document_queue {
public:
  bool push(document next) {
    std::unique_lock lock{mutex_};
    room_.wait(lock, [this] { return bytes_ < queue_max_bytes || closed_; });
    if (closed_)
      return false;
    bytes_ += next.content.size();
    waiting_.push_back(std::move(next));
    filled_.notify_one();
    return true;
  }

  bool pop(document& next) {
    std::unique_lock lock{mutex_};
    filled_.wait(lock, [this] { return !waiting_.empty() || closed_; });
    if (waiting_.empty())
      return false;
    next = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_ -= next.content.size();
    room_.notify_one();
    return true;
  }

  void close() {
    std::lock_guard lock{mutex_};
    closed_ = true;
    filled_.notify_all();
    room_.notify_all();
  }

  void abandon() {
    std::lock_guard lock{mutex_};
    closed_ = true;
    waiting_.clear();
    filled_.notify_all();
    room_.notify_all();
  }

private:
  std::mutex mutex_;
  std::condition_variable filled_, room_;
  std::deque<document> waiting_;
  std::size_t bytes_ = 0;
  bool closed_ = false;
};

struct counts {
  std::atomic<std::uint64_t> read{0}, accepted{0}, duplicate{0}, refused{0};
  std::uint64_t settled() const { return accepted + duplicate + refused; }
};

/// Lines and the progress bar share standard error.
class terminal {
public:
  terminal() : bar_(isatty(STDERR_FILENO)) {}

  void line(const std::string& text) {
    std::lock_guard lock{mutex_};
    clear();
    fmt::print(stderr, "{}\n", text);
  }

  void progress(const counts& now, steady::duration elapsed) {
    if (!bar_)
      return;
    std::lock_guard lock{mutex_};
    auto seconds = std::chrono::duration<double>(elapsed).count();
    auto read = now.read.load();
    auto settled = now.settled();
    constexpr int width = 24;
    auto full = read == 0 ? 0 : static_cast<int>(width * settled / read);
    fmt::print(stderr,
      "\r\033[K[{}{}] {} of {} read, {} accepted, {} duplicate, {} refused, "
      "{:.0f}/s",
      std::string(full, '#'), std::string(width - full, '.'), settled, read,
      now.accepted.load(), now.duplicate.load(), now.refused.load(),
      seconds > 0 ? settled / seconds : 0.0);
    std::fflush(stderr);
    shown_ = true;
  }

  void finish() {
    std::lock_guard lock{mutex_};
    clear();
  }

private:
  void clear() {
    if (shown_)
      fmt::print(stderr, "\r\033[K");
    shown_ = false;
  }

  std::mutex mutex_;
  bool bar_;
  bool shown_ = false;
};

/// One connection to the node.
class sender {
public:
  sender(const import_options& options, document_queue& queue, counts& numbers,
    terminal& screen, std::atomic<bool>& gone)
    : options_(options), queue_(queue), counts_(numbers), screen_(screen),
      gone_(gone) {}

  void run() {
    document next;
    while (!gone_ && queue_.pop(next)) {
      ++counts_.read;
      if (next.problem.empty())
        send(next);
      else
        refuse(next.name, next.problem);
    }
  }

private:
  void send(const document& next) {
    http_request request;
    request.method = "POST";
    request.url = options_.node + "/v1/documents";
    request.headers = {{"Content-Type", "application/json"}};
    request.body = next.content;
    auto give_up = steady::now() + std::chrono::seconds(options_.retry_seconds);
    auto pause = 50ms;
    for (;;) {
      auto answer = client_.perform(request);
      if (answer && answer->status != 503) {
        settle(next.name, *answer);
        return;
      }
      auto now = steady::now();
      // A node that says it is busy is there: that is no reason to give up.
      if (answer && answer->header("retry-after") != "")
        give_up = now + std::chrono::seconds(options_.retry_seconds);
      if (now >= give_up || gone_) {
        if (!gone_.exchange(true))
          screen_.line(fmt::format("herald import: the node went away and did "
                                   "not come back within {} s: {}",
            options_.retry_seconds,
            answer ? fmt::format("it answers {}", answer->status)
                   : answer.error().message));
        return;
      }
      std::this_thread::sleep_for(pause);
      pause = std::min(pause * 2, std::chrono::milliseconds(500));
    }
  }

  void settle(const std::string& name, const http_response& answer) {
    auto body = nlohmann::json::parse(answer.body, nullptr, false);
    if (answer.status == 200 && body.is_object()) {
      if (body.value("outcome", "") == "duplicate")
        ++counts_.duplicate;
      else
        ++counts_.accepted;
      return;
    }
    if (!body.is_object()) {
      refuse(name, fmt::format("the node answered {}", answer.status));
      return;
    }
    auto text = [&](const char* member) {
      auto found = body.find(member);
      return found != body.end() && found->is_string()
        ? found->get<std::string>()
        : std::string{};
    };
    auto reason = text("detail");
    if (reason.empty())
      reason = fmt::format("the node answered {}", answer.status);
    auto place = text("pointer");
    auto rule = text("rule");
    refuse(name,
      fmt::format("{}{}{}", place.empty() ? "" : place + ": ", reason,
        rule.empty() ? "" : " (rule " + rule + ")"));
  }

  void refuse(const std::string& name, const std::string& reason) {
    ++counts_.refused;
    screen_.line(fmt::format("refused {}: {}", name, reason));
  }

  const import_options& options_;
  document_queue& queue_;
  counts& counts_;
  terminal& screen_;
  std::atomic<bool>& gone_;
  http_client client_;
};

} // namespace

int run_import(const import_options& options) {
  document_queue queue;
  counts numbers;
  terminal screen;
  std::atomic<bool> gone{false};
  std::atomic<std::uint64_t> bytes_read{0};
  auto start = steady::now();

  std::vector<std::thread> senders;
  std::atomic<unsigned> running{options.connections};
  for (unsigned i = 0; i < options.connections; ++i)
    senders.emplace_back([&] {
      sender{options, queue, numbers, screen, gone}.run();
      --running;
    });
  std::thread reader{[&] {
    auto take = [&](document next) {
      bytes_read += next.content.size();
      return queue.push(std::move(next));
    };
    for (auto& path : options.paths)
      if (!read_documents(path, take))
        break;
    queue.close();
  }};
  while (running > 0) {
    if (gone)
      queue.abandon();
    screen.progress(numbers, steady::now() - start);
    std::this_thread::sleep_for(20ms);
  }
  // Nobody takes from the queue any more: the reader must not wait for room.
  queue.abandon();
  reader.join();
  for (auto& thread : senders)
    thread.join();
  screen.finish();

  auto seconds = std::chrono::duration<double>(steady::now() - start).count();
  if (options.json)
    fmt::print(
      "{{\"read\":{},\"accepted\":{},\"duplicate\":{},\"refused\":{}}}\n",
      numbers.read.load(), numbers.accepted.load(), numbers.duplicate.load(),
      numbers.refused.load());
  else
    fmt::print("{} documents read ({:.1f} MB in {:.2f} s): {} accepted, {} "
               "duplicate, {} refused\n",
      numbers.read.load(), bytes_read.load() / 1e6, seconds,
      numbers.accepted.load(), numbers.duplicate.load(),
      numbers.refused.load());
  std::fflush(stdout);
  return gone || numbers.refused > 0 ? exit_failure : exit_ok;
}

} // namespace herald
