#include "protocol/kafka/record_set.hpp"

namespace herald::kafka {

bytes record_set::copy() const {
  bytes out;
  out.reserve(size_bytes());
  for_each_piece([&](bytes_view piece) { out.append(piece); });
  return out;
}

bool operator==(const record_set& left, const record_set& right) {
  if (left.more_.empty() && right.more_.empty())
    return left.first_ == right.first_;
  return left.copy() == right.copy();
}

} // namespace herald::kafka
