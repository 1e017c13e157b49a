#include "front/verb.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "front/exit_status.h"
#include "front/node.h"

namespace berth::front {

int finish_in_node(const Command& command, const std::string& json) {
  return become_node(command.installation, {"--finish", json});
}

bool write_out(const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t written = write(STDOUT_FILENO, text.data() + done, text.size() - done);
    if (written >= 0) {
      done += static_cast<size_t>(written);
    } else if (errno == EPIPE) {
      _exit(kReaderGone);
    } else if (errno == EAGAIN) {
      // Another program has made the shared pipe non-blocking, and it is full.
      pollfd room = {STDOUT_FILENO, POLLOUT, 0};
      poll(&room, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace berth::front
