#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace herald {

/// Sees to it that two replays do not work on the same thing. Any thread.
class replay_desk {
public:
  /// Holds what was taken until it goes. It may outlive the desk.
  class place {
  public:
    place(place&&) noexcept = default;
    place& operator=(place&&) = delete;
    ~place() {
      if (!held_)
        return;
      std::lock_guard guard{held_->mutex};
      held_->names.erase(name_);
    }

  private:
    friend class replay_desk;
    struct shared {
      std::mutex mutex;
      std::set<std::string> names;
    };
    place(std::shared_ptr<shared> held, std::string name)
      : held_(std::move(held)), name_(std::move(name)) {}
    std::shared_ptr<shared> held_;
    std::string name_;
  };

  /// None when somebody has it.
  std::optional<place> take(std::string name) {
    std::lock_guard guard{held_->mutex};
    if (!held_->names.insert(name).second)
      return std::nullopt;
    return place{held_, std::move(name)};
  }

private:
  std::shared_ptr<place::shared> held_ = std::make_shared<place::shared>();
};

} // namespace herald
