#include <napi.h>

#include <cstring>

#include "addon/error.h"
#include "addon/facilities.h"
#include "sys/pass_descriptors.h"
#include "sys/terminal_mode.h"

namespace berth::addon {
namespace {

void refuse(const Napi::CallbackInfo& info, const sys::Error& error) {
  to_js(info.Env(), error).ThrowAsJavaScriptException();
}

int descriptor(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }

Napi::Value terminal_size_call(const Napi::CallbackInfo& info) {
  auto size = sys::terminal_size(descriptor(info[0]));
  if (!size) return info.Env().Null();
  auto result = Napi::Object::New(info.Env());
  result.Set("rows", size->rows);
  result.Set("columns", size->columns);
  return result;
}

Napi::Value make_raw_call(const Napi::CallbackInfo& info) {
  auto before = sys::make_raw(descriptor(info[0]));
  if (!before) {
    refuse(info, before.error());
    return info.Env().Undefined();
  }
  return Napi::Buffer<char>::Copy(info.Env(), reinterpret_cast<const char*>(&*before),
                                  sizeof(termios));
}

void restore_call(const Napi::CallbackInfo& info) {
  const auto saved = info[1].As<Napi::Buffer<char>>();
  termios mode = {};
  if (saved.Length() != sizeof mode) return refuse(info, {EINVAL, "tcsetattr"});
  memcpy(&mode, saved.Data(), sizeof mode);
  if (auto outcome = sys::restore_mode(descriptor(info[0]), mode); !outcome)
    refuse(info, outcome.error());
}

Napi::Value attach_call(const Napi::CallbackInfo& info) {
  const auto options = info[0].As<Napi::Object>();
  const std::string folder = options.Get("folder").As<Napi::String>().Utf8Value();
  const std::string line = options.Get("request").As<Napi::String>().Utf8Value() + "\n";
  auto connection = sys::connect_socket(folder.c_str(), "control.sock");
  const auto fail = [&](const sys::Error& error) {
    refuse(info, error);
    return info.Env().Undefined();
  };
  if (!connection) return fail(connection.error());
  auto nowhere = sys::adopt(open("/dev/null", O_RDWR | O_CLOEXEC), "open");
  if (!nowhere) return fail(nowhere.error());
  int fds[sys::kMostPassed];
  int* next = fds;
  for (const char* name : {"stdin", "stdout", "stderr"}) {
    const int own = descriptor(options.Get(name));
    *next++ = own >= 0 ? own : nowhere->get();
  }
  const auto sent = sys::send_with_descriptors(connection->get(), line.data(), line.size(), fds,
                                               sys::kMostPassed);
  if (!sent) return fail(sent.error());
  return Napi::Number::New(info.Env(), connection->release());
}

}  // namespace

void register_terminal(Napi::Object exports) {
  const auto add = [&](const char* name, auto call) {
    exports.Set(name, Napi::Function::New(exports.Env(), call, name));
  };
  add("terminalSize", terminal_size_call);
  add("makeTerminalRaw", make_raw_call);
  add("restoreTerminal", restore_call);
  add("attach", attach_call);
}

}  // namespace berth::addon
