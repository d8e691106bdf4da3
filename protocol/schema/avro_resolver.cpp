#include "protocol/schema/avro.hpp"
#include "protocol/schema/avro_bytes.hpp"
#include "protocol/schema/avro_writer_schema.hpp"

#include <cassert>
#include <map>
#include <optional>
#include <utility>

namespace herald {

namespace {

/// One step of a plan: takes one value of the writer's and puts it into the
/// reader's object, or nowhere.
struct step {
  enum class action : std::uint8_t {
    take,    ///< what the writer's kind says
    present, ///< fills an optional and goes on with the value inside
    absent,  ///< empties an optional
    refuse   ///< a branch that the reader cannot hold
  };
  struct member {
    std::size_t step = 0;
    std::size_t place = 0;
  };

  action what = action::take;
  avro_kind written = avro_kind::null;
  /// The reader's type; null when the value is skipped.
  const type* into = nullptr;
  /// record: its fields in the writer's order.
  std::vector<member> fields;
  /// present: the step for the value inside. array, map: the step for an item.
  /// union: the steps of the branches.
  std::vector<std::size_t> inside;
  /// fixed.
  std::int64_t length = 0;
  /// refuse: why.
  std::string reason;
};

bool is_numeric(avro_kind what) {
  return what >= avro_kind::int_ && what <= avro_kind::double_;
}

/// The kind that a writer of today uses for a type.
avro_kind written_kind(kind what) {
  switch (what) {
  case kind::boolean:
    return avro_kind::boolean;
  case kind::int32:
    return avro_kind::int_;
  case kind::int64:
    return avro_kind::long_;
  case kind::float32:
    return avro_kind::float_;
  case kind::float64:
    return avro_kind::double_;
  case kind::string:
    return avro_kind::string;
  case kind::bytes:
    return avro_kind::bytes;
  case kind::array:
    return avro_kind::array;
  case kind::map:
    return avro_kind::map;
  case kind::record:
    return avro_kind::record;
  case kind::optional:
    return avro_kind::union_;
  }
  return avro_kind::null;
}

bool is_text(avro_kind what) {
  return what == avro_kind::string || what == avro_kind::bytes;
}

/// "Schema Resolution" for kinds: the same, or promoted.
bool fits(avro_kind writer, avro_kind reader) {
  if (is_numeric(writer) && is_numeric(reader))
    return writer <= reader;
  return writer == reader || (is_text(writer) && is_text(reader));
}

std::string_view last_part(std::string_view name) {
  return name.substr(name.rfind('.') + 1); // npos + 1 is 0
}

/// Compares a writer's schema with a reader's type and writes the steps. A
/// record that occurs again is planned once, so a writer's record may contain
/// itself: the reader then skips it, or ends the recursion.
class planner {
public:
  planner(const avro_writer_schema& writer, std::vector<step>& steps)
    : writer_{writer}, steps_{steps} {}

  std::optional<std::size_t> plan(std::size_t written, const type* reader) {
    const auto& node = writer_.nodes[written];
    if (node.what == avro_kind::union_)
      return plan_union(node, reader);
    if (reader == nullptr || reader->what != kind::optional)
      return plan_value(written, reader);
    if (node.what == avro_kind::null)
      return add({step::action::absent, avro_kind::null, reader});
    const auto inside = plan_value(written, reader->element);
    if (!inside)
      return inside;
    return add(present(reader, *inside));
  }

  const std::string& problem() const { return problem_; }

private:
  using index = std::optional<std::size_t>;

  std::size_t add(step x) {
    steps_.push_back(std::move(x));
    return steps_.size() - 1;
  }

  static step present(const type* reader, std::size_t inside) {
    step x{step::action::present, avro_kind::null, reader};
    x.inside.push_back(inside);
    return x;
  }

  index refuse(std::string problem) {
    problem_ = where() + std::move(problem);
    return std::nullopt;
  }

  std::string where() const {
    std::string text;
    for (const auto& part : path_)
      text += text.empty() ? part : '.' + part;
    return text.empty() ? text : text + ": ";
  }

  index plan_union(const avro_schema_node& node, const type* reader) {
    step made{step::action::take, avro_kind::union_, reader};
    bool possible = false;
    for (const auto branch : node.inside) {
      auto planned = plan(branch, reader);
      possible = possible || planned;
      if (!planned) {
        step dead{step::action::refuse};
        dead.reason = problem_;
        planned = add(std::move(dead));
      }
      made.inside.push_back(*planned);
    }
    // problem_ tells of the last branch.
    return possible ? index{add(std::move(made))} : std::nullopt;
  }

  index plan_value(std::size_t written, const type* reader) {
    const auto& node = writer_.nodes[written];
    if (reader != nullptr && !fits(node.what, written_kind(reader->what)))
      return refuse("a writer's " + std::string{to_string(node.what)}
        + " cannot be read as "
        + std::string{to_string(written_kind(reader->what))});
    step made{step::action::take, node.what, reader};
    made.length = node.length;
    switch (node.what) {
    case avro_kind::record:
      return plan_record(written, reader);
    case avro_kind::array:
    case avro_kind::map: {
      const auto inside
        = plan(node.inside.front(), reader ? reader->element : nullptr);
      if (!inside)
        return inside;
      made.inside.push_back(*inside);
      break;
    }
    default:
      break;
    }
    return add(std::move(made));
  }

  index plan_record(std::size_t written, const type* reader) {
    const auto& node = writer_.nodes[written];
    if (reader != nullptr && last_part(node.name) != reader->name)
      return refuse("a writer's record " + node.name + " cannot be read as "
        + full_name(*reader));
    const written_and_read key{written, reader};
    if (const auto known = records_.find(key); known != records_.end())
      return known->second;
    if (const auto known = misfits_.find(key); known != misfits_.end()) {
      problem_ = known->second;
      return std::nullopt;
    }
    const auto made = add({step::action::take, avro_kind::record, reader});
    records_.emplace(key, made);
    if (!plan_fields(made, node, reader)) {
      records_.erase(key);
      misfits_.emplace(key, problem_);
      return std::nullopt;
    }
    return made;
  }

  bool plan_fields(
    std::size_t made, const avro_schema_node& node, const type* reader) {
    field_set seen;
    for (const auto& written : node.fields) {
      const auto known = reader ? reader->find_field(written.name)
                                : std::optional<std::size_t>{};
      step::member member;
      const type* into = nullptr;
      if (known) {
        seen.insert(*known);
        into = reader->fields[*known].of;
        member.place = reader->fields[*known].place;
      }
      path_.push_back(written.name);
      const auto planned = plan(written.of, into);
      path_.pop_back();
      if (!planned)
        return false;
      member.step = *planned;
      steps_[made].fields.push_back(member);
    }
    // What the writer lacks keeps the default that the fresh object has.
    const auto missing
      = reader ? seen.first_missing(reader->required) : std::nullopt;
    if (!missing)
      return true;
    refuse(node.name + " of the writer lacks "
      + std::string{reader->fields[*missing].name} + ", which has no default");
    return false;
  }

  const avro_writer_schema& writer_;
  std::vector<step>& steps_;
  using written_and_read = std::pair<std::size_t, const type*>;
  std::map<written_and_read, std::size_t> records_;
  std::map<written_and_read, std::string> misfits_;
  std::vector<std::string> path_;
  std::string problem_;
};

/// Follows a plan over bytes that nobody vouches for. Records and items that
/// take no byte (a record without fields, an array of nulls) are what a small
/// input could repeat for ever, so they are counted.
class runner {
public:
  runner(const std::vector<step>& steps, bytes_view data)
    : steps_{steps}, input_{data},
      visits_left_{(data.size() + 1024) * avro_nesting_max},
      items_left_{data.size() + 1024} {}

  result<void> run(std::size_t root, void* value) {
    if (take(root, value, 0)
      && (input_.remaining() == 0
        || input_.refuse("bytes are left over at the end")))
      return {};
    return fail(code_,
      "cannot read Avro data of the writer's schema, at byte "
        + std::to_string(input_.position()) + ": "
        + std::string{input_.wrong()});
  }

private:
  template <class T>
  static T& as(void* value) {
    return *static_cast<T*>(value);
  }

  bool take(std::size_t index, void* value, std::size_t depth) {
    const auto& x = steps_[index];
    if (depth > avro_nesting_max)
      return input_.refuse("values nest too deeply");
    if (visits_left_ == 0)
      return input_.refuse("there are more values than the data can hold");
    --visits_left_;
    switch (x.what) {
    case step::action::take:
      return take_written(x, value, depth);
    case step::action::present:
      return take(x.inside.front(), x.into->emplace(value), depth + 1);
    case step::action::absent:
      x.into->clear(value);
      return true;
    case step::action::refuse:
      return input_.refuse(x.reason);
    }
    return false;
  }

  bool take_written(const step& x, void* value, std::size_t depth) {
    switch (x.written) {
    case avro_kind::null:
      return true;
    case avro_kind::boolean: {
      bool taken = false;
      if (!input_.take_boolean(taken))
        return false;
      if (x.into != nullptr)
        as<bool>(value) = taken;
      return true;
    }
    case avro_kind::int_: {
      std::int32_t taken = 0;
      return input_.take_int(taken) && put_number(x, value, taken);
    }
    case avro_kind::enumeration:
    case avro_kind::long_: {
      std::int64_t taken = 0;
      return input_.take_long(taken) && put_number(x, value, taken);
    }
    case avro_kind::float_: {
      float taken = 0;
      return input_.take_float(taken) && put_number(x, value, taken);
    }
    case avro_kind::double_: {
      double taken = 0;
      return input_.take_float(taken) && put_number(x, value, taken);
    }
    case avro_kind::bytes:
    case avro_kind::string: {
      std::string_view taken;
      return input_.take_bytes(taken) && put_text(x, value, taken);
    }
    case avro_kind::fixed: {
      std::string_view skipped;
      return input_.take_fixed(x.length, skipped);
    }
    case avro_kind::array:
    case avro_kind::map:
      return take_items(x, value, depth);
    case avro_kind::record:
      for (const auto& member : x.fields)
        if (!take(
              member.step, static_cast<char*>(value) + member.place, depth + 1))
          return false;
      return true;
    case avro_kind::union_: {
      std::int64_t branch = 0;
      if (!input_.take_long(branch))
        return false;
      if (branch < 0 || static_cast<std::uint64_t>(branch) >= x.inside.size())
        return input_.refuse("a union has no such branch");
      return take(x.inside[static_cast<std::size_t>(branch)], value, depth + 1);
    }
    }
    return false;
  }

  template <class T>
  static bool put_number(const step& x, void* value, T taken) {
    if (x.into == nullptr)
      return true;
    // The planner lets numbers only widen.
    switch (x.into->what) {
    case kind::int32:
      as<std::int32_t>(value) = static_cast<std::int32_t>(taken);
      return true;
    case kind::int64:
      as<std::int64_t>(value) = static_cast<std::int64_t>(taken);
      return true;
    case kind::float32:
      as<float>(value) = static_cast<float>(taken);
      return true;
    case kind::float64:
      as<double>(value) = static_cast<double>(taken);
      return true;
    default:
      assert(!"not a number");
      return false;
    }
  }

  static bool put_text(const step& x, void* value, std::string_view taken) {
    if (x.into == nullptr)
      return true;
    if (x.into->what == kind::string)
      as<std::string>(value).assign(taken);
    else
      as<binary>(value).value.assign(taken);
    return true;
  }

  bool take_items(const step& x, void* value, std::size_t depth) {
    if (x.into != nullptr)
      x.into->clear(value);
    std::int64_t count = 0;
    std::int64_t length = 0;
    while (input_.take_block(count, length)) {
      if (count == 0)
        return true;
      if (x.into == nullptr && length >= 0) {
        std::string_view skipped;
        input_.take_fixed(length, skipped);
        continue;
      }
      for (; count > 0; --count)
        if (!take_item(x, value, depth))
          return false;
    }
    return false;
  }

  bool take_item(const step& x, void* value, std::size_t depth) {
    if (items_left_ == 0)
      return input_.refuse("there are more items than the data can hold");
    --items_left_;
    std::string_view key;
    if (x.written == avro_kind::map && !input_.take_bytes(key))
      return false;
    void* item = nullptr;
    if (x.into != nullptr) {
      if (!spend(x.into->element->size + key.size() + 64))
        return false;
      item = x.into->what == kind::array ? x.into->append(value)
                                         : x.into->insert(value, key);
      if (item == nullptr)
        return input_.refuse("a map has one key twice");
    }
    return take(x.inside.front(), item, depth + 1);
  }

  bool spend(std::size_t bytes) {
    spent_ += bytes;
    if (spent_ <= decoded_bytes_max)
      return true;
    code_ = fault::too_large;
    return input_.refuse("the value takes too much memory");
  }

  const std::vector<step>& steps_;
  avro_input input_;
  std::size_t visits_left_;
  std::size_t items_left_;
  std::size_t spent_ = 0;
  fault code_ = fault::invalid_input;
};

} // namespace

struct avro_resolver::plan {
  std::vector<step> steps;
  std::size_t root = 0;
  const type* reader = nullptr;
};

avro_resolver::avro_resolver(std::shared_ptr<const plan> made)
  : plan_{std::move(made)} {}

result<avro_resolver> avro_resolver::make(
  std::string_view writer_schema_json, const type& reader) {
  const auto writer = parse_avro_schema(writer_schema_json);
  if (!writer)
    return std::unexpected{writer.error()};
  auto made = std::make_shared<plan>();
  planner work{*writer, made->steps};
  const auto root = work.plan(writer->root, &reader);
  if (!root)
    return fail(fault::version,
      "the writer's schema does not fit " + full_name(reader) + ": "
        + work.problem());
  made->root = *root;
  made->reader = &reader;
  return avro_resolver{std::move(made)};
}

result<void> avro_resolver::decode(void* value, bytes_view data) const {
  return runner{plan_->steps, data}.run(plan_->root, value);
}

void avro_resolver::expect_reader([[maybe_unused]] const type& reader) const {
  assert(plan_->reader == &reader);
}

} // namespace herald
