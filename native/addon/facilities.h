// One registration function for each file of calls in this folder.
#pragma once

#include <napi.h>

namespace berth::addon {

void register_launch(Napi::Object exports);   // launch.cc: starting containers, id ranges
void register_lock(Napi::Object exports);     // lock.cc: locks that die with their holder
void register_process(Napi::Object exports);  // process.cc: signals and reaping by pidfd
void register_unpack(Napi::Object exports);   // unpack.cc: image layers

}  // namespace berth::addon
