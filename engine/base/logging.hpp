#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace herald {

enum class log_level : std::uint8_t { debug, info, warning, error };
enum class log_format : std::uint8_t { human, json };

/// "debug", "info", "warning" or "error".
std::string_view to_string(log_level level);

/// A named value of a log line, such as {"partition", 7}. Names are those of
/// the code and of config.toml. Values that come from outside are welcome:
/// whatever a terminal or a log reader would obey is escaped. Secrets and
/// names of players are not.
struct log_field {
  log_field(std::string_view name, std::string_view value)
    : name(name), value(value) {}
  log_field(std::string_view name, const char* value)
    : name(name), value(value) {}
  log_field(std::string_view name, const std::string& value)
    : name(name), value(value) {}
  template <std::integral T>
  log_field(std::string_view name, T value)
    : name(name), value(std::to_string(value)), is_number(true) {}

  std::string_view name;
  std::string value;
  /// Stands without quotes in JSON.
  bool is_number = false;
};

using log_fields = std::initializer_list<log_field>;

/// Chooses what the lines look like and which are written. `main` calls it
/// once, before the threads start; without it they are human and from info on.
void start_logging(log_format format, log_level from);

/// Writes one line to standard error. Any thread. `room` is the part of the
/// code that speaks ("log", "edge", "riot"); `message` is a sentence without
/// the values, which stand in the fields. Longer lines than
/// limits::log_line_bytes are cut.
void log_line(log_level level, std::string_view room, std::string_view message,
  log_fields fields = {});

inline void log_debug(
  std::string_view room, std::string_view message, log_fields fields = {}) {
  log_line(log_level::debug, room, message, fields);
}
inline void log_info(
  std::string_view room, std::string_view message, log_fields fields = {}) {
  log_line(log_level::info, room, message, fields);
}
inline void log_warning(
  std::string_view room, std::string_view message, log_fields fields = {}) {
  log_line(log_level::warning, room, message, fields);
}
inline void log_error(
  std::string_view room, std::string_view message, log_fields fields = {}) {
  log_line(log_level::error, room, message, fields);
}

/// The line that log_line would write at `time_ms`, without its line feed:
///
///     2026-01-31T12:00:00.000Z warning edge: Too many connections, limit=4096
///     {"time":"...","level":"warning","room":"edge","message":"...","limit":4096}
std::string format_log_line(log_format format, log_level level,
  std::int64_t time_ms, std::string_view room, std::string_view message,
  log_fields fields);

} // namespace herald
