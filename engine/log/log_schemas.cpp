#include "engine/log/log_state.hpp"
#include "protocol/batch/record_batch.hpp"

#include <cassert>

namespace herald {

namespace {

constexpr std::size_t subject_bytes_max = 1024;
constexpr std::size_t schema_bytes_max = 1u << 20;

} // namespace

result<void> event_log::impl::load_schemas(const event_log& log) {
  auto topic = log.find_topic(schemas_topic);
  for (std::uint32_t i = 0; i < topic->partitions; ++i) {
    partition_id where{topic->number, i};
    auto read = log.visit(
      where, log.log_start(where), [&](offset, offset, bytes_view data) {
        auto batch = batch_view::parse_unchecked(data);
        // What is not of the registry's form says nothing about schemas;
        // verify_log() reports it.
        (void)batch->for_each([&](const record_view& record) {
          (void)registry_.apply(record.key, record.value);
        });
        return true;
      });
    if (!read)
      return read;
  }
  return {};
}

result<std::int32_t> event_log::register_schema(
  std::string_view subject, std::string_view text) {
  auto& self = *self_;
  if (subject.empty() || subject.size() > subject_bytes_max
    || text.size() > schema_bytes_max)
    return fail(fault::too_large,
      fmt::format("a subject has 1 to {} bytes, a schema at most {}",
        subject_bytes_max, schema_bytes_max));
  std::lock_guard one_at_a_time{self.registration_mutex_};
  std::optional<schema_info> schema;
  {
    std::shared_lock lock{self.registry_mutex_};
    schema = self.registry_.propose(subject, text);
    if (!schema)
      return *self.registry_.find(text);
  }
  auto record = schema_registry::encode(*schema);
  if (!record)
    return std::unexpected{std::move(record).error()};
  auto now = self.settings_.now_ms();
  batch_builder batch{now};
  batch.add(record->key, record->value, now);
  append_item item{
    .where = {find_topic(schemas_topic)->number, 0}, .batch = batch.finish()};
  if (auto written = append({&item, 1}); !written)
    return std::unexpected{std::move(written).error()};
  std::lock_guard lock{self.registry_mutex_};
  [[maybe_unused]] auto learned
    = self.registry_.apply(record->key, record->value);
  assert(learned);
  return schema->id;
}

std::optional<std::string> event_log::schema(std::int32_t id) const {
  std::shared_lock lock{self_->registry_mutex_};
  if (auto* text = self_->registry_.text(id))
    return *text;
  return std::nullopt;
}

std::vector<schema_info> event_log::schemas(std::string_view subject) const {
  std::shared_lock lock{self_->registry_mutex_};
  return self_->registry_.versions(subject);
}

} // namespace herald
