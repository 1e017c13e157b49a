// Names the defences that stand between a hostile image or task and its host, each at the line that makes it. In what ships all of them hold, and this
// header leaves nothing in the code. The tests' weakened build (`./dev weakened`, docs/security.md) can do without one at a time: that an attack
// gets nowhere only proves something if it gets somewhere there.
#pragma once

#ifdef BERTH_WEAKENED
#include <unistd.h>

#include <cstring>
#endif

namespace berth::sys {

#ifdef BERTH_WEAKENED

/// `BERTH_WEAKNESS=DEFENCE` in this process's environment; null: all hold.
inline const char* weakness_variable() {
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    if (strncmp(*variable, "BERTH_WEAKNESS=", strlen("BERTH_WEAKNESS=")) == 0) return *variable;
  }
  return nullptr;
}

/// The one defence that is switched off; empty: none.
inline const char* weakness() {
  const char* variable = weakness_variable();
  return variable == nullptr ? "" : variable + strlen("BERTH_WEAKNESS=");
}

inline bool holds(const char* defence) { return strcmp(weakness(), defence) != 0; }

#else

consteval const char* weakness_variable() { return nullptr; }
consteval const char* weakness() { return ""; }
consteval bool holds(const char* /*defence*/) { return true; }

#endif

}  // namespace berth::sys
