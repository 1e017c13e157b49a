// What a volume holds at first: what the image has at its place.
#pragma once

#include "sys/result.h"

namespace berth::init {

/// Copies the directory `from` into the volume whose folder `volume` is, if nothing is in it yet: into `data`, with the owner and mode of the directory
/// itself. One at a time, and whole: what a crash leaves is finished, or begun anew, by the next.
sys::Result<void> fill_volume(int volume, int from);

}  // namespace berth::init
