#include "engine/store/riot_id.hpp"

#include <clocale>
#include <cwctype>
#include <locale.h>

namespace herald {
namespace {

/// The C library's tables for all scripts, whatever the locale of the process.
locale_t unicode_locale() {
  static const locale_t locale
    = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t{});
  return locale;
}

struct decoded {
  char32_t point = 0;
  /// 0: not UTF-8 here.
  std::size_t bytes = 0;
};

decoded decode(std::string_view text) {
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto first = at(0);
  std::size_t size = first < 0x80   ? 1
    : first >= 0xc2 && first < 0xe0 ? 2
    : first >= 0xe0 && first < 0xf0 ? 3
    : first >= 0xf0 && first < 0xf5 ? 4
                                    : 0;
  if (size == 0 || size > text.size())
    return {};
  static constexpr unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  char32_t point = first & mask[size];
  for (std::size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80)
      return {};
    point = point << 6 | (at(i) & 0x3f);
  }
  static constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (point < least[size] || point > 0x10ffff)
    return {};
  return {point, size};
}

void encode(bytes& out, char32_t point) {
  auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80)
    return put(point);
  if (point < 0x800) {
    put(0xc0 | point >> 6);
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3f));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
    put(0x80 | (point >> 6 & 0x3f));
  }
  put(0x80 | (point & 0x3f));
}

char32_t lower(char32_t point) {
  if (point < 0x80)
    return point >= 'A' && point <= 'Z' ? point + ('a' - 'A') : point;
  auto locale = unicode_locale();
  return locale
    ? static_cast<char32_t>(::towlower_l(static_cast<wint_t>(point), locale))
    : point;
}

bool is_space(char32_t point) {
  return point == ' ' || point == 0xa0 || point == 0x3000
    || (point >= 0x2000 && point <= 0x200b);
}

} // namespace

bytes fold_riot_id(std::string_view riot_id) {
  bytes out;
  while (!riot_id.empty()) {
    auto [point, size] = decode(riot_id);
    if (size == 0) {
      out.push_back(riot_id.front());
      riot_id.remove_prefix(1);
      continue;
    }
    if (!is_space(point))
      encode(out, lower(point));
    riot_id.remove_prefix(size);
  }
  return out;
}

} // namespace herald
