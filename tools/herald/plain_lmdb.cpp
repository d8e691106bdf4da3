#include "tools/herald/plain_lmdb.hpp"

#include "engine/log/written_ahead_file.hpp"
#include "protocol/big_endian.hpp"
#include "tools/herald/measure.hpp"

#include <fstream>
#include <stdexcept>
#include <vector>

namespace herald {

namespace {

void check(int code) {
  if (code)
    throw std::runtime_error{mdb_strerror(code)};
}

// Into the page cache, past which the zeros went: LMDB is not to pay for fresh
// pages of memory.
void read_whole(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  std::vector<char> block(1u << 20);
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())))
    continue;
}

} // namespace

plain_lmdb::plain_lmdb(
  const std::filesystem::path& folder, std::size_t file_bytes) {
  open(folder, 1u << 20);
  mdb_env_close(env_);
  auto file = tried(written_ahead_file::open(folder / "data.mdb", {}));
  while (file->size() < file_bytes) {
    file->want(file_bytes);
    if (!file->wait_beyond(file->size()))
      throw std::runtime_error{"the disk is full"};
  }
  file.reset();
  read_whole(folder / "data.mdb");
  open(folder, file_bytes);
}

plain_lmdb::~plain_lmdb() {
  mdb_env_close(env_);
}

void plain_lmdb::begin() {
  check(mdb_txn_begin(env_, nullptr, 0, &transaction_));
}

void plain_lmdb::append(bytes_view data) {
  char raw[8];
  store_big_endian(raw, next_++);
  MDB_val key{sizeof raw, raw};
  MDB_val value{data.size(), const_cast<char*>(data.data())};
  check(mdb_put(transaction_, table_, &key, &value, MDB_APPEND));
}

void plain_lmdb::commit() {
  check(mdb_txn_commit(transaction_));
}

void plain_lmdb::open(
  const std::filesystem::path& folder, std::size_t map_bytes) {
  check(mdb_env_create(&env_));
  check(mdb_env_set_maxdbs(env_, 4));
  check(mdb_env_set_mapsize(env_, map_bytes));
  check(mdb_env_open(env_, folder.c_str(), 0, 0644));
  begin();
  check(mdb_dbi_open(transaction_, "plain", MDB_CREATE, &table_));
  commit();
}

} // namespace herald
