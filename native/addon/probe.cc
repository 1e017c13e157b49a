#include <napi.h>

#include <string>
#include <vector>

#include "addon/facilities.h"
#include "addon/job.h"
#include "sys/erofs_mount.h"
#include "sys/probe.h"

namespace berth::addon {
namespace {

struct Question {
  bool privileged;
  std::string directory;
  unsigned first_id;
  std::string cgroup;
};

std::vector<sys::Probe> ask(const Question& question) {
  std::vector<sys::Probe> probes(sys::kMostProbes);
  int count = sys::probe_kernel(question.privileged, probes.data());
  count += sys::probe_network(question.privileged, &probes[static_cast<size_t>(count)]);
  if (!question.cgroup.empty()) {
    probes[static_cast<size_t>(count++)] = sys::probe_clone_into(question.cgroup.c_str());
  }
  if (!question.directory.empty()) {
    count += sys::probe_directory(question.directory.c_str(), question.first_id,
                                  &probes[static_cast<size_t>(count)]);
    const auto images = sys::probe_images(question.directory);
    probes[static_cast<size_t>(count++)] = {"layer images", images ? sys::Error{} : images.error()};
  }
  probes.resize(static_cast<size_t>(count));
  return probes;
}

Napi::Value to_array(Napi::Env env, std::vector<sys::Probe>& probes) {
  Napi::Array array = Napi::Array::New(env, probes.size());
  for (uint32_t i = 0; i < probes.size(); ++i) {
    const sys::Probe& probe = probes[i];
    Napi::Object item = Napi::Object::New(env);
    item.Set("name", Napi::String::New(env, probe.name));
    item.Set("failure", probe.outcome.number == 0 ? env.Null() : to_js(env, probe.outcome).Value());
    array.Set(i, item);
  }
  return array;
}

Napi::Value probe_call(const Napi::CallbackInfo& info) {
  const Napi::Object request = info[0].As<Napi::Object>();
  const auto text = [&](const char* key) {
    const Napi::Value value = request.Get(key);
    return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
  };
  Question question{request.Get("privileged").ToBoolean(), text("directory"),
                    request.Get("firstId").ToNumber().Uint32Value(), text("cgroup")};
  return run_job<std::vector<sys::Probe>>(
      info.Env(), [question]() -> Outcome<std::vector<sys::Probe>> { return ask(question); },
      to_array);
}

}  // namespace

void register_probe(Napi::Object exports) {
  exports.Set("probeHost", Napi::Function::New(exports.Env(), probe_call, "probeHost"));
}

}  // namespace berth::addon
