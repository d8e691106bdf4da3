#pragma once

#include "protocol/bytes.hpp"
#include "protocol/event/match_completed.hpp"
#include "protocol/event/match_timeline_recorded.hpp"

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace herald::riot {

/// Why a document cannot become an event.
struct refusal {
  /// "shape", or the numbered rule of rules.hpp that it breaks: "riot.8.5".
  std::string rule;
  /// JSON pointer (RFC 6901) to the place in the document; "" is the whole.
  std::string pointer;
  /// A sentence for a person.
  std::string reason;
  bool operator==(const refusal&) const = default;
};

/// A value, or why the document was refused.
template <class T>
using reading = std::expected<T, refusal>;

/// Somebody who played, as a document names them. Goes to the vault and
/// nowhere else. Bots and hidden players have no entry.
struct person {
  /// Place in the document's list, from 1.
  std::int32_t participant_id = 0;
  /// 78 characters, for the key whose project asked.
  std::string puuid;
  /// Empty where the document does not say.
  std::string game_name;
  std::string tag_line;
  std::string summoner_name;
  bool operator==(const person&) const = default;
};

enum class document_kind : std::uint8_t { match, timeline };

/// "match" or "timeline".
std::string_view to_string(document_kind kind);

/// A match-v5 document as Herald understood it.
struct document {
  std::string match_id;
  /// Riot's empty shape of a game that never came to be: the event holds the
  /// match id and no statistics, and no person is named.
  bool aborted = false;
  /// The event without `principal`, `source`, `contentHash`, `revision` and
  /// player ids, which the document does not know.
  std::variant<event::match_completed, event::match_timeline_recorded> content;
  /// By participant. Old timelines do not say who played.
  std::vector<person> people;
  /// metadata.participants as it came.
  std::vector<std::string> listed_puuids;
  /// Properties that no description knows, with how often each was there, such
  /// as "info/participants/newThing". They never refuse a document. At most
  /// unknown_paths_max paths are told apart; the rest counts as "(others)".
  std::map<std::string, std::uint64_t> unknown;

  document_kind kind() const {
    return content.index() == 0 ? document_kind::match
                                : document_kind::timeline;
  }
};

/// How many different unknown properties a document reports at most.
inline constexpr std::size_t unknown_paths_max = 100;

/// A document has at most so many bytes; a larger one is refused unread.
inline constexpr std::size_t document_bytes_max = 16u << 20;

/// Reads a match-v5 match or timeline and checks the rules that it can break
/// alone (1 to 11 of rules.hpp). Which of the two it is follows from its shape:
/// a timeline has info.frames. Refused as "shape": what is not JSON, is neither
/// of the two, lacks a property that Riot's description requires or has one of
/// another type. May be called from any thread; keeps no reference to `json`.
reading<document> read_document(bytes_view json);

/// The first half of read_document: shape only, no rules.
reading<document> read_shape(bytes_view json);

/// Writes the vault's id of a person into the event.
void set_player_id(document& doc, const person& who, std::string player_id);

} // namespace herald::riot
