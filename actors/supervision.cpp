#include "actors/supervision.hpp"

#include "engine/base/logging.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <deque>
#include <exception>

namespace herald {

void supervision_tree::running(const std::string& path) {
  std::lock_guard guard{mutex_};
  auto& report = reports_[path];
  report.path = path;
  report.state = "running";
}

void supervision_tree::restarting(
  const std::string& path, std::string failure) {
  std::lock_guard guard{mutex_};
  auto& report = reports_[path];
  report.path = path;
  report.state = "restarting";
  report.last_failure = std::move(failure);
  ++report.restarts;
}

void supervision_tree::stopped(const std::string& path, std::string failure) {
  std::lock_guard guard{mutex_};
  auto& report = reports_[path];
  report.path = path;
  report.state = "stopped";
  if (!failure.empty())
    report.last_failure = std::move(failure);
}

std::vector<actor_report> supervision_tree::report() const {
  std::lock_guard guard{mutex_};
  std::vector<actor_report> all;
  all.reserve(reports_.size());
  for (auto& [path, report] : reports_)
    all.push_back(report);
  return all;
}

std::uint64_t supervision_tree::restarts() const {
  std::lock_guard guard{mutex_};
  std::uint64_t sum = 0;
  for (auto& [path, report] : reports_)
    sum += report.restarts;
  return sum;
}

namespace {

using restart_atom = caf::atom_constant<caf::atom("restart")>;

bool clean(const caf::error& reason) {
  return !reason || reason == caf::exit_reason::normal
    || reason == caf::exit_reason::user_shutdown;
}

struct stashed {
  caf::strong_actor_ptr sender;
  caf::message_id id;
  caf::message content;
};

class guardian_state {
public:
  static inline const char* name = "guardian";

  guardian_state() = default;

  caf::behavior start(caf::event_based_actor* self, supervision_tree* tree,
    std::string path, child_spec spec, restart_policy policy) {
    self_ = self;
    tree_ = tree;
    path_ = std::move(path);
    spec_ = std::move(spec);
    policy_ = policy;
    self->set_down_handler(
      [this](const caf::down_msg& down) { child_ended(down); });
    self->set_exit_handler([this](const caf::exit_msg& exit) {
      if (child_)
        self_->send_exit(child_, exit.reason);
      tree_->stopped(path_, "");
      self_->quit(exit.reason);
    });
    self->set_default_handler(
      [this](caf::scheduled_actor*,
        caf::message_view& view) -> caf::result<caf::message> {
        return pass_on(view);
      });
    start_child();
    return {[this](restart_atom) { start_child(); }};
  }

private:
  void start_child() {
    child_ = spec_.start(self_);
    self_->monitor(child_);
    started_ = self_->clock().now();
    tree_->running(path_);
    while (!stash_.empty()) {
      auto next = std::move(stash_.front());
      stash_.pop_front();
      deliver(std::move(next));
    }
  }

  void child_ended(const caf::down_msg& down) {
    if (!child_ || down.source != child_.address())
      return;
    child_ = nullptr;
    if (clean(down.reason)) {
      tree_->stopped(path_, "");
      self_->quit(down.reason);
      return;
    }
    auto reason = self_->system().render(down.reason);
    log_error("actors", "An actor failed",
      {{"actor", path_}, {"reason", reason}, {"failures", failures_ + 1}});
    if (self_->clock().now() - started_ > policy_.window)
      failures_ = 0;
    if (++failures_ > policy_.restarts_max) {
      tree_->stopped(path_, reason);
      self_->quit(down.reason);
      return;
    }
    tree_->restarting(path_, reason);
    auto delay = std::min(policy_.delay_max,
      policy_.delay_min * (1 << std::min(failures_ - 1, 16u)));
    self_->delayed_send(self_, delay, restart_atom::value);
  }

  caf::result<caf::message> pass_on(caf::message_view& view) {
    auto* element = self_->current_mailbox_element();
    stashed next{element->sender, element->mid, view.move_content_to_message()};
    // Whoever gets the message answers it; this actor is out of the loop.
    element->mid.mark_as_answered();
    if (child_)
      deliver(std::move(next));
    else if (stash_.size() < policy_.stash_max)
      stash_.push_back(std::move(next));
    return caf::delegated<caf::message>{};
  }

  void deliver(stashed next) {
    caf::actor_cast<caf::abstract_actor*>(child_)->enqueue(
      std::move(next.sender), next.id, std::move(next.content),
      self_->context());
  }

  caf::event_based_actor* self_ = nullptr;
  supervision_tree* tree_ = nullptr;
  std::string path_;
  child_spec spec_;
  restart_policy policy_;
  caf::actor child_;
  caf::actor_clock::time_point started_;
  std::uint32_t failures_ = 0;
  std::deque<stashed> stash_;
};

class supervisor_state {
public:
  static inline const char* name = "supervisor";

  caf::behavior start(caf::event_based_actor* self, supervision_tree* tree,
    std::string path, std::vector<caf::actor> children,
    std::function<void(const std::string&)> on_failure) {
    self_ = self;
    tree_ = tree;
    path_ = std::move(path);
    children_ = std::move(children);
    on_failure_ = std::move(on_failure);
    for (auto& child : children_)
      self->monitor(child);
    self->set_down_handler([this](const caf::down_msg& down) {
      auto ended = std::find_if(children_.begin(), children_.end(),
        [&](const caf::actor& x) { return x.address() == down.source; });
      if (ended != children_.end())
        children_.erase(ended);
      if (!clean(down.reason))
        end(down.reason);
      else if (children_.empty())
        end(caf::exit_reason::normal);
    });
    self->set_exit_handler(
      [this](const caf::exit_msg& exit) { end(exit.reason); });
    tree_->running(path_);
    return {[](restart_atom) {}};
  }

private:
  void end(const caf::error& reason) {
    for (auto& child : children_)
      self_->send_exit(child, caf::exit_reason::user_shutdown);
    children_.clear();
    auto words = clean(reason) ? std::string{} : self_->system().render(reason);
    tree_->stopped(path_, words);
    if (!words.empty() && on_failure_)
      on_failure_(words);
    self_->quit(reason);
  }

  caf::event_based_actor* self_ = nullptr;
  supervision_tree* tree_ = nullptr;
  std::string path_;
  std::vector<caf::actor> children_;
  std::function<void(const std::string&)> on_failure_;
};

} // namespace

void explain_exceptions(caf::event_based_actor* self) {
  self->set_exception_handler(
    [](caf::scheduled_actor*, std::exception_ptr& thrown) -> caf::error {
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& known) {
        return caf::make_error(caf::sec::runtime_error, known.what());
      } catch (...) {
        return caf::make_error(caf::sec::runtime_error,
          "an exception that is none of the library's");
      }
    });
}

caf::actor spawn_guardian(caf::actor_system& system, supervision_tree* tree,
  const std::string& parent_path, child_spec child, restart_policy policy) {
  auto path = parent_path + "/" + child.name;
  return system.spawn([tree, path, child = std::move(child), policy](
                        caf::stateful_actor<guardian_state>* self) {
    return self->state.start(self, tree, path, child, policy);
  });
}

caf::actor spawn_supervisor(caf::actor_system& system, supervision_tree* tree,
  const std::string& path, std::vector<caf::actor> children,
  std::function<void(const std::string& reason)> on_failure) {
  return system.spawn([tree, path, children = std::move(children),
                        on_failure = std::move(on_failure)](
                        caf::stateful_actor<supervisor_state>* self) {
    return self->state.start(self, tree, path, children, on_failure);
  });
}

} // namespace herald
