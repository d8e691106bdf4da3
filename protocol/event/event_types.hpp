#pragma once

#include "protocol/schema/record.hpp"

#include <span>
#include <string_view>

namespace herald::event {

/// What Herald knows about one kind of event. The table is constant and may be
/// read from any thread.
struct event_type {
  /// The name that clients see, such as "match.completed".
  std::string_view name;
  /// The topic that it is written to: "match", "player", "dead-letter" or
  /// "audit".
  std::string_view topic;
  /// Under which the schema is registered: topic, "-", full name of the record,
  /// such as "match-herald.match.completed".
  std::string_view subject;
  /// The fields, with their docs.
  const type* description = nullptr;
};

/// All kinds of events, in a fixed order.
std::span<const event_type> event_types();

/// The kind with this name or this subject; nullptr when there is none.
const event_type* find_event_type(std::string_view name);
const event_type* find_event_type_by_subject(std::string_view subject);

/// The kind that a struct holds; nullptr when the struct is no event.
const event_type* find_event_type(const type& description);

} // namespace herald::event
