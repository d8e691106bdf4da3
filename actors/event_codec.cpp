#include "actors/event_codec.hpp"

#include "protocol/big_endian.hpp"
#include "protocol/event/event_types.hpp"
#include "protocol/schema/avro.hpp"

#include <fmt/format.h>

#include <cassert>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace herald {

namespace {

constexpr std::size_t alternatives = std::variant_size_v<any_event>;

/// Calls `use(index, type)` for each alternative of any_event.
template <class Use, std::size_t... I>
void for_each_alternative(Use&& use, std::index_sequence<I...>) {
  (use(I, type_of<std::variant_alternative_t<I, any_event>>()), ...);
}

/// A default-made alternative by its index, and its address.
template <std::size_t... I>
void* emplace(any_event& event, std::size_t index, std::index_sequence<I...>) {
  void* address = nullptr;
  ((I == index ? void(address = &event.emplace<I>()) : void()), ...);
  return address;
}

constexpr auto all_alternatives = std::make_index_sequence<alternatives>{};

/// How payloads of one schema id are read.
struct payload_reader {
  std::size_t alternative = 0;
  /// None when the payload was written with today's schema.
  std::optional<avro_resolver> resolver;
};

} // namespace

bool holds_events(std::string_view topic) {
  return topic == "match" || topic == "player" || topic == "dead-letter"
    || topic == audit_topic;
}

std::string_view name_of(const any_event& event) {
  return std::visit(
    [](auto& which) {
      auto* kind
        = event::find_event_type(type_of<std::decay_t<decltype(which)>>());
      assert(kind);
      return kind->name;
    },
    event);
}

struct event_codec::implementation {
  const event_log* log = nullptr;
  std::array<const type*, alternatives> types{};
  std::array<std::int32_t, alternatives> ids{};
  std::array<std::string, alternatives> texts;

  mutable std::shared_mutex mutex;
  mutable std::unordered_map<std::int32_t, std::unique_ptr<payload_reader>>
    readers;

  /// The reader for a schema id; made when the id is first seen. Readers are
  /// never removed, so the pointer stays good.
  result<const payload_reader*> reader_of(std::int32_t id) const {
    {
      std::shared_lock lock{mutex};
      if (auto found = readers.find(id); found != readers.end())
        return found->second.get();
    }
    auto text = log->schema(id);
    if (!text)
      return fail(fault::damaged,
        fmt::format(
          "a payload names schema {}, which the log does not have", id));
    std::unique_lock lock{mutex};
    if (auto found = readers.find(id); found != readers.end())
      return found->second.get();
    auto made = make_reader(id, *text);
    if (!made)
      return std::unexpected(made.error());
    return readers.emplace(id, std::move(*made)).first->second.get();
  }

  /// The reader for the schema that a payload names.
  result<const payload_reader*> reader_of_payload(bytes_view payload) const {
    if (payload.size() < 5 || payload[0] != 0)
      return fail(
        fault::damaged, "a payload does not begin with byte 0 and a schema id");
    return reader_of(load_big_endian<std::int32_t>(payload.data() + 1));
  }

  result<std::unique_ptr<payload_reader>> make_reader(
    std::int32_t id, const std::string& text) const {
    auto reader = std::make_unique<payload_reader>();
    for (std::size_t i = 0; i < alternatives; ++i)
      if (texts[i] == text) {
        reader->alternative = i;
        return reader;
      }
    // An older version: its subject says which event it is.
    for (auto& version : log->schemas()) {
      if (version.id != id)
        continue;
      auto* kind = event::find_event_type_by_subject(version.subject);
      for (std::size_t i = 0; kind && i < alternatives; ++i) {
        if (types[i] != kind->description)
          continue;
        auto resolver = avro_resolver::make(text, *types[i]);
        if (!resolver)
          return fail(fault::damaged,
            fmt::format("schema {} ({}) cannot be read as today's: {}", id,
              version.subject, resolver.error().message));
        reader->alternative = i;
        reader->resolver = std::move(*resolver);
        return reader;
      }
    }
    return fail(fault::version,
      fmt::format(
        "schema {} is of no event that this version of Herald knows", id));
  }

  explicit implementation(const event_log& log) : log(&log) {
    for_each_alternative(
      [this](std::size_t i, const type& description) {
        types[i] = &description;
        texts[i] = avro_schema(description);
        ids[i] = -1;
      },
      all_alternatives);
  }
};

event_codec::event_codec(std::unique_ptr<implementation> implementation)
  : implementation_(std::move(implementation)) {}
event_codec::~event_codec() = default;

result<std::unique_ptr<event_codec>> event_codec::make(event_log& log) {
  auto self = std::make_unique<implementation>(log);
  for (std::size_t i = 0; i < alternatives; ++i) {
    auto* kind = event::find_event_type(*self->types[i]);
    assert(kind);
    auto id = log.register_schema(kind->subject, self->texts[i]);
    if (!id)
      return std::unexpected(id.error());
    self->ids[i] = *id;
  }
  return std::unique_ptr<event_codec>{new event_codec{std::move(self)}};
}

result<std::unique_ptr<event_codec>> event_codec::make_reader(
  const event_log& log) {
  return std::unique_ptr<event_codec>{
    new event_codec{std::make_unique<implementation>(log)}};
}

bytes event_codec::encode(const any_event& event) const {
  auto index = event.index();
  assert(implementation_->ids[index] >= 0);
  bytes out;
  out += '\0';
  append_big_endian(
    out, static_cast<std::uint32_t>(implementation_->ids[index]));
  std::visit(
    [&](auto& which) {
      avro_encode(*implementation_->types[index], &which, out);
    },
    event);
  return out;
}

result<std::size_t> event_codec::alternative_of(bytes_view payload) const {
  auto reader = implementation_->reader_of_payload(payload);
  if (!reader)
    return std::unexpected(reader.error());
  return (*reader)->alternative;
}

result<any_event> event_codec::decode(bytes_view payload) const {
  auto reader = implementation_->reader_of_payload(payload);
  if (!reader)
    return std::unexpected(reader.error());
  any_event event;
  auto* address = emplace(event, (*reader)->alternative, all_alternatives);
  auto body = payload.substr(5);
  auto decoded = (*reader)->resolver
    ? (*reader)->resolver->decode(address, body)
    : avro_decode(
        *implementation_->types[(*reader)->alternative], address, body);
  if (!decoded)
    return fail(fault::damaged, decoded.error().message);
  return event;
}

encoded_headers::encoded_headers(
  const event_headers& headers, const event_log& log) {
  if (headers.causation) {
    auto topic = log.find_topic(headers.causation->where.topic);
    assert(topic);
    causation_.append(
      reinterpret_cast<const char*>(topic->id.value.data()), 16);
    append_big_endian(causation_, headers.causation->where.partition);
    append_big_endian(causation_, headers.causation->at.value);
    views_[count_++] = {"causation", causation_};
  }
  if (headers.correlation != 0) {
    append_big_endian(correlation_, headers.correlation);
    views_[count_++] = {"correlation", correlation_};
  }
}

event_headers decode_headers(const record_view& record, const event_log& log) {
  event_headers headers;
  if (auto value = record.header("causation"); value && value->size() == 28) {
    for (auto& topic : log.topics())
      if (std::equal(topic.id.value.begin(), topic.id.value.end(),
            reinterpret_cast<const unsigned char*>(value->data())))
        headers.causation = position{
          {topic.number, load_big_endian<std::uint32_t>(value->data() + 16)},
          {load_big_endian<std::uint64_t>(value->data() + 20)}};
  }
  if (auto value = record.header("correlation"); value && value->size() == 8)
    headers.correlation = load_big_endian<std::uint64_t>(value->data());
  return headers;
}

result<void> for_each_record(const event_log& log, partition_id where,
  offset from, offset end,
  const std::function<result<void>(const record_view&)>& visit,
  std::size_t read_bytes) {
  while (from < end) {
    auto batches = log.read(where, from, read_bytes);
    if (!batches)
      return std::unexpected(batches.error());
    if (batches->empty())
      return {};
    for (auto& stored : *batches) {
      auto batch = batch_view::parse_unchecked(stored.batch);
      if (!batch)
        return std::unexpected(batch.error());
      result<void> visited;
      auto read = batch->for_each([&](const record_view& record) {
        if (record.at < from)
          return true;
        if (record.at >= end)
          return false;
        visited = visit(record);
        return visited.has_value();
      });
      if (!visited)
        return visited;
      if (!read)
        return read;
      from = stored.next;
      if (from >= end)
        return {};
    }
  }
  return {};
}

} // namespace herald
