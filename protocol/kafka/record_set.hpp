#pragma once

#include "protocol/bytes.hpp"

#include <cassert>
#include <cstddef>
#include <utility>
#include <vector>

namespace herald::kafka {

/// What a `records` field of Kafka holds: a row of record batches, uncopied.
/// Decoded, it is one view into the frame. In a fetch response that is being
/// put together it may be many pieces (one per stored batch), which count as
/// if they stood in a row. Somebody else keeps the bytes alive. A value.
class record_set {
public:
  record_set() = default;
  /// One piece.
  record_set(bytes_view only) : first_{only} {}

  /// Adds a piece behind those there are.
  void append(bytes_view piece) {
    if (first_.empty())
      first_ = piece;
    else if (!piece.empty())
      more_.push_back(piece);
  }

  /// Bytes in all pieces together.
  std::size_t size_bytes() const {
    auto size = first_.size();
    for (auto piece : more_)
      size += piece.size();
    return size;
  }
  bool empty() const { return first_.empty(); }

  /// The bytes of a set of one piece, as every decoded set is. Asserts that
  /// there are not more.
  bytes_view view() const {
    assert(more_.empty());
    return first_;
  }

  /// Calls `visit(bytes_view)` for every piece in order; none is empty.
  template <class Visit>
  void for_each_piece(Visit&& visit) const {
    if (!first_.empty())
      visit(first_);
    for (auto piece : more_)
      visit(piece);
  }

  /// All pieces in a row, copied.
  bytes copy() const;

  /// Equal bytes, however they are cut into pieces.
  friend bool operator==(const record_set& left, const record_set& right);

private:
  bytes_view first_;
  std::vector<bytes_view> more_;
};

} // namespace herald::kafka
