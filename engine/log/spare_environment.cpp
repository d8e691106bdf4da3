#include "engine/log/spare_environment.hpp"

#include "engine/log/log_environment.hpp"

#include <lmdb.h>

#include <limits>

namespace herald {

namespace {

constexpr auto no_table = std::numeric_limits<unsigned>::max();

} // namespace

result<std::unique_ptr<spare_environment>> spare_environment::open(
  const std::filesystem::path& folder, std::size_t map_bytes,
  const std::map<unsigned, std::string>& tables) {
  std::unique_ptr<spare_environment> self{new spare_environment};
  auto& environment = self->environment_;
  MDB_txn* transaction = nullptr;
  auto code = mdb_env_create(&environment);
  if (!code) {
    mdb_env_set_assert(environment,
      [](MDB_env*, const char* message) { throw lmdb_assertion{message}; });
    code = mdb_env_set_mapsize(environment, map_bytes);
  }
  if (!code)
    code = mdb_env_set_maxdbs(
      environment, static_cast<unsigned>(tables.size() + 1));
  if (!code)
    code = mdb_env_open(
      environment, folder.c_str(), MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0);
  if (!code)
    code = mdb_txn_begin(environment, nullptr, MDB_RDONLY, &transaction);
  if (code)
    return std::unexpected{lmdb_failure("read", folder, code)};
  for (auto& [there, name] : tables) {
    if (there >= self->tables_.size())
      self->tables_.resize(there + 1, no_table);
    MDB_dbi here = 0;
    if (!mdb_dbi_open(transaction, name.c_str(), 0, &here))
      self->tables_[there] = here;
  }
  // The end of the transaction makes the handles valid for all.
  if (code = mdb_txn_commit(transaction); code)
    return std::unexpected{lmdb_failure("read", folder, code)};
  return self;
}

spare_environment::~spare_environment() {
  if (environment_)
    mdb_env_close(environment_);
}

unsigned spare_environment::table(unsigned there) const {
  return there < tables_.size() ? tables_[there] : no_table;
}

} // namespace herald
