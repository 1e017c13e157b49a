#include "sys/timestamp.h"

#include <time.h>

namespace berth::sys {

Timestamp now(size_t digits) {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  tm utc;
  gmtime_r(&time.tv_sec, &utc);
  auto fraction = static_cast<uint64_t>(time.tv_nsec);
  for (size_t i = digits; i < 9; ++i) fraction /= 10;
  const auto two = [](int value) { return Padded{static_cast<uint64_t>(value), 2}; };
  return Timestamp(utc.tm_year + 1900, '-', two(utc.tm_mon + 1), '-', two(utc.tm_mday), 'T',
                   two(utc.tm_hour), ':', two(utc.tm_min), ':', two(utc.tm_sec), '.',
                   Padded{fraction, digits}, 'Z');
}

}  // namespace berth::sys
