#include "engine/base/clock.hpp"

#include <catch2/catch.hpp>

using namespace herald;
using namespace std::chrono_literals;

TEST_CASE("a manual clock moves only when it is told to") {
  manual_time_source time{1000};
  CHECK(time.now_ms() == 1000);
  CHECK(time.steady_now() == 0ns);
  time.advance(1500us);
  CHECK(time.now_ms() == 1001);
  CHECK(time.steady_now() == 1500us);
}

TEST_CASE("setting the record time back leaves the steady clock alone") {
  manual_time_source time{1000};
  time.advance(5s);
  time.set_now_ms(7);
  CHECK(time.now_ms() == 7);
  CHECK(time.steady_now() == 5s);
}

TEST_CASE("the machine's steady clock never falls") {
  system_time_source time;
  auto first = time.steady_now();
  CHECK(time.steady_now() >= first);
  CHECK(time.now_ms() > 1'700'000'000'000);
}
