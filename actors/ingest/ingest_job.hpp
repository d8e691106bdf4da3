#pragma once

#include "actors/aggregate.hpp"
#include "actors/reply.hpp"
#include "protocol/bytes.hpp"
#include "protocol/position.hpp"

#include <string>

namespace herald {

/// What became of a document; told once it is durable.
struct document_outcome {
  enum class kind { accepted, duplicate, refused };
  kind what = kind::accepted;
  /// "match" or "timeline"; empty when it could not be read.
  std::string document_kind;
  std::string match_id;
  /// The event that records it; without meaning when refused.
  position at;
  /// Why it was refused.
  refusal why;
};

/// A document on its way in.
struct ingest_job {
  bytes content;
  /// content_hash() of the content.
  std::string hash;
  /// Who sends it: "import", "riot-gateway".
  std::string principal;
  /// Where it is from: "file", "match-v5".
  std::string source;
  reply<document_outcome> answer;
};

/// SHA-256 in 64 lower-case hex digits: the name under which the content of a
/// document is known for ever.
std::string content_hash(bytes_view content);

} // namespace herald
