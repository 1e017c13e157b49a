#include <napi.h>

#include <cmath>
#include <cstring>

#include "addon/facilities.h"
#include "addon/job.h"
#include "sys/sampler.h"

namespace berth::addon {
namespace {

std::string text_of(const Napi::Object& from, const char* key) {
  const Napi::Value value = from.Get(key);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

double number_of(const Napi::Object& from, const char* key) {
  const Napi::Value value = from.Get(key);
  return value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
}

bool truth_of(const Napi::Object& from, const char* key) { return from.Get(key).ToBoolean(); }

sys::SampledController controller_of(const Napi::Object& controllers, const char* name) {
  const Napi::Value value = controllers.Get(name);
  if (!value.IsObject()) return {};
  const auto object = value.As<Napi::Object>();
  return {text_of(object, "directory"), static_cast<int>(number_of(object, "version"))};
}

sys::SampleRequest request_of(const Napi::Object& object) {
  sys::SampleRequest request;
  request.interval = number_of(object, "intervalSeconds");
  request.proportional_memory = truth_of(object, "proportionalMemory");
  request.usage = truth_of(object, "usage");
  const auto tasks = object.Get("tasks").As<Napi::Array>();
  for (uint32_t index = 0; index < tasks.Length(); ++index) {
    const auto task = tasks.Get(index).As<Napi::Object>();
    const auto controllers = task.Get("controllers").As<Napi::Object>();
    const auto io = controller_of(controllers, "io");
    request.tasks.push_back({.pid = static_cast<pid_t>(number_of(task, "pid")),
                             .started = static_cast<uint64_t>(number_of(task, "startTime")),
                             .procs = text_of(task, "procs"),
                             .memory = controller_of(controllers, "memory"),
                             .cpu = controller_of(controllers, "cpu"),
                             .cpuacct = controller_of(controllers, "cpuacct"),
                             .pids = controller_of(controllers, "pids"),
                             .io = io.directory.empty() ? controller_of(controllers, "blkio") : io,
                             .own_network = truth_of(task, "ownNetwork"),
                             .thread_io = truth_of(task, "threadIo")});
  }
  return request;
}

/// Rows as one Float64Array: one copy, however many thousand threads there are.
template <typename Row, size_t Width>
Napi::Object table(Napi::Env env, const std::vector<Row>& rows, const char* const (&fields)[Width],
                   const std::string* names) {
  Napi::Object object = Napi::Object::New(env);
  Napi::Array field_names = Napi::Array::New(env, Width);
  for (uint32_t index = 0; index < Width; ++index)
    field_names.Set(index, Napi::String::New(env, fields[index]));
  object.Set("fields", field_names);
  Napi::Float64Array values = Napi::Float64Array::New(env, rows.size() * Width);
  if (!rows.empty()) memcpy(values.Data(), rows.data(), rows.size() * sizeof(Row));
  object.Set("values", values);
  if (names != nullptr) object.Set("names", Napi::String::New(env, *names));
  return object;
}

Napi::Value sampling_object(Napi::Env env, sys::Sampling& sampling) {
  Napi::Object object = Napi::Object::New(env);
  Napi::Array snapshots = Napi::Array::New(env, sampling.snapshots.size());
  for (uint32_t index = 0; index < sampling.snapshots.size(); ++index) {
    const sys::Snapshot& from = sampling.snapshots[index];
    Napi::Object snapshot = Napi::Object::New(env);
    snapshot.Set("tasks", table(env, from.tasks, sys::kTaskFields, nullptr));
    snapshot.Set("processes", table(env, from.processes, sys::kProcessFields, &from.process_names));
    snapshot.Set("threads", table(env, from.threads, sys::kThreadFields, &from.thread_names));
    if (!from.usage.empty())
      snapshot.Set("usage", table(env, from.usage, sys::kUsageFields, nullptr));
    snapshots.Set(index, snapshot);
  }
  object.Set("snapshots", snapshots);
  object.Set("costCpuSeconds", Napi::Number::New(env, sampling.cost_cpu));
  object.Set("bootRealtime", Napi::Number::New(env, sampling.boot_realtime));
  object.Set("delayAccounting", Napi::Boolean::New(env, sampling.delay_accounting));
  return object;
}

Napi::Value sample_call(const Napi::CallbackInfo& info) {
  auto request = request_of(info[0].As<Napi::Object>());
  const auto work = [request = std::move(request)]() -> Outcome<sys::Sampling> {
    auto sampling = sys::sample(request);
    if (!sampling) {
      Failure failure(sampling.error());
      failure.step = "sampling";
      return failure;
    }
    return std::move(*sampling);
  };
  return run_job<sys::Sampling>(info.Env(), work, sampling_object);
}

}  // namespace

void register_sample(Napi::Object exports) {
  exports.Set("sample", Napi::Function::New(exports.Env(), sample_call, "sample"));
}

}  // namespace berth::addon
