// Whatever config.json and launch.json hold, reading them neither crashes nor reads past them; what is accepted goes through a plan unchanged.
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "launch/device_filter.h"
#include "launch/launch_facts.h"
#include "launch/oci_config.h"
#include "launch/plan_reader.h"
#include "launch/plan_writer.h"
#include "launch/seccomp_profile.h"

namespace {

using namespace berth::launch;

/// The supervisor reads what the launcher has written, or nothing could be launched.
void check_passage(Plan& plan) {
  const std::string stream = PlanWriter::write(plan);
  constexpr size_t kArenaForEachByte = 8;  // as berth-init has it
  const std::unique_ptr<char[]> arena(new char[kArenaForEachByte * stream.size()]);
  Plan read;
  PlanReader reader(stream.data(), stream.size(), arena.get(), kArenaForEachByte * stream.size());
  if (!reader.read(read) || PlanWriter::write(read) != stream) abort();
}

void read_config(const simdjson::dom::element& document) {
  PlanStore store;
  Plan plan;
  Limits limits;
  Faults faults;
  const Json config(document, "config.json:", faults);
  read_oci_config(config, store, plan, limits);
  const Json seccomp = config["linux"]["seccomp"];
  if (faults.any()) return;
  (void)device_program(limits.devices);
  if (seccomp.present()) {
    SeccompCache cache;
    auto compiled = cache.compile(seccomp, "");
    if (auto* program = std::get_if<SeccompProgram>(&compiled))
      plan.seccomp = store.list(std::move(*program));
  }
  check_passage(plan);
}

void read_launch(const simdjson::dom::element& document) {
  PlanStore store;
  Plan plan;
  Faults faults;
  (void)read_launch_facts(Json(document, "launch.json:", faults), store, plan);
  if (!faults.any()) check_passage(plan);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (parser.parse(text).get(document) != simdjson::SUCCESS) return 0;
  read_config(document);
  read_launch(document);
  return 0;
}
