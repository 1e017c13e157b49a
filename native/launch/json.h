// A JSON document from outside, read without trust: every wrong type or missing member is noted with its place, and reading goes on with an empty value,
// so that parsing code stays a plain list of members.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::launch {

/// Collects what is wrong with one document; only the first is told.
class Faults {
 public:
  void add(const std::string& place, std::string_view problem) {
    if (first_.empty()) first_ = place + ": " + std::string(problem);
  }
  bool any() const { return !first_.empty(); }
  const std::string& first() const { return first_; }

 private:
  std::string first_;
};

/// One value and its place in the document, e.g. `config.json: linux.resources`.
class Json {
 public:
  Json(simdjson::dom::element value, std::string place, Faults& faults)
      : value_(value), place_(std::move(place)), faults_(&faults) {}

  bool present() const { return value_.has_value() && !value_->is_null(); }
  const std::string& place() const { return place_; }

  Json operator[](std::string_view key) const {
    const std::string place = place_ + (place_.ends_with(':') ? " " : ".") + std::string(key);
    if (!present()) return Json(place, *faults_);
    simdjson::dom::object object;
    if (value_->get_object().get(object) != simdjson::SUCCESS) {
      faults_->add(place_, "must be an object");
      return Json(place, *faults_);
    }
    simdjson::dom::element member;
    if (object.at_key(key).get(member) != simdjson::SUCCESS) return Json(place, *faults_);
    return Json(member, place, *faults_);
  }

  /// A string without NUL, which no path or argument can hold; `fallback` when absent.
  std::string_view text(std::string_view fallback = "") const {
    if (!present()) return fallback;
    std::string_view text;
    if (value_->get_string().get(text) != simdjson::SUCCESS) {
      fault("must be a string");
      return fallback;
    }
    if (text.find('\0') != std::string_view::npos) {
      fault("must not contain NUL");
      return fallback;
    }
    return text;
  }
  std::string_view required_text() const {
    if (!present()) fault("is missing");
    return text();
  }
  bool boolean(bool fallback = false) const {
    if (!present()) return fallback;
    bool value = fallback;
    if (value_->get_bool().get(value) != simdjson::SUCCESS) fault("must be true or false");
    return value;
  }
  int64_t integer(int64_t least, int64_t most, int64_t fallback = 0) const {
    if (!present()) return fallback;
    int64_t value = fallback;
    if (value_->get_int64().get(value) != simdjson::SUCCESS) {
      fault("must be a whole number");
      return fallback;
    }
    if (value < least || value > most) {
      fault("must lie between " + std::to_string(least) + " and " + std::to_string(most));
      return fallback;
    }
    return value;
  }
  uint32_t id(uint32_t fallback = 0) const {
    return static_cast<uint32_t>(integer(0, 0xfffffffeLL, fallback));
  }
  uint64_t unsigned_integer(uint64_t fallback = 0) const {
    if (!present()) return fallback;
    uint64_t value = fallback;
    if (value_->get_uint64().get(value) != simdjson::SUCCESS)
      fault("must be a whole number, 0 or more");
    return value;
  }

  /// Calls `visit(Json)` for each item of an array; an absent one has none.
  template <typename Visit>
  void each(Visit&& visit) const {
    if (!present()) return;
    simdjson::dom::array array;
    if (value_->get_array().get(array) != simdjson::SUCCESS) return fault("must be an array");
    size_t index = 0;
    for (simdjson::dom::element item : array)
      visit(Json(item, place_ + "[" + std::to_string(index++) + "]", *faults_));
  }
  /// Calls `visit(key, Json)` for each member of an object.
  template <typename Visit>
  void each_member(Visit&& visit) const {
    if (!present()) return;
    simdjson::dom::object object;
    if (value_->get_object().get(object) != simdjson::SUCCESS) return fault("must be an object");
    for (auto member : object)
      visit(member.key, Json(member.value, place_ + "." + std::string(member.key), *faults_));
  }

  void fault(std::string_view problem) const { faults_->add(place_, problem); }
  /// The value as compact JSON.
  std::string minified() const {
    return present() ? std::string(simdjson::minify(*value_)) : std::string();
  }

 private:
  Json(std::string place, Faults& faults) : place_(std::move(place)), faults_(&faults) {}

  std::optional<simdjson::dom::element> value_;
  std::string place_;
  Faults* faults_;
};

}  // namespace berth::launch
