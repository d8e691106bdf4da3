#pragma once

#include <string>
#include <string_view>

namespace herald {

/// Appends `text` as a JSON string with its quotes. Control characters, also
/// those that turn the direction of writing, are escaped, and bytes that are
/// not UTF-8 become U+FFFD, so the result is harmless on a terminal and
/// valid whatever came in.
void append_json_string(std::string& out, std::string_view text);

/// Appends `text` for people: what a terminal would obey is written as an
/// escape (\n, \x1b, \u202e), bytes that are not UTF-8 as \xff.
void append_printable(std::string& out, std::string_view text);

} // namespace herald
