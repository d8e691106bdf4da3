#include "engine/kafka/request_table.hpp"
#include "engine/kafka/topic_lookup.hpp"
#include "protocol/batch/record_batch.hpp"
#include "protocol/kafka/fetch.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cassert>
#include <utility>

namespace herald {

namespace {

using kafka::fetch_request;
using kafka::fetch_response;
using asked_partition = fetch_request::fetch_partition;
using partition_answer = fetch_response::partition_data;

// From this version on topics are named by id.
constexpr std::int16_t by_topic_id = 13;
// Who asks with an older version cannot read zstd (KIP-110).
constexpr std::int16_t reads_zstd = 10;

/// What a fetch would be answered with now.
struct fetched {
  fetch_response response;
  /// The batches in it, in order.
  std::vector<stored_piece> pieces;
  std::size_t bytes = 0;
  /// Something that the client must hear of at once.
  bool failed = false;
};

/// A fetch on its way: it looks into the log until there is enough, or its time
/// is over. Lives on its session's thread.
class fetch_job : public std::enable_shared_from_this<fetch_job> {
public:
  fetch_job(kafka_request request, fetch_request asked)
    : request_{std::move(request)}, asked_{std::move(asked)},
      core_{request_.session->core()}, timer_{request_.session->context()} {}

  void start() {
    if (answer_if_enough())
      return;
    collect_partitions();
    waiter_ = std::make_shared<fetch_waiter>([weak = weak_from_this()] {
      if (auto job = weak.lock())
        job->request_.session->post([job] { job->look_again(); });
    });
    core_.waiters.add(waiter_, partitions_);
    timer_.expires_after(std::chrono::milliseconds{asked_.max_wait_ms});
    timer_.async_wait([self = shared_from_this()](
                        boost::system::error_code) { self->time_is_over(); });
    // A wait can be long, and would keep the session of a client that is gone.
    request_.session->when_closed(request_.slot, [weak = weak_from_this()] {
      if (auto job = weak.lock())
        job->end();
    });
    // What was committed before the waiter stood in the list.
    look_again();
  }

private:
  void look_again() {
    if (done_)
      return;
    waiter_->rearm();
    if (answer_if_enough())
      end();
  }

  void time_is_over() {
    if (done_)
      return;
    answer(look());
    end();
  }

  void end() {
    if (std::exchange(done_, true))
      return;
    core_.waiters.remove(waiter_, partitions_);
    timer_.cancel();
  }

  bool answer_if_enough() {
    auto found = look();
    auto enough = found.failed || asked_.max_wait_ms <= 0
      || found.bytes
        >= static_cast<std::size_t>(std::max(asked_.min_bytes, std::int32_t{0}))
      || asked_.topics.empty();
    if (enough)
      answer(std::move(found));
    return enough;
  }

  std::optional<topic_info> topic_of(
    const fetch_request::fetch_topic& asked) const {
    return request_.version() >= by_topic_id
      ? find_topic_by_id(core_.log(), asked.topic_id)
      : core_.log().find_topic(asked.topic);
  }

  void collect_partitions() {
    for (auto& asked : asked_.topics) {
      auto topic = topic_of(asked);
      for (auto& partition : asked.partitions)
        if (auto where = partition_at(topic, partition.partition))
          partitions_.push_back(*where);
    }
  }

  fetched look() const {
    fetched found;
    // There are no fetch sessions: whoever comes with one starts afresh.
    if (asked_.session_id != 0) {
      found.response.error_code = kafka::error::fetch_session_id_not_found;
      found.failed = true;
      return found;
    }
    for (auto& asked : asked_.topics) {
      auto topic = topic_of(asked);
      auto& answered = found.response.responses.emplace_back();
      answered.topic = asked.topic;
      answered.topic_id = asked.topic_id;
      answered.partitions.reserve(asked.partitions.size());
      for (auto& partition : asked.partitions) {
        auto& answer = answered.partitions.emplace_back();
        answer.partition_index = partition.partition;
        answer.records.emplace();
        auto where = partition_at(topic, partition.partition);
        if (where)
          look_into(*where, partition, answer, found);
        else
          refuse(answer,
            request_.version() >= by_topic_id && !topic
              ? kafka::error::unknown_topic_id
              : kafka::error::unknown_topic_or_partition,
            found);
      }
    }
    return found;
  }

  void refuse(
    partition_answer& answer, kafka::error code, fetched& found) const {
    answer.error_code = code;
    if (code != kafka::error::offset_out_of_range)
      answer.high_watermark = -1;
    found.failed = true;
    core_.errors("Fetch", code).add();
  }

  void look_into(partition_id where, const asked_partition& asked,
    partition_answer& answer, fetched& found) const {
    auto& log = core_.log();
    auto start = log.log_start(where);
    auto end = log.committed_end(where);
    answer.high_watermark = static_cast<std::int64_t>(end.value);
    answer.last_stable_offset = answer.high_watermark;
    answer.log_start_offset = static_cast<std::int64_t>(start.value);
    if (asked_.isolation_level == 0)
      answer.aborted_transactions.reset();
    auto epoch = check_leader_epoch(log, where, asked.current_leader_epoch);
    if (epoch != kafka::error::none)
      return refuse(answer, epoch, found);
    if (asked.fetch_offset < answer.log_start_offset
      || asked.fetch_offset > answer.high_watermark)
      return refuse(answer, kafka::error::offset_out_of_range, found);
    offset from{static_cast<std::uint64_t>(asked.fetch_offset)};
    if (from < end)
      take_batches(where, from, asked, answer, found);
  }

  // At least one batch in the whole answer, even if it is larger than what was
  // asked for, or the client would never get past it (KIP-74).
  void take_batches(partition_id where, offset from,
    const asked_partition& asked, partition_answer& answer,
    fetched& found) const {
    auto at_most = [](std::int32_t asked) {
      return static_cast<std::size_t>(std::max(asked, std::int32_t{0}));
    };
    auto whole
      = std::min(at_most(asked_.max_bytes), core_.options.fetch_bytes_max);
    auto part = at_most(asked.partition_max_bytes);
    std::size_t taken = 0;
    auto unreadable = false;
    auto visited = core_.log().visit(
      where, from, [&](offset base, offset, bytes_view batch) {
        unreadable = request_.version() < reads_zstd && is_zstd(batch);
        if (unreadable)
          return false;
        auto fits
          = taken + batch.size() <= part && found.bytes + batch.size() <= whole;
        if (!fits && found.bytes > 0)
          return false;
        answer.records->append(batch);
        found.pieces.push_back({where, base, batch.size(), 0});
        taken += batch.size();
        found.bytes += batch.size();
        return fits;
      });
    // Batches in front of a damaged one are still good; the next fetch then
    // starts at the damage, and hears of it.
    if (!visited && taken == 0)
      refuse(answer,
        visited.error().code == fault::not_found
          ? kafka::error::offset_out_of_range
          : error_of(visited.error()),
        found);
    else if (unreadable && taken == 0)
      refuse(answer, kafka::error::unsupported_compression_type, found);
  }

  static bool is_zstd(bytes_view stored) {
    auto batch = batch_view::parse_unchecked(stored);
    return batch && batch->codec() == compression::zstd;
  }

  // Encodes all but the batches, which follow from the log when their turn
  // comes. The views in the response may be stale by now and are not looked at.
  void answer(fetched found) {
    kafka_answer answer;
    std::vector<kafka::splice> splices;
    kafka::encoder out{answer.head, splices};
    kafka::encode_response(
      found.response, request_.version(), request_.header.correlation_id, out);
    assert(splices.size() == found.pieces.size());
    for (std::size_t i = 0; i < splices.size(); ++i)
      found.pieces[i].at = splices[i].at;
    answer.pieces = std::move(found.pieces);
    request_.session->answer(request_.slot, std::move(answer));
  }

  kafka_request request_;
  fetch_request asked_;
  kafka_core& core_;
  boost::asio::steady_timer timer_;
  fetch_waiters::waiter_ptr waiter_;
  std::vector<partition_id> partitions_;
  bool done_ = false;
};

} // namespace

handled handle_fetch(kafka_request& request) {
  auto asked = kafka::decode<fetch_request>(request.body(), request.version());
  if (!asked)
    return handled::hang_up;
  auto job = std::make_shared<fetch_job>(std::move(request), std::move(*asked));
  job->start();
  return handled::taken;
}

} // namespace herald
