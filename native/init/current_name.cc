#include "init/current_name.h"

#include <unistd.h>

#include <cstring>

namespace berth::init {

ContainerName current_name(int root, const char* id, const char* first) {
  char name[80];
  const sys::Text<160> link("containers/", id, "/name");
  const ssize_t length = readlinkat(root, link.c_str(), name, sizeof name);
  if (length <= 0) return ContainerName(first);
  return ContainerName(sys::Piece{name, static_cast<size_t>(length)});
}

sys::Result<void> release_name(int root, const char* name, const char* id) {
  if (*name == '\0') return {};
  char holder[80];
  const sys::Text<256> link("names/", name);
  const ssize_t length = readlinkat(root, link.c_str(), holder, sizeof holder);
  if (length < 0) return errno == ENOENT ? sys::Result<void>() : sys::last_error("readlinkat");
  if (static_cast<size_t>(length) != strlen(id) || strncmp(holder, id, strlen(id)) != 0) return {};
  if (unlinkat(root, link.c_str(), 0) != 0 && errno != ENOENT) return sys::last_error("unlinkat");
  return {};
}

}  // namespace berth::init
