#pragma once

#include "protocol/bytes.hpp"
#include "protocol/schema/type.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// A struct whose fields are listed once. The list makes the struct itself, its
/// Avro schema (avro.hpp), its Avro, MessagePack (message_pack.hpp) and JSON
/// (json.hpp) codecs, and its documentation.
///
///     HERALD_RECORD(objective, "herald.match", "Objective",
///       "One kind of objective, as one team took it.",
///       (bool, first, "Whether this team took the first one."),
///       (std::optional<std::int32_t>, bountyLevel, "Bounty, if there is
///       one."), (std::int32_t, revision, "Counts corrections.", 1));
///
/// declares, in the current namespace,
///
///     struct objective {
///       bool first{};
///       std::optional<std::int32_t> bountyLevel{};
///       std::int32_t revision = 1;
///       bool operator==(const objective&) const = default;
///     };
///
/// and lets type_of<objective>() describe it. The arguments are: the struct,
/// the namespace and name of the Avro record, what it is, and 1 to 200 fields
/// of type, name, what it is and, if there is one, the default. A default has
/// no comma outside of parentheses. A type with a comma needs an alias.
///
/// A field is a bool, std::int32_t, std::int64_t, float, double, std::string
/// (UTF-8), herald::binary, another record, or a std::vector<T>,
/// std::map<std::string, T> or std::optional<T> of these; an optional of an
/// optional and a struct that contains itself do not compile or assert.
///
/// Evolution: what was written by an older list stays readable (avro_resolver)
/// when fields are added as optional or with a default, removed, moved or
/// widened (int32 to int64 to float to double). Names are the identity.
///
/// Cost: the description is a template that is only instantiated where
/// type_of() or a codec is used, so a header of records is cheap to include.
/// Describing 160 fields takes two seconds of compilation; a record that many
/// sources encode is described once, with HERALD_DESCRIBED_ELSEWHERE in its
/// header and HERALD_DESCRIBE in one source.
#define HERALD_RECORD(STRUCT, NAMESPACE, NAME, DOC, ...)                       \
  struct STRUCT {                                                              \
    HERALD_EACH(HERALD_DECLARE_FIELD, __VA_ARGS__)                             \
    bool operator==(const STRUCT&) const = default;                            \
    template <class Describer>                                                 \
    static void herald_describe(Describer& describe, const STRUCT& self) {     \
      describe.record(NAMESPACE, NAME, DOC);                                   \
      HERALD_EACH(HERALD_DESCRIBE_FIELD, __VA_ARGS__)                          \
    }                                                                          \
  }

/// Outside of all namespaces, after the record: promises that one source says
/// HERALD_DESCRIBE of it. The argument is the qualified name of the struct.
#define HERALD_DESCRIBED_ELSEWHERE(STRUCT)                                     \
  namespace herald {                                                           \
  extern template const type& type_of<STRUCT>();                               \
  }                                                                            \
  static_assert(true)

/// Outside of all namespaces: describes a record for the whole program.
#define HERALD_DESCRIBE(STRUCT)                                                \
  namespace herald {                                                           \
  template const type& type_of<STRUCT>();                                      \
  }                                                                            \
  static_assert(true)

namespace herald {

/// Bytes that are not text: Avro and MessagePack keep them as they are, JSON
/// as base64.
struct binary {
  bytes value;
  auto operator<=>(const binary&) const = default;
};

namespace detail {

/// Stands in for "any describer" in the concept below.
struct probe_describer {
  void record(const char*, const char*, const char*) {}
  template <class T>
  void field(const char*, const char*, const T&, bool) {}
};

} // namespace detail

/// A struct of HERALD_RECORD.
template <class T>
concept described_record
  = requires { &T::template herald_describe<detail::probe_describer>; };

/// The description of a T, made at the first call (by any thread).
template <class T>
const type& type_of();

namespace detail {

/// The fields below are strings that outlive the program's use of them:
/// literals of HERALD_RECORD. Asserts that names are names in Avro too.
void start_record(type& record, const char* name_space, const char* name,
  const char* doc, const void* prototype, std::size_t size);
void add_field(type& record, const char* name, const char* doc, const type& of,
  const void* member, bool has_default);
/// Makes find_field() work; asserts that names are unique.
void finish_record(type& record);

struct record_describer {
  type& description;
  const void* prototype;
  std::size_t size;

  void record(const char* name_space, const char* name, const char* doc) {
    start_record(description, name_space, name, doc, prototype, size);
  }
  template <class T>
  void field(
    const char* name, const char* doc, const T& member, bool has_default) {
    add_field(description, name, doc, type_of<T>(), &member, has_default);
  }
};

template <class T>
struct array_operations {
  static_assert(!std::same_as<T, bool>, "std::vector<bool> has no elements");
  using array = std::vector<T>;

  static const void* items(const void* value, std::size_t& count) {
    const auto& x = *static_cast<const array*>(value);
    count = x.size();
    return x.data();
  }
  static void* append(void* value) {
    return &static_cast<array*>(value)->emplace_back();
  }
  static void reserve(void* value, std::size_t count) {
    static_cast<array*>(value)->reserve(count);
  }
  static void clear(void* value) { static_cast<array*>(value)->clear(); }
};

template <class T>
struct map_operations {
  using map = std::map<std::string, T>;

  static std::size_t count(const void* value) {
    return static_cast<const map*>(value)->size();
  }
  static void each(const void* value, void* context,
    void (*visit)(void*, std::string_view, const void*)) {
    for (const auto& [key, entry] : *static_cast<const map*>(value))
      visit(context, key, &entry);
  }
  static void* insert(void* value, std::string_view key) {
    auto& x = *static_cast<map*>(value);
    // Most inputs come sorted by key, or nearly so.
    const auto before = x.size();
    const auto at = x.try_emplace(x.end(), std::string{key});
    return x.size() == before ? nullptr : &at->second;
  }
  static void clear(void* value) { static_cast<map*>(value)->clear(); }
};

template <class T>
struct optional_operations {
  using optional = std::optional<T>;

  static const void* get(const void* value) {
    const auto& x = *static_cast<const optional*>(value);
    return x ? &*x : nullptr;
  }
  static void* emplace(void* value) {
    return &static_cast<optional*>(value)->emplace();
  }
  static void clear(void* value) { static_cast<optional*>(value)->reset(); }
};

/// Says what a C++ type is; nothing for a type that no field can have.
template <class T>
struct describe_type;

template <kind What, class T>
struct describe_scalar {
  static void describe(type& x) {
    x.what = What;
    x.size = sizeof(T);
  }
};

template <>
struct describe_type<bool> : describe_scalar<kind::boolean, bool> {};
template <>
struct describe_type<std::int32_t>
  : describe_scalar<kind::int32, std::int32_t> {};
template <>
struct describe_type<std::int64_t>
  : describe_scalar<kind::int64, std::int64_t> {};
template <>
struct describe_type<float> : describe_scalar<kind::float32, float> {};
template <>
struct describe_type<double> : describe_scalar<kind::float64, double> {};
template <>
struct describe_type<std::string> : describe_scalar<kind::string, std::string> {
};
template <>
struct describe_type<binary> : describe_scalar<kind::bytes, binary> {};

template <class T>
struct describe_type<std::vector<T>> {
  static void describe(type& x) {
    using operations = array_operations<T>;
    x.what = kind::array;
    x.size = sizeof(std::vector<T>);
    x.element = &type_of<T>();
    x.items = operations::items;
    x.append = operations::append;
    x.reserve = operations::reserve;
    x.clear = operations::clear;
  }
};

template <class T>
struct describe_type<std::map<std::string, T>> {
  static void describe(type& x) {
    using operations = map_operations<T>;
    x.what = kind::map;
    x.size = sizeof(std::map<std::string, T>);
    x.element = &type_of<T>();
    x.entry_count = operations::count;
    x.each_entry = operations::each;
    x.insert = operations::insert;
    x.clear = operations::clear;
  }
};

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};

template <class T>
struct describe_type<std::optional<T>> {
  static_assert(!is_optional<T>::value, "an optional of an optional");
  static void describe(type& x) {
    using operations = optional_operations<T>;
    x.what = kind::optional;
    x.size = sizeof(std::optional<T>);
    x.element = &type_of<T>();
    x.get = operations::get;
    x.emplace = operations::emplace;
    x.clear = operations::clear;
  }
};

template <described_record T>
struct describe_type<T> {
  static void describe(type& x) {
    static const T prototype{};
    record_describer describer{x, &prototype, sizeof(T)};
    T::herald_describe(describer, prototype);
    finish_record(x);
  }
};

template <class T>
type describe() {
  type result;
  describe_type<T>::describe(result);
  return result;
}

} // namespace detail

template <class T>
const type& type_of() {
  // Never destroyed: threads may still use codecs while the program ends.
  static const type& description = *new type(detail::describe<T>());
  return description;
}

} // namespace herald

#define HERALD_DECLARE_FIELD(TYPE, NAME, DOC, ...)                             \
  TYPE NAME HERALD_INITIALISER(__VA_ARGS__);
#define HERALD_DESCRIBE_FIELD(TYPE, NAME, DOC, ...)                            \
  describe.field(#NAME, DOC, self.NAME, __VA_OPT__(true ||) false);

// "= default" when there is one, "{}" when there is none.
#define HERALD_INITIALISER(...)                                                \
  HERALD_SECOND(__VA_OPT__(, = __VA_ARGS__, ), {}, )
#define HERALD_SECOND(FIRST, SECOND, ...) SECOND

// HERALD_EACH(M, (a), (b)) is "M (a) M (b)". The preprocessor does not recurse,
// so eight elements are taken at a time and the rest is left for the next scan,
// of which there are enough for more than 200 elements.
#define HERALD_EACH(M, ...) HERALD_SCAN(HERALD_EACH_1(M, __VA_ARGS__))
#define HERALD_PARENTHESES ()
#define HERALD_EACH_AGAIN() HERALD_EACH_1
#define HERALD_EACH_1(M, X, ...) M X __VA_OPT__(HERALD_EACH_2(M, __VA_ARGS__))
#define HERALD_EACH_2(M, X, ...) M X __VA_OPT__(HERALD_EACH_3(M, __VA_ARGS__))
#define HERALD_EACH_3(M, X, ...) M X __VA_OPT__(HERALD_EACH_4(M, __VA_ARGS__))
#define HERALD_EACH_4(M, X, ...) M X __VA_OPT__(HERALD_EACH_5(M, __VA_ARGS__))
#define HERALD_EACH_5(M, X, ...) M X __VA_OPT__(HERALD_EACH_6(M, __VA_ARGS__))
#define HERALD_EACH_6(M, X, ...) M X __VA_OPT__(HERALD_EACH_7(M, __VA_ARGS__))
#define HERALD_EACH_7(M, X, ...) M X __VA_OPT__(HERALD_EACH_8(M, __VA_ARGS__))
#define HERALD_EACH_8(M, X, ...)                                               \
  M X __VA_OPT__(HERALD_EACH_AGAIN HERALD_PARENTHESES(M, __VA_ARGS__))
#define HERALD_SCAN(...)                                                       \
  HERALD_SCAN_3(HERALD_SCAN_3(HERALD_SCAN_3(__VA_ARGS__)))
#define HERALD_SCAN_3(...)                                                     \
  HERALD_SCAN_2(HERALD_SCAN_2(HERALD_SCAN_2(__VA_ARGS__)))
#define HERALD_SCAN_2(...)                                                     \
  HERALD_SCAN_1(HERALD_SCAN_1(HERALD_SCAN_1(__VA_ARGS__)))
#define HERALD_SCAN_1(...) __VA_ARGS__
