// What can be done to a container that there is.
#pragma once

#include <string>

#include "runtime/record.h"

namespace berth::runtime {

/// Lets the first process go on to the program. Throws when it does not wait, or the program cannot be executed.
void start(const ContainerFolder& folder);
/// For whoever holds the lock already.
void start(const ContainerFolder& folder, const Record& record);

/// `signal` to the first process, or with `all` to every process of the container.
void kill(const ContainerFolder& folder, int signal, bool all);

/// Removes a stopped container; with `force` kills it first, and is content when there is none.
void remove(const ContainerFolder& folder, bool force);

/// Brings a container to other limits: `resources` is a `linux.resources` of the specification. All of it or nothing.
void update(const ContainerFolder& folder, const std::string& resources);

/// The record; throws when there is no such container.
Record existing(const ContainerFolder& folder);

/// `9`, `KILL` or `SIGKILL`.
int signal_number(const std::string& text);

}  // namespace berth::runtime
