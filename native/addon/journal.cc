#include <napi.h>

#include <string>

#include "addon/error.h"
#include "addon/facilities.h"
#include "sys/fd.h"
#include "sys/journal.h"
#include "sys/timestamp.h"

namespace berth::addon {
namespace {

/// appendEvent(root, members): one event, and now.
Napi::Value append_event_call(const Napi::CallbackInfo& info) {
  constexpr size_t kNanoseconds = 9;
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  const std::string members = info[1].As<Napi::String>().Utf8Value();
  const auto append = [&]() -> sys::Result<void> {
    BERTH_ASSIGN(const sys::Fd root,
                 sys::adopt(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
    const std::string line =
        "{\"time\":\"" + std::string(sys::now(kNanoseconds).c_str()) + "\"," + members + "}\n";
    return sys::append_to_journal(root.get(), line.data(), line.size());
  };
  if (const auto appended = append(); !appended) {
    Failure failure(appended.error());
    failure.path = path + "/" + sys::kJournalFolder;
    to_js(info.Env(), failure).ThrowAsJavaScriptException();
  }
  return info.Env().Undefined();
}

}  // namespace

void register_journal(Napi::Object exports) {
  exports.Set("appendEvent", Napi::Function::New(exports.Env(), append_event_call, "appendEvent"));
}

}  // namespace berth::addon
