#include "tests/proof/live_bytes.hpp"

#include <cstring>

namespace herald {

namespace {

constexpr std::uint64_t page_bytes = 4096;

// Which table a page belongs to decides what is live in it.
enum class tree { tables, free_pages, rows };

class finder {
public:
  explicit finder(std::string_view file) : file_{file} {}

  std::vector<live_range> run() {
    auto newest = number<std::uint64_t>(144) > number<std::uint64_t>(4096 + 144)
      ? std::uint64_t{0}
      : page_bytes;
    for (auto meta : {std::uint64_t{0}, page_bytes}) {
      add(meta + 10, 2, byte_use::meta);  // flags
      add(meta + 16, 8, byte_use::meta);  // magic, version
      add(meta + 144, 8, byte_use::meta); // transaction
    }
    add(newest + 40, 2 * 48, byte_use::meta);
    table(newest + 40, tree::free_pages);
    table(newest + 88, tree::tables);
    return std::move(found_);
  }

private:
  template <class T>
  T number(std::uint64_t at) const {
    T value;
    std::memcpy(&value, file_.data() + at, sizeof value);
    return value;
  }

  void add(std::uint64_t at, std::uint64_t bytes, byte_use use) {
    if (bytes > 0)
      found_.push_back({at, static_cast<std::uint32_t>(bytes), use});
  }

  // The table with its description at that place.
  void table(std::uint64_t at, tree kind) {
    auto root = number<std::uint64_t>(at + 40);
    if (root != ~std::uint64_t{0})
      page(root * page_bytes, kind);
  }

  void page(std::uint64_t at, tree kind) {
    auto leaf = (number<std::uint16_t>(at + 10) & 2) != 0;
    auto nodes = (number<std::uint16_t>(at + 12) - 16u) / 2;
    add(at, 8, byte_use::structure);
    add(at + 10, 6 + 2 * nodes, byte_use::structure);
    for (auto i = 0u; i < nodes; ++i) {
      auto node = at + number<std::uint16_t>(at + 16 + 2 * i);
      auto low = number<std::uint16_t>(node);
      auto high = number<std::uint16_t>(node + 2);
      auto flags = number<std::uint16_t>(node + 4);
      auto key = number<std::uint16_t>(node + 6);
      auto size = low | std::uint64_t{high} << 16;
      add(node, 8, byte_use::structure);
      if (kind != tree::free_pages && (leaf || i > 0))
        add(node + 8, key, leaf ? byte_use::key : byte_use::separator);
      if (!leaf)
        page((size | std::uint64_t{flags} << 32) * page_bytes, kind);
      else
        data(node + 8 + key, size, flags, kind);
    }
  }

  void data(
    std::uint64_t at, std::uint64_t size, std::uint16_t flags, tree kind) {
    auto use = byte_use::value;
    if (flags & 1) {
      add(at, 8, byte_use::structure);
      at = number<std::uint64_t>(at) * page_bytes;
      add(at, 8, byte_use::structure);
      add(at + 10, 6, byte_use::structure);
      at += 16;
      use = byte_use::big_value;
    }
    if (kind == tree::free_pages)
      add(at + 8, 8 * number<std::uint64_t>(at), byte_use::free_page);
    else
      add(at, size, kind == tree::tables ? byte_use::structure : use);
    if (kind == tree::tables)
      table(at, tree::rows);
  }

  std::string_view file_;
  std::vector<live_range> found_;
};

} // namespace

std::vector<live_range> live_bytes(std::string_view file) {
  return finder{file}.run();
}

} // namespace herald
