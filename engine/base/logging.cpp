#include "engine/base/logging.hpp"

#include "engine/base/clock.hpp"
#include "engine/base/json_text.hpp"
#include "engine/base/limits.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <ctime>

namespace herald {

namespace {

std::atomic<log_format> chosen_format{log_format::human};
std::atomic<log_level> chosen_level{log_level::info};

/// spdlog brings the line to standard error in one piece; what stands in it is
/// decided here.
spdlog::logger& standard_error() {
  static auto logger = [] {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    sink->set_pattern("%v");
    auto made = std::make_shared<spdlog::logger>("herald", std::move(sink));
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

std::string utc(std::int64_t time_ms) {
  auto seconds = static_cast<std::time_t>(time_ms / 1000);
  auto rest = time_ms % 1000;
  if (rest < 0) {
    rest += 1000;
    --seconds;
  }
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
    parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
    parts.tm_min, parts.tm_sec, rest);
}

/// Cuts a text that outside data may have blown up, so that the line as a
/// whole stays a line (and valid JSON).
std::string_view shortened(std::string_view text, std::size_t at_most) {
  return text.substr(0, at_most);
}

} // namespace

std::string_view to_string(log_level level) {
  switch (level) {
  case log_level::debug:
    return "debug";
  case log_level::info:
    return "info";
  case log_level::warning:
    return "warning";
  case log_level::error:
    return "error";
  }
  return "unknown";
}

std::string format_log_line(log_format format, log_level level,
  std::int64_t time_ms, std::string_view room, std::string_view message,
  log_fields fields) {
  bool json = format == log_format::json;
  std::string line;
  if (json) {
    line = fmt::format("{{\"time\":\"{}\",\"level\":\"{}\",\"room\":",
      utc(time_ms), to_string(level));
    append_json_string(line, room);
    line += ",\"message\":";
  } else {
    line = fmt::format("{} {} {}: ", utc(time_ms), to_string(level), room);
  }
  // An escaped byte takes up to six.
  auto append = [&](std::string_view text, bool quoted) {
    auto left = line.size() < limits::log_line_bytes
      ? (limits::log_line_bytes - line.size()) / 6
      : 0;
    auto part = shortened(text, left);
    std::string with_dots;
    if (part.size() < text.size())
      part = with_dots = std::string(part) + "...";
    if (quoted)
      append_json_string(line, part);
    else
      append_printable(line, part);
  };
  append(message, json);
  for (auto& field : fields) {
    if (json) {
      line += ',';
      append_json_string(line, field.name);
      line += ':';
      if (field.is_number)
        line += field.value;
      else
        append(field.value, true);
      continue;
    }
    line += fmt::format(", {}=", field.name);
    bool quoted = field.value.empty()
      || field.value.find_first_of(" ,=\"") != std::string::npos;
    append(field.value, quoted);
  }
  if (json)
    line += '}';
  return line;
}

void start_logging(log_format format, log_level from) {
  chosen_format = format;
  chosen_level = from;
}

void log_line(log_level level, std::string_view room, std::string_view message,
  log_fields fields) {
  if (level < chosen_level.load(std::memory_order_relaxed))
    return;
  auto now = system_time_source{}.now_ms();
  auto line = format_log_line(chosen_format, level, now, room, message, fields);
  standard_error().log(spdlog::level::info, spdlog::string_view_t{line});
}

} // namespace herald
