#include "engine/store/view_store.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>

#include <map>
#include <string>
#include <vector>

using namespace herald;

namespace {

/// A table as the simplest thing that behaves like it.
using model = std::map<bytes, bytes>;

struct step {
  enum class kind { put, erase, clear } what;
  bytes key;
  bytes value;
};

std::ostream& operator<<(std::ostream& out, const step& s) {
  static constexpr const char* names[] = {"put", "erase", "clear"};
  return out << names[static_cast<int>(s.what)] << " " << rc::toString(s.key)
             << " " << rc::toString(s.value);
}

/// Few keys, so that steps meet; all bytes, so that order matters.
rc::Gen<bytes> any_key() {
  return rc::gen::map(rc::gen::resize(3,
                        rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(
                          rc::gen::element(0, 1, 97, 254, 255)))),
    [](const std::vector<int>& numbers) {
      return bytes(numbers.begin(), numbers.end());
    });
}

rc::Gen<step> any_step() {
  return rc::gen::build<step>(
    rc::gen::set(&step::what,
      rc::gen::weightedElement<step::kind>({{12, step::kind::put},
        {4, step::kind::erase}, {1, step::kind::clear}})),
    rc::gen::set(&step::key, any_key()),
    rc::gen::set(&step::value, rc::gen::string<bytes>()));
}

void apply(model& rows, const step& s) {
  if (s.what == step::kind::put)
    rows[s.key] = s.value;
  else if (s.what == step::kind::erase)
    rows.erase(s.key);
  else
    rows.clear();
}

void apply(view_transaction& views, const step& s) {
  if (s.what == step::kind::put)
    views.put("rows", s.key, s.value);
  else if (s.what == step::kind::erase)
    views.erase("rows", s.key);
  else
    views.clear("rows");
}

using row_list = std::vector<std::pair<bytes, bytes>>;

row_list rows_of(const view_snapshot& views, const key_range& range,
  scan_order order, std::size_t limit) {
  row_list rows;
  views.scan(
    "rows", range, order, limit, [&](bytes_view key, bytes_view value) {
      rows.emplace_back(key, value);
      return true;
    });
  return rows;
}

row_list rows_of(const model& all, const key_range& range, scan_order order,
  std::size_t limit) {
  row_list rows;
  for (const auto& [key, value] : all)
    if (key >= range.from && (!range.until || key < *range.until))
      rows.emplace_back(key, value);
  if (order == scan_order::backward)
    std::reverse(rows.begin(), rows.end());
  if (rows.size() > limit)
    rows.resize(limit);
  return rows;
}

void check_same(const view_snapshot& views, const model& rows) {
  RC_ASSERT(views.count("rows") == rows.size());
  auto order = *rc::gen::element(scan_order::forward, scan_order::backward);
  RC_ASSERT(
    rows_of(views, {}, order, all_rows) == rows_of(rows, {}, order, all_rows));
  key_range range{*any_key(),
    *rc::gen::maybe(any_key()) ? std::optional<bytes>{} : *any_key()};
  auto limit = *rc::gen::inRange<std::size_t>(0, 5);
  RC_ASSERT(
    rows_of(views, range, order, limit) == rows_of(rows, range, order, limit));
  auto prefix = key_range::with_prefix(*any_key());
  RC_ASSERT(rows_of(views, prefix, order, all_rows)
    == rows_of(rows, prefix, order, all_rows));
  auto key = *any_key();
  auto found = rows.find(key);
  RC_ASSERT(views.get("rows", key)
    == (found == rows.end() ? std::optional<bytes_view>{} : found->second));
}

} // namespace

TEST_CASE("a view table is a sorted map whose updates happen whole or not") {
  // Each run prints its seed when it fails; RC_PARAMS="seed=..." replays it.
  CHECK(rc::check([] {
    temporary_folder folder;
    auto views = must(view_store::open(
      folder.path(), {.map_bytes = 64u << 10, .map_step_bytes = 16u << 10}));
    std::vector<std::string> tables{"rows"};
    must(views->open_tables(tables));
    model rows;
    auto updates = *rc::gen::resize(4,
      rc::gen::container<std::vector<std::vector<step>>>(
        rc::gen::container<std::vector<step>>(any_step())));
    for (const auto& steps : updates) {
      auto ending = *rc::gen::weightedElement<int>({{6, 0}, {1, 1}, {1, 2}});
      auto changed = rows;
      for (const auto& each : steps)
        apply(changed, each);
      auto outcome = views->update([&](view_transaction& transaction) {
        for (const auto& each : steps)
          apply(transaction, each);
        check_same(transaction, changed);
        return ending == 1 ? result<void>{fail(fault::conflict, "no")}
                           : result<void>{};
      });
      RC_ASSERT(outcome.has_value() == (ending != 1));
      if (ending != 1)
        rows = changed;
      if (ending == 2) {
        views.reset();
        views = must(view_store::open(folder.path()));
        must(views->open_tables(tables));
      }
      must(views->read([&](const view_snapshot& snapshot) {
        check_same(snapshot, rows);
        return result<void>{};
      }));
    }
  }));
}
