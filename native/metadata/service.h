// The loop of the metadata service: one thread, never waiting for any client, and with room for so many only.
#pragma once

#include "metadata/connection.h"
#include "metadata/residents.h"

namespace berth::metadata {

class Service {
 public:
  Service(const Pod& pod, Signer& signer) : pod_(pod), signer_(signer) {}

  /// Listens on the loopback, on a port that the kernel chooses, and gives it.
  sys::Result<uint16_t> listen();
  /// Serves until the pod is over; `starter` says `go` when all that is to run in it was started, and ends before that if the pod is not to be. Gives the status to end with.
  int run(int starter, int signals);

 private:
  /// More than one pod's apps have business with at the same time.
  static constexpr int kMost = 64;

  void accept_some(int64_t now);
  void expire(int64_t now);
  Connection& free_place();

  const Pod& pod_;
  Signer& signer_;
  sys::Fd listener_;
  Connection connections_[kMost];
  Residents residents_;
};

}  // namespace berth::metadata
