// libFuzzer's entry to one target, HERALD_FUZZ_TARGET.

#include "tests/fuzz/target.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(
  const std::uint8_t* data, std::size_t size) {
  herald::fuzz::HERALD_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
