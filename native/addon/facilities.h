// One registration function for each file of calls in this folder.
#pragma once

#include <napi.h>

namespace berth::addon {

void register_aci(Napi::Object exports);         // aci.cc: App Container Images
void register_disk_usage(Napi::Object exports);  // disk_usage.cc: what trees take of a disk
void register_journal(Napi::Object exports);  // journal.cc: what happened, for whoever asks later
void register_launch(
    Napi::Object exports);  // launch.cc: starting containers and following them, id ranges
void register_lock(Napi::Object exports);  // lock.cc: locks that die with their holder
void register_network(Napi::Object exports);
void register_claims(Napi::Object exports);   // network.cc: bridges, addresses, published ports
void register_process(Napi::Object exports);  // process.cc: signals and ends by pidfd
void register_unpack(Napi::Object exports);   // unpack.cc: image layers
void register_image(Napi::Object exports);    // image.cc: layers that are one file
void register_archive(Napi::Object exports);  // archive.cc: archives of images, blobs
void register_sandbox(Napi::Object exports);  // sandbox.cc: folders that tasks write to
void register_pack(Napi::Object exports);     // pack.cc: archives of trees and files
void register_probe(Napi::Object exports);    // probe.cc: what the host has, found by trying
void register_sample(Napi::Object exports);   // sample.cc: counters of tasks, processes and threads
void register_socket(Napi::Object exports);   // socket.cc: whose a connection is
void register_terminal(Napi::Object exports);  // terminal.cc: a person's terminal, and attaching it

}  // namespace berth::addon
