#include "engine/kafka/fetch_waiters.hpp"

namespace herald {

void fetch_waiters::add(
  const waiter_ptr& waiter, std::span<const partition_id> partitions) {
  std::lock_guard lock{mutex_};
  for (auto& where : partitions)
    waiting_[where].push_back(waiter);
  count_ += partitions.size();
}

void fetch_waiters::remove(
  const waiter_ptr& waiter, std::span<const partition_id> partitions) {
  std::lock_guard lock{mutex_};
  for (auto& where : partitions) {
    auto found = waiting_.find(where);
    if (found == waiting_.end())
      continue;
    std::erase(found->second, waiter);
    if (found->second.empty())
      waiting_.erase(found);
  }
  count_ -= partitions.size();
}

void fetch_waiters::committed(std::span<const partition_commit> news) {
  if (count_ == 0)
    return;
  std::vector<waiter_ptr> woken;
  {
    std::lock_guard lock{mutex_};
    for (auto& commit : news)
      if (auto found = waiting_.find(commit.where); found != waiting_.end())
        woken.insert(woken.end(), found->second.begin(), found->second.end());
  }
  for (auto& waiter : woken)
    waiter->wake();
}

} // namespace herald
