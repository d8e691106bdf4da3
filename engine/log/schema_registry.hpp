#pragma once

#include "engine/log/event_log.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace herald {

/// The fold of topic `_schemas`: which schema has which id, and which versions
/// a subject has. Its records are those of Confluent's registry: key
/// {"keytype":"SCHEMA","subject":S,"version":N,"magic":1}, value
/// {"subject":S,"version":N,"id":I,"schema":TEXT,"deleted":false}. A value for
/// one thread at a time.
class schema_registry {
public:
  /// A record of the topic as it is to be written.
  struct record {
    bytes key;
    bytes value;
  };

  /// Learns from a record of the topic. Other key types are skipped, as is a
  /// record without a value. fault::damaged when it is not of that form.
  result<void> apply(
    std::optional<bytes_view> key, std::optional<bytes_view> value);

  /// The schema as it would be registered: with the id of the same text or the
  /// next free one, and the subject's next version. None when the subject has
  /// that text already (find() tells the id).
  std::optional<schema_info> propose(
    std::string_view subject, std::string_view text) const;

  /// fault::invalid_input when subject or text are not UTF-8.
  static result<record> encode(const schema_info& schema);

  std::optional<std::int32_t> find(std::string_view text) const;
  const std::string* text(std::int32_t id) const;
  bool contains(std::int32_t id) const { return text(id) != nullptr; }
  std::size_t size() const { return by_id_.size(); }
  std::vector<schema_info> versions(std::string_view subject) const;

private:
  struct version {
    std::int32_t number = 0;
    std::int32_t id = 0;
  };

  std::map<std::int32_t, std::string> by_id_;
  std::unordered_map<std::string, std::int32_t> by_text_;
  std::map<std::string, std::vector<version>, std::less<>> by_subject_;
};

} // namespace herald
