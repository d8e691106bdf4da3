#pragma once

#include "actors/event_codec.hpp"
#include "engine/store/follower.hpp"
#include "engine/store/view_store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace herald {

/// Follows riot.raw: which documents are stored.
///
///     raw.documents      content hash (hex) -> partition:u32 offset:u64
class raw_projection final : public projection {
public:
  static constexpr std::string_view follower_name = "raw-documents";
  static constexpr std::string_view table = "raw.documents";
  std::string_view name() const override { return follower_name; }
  std::uint32_t version() const override { return 1; }
  std::vector<std::string> topics() const override { return {"riot.raw"}; }
  std::vector<std::string> tables() const override {
    return {std::string{table}};
  }
  result<void> apply(const position& at, const record_view& record,
    view_transaction& views) override;
};

/// Follows dead-letter: which documents were refused, and why.
///
///     refused.documents  content hash (hex) -> the event document.refused
class refused_projection final : public projection {
public:
  static constexpr std::string_view follower_name = "refused-documents";
  static constexpr std::string_view table = "refused.documents";
  explicit refused_projection(const event_codec& codec) : codec_(codec) {}
  std::string_view name() const override { return follower_name; }
  std::uint32_t version() const override { return 1; }
  std::vector<std::string> topics() const override { return {"dead-letter"}; }
  std::vector<std::string> tables() const override {
    return {std::string{table}};
  }
  result<void> apply(const position& at, const record_view& record,
    view_transaction& views) override;

private:
  const event_codec& codec_;
};

/// Where a document is stored in riot.raw, if it is.
std::optional<offset> find_raw_document(
  const view_store& views, std::string_view hash);

/// Why a document was refused, if it was.
std::optional<event::document_refused> find_refused_document(
  const view_store& views, const event_codec& codec, std::string_view hash);

} // namespace herald
