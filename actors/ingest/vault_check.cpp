#include "actors/ingest/vault_check.hpp"

#include "engine/store/player_id.hpp"
#include "protocol/batch/record_batch.hpp"

#include <fmt/format.h>

#include <functional>
#include <unordered_set>
#include <utility>

namespace herald {

namespace {

class checker {
public:
  checker(const event_log& log, const vault& people, std::size_t problems_max)
    : log_{log}, people_{people}, problems_max_{problems_max} {}

  result<std::vector<std::string>> run(vault_look look) {
    auto next = people_.next_key_id();
    if (!next)
      return std::unexpected{next.error()};
    next_key_ = *next;
    auto all = look == vault_look::everything;
    auto done = walk("riot.raw", all, [this](const record_view& record) {
      return record.value ? document(record) : std::nullopt;
    });
    if (done)
      done = walk("player", all,
        [this](const record_view& record) { return player(record); });
    if (!done)
      return std::unexpected{done.error()};
    return std::move(problems_);
  }

private:
  using look_at = std::function<std::optional<std::string>(const record_view&)>;

  result<void> walk(
    std::string_view name, bool all, const look_at& problem_of) {
    auto topic = log_.find_topic(name);
    if (!topic)
      return {};
    for (std::uint32_t i = 0; i < topic->partitions; ++i) {
      partition_id where{topic->number, i};
      auto from = log_.log_start(where);
      auto end = log_.committed_end(where);
      if (!all)
        from = std::max(from, offset{end.value - (end.value > 0 ? 1 : 0)});
      auto read = log_.visit(where, from, [&](offset, offset, bytes_view data) {
        auto batch = batch_view::parse_unchecked(data);
        if (batch)
          (void)batch->for_each([&](const record_view& record) {
            if (record.at < from)
              return;
            if (auto what = problem_of(record))
              add(fmt::format("{}/{}@{}: {}", name, i, record.at.value, *what));
          });
        return problems_.size() < problems_max_;
      });
      if (!read)
        return read;
    }
    return {};
  }

  std::optional<std::string> document(const record_view& record) const {
    auto key = vault::key_of(*record.value);
    if (!key)
      return key.error().message;
    if (*key >= next_key_)
      return fmt::format("the vault has not made its key {}: it is older than "
                         "the log, or another folder's",
        *key);
    auto opened = people_.open_sealed(*record.value, record.key.value_or(""));
    if (!opened && opened.error().code != fault::not_found)
      return "the vault does not open it: it is another folder's, or damaged";
    return std::nullopt;
  }

  std::optional<std::string> player(const record_view& record) {
    auto id = parse_player_id(record.key.value_or(""));
    if (!id || !asked_.insert(*id).second || people_.identity(*id))
      return std::nullopt;
    return fmt::format(
      "the vault does not know player {}: it is older than the "
      "log, or another folder's",
      to_string(*id));
  }

  void add(std::string what) {
    if (problems_.size() < problems_max_)
      problems_.push_back(std::move(what));
  }

  const event_log& log_;
  const vault& people_;
  std::size_t problems_max_;
  std::uint64_t next_key_ = 1;
  std::unordered_set<player_id> asked_;
  std::vector<std::string> problems_;
};

} // namespace

result<std::vector<std::string>> check_vault(const event_log& log,
  const vault& people, vault_look look, std::size_t problems_max) {
  return checker{log, people, problems_max}.run(look);
}

} // namespace herald
