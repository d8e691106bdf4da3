#pragma once

#include "protocol/failure.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace herald {

/// What a setting of topics is called, and what may be said about it.
struct setting_info {
  /// Kafka's name, or one of Herald's own ("herald.").
  std::string_view name;
  /// What holds where nothing is set. Like Kafka's, but for retention: Herald
  /// keeps everything unless it is told otherwise.
  std::string_view fallback;
  /// The values that set() takes, in words.
  std::string_view allowed;
  /// False: kept and reported, since Kafka's tools send it, and of no
  /// consequence here.
  bool effective = true;
};

/// How long records are kept after what they are about came to an end: "closed
/// + 90 d". Which states there are is known to the topic's aggregate.
struct state_retention {
  std::string state;
  std::int64_t for_ms = 0;
  bool operator==(const state_retention&) const = default;
};

/// One change to a topic's settings; without a value the fallback holds again.
struct setting_change {
  std::string name;
  std::optional<std::string> value;
};

/// The largest max.message.bytes: the bound of every log_writer.
constexpr std::size_t message_bytes_bound = 24u << 20;

/// The settings of one topic: texts under Kafka's names, and what they mean. A
/// value; durations are taken as milliseconds ("604800000") or with a unit
/// ("7 d"; ms, s, min, h, d), sizes as bytes or with a unit ("1 GiB"; B, KiB,
/// MiB, GiB, TiB), and kept as plain numbers, as Kafka's tools expect them.
class topic_settings {
public:
  /// Every known setting, by name.
  static std::span<const setting_info> known();
  /// The setting of that name; nullptr when there is none.
  static const setting_info* find(std::string_view name);

  /// Sets one. fault::invalid_input names setting, value and what is allowed,
  /// and nothing changes.
  result<void> set(std::string_view name, std::string_view value);
  /// Back to the fallback; fault::invalid_input for an unknown name.
  result<void> unset(std::string_view name);
  /// All of the changes in order or, with the first failure, none.
  result<void> apply(std::span<const setting_change> changes);

  /// The text in force. The name must be known (asserted).
  std::string get(std::string_view name) const;
  bool is_set(std::string_view name) const { return given_.contains(name); }
  /// What was set, by name: what is stored, and all that makes two equal.
  const std::map<std::string, std::string, std::less<>>& given() const {
    return given_;
  }

  /// cleanup.policy: whether old records go by retention, and whether only the
  /// newest record of each key stays.
  bool deletes() const { return deletes_; }
  bool compacts() const { return compacts_; }
  /// retention.ms and retention.bytes (of one partition); none: for ever.
  std::optional<std::int64_t> retention_ms() const { return retention_ms_; }
  std::optional<std::uint64_t> retention_bytes() const {
    return retention_bytes_;
  }
  /// herald.retention.state.
  const std::optional<state_retention>& retention_state() const {
    return retention_state_;
  }
  /// The largest batch that a client may write; see check_at_door().
  std::size_t max_message_bytes() const { return max_message_bytes_; }
  /// Record times are those of the append, whatever the producer says.
  bool log_append_time() const { return log_append_time_; }
  std::int64_t min_compaction_lag_ms() const { return min_compaction_lag_ms_; }
  std::int64_t delete_retention_ms() const { return delete_retention_ms_; }
  double min_cleanable_dirty_ratio() const {
    return min_cleanable_dirty_ratio_;
  }

  bool operator==(const topic_settings& other) const {
    return given_ == other.given_;
  }

private:
  result<void> adopt(std::string_view name, std::string_view value);

  std::map<std::string, std::string, std::less<>> given_;
  bool deletes_ = true;
  bool compacts_ = false;
  std::optional<std::int64_t> retention_ms_;
  std::optional<std::uint64_t> retention_bytes_;
  std::optional<state_retention> retention_state_;
  std::size_t max_message_bytes_ = 1'048'588;
  bool log_append_time_ = false;
  std::int64_t min_compaction_lag_ms_ = 0;
  std::int64_t delete_retention_ms_ = 86'400'000;
  double min_cleanable_dirty_ratio_ = 0.5;
};

class batch_view;

/// Whether a client's batch may go into a topic with these settings: not larger
/// than max.message.bytes (fault::too_large), and every record with a key where
/// the topic is compacted (fault::invalid_input, naming the first record
/// without one, counted from 0). Inflates the records of compacted topics only.
result<void> check_at_door(
  const topic_settings& settings, const batch_view& batch);

/// "90 d" or "7776000000" in milliseconds; fault::invalid_input otherwise.
result<std::int64_t> parse_duration_ms(std::string_view text);
/// "1 GiB" or "1073741824" in bytes; fault::invalid_input otherwise.
result<std::uint64_t> parse_size_bytes(std::string_view text);

} // namespace herald
