// The container's interfaces on networks of the host's, and its published ports.
#pragma once

#include "init/birth.h"
#include "init/progress.h"
#include "launch/plan.h"

namespace berth::init {

/// The supervisor's part: waits for the container's network namespace and makes a pair of interfaces for each attachment, one end in it and one on the bridge. Both
/// go with that namespace, whatever becomes of the supervisor. Nothing happens without an attachment.
sys::Result<void> connect(const launch::Plan& plan, Container& container, Progress& progress);

/// The first process's part: addresses and routes of its ends.
sys::Result<void> configure(const launch::Plan& plan, Progress& progress);

/// Published ports: elements of maps in the host's packet filter.
class PublishedPorts {
 public:
  /// Puts them there, and keeps what takes them back.
  sys::Result<void> publish(const launch::Plan& plan, Progress& progress);
  /// What is gone already is nobody's fault.
  sys::Result<void> withdraw();

 private:
  char* messages_ = nullptr;  // memory of its own: the plan does not live as long
  size_t size_ = 0;
};

}  // namespace berth::init
