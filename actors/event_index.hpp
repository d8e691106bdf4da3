#pragma once

#include "engine/log/event_log.hpp"
#include "engine/store/follower.hpp"
#include "engine/store/view_store.hpp"
#include "protocol/batch/record_batch.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace herald {

/// Which records of a partition have a key: what brings one aggregate back
/// without reading all others. The index is a projection like any other, so it
/// follows the log by some milliseconds; what it has not seen yet is read from
/// the log.
///
///     event.index   topic-number:u32 partition:u32 key 00 offset:u64 -> empty
class event_index {
public:
  static constexpr std::string_view table = "event.index";
  static constexpr std::string_view follower_name = "event-index";

  event_index(const event_log& log, const view_store& views)
    : log_(log), views_(views) {}

  /// Calls `visit` for the records with this key in [from, end), in order, at
  /// most `count_max` of them; those that retention has removed are left out.
  /// The cost follows from the records of the key in that range, not from those
  /// before it. From any thread.
  result<void> for_each_event(partition_id where, std::string_view key,
    offset from, offset end,
    const std::function<result<void>(const record_view&)>& visit,
    std::size_t count_max = ~std::size_t{0}) const;

private:
  const event_log& log_;
  const view_store& views_;
};

/// The projection that keeps the index of the given topics.
class event_index_projection final : public projection {
public:
  explicit event_index_projection(std::vector<std::string> topics)
    : topics_(std::move(topics)) {}
  std::string_view name() const override { return event_index::follower_name; }
  std::uint32_t version() const override { return 1; }
  std::vector<std::string> topics() const override { return topics_; }
  std::vector<std::string> tables() const override {
    return {std::string{event_index::table}};
  }
  result<void> apply(const position& at, const record_view& record,
    view_transaction& views) override;

private:
  std::vector<std::string> topics_;
};

} // namespace herald
