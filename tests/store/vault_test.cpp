#include "engine/store/lmdb_environment.hpp"
#include "engine/store/vault.hpp"
#include "full_disk.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>

#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace herald;

namespace {

struct vault_fixture {
  temporary_folder folder;
  vault_settings settings{.own_thread = false};
  std::unique_ptr<vault> people;

  vault_fixture() { open(); }

  void open() {
    people.reset();
    people = must(vault::open(folder.path(), settings));
  }

  player_id id_of(const person& who) {
    auto ids = must(people->player_ids({&who, 1}));
    REQUIRE(ids.size() == 1);
    return ids.front();
  }

  player_id id_of(std::string puuid) {
    return id_of({"production", std::move(puuid), {}});
  }

  player_id see(std::string puuid, player_names names) {
    return id_of({"production", std::move(puuid), std::move(names)});
  }

  std::uint64_t commits() const {
    // Of the last transaction: each commit counts one up.
    return people->usage().commits;
  }
};

} // namespace

TEST_CASE_METHOD(vault_fixture, "a person keeps an id for ever") {
  auto one = id_of("puuid-1");
  auto two = id_of("puuid-2");
  CHECK(one.value != 0);
  CHECK(one != two);
  CHECK(id_of("puuid-1") == one);
  open();
  CHECK(id_of("puuid-1") == one);
  CHECK(must(people->find_player("production", "puuid-2")) == two);
  CHECK(
    must(people->identity(two)) == player_identity{"production", "puuid-2"});
}

TEST_CASE_METHOD(
  vault_fixture, "the same puuid under another API key is another person") {
  CHECK(id_of(person{"production", "puuid", {}})
    != id_of(person{"development", "puuid", {}}));
  // The border between the two does not move.
  CHECK(id_of(person{"ab", "c", {}}) != id_of(person{"a", "bc", {}}));
}

TEST_CASE_METHOD(vault_fixture, "one call can ask for the same person twice") {
  std::vector<person> asked{
    {"k", "a", {}}, {"k", "b", {}}, {"k", "a", {}}, {"k", "c", {}}};
  auto ids = must(people->player_ids(asked));
  REQUIRE(ids.size() == 4);
  CHECK(ids[0] == ids[2]);
  CHECK(std::set(ids.begin(), ids.end()).size() == 3);
  CHECK(must(people->player_ids({})).empty());
}

TEST_CASE_METHOD(
  vault_fixture, "an id that is drawn twice, or is zero, is drawn again") {
  std::vector<std::uint64_t> draws{0, 5, 5, 0, 6};
  std::size_t at = 0;
  settings.random = [&](std::span<std::uint8_t> out) {
    REQUIRE(out.size() == sizeof(std::uint64_t));
    REQUIRE(at < draws.size());
    std::memcpy(out.data(), &draws[at++], out.size());
  };
  open();
  CHECK(id_of("a") == player_id{5});
  CHECK(id_of("b") == player_id{6});
}

TEST_CASE_METHOD(vault_fixture, "people who wait together share a commit") {
  auto before = commits();
  std::vector<player_id> ids;
  for (auto puuid : {"a", "b", "a"})
    people->resolve({{"k", puuid, {}}}, [&](const vault::resolved& found) {
      ids.push_back(must(found).front());
    });
  CHECK(ids.empty());
  CHECK(people->turn() == 3);
  REQUIRE(ids.size() == 3);
  CHECK(ids[0] == ids[2]);
  CHECK(ids[0] != ids[1]);
  CHECK(commits() == before + 1);
  SECTION("and known ones need none") {
    people->resolve({{"k", "b", {}}}, [&](const vault::resolved& found) {
      ids.push_back(must(found).front());
    });
    REQUIRE(ids.size() == 4);
    CHECK(ids[3] == ids[1]);
    CHECK(commits() == before + 1);
  }
}

TEST_CASE("callers on many threads never get two ids for one person") {
  temporary_folder folder;
  auto people = must(vault::open(folder.path()));
  constexpr int threads = 4;
  constexpr int count = 60;
  std::vector<std::vector<player_id>> seen(threads);
  std::vector<std::thread> callers;
  for (int i = 0; i < threads; ++i)
    callers.emplace_back([&, i] {
      // Each asks for all, two at a time, starting elsewhere.
      seen[i].resize(count);
      for (int j = 0; j < count; j += 2) {
        int first = (j + i * 14) % count;
        std::vector<person> pair{{"k", std::to_string(first), {}},
          {"k", std::to_string(first + 1), {}}};
        auto ids = people->player_ids(pair);
        if (!ids)
          continue;
        seen[i][first] = (*ids)[0];
        seen[i][first + 1] = (*ids)[1];
      }
    });
  for (auto& each : callers)
    each.join();
  for (int i = 1; i < threads; ++i)
    CHECK(seen[i] == seen[0]);
  std::set<player_id> distinct(seen[0].begin(), seen[0].end());
  CHECK(distinct.size() == count);
  CHECK(!distinct.contains(player_id{0}));
  people.reset();
  people = must(vault::open(folder.path()));
  for (int j = 0; j < count; ++j)
    CHECK(must(people->find_player("k", std::to_string(j))) == seen[0][j]);
}

TEST_CASE_METHOD(vault_fixture, "foreign puuids and names are refused") {
  auto ask = [this](person who) { return people->player_ids({&who, 1}); };
  CHECK(fault_of(ask({"k", "", {}})) == fault::invalid_input);
  CHECK(fault_of(ask({"", "p", {}})) == fault::invalid_input);
  CHECK(
    fault_of(ask({"k", std::string("a\0b", 3), {}})) == fault::invalid_input);
  CHECK(fault_of(ask({"k", std::string(129, 'p'), {}})) == fault::too_large);
  CHECK(fault_of(ask({std::string(65, 'k'), "p", {}})) == fault::too_large);
  CHECK(fault_of(ask({"k", "p", player_names{std::string(129, 'n')}}))
    == fault::too_large);
  std::vector<person> crowd(vault_people_max + 1, {"k", "p", {}});
  CHECK(fault_of(people->player_ids(crowd)) == fault::too_large);
  CHECK(fault_of(people->find_player("k", "p")) == fault::not_found);
  must(ask({std::string(64, 'k'), std::string(128, 'p'),
    player_names{std::string(128, 'n'), std::string(128, 't'),
      std::string(128, 's'), 1}}));
}

TEST_CASE_METHOD(vault_fixture, "a player is found by the Riot id seen last") {
  auto one = see("one", {"Hide on Bush", "KR1", "summoner", 100});
  CHECK(must(people->find_riot_id("hideonbush#kr1")) == one);
  CHECK(must(people->find_riot_id("HIDE ON BUSH#KR1")) == one);
  CHECK(fault_of(people->find_riot_id("hideonbush#kr2")) == fault::not_found);
  CHECK(fault_of(people->find_riot_id("")) == fault::not_found);
  CHECK(
    fault_of(people->find_riot_id(std::string(5000, 'x'))) == fault::not_found);
  CHECK(must(people->names(one)).game_name == "Hide on Bush");

  SECTION("an older sight changes nothing") {
    see("one", {"Older", "KR1", "summoner", 99});
    CHECK(must(people->names(one)).game_name == "Hide on Bush");
    CHECK(fault_of(people->find_riot_id("older#kr1")) == fault::not_found);
  }
  SECTION("a newer sight replaces it") {
    CHECK(see("one", {"Newer", "KR1", "other", 101}) == one);
    CHECK(
      must(people->names(one)) == player_names{"Newer", "KR1", "other", 101});
    CHECK(must(people->find_riot_id("newer#kr1")) == one);
    CHECK(fault_of(people->find_riot_id("hideonbush#kr1")) == fault::not_found);
  }
  SECTION("a sight without a name does not take it away") {
    see("one", {"", "", "renamed", 101});
    CHECK(must(people->names(one))
      == player_names{"Hide on Bush", "KR1", "renamed", 101});
    CHECK(must(people->find_riot_id("hideonbush#kr1")) == one);
  }
  SECTION("a Riot id that moved on belongs to who had it last") {
    auto two = see("two", {"hide on bush", "kr1", "", 200});
    CHECK(must(people->find_riot_id("hideonbush#kr1")) == two);
    // The one before does not take it along when renamed.
    see("one", {"Newer", "KR1", "", 300});
    CHECK(must(people->find_riot_id("hideonbush#kr1")) == two);
    CHECK(must(people->find_riot_id("newer#kr1")) == one);
  }
  SECTION("who was seen under it earlier does not get it back") {
    auto two = see("two", {"hide on bush", "kr1", "", 50});
    CHECK(must(people->find_riot_id("hideonbush#kr1")) == one);
    CHECK(must(people->names(two)).game_name == "hide on bush");
  }
  open();
  CHECK(must(people->identity(one)).puuid == "one");
}

TEST_CASE_METHOD(vault_fixture, "who is unknown is not found") {
  CHECK(fault_of(people->identity({1})) == fault::not_found);
  CHECK(fault_of(people->names({1})) == fault::not_found);
  auto nameless = id_of("nameless");
  CHECK(fault_of(people->names(nameless)) == fault::not_found);
}

TEST_CASE_METHOD(vault_fixture, "a sealed document opens again") {
  auto sealed = must(people->seal("a document", "riot.raw/EUW1_1"));
  CHECK(sealed.find("document") == bytes::npos);
  CHECK(sealed.size() == 1 + 8 + 12 + 10 + 16);
  CHECK(must(people->open_sealed(sealed, "riot.raw/EUW1_1")) == "a document");
  CHECK(must(vault::key_of(sealed)) == 1);
  open();
  CHECK(must(people->open_sealed(sealed, "riot.raw/EUW1_1")) == "a document");
  auto again = must(people->seal("a document", "riot.raw/EUW1_1"));
  CHECK(must(vault::key_of(again)) != must(vault::key_of(sealed)));
}

TEST_CASE_METHOD(vault_fixture, "every change to sealed bytes is noticed") {
  auto sealed = must(people->seal("a document", "context"));
  must(people->seal("another", "context"));
  CHECK(fault_of(people->open_sealed(sealed, "other")) == fault::damaged);
  for (std::size_t i = 0; i < sealed.size(); ++i)
    for (char bit : {1, 128}) {
      auto changed = sealed;
      changed[i] = static_cast<char>(changed[i] ^ bit);
      INFO(i);
      auto opened = people->open_sealed(changed, "context");
      REQUIRE(!opened);
      // In the key's id it is the key of another document, or nobody's.
      bool in_key_id = i >= 1 && i <= 8;
      CHECK((opened.error().code == fault::damaged
        || (in_key_id && opened.error().code == fault::not_found)));
    }
  for (std::size_t size = 0; size < sealed.size(); ++size)
    CHECK(fault_of(people->open_sealed(sealed.substr(0, size), "context"))
      == fault::damaged);
  CHECK(
    fault_of(people->open_sealed(sealed + "x", "context")) == fault::damaged);
}

TEST_CASE_METHOD(vault_fixture, "a forgotten key erases its document alone") {
  auto one = must(people->seal("one", ""));
  auto two = must(people->seal("two", ""));
  must(people->forget(must(vault::key_of(one))));
  CHECK(fault_of(people->open_sealed(one, "")) == fault::not_found);
  CHECK(must(people->open_sealed(two, "")) == "two");
  CHECK(fault_of(people->forget(must(vault::key_of(one)))) == fault::not_found);
  open();
  CHECK(fault_of(people->open_sealed(one, "")) == fault::not_found);
  CHECK(must(people->open_sealed(two, "")) == "two");
}

TEST_CASE_METHOD(
  vault_fixture, "a key that is forgotten before its use is never used") {
  auto first = must(people->new_document_key());
  must(people->forget(first.id + 1));
  CHECK(must(people->new_document_key()).id == first.id + 2);
}

TEST_CASE_METHOD(vault_fixture, "keys come in blocks and never twice") {
  auto before = commits();
  std::set<std::uint64_t> ids;
  std::set<std::array<std::uint8_t, 32>> keys;
  auto draw = [&](int count) {
    for (int i = 0; i < count; ++i) {
      auto key = must(people->new_document_key());
      ids.insert(key.id);
      keys.insert(key.key);
    }
  };
  draw(1000);
  CHECK(commits() - before <= 1000 / settings.key_block + 2);
  open();
  draw(10);
  CHECK(ids.size() == 1010);
  CHECK(keys.size() == 1010);
  CHECK(!ids.contains(0));
}

TEST_CASE("many threads can draw keys at once") {
  temporary_folder folder;
  auto people = must(vault::open(folder.path(), {.key_block = 8}));
  std::vector<std::vector<std::uint64_t>> drawn(4);
  std::vector<std::thread> callers;
  for (auto& mine : drawn)
    callers.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        if (auto key = people->new_document_key())
          mine.push_back(key->id);
    });
  for (auto& each : callers)
    each.join();
  std::set<std::uint64_t> all;
  for (const auto& mine : drawn)
    all.insert(mine.begin(), mine.end());
  CHECK(all.size() == 200);
}

TEST_CASE_METHOD(vault_fixture, "a vault that stopped refuses and says so") {
  auto id = id_of("known");
  people->stop();
  CHECK(id_of("known") == id);
  person stranger{"production", "stranger", {}};
  CHECK(fault_of(people->player_ids({&stranger, 1})) == fault::unavailable);
  CHECK(fault_of(people->new_document_key()) == fault::unavailable);
  CHECK(fault_of(people->seal("document", "")) == fault::unavailable);
}

TEST_CASE_METHOD(vault_fixture, "only the owner may look into the vault") {
  id_of("puuid");
  auto mode = [](const std::filesystem::path& path) {
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 0777;
  };
  CHECK(mode(folder.path() / "vault") == 0700);
  for (const auto& file :
    std::filesystem::directory_iterator{folder.path() / "vault"})
    CHECK(mode(file.path()) == 0600);
}

TEST_CASE_METHOD(vault_fixture, "a vault that was cut off is refused") {
  id_of("puuid");
  people.reset();
  std::filesystem::resize_file(folder.path() / "vault" / "data.mdb", 8192);
  CHECK(fault_of(vault::open(folder.path())) == fault::damaged);
}

TEST_CASE_METHOD(vault_fixture, "a vault can be read without being written") {
  auto id = id_of("puuid");
  auto sealed = must(people->seal("document", ""));
  settings.read_only = true;
  open();
  CHECK(id_of("puuid") == id);
  CHECK(must(people->open_sealed(sealed, "")) == "document");
  person stranger{"production", "stranger", {}};
  CHECK(fault_of(people->player_ids({&stranger, 1})) == fault::forbidden);
  CHECK(fault_of(people->new_document_key()) == fault::forbidden);
}

TEST_CASE_METHOD(
  vault_fixture, "when the disk refuses nobody gets an id that is not on it") {
  auto known = id_of("known");
  person stranger{"production", "stranger", {}};
  {
    full_disk full{4096};
    CHECK(fault_of(people->player_ids({&stranger, 1})) == fault::io);
    CHECK(fault_of(people->new_document_key()) == fault::io);
  }
  CHECK(people->failed()->code == fault::io);
  CHECK(fault_of(people->player_ids({&stranger, 1})) == fault::io);
  CHECK(id_of("known") == known);
  open();
  CHECK(fault_of(people->find_player("production", "stranger"))
    == fault::not_found);
  id_of("stranger");
}
