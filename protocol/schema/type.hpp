#pragma once

#include "protocol/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace herald {

/// What a described value is. The codecs branch on it, and nothing else.
enum class kind : std::uint8_t {
  boolean, ///< bool
  int32,   ///< std::int32_t
  int64,   ///< std::int64_t
  float32, ///< float
  float64, ///< double
  string,  ///< std::string, UTF-8
  bytes,   ///< herald::binary
  array,   ///< std::vector<T>
  map,     ///< std::map<std::string, T>
  record,  ///< a struct of HERALD_RECORD
  optional ///< std::optional<T>
};

/// How a person calls a kind in a message: "a 32-bit integer", "an object"...
std::string_view to_words(kind what);

struct type;

/// Most fields that a record can have.
constexpr std::size_t record_fields_max = 256;

/// What the array elements and map entries of one decoded value may take in
/// memory, all together. Few bytes of input can stand for large structs; a
/// decoder gives fault::too_large before it allocates more than this.
constexpr std::size_t decoded_bytes_max = 128 * 1024 * 1024;

/// One field of a record. All views last as long as the program.
struct field {
  std::string_view name;
  std::string_view doc;
  const type* of = nullptr;
  /// Bytes from the start of the struct to the member.
  std::size_t place = 0;
  /// Whether the list of fields gives a default, which is also the member's
  /// initialiser. Optional fields need none: they begin absent.
  bool has_default = false;
  /// A value may leave this field out: it is optional or has a default.
  bool may_be_absent() const;
};

/// A set of fields of one record, by index.
class field_set {
public:
  void insert(std::size_t index) {
    words_[index / 64] |= std::uint64_t{1} << (index % 64);
  }
  bool contains(std::size_t index) const {
    return (words_[index / 64] >> (index % 64) & 1) != 0;
  }
  /// The first field of `wanted` that is not in this set.
  std::optional<std::size_t> first_missing(const field_set& wanted) const {
    for (std::size_t i = 0; i < words_.size(); ++i)
      if (auto missing = wanted.words_[i] & ~words_[i]; missing != 0)
        return i * 64 + static_cast<std::size_t>(__builtin_ctzll(missing));
    return std::nullopt;
  }

private:
  std::array<std::uint64_t, record_fields_max / 64> words_{};
};

/// The description of a C++ type: what codecs know about it. A codec walks a
/// `type` and an address side by side, so that it is compiled once and not for
/// every struct. Descriptions are made by type_of<T>() (record.hpp), live until
/// the program ends, never change, and may be read by any thread. A type does
/// not contain itself, so walks end.
///
/// The function pointers work on the address of a living object of the type.
struct type {
  kind what = kind::boolean;

  /// array, map, optional: the type inside.
  const type* element = nullptr;
  /// sizeof(T).
  std::size_t size = 0;

  // -- record ---------------------------------------------------------------
  std::string_view name_space; ///< such as "herald.match"
  std::string_view name;       ///< such as "Objective"
  std::string_view doc;
  std::vector<field> fields;
  /// The fields that a value may not leave out.
  field_set required;
  /// A default-constructed record; field defaults are read from here.
  const void* prototype = nullptr;
  /// The index of a field by its name, or nothing.
  std::optional<std::size_t> find_field(std::string_view field_name) const;

  // -- array ----------------------------------------------------------------
  /// The address of the first element; the elements stand size by size.
  const void* (*items)(const void* array, std::size_t& count) = nullptr;
  /// Adds a fresh element and gives its address, valid until the next call.
  void* (*append)(void* array) = nullptr;
  void (*reserve)(void* array, std::size_t count) = nullptr;

  // -- map ------------------------------------------------------------------
  std::size_t (*entry_count)(const void* map) = nullptr;
  /// Calls `visit(context, key, value)` for each entry, in the order of keys.
  void (*each_entry)(const void* map, void* context,
    void (*visit)(void* context, std::string_view key, const void* value))
    = nullptr;
  /// Adds a fresh entry and gives the address of its value; null when the key
  /// is already there.
  void* (*insert)(void* map, std::string_view key) = nullptr;

  // -- array, map, optional -------------------------------------------------
  /// Makes it empty.
  void (*clear)(void* value) = nullptr;

  // -- optional -------------------------------------------------------------
  /// The address of the value inside, or null.
  const void* (*get)(const void* optional) = nullptr;
  /// Puts a fresh value inside and gives its address.
  void* (*emplace)(void* optional) = nullptr;

  // -- how find_field() finds: open addressing, an index + 1 or 0 per slot --
  std::vector<std::uint16_t> slots;
};

/// "herald.match.Objective": the name by which a schema refers to a record.
std::string full_name(const type& record);

/// Calls `visit(key, value)` for each entry of a map, in the order of keys.
template <class Visit>
void for_each_entry(const type& map, const void* value, Visit&& visit) {
  map.each_entry(
    value, &visit, [](void* context, std::string_view key, const void* entry) {
      (*static_cast<std::remove_reference_t<Visit>*>(context))(key, entry);
    });
}

} // namespace herald
