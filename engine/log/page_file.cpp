#include "engine/log/page_file.hpp"

#include "engine/log/held_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace herald {

namespace {

constexpr std::uint64_t no_page = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t first_data_page = 2;

constexpr std::size_t header_bytes = 16;
constexpr std::size_t node_header_bytes = 8;
constexpr std::size_t table_bytes = 48;
constexpr std::size_t meta_bytes = header_bytes + 24 + 2 * table_bytes + 16;

constexpr std::uint16_t branch_flag = 0x01;
constexpr std::uint16_t leaf_flag = 0x02;
constexpr std::uint16_t overflow_flag = 0x04;
constexpr std::uint16_t meta_flag = 0x08;

constexpr std::uint16_t big_data_flag = 0x01;
constexpr std::uint16_t table_flag = 0x02;

constexpr std::uint16_t integer_keys = 0x08;
constexpr std::uint16_t depth_max = 32;
constexpr std::size_t key_bytes_max = 511;

constexpr std::uint32_t magic_number = 0xBEEFC0DE;
constexpr std::uint32_t format_version = 1;

template <class T>
T load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

page_table load_table(const char* from) {
  return {.flags = load<std::uint16_t>(from + 4),
    .depth = load<std::uint16_t>(from + 6),
    .branch_pages = load<std::uint64_t>(from + 8),
    .leaf_pages = load<std::uint64_t>(from + 16),
    .overflow_pages = load<std::uint64_t>(from + 24),
    .entries = load<std::uint64_t>(from + 32),
    .root = load<std::uint64_t>(from + 40)};
}

struct meta_page {
  std::uint64_t number = 0;
  std::uint16_t flags = 0;
  std::uint32_t magic = 0;
  std::uint32_t version = 0;
  std::uint32_t page_bytes = 0;
  std::uint32_t main_pad = 0;
  page_table free;
  page_table main;
  std::uint64_t last_page = 0;
  std::uint64_t transaction = 0;
};

meta_page load_meta(const char* from) {
  auto* fields = from + header_bytes;
  return {.number = load<std::uint64_t>(from),
    .flags = load<std::uint16_t>(from + 10),
    .magic = load<std::uint32_t>(fields),
    .version = load<std::uint32_t>(fields + 4),
    .page_bytes = load<std::uint32_t>(fields + 24),
    .main_pad = load<std::uint32_t>(fields + 24 + table_bytes),
    .free = load_table(fields + 24),
    .main = load_table(fields + 24 + table_bytes),
    .last_page = load<std::uint64_t>(fields + 24 + 2 * table_bytes),
    .transaction = load<std::uint64_t>(fields + 32 + 2 * table_bytes)};
}

// Nodes start at even places.
std::size_t even(std::size_t bytes) {
  return bytes + (bytes & 1);
}

struct node_view {
  std::uint16_t lo = 0;
  std::uint16_t hi = 0;
  std::uint16_t flags = 0;
  bytes_view key;
  const char* data = nullptr;

  std::uint32_t data_bytes() const { return lo | std::uint32_t{hi} << 16; }
  std::uint64_t child() const {
    return data_bytes() | std::uint64_t{flags} << 32;
  }
};

// One bit a page.
class page_set {
public:
  bool empty() const { return bits_.empty(); }
  void resize(std::uint64_t pages) { bits_.resize(pages); }
  bool has(std::uint64_t page) const { return bits_[page]; }
  void add(std::uint64_t page) { bits_[page] = true; }

private:
  std::vector<bool> bits_;
};

} // namespace

struct page_file::impl {
  // What lies on the way from a table's root to the page in hand.
  struct walking {
    const page_table& table;
    const row_visitor& visit;
    const std::function<void(const node_view&)>& visit_node;
    const complaint& wrong;
    bool by_integer = false;
    std::uint64_t branches = 0;
    std::uint64_t leaves = 0;
    std::uint64_t overflows = 0;
    std::uint64_t entries = 0;
    bool complete = true;
    bytes big_value;
  };
  // The keys of a page: from <= key < until.
  struct bounds {
    std::optional<bytes> from;
    std::optional<bytes> until;
  };

  impl(int opened, std::filesystem::path name)
    : file{opened}, path{std::move(name)} {}
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;
  ~impl() { ::close(file); }

  int file;
  std::filesystem::path path;
  std::uint64_t file_bytes = 0;
  meta_page meta;
  // The one before.
  meta_page older;
  std::size_t page_bytes = 0;
  page_set used;
  page_set free;

  result<void> read_metas();
  bool read_at(std::uint64_t at, char* to, std::size_t size) const;
  std::optional<std::uint64_t> newest_in_free_list(const meta_page& of) const;

  void walk(walking& state);
  void walk_page(walking& state, std::uint64_t number, std::uint16_t depth,
    const bounds& within);
  bool take(walking& state, std::uint64_t number);
  std::optional<std::vector<node_view>> read_nodes(walking& state,
    const std::vector<char>& page, std::uint64_t number, bool leaf) const;
  bool check_keys(walking& state, const std::vector<node_view>& nodes,
    std::uint64_t number, bool leaf, const bounds& within) const;
  void show(walking& state, const node_view& node, std::uint64_t page);
  bool read_big(walking& state, const node_view& node, std::uint64_t page);

  bool less(const walking& state, bytes_view a, bytes_view b) const {
    if (state.by_integer)
      return load<std::uint64_t>(a.data()) < load<std::uint64_t>(b.data());
    return a < b;
  }
};

namespace {

void lose(page_file::complaint const& wrong, bool& complete, std::string what) {
  complete = false;
  wrong(std::move(what));
}

} // namespace

bool page_file::impl::read_at(
  std::uint64_t at, char* to, std::size_t size) const {
  while (size > 0) {
    auto got = ::pread(file, to, size, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    at += static_cast<std::uint64_t>(got);
    to += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

result<void> page_file::impl::read_metas() {
  auto damaged = [&](std::string why) {
    return fail(
      fault::damaged, fmt::format("{}: {}", path.string(), std::move(why)));
  };
  struct stat status{};
  if (::fstat(file, &status) != 0)
    return std::unexpected{system_failure("look at", path, errno)};
  file_bytes = static_cast<std::uint64_t>(status.st_size);
  if (file_bytes == 0)
    return damaged("it is empty; restore it from a copy");
  std::array<meta_page, 2> both;
  std::array<char, meta_bytes> raw{};
  std::uint64_t at = 0;
  for (std::uint64_t i = 0; i < 2; ++i) {
    if (!read_at(at, raw.data(), raw.size()))
      return damaged("it is cut off; restore it from a copy");
    auto& each = both[i] = load_meta(raw.data());
    if (each.magic != magic_number || each.flags != meta_flag
      || each.number != i)
      return damaged(fmt::format(
        "meta page {} is damaged, or it is not a file of LMDB; restore it from "
        "a copy",
        i));
    if (each.version != format_version)
      return fail(fault::version,
        fmt::format("{} has format {} of LMDB, only {} is known", path.string(),
          each.version, format_version));
    if (each.page_bytes < 512 || each.page_bytes > 32768
      || (each.page_bytes & (each.page_bytes - 1)) != 0
      || each.page_bytes != both[0].page_bytes || each.main_pad != 0
      || each.main.flags != 0 || each.free.flags != integer_keys)
      return damaged(fmt::format("meta page {} is damaged", i));
    // A file that is new has two of transaction 0.
    if (each.transaction % 2 != i && each.transaction != 0)
      return damaged(
        fmt::format("meta page {} says transaction {}", i, each.transaction));
    at = each.page_bytes;
  }
  auto newest = both[1].transaction > both[0].transaction ? 1u : 0u;
  meta = both[newest];
  older = both[1 - newest];
  auto before = older.transaction;
  if (meta.transaction != 0 && before + 1 != meta.transaction)
    return damaged(fmt::format(
      "its meta pages say transactions {} and {}, which do not follow each "
      "other",
      before, meta.transaction));
  page_bytes = meta.page_bytes;
  if (meta.last_page >= file_bytes / page_bytes)
    return damaged(fmt::format("it is cut off: it has {} bytes, its last page "
                               "is {} of {} bytes each; restore it from a copy",
      file_bytes, meta.last_page, page_bytes));
  if (meta.last_page + 1 < first_data_page)
    return damaged(fmt::format("meta page {} is damaged", newest));
  // By one flipped bit the older one may say that it is the newest. What the
  // older one points to says nothing: a transaction that was interrupted may
  // have used those pages again.
  if (auto listed = newest_in_free_list(meta);
    listed && meta.transaction > 1 && *listed < meta.transaction)
    return damaged(fmt::format(
      "meta page {} says transaction {}, its list of free pages ends with {}",
      newest, meta.transaction, *listed));
  return {};
}

// The last key of the list of free pages. None when it has no rows, or cannot
// be read, which the walk says.
std::optional<std::uint64_t> page_file::impl::newest_in_free_list(
  const meta_page& of) const {
  const row_visitor no_visit;
  const std::function<void(const node_view&)> no_nodes;
  const complaint quiet = [](std::string) {};
  walking state{of.free, no_visit, no_nodes, quiet, true};
  auto number = of.free.root;
  std::vector<char> page(page_bytes);
  for (auto depth = of.free.depth; depth > 0 && depth <= depth_max; --depth) {
    if (number < first_data_page || number > of.last_page
      || !read_at(number * page_bytes, page.data(), page.size()))
      return std::nullopt;
    auto nodes = read_nodes(state, page, number, depth == 1);
    if (!nodes)
      return std::nullopt;
    auto& last = nodes->back();
    if (depth == 1)
      return last.key.size() == sizeof(std::uint64_t)
        ? std::optional{load<std::uint64_t>(last.key.data())}
        : std::nullopt;
    number = last.child();
  }
  return std::nullopt;
}

// Marks a page as used, if that can be.
bool page_file::impl::take(walking& state, std::uint64_t number) {
  if (number < first_data_page || number > meta.last_page) {
    lose(state.wrong, state.complete,
      fmt::format("page {} is named, the pages are {} to {}", number,
        first_data_page, meta.last_page));
    return false;
  }
  if (used.has(number) || free.has(number)) {
    lose(state.wrong, state.complete,
      fmt::format("page {} is {}", number,
        used.has(number) ? "used twice" : "both free and in use"));
    return false;
  }
  used.add(number);
  return true;
}

// The nodes of a page, each within it, all of them without a gap.
std::optional<std::vector<node_view>> page_file::impl::read_nodes(
  walking& state, const std::vector<char>& page, std::uint64_t number,
  bool leaf) const {
  auto bad = [&](std::string_view why) {
    lose(state.wrong, state.complete,
      fmt::format("page {} is damaged: {}", number, why));
    return std::nullopt;
  };
  if (load<std::uint64_t>(page.data()) != number)
    return bad("it says another number");
  if (load<std::uint16_t>(page.data() + 10) != (leaf ? leaf_flag : branch_flag))
    return bad("it says another kind");
  std::size_t lower = load<std::uint16_t>(page.data() + 12);
  std::size_t upper = load<std::uint16_t>(page.data() + 14);
  if (lower < header_bytes + 2 || lower % 2 != 0 || lower > upper
    || upper > page_bytes)
    return bad("its bounds are impossible");
  std::vector<node_view> nodes((lower - header_bytes) / 2);
  std::vector<std::pair<std::size_t, std::size_t>> places;
  places.reserve(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    std::size_t at = load<std::uint16_t>(page.data() + header_bytes + 2 * i);
    if (at < upper || at % 2 != 0 || at + node_header_bytes > page_bytes)
      return bad(fmt::format("node {} is outside of it", i));
    auto* from = page.data() + at;
    auto& node = nodes[i];
    node.lo = load<std::uint16_t>(from);
    node.hi = load<std::uint16_t>(from + 2);
    node.flags = load<std::uint16_t>(from + 4);
    std::size_t key = load<std::uint16_t>(from + 6);
    std::size_t size = node_header_bytes + key;
    if (leaf)
      size += node.flags & big_data_flag ? sizeof(std::uint64_t)
                                         : std::size_t{node.data_bytes()};
    if (size > page_bytes - at)
      return bad(fmt::format("node {} reaches beyond it", i));
    node.key = {from + node_header_bytes, key};
    node.data = from + node_header_bytes + key;
    places.emplace_back(at, at + even(size));
  }
  std::ranges::sort(places);
  auto end = upper;
  for (auto& [from, until] : places) {
    if (from != end)
      return bad("its nodes do not fit together");
    end = until;
  }
  if (end != page_bytes)
    return bad("its nodes do not fit together");
  return nodes;
}

bool page_file::impl::check_keys(walking& state,
  const std::vector<node_view>& nodes, std::uint64_t number, bool leaf,
  const bounds& within) const {
  // The first key of a branch is never looked at.
  for (auto i = leaf ? std::size_t{0} : 1; i < nodes.size(); ++i) {
    auto& key = nodes[i].key;
    auto fine = !key.empty() && key.size() <= key_bytes_max
      && (!state.by_integer || key.size() == sizeof(std::uint64_t));
    if (fine && i > (leaf ? 0 : 1))
      fine = less(state, nodes[i - 1].key, key);
    if (fine && within.from)
      fine = !less(state, key, *within.from);
    if (fine && within.until)
      fine = less(state, key, *within.until);
    if (!fine) {
      lose(state.wrong, state.complete,
        fmt::format(
          "page {} is damaged: the key of node {} is out of order", number, i));
      return false;
    }
  }
  return true;
}

void page_file::impl::walk_page(walking& state, std::uint64_t number,
  std::uint16_t depth, const bounds& within) {
  if (!take(state, number))
    return;
  std::vector<char> page(page_bytes);
  if (!read_at(number * page_bytes, page.data(), page.size()))
    return lose(state.wrong, state.complete,
      fmt::format("page {} cannot be read", number));
  auto leaf = depth == 1;
  auto nodes = read_nodes(state, page, number, leaf);
  if (!nodes || !check_keys(state, *nodes, number, leaf, within))
    return;
  ++(leaf ? state.leaves : state.branches);
  for (std::size_t i = 0; i < nodes->size(); ++i) {
    auto& node = (*nodes)[i];
    if (leaf) {
      show(state, node, number);
      continue;
    }
    bounds below = within;
    if (i > 0)
      below.from = bytes{node.key};
    if (i + 1 < nodes->size())
      below.until = bytes{(*nodes)[i + 1].key};
    walk_page(
      state, node.child(), static_cast<std::uint16_t>(depth - 1), below);
  }
}

void page_file::impl::show(
  walking& state, const node_view& node, std::uint64_t page) {
  ++state.entries;
  if (state.visit_node)
    return state.visit_node(node);
  if (node.flags == 0)
    return state.visit(node.key, {node.data, node.data_bytes()});
  if (node.flags != big_data_flag)
    return lose(state.wrong, state.complete,
      fmt::format("page {} is damaged: a node of another kind", page));
  if (read_big(state, node, page))
    state.visit(node.key, state.big_value);
}

// A value that has pages of its own.
bool page_file::impl::read_big(
  walking& state, const node_view& node, std::uint64_t page) {
  auto first = load<std::uint64_t>(node.data);
  auto bad = [&](std::string_view why) {
    lose(state.wrong, state.complete,
      fmt::format(
        "page {}, in which a value of page {} begins, {}", first, page, why));
    return false;
  };
  if (first < first_data_page || first > meta.last_page)
    return bad("is not in the file");
  std::array<char, header_bytes> header{};
  if (!read_at(first * page_bytes, header.data(), header.size()))
    return bad("cannot be read");
  std::uint64_t pages = load<std::uint32_t>(header.data() + 12);
  auto needed
    = (header_bytes + node.data_bytes() + page_bytes - 1) / page_bytes;
  if (load<std::uint64_t>(header.data()) != first
    || load<std::uint16_t>(header.data() + 10) != overflow_flag
    || pages < needed || pages > meta.last_page - first + 1)
    return bad("is damaged");
  for (auto each = first; each < first + pages; ++each)
    if (!take(state, each))
      return false;
  state.overflows += pages;
  state.big_value.resize(node.data_bytes());
  if (!read_at(first * page_bytes + header_bytes, state.big_value.data(),
        state.big_value.size()))
    return bad("cannot be read");
  return true;
}

void page_file::impl::walk(walking& state) {
  auto& table = state.table;
  if (used.empty()) {
    used.resize(meta.last_page + 1);
    free.resize(meta.last_page + 1);
  }
  if (table.root == no_page) {
    if (table.depth != 0 || table.entries != 0 || table.branch_pages != 0
      || table.leaf_pages != 0 || table.overflow_pages != 0)
      lose(state.wrong, state.complete, "its description is damaged");
    return;
  }
  if (table.depth == 0 || table.depth > depth_max)
    return lose(state.wrong, state.complete, "its description is damaged");
  walk_page(state, table.root, table.depth, {});
  if (!state.complete)
    return;
  if (state.branches != table.branch_pages || state.leaves != table.leaf_pages
    || state.overflows != table.overflow_pages)
    return lose(state.wrong, state.complete,
      fmt::format("it has {} pages, its description says {}",
        state.branches + state.leaves + state.overflows,
        table.branch_pages + table.leaf_pages + table.overflow_pages));
  if (state.entries != table.entries)
    lose(state.wrong, state.complete,
      fmt::format("it has {} rows, its description says {}", state.entries,
        table.entries));
}

// -- what is called from outside ----------------------------------------------

page_file::page_file(std::unique_ptr<impl> self) : self_{std::move(self)} {}
page_file::page_file(page_file&&) noexcept = default;
page_file& page_file::operator=(page_file&&) noexcept = default;
page_file::~page_file() = default;

result<page_file> page_file::open(const std::filesystem::path& path) {
  auto file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT)
    return fail(fault::damaged,
      fmt::format("{} is missing; restore it from a copy", path.string()));
  if (file < 0)
    return std::unexpected{system_failure("open", path, errno)};
  auto self = std::make_unique<impl>(file, path);
  if (auto fine = self->read_metas(); !fine)
    return std::unexpected{std::move(fine).error()};
  return page_file{std::move(self)};
}

std::uint64_t page_file::transaction() const {
  return self_->meta.transaction;
}

std::uint64_t page_file::page_bytes() const {
  return self_->page_bytes;
}

std::uint64_t page_file::last_page() const {
  return self_->meta.last_page;
}

void page_file::walk_free(const complaint& wrong) {
  auto& self = *self_;
  // Its own pages are in use; so those it lists are kept until the end.
  std::vector<std::uint64_t> listed;
  // By one flipped bit the newest meta page may say that it is older than the
  // other, so that its commit is gone. What the older one points to was given
  // up by the transaction after it, or is still in use; pages of a later one
  // are neither. Only where that one made the file grow: LMDB puts the old
  // number and the old end upon a meta page that it could not write.
  auto outdated = self.older.last_page <= self.meta.last_page
    || self.older.main.root == no_page
    || self.older.main.root == self.meta.main.root;
  const complaint in_list = [&](std::string what) {
    wrong("the list of free pages: " + std::move(what));
  };
  row_visitor visit = [&](bytes_view key, bytes_view value) {
    auto count = value.size() < 8 ? no_page : load<std::uint64_t>(value.data());
    if (load<std::uint64_t>(key.data()) > self.meta.transaction
      || value.size() % 8 != 0 || count > value.size() / 8 - 1)
      return in_list("a row is damaged");
    for (std::uint64_t i = 1; i <= count; ++i)
      listed.push_back(load<std::uint64_t>(value.data() + 8 * i));
    if (load<std::uint64_t>(key.data()) == self.meta.transaction)
      outdated = outdated
        || std::find(listed.end() - static_cast<std::ptrdiff_t>(count),
             listed.end(), self.older.main.root)
          != listed.end();
  };
  impl::walking state{self.meta.free, visit, {}, in_list, true};
  self.walk(state);
  if (!outdated)
    wrong(
      fmt::format("the meta page of transaction {} points to page {}, which "
                  "is of a later one",
        self.older.transaction, self.older.main.root));
  for (auto page : listed) {
    if (page < first_data_page || page > self.meta.last_page)
      in_list(fmt::format("page {} is named, the pages are {} to {}", page,
        first_data_page, self.meta.last_page));
    else if (self.free.has(page))
      in_list(fmt::format("page {} is named twice", page));
    else if (self.used.has(page))
      in_list(fmt::format("page {} is both free and in use", page));
    else
      self.free.add(page);
  }
}

std::vector<page_table> page_file::tables(const complaint& wrong) {
  auto& self = *self_;
  std::vector<page_table> found;
  const complaint in_list = [&](std::string what) {
    wrong("the list of tables: " + std::move(what));
  };
  std::function<void(const node_view&)> visit = [&](const node_view& node) {
    auto description = load_table(node.data);
    if (node.flags != table_flag || node.data_bytes() != table_bytes
      || load<std::uint32_t>(node.data) != 0 || description.flags != 0)
      return in_list(fmt::format("the row '{}' is damaged", node.key));
    description.name = node.key;
    found.push_back(std::move(description));
  };
  impl::walking state{self.meta.main, {}, visit, in_list};
  self.walk(state);
  return found;
}

void page_file::walk(
  const page_table& table, const row_visitor& visit, const complaint& wrong) {
  impl::walking state{table, visit, {}, wrong};
  self_->walk(state);
}

result<void> check_data_file(const std::filesystem::path& path) {
  if (auto file = page_file::open(path); !file)
    return std::unexpected{std::move(file).error()};
  return {};
}

result<std::vector<std::string>> check_pages(
  const std::filesystem::path& path, std::size_t problems_max) {
  std::vector<std::string> problems;
  auto add = [&](std::string what) {
    if (problems.size() < problems_max)
      problems.push_back(std::move(what));
  };
  auto file = page_file::open(path);
  if (!file && file.error().code != fault::damaged)
    return std::unexpected{std::move(file).error()};
  if (!file) {
    add(file.error().message);
    return problems;
  }
  file->walk_free(add);
  for (auto& table : file->tables(add))
    file->walk(
      table, [](bytes_view, bytes_view) {},
      [&](std::string what) {
        add(fmt::format("table '{}': {}", table.name, what));
      });
  return problems;
}

} // namespace herald
