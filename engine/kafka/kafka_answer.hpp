#pragma once

#include "protocol/bytes.hpp"
#include "protocol/position.hpp"

#include <cstddef>
#include <vector>

namespace herald {

/// A stored batch that is part of an answer. Its bytes stay in the log until
/// they go to the socket.
struct stored_piece {
  partition_id where;
  /// Offset of the batch's first record, and its bytes.
  offset base;
  std::size_t size = 0;
  /// The batch belongs in front of this byte of the answer's head.
  std::size_t at = 0;
};

/// One answer on its way to a client: encoded bytes and, for a fetch, the
/// batches between them, in order.
struct kafka_answer {
  bytes head;
  std::vector<stored_piece> pieces;

  std::size_t size_bytes() const {
    auto size = head.size();
    for (auto& piece : pieces)
      size += piece.size;
    return size;
  }
};

} // namespace herald
