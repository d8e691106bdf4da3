#pragma once

#include "protocol/position.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace herald {

/// Knows the replays that are on their way: two do not work on the same thing,
/// and retention waits for what they have yet to read. Any thread.
class replay_desk {
  struct replay {
    std::string name;
    bool alone = false;
    std::map<partition_id, offset> next;
  };
  struct shared {
    std::mutex mutex;
    std::uint64_t last = 0;
    std::map<std::uint64_t, replay> replays;
  };

public:
  /// A replay on its way, until it goes. It may outlive the desk.
  class place {
  public:
    place(place&&) noexcept = default;
    place& operator=(place&&) = delete;
    ~place() {
      if (!held_)
        return;
      std::lock_guard guard{held_->mutex};
      held_->replays.erase(id_);
    }

    /// It still reads the records of the partition from `next` on.
    void stands_at(partition_id where, offset next) {
      std::lock_guard guard{held_->mutex};
      held_->replays.at(id_).next.insert_or_assign(where, next);
    }

    /// It reads nothing of the partition any more.
    void is_through(partition_id where) {
      std::lock_guard guard{held_->mutex};
      held_->replays.at(id_).next.erase(where);
    }

  private:
    friend class replay_desk;
    place(std::shared_ptr<shared> held, std::uint64_t id)
      : held_(std::move(held)), id_(id) {}
    std::shared_ptr<shared> held_;
    std::uint64_t id_;
  };

  /// None when somebody works on the thing of that name.
  std::optional<place> take(std::string name) {
    std::lock_guard guard{held_->mutex};
    for (auto& [id, other] : held_->replays)
      if (other.alone && other.name == name)
        return std::nullopt;
    return add({std::move(name), true, {}});
  }

  /// Beside others of that name.
  place join(std::string name) {
    std::lock_guard guard{held_->mutex};
    return add({std::move(name), false, {}});
  }

  /// The name of what has read least of a partition, and what it reads next;
  /// none when nobody reads it.
  std::optional<std::pair<std::string, offset>> slowest(
    partition_id where) const {
    std::lock_guard guard{held_->mutex};
    std::optional<std::pair<std::string, offset>> least;
    for (auto& [id, reading] : held_->replays)
      if (auto at = reading.next.find(where);
        at != reading.next.end() && (!least || at->second < least->second))
        least.emplace(reading.name, at->second);
    return least;
  }

private:
  place add(replay begun) {
    auto id = ++held_->last;
    held_->replays.emplace(id, std::move(begun));
    return place{held_, id};
  }

  std::shared_ptr<shared> held_ = std::make_shared<shared>();
};

} // namespace herald
