// A program that does nothing: the first of a container that only holds namespaces for others.
#pragma once

namespace berth::init {

/// The argument that asks for it.
constexpr char kPauseRole[] = "--pause";

/// Collects what is orphaned in its pid namespace, and ends in order when it is told to.
[[noreturn]] void hold_namespaces();

}  // namespace berth::init
