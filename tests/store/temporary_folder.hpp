#pragma once

#include "protocol/failure.hpp"

#include <catch2/catch.hpp>

#include <stdlib.h>

#include <expected>
#include <filesystem>
#include <string>
#include <type_traits>
#include <utility>

namespace herald {

/// A folder for one test, removed with it.
class temporary_folder {
public:
  temporary_folder() {
    auto name = (std::filesystem::temp_directory_path() / "herald-store-XXXXXX")
                  .native();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

/// The value of a result that must be one.
template <class T>
T must(std::expected<T, failure> result) {
  if (!result)
    FAIL(result.error().message);
  if constexpr (!std::is_void_v<T>)
    return std::move(*result);
}

/// The fault of a result that must be none.
template <class T>
fault fault_of(const std::expected<T, failure>& result) {
  REQUIRE(!result);
  INFO(result.error().message);
  CHECK(!result.error().message.empty());
  return result.error().code;
}

} // namespace herald
