#pragma once

#include "protocol/bytes.hpp"

#include <span>
#include <string_view>

namespace herald {

/// One file that is served as it is. The views live as long as the program.
struct static_asset {
  /// Path of the URL: "/", "/assets/index-Ab12Cd34.js".
  std::string_view path;
  std::string_view content_type;
  bytes_view content;
  /// Strong entity tag with its quotes; changes with the content.
  std::string_view etag;
  /// The path carries a hash of the content, so browsers need not ask again.
  bool immutable = false;
};

/// The page that was built into this program (library herald_page): the files
/// of engine/edge/page, or, when it was built with HERALD_PAGE=OFF, one small
/// page that says so.
std::span<const static_asset> page_assets();

} // namespace herald
