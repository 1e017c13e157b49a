// A folder that is gone with all that is in it at the end of the scope.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

#include "sys/fd.h"
#include "sys/remove_tree.h"

namespace berth::test {

class ScratchFolder {
 public:
  ScratchFolder() { REQUIRE(mkdtemp(path_) != nullptr); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() { CHECK(sys::remove_tree(AT_FDCWD, path_)); }

  std::string path(const std::string& name = "") const {
    return name.empty() ? path_ : std::string(path_) + "/" + name;
  }
  void write(const std::string& name, const std::string& text, mode_t mode = 0644) const {
    const sys::Fd file(open(path(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    REQUIRE(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  std::string read(const std::string& name) const {
    const sys::Fd file(open(path(name).c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(file);
    std::string text;
    char buffer[4096];
    for (ssize_t length; (length = ::read(file.get(), buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<size_t>(length));
    return text;
  }

 private:
  char path_[32] = "/tmp/berth-test-XXXXXX";
};

}  // namespace berth::test
