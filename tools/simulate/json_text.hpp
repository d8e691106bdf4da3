#pragma once

#include "protocol/bytes.hpp"

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string_view>

namespace herald::simulate {

/// Writes JSON text by appending to a string. Fast and without checks: whoever
/// calls it opens and closes in order. Commas come by themselves.
class json_text {
public:
  /// `out` must outlive the writer; it is appended to.
  explicit json_text(bytes& out) : out_{out} {}

  json_text& open() {
    separate();
    out_ += '{';
    fresh_ = true;
    return *this;
  }
  json_text& close() {
    out_ += '}';
    fresh_ = false;
    return *this;
  }
  json_text& open_list() {
    separate();
    out_ += '[';
    fresh_ = true;
    return *this;
  }
  json_text& close_list() {
    out_ += ']';
    fresh_ = false;
    return *this;
  }

  /// A member's name; its value comes next. Names need no escapes.
  json_text& key(std::string_view name) {
    separate();
    out_ += '"';
    out_ += name;
    out_ += "\":";
    fresh_ = true;
    return *this;
  }

  template <std::integral T>
    requires(!std::same_as<T, bool>)
  json_text& value(T number) {
    separate();
    char digits[24];
    auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out_.append(digits, end);
    return *this;
  }

  json_text& value(bool truth) {
    separate();
    out_ += truth ? "true" : "false";
    return *this;
  }

  /// The shortest text that reads back as the same number; must be finite.
  json_text& value(double number) {
    separate();
    char digits[40];
    auto end = std::to_chars(
      digits, digits + sizeof digits, number, std::chars_format::fixed)
                 .ptr;
    out_.append(digits, end);
    return *this;
  }

  json_text& value(std::string_view text) {
    separate();
    out_ += '"';
    for (auto one : text) {
      if (one == '"' || one == '\\')
        out_ += '\\';
      out_ += one;
    }
    out_ += '"';
    return *this;
  }
  json_text& value(const char* text) { return value(std::string_view{text}); }

  json_text& null() {
    separate();
    out_ += "null";
    return *this;
  }

  /// Members or elements written by somebody else; not empty.
  json_text& raw(std::string_view text) {
    separate();
    out_ += text;
    return *this;
  }

  template <class T>
  json_text& member(std::string_view name, const T& content) {
    key(name);
    return value(content);
  }

private:
  void separate() {
    if (!fresh_)
      out_ += ',';
    fresh_ = false;
  }

  bytes& out_;
  bool fresh_ = true;
};

} // namespace herald::simulate
