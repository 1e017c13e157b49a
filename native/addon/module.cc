// The addon's table of contents: each facility registers its calls in a file of its own.
#include <napi.h>

#include "addon/facilities.h"

namespace {

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  (void)env;
  berth::addon::register_aci(exports);
  berth::addon::register_disk_usage(exports);
  berth::addon::register_journal(exports);
  berth::addon::register_lock(exports);
  berth::addon::register_claims(exports);
  berth::addon::register_network(exports);
  berth::addon::register_process(exports);
  berth::addon::register_unpack(exports);
  berth::addon::register_image(exports);
  berth::addon::register_archive(exports);
  berth::addon::register_pack(exports);
  berth::addon::register_probe(exports);
  berth::addon::register_launch(exports);
  berth::addon::register_sandbox(exports);
  berth::addon::register_sample(exports);
  berth::addon::register_socket(exports);
  berth::addon::register_terminal(exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(berth, initialise)
