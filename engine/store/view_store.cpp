#include "engine/store/view_store.hpp"

#include "engine/base/xxh3.hpp"
#include "engine/store/format.hpp"
#include "protocol/big_endian.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <memory>
#include <utility>

namespace herald {
namespace {

// 2 added @sides; a folder of format 1 is one of format 2 without it.
constexpr std::uint32_t view_format = 2;
constexpr std::uint32_t view_format_before_sides = 1;
constexpr std::string_view sides_table = "@sides";
constexpr std::string_view followers_table = "@followers";
constexpr std::string_view cursors_table = "@cursors";

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= view_name_bytes_max
    && std::all_of(name.begin(), name.end(), [](char c) {
         return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'
           || c == '.' || c == '-';
       });
}

/// All cursors of a follower start with this.
bytes cursor_prefix(std::string_view follower) {
  bytes key{follower};
  key.push_back('\0');
  return key;
}

bytes cursor_key(std::string_view follower, const followed_partition& where) {
  auto key = cursor_prefix(follower);
  key.append(where.topic.begin(), where.topic.end());
  append_big_endian(key, where.partition);
  return key;
}

bytes encode(const follower_record& record) {
  bytes out;
  append_big_endian(out, record.version);
  append_big_endian(out, record.incarnation);
  for (const auto& table : record.tables) {
    out.push_back(static_cast<char>(table.size()));
    out += table;
  }
  return out;
}

std::optional<follower_record> decode_follower(bytes_view in) {
  follower_record record;
  auto version = take_big_endian<std::uint32_t>(in);
  auto incarnation = take_big_endian<std::uint64_t>(in);
  if (!version || !incarnation)
    return std::nullopt;
  record.version = *version;
  record.incarnation = *incarnation;
  while (auto size = take_big_endian<std::uint8_t>(in)) {
    if (in.size() < *size)
      return std::nullopt;
    record.tables.emplace_back(in.substr(0, *size));
    in.remove_prefix(*size);
  }
  return record;
}

/// The name under which a side of a table is stored.
std::string name_of_side(std::string_view table, bool second) {
  std::string name{table};
  if (second)
    name += '~';
  return name;
}

/// Brings a folder of the format before up to this one.
result<void> upgrade_format(lmdb_environment& environment) {
  auto table = environment.table(format_table);
  if (!table)
    return std::unexpected{table.error()};
  bool before = false;
  auto read = environment.read([&](lmdb_transaction& transaction) {
    auto stored = transaction.get(*table, format_key);
    before = stored == big_endian(view_format_before_sides);
    return result<void>{};
  });
  if (!read)
    return read;
  if (!before)
    return check_format(environment, view_format);
  if (environment.read_only())
    return {};
  return environment.write([&](lmdb_transaction& transaction) {
    transaction.put(*table, format_key, big_endian(view_format));
    return result<void>{};
  });
}

/// XXH3 state, which wants its own alignment.
struct free_state {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

} // namespace

std::string to_string(const view_digest& digest) {
  return fmt::format("{:02x}", fmt::join(digest.value, ""));
}

// -- view_snapshot ------------------------------------------------------------

bool view_snapshot::other_side_is_live(std::string_view table) const {
  auto sides = tables_->find(sides_table);
  if (sides == tables_->end())
    return false;
  auto side = transaction_->get(sides->second, table);
  return side && *side == bytes_view{"\1", 1};
}

std::optional<lmdb_table> view_snapshot::find(std::string_view table) const {
  if (auto known = found_.find(table); known != found_.end())
    return known->second;
  auto found = tables_->find(name_of_side(table, other_side_is_live(table)));
  if (found != tables_->end()) {
    found_.emplace(table, found->second);
    return found->second;
  }
  transaction_->fail_with(
    {fault::not_found, fmt::format("there is no view table {}", table)});
  return std::nullopt;
}

std::optional<bytes_view> view_snapshot::get(
  std::string_view table, bytes_view key) const {
  auto where = find(table);
  return where ? transaction_->get(*where, key) : std::nullopt;
}

std::size_t view_snapshot::scan(std::string_view table, const key_range& range,
  scan_order order, std::size_t limit, const scan_visitor& visit) const {
  auto where = find(table);
  return where ? transaction_->scan(*where, range, order, limit, visit) : 0;
}

std::uint64_t view_snapshot::count(std::string_view table) const {
  auto where = find(table);
  return where ? transaction_->count(*where) : 0;
}

view_digest view_snapshot::digest(std::string_view table) const {
  std::unique_ptr<XXH3_state_t, free_state> state{XXH3_createState()};
  XXH3_128bits_reset(state.get());
  auto add = [&](bytes_view part) {
    auto size = big_endian(static_cast<std::uint32_t>(part.size()));
    XXH3_128bits_update(state.get(), size.data(), size.size());
    XXH3_128bits_update(state.get(), part.data(), part.size());
  };
  scan(table, {}, scan_order::forward, all_rows,
    [&](bytes_view key, bytes_view value) {
      add(key);
      add(value);
      return true;
    });
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state.get()));
  view_digest digest;
  std::copy_n(canonical.digest, digest.value.size(), digest.value.begin());
  return digest;
}

std::optional<offset> view_snapshot::cursor(
  std::string_view follower, const followed_partition& where) const {
  auto value = get(cursors_table, cursor_key(follower, where));
  if (!value)
    return std::nullopt;
  auto next = take_big_endian<std::uint64_t>(*value);
  if (!next) {
    transaction_->fail_with({fault::damaged,
      fmt::format("the cursor of the follower {} is damaged", follower)});
    return std::nullopt;
  }
  return offset{*next};
}

std::optional<offset> view_snapshot::origin(
  std::string_view follower, const followed_partition& where) const {
  auto value = get(cursors_table, cursor_key(follower, where));
  if (!value || !take_big_endian<std::uint64_t>(*value))
    return std::nullopt;
  return offset{take_big_endian<std::uint64_t>(*value).value_or(0)};
}

std::optional<follower_record> view_snapshot::follower(
  std::string_view name) const {
  auto value = get(followers_table, name);
  if (!value)
    return std::nullopt;
  auto record = decode_follower(*value);
  if (!record)
    transaction_->fail_with({fault::damaged,
      fmt::format("the record of the follower {} is damaged", name)});
  return record;
}

const std::optional<failure>& view_snapshot::failed() const {
  return transaction_->failed();
}

// -- view_transaction ---------------------------------------------------------

void view_transaction::put(
  std::string_view table, bytes_view key, bytes_view value) {
  if (auto where = find(table))
    transaction_->put(*where, key, value);
}

bool view_transaction::erase(std::string_view table, bytes_view key) {
  auto where = find(table);
  return where && transaction_->erase(*where, key);
}

void view_transaction::clear(std::string_view table) {
  if (auto where = find(table))
    transaction_->clear(*where);
}

void view_transaction::set_cursor(std::string_view follower,
  const followed_partition& where, offset next, offset origin) {
  assert(is_name(follower));
  origin = this->origin(follower, where).value_or(origin);
  bytes value{big_endian(next.value)};
  if (origin > offset{0})
    value += big_endian(origin.value);
  put(cursors_table, cursor_key(follower, where), value);
}

void view_transaction::reset(
  std::string_view follower, const follower_record& now) {
  assert(is_name(follower));
  assert(std::is_sorted(now.tables.begin(), now.tables.end()));
  if (auto before = this->follower(follower))
    for (const auto& table : before->tables)
      if (tables_->contains(table))
        clear(table);
  for (const auto& table : now.tables)
    clear(table);
  forget(follower);
  put(followers_table, follower, encode(now));
}

void view_transaction::forget(std::string_view follower) {
  std::vector<bytes> cursors;
  scan(cursors_table, key_range::with_prefix(cursor_prefix(follower)),
    scan_order::forward, all_rows, [&](bytes_view key, bytes_view) {
      cursors.emplace_back(key);
      return true;
    });
  for (const auto& key : cursors)
    erase(cursors_table, key);
  erase(followers_table, follower);
}

view_transaction view_transaction::on_other_sides(
  std::span<const std::string> tables) {
  view_transaction others{tables_, *transaction_};
  for (const auto& table : tables) {
    auto other = tables_->find(name_of_side(table, !other_side_is_live(table)));
    if (other == tables_->end())
      fail_with({fault::not_found,
        fmt::format("the other side of the view table {} is not open", table)});
    else
      others.found_.emplace(table, other->second);
  }
  return others;
}

void view_transaction::swap_sides(std::span<const std::string> tables) {
  for (const auto& table : tables) {
    clear(table);
    auto second = !other_side_is_live(table);
    put(sides_table, table, second ? bytes_view{"\1", 1} : bytes_view{"\0", 1});
    found_.erase(table);
  }
}

void view_transaction::fail_with(failure reason) {
  transaction_->fail_with(std::move(reason));
}

// -- view_store ---------------------------------------------------------------

view_store::view_store(std::unique_ptr<lmdb_environment> environment)
  : environment_{std::move(environment)} {}

view_store::~view_store() = default;

result<std::unique_ptr<view_store>> view_store::open(
  const std::filesystem::path& data_folder,
  const view_store_settings& settings) {
  auto environment = lmdb_environment::open({.directory = data_folder / "views",
    .name = "views",
    .map_bytes = settings.map_bytes,
    .map_step_bytes = settings.map_step_bytes,
    .map_bytes_max = settings.map_bytes_max,
    .read_only = settings.read_only});
  if (!environment)
    return std::unexpected{environment.error()};
  if (auto known = upgrade_format(**environment); !known)
    return std::unexpected{known.error()};
  for (auto name : {followers_table, cursors_table})
    if (auto table = (*environment)->table(name); !table)
      return std::unexpected{table.error()};
  // Missing where the format before is only read: then all are first sides.
  if (auto table = (*environment)->table(sides_table);
    !table && !settings.read_only)
    return std::unexpected{table.error()};
  return std::unique_ptr<view_store>{new view_store{std::move(*environment)}};
}

result<void> view_store::open_tables(std::span<const std::string> names) {
  return open_sides(names, true);
}

result<void> view_store::open_other_sides(std::span<const std::string> names) {
  return open_sides(names, false);
}

result<void> view_store::open_sides(
  std::span<const std::string> names, bool live) {
  for (const auto& name : names) {
    if (!is_name(name))
      return fail(fault::invalid_input,
        fmt::format("'{}' cannot name a view table: 1 to {} of [a-z0-9_.-]",
          name, view_name_bytes_max));
    bool second = false;
    auto looked = read([&](const view_snapshot& views) -> result<void> {
      second = views.other_side_is_live(name) == live;
      return {};
    });
    if (!looked)
      return looked;
    if (auto table = environment_->table(name_of_side(name, second)); !table)
      return std::unexpected{table.error()};
  }
  return {};
}

result<void> view_store::update(
  const std::function<result<void>(view_transaction&)>& work) {
  return environment_->write([&](lmdb_transaction& transaction) {
    view_transaction views{environment_->tables(), transaction};
    return work(views);
  });
}

result<void> view_store::read(
  const std::function<result<void>(const view_snapshot&)>& work) const {
  return environment_->read([&](lmdb_transaction& transaction) {
    view_snapshot views{environment_->tables(), transaction};
    return work(views);
  });
}

result<std::optional<bytes>> view_store::get(
  std::string_view table, bytes_view key) const {
  std::optional<bytes> found;
  auto done = read([&](const view_snapshot& views) {
    if (auto value = views.get(table, key))
      found.emplace(*value);
    return result<void>{};
  });
  if (!done)
    return std::unexpected{done.error()};
  return found;
}

result<view_digest> view_store::digest(std::string_view table) const {
  view_digest digest;
  auto done = read([&](const view_snapshot& views) {
    digest = views.digest(table);
    return result<void>{};
  });
  if (!done)
    return std::unexpected{done.error()};
  return digest;
}

result<void> view_store::clear(std::string_view table) {
  return update([&](view_transaction& views) {
    views.clear(table);
    return result<void>{};
  });
}

lmdb_usage view_store::usage() const {
  return environment_->usage();
}

std::optional<failure> view_store::failed() const {
  return environment_->failed();
}

} // namespace herald
