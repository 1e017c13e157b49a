// The first process of a container that was asked to have one of its own before the program (`--init`), or whose image has other programs run before and after it.
#pragma once

#include "sys/result.h"

namespace berth::init {

/// Where this program's arguments lie, so that a first process that stays does not show the host's paths in /proc/1/cmdline.
void remember_arguments(int count, char** arguments);

/// Programs that run one after the other, each in a process of its own.
enum class Turn { kBefore, kProgram, kAfter };

struct Companions {
  bool before = false, after = false;  // whether there is one
  /// In the process of a later turn: becomes its program, or ends.
  void (*become)(const void* context, Turn turn) = nullptr;
  const void* context = nullptr;
};

/// Forks. Returns in the child, which goes on to become the program, in a process group of its own. The parent never returns: it gives up every
/// descriptor, passes signals on to the child, collects whatever is orphaned, and ends as the child does (128 + N for signal N).
/// With companions the child is to become the first of them, and the parent keeps its standard streams for the later ones: the program has its turn if
/// what is before it ended with 0, what is after it always, and the parent ends as the last of the first two did.
sys::Result<void> leave_reaper_behind(const Companions& companions);

}  // namespace berth::init
