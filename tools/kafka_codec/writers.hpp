#pragma once

#include "tools/kafka_codec/definition.hpp"

#include <string>
#include <vector>

// The texts that the generator makes. They are right C++, but broken into lines
// by clang-format only.

namespace herald::kafka_codec {

/// The messages of one API (request, response), or the two headers, which
/// share a header file and a source.
struct message_group {
  /// "produce"; the files are produce.hpp and produce.cpp.
  std::string stem;
  /// "Produce"; empty for the headers.
  std::string api_name;
  std::vector<message> messages;
};

/// The file with the structs and the declarations of their codec.
std::string header_text(const message_group& group);

/// The file with the codec.
std::string source_text(const message_group& group);

/// protocol/kafka/api_key.hpp: the numbers of the APIs.
std::string api_keys_text(const std::vector<message_group>& groups);

/// protocol/kafka/messages.hpp: all messages as lists of types.
std::string message_list_text(const std::vector<message_group>& groups);

/// tests/kafka/random_messages.hpp and .cpp: messages with random contents.
std::string random_header_text(const std::vector<message_group>& groups);
std::string random_source_text(const std::vector<message_group>& groups);

/// The comment at the top of a generated file made from these definitions.
std::string origin_comment(const std::vector<std::string>& definitions);

/// `version >= 3 && version <= 5`: whether a version that is `within` one range
/// is in `wanted` too; "true" where it always is.
std::string condition(const version_range& wanted, const version_range& within);

/// Whether statements look at the variable `version`.
bool uses_version(const std::string& statements);

/// The default of a field as a C++ expression; empty for one that needs no
/// initialiser (an empty string or array, a null, zero bytes).
std::string default_expression(const field& of);

/// The C++ type of a field in a struct of this message.
std::string member_type(const field& of);
/// The same without std::vector and std::optional.
std::string element_type(const field& of);

} // namespace herald::kafka_codec
