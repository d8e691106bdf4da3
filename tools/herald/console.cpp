#include "tools/herald/console.hpp"

#include "engine/console/control_socket.hpp"
#include "tools/herald/exit_code.hpp"

#include <fmt/format.h>
#include <histedit.h>
#include <nlohmann/json.hpp>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iostream>
#include <optional>
#include <thread>
#include <utility>

namespace herald {

namespace {

using nlohmann::json;
using ordered_json = nlohmann::ordered_json;

constexpr std::array command_names{"status", "topics", "events", "matches",
  "match", "actors", "dead-letters", "archive", "backup", "task", "snapshots",
  "replay", "verify", "help", "quit"};

/// Text from the node goes to a terminal: control characters are shown, not
/// obeyed.
std::string printable(const std::string& text) {
  std::string out;
  for (unsigned char c : text) {
    if (c < 0x20 || c == 0x7f)
      out += fmt::format("\\x{:02x}", c);
    else
      out += static_cast<char>(c);
  }
  return out;
}

std::string cell(const ordered_json& value) {
  if (value.is_string())
    return printable(value.get<std::string>());
  if (value.is_null())
    return "-";
  return printable(value.dump());
}

/// Rows of objects with the same members, as a table.
void print_table(const ordered_json& rows) {
  std::vector<std::string> columns;
  for (auto& row : rows)
    for (auto& [name, value] : row.items())
      if (std::find(columns.begin(), columns.end(), name) == columns.end())
        columns.push_back(name);
  std::vector<std::vector<std::string>> cells{columns};
  for (auto& row : rows) {
    auto& line = cells.emplace_back();
    for (auto& column : columns)
      line.push_back(row.contains(column) ? cell(row[column]) : "");
  }
  std::vector<std::size_t> widths(columns.size());
  for (auto& line : cells)
    for (std::size_t i = 0; i < line.size(); ++i)
      widths[i]
        = std::min<std::size_t>(60, std::max(widths[i], line[i].size()));
  for (auto& line : cells) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i)
      text += i + 1 == line.size()
        ? line[i]
        : fmt::format("{:<{}}  ", line[i], widths[i]);
    fmt::print("{}\n", text);
  }
}

void print_object(const ordered_json& object, int indent = 0) {
  std::size_t width = 0;
  for (auto& [name, value] : object.items())
    width = std::max(width, name.size());
  for (auto& [name, value] : object.items()) {
    if (value.is_array() && !value.empty() && value.front().is_object()) {
      fmt::print("{:{}}{}:\n", "", indent, name);
      print_table(value);
    } else if (value.is_object()) {
      fmt::print("{:{}}{}:\n", "", indent, name);
      print_object(value, indent + 2);
    } else {
      fmt::print("{:{}}{:<{}}  {}\n", "", indent, name, width, cell(value));
    }
  }
}

void print_answer(const ordered_json& answer) {
  if (answer.is_array()) {
    if (answer.empty())
      fmt::print("none\n");
    else
      print_table(answer);
  } else if (answer.is_object()) {
    print_object(answer);
  } else {
    fmt::print(
      "{}\n", answer.is_string() ? answer.get<std::string>() : answer.dump());
  }
}

/// The node does not run where the operator stands: paths become absolute.
std::vector<std::string> with_whole_paths(std::vector<std::string> words) {
  std::error_code error;
  for (std::size_t i = 1; i < words.size(); ++i) {
    auto is_folder = words[0] == "backup" && !words[i].starts_with("--")
      && !words[i - 1].starts_with("--");
    auto is_file = words[0] == "archive" && i == 2 && words[1] == "attach"
      && std::filesystem::exists(words[i], error);
    if (is_folder || is_file)
      words[i] = std::filesystem::absolute(words[i], error).string();
  }
  return words;
}

/// Lets Ctrl-C end what the node does for the command, which then still tells
/// how far it came. A second one ends the console.
class stop_on_interrupt {
public:
  explicit stop_on_interrupt(control_client& node) {
    asked_ = &node;
    struct sigaction action{};
    action.sa_handler = [](int) { asked_->stop(); };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGINT, &action, &before_[0]);
    ::sigaction(SIGTERM, &action, &before_[1]);
  }
  ~stop_on_interrupt() {
    ::sigaction(SIGINT, &before_[0], nullptr);
    ::sigaction(SIGTERM, &before_[1], nullptr);
  }
  stop_on_interrupt(const stop_on_interrupt&) = delete;
  stop_on_interrupt& operator=(const stop_on_interrupt&) = delete;

private:
  static inline control_client* asked_ = nullptr;
  struct sigaction before_[2]{};
};

/// Shows what comes before an answer: output as it is, progress beside it.
class shown_lines {
public:
  explicit shown_lines(bool as_json) : as_json_(as_json) {}

  void show(std::string_view line) {
    if (line.starts_with('>')) {
      line.remove_prefix(1);
      std::fwrite(line.data(), 1, line.size(), stdout);
      std::fputc('\n', stdout);
      return;
    }
    if (as_json_) {
      fmt::print(stderr, "{}\n", line);
      return;
    }
    auto told = ordered_json::parse(line, nullptr, false);
    if (!told.is_object() || !told.contains("progress"))
      return;
    auto& progress = told["progress"];
    auto records = progress.value("records", std::uint64_t{0});
    auto total = progress.value("total", std::uint64_t{0});
    on_one_line_ = isatty(STDERR_FILENO) != 0;
    fmt::print(stderr, "{} of {} records, {} %{}", records, total,
      total == 0 ? 100 : std::min<std::uint64_t>(100, records * 100 / total),
      on_one_line_ ? "   \r" : "\n");
    std::fflush(stderr);
  }

  /// Leaves the line on which the progress stands.
  void end() {
    if (std::exchange(on_one_line_, false))
      fmt::print(stderr, "\n");
  }

private:
  bool as_json_;
  bool on_one_line_ = false;
};

/// What a replay answers, when its output must not be mixed with it.
void print_beside(const ordered_json& answer, bool as_json) {
  if (as_json) {
    fmt::print(stderr, "{}\n", answer.dump());
    return;
  }
  fmt::print(stderr, "{} after {} records\n",
    answer.value("stopped", false) ? "stopped" : "complete",
    answer.value("records", std::uint64_t{0}));
  if (answer.contains("position"))
    fmt::print(stderr, "go on with --from {} --to {}\n",
      cell(answer["position"]), cell(answer["to"]));
}

using line_listener = std::function<void(std::string_view)>;

/// Asks one command; `listen` hears the lines that come before its answer.
result<ordered_json> ask_node(control_client& node,
  const std::vector<std::string>& words, const line_listener& listen) {
  json request{{"command", words.front()},
    {"arguments", std::vector<std::string>(words.begin() + 1, words.end())}};
  auto line = node.ask(
    request.dump(-1, ' ', false, json::error_handler_t::replace), listen);
  if (!line)
    return std::unexpected{std::move(line).error()};
  auto answer = ordered_json::parse(*line, nullptr, false);
  if (!answer.is_object())
    return fail(fault::invalid_input, "the node's answer is not JSON");
  return answer;
}

void show_progress(const ordered_json& task) {
  auto done = task.value("bytes", std::uint64_t{0});
  auto total = task.value("bytesTotal", std::uint64_t{0});
  auto place = printable(task.value("at", ""));
  if (total > 0)
    fmt::print(stderr, "\r{:3}% {} of {} bytes {}", 100 * done / total, done,
      total, place);
  else
    fmt::print(stderr, "\r{} bytes {}", done, place);
}

/// Follows a task that the node has started to its end, whose outcome is the
/// answer.
result<ordered_json> follow_task(control_client& node, std::uint64_t id) {
  auto shown = isatty(STDERR_FILENO) == 1;
  for (;;) {
    auto told = ask_node(node, {"task"}, [](std::string_view) {});
    if (!told)
      return told;
    auto& task = (*told)["answer"];
    if (!task.is_object() || task.value("id", std::uint64_t{0}) != id)
      return fail(fault::not_found, "the node does not know the task any more");
    if (shown)
      show_progress(task);
    if (task["state"] != "running") {
      if (shown)
        fmt::print(stderr, "\n");
      if (task["state"] == "failed")
        return ordered_json{
          {"error", {{"code", task["code"]}, {"message", task["reason"]}}}};
      return ordered_json{{"answer", task["outcome"]}};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
  }
}

/// Asks one command and prints what came; the exit code of that command.
int ask(
  control_client& node, const std::vector<std::string>& words, bool as_json) {
  shown_lines lines{as_json};
  std::optional<stop_on_interrupt> interrupts;
  bool into_output = false;
  if (words.front() == "replay") {
    interrupts.emplace(node);
    into_output = std::find(words.begin(), words.end(), "jsonl") != words.end();
  }
  auto told = ask_node(node, with_whole_paths(words),
    [&](std::string_view line) { lines.show(line); });
  interrupts.reset();
  lines.end();
  if (std::fflush(stdout) != 0) {
    fmt::print(stderr, "herald console: cannot write the output\n");
    return exit_io;
  }
  if (told && told->contains("answer") && (*told)["answer"].is_object()
    && (*told)["answer"].contains("started"))
    told = follow_task(node, (*told)["answer"].value("task", std::uint64_t{0}));
  if (!told) {
    fmt::print(stderr, "herald console: {}\n", told.error().message);
    return exit_failure;
  }
  auto& answer = *told;
  if (answer.contains("error")) {
    auto& error = answer["error"];
    fmt::print(stderr, "herald console: {}\n", cell(error["message"]));
    auto code = error.value("code", "");
    if (code == "damaged")
      return exit_damaged;
    return code == "unknown_command" || code == "invalid_input" ? exit_usage
                                                                : exit_failure;
  }
  if (into_output)
    print_beside(answer["answer"], as_json);
  else if (as_json)
    fmt::print("{}\n", answer["answer"].dump());
  else
    print_answer(answer["answer"]);
  std::fflush(stdout);
  // What `herald verify` returns for a stopped node.
  if (words.front() == "verify" && answer["answer"].is_object()
    && !answer["answer"].value("sound", true))
    return exit_damaged;
  return exit_ok;
}

/// The words of a line; what stands between quotes is part of one word.
std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> words;
  auto inside = false;
  char quote = 0;
  for (char c : line) {
    if (quote ? c == quote : c == '"' || c == '\'') {
      quote = quote ? 0 : c;
      if (!std::exchange(inside, true))
        words.emplace_back();
    } else if (!quote && std::isspace(static_cast<unsigned char>(c))) {
      inside = false;
    } else {
      if (!std::exchange(inside, true))
        words.emplace_back();
      words.back() += c;
    }
  }
  return words;
}

/// Completes the first word of the line to the command it can only be, or to
/// what all candidates share.
unsigned char complete(EditLine* editor, int) {
  auto* now = el_line(editor);
  std::string typed{now->buffer, now->cursor};
  if (typed.find(' ') != typed.npos)
    return CC_ERROR;
  std::vector<std::string> candidates;
  for (std::string name : command_names)
    if (name.starts_with(typed))
      candidates.push_back(name);
  if (candidates.empty())
    return CC_ERROR;
  auto shared = candidates.front();
  for (auto& name : candidates) {
    auto differ
      = std::mismatch(shared.begin(), shared.end(), name.begin(), name.end());
    shared.erase(differ.first, shared.end());
  }
  auto rest = shared.substr(typed.size());
  if (candidates.size() == 1)
    rest += ' ';
  if (rest.empty())
    return CC_ERROR;
  return el_insertstr(editor, rest.c_str()) < 0 ? CC_ERROR : CC_REFRESH;
}

char* prompt(EditLine*) {
  static char text[] = "herald> ";
  return text;
}

/// The prompt on a terminal, with history and completion.
int converse(control_client& node, bool as_json) {
  std::unique_ptr<EditLine, decltype(&el_end)> editor{
    el_init("herald", stdin, stdout, stderr), el_end};
  HistEvent event;
  std::unique_ptr<History, decltype(&history_end)> past{
    history_init(), history_end};
  history(past.get(), &event, H_SETSIZE, 500);
  el_set(editor.get(), EL_PROMPT, prompt);
  el_set(editor.get(), EL_EDITOR, "emacs");
  el_set(editor.get(), EL_SIGNAL, 1);
  el_set(editor.get(), EL_HIST, history, past.get());
  el_set(editor.get(), EL_ADDFN, "complete", "complete a command", complete);
  el_set(editor.get(), EL_BIND, "^I", "complete", nullptr);
  for (;;) {
    int length = 0;
    auto* line = el_gets(editor.get(), &length);
    if (!line || length <= 0) {
      fmt::print("\n");
      return exit_ok;
    }
    auto words = split(line);
    if (words.empty())
      continue;
    history(past.get(), &event, H_ENTER, line);
    if (words.front() == "quit" || words.front() == "exit")
      return exit_ok;
    ask(node, words, as_json);
  }
}

/// Commands from a pipe, one a line; the worst exit code of them.
int read_commands(control_client& node, bool as_json) {
  int code = exit_ok;
  for (std::string line; std::getline(std::cin, line);) {
    auto words = split(line);
    if (words.empty())
      continue;
    if (words.front() == "quit" || words.front() == "exit")
      break;
    code = std::max(code, ask(node, words, as_json));
  }
  return code;
}

} // namespace

int run_console(const console_options& options) {
  auto node = control_client::connect(
    std::filesystem::path{options.data_folder} / "control.sock");
  if (!node) {
    fmt::print(stderr, "herald console: {}\n", node.error().message);
    return exit_failure;
  }
  if (!options.command.empty())
    return ask(*node, options.command, options.json);
  return isatty(STDIN_FILENO) ? converse(*node, options.json)
                              : read_commands(*node, options.json);
}

} // namespace herald
