// One thing of an archive, put into a folder that is open.
#pragma once

#include <functional>
#include <string>

#include "copy/report.h"
#include "copy/request.h"
#include "sys/tar_reader.h"

namespace berth::copy {

class Placing {
 public:
  Placing(const Request& request, int descriptors, Report& report, sys::Refusal& refusal)
      : descriptors_(descriptors),
        // A stream says on purpose whose its files are.
        owners_(request.archive || request.from == Place::kStream),
        privileges_(request.archive || request.to != Place::kHost),
        report_(report),
        refusal_(refusal) {}

  /// True: it was made. One that is there stays as it is. Refuses with FILE_IN_THE_WAY.
  sys::Result<bool> folder(int parent, const std::string& name, const sys::TarEntry& entry);
  /// These take the place of what is there, unless it is a folder: refused with FOLDER_IN_THE_WAY.
  sys::Result<void> file(int parent, const std::string& name, const sys::TarEntry& entry,
                         sys::TarReader& archive);
  sys::Result<void> symlink(int parent, const std::string& name, const sys::TarEntry& entry);
  sys::Result<void> fifo(int parent, const std::string& name, const sys::TarEntry& entry);
  sys::Result<void> link(int parent, const std::string& name, int folder,
                         const std::string& target);
  sys::Result<void> set_time(int handle, const timespec& mtime);

 private:
  using Maker = std::function<sys::Result<void>(const std::string& name)>;

  /// `make`s it under `name`; if that is taken, under another that then takes its place.
  sys::Result<void> put(int parent, const std::string& name, const Maker& make);
  sys::Result<void> write(int file, const sys::TarEntry& entry, sys::TarReader& archive);
  sys::Result<void> dress(int file, const sys::TarEntry& entry);
  sys::Result<void> set_attributes(int file, const sys::TarEntry& entry);
  mode_t mode_of(const sys::TarEntry& entry) const;
  std::string fresh_name();

  const int descriptors_;
  const bool owners_, privileges_;
  Report& report_;
  sys::Refusal& refusal_;
  uint64_t made_ = 0;
};

}  // namespace berth::copy
