// Writes to the log, the vault and the views of a data folder, archives old
// batches, and says on standard output what was acknowledged (workload.hpp).
//
//     disk_worker FOLDER RUN            goes on until it is killed
//     disk_worker FOLDER RUN COMMITS    ends after so many commits
//
// Exit codes: 0; 74 when the disk failed and was heeded; 65 when the folder
// does not open for being damaged; 1 when a rule was broken: a write was taken
// after the log had failed.

#include "engine/log/archive.hpp"
#include "engine/log/log_writer.hpp"
#include "engine/store/vault.hpp"
#include "protocol/batch/record_batch.hpp"
#include "tests/proof/workload.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace herald;

namespace {

constexpr int disk_failed = 74;

// One write, so that a line is there as a whole or not at all.
void say(const std::string& line) {
  if (::write(STDOUT_FILENO, line.data(), line.size())
    != static_cast<ssize_t>(line.size()))
    ::_exit(1);
}

int give_up(const failure& why) {
  std::fprintf(stderr, "%s\n", why.message.c_str());
  switch (why.code) {
  case fault::damaged:
  case fault::version:
    return 65;
  case fault::io:
  case fault::storage_full:
    return disk_failed;
  default:
    return 1;
  }
}

struct parts {
  std::unique_ptr<event_log> log;
  topic_info topic;
  std::unique_ptr<vault> people;
  std::unique_ptr<view_store> views;
  std::unique_ptr<follower_driver> followers;
  work_projection projection;
  std::uint64_t run = 0;

  result<void> open(const std::string& folder, bool own_thread) {
    auto opened = event_log::open(folder, work_log());
    if (!opened)
      return std::unexpected{opened.error()};
    log = std::move(*opened);
    auto made = log->create_topic("t", work_partitions);
    if (!made)
      return std::unexpected{made.error()};
    topic = *made;
    auto safe = vault::open(folder,
      {.map_bytes = 1u << 20,
        .map_step_bytes = 1u << 20,
        .key_block = 8,
        .own_thread = own_thread});
    if (!safe)
      return std::unexpected{safe.error()};
    people = std::move(*safe);
    auto stored = view_store::open(
      folder, {.map_bytes = 1u << 20, .map_step_bytes = 1u << 20});
    if (!stored)
      return std::unexpected{stored.error()};
    views = std::move(*stored);
    followers = std::make_unique<follower_driver>(
      *log, *views, follower_settings{.own_thread = own_thread});
    followers->add(projection);
    return followers->start();
  }

  std::pair<partition_id, bytes> next_batch(
    std::uint32_t thread, std::uint64_t& number, std::uint32_t records) const {
    batch_builder batch{static_cast<std::int64_t>(number)};
    for (std::uint32_t i = 0; i < records; ++i) {
      work_record record{run, thread, number};
      batch.add(
        key_of(record), value_of(record), static_cast<std::int64_t>(number++));
    }
    return {{topic.number, thread % work_partitions}, batch.finish()};
  }

  void acknowledge(std::uint32_t thread, std::uint64_t first,
    std::uint64_t until, const appended& where) const {
    std::string lines;
    for (auto number = first; number < until; ++number)
      lines += fmt::format("R {} {} {} {} {}\n", run, thread, number,
        where.where.partition, where.first.value + number - first);
    say(lines);
  }

  // Moves half of what the environment has into segments.
  result<void> archive(std::uint32_t partition) const {
    partition_id where{topic.number, partition};
    auto start = log->live_start(where);
    auto end = log->committed_end(where);
    offset half{start.value + (end.value - start.value) / 2};
    auto did = log->archive(
      where, half, {.segment_bytes = 10'000, .remove_batches_max = 3});
    return did ? result<void>{} : std::unexpected{std::move(did).error()};
  }

  result<void> meet(std::uint64_t number) const {
    std::vector<person> who{{work_identity, puuid_of(run, number),
      player_names{.game_name = puuid_of(run, number),
        .tag_line = "EUW",
        .summoner_name = "",
        .seen_ms = 1}}};
    auto ids = people->player_ids(who);
    if (!ids)
      return std::unexpected{ids.error()};
    say(fmt::format("P {} {} {}\n", run, number, ids->front().value));
    auto key = people->new_document_key();
    if (!key)
      return std::unexpected{key.error()};
    say(fmt::format("K {}\n", key->id));
    return {};
  }
};

// From several threads, for ever.
int work_on(parts& all) {
  log_writer writer{*all.log};
  writer.on_commit([&](auto) { all.followers->wake(); });
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < work_threads; ++t)
    threads.emplace_back([&, t] {
      for (std::uint64_t number = 0;;) {
        auto first = number;
        auto [where, batch] = all.next_batch(
          t, number, 1 + static_cast<std::uint32_t>(first % 4));
        auto how = writer.append_and_wait(where, std::move(batch));
        if (!how)
          ::_exit(give_up(how.error()));
        all.acknowledge(t, first, number, *how);
      }
    });
  threads.emplace_back([&] {
    for (std::uint64_t number = 0;; ++number)
      if (auto met = all.meet(number); !met)
        ::_exit(give_up(met.error()));
  });
  threads.emplace_back([&] {
    for (std::uint32_t i = 0;; i = (i + 1) % work_partitions)
      if (auto archived = all.archive(i); !archived)
        ::_exit(give_up(archived.error()));
  });
  for (auto& thread : threads)
    thread.join();
  return 1;
}

// What must be so once the log has failed: it takes nothing more.
int heed(parts& all, const failure& why) {
  if (why.code != fault::io)
    return give_up(why);
  auto number = std::uint64_t{1} << 40;
  auto [where, batch] = all.next_batch(0, number, 1);
  append_item item{.where = where, .batch = std::move(batch)};
  if (!all.log->failed() || all.log->append({&item, 1}))
    return 1;
  // Reading goes on.
  if (!all.log->read(where, {0}, 1 << 20))
    return 1;
  return give_up(why);
}

// Where archiving failed the log may go on, and nothing is missing.
int heed_archive(parts& all, const failure& why) {
  if (all.log->failed())
    return heed(all, why);
  for (std::uint32_t i = 0; i < work_partitions; ++i) {
    partition_id where{all.topic.number, i};
    offset next;
    auto read = all.log->visit(where, {0}, [&](offset, offset end, bytes_view) {
      next = end;
      return true;
    });
    if (!read || next != all.log->committed_end(where))
      return 1;
  }
  return give_up(why);
}

// The same of the vault and the views.
int heed_store(parts& all, std::uint64_t people, const failure& why) {
  for (std::uint64_t i = 0; i < people; ++i)
    if (!all.people->find_player(work_identity, puuid_of(all.run, i)))
      return 1;
  auto read = all.views->read([](const view_snapshot& now) -> result<void> {
    (void)now.count("work");
    return {};
  });
  return read ? give_up(why) : 1;
}

// In one thread, so that the calls to the disk come in the same order each time
// (but for what is written ahead).
int work_through(parts& all, std::uint64_t commits) {
  log_writer writer{*all.log, {.own_thread = false}};
  std::uint64_t numbers[work_threads]{};
  for (std::uint64_t i = 0; i < commits; ++i) {
    std::optional<failure> failed;
    for (std::uint32_t t = 0; t < work_threads; ++t) {
      auto first = numbers[t];
      auto [where, batch] = all.next_batch(t, numbers[t], 2);
      writer.append(
        where, std::move(batch), [&, t, first](const append_outcome& how) {
          if (how)
            all.acknowledge(t, first, first + 2, *how);
          else
            failed = how.error();
        });
    }
    while (writer.turn() > 0)
      continue;
    if (failed)
      return heed(all, *failed);
    auto which = static_cast<std::uint32_t>(i % work_partitions);
    if (auto archived = all.archive(which); !archived)
      return heed_archive(all, archived.error());
    if (auto met = all.meet(i); !met)
      return heed_store(all, i, met.error());
    for (;;) {
      auto turned = all.followers->turn();
      if (!turned)
        return heed_store(all, i + 1, turned.error());
      if (*turned == 0)
        break;
    }
    if (auto broken = all.followers->failed())
      return heed_store(all, i + 1, *broken);
  }
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  if (count < 3)
    return 2;
  auto commits = count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 0;
  parts all;
  all.run = std::strtoull(arguments[2], nullptr, 10);
  if (auto opened = all.open(arguments[1], commits == 0); !opened)
    return give_up(opened.error());
  return commits == 0 ? work_on(all) : work_through(all, commits);
}
