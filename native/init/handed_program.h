// The last steps of a program that is handed over to a caller: all that can fail first, then the word to go on, then the program.
#pragma once

#include "init/identity.h"
#include "init/progress.h"
#include "launch/plan.h"
#include "sys/fd.h"

namespace berth::init {

/// Takes the ids, and looks for the program. Gives the capabilities that it is to have, of those that there are to be had.
sys::Result<launch::Capabilities> get_ready(const launch::Plan& plan, const Identity& identity,
                                            Progress& progress);

/// Says kAboutToExecute on `report` and becomes the program. Returns only the failure, with `report` where it can be told.
sys::Result<void> become_handed_program(const launch::Plan& plan, sys::Fd& report,
                                        const launch::Capabilities& wanted,
                                        const Identity& identity, Progress& progress);

}  // namespace berth::init
