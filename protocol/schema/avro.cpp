#include "protocol/schema/avro.hpp"

#include "protocol/schema/avro_bytes.hpp"

#include <cassert>

namespace herald {

namespace {

template <class T>
const T& as(const void* value) {
  return *static_cast<const T*>(value);
}

template <class T>
T& as(void* value) {
  return *static_cast<T*>(value);
}

void put(const type& of, const void* value, avro_output& out);

void put_array(const type& of, const void* value, avro_output& out) {
  std::size_t count = 0;
  const auto* item = static_cast<const char*>(of.items(value, count));
  if (count > 0) {
    out.put_long(static_cast<std::int64_t>(count));
    for (std::size_t i = 0; i < count; ++i, item += of.element->size)
      put(*of.element, item, out);
  }
  out.put_long(0);
}

void put_map(const type& of, const void* value, avro_output& out) {
  if (const auto count = of.entry_count(value); count > 0) {
    out.put_long(static_cast<std::int64_t>(count));
    for_each_entry(of, value, [&](std::string_view key, const void* entry) {
      out.put_bytes(key);
      put(*of.element, entry, out);
    });
  }
  out.put_long(0);
}

void put(const type& of, const void* value, avro_output& out) {
  switch (of.what) {
  case kind::boolean:
    return out.put_boolean(as<bool>(value));
  case kind::int32:
    return out.put_long(as<std::int32_t>(value));
  case kind::int64:
    return out.put_long(as<std::int64_t>(value));
  case kind::float32:
    return out.put_float(as<float>(value));
  case kind::float64:
    return out.put_float(as<double>(value));
  case kind::string:
    return out.put_bytes(as<std::string>(value));
  case kind::bytes:
    return out.put_bytes(as<binary>(value).value);
  case kind::array:
    return put_array(of, value, out);
  case kind::map:
    return put_map(of, value, out);
  case kind::record:
    for (const auto& x : of.fields)
      put(*x.of, static_cast<const char*>(value) + x.place, out);
    return;
  case kind::optional: {
    const auto* inside = of.get(value);
    out.put_long(inside != nullptr);
    if (inside != nullptr)
      put(*of.element, inside, out);
    return;
  }
  }
  assert(!"a kind that is none");
}

/// Follows the description, which is finite, so bytes cannot make it nest. Each
/// described value takes a byte at least, so a count that lies ends soon.
class decoder {
public:
  explicit decoder(bytes_view data) : input_{data} {}

  result<void> run(const type& of, void* value) {
    if (take(of, value)
      && (input_.remaining() == 0
        || input_.refuse("bytes are left over at the end")))
      return {};
    return fail(code_,
      "cannot read Avro data as " + full_name(of) + ", at byte "
        + std::to_string(input_.position()) + ": "
        + std::string{input_.wrong()});
  }

private:
  bool take(const type& of, void* value) {
    switch (of.what) {
    case kind::boolean:
      return input_.take_boolean(as<bool>(value));
    case kind::int32:
      return input_.take_int(as<std::int32_t>(value));
    case kind::int64:
      return input_.take_long(as<std::int64_t>(value));
    case kind::float32:
      return input_.take_float(as<float>(value));
    case kind::float64:
      return input_.take_float(as<double>(value));
    case kind::string:
      return take_text(as<std::string>(value));
    case kind::bytes:
      return take_text(as<binary>(value).value);
    case kind::array:
      return take_items(of, value);
    case kind::map:
      return take_items(of, value);
    case kind::record:
      for (const auto& x : of.fields)
        if (!take(*x.of, static_cast<char*>(value) + x.place))
          return false;
      return true;
    case kind::optional: {
      std::int64_t branch = 0;
      if (!input_.take_long(branch))
        return false;
      if (branch != 0 && branch != 1)
        return input_.refuse("a union has no such branch");
      if (branch == 1)
        return take(*of.element, of.emplace(value));
      of.clear(value);
      return true;
    }
    }
    assert(!"a kind that is none");
    return false;
  }

  bool take_text(std::string& out) {
    std::string_view text;
    if (!input_.take_bytes(text))
      return false;
    out.assign(text);
    return true;
  }

  bool take_items(const type& of, void* value) {
    of.clear(value);
    std::int64_t count = 0;
    std::int64_t length = 0;
    while (input_.take_block(count, length)) {
      if (count == 0)
        return true;
      for (; count > 0; --count)
        if (!take_item(of, value))
          return false;
    }
    return false;
  }

  bool take_item(const type& of, void* value) {
    if (of.what == kind::array)
      return spend(of.element->size) && take(*of.element, of.append(value));
    std::string_view key;
    if (!input_.take_bytes(key) || !spend(of.element->size + key.size() + 64))
      return false;
    auto* entry = of.insert(value, key);
    if (entry == nullptr)
      return input_.refuse("a map has one key twice");
    return take(*of.element, entry);
  }

  bool spend(std::size_t bytes) {
    spent_ += bytes;
    if (spent_ <= decoded_bytes_max)
      return true;
    code_ = fault::too_large;
    return input_.refuse("the value takes too much memory");
  }

  avro_input input_;
  std::size_t spent_ = 0;
  fault code_ = fault::invalid_input;
};

} // namespace

void avro_encode(const type& described, const void* value, bytes& out) {
  avro_output output{out};
  put(described, value, output);
}

result<void> avro_decode(const type& described, void* value, bytes_view data) {
  return decoder{data}.run(described, value);
}

} // namespace herald
