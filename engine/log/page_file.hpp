#pragma once

#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace herald {

// An LMDB 0.9 data file as this reader knows it; integers in the order of the
// machine (64 bits, little-endian), a page P has 4,096 bytes as a rule:
//
//     file     = meta meta page*                  the newest meta page counts
//     meta     = header magic:u32(BEEFC0DE) version:u32(1) address:u64
//                map-bytes:u64 free:table main:table last-page:u64
//                transaction:u64
//     header   = page-number:u64 pad:u16 flags:u16 lower:u16 upper:u16
//     table    = pad:u32 flags:u16 depth:u16 branch-pages:u64 leaf-pages:u64
//                overflow-pages:u64 entries:u64 root:u64
//     page     = header offset:u16* gap node*     nodes fill the end of it
//     node     = lo:u16 hi:u16 flags:u16 key-bytes:u16 key data
//
// The transaction n stands in meta page n mod 2, its predecessor in the other.
// A leaf's node has hi:lo bytes of data, or with flag 1 the number of the first
// of its overflow pages, whose header has a count of pages in place of lower
// and upper; with flag 2 a named table. A branch's node has the number
// flags:hi:lo of a page with the keys from its key on. `free` lists the pages
// that are not in use: transaction:u64 -> count:u64 page-number:u64*.

/// A table, as its description in the file has it.
struct page_table {
  std::string name;
  std::uint16_t flags = 0;
  std::uint16_t depth = 0;
  std::uint64_t branch_pages = 0;
  std::uint64_t leaf_pages = 0;
  std::uint64_t overflow_pages = 0;
  std::uint64_t entries = 0;
  /// All ones: there are no rows.
  std::uint64_t root = 0;
};

/// Reads an LMDB data file without LMDB, which trusts its pages and dies of
/// damaged ones. Here each number of a page is checked before it is used, and
/// what the pages say of each other is compared: each page is used once and is
/// not free, keys ascend and lie within what the pages above them say, nodes
/// fill their page without a gap, counts are right. When all tables and the
/// free list were walked without a complaint, LMDB reads every row that was
/// shown here and no other, and overwrites none of them.
///
/// Nobody may write the file meanwhile. For one thread. Memory: two bits a page
/// and what one row needs.
class page_file {
public:
  /// Sees a row in place; it must not call the file.
  using row_visitor = std::function<void(bytes_view key, bytes_view value)>;
  /// Hears what is wrong: "page 17 is used twice".
  using complaint = std::function<void(std::string what)>;

  /// Opens a data file and checks its meta pages, both, and its size. Faults:
  /// damaged, version (of another LMDB), io.
  static result<page_file> open(const std::filesystem::path& path);

  page_file(page_file&&) noexcept;
  page_file& operator=(page_file&&) noexcept;
  ~page_file();

  /// Of the newest commit.
  std::uint64_t transaction() const;
  std::uint64_t page_bytes() const;
  std::uint64_t last_page() const;

  /// Walks the list of free pages.
  void walk_free(const complaint& wrong);

  /// Walks the list of tables and returns those that can be read, by name.
  std::vector<page_table> tables(const complaint& wrong);

  /// Shows the rows of a table in the order of its keys. What is damaged is
  /// left out: a page with all that is below it, or one value.
  void walk(
    const page_table& table, const row_visitor& visit, const complaint& wrong);

private:
  struct impl;
  explicit page_file(std::unique_ptr<impl> self);

  std::unique_ptr<impl> self_;
};

/// What must be right before LMDB may read the file: its meta pages, of which
/// it would silently take the older one if the newer were damaged, and that all
/// pages are there, since it reads by mmap. Faults: as page_file::open().
result<void> check_data_file(const std::filesystem::path& path);

/// Walks everything in an LMDB data file and returns what is wrong with it, at
/// most `problems_max` lines; sound when there are none. Other faults: as
/// page_file::open(), but for damaged, which is a line.
result<std::vector<std::string>> check_pages(
  const std::filesystem::path& path, std::size_t problems_max = 100);

} // namespace herald
