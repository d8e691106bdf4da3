#include "tools/herald/measure.hpp"

#include "protocol/batch/record_batch.hpp"

#include <random>
#include <string>
#include <sys/resource.h>

namespace herald {

double cpu_seconds() {
  struct rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec)
      + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

bytes make_batch(std::size_t records, std::size_t record_bytes,
  std::optional<bytes_view> key) {
  std::mt19937_64 random{42};
  batch_builder batch{1'000};
  std::string value(record_bytes, '\0');
  for (std::size_t i = 0; i < records; ++i) {
    for (auto& byte : value)
      byte = static_cast<char>(random());
    batch.add(key, value, 1'000);
  }
  return batch.finish();
}

} // namespace herald
