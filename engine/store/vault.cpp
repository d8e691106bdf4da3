#include "engine/store/vault.hpp"

#include "engine/store/format.hpp"
#include "engine/store/group_writer.hpp"
#include "engine/store/lmdb_environment.hpp"
#include "engine/store/riot_id.hpp"
#include "engine/store/sealing.hpp"
#include "protocol/big_endian.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <sys/random.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <future>
#include <mutex>
#include <utility>

namespace herald {
namespace {

constexpr std::uint32_t vault_format = 1;
constexpr std::string_view next_key = "next key";
constexpr std::uint8_t sealed_version = 1;
constexpr std::size_t sealed_header_bytes = 1 + 8 + 12;

void system_random(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    auto got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR)
        continue;
      // Without randomness there are neither ids nor keys.
      std::abort();
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

/// key-identity 00 puuid
bytes player_key(std::string_view key_identity, std::string_view puuid) {
  bytes key{key_identity};
  key.push_back('\0');
  key += puuid;
  return key;
}

result<void> check_identity(
  std::string_view key_identity, std::string_view puuid) {
  if (key_identity.size() > vault_identity_bytes_max
    || puuid.size() > vault_puuid_bytes_max)
    return fail(fault::too_large,
      fmt::format("a puuid has at most {} bytes, a key's identity {}",
        vault_puuid_bytes_max, vault_identity_bytes_max));
  if (key_identity.empty() || puuid.empty()
    || key_identity.find('\0') != std::string_view::npos
    || puuid.find('\0') != std::string_view::npos)
    return fail(fault::invalid_input,
      "a puuid or a key's identity is empty or holds a zero byte");
  return {};
}

result<void> check_person(const person& who) {
  if (auto fine = check_identity(who.key_identity, who.puuid); !fine)
    return fine;
  if (who.names)
    for (const auto* name :
      {&who.names->game_name, &who.names->tag_line, &who.names->summoner_name})
      if (name->size() > vault_name_bytes_max)
        return fail(fault::too_large,
          fmt::format("a name has at most {} bytes", vault_name_bytes_max));
  return {};
}

bytes encode(const player_names& names) {
  bytes out;
  append_big_endian(out, static_cast<std::uint64_t>(names.seen_ms));
  for (const auto* name :
    {&names.game_name, &names.tag_line, &names.summoner_name}) {
    append_big_endian(out, static_cast<std::uint16_t>(name->size()));
    out += *name;
  }
  return out;
}

std::optional<player_names> decode_names(bytes_view in) {
  player_names names;
  auto seen = take_big_endian<std::uint64_t>(in);
  if (!seen)
    return std::nullopt;
  names.seen_ms = static_cast<std::int64_t>(*seen);
  for (auto* name : {&names.game_name, &names.tag_line, &names.summoner_name}) {
    auto size = take_big_endian<std::uint16_t>(in);
    if (!size || in.size() < *size)
      return std::nullopt;
    *name = in.substr(0, *size);
    in.remove_prefix(*size);
  }
  return names;
}

/// What a newer sight adds to what is known: a document that does not give a
/// name does not take it away.
player_names merged(player_names known, const player_names& seen) {
  known.seen_ms = seen.seen_ms;
  if (!seen.game_name.empty()) {
    known.game_name = seen.game_name;
    known.tag_line = seen.tag_line;
  }
  if (!seen.summoner_name.empty())
    known.summoner_name = seen.summoner_name;
  return known;
}

/// The key of a player's riot id; empty when there is none.
bytes riot_id_key(const player_names& names) {
  if (names.game_name.empty())
    return {};
  return fold_riot_id(names.game_name + "#" + names.tag_line);
}

std::unexpected<failure> damaged_row(std::string_view table) {
  return fail(fault::damaged,
    fmt::format("a row of the vault's table {} is unreadable", table));
}

result<player_id> read_id(bytes_view value, std::string_view table) {
  auto id = take_big_endian<std::uint64_t>(value);
  if (!id || *id == 0 || !value.empty())
    return damaged_row(table);
  return player_id{*id};
}

/// What a sealed document is bound to beside its bytes.
bytes associated_data(std::uint64_t key_id, bytes_view context) {
  bytes out;
  append_big_endian(out, sealed_version);
  append_big_endian(out, key_id);
  out += context;
  return out;
}

} // namespace

struct vault::impl {
  explicit impl(
    std::unique_ptr<lmdb_environment> opened, const vault_settings& limits)
    : settings{limits}, environment{std::move(opened)},
      writer{*environment,
        {.waiting_max = limits.waiting_max, .own_thread = limits.own_thread}} {}

  ~impl() {
    writer.stop();
    for (auto& key : keys)
      OPENSSL_cleanse(key.key.data(), key.key.size());
  }

  vault_settings settings;
  std::unique_ptr<lmdb_environment> environment;
  lmdb_table format;
  lmdb_table players;
  lmdb_table ids;
  lmdb_table profiles;
  lmdb_table riot_ids;
  lmdb_table document_keys;

  // Durable keys that nobody has had yet.
  std::mutex mutex;
  std::condition_variable refilled;
  std::deque<document_key> keys;
  bool refilling = false;
  std::optional<failure> refill_failed;

  // Ends first: its completions use what stands above.
  group_writer writer;

  void random(std::span<std::uint8_t> out) const {
    settings.random ? settings.random(out) : system_random(out);
  }

  result<void> open_tables() {
    struct wanted {
      std::string_view name;
      lmdb_table* table;
    };
    for (auto [name, table] : {wanted{format_table, &format},
           {"players", &players}, {"ids", &ids}, {"profiles", &profiles},
           {"riot_ids", &riot_ids}, {"keys", &document_keys}}) {
      auto opened = environment->table(name);
      if (!opened)
        return std::unexpected{opened.error()};
      *table = *opened;
    }
    return {};
  }

  /// The player's id, if there is one.
  result<std::optional<player_id>> known_id(
    lmdb_transaction& transaction, const person& who) const {
    auto value
      = transaction.get(players, player_key(who.key_identity, who.puuid));
    if (!value)
      return std::nullopt;
    auto id = read_id(*value, "players");
    if (!id)
      return std::unexpected{id.error()};
    return *id;
  }

  player_id new_id(lmdb_transaction& transaction) const {
    for (;;) {
      std::array<std::uint8_t, 8> drawn{};
      random(drawn);
      player_id id;
      std::memcpy(&id.value, drawn.data(), drawn.size());
      if (id.value != 0 && !transaction.get(ids, big_endian(id.value)))
        return id;
    }
  }

  result<std::optional<player_names>> known_names(
    lmdb_transaction& transaction, player_id id) const {
    auto value = transaction.get(profiles, big_endian(id.value));
    if (!value)
      return std::nullopt;
    auto names = decode_names(*value);
    if (!names)
      return damaged_row("profiles");
    return names;
  }

  /// Whether these names say something newer than what is known.
  result<bool> is_news(
    lmdb_transaction& transaction, player_id id, const person& who) const {
    if (!who.names)
      return false;
    auto known = known_names(transaction, id);
    if (!known)
      return std::unexpected{known.error()};
    return !*known || (*known)->seen_ms < who.names->seen_ms;
  }

  result<void> keep_names(lmdb_transaction& transaction, player_id id,
    const player_names& seen) const {
    auto known = known_names(transaction, id);
    if (!known)
      return std::unexpected{known.error()};
    auto before = known->value_or(player_names{});
    auto now = merged(before, seen);
    auto old_key = riot_id_key(before);
    auto new_key = riot_id_key(now);
    if (old_key != new_key && !old_key.empty())
      if (transaction.get(riot_ids, old_key) == big_endian(id.value))
        transaction.erase(riot_ids, old_key);
    if (!new_key.empty()) {
      // A riot id that went from one player to another is the one's who was
      // seen under it last.
      auto holder = transaction.get(riot_ids, new_key);
      bool ours = true;
      if (holder && *holder != big_endian(id.value)) {
        auto other = read_id(*holder, "riot_ids");
        if (!other)
          return std::unexpected{other.error()};
        auto theirs = known_names(transaction, *other);
        if (!theirs)
          return std::unexpected{theirs.error()};
        ours = !*theirs || (*theirs)->seen_ms < now.seen_ms;
      }
      if (ours)
        transaction.put(riot_ids, new_key, big_endian(id.value));
    }
    transaction.put(profiles, big_endian(id.value), encode(now));
    return {};
  }

  /// The work of resolve() that writes.
  result<void> settle(lmdb_transaction& transaction,
    const std::vector<person>& people, std::vector<player_id>& out) const {
    out.clear();
    for (const auto& who : people) {
      auto known = known_id(transaction, who);
      if (!known)
        return std::unexpected{known.error()};
      auto id = *known ? **known : new_id(transaction);
      if (!*known) {
        auto key = player_key(who.key_identity, who.puuid);
        transaction.put(players, key, big_endian(id.value));
        transaction.put(ids, big_endian(id.value), key);
      }
      auto news = is_news(transaction, id, who);
      if (!news)
        return std::unexpected{news.error()};
      if (*news)
        if (auto kept = keep_names(transaction, id, *who.names); !kept)
          return kept;
      // A failed transaction finds nothing: no ids are to come of that.
      if (transaction.failed())
        return std::unexpected{*transaction.failed()};
      out.push_back(id);
    }
    return {};
  }

  /// The ids, when there is nothing to write.
  result<std::optional<std::vector<player_id>>> all_known(
    const std::vector<person>& people) const {
    std::vector<player_id> found;
    bool complete = true;
    auto done
      = environment->read([&](lmdb_transaction& transaction) -> result<void> {
          for (const auto& who : people) {
            auto id = known_id(transaction, who);
            if (!id)
              return std::unexpected{id.error()};
            complete = id->has_value();
            if (!complete)
              return {};
            auto news = is_news(transaction, **id, who);
            if (!news)
              return std::unexpected{news.error()};
            complete = !*news;
            if (!complete)
              return {};
            found.push_back(**id);
          }
          return {};
        });
    if (!done)
      return std::unexpected{done.error()};
    if (!complete)
      return std::nullopt;
    return found;
  }

  /// Makes the next block of keys in the background. One at a time: the caller
  /// has set `refilling`.
  void refill() {
    auto made = std::make_shared<std::vector<document_key>>();
    writer.submit(
      [this, made](lmdb_transaction& transaction) -> result<void> {
        made->clear();
        std::uint64_t next = 1;
        if (auto value = transaction.get(format, next_key)) {
          auto stored = take_big_endian<std::uint64_t>(*value);
          if (!stored)
            return damaged_row(format_table);
          next = *stored;
        }
        for (std::size_t i = 0; i < settings.key_block; ++i) {
          document_key key{next++, {}};
          random(key.key);
          transaction.put(document_keys, big_endian(key.id),
            {reinterpret_cast<const char*>(key.key.data()), key.key.size()});
          made->push_back(key);
        }
        transaction.put(format, next_key, big_endian(next));
        return {};
      },
      [this, made](const result<void>& outcome) {
        std::lock_guard lock{mutex};
        refilling = false;
        if (outcome)
          keys.insert(keys.end(), made->begin(), made->end());
        else
          refill_failed = outcome.error();
        for (auto& key : *made)
          OPENSSL_cleanse(key.key.data(), key.key.size());
        refilled.notify_all();
      });
  }

  template <class T>
  result<T> look_up(
    const std::function<result<T>(lmdb_transaction&)>& work) const {
    result<T> found = fail(fault::unavailable, "nothing was read");
    auto done = environment->read([&](lmdb_transaction& transaction) {
      found = work(transaction);
      return result<void>{};
    });
    if (!done)
      return std::unexpected{done.error()};
    return found;
  }
};

vault::vault(std::unique_ptr<impl> self) : self_{std::move(self)} {}

vault::~vault() = default;

result<std::unique_ptr<vault>> vault::open(
  const std::filesystem::path& data_folder, const vault_settings& settings) {
  assert(settings.key_block > 0);
  auto environment = lmdb_environment::open({.directory = data_folder / "vault",
    .name = "vault",
    .map_bytes = settings.map_bytes,
    .map_step_bytes = settings.map_step_bytes,
    .map_bytes_max = settings.map_bytes_max,
    .read_only = settings.read_only});
  if (!environment)
    return std::unexpected{environment.error()};
  if (auto known = check_format(**environment, vault_format); !known)
    return std::unexpected{known.error()};
  auto self = std::make_unique<impl>(std::move(*environment), settings);
  if (auto opened = self->open_tables(); !opened)
    return std::unexpected{opened.error()};
  return std::unique_ptr<vault>{new vault{std::move(self)}};
}

vault::resolved vault::player_ids(std::span<const person> people) {
  std::promise<resolved> answer;
  auto ids = answer.get_future();
  resolve({people.begin(), people.end()},
    [&answer](const resolved& found) { answer.set_value(found); });
  if (!self_->settings.own_thread)
    while (self_->writer.turn() > 0)
      continue;
  return ids.get();
}

void vault::resolve(
  std::vector<person> people, std::function<void(const resolved&)> done) {
  if (people.size() > vault_people_max)
    return done(fail(fault::too_large,
      fmt::format("at most {} people at once", vault_people_max)));
  for (const auto& who : people)
    if (auto fine = check_person(who); !fine)
      return done(std::unexpected{fine.error()});
  auto known = self_->all_known(people);
  if (!known)
    return done(std::unexpected{known.error()});
  if (*known)
    return done(std::move(**known));
  auto asked = std::make_shared<const std::vector<person>>(std::move(people));
  auto ids = std::make_shared<std::vector<player_id>>();
  self_->writer.submit(
    [this, asked, ids](lmdb_transaction& transaction) {
      return self_->settle(transaction, *asked, *ids);
    },
    [ids, done = std::move(done)](const result<void>& outcome) {
      if (outcome)
        done(std::move(*ids));
      else
        done(std::unexpected{outcome.error()});
    });
}

result<player_id> vault::find_player(
  std::string_view key_identity, std::string_view puuid) const {
  if (auto fine = check_identity(key_identity, puuid); !fine)
    return std::unexpected{fine.error()};
  return self_->look_up<player_id>(
    [&](lmdb_transaction& transaction) -> result<player_id> {
      auto value
        = transaction.get(self_->players, player_key(key_identity, puuid));
      if (!value)
        return fail(fault::not_found, "the vault does not know that player");
      return read_id(*value, "players");
    });
}

result<player_identity> vault::identity(player_id id) const {
  return self_->look_up<player_identity>(
    [&](lmdb_transaction& transaction) -> result<player_identity> {
      auto value = transaction.get(self_->ids, big_endian(id.value));
      if (!value)
        return fail(fault::not_found,
          fmt::format("the vault does not know player {}", to_string(id)));
      auto split = value->find('\0');
      if (split == bytes_view::npos)
        return damaged_row("ids");
      return player_identity{
        bytes{value->substr(0, split)}, bytes{value->substr(split + 1)}};
    });
}

result<player_names> vault::names(player_id id) const {
  return self_->look_up<player_names>(
    [&](lmdb_transaction& transaction) -> result<player_names> {
      auto names = self_->known_names(transaction, id);
      if (!names)
        return std::unexpected{names.error()};
      if (!*names)
        return fail(fault::not_found,
          fmt::format("the vault has no name of player {}", to_string(id)));
      return **names;
    });
}

result<player_id> vault::find_riot_id(std::string_view riot_id) const {
  auto key = fold_riot_id(riot_id);
  return self_->look_up<player_id>(
    [&](lmdb_transaction& transaction) -> result<player_id> {
      auto value = transaction.get(self_->riot_ids, key);
      if (!value)
        return fail(fault::not_found, "nobody was seen under that Riot id");
      return read_id(*value, "riot_ids");
    });
}

result<document_key> vault::new_document_key() {
  auto& self = *self_;
  std::unique_lock lock{self.mutex};
  for (;;) {
    bool enough = self.keys.size() > self.settings.key_block / 2;
    if (!enough && !self.refilling && !self.refill_failed) {
      self.refilling = true;
      // Its completion may come on this thread, and takes the lock.
      lock.unlock();
      self.refill();
      lock.lock();
    }
    if (!self.keys.empty()) {
      auto key = self.keys.front();
      OPENSSL_cleanse(
        self.keys.front().key.data(), self.keys.front().key.size());
      self.keys.pop_front();
      return key;
    }
    if (auto reason = std::exchange(self.refill_failed, std::nullopt))
      return std::unexpected{*reason};
    if (self.settings.own_thread) {
      self.refilled.wait(lock, [&] {
        return !self.keys.empty() || self.refill_failed || !self.refilling;
      });
    } else {
      lock.unlock();
      self.writer.turn();
      lock.lock();
    }
  }
}

result<bytes> vault::seal(bytes_view document, bytes_view context) {
  if (document.size() > vault_document_bytes_max)
    return fail(fault::too_large,
      fmt::format("a document of {} bytes: at most {} can be sealed",
        document.size(), vault_document_bytes_max));
  auto key = new_document_key();
  if (!key)
    return std::unexpected{key.error()};
  gcm_nonce nonce{};
  self_->random(nonce);
  auto cipher
    = gcm_seal(key->key, nonce, document, associated_data(key->id, context));
  OPENSSL_cleanse(key->key.data(), key->key.size());
  if (!cipher)
    return cipher;
  bytes sealed;
  sealed.reserve(sealed_header_bytes + cipher->size());
  append_big_endian(sealed, sealed_version);
  append_big_endian(sealed, key->id);
  sealed.append(nonce.begin(), nonce.end());
  sealed += *cipher;
  return sealed;
}

result<bytes> vault::open_sealed(bytes_view sealed, bytes_view context) const {
  auto id = key_of(sealed);
  if (!id)
    return std::unexpected{id.error()};
  aes_256_key key{};
  auto found
    = self_->look_up<bool>([&](lmdb_transaction& transaction) -> result<bool> {
        auto value = transaction.get(self_->document_keys, big_endian(*id));
        if (!value)
          return fail(fault::not_found,
            fmt::format("key {} was forgotten: the document is erased", *id));
        if (value->size() != key.size())
          return damaged_row("keys");
        std::memcpy(key.data(), value->data(), key.size());
        return true;
      });
  if (!found)
    return std::unexpected{found.error()};
  gcm_nonce nonce{};
  std::memcpy(nonce.data(), sealed.data() + 9, nonce.size());
  auto document = gcm_open(key, nonce, sealed.substr(sealed_header_bytes),
    associated_data(*id, context));
  OPENSSL_cleanse(key.data(), key.size());
  return document;
}

result<std::uint64_t> vault::next_key_id() const {
  return self_->look_up<std::uint64_t>(
    [&](lmdb_transaction& transaction) -> result<std::uint64_t> {
      auto value = transaction.get(self_->format, next_key);
      if (!value)
        return 1;
      auto next = take_big_endian<std::uint64_t>(*value);
      if (!next)
        return damaged_row(format_table);
      return *next;
    });
}

result<std::uint64_t> vault::key_of(bytes_view sealed) {
  if (sealed.size() < sealed_header_bytes + gcm_tag_bytes)
    return fail(fault::damaged, "sealed bytes are cut off");
  auto version = take_big_endian<std::uint8_t>(sealed);
  if (version != sealed_version)
    return fail(fault::damaged,
      fmt::format("sealed bytes have version {}, only {} is known", *version,
        sealed_version));
  return *take_big_endian<std::uint64_t>(sealed);
}

result<void> vault::forget(std::uint64_t key_id) {
  {
    // If it is still to be given out, it must not be.
    std::lock_guard lock{self_->mutex};
    std::erase_if(
      self_->keys, [&](const document_key& key) { return key.id == key_id; });
  }
  return self_->writer.run([this, key_id](
                             lmdb_transaction& transaction) -> result<void> {
    if (!transaction.erase(self_->document_keys, big_endian(key_id))
      && !transaction.failed())
      return fail(fault::not_found, fmt::format("there is no key {}", key_id));
    return {};
  });
}

std::size_t vault::turn() {
  return self_->writer.turn();
}

void vault::stop() {
  self_->writer.stop();
}

result<void> vault::copy_to(const std::filesystem::path& to) const {
  return self_->environment->copy_to(to);
}

lmdb_usage vault::usage() const {
  return self_->environment->usage();
}

std::optional<failure> vault::failed() const {
  return self_->environment->failed();
}

} // namespace herald
