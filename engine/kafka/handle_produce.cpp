#include "engine/base/logging.hpp"
#include "engine/kafka/request_table.hpp"
#include "engine/kafka/topic_lookup.hpp"
#include "protocol/batch/crc32c.hpp"
#include "protocol/batch/record_batch.hpp"
#include "protocol/big_endian.hpp"
#include "protocol/kafka/produce.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cassert>

namespace herald {

namespace {

using kafka::produce_request;
using kafka::produce_response;
using asked_partition = produce_request::partition_produce_data;
using partition_answer = produce_response::partition_produce_response;

// Of the versions that are announced only for librdkafka's sake.
constexpr std::int16_t served_from = 3;

// From this version on batches may be compressed with zstd (KIP-110).
constexpr std::int16_t zstd_from = 7;

// How far a client's clock may be ahead: a record from the far future would
// push the record time of all that follow (Kafka 4's default of
// message.timestamp.after.max.ms).
constexpr std::int64_t ahead_ms_max = 3'600'000;

// Requests up to this size are answered sooner by a commit on the session's
// thread than by the writer's.
constexpr std::size_t small_bytes = 16u << 10;

// Where a record batch, and what was before it, says its format.
constexpr std::size_t magic_at = 16;
constexpr std::size_t crc_at = 17;

/// A produce request of which some batches are on their way to disk. Kept alive
/// by what waits for them; the last one to end answers.
class produce_job {
public:
  produce_job(kafka_request request, produce_request asked)
    : request_{std::move(request)}, asked_{std::move(asked)} {
    for (auto& topic : asked_.topic_data) {
      auto& answered = response_.responses.emplace_back();
      answered.name = topic.name;
      for (auto& partition : topic.partition_data) {
        auto& answer = answered.partition_responses.emplace_back();
        answer.index = partition.index;
        answer.base_offset = -1;
        ++waiting_;
      }
    }
  }

  /// A part of the request's frame, to be changed by the log.
  std::span<char> own(bytes_view part) {
    auto at = static_cast<std::size_t>(part.data() - request_.frame.data());
    assert(at + part.size() <= request_.frame.size());
    return std::span<char>{request_.frame}.subspan(at, part.size());
  }

  const produce_request& asked() const { return asked_; }
  handed_over when() const {
    return small() ? handed_over::when_settled : handed_over::now;
  }
  bool small() const { return request_.frame.size() <= small_bytes; }
  kafka_core& core() const { return request_.session->core(); }
  std::int16_t version() const { return request_.version(); }
  partition_answer& answer(std::size_t topic, std::size_t partition) {
    return response_.responses[topic].partition_responses[partition];
  }

  void refuse(partition_answer& answer, kafka::error code, std::string why) {
    answer.error_code = code;
    answer.error_message = std::move(why);
    core().errors("Produce", code).add();
    failed_ = true;
  }

  /// One partition has its answer; when all have, the request is answered.
  /// From any thread.
  static void ended(const std::shared_ptr<produce_job>& job) {
    if (--job->waiting_ > 0)
      return;
    auto& session = *job->request_.session;
    session.post([job] { job->finish(); });
  }

  void finish() {
    auto& session = *request_.session;
    if (asked_.acks != 0) {
      answer_with(request_, response_);
      return;
    }
    // Without acknowledgements a closed connection is the only way to say that
    // something failed.
    session.answer(request_.slot, {});
    if (failed_)
      session.close("a batch that wanted no acknowledgement was refused");
  }

private:
  kafka_request request_;
  produce_request asked_;
  produce_response response_;
  std::atomic<std::size_t> waiting_{0};
  std::atomic<bool> failed_{false};
};

/// What is wrong with a batch before it is looked into, or the reason why the
/// topic does not take it.
struct refusal {
  kafka::error code = kafka::error::none;
  std::string why;
};

refusal check(const kafka_core& core, const batch_view& batch) {
  if (batch.transactional())
    return {kafka::error::invalid_txn_state, "transactions are not offered"};
  if (batch.max_timestamp_ms() > core.services.now_ms() + ahead_ms_max)
    return {kafka::error::invalid_timestamp,
      fmt::format("a record time of {} is more than an hour ahead",
        batch.max_timestamp_ms())};
  auto checked = check_records(batch);
  if (!checked)
    return {error_of(checked.error()), checked.error().message};
  return {};
}

// Whether a batch came as it was sent. If so, sending it again would not help:
// clients do that after CORRUPT_MESSAGE, and not after INVALID_RECORD.
bool crc_fits(bytes_view batch) {
  return load_big_endian<std::uint32_t>(batch.data() + crc_at)
    == crc32c(batch.substr(crc_at + 4));
}

std::expected<batch_view, refusal> read_batch(const kafka_core& core,
  std::int16_t version, const std::optional<kafka::record_set>& records) {
  auto invalid = [](kafka::error code, std::string why) {
    return std::unexpected{refusal{code, std::move(why)}};
  };
  if (!records || records->empty())
    return invalid(kafka::error::invalid_record, "there is no record batch");
  auto data = records->view();
  auto size = first_batch_bytes(data);
  if (!size)
    return invalid(kafka::error::corrupt_message, size.error().message);
  if (*size != data.size())
    return invalid(kafka::error::invalid_record,
      "a partition takes one record batch at a time");
  if (data[magic_at] != 2)
    return invalid(kafka::error::invalid_record,
      fmt::format("record batches of format 2 are taken, not of {}",
        static_cast<int>(data[magic_at])));
  auto batch = batch_view::parse(data);
  if (!batch)
    return invalid(crc_fits(data) ? kafka::error::invalid_record
                                  : kafka::error::corrupt_message,
      batch.error().message);
  if (batch->codec() == compression::zstd && version < zstd_from)
    return invalid(kafka::error::unsupported_compression_type,
      "zstd needs version 7 of Produce");
  if (auto refused = check(core, *batch); refused.code != kafka::error::none)
    return std::unexpected{std::move(refused)};
  return *batch;
}

void append(const std::shared_ptr<produce_job>& job,
  const std::optional<topic_info>& topic, const std::string& name,
  const asked_partition& asked, partition_answer& answer) {
  auto refuse = [&](kafka::error code, std::string why) {
    job->refuse(answer, code, std::move(why));
    produce_job::ended(job);
  };
  auto& core = job->core();
  auto where = partition_at(topic, asked.index);
  if (!where)
    return refuse(kafka::error::unknown_topic_or_partition,
      fmt::format("there is no partition {}/{}", name, asked.index));
  if (!core.services.may_write(name))
    return refuse(kafka::error::topic_authorization_failed,
      fmt::format("topic '{}' is Herald's own and only read", name));
  if (auto trouble = core.services.trouble())
    return refuse(error_of(*trouble), trouble->message);
  auto batch = read_batch(core, job->version(), asked.records);
  if (!batch)
    return refuse(batch.error().code, std::move(batch.error().why));
  auto settings = core.log().settings_of(where->topic);
  if (!settings)
    return refuse(kafka::error::unknown_topic_or_partition,
      fmt::format("topic '{}' was deleted", name));
  if (auto fits = check_at_door(*settings, *batch); !fits)
    return refuse(error_of(fits.error()), fits.error().message);
  auto append_time = settings->log_append_time();
  auto records = batch->record_count();
  core.writer().append_checked(
    *where, job->own(batch->data()), job, records,
    [job, &answer, append_time, records, where = *where](
      const append_outcome& outcome) {
      auto& core = job->core();
      if (outcome) {
        answer.base_offset = static_cast<std::int64_t>(outcome->first.value);
        answer.log_start_offset
          = static_cast<std::int64_t>(core.log().log_start(where).value);
        if (append_time)
          answer.log_append_time_ms = core.log().last_timestamp_ms(where);
        core.produced_records.add(records);
      } else {
        job->refuse(answer, error_of(outcome.error()), outcome.error().message);
      }
      produce_job::ended(job);
    },
    job->when());
}

std::size_t record_bytes(const produce_request& asked) {
  std::size_t sum = 0;
  for (auto& topic : asked.topic_data)
    for (auto& partition : topic.partition_data)
      sum += partition.records ? partition.records->size_bytes() : 0;
  return sum;
}

} // namespace

handled handle_produce(kafka_request& request) {
  auto asked
    = kafka::decode<produce_request>(request.body(), request.version());
  if (!asked)
    return handled::hang_up;
  // Whoever finds the writer full waits, and its later requests behind it, so
  // that the order stays; when it has waited for its time it is told.
  auto& core = request.session->core();
  auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(
    std::chrono::steady_clock::now() - request.received);
  if (!core.writer().has_room(record_bytes(*asked))
    && waited.count() < asked->timeout_ms)
    return handled::later;
  auto version = request.version();
  auto acks = asked->acks;
  auto& session = *request.session;
  auto job
    = std::make_shared<produce_job>(std::move(request), std::move(*asked));
  auto& topics = job->asked().topic_data;
  if (topics.empty())
    job->finish();
  for (std::size_t t = 0; t < topics.size(); ++t) {
    auto topic = core.log().find_topic(topics[t].name);
    for (std::size_t p = 0; p < topics[t].partition_data.size(); ++p) {
      auto& answer = job->answer(t, p);
      if (version < served_from) {
        job->refuse(answer, kafka::error::unsupported_version, {});
        produce_job::ended(job);
      } else if (acks < -1 || acks > 1) {
        job->refuse(answer, kafka::error::invalid_required_acks, {});
        produce_job::ended(job);
      } else {
        append(job, topic, topics[t].name, topics[t].partition_data[p], answer);
      }
    }
  }
  if (job->small())
    session.settle_soon();
  return handled::taken;
}

} // namespace herald
