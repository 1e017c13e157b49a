// Keeps what a Plan points to while it is put together.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "launch/plan.h"

namespace berth::launch {

class PlanStore {
 public:
  const char* text(std::string_view text) { return texts_.emplace_back(text).c_str(); }

  template <typename T>
  List<T> list(std::vector<T> items) {
    auto kept = std::make_shared<std::vector<T>>(std::move(items));
    lists_.push_back(kept);
    return {kept->data(), static_cast<uint32_t>(kept->size())};
  }

 private:
  std::deque<std::string> texts_;
  std::vector<std::shared_ptr<void>> lists_;
};

}  // namespace berth::launch
