// Appends numbered records from several threads and says which are
// acknowledged, one line each ("thread number"), until it is killed.
//
//     log_appender FOLDER RUN

#include "engine/log/log_writer.hpp"
#include "protocol/batch/record_batch.hpp"

#include <cstdio>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace herald;

int main(int, char** arguments) {
  log_settings settings;
  settings.initial_bytes = 256u << 10;
  settings.step_bytes = 256u << 10;
  settings.reserve_bytes = 0;
  settings.partitions_max = 16;
  auto log = event_log::open(arguments[1], settings);
  if (!log) {
    std::fprintf(stderr, "%s\n", log.error().message.c_str());
    return 1;
  }
  auto topic = (*log)->create_topic("t", 2);
  if (!topic)
    return 1;
  std::string run = arguments[2];
  log_writer writer{**log};
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (auto number = 0;; ++number) {
        auto name
          = run + " " + std::to_string(t) + " " + std::to_string(number);
        batch_builder batch{number};
        batch.add(name,
          std::string(static_cast<std::size_t>(number % 7) * 300, 'x'), number);
        auto how
          = writer.append_and_wait({topic->number, t % 2}, batch.finish());
        if (!how)
          ::_exit(1);
        name += "\n";
        if (::write(STDOUT_FILENO, name.data(), name.size())
          != static_cast<ssize_t>(name.size()))
          ::_exit(1);
      }
    });
  for (auto& thread : threads)
    thread.join();
}
