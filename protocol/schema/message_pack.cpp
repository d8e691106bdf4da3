#include "protocol/schema/message_pack.hpp"

#include <msgpack.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <concepts>
#include <cstring>
#include <limits>
#include <utility>

namespace herald {

namespace {

/// Keys are cut to this length in messages.
constexpr std::size_t key_bytes_max = 100;

template <class T>
const T& as(const void* value) {
  return *static_cast<const T*>(value);
}

template <class T>
T& as(void* value) {
  return *static_cast<T*>(value);
}

/// Where the packer of msgpack-c writes.
struct sink {
  bytes& out;
  void write(const char* data, std::size_t size) { out.append(data, size); }
};

std::uint32_t packed_size(std::size_t size) {
  assert(size <= std::numeric_limits<std::uint32_t>::max());
  return static_cast<std::uint32_t>(size);
}

class encoder {
public:
  explicit encoder(bytes& out) : sink_{out}, packer_{sink_} {}

  void put(const type& of, const void* value) {
    switch (of.what) {
    case kind::boolean:
      packer_.pack(as<bool>(value));
      return;
    case kind::int32:
      packer_.pack_int32(as<std::int32_t>(value));
      return;
    case kind::int64:
      packer_.pack_int64(as<std::int64_t>(value));
      return;
    case kind::float32:
      return put_float(as<float>(value));
    case kind::float64:
      return put_float(as<double>(value));
    case kind::string:
      return put_text(as<std::string>(value));
    case kind::bytes: {
      const auto& data = as<binary>(value).value;
      packer_.pack_bin(packed_size(data.size()));
      packer_.pack_bin_body(data.data(), packed_size(data.size()));
      return;
    }
    case kind::array:
      return put_array(of, value);
    case kind::map:
      packer_.pack_map(packed_size(of.entry_count(value)));
      for_each_entry(of, value, [&](std::string_view key, const void* entry) {
        put_text(key);
        put(*of.element, entry);
      });
      return;
    case kind::record:
      return put_record(of, value);
    case kind::optional:
      if (const auto* inside = of.get(value))
        put(*of.element, inside);
      else
        packer_.pack_nil(); // in an array or a map, where it has its place
      return;
    }
    assert(!"a kind that is none");
  }

private:
  void put_text(std::string_view text) {
    packer_.pack_str(packed_size(text.size()));
    packer_.pack_str_body(text.data(), packed_size(text.size()));
  }

  /// The packer would turn 2.0 into the integer 2, and lose the sign of -0.0.
  template <std::floating_point T>
  void put_float(T value) {
    std::array<char, sizeof value> data;
    std::memcpy(data.data(), &value, sizeof value);
    if constexpr (std::endian::native == std::endian::little)
      std::ranges::reverse(data);
    sink_.out += sizeof value == 4 ? '\xca' : '\xcb';
    sink_.out.append(data.data(), data.size());
  }

  void put_array(const type& of, const void* value) {
    std::size_t count = 0;
    const auto* item = static_cast<const char*>(of.items(value, count));
    packer_.pack_array(packed_size(count));
    for (std::size_t i = 0; i < count; ++i, item += of.element->size)
      put(*of.element, item);
  }

  void put_record(const type& of, const void* value) {
    const auto* start = static_cast<const char*>(value);
    const auto is_absent = [&](const field& x) {
      return x.of->what == kind::optional
        && x.of->get(start + x.place) == nullptr;
    };
    const auto absent = std::ranges::count_if(of.fields, is_absent);
    packer_.pack_map(
      packed_size(of.fields.size() - static_cast<std::size_t>(absent)));
    for (const auto& x : of.fields) {
      if (is_absent(x))
        continue;
      put_text(x.name);
      put(*x.of, start + x.place);
    }
  }

  sink sink_;
  msgpack::packer<sink> packer_;
};

/// Follows msgpack-c's parser and puts what it finds into the object. A target
/// without a type is something to skip.
class decoder : public msgpack::null_visitor {
public:
  decoder(const type& of, void* value) : next_{&of, value} {}

  result<void> run(bytes_view data) {
    std::size_t end = 0;
    if (msgpack::parse(data.data(), data.size(), end, *this)
      && (end == data.size() || refuse("bytes are left over at the end")))
      return {};
    return fail(code_,
      "cannot read MessagePack" + where()
        + (problem_.empty() ? "the bytes are malformed" : problem_));
  }

  // -- called by the parser -------------------------------------------------

  bool visit_nil() {
    if (next_.of == nullptr)
      return true;
    if (next_.of->what != kind::optional)
      return refuse_type("nil");
    next_.of->clear(next_.value);
    return true;
  }

  bool visit_boolean(bool given) {
    enter_optional();
    if (next_.of == nullptr)
      return true;
    if (next_.of->what != kind::boolean)
      return refuse_type("true or false");
    as<bool>(next_.value) = given;
    return true;
  }

  bool visit_positive_integer(std::uint64_t given) { return integer(given); }
  bool visit_negative_integer(std::int64_t given) { return integer(given); }
  bool visit_float32(float given) { return floating(given); }
  bool visit_float64(double given) { return floating(given); }

  bool visit_str(const char* data, std::uint32_t size) {
    const std::string_view text{data, size};
    if (in_key_)
      return key(text);
    enter_optional();
    if (next_.of == nullptr)
      return true;
    if (next_.of->what != kind::string)
      return refuse_type("a string");
    as<std::string>(next_.value).assign(text);
    return true;
  }

  bool visit_bin(const char* data, std::uint32_t size) {
    enter_optional();
    if (next_.of == nullptr)
      return true;
    if (next_.of->what != kind::bytes)
      return refuse_type("bytes");
    as<binary>(next_.value).value.assign(data, size);
    return true;
  }

  bool visit_ext(const char*, std::uint32_t) {
    enter_optional();
    return next_.of == nullptr || refuse_type("an extension");
  }

  bool start_array(std::uint32_t) {
    return start(kind::array, kind::array, "an array");
  }
  bool start_array_item() {
    auto& array = levels_.back();
    next_ = {};
    if (array.of != nullptr) {
      if (!spend(array.of->element->size))
        return false;
      next_ = {array.of->element, array.of->append(array.value)};
    }
    return true;
  }
  bool end_array_item() {
    ++levels_.back().index;
    return true;
  }
  bool end_array() {
    levels_.pop_back();
    return true;
  }

  bool start_map(std::uint32_t) {
    return start(kind::record, kind::map, "a map");
  }
  bool start_map_key() {
    next_ = {};
    in_key_ = levels_.back().of != nullptr;
    return true;
  }
  bool end_map_key() { return !in_key_ || refuse("a key is not a string"); }
  bool end_map() {
    const auto level = levels_.back();
    levels_.pop_back();
    if (level.of == nullptr || level.of->what != kind::record)
      return true;
    const auto missing = level.seen.first_missing(level.of->required);
    return !missing
      || refuse("lacks " + std::string{level.of->fields[*missing].name});
  }

  void insufficient_bytes(std::size_t, std::size_t) {
    problem_ = "the bytes end too early";
  }

private:
  struct target {
    const type* of = nullptr;
    void* value = nullptr;
  };

  /// An array, map or record that has begun and not yet ended.
  struct level {
    const type* of = nullptr;
    void* value = nullptr;
    /// array: items so far.
    std::size_t index = 0;
    /// map and record: the key that came last.
    std::string_view key;
    field_set seen;
  };

  void enter_optional() {
    if (next_.of != nullptr && next_.of->what == kind::optional)
      next_ = {next_.of->element, next_.of->emplace(next_.value)};
  }

  template <class T>
  bool integer(T given) {
    enter_optional();
    if (next_.of == nullptr)
      return true;
    switch (next_.of->what) {
    case kind::int32:
      as<std::int32_t>(next_.value) = static_cast<std::int32_t>(given);
      return std::in_range<std::int32_t>(given)
        || refuse_type("a larger integer");
    case kind::int64:
      as<std::int64_t>(next_.value) = static_cast<std::int64_t>(given);
      return std::in_range<std::int64_t>(given)
        || refuse_type("a larger integer");
    case kind::float32:
      as<float>(next_.value) = static_cast<float>(given);
      return true;
    case kind::float64:
      as<double>(next_.value) = static_cast<double>(given);
      return true;
    default:
      return refuse_type("an integer");
    }
  }

  bool floating(double given) {
    enter_optional();
    if (next_.of == nullptr)
      return true;
    switch (next_.of->what) {
    case kind::float32:
      as<float>(next_.value) = static_cast<float>(given);
      return std::isfinite(as<float>(next_.value)) || !std::isfinite(given)
        || refuse_type("a larger number");
    case kind::float64:
      as<double>(next_.value) = given;
      return true;
    default:
      return refuse_type("a float");
    }
  }

  bool start(kind one, kind other, std::string_view found) {
    if (in_key_)
      return refuse("a key is not a string");
    if (levels_.size() == message_pack_nesting_max)
      return refuse("values nest too deeply");
    enter_optional();
    if (next_.of != nullptr) {
      if (next_.of->what != one && next_.of->what != other)
        return refuse_type(found);
      if (next_.of->what != kind::record)
        next_.of->clear(next_.value);
    }
    levels_.push_back({next_.of, next_.value});
    return true;
  }

  bool key(std::string_view text) {
    in_key_ = false;
    auto& level = levels_.back();
    level.key = text;
    if (level.of->what == kind::map) {
      if (!spend(level.of->element->size + text.size() + 64))
        return false;
      next_ = {level.of->element, level.of->insert(level.value, text)};
      return next_.value != nullptr || refuse("a key is given twice");
    }
    const auto index = level.of->find_field(text);
    next_ = {};
    if (!index)
      return true;
    if (level.seen.contains(*index))
      return refuse("a key is given twice");
    level.seen.insert(*index);
    const auto& x = level.of->fields[*index];
    next_ = {x.of, static_cast<char*>(level.value) + x.place};
    return true;
  }

  bool spend(std::size_t bytes) {
    spent_ += bytes;
    if (spent_ <= decoded_bytes_max)
      return true;
    code_ = fault::too_large;
    return refuse("the value takes too much memory");
  }

  bool refuse_type(std::string_view found) {
    return refuse("expected " + std::string{to_words(next_.of->what)}
      + ", found " + std::string{found});
  }

  bool refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  /// " at /frames/3/events: ", or just ": ".
  std::string where() const {
    std::string path;
    for (const auto& level : levels_) {
      if (level.of == nullptr
        || (level.of->what != kind::array && level.key.empty()))
        break;
      path += '/';
      path += level.of->what == kind::array
        ? std::to_string(level.index)
        : std::string{level.key.substr(0, key_bytes_max)};
    }
    return path.empty() ? ": " : " at " + path + ": ";
  }

  target next_;
  std::vector<level> levels_;
  bool in_key_ = false;
  std::size_t spent_ = 0;
  fault code_ = fault::invalid_input;
  std::string problem_;
};

} // namespace

void message_pack_encode(const type& described, const void* value, bytes& out) {
  encoder{out}.put(described, value);
}

result<void> message_pack_decode(
  const type& described, void* value, bytes_view data) {
  return decoder{described, value}.run(data);
}

} // namespace herald
