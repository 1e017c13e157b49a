// The loop of the metadata service: one thread, never waiting for any client.
#pragma once

#include "metadata/door.h"
#include "metadata/residents.h"

namespace berth::metadata {

class Service {
 public:
  Service(const Pod& pod, Signer& signer)
      : apps_(kMostApps, {pod, signer, false}), neighbours_(kMostNeighbours, {pod, signer, true}) {}

  /// Listens on the loopback, on a port that the kernel chooses, and gives it.
  sys::Result<uint16_t> listen_to_apps();
  void listen_to_neighbours(sys::Fd listener) { neighbours_.open(std::move(listener)); }
  /// Serves until the pod is over; `starter` says `go` when all that is to run in it was started, and ends before that if the pod is not to be. Gives the status to end with.
  int run(int starter, int signals);

 private:
  /// More than one pod's apps have business with at the same time; others are let in by a door of their own, so that they take no place from them.
  static constexpr size_t kMostApps = 64, kMostNeighbours = 16;

  Door apps_, neighbours_;
  Residents residents_;
};

}  // namespace berth::metadata
