// The other processes of the pod: the service is the first of their pid namespace, and stays as long as there are any.
#pragma once

#include "sys/fd.h"
#include "sys/result.h"

namespace berth::metadata {

class Residents {
 public:
  /// Finds one that runs, to be watched. False: there is none.
  sys::Result<bool> look();
  /// Readable once that one has ended; -1: none is watched.
  int watched() const { return process_.get(); }

 private:
  sys::Fd process_;
};

}  // namespace berth::metadata
