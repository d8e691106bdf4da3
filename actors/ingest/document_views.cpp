#include "actors/ingest/document_views.hpp"

#include "protocol/big_endian.hpp"

namespace herald {

result<void> raw_projection::apply(
  const position& at, const record_view& record, view_transaction& views) {
  if (!record.key)
    return {};
  bytes row;
  append_big_endian(row, at.where.partition);
  append_big_endian(row, at.at.value);
  views.put(table, *record.key, row);
  return {};
}

result<void> refused_projection::apply(
  const position&, const record_view& record, view_transaction& views) {
  if (!record.key || !record.value)
    return {};
  // Other kinds of dead letters are of no concern here.
  auto event = codec_.decode(*record.value);
  if (!event)
    return std::unexpected(event.error());
  if (std::holds_alternative<event::document_refused>(*event))
    views.put(table, *record.key, *record.value);
  return {};
}

std::optional<offset> find_raw_document(
  const view_store& views, std::string_view hash) {
  auto row = views.get(raw_projection::table, hash);
  if (!row || !*row || (*row)->size() != 12)
    return std::nullopt;
  return offset{load_big_endian<std::uint64_t>((*row)->data() + 4)};
}

std::optional<event::document_refused> find_refused_document(
  const view_store& views, const event_codec& codec, std::string_view hash) {
  auto row = views.get(refused_projection::table, hash);
  if (!row || !*row)
    return std::nullopt;
  auto event = codec.decode(**row);
  if (!event)
    return std::nullopt;
  auto* refused = std::get_if<event::document_refused>(&*event);
  return refused ? std::optional{*refused} : std::nullopt;
}

} // namespace herald
