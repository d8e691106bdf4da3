#pragma once

#include "actors/event_codec.hpp"
#include "actors/event_index.hpp"
#include "actors/feed/feed_source.hpp"
#include "actors/match/match_views.hpp"

namespace herald {

/// The feed's source over a real log and its views, all of which outlive it.
class log_feed_source final : public feed_source {
public:
  log_feed_source(const event_log& log, const event_codec& codec,
    const event_index& index, const match_views& views);

  std::uint64_t incarnation() const override;
  std::uint32_t partitions() const override;
  std::uint32_t partition_of(std::string_view match) const override;
  offset committed_end(std::uint32_t partition) const override;
  offset log_start(std::uint32_t partition) const override;
  result<std::vector<feed_event>> read(std::uint32_t partition, offset from,
    offset end, const std::function<bool(std::string_view)>& wanted,
    offset& reached) override;
  result<std::vector<feed_event>> events_of(std::string_view match, offset from,
    offset end, std::size_t count, offset& reached) override;
  result<feed_snapshot> snapshot(std::string_view match) override;
  result<std::pair<std::shared_ptr<const nlohmann::json>, feed_cursor>>
  list() override;
  result<nlohmann::json> summary(std::string_view match) override;
  offset view_cursor(std::uint32_t partition) override;

private:
  result<feed_event> event_of(const record_view& record) const;

  const event_log& log_;
  const event_codec& codec_;
  const event_index& index_;
  const match_views& views_;
  topic_info topic_;
};

} // namespace herald
