#include "protocol/schema/json_reader.hpp"

#include "protocol/schema/base64.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace herald {

namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

/// Memory for documents of this size is kept from one document to the next.
constexpr std::size_t kept_bytes_max = 4 * 1024 * 1024;

/// Keys are cut to this length in a report.
constexpr std::size_t key_bytes_max = 100;

/// Where the decoder is, as a chain on its stack: nothing is spelled out until
/// there is something to report.
struct place {
  enum class step : std::uint8_t { property, entry, item };
  const place* above = nullptr;
  step how = step::property;
  std::string_view key;
  std::size_t index = 0;
};

std::string_view shortened(std::string_view key) {
  if (key.size() <= key_bytes_max)
    return key;
  auto length = key_bytes_max;
  while (length > 0 && (key[length] & 0xc0) == 0x80)
    --length;
  return key.substr(0, length);
}

void append_pointer(const place* at, std::string& out) {
  if (at == nullptr)
    return;
  append_pointer(at->above, out);
  out += '/';
  if (at->how == place::step::item) {
    out += std::to_string(at->index);
    return;
  }
  for (const char c : shortened(at->key)) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
}

void append_step(std::string_view step, std::string& out) {
  if (!out.empty())
    out += '/';
  out += step;
}

void append_path(const place* at, std::string& out) {
  if (at == nullptr)
    return;
  append_path(at->above, out);
  if (at->how == place::step::property)
    append_step(shortened(at->key), out);
  else if (at->how == place::step::entry)
    append_step("*", out);
}

/// The path of a JSON pointer: without its indices.
std::string path_of(std::string_view pointer) {
  std::string path;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const auto step = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(step.size());
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (step.empty() || !std::ranges::all_of(step, is_digit))
      append_step(step, path);
  }
  return path;
}

template <class T>
std::string in_digits(T number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

/// What a person is told about a value of the wrong type. Text is not quoted:
/// it may name people.
std::string found(const element& json) {
  switch (json.type()) {
  case element_type::ARRAY:
    return "an array";
  case element_type::OBJECT:
    return "an object";
  case element_type::INT64:
    return in_digits(json.get_int64().value_unsafe());
  case element_type::UINT64:
    return in_digits(json.get_uint64().value_unsafe());
  case element_type::DOUBLE:
    return in_digits(json.get_double().value_unsafe());
  case element_type::STRING:
    return "a string";
  case element_type::BOOL:
    return json.get_bool().value_unsafe() ? "true" : "false";
  case element_type::NULL_VALUE:
    return "null";
  }
  return "something else";
}

template <class T>
bool take_integer(const element& json, T& out) {
  std::int64_t number = 0;
  switch (json.type()) {
  case element_type::INT64:
    number = json.get_int64().value_unsafe();
    break;
  case element_type::DOUBLE: {
    const auto given = json.get_double().value_unsafe();
    // 2^63 is the first double that does not fit.
    if (given != std::trunc(given) || given < -0x1p63 || given >= 0x1p63)
      return false;
    number = static_cast<std::int64_t>(given);
    break;
  }
  default:
    return false; // UINT64 is what INT64 cannot hold
  }
  if (number < std::numeric_limits<T>::min()
    || number > std::numeric_limits<T>::max())
    return false;
  out = static_cast<T>(number);
  return true;
}

template <class T>
bool take_float(const element& json, T& out) {
  double number = 0;
  if (json.get_double().get(number) != simdjson::SUCCESS)
    return false; // get_double() takes integers too
  out = static_cast<T>(number);
  return std::isfinite(out); // what rounds down to the largest float fits
}

bool is_scalar(kind what) {
  return what <= kind::bytes;
}

class decoder {
public:
  decoder(std::string_view pointer, json_report& report)
    : pointer_{pointer}, report_{report} {}

  result<void> run(const type& of, void* value, const element& json) {
    if (take(of, value, json, nullptr))
      return {};
    return fail(code_,
      report_.pointer.empty() ? report_.detail
                              : report_.pointer + ": " + report_.detail);
  }

private:
  template <class T>
  static T& as(void* value) {
    return *static_cast<T*>(value);
  }

  bool take(const type& of, void* value, const element& json, const place* at) {
    switch (of.what) {
    case kind::array:
      return take_array(of, value, json, at);
    case kind::map:
      return take_map(of, value, json, at);
    case kind::record:
      return take_record(of, value, json, at);
    case kind::optional:
      if (json.is_null()) {
        of.clear(value);
        return true;
      }
      return take(*of.element, of.emplace(value), json, at);
    default:
      return take_scalar(of.what, value, json) || refuse_type(of, json, at);
    }
  }

  static bool take_scalar(kind what, void* value, const element& json) {
    switch (what) {
    case kind::boolean:
      return json.get_bool().get(as<bool>(value)) == simdjson::SUCCESS;
    case kind::int32:
      return take_integer(json, as<std::int32_t>(value));
    case kind::int64:
      return take_integer(json, as<std::int64_t>(value));
    case kind::float32:
      return take_float(json, as<float>(value));
    case kind::float64:
      return take_float(json, as<double>(value));
    case kind::string: {
      std::string_view text;
      if (json.get_string().get(text) != simdjson::SUCCESS)
        return false;
      as<std::string>(value).assign(text);
      return true;
    }
    case kind::bytes: {
      std::string_view text;
      auto& out = as<binary>(value).value;
      out.clear();
      return json.get_string().get(text) == simdjson::SUCCESS
        && base64_decode(text, out);
    }
    default:
      assert(!"not a scalar");
      return false;
    }
  }

  bool take_record(
    const type& of, void* value, const element& json, const place* at) {
    simdjson::dom::object object;
    if (json.get_object().get(object) != simdjson::SUCCESS)
      return refuse_type(of, json, at);
    field_set seen;
    std::size_t guess = 0; // documents mostly keep the order of the list
    for (auto property = object.begin(); property != object.end(); ++property) {
      const auto key = property.key();
      const place here{at, place::step::property, key};
      if (guess >= of.fields.size() || of.fields[guess].name != key) {
        const auto index = of.find_field(key);
        if (!index) {
          count_unknown(&here);
          continue;
        }
        guess = *index;
      }
      if (seen.contains(guess))
        return refuse(&here, "given twice");
      seen.insert(guess);
      const auto& field = of.fields[guess++];
      if (!take(*field.of, static_cast<char*>(value) + field.place,
            property.value(), &here))
        return false;
    }
    if (const auto missing = seen.first_missing(of.required)) {
      const auto& field = of.fields[*missing];
      const place here{at, place::step::property, field.name};
      return refuse(
        &here, "missing, expected " + std::string{to_words(field.of->what)});
    }
    return true;
  }

  bool take_array(
    const type& of, void* value, const element& json, const place* at) {
    simdjson::dom::array array;
    if (json.get_array().get(array) != simdjson::SUCCESS)
      return refuse_type(of, json, at);
    of.clear(value);
    constexpr std::size_t reserved_bytes_max = 64 * 1024;
    of.reserve(
      value, std::min(array.size(), reserved_bytes_max / of.element->size + 1));
    place here{at, place::step::item, {}};
    for (const auto item : array) {
      if (!spend(of.element->size, &here)
        || !take(*of.element, of.append(value), item, &here))
        return false;
      ++here.index;
    }
    return true;
  }

  bool take_map(
    const type& of, void* value, const element& json, const place* at) {
    simdjson::dom::object object;
    if (json.get_object().get(object) != simdjson::SUCCESS)
      return refuse_type(of, json, at);
    of.clear(value);
    for (auto property = object.begin(); property != object.end(); ++property) {
      const auto key = property.key();
      const place here{at, place::step::entry, key};
      if (is_scalar(of.element->what)
        && !fits(of.element->what, property.value())) {
        const place skipped{at, place::step::property, key};
        count_unknown(&skipped);
        continue;
      }
      if (!spend(of.element->size + key.size() + 64, &here))
        return false;
      auto* entry = of.insert(value, key);
      if (entry == nullptr)
        return refuse(&here, "given twice");
      if (!take(*of.element, entry, property.value(), &here))
        return false;
    }
    return true;
  }

  static bool fits(kind what, const element& json) {
    // A scratch value is cheaper than taking an entry out again.
    switch (what) {
    case kind::float64:
      return json.is_number();
    case kind::string:
      return json.is_string();
    case kind::boolean:
      return json.is_bool();
    case kind::bytes: {
      binary scratch;
      return take_scalar(what, &scratch, json);
    }
    default: {
      std::int64_t scratch = 0;
      return take_scalar(what, &scratch, json);
    }
    }
  }

  /// Elements of arrays and maps are what a small document can multiply.
  bool spend(std::size_t bytes, const place* at) {
    spent_ += bytes;
    if (spent_ <= decoded_bytes_max)
      return true;
    code_ = fault::too_large;
    return refuse(at, "the document takes too much memory");
  }

  bool refuse_type(const type& of, const element& json, const place* at) {
    const auto expected = of.what == kind::bytes
      ? std::string_view{"a string of base64"}
      : to_words(of.what);
    return refuse(
      at, "expected " + std::string{expected} + ", found " + found(json));
  }

  bool refuse(const place* at, std::string detail) {
    report_.pointer = pointer_;
    append_pointer(at, report_.pointer);
    report_.detail = std::move(detail);
    return false;
  }

  void count_unknown(const place* at) {
    path_ = path_of(pointer_);
    append_path(at, path_);
    if (const auto known = report_.unknown.find(path_);
      known != report_.unknown.end())
      ++known->second;
    else if (report_.unknown.size() < json_report_paths_max)
      report_.unknown.emplace(path_, 1);
    else
      ++report_.unknown_not_listed;
  }

  std::string_view pointer_;
  json_report& report_;
  std::string path_;
  std::size_t spent_ = 0;
  fault code_ = fault::invalid_input;
};

} // namespace

struct json_parser::state {
  simdjson::dom::parser parser;
  // simdjson reads beyond the end of the text.
  std::unique_ptr<char[]> padded;
  std::size_t room = 0;
};

json_parser::json_parser() : state_{std::make_unique<state>()} {}
json_parser::~json_parser() = default;
json_parser::json_parser(json_parser&&) noexcept = default;
json_parser& json_parser::operator=(json_parser&&) noexcept = default;

result<simdjson::dom::element> json_parser::parse(std::string_view json) {
  if (state_->room > kept_bytes_max && json.size() < state_->room / 4)
    state_ = std::make_unique<state>();
  if (state_->room < json.size() || !state_->padded) {
    state_->padded = std::make_unique_for_overwrite<char[]>(
      json.size() + simdjson::SIMDJSON_PADDING);
    state_->room = json.size();
  }
  json.copy(state_->padded.get(), json.size());
  std::memset(
    state_->padded.get() + json.size(), ' ', simdjson::SIMDJSON_PADDING);
  element root;
  const auto error
    = state_->parser.parse(state_->padded.get(), json.size(), false).get(root);
  if (error != simdjson::SUCCESS)
    return fail(fault::invalid_input,
      std::string{"this is not JSON: "} + simdjson::error_message(error));
  return root;
}

result<void> json_decode(const type& described, void* value,
  const simdjson::dom::element& json, std::string_view pointer,
  json_report& report) {
  return decoder{pointer, report}.run(described, value, json);
}

result<void> json_decode(const type& described, void* value,
  std::string_view json, json_report& report) {
  json_parser parser;
  const auto root = parser.parse(json);
  if (!root) {
    report.pointer.clear();
    report.detail = root.error().message;
    return std::unexpected{root.error()};
  }
  return json_decode(described, value, *root, "", report);
}

} // namespace herald
