// Writes a launch plan as the flat stream that plan.h describes.
#pragma once

#include <string>

#include "launch/plan.h"

namespace berth::launch {

class PlanWriter {
 public:
  /// The whole stream of `plan`.
  static std::string write(Plan& plan) {
    PlanWriter writer;
    uint32_t magic = kPlanMagic, format = kPlanFormat;
    writer.fields(magic, format, plan);
    return std::move(writer.stream_);
  }

  template <typename... T>
  void fields(T&... values) {
    (field(values), ...);
  }

 private:
  void raw(const void* from, size_t size) { stream_.append(static_cast<const char*>(from), size); }
  void field(uint32_t& value) { raw(&value, sizeof value); }
  void field(uint64_t& value) { raw(&value, sizeof value); }
  void field(bool& value) { stream_.push_back(value ? '\1' : '\0'); }
  void field(const char*& text) {
    auto length = static_cast<uint32_t>(strlen(text));
    field(length);
    raw(text, length + 1);
  }
  template <typename T>
  void field(List<T>& list) {
    field(list.count);
    for (T& item : list) field(item);
  }
  template <typename T>
  void field(T& structure) {
    Layout<PlanWriter>{*this}(structure);
  }

  std::string stream_;
};

}  // namespace berth::launch
