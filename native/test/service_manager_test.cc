#include "sys/service_manager.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "sys/fd.h"
#include "test/scratch_folder.h"

using berth::sys::Fd;
using berth::sys::tell_service_manager;

namespace {

/// A manager's socket: `name` as NOTIFY_SOCKET has it.
Fd listen_at(const std::string& name) {
  Fd listener(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, name.data(), name.size());
  const bool abstract = name[0] == '@';
  if (abstract) address.sun_path[0] = '\0';
  const size_t size = offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 0 : 1);
  REQUIRE(bind(listener.get(), reinterpret_cast<sockaddr*>(&address),
               static_cast<socklen_t>(size)) == 0);
  return listener;
}

std::string heard(const Fd& listener) {
  char text[64];
  const ssize_t length = recv(listener.get(), text, sizeof text, 0);
  return length < 0 ? "" : std::string(text, static_cast<size_t>(length));
}

int told(const std::string& name, const std::string& text) {
  auto outcome = tell_service_manager(name.c_str(), text.data(), text.size());
  return outcome ? 0 : outcome.error().number;
}

}  // namespace

TEST_CASE("a service manager hears what it is told, by a path and by an abstract name") {
  const berth::test::ScratchFolder folder;
  const std::string abstract = "@berth-test-" + std::to_string(getpid());
  for (const std::string& name : {folder.path("notify"), abstract}) {
    CAPTURE(name);
    const Fd listener = listen_at(name);
    CHECK(told(name, "READY=1") == 0);
    CHECK(heard(listener) == "READY=1");
    int full = 0;
    for (int i = 0; i < 10'000 && full == 0; i++) full = told(name, "STATUS=again");
    CHECK(full == EAGAIN);
  }
}

TEST_CASE("a name that is none is refused, and nobody is told") {
  CHECK(told("", "x") == EINVAL);
  CHECK(told("@", "x") == EINVAL);
  CHECK(told("relative", "x") == EINVAL);
  CHECK(told("/" + std::string(200, 'a'), "x") == EINVAL);
  CHECK(told("/nonexistent/notify", "x") == ENOENT);
}
