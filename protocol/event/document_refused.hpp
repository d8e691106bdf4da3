#pragma once

#include "protocol/schema/record.hpp"

#include <cstdint>
#include <string>

/// The event document.refused of the topic `dead-letter`: a document that
/// cannot become an event, with the place where its bytes are kept.

namespace herald::event {

HERALD_RECORD(document_refused, "herald.document", "refused",
  "A document was refused and waits for a person.",
  (std::string, contentHash,
    "SHA-256 of the document as it came, in hexadecimal digits."),
  (std::string, matchId,
    "The match that the document names; empty when it could not be read."),
  (std::string, rule,
    "The rule that it breaks: shape, or a number such as riot.8.12."),
  (std::string, pointer,
    "Place in the document, a JSON pointer (RFC 6901); empty for the whole."),
  (std::string, reason, "What is wrong, in a sentence."),
  (std::string, principal,
    "Who sent it: import, riot-gateway, companion or the name of a client."),
  (std::string, source,
    "Where it comes from: file, match-v5, spectator-v5 or live-client."),
  (std::int32_t, rawPartition, "Partition of riot.raw that keeps the bytes."),
  (std::int64_t, rawOffset, "Offset in riot.raw of the bytes."));

} // namespace herald::event
