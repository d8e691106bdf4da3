#include "tools/herald/import.hpp"

#include "engine/client/http_client.hpp"
#include "tools/herald/exit_code.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

namespace herald {

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr std::size_t document_max_bytes = 16u << 20;
// Documents read but not sent yet: enough to keep every connection busy.
constexpr std::size_t queue_max_bytes = 64u << 20;

/// A document, or the reason why it could not be read.
struct document {
  std::string name;
  bytes content;
  std::string problem;
};

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

/// Walks the paths and feeds the queue.
class document_source {
public:
  document_source(document_queue& queue, std::atomic<std::uint64_t>& bytes_read)
    : queue_(queue), bytes_read_(bytes_read) {}

  bool read_path(const fs::path& path) {
    std::error_code error;
    auto status = fs::status(path, error);
    if (error || !fs::exists(status))
      return push_problem(path.string(),
        error && error != std::errc::no_such_file_or_directory
          ? error.message()
          : "there is no such file or folder");
    if (fs::is_directory(status))
      return read_folder(path);
    return read_file(path);
  }

private:
  static bool is_archive(const fs::path& path) {
    auto name = path.filename().string();
    return name.ends_with(".tar.zst") || name.ends_with(".tar");
  }

  bool read_folder(const fs::path& folder) {
    std::error_code error;
    std::vector<fs::path> entries;
    for (fs::directory_iterator i{folder, error}, end; !error && i != end;
      i.increment(error))
      entries.push_back(i->path());
    if (error)
      return push_problem(folder.string(), error.message());
    std::sort(entries.begin(), entries.end());
    for (auto& entry : entries) {
      if (fs::is_directory(entry, error)) {
        if (!read_folder(entry))
          return false;
      } else if (entry.extension() == ".json" || is_archive(entry)) {
        if (!read_file(entry))
          return false;
      }
    }
    return true;
  }

  bool read_file(const fs::path& path) {
    if (is_archive(path))
      return read_archive(path);
    std::error_code error;
    auto size = fs::file_size(path, error);
    if (!error && size > document_max_bytes)
      return push_problem(path.string(), too_large(size));
    std::ifstream file{path, std::ios::binary};
    if (!file)
      return push_problem(path.string(),
        fmt::format("cannot be opened: {}", std::strerror(errno)));
    document next{path.string(), {}, {}};
    next.content.resize(error ? 0 : size);
    file.read(next.content.data(), next.content.size());
    if (static_cast<std::size_t>(file.gcount()) != next.content.size())
      return push_problem(path.string(), "cannot be read to its end");
    bytes_read_ += next.content.size();
    return queue_.push(std::move(next));
  }

  bool read_archive(const fs::path& path) {
    std::unique_ptr<archive, decltype(&archive_read_free)> in{
      archive_read_new(), archive_read_free};
    archive_read_support_filter_zstd(in.get());
    archive_read_support_format_tar(in.get());
    if (archive_read_open_filename(in.get(), path.c_str(), 1 << 16)
      != ARCHIVE_OK)
      return push_problem(path.string(), archive_error_string(in.get()));
    archive_entry* entry = nullptr;
    for (;;) {
      auto status = archive_read_next_header(in.get(), &entry);
      if (status == ARCHIVE_EOF)
        return true;
      if (status != ARCHIVE_OK)
        return push_problem(path.string(),
          fmt::format("is damaged: {}", archive_error_string(in.get())));
      if (archive_entry_filetype(entry) != AE_IFREG)
        continue;
      std::string name = archive_entry_pathname(entry);
      if (!name.ends_with(".json"))
        continue;
      document next{path.string() + ":" + name, {}, {}};
      auto size = archive_entry_size(entry);
      if (size < 0 || static_cast<std::size_t>(size) > document_max_bytes) {
        if (!push_problem(next.name, too_large(size)))
          return false;
        continue;
      }
      next.content.resize(static_cast<std::size_t>(size));
      auto got
        = archive_read_data(in.get(), next.content.data(), next.content.size());
      if (got != size)
        return push_problem(next.name, "the archive ends within it");
      bytes_read_ += next.content.size();
      if (!queue_.push(std::move(next)))
        return false;
    }
  }

  static std::string too_large(std::uint64_t size) {
    return fmt::format(
      "is {} bytes long, more than the {} bytes a document may have", size,
      document_max_bytes);
  }

  bool push_problem(std::string name, std::string problem) {
    return queue_.push({std::move(name), {}, std::move(problem)});
  }

  document_queue& queue_;
  std::atomic<std::uint64_t>& bytes_read_;
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
    document_source source{queue, bytes_read};
    for (auto& path : options.paths)
      if (!source.read_path(path))
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
