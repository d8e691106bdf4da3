#include "engine/log/spare_environment.hpp"

#include "engine/log/log_environment.hpp"

#include <lmdb.h>

namespace herald {

namespace {

// More than there are in any environment of Herald's.
constexpr unsigned tables_max = 1u << 16;

} // namespace

result<std::unique_ptr<spare_environment>> spare_environment::open(
  const std::filesystem::path& folder, std::size_t map_bytes) {
  std::unique_ptr<spare_environment> self{new spare_environment};
  auto& environment = self->environment_;
  MDB_txn* transaction = nullptr;
  auto code = mdb_env_create(&environment);
  if (!code) {
    mdb_env_set_assert(environment,
      [](MDB_env*, const char* message) { throw lmdb_assertion{message}; });
    mdb_env_set_userctx(environment, self.get());
    code = mdb_env_set_mapsize(environment, map_bytes);
  }
  if (!code)
    code = mdb_env_set_maxdbs(environment, tables_max);
  if (!code)
    code = mdb_env_open(
      environment, folder.c_str(), MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0);
  if (!code)
    code = mdb_txn_begin(environment, nullptr, MDB_RDONLY, &transaction);
  if (!code)
    code = self->open_tables(transaction);
  // The end of the transaction makes the handles valid for all.
  if (!code)
    code = mdb_txn_commit(transaction);
  else if (transaction)
    mdb_txn_abort(transaction);
  if (code)
    return std::unexpected{lmdb_failure("read", folder, code)};
  return self;
}

spare_environment::~spare_environment() {
  if (environment_)
    mdb_env_close(environment_);
}

// The table without a name has the names of all others.
int spare_environment::open_tables(MDB_txn* transaction) {
  MDB_dbi all = 0;
  if (auto code = mdb_dbi_open(transaction, nullptr, 0, &all))
    return code;
  lmdb_cursor names{transaction, all};
  auto code = names.move(MDB_FIRST);
  for (; !code; code = names.move(MDB_NEXT)) {
    std::string name{names.key()};
    MDB_dbi handle = 0;
    if (!mdb_dbi_open(transaction, name.c_str(), 0, &handle))
      tables_.emplace(std::move(name), handle);
  }
  return code == MDB_NOTFOUND ? 0 : code;
}

unsigned spare_environment::table(std::string_view name) const {
  auto at = tables_.find(name);
  return at == tables_.end() ? no_table : at->second;
}

} // namespace herald
