#include "engine/store/format.hpp"

#include "protocol/big_endian.hpp"

#include <fmt/format.h>

namespace herald {

result<void> check_format(lmdb_environment& environment, std::uint32_t known) {
  auto table = environment.table(format_table);
  if (!table)
    return std::unexpected{table.error()};
  std::optional<bytes> stored;
  auto read = environment.read([&](lmdb_transaction& transaction) {
    if (auto value = transaction.get(*table, format_key))
      stored.emplace(*value);
    return result<void>{};
  });
  if (!read)
    return read;
  if (!stored)
    return environment.write([&](lmdb_transaction& transaction) {
      transaction.put(*table, format_key, big_endian(known));
      return result<void>{};
    });
  bytes_view rest{*stored};
  auto format = take_big_endian<std::uint32_t>(rest);
  if (!format || !rest.empty())
    return fail(fault::damaged,
      fmt::format("the format of the store {} in {} is unreadable",
        environment.name(), environment.directory().native()));
  if (*format != known)
    return fail(fault::version,
      fmt::format("the store {} in {} has format {}, this program knows {}; "
                  "use the program that wrote it",
        environment.name(), environment.directory().native(), *format, known));
  return {};
}

} // namespace herald
