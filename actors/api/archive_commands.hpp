#pragma once

#include "actors/api/node_services.hpp"
#include "protocol/failure.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace herald {

// The console's commands about old batches. What they return is a JSON text;
// `arguments` are the words behind the command.

/// "archive [--topic T] [--before MONTH|DATE]": starts moving batches that are
/// older than that (by default, than the current month) into segment files,
/// month by month. "archive list", "archive detach FILE", "archive attach
/// FILE".
result<std::string> archive_command(
  const node_services& node, const std::vector<std::string>& arguments);

/// "backup DIR [--rate BYTES/S]": starts a backup into an absolute path.
result<std::string> backup_command(
  const node_services& node, const std::vector<std::string>& arguments);

/// "task": how far the last long command is; "task stop" ends it.
result<std::string> task_command(
  const node_services& node, const std::vector<std::string>& arguments);

/// The start of "2026-10" or "2026-10-31" in UTC, in milliseconds since 1970.
std::optional<std::int64_t> start_of_date(std::string_view text);

/// The starts of all months after `from_ms` up to and with `to_ms`, and `to_ms`
/// itself: where archiving makes a cut. At most 1,200.
std::vector<std::int64_t> month_cuts(std::int64_t from_ms, std::int64_t to_ms);

/// "2026-10-31T12:00:00Z", for people.
std::string date_text(std::int64_t time_ms);

} // namespace herald
