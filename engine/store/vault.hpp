#pragma once

#include "engine/store/lmdb_environment.hpp"
#include "engine/store/player_id.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace herald {

/// Bounds of what the vault takes; more is fault::too_large.
constexpr std::size_t vault_identity_bytes_max = 64;
constexpr std::size_t vault_puuid_bytes_max = 128;
constexpr std::size_t vault_name_bytes_max = 128;
constexpr std::size_t vault_people_max = 1024;
/// Of a document to be sealed.
constexpr std::size_t vault_document_bytes_max = 64u << 20;

/// How a person was called when somebody saw them. Personal data: it is kept in
/// the vault and nowhere else, and never logged.
struct player_names {
  /// The Riot id is game_name#tag_line; empty where it was not given.
  std::string game_name;
  std::string tag_line;
  std::string summoner_name;
  /// When they were seen under these names, in milliseconds since 1970. A
  /// newer sight replaces an older one.
  std::int64_t seen_ms = 0;
  bool operator==(const player_names&) const = default;
};

/// Somebody as a Riot document names them. PUUIDs differ per API key, so the
/// key's identity (any stable name for it, such as "production") belongs to it.
struct person {
  std::string key_identity;
  std::string puuid;
  std::optional<player_names> names;
};

/// The way back from an id to Riot.
struct player_identity {
  std::string key_identity;
  std::string puuid;
  bool operator==(const player_identity&) const = default;
};

/// A key for one document, durable in the vault. Never log it.
struct document_key {
  /// Names the key; counted from 1, never used twice.
  std::uint64_t id = 0;
  /// For AES-256.
  std::array<std::uint8_t, 32> key{};
};

/// Limits and seams of a vault.
struct vault_settings {
  std::size_t map_bytes = 32u << 20;
  std::size_t map_step_bytes = 32u << 20;
  std::size_t map_bytes_max = std::size_t{64} << 30;
  /// Document keys made in one commit; half of them are left when the next are
  /// made in the background.
  std::size_t key_block = 256;
  /// People whose resolve() waits for a commit; more hear fault::busy.
  std::size_t waiting_max = 4096;
  /// False: no thread; turn() commits, and calls that wait commit themselves.
  /// For tests.
  bool own_thread = true;
  bool read_only = false;
  /// Fills the memory with random bytes; getrandom(2) when empty.
  std::function<void(std::span<std::uint8_t>)> random;
};

/// Where personal data lives: which player id is whose, how players are called,
/// and the keys under which documents are sealed. An environment of its own in
/// the folder "vault" below the data folder (0700, files 0600), apart from the
/// log, which carries ids and sealed bytes only.
///
///     tables   @format    "format" -> u32; "next key" -> u64
///              players    key-identity 00 puuid -> u64 player id
///              ids        u64 player id -> key-identity 00 puuid
///              profiles   u64 player id -> u64 seen-ms, then game name, tag
///                         line, summoner name, each u16 length and bytes
///              riot_ids   game name # tag line, folded -> u64 player id
///              keys       u64 key id -> key[32]
///     sealed   = version:u8(1) key-id:u64 nonce[12] ciphertext tag[16]
///                AES-256-GCM; associated data: version key-id context
///     integers are big-endian
///
/// What a call returns is on disk: an event may use it. All calls come from any
/// thread; those that write share commits with all others at that moment.
class vault {
public:
  /// One id per person, in the order asked, or why there are none.
  using resolved = result<std::vector<player_id>>;

  /// Opens the vault below `data_folder`. Faults: version (newer), damaged,
  /// in_use, storage_full, io, not_found (read only).
  static result<std::unique_ptr<vault>> open(
    const std::filesystem::path& data_folder,
    const vault_settings& settings = {});

  ~vault();
  vault(const vault&) = delete;
  vault& operator=(const vault&) = delete;

  /// The ids of these people (at most vault_people_max): those that they have,
  /// or new random ones, never 0. One person never has two ids, and no two
  /// people share one. Names that are newer than the known ones are kept.
  /// Everything is durable when this returns. An empty puuid or one that holds
  /// a zero byte is fault::invalid_input.
  resolved player_ids(std::span<const person> people);

  /// The same without waiting. `done` is called exactly once, on the vault's
  /// thread, or on the caller's when nothing had to be written; it must be
  /// quick and must not throw.
  void resolve(
    std::vector<person> people, std::function<void(const resolved&)> done);

  /// The id that a person has already; fault::not_found.
  result<player_id> find_player(
    std::string_view key_identity, std::string_view puuid) const;

  /// Whose id that is; fault::not_found.
  result<player_identity> identity(player_id id) const;

  /// How the player was called last; fault::not_found.
  result<player_names> names(player_id id) const;

  /// Who was last seen under that Riot id, "game name#tag line"; upper and
  /// lower case, and spaces, are the same, as Riot has it. fault::not_found.
  result<player_id> find_riot_id(std::string_view riot_id) const;

  /// A key that nobody has had before, durable. Mostly without waiting for the
  /// disk, since keys are made in blocks.
  result<document_key> new_document_key();

  /// Seals a document under a key of its own. `context` says what it is (such
  /// as the topic and match id); open() must be given the same.
  result<bytes> seal(bytes_view document, bytes_view context);

  /// Undoes seal(). fault::not_found: the key was forgotten, so the document is
  /// erased. fault::damaged: the bytes or the context are not what was sealed.
  result<bytes> open_sealed(bytes_view sealed, bytes_view context) const;

  /// All keys that this vault has made have ids below it.
  result<std::uint64_t> next_key_id() const;

  /// The key id that sealed bytes carry; fault::damaged when they are too
  /// short or of an unknown version.
  static result<std::uint64_t> key_of(bytes_view sealed);

  /// Forgets a key, durably: whatever it sealed is erased with it. A key that
  /// is not there is fault::not_found. (Its bytes may stay in unused pages of
  /// the vault's file until those are written again.)
  result<void> forget(std::uint64_t key_id);

  /// Commits one group of what waits; see vault_settings::own_thread.
  std::size_t turn();

  /// Ends the thread, after what waits.
  void stop();

  /// Writes a copy of everything that was durable when this is called into the
  /// (missing) folder `to`: a vault of its own, once it lies below a data
  /// folder.
  result<void> copy_to(const std::filesystem::path& to) const;

  lmdb_usage usage() const;

  /// Why the vault has stopped taking writes, if it has.
  std::optional<failure> failed() const;

private:
  struct impl;
  explicit vault(std::unique_ptr<impl> self);

  std::unique_ptr<impl> self_;
};

} // namespace herald
