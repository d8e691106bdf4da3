#include "protocol/schema/avro.hpp"

#include "protocol/schema/json.hpp"

#include <cassert>
#include <map>

namespace herald {

namespace {

class schema_writer {
public:
  std::string write(const type& of) {
    schema(of);
    return std::move(out_);
  }

private:
  void schema(const type& of) {
    switch (of.what) {
    case kind::boolean:
      out_ += "\"boolean\"";
      return;
    case kind::int32:
      out_ += "\"int\"";
      return;
    case kind::int64:
      out_ += "\"long\"";
      return;
    case kind::float32:
      out_ += "\"float\"";
      return;
    case kind::float64:
      out_ += "\"double\"";
      return;
    case kind::string:
      out_ += "\"string\"";
      return;
    case kind::bytes:
      out_ += "\"bytes\"";
      return;
    case kind::array:
      out_ += R"({"type":"array","items":)";
      schema(*of.element);
      out_ += '}';
      return;
    case kind::map:
      out_ += R"({"type":"map","values":)";
      schema(*of.element);
      out_ += '}';
      return;
    case kind::optional:
      out_ += R"(["null",)";
      schema(*of.element);
      out_ += ']';
      return;
    case kind::record:
      return record(of);
    }
    assert(!"a kind that is none");
  }

  void record(const type& of) {
    const auto [known, is_new] = defined_.emplace(full_name(of), &of);
    assert(known->second == &of);
    if (!is_new) {
      json_encode_string(known->first, out_);
      return;
    }
    out_ += R"({"type":"record","name":)";
    json_encode_string(of.name, out_);
    out_ += R"(,"namespace":)";
    json_encode_string(of.name_space, out_);
    out_ += R"(,"doc":)";
    json_encode_string(of.doc, out_);
    out_ += R"(,"fields":[)";
    for (std::size_t i = 0; i < of.fields.size(); ++i) {
      if (i != 0)
        out_ += ',';
      member(of, of.fields[i]);
    }
    out_ += "]}";
  }

  void member(const type& of, const field& x) {
    out_ += R"({"name":)";
    json_encode_string(x.name, out_);
    out_ += R"(,"type":)";
    schema(*x.of);
    out_ += R"(,"doc":)";
    json_encode_string(x.doc, out_);
    if (x.may_be_absent()) {
      out_ += R"(,"default":)";
      default_value(*x.of, static_cast<const char*>(of.prototype) + x.place);
    }
    out_ += '}';
  }

  /// JSON as elsewhere, but Avro wants bytes as one character for each.
  void default_value(const type& of, const void* value) {
    if (of.what != kind::bytes)
      return json_encode(of, value, out_);
    std::string text;
    for (const unsigned char byte : static_cast<const binary*>(value)->value) {
      if (byte >= 0x80)
        text += static_cast<char>(0xc0 | byte >> 6);
      text += static_cast<char>(byte < 0x80 ? byte : 0x80 | (byte & 0x3f));
    }
    json_encode_string(text, out_);
  }

  std::string out_;
  std::map<std::string, const type*> defined_;
};

} // namespace

std::string avro_schema(const type& described) {
  return schema_writer{}.write(described);
}

} // namespace herald
