#pragma once

#include "engine/log/event_log.hpp"
#include "engine/store/vault.hpp"
#include "protocol/failure.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace herald {

/// Which of the log's records are looked at.
enum class vault_look : std::uint8_t {
  /// The last of each partition: quick, for a start.
  last_records,
  /// All of them.
  everything,
};

/// Finds out whether the vault belongs to the log: whether it has made the keys
/// of the documents in riot.raw and opens them, and knows the players that the
/// topic `player` speaks of. An older
/// copy of it, or another folder's, would give out keys and ids a second time.
/// A document whose key was forgotten is erased, which is as it should be.
///
/// Returns what is wrong, one line each ("riot.raw/3@17: ..."), at most
/// `problems_max`. A failure means that log or vault cannot be read.
result<std::vector<std::string>> check_vault(const event_log& log,
  const vault& people, vault_look look, std::size_t problems_max = 100);

} // namespace herald
