#include "launch/filter_program.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <set>

namespace berth::launch {
namespace {

// linux/bpf_common.h, as far as libseccomp uses it.
constexpr uint16_t kLoad = 0x20, kJump = 0x05, kEqual = 0x15, kGreater = 0x25, kAtLeast = 0x35,
                   kAnySet = 0x45, kReturn = 0x06, kAnd = 0x54;
constexpr uint32_t kNumberAt = 0, kArchitectureAt = 4;
constexpr uint32_t kKillProcess = 0x80000000;
constexpr size_t kFarthest = 255;

struct Instruction {
  uint16_t code = 0;
  uint8_t if_true = 0, if_false = 0;
  uint32_t value = 0;

  static Instruction of(uint64_t word) {
    return {static_cast<uint16_t>(word), static_cast<uint8_t>(word >> 16),
            static_cast<uint8_t>(word >> 24), static_cast<uint32_t>(word >> 32)};
  }
  uint64_t word() const {
    return uint64_t{code} | uint64_t{if_true} << 16 | uint64_t{if_false} << 24 |
           uint64_t{value} << 32;
  }
  bool compares() const {
    return code == kEqual || code == kGreater || code == kAtLeast || code == kAnySet;
  }
  bool holds(uint32_t a) const {
    switch (code) {
      case kEqual:
        return a == value;
      case kGreater:
        return a > value;
      case kAtLeast:
        return a >= value;
      default:
        return (a & value) != 0;
    }
  }
};

/// What a call comes to once its architecture and number are known: an answer, or the place in the program that looks at its arguments.
struct Outcome {
  bool decided = false;
  uint32_t value = 0;
  bool operator==(const Outcome& other) const {
    return decided == other.decided && value == other.value;
  }
};

/// All numbers from `first` up to the next one's.
struct Interval {
  uint32_t first = 0;
  Outcome outcome;
};

/// A program taken apart.
class Original {
 public:
  explicit Original(const SeccompProgram& program) : program_(program) {}

  Instruction at(size_t place) const { return Instruction::of(program_[place]); }

  /// Finds what architectures and numbers are compared with. False: the program does something that is not understood.
  bool survey() {
    std::set<std::pair<size_t, int>> seen;
    return walk(0, kNothing, seen);
  }

  const std::set<uint32_t>& architectures() const { return architectures_; }

  std::vector<Interval> intervals(uint32_t architecture) const {
    std::set<uint32_t> starts = {0};
    for (const uint32_t number : numbers_) {
      starts.insert(number);
      if (number != UINT32_MAX) starts.insert(number + 1);
    }
    std::vector<Interval> list;
    for (const uint32_t first : starts) {
      const Outcome outcome = outcome_of(architecture, first);
      if (list.empty() || !(list.back().outcome == outcome)) list.push_back({first, outcome});
    }
    return list;
  }

  /// The places that can be come to from there.
  void reach(size_t place, std::set<size_t>& places) const {
    if (!places.insert(place).second) return;
    const Instruction here = at(place);
    if (here.code == kReturn) return;
    if (here.code == kJump) return reach(place + 1 + here.value, places);
    if (!here.compares()) return reach(place + 1, places);
    reach(place + 1 + here.if_true, places);
    reach(place + 1 + here.if_false, places);
  }

 private:
  enum Loaded { kNothing, kArchitecture, kNumber };

  bool walk(size_t place, int loaded, std::set<std::pair<size_t, int>>& seen) {
    if (place >= program_.size()) return false;
    if (!seen.insert({place, loaded}).second) return true;
    const Instruction here = at(place);
    switch (here.code) {
      case kReturn:
        return true;
      case kJump:
        return walk(place + 1 + here.value, loaded, seen);
      case kLoad:
        if (here.value == kArchitectureAt) return walk(place + 1, kArchitecture, seen);
        if (here.value == kNumberAt) return walk(place + 1, kNumber, seen);
        return walk_rest(place);
      case kEqual:
      case kGreater:
      case kAtLeast:
        if (loaded == kNothing || (loaded == kArchitecture && here.code != kEqual)) return false;
        (loaded == kArchitecture ? architectures_ : numbers_).insert(here.value);
        if (here.code == kGreater && here.value == UINT32_MAX) return false;
        return walk(place + 1 + here.if_true, loaded, seen) &&
               walk(place + 1 + here.if_false, loaded, seen);
      default:
        return false;
    }
  }

  /// What looks at arguments stays as it is; it has to be known only where it leads.
  bool walk_rest(size_t place) {
    if (place >= program_.size()) return false;
    if (!rest_.insert(place).second) return true;
    const Instruction here = at(place);
    if (here.code == kReturn) return true;
    if (here.code == kJump) return walk_rest(place + 1 + here.value);
    if (here.code == kLoad || here.code == kAnd) return walk_rest(place + 1);
    return here.compares() && walk_rest(place + 1 + here.if_true) &&
           walk_rest(place + 1 + here.if_false);
  }

  Outcome outcome_of(uint32_t architecture, uint32_t number) const {
    uint32_t a = 0;
    for (size_t place = 0;;) {
      const Instruction here = at(place++);
      if (here.code == kReturn) return {true, here.value};
      if (here.code == kJump) {
        place += here.value;
      } else if (here.code == kLoad && here.value == kArchitectureAt) {
        a = architecture;
      } else if (here.code == kLoad && here.value == kNumberAt) {
        a = number;
      } else if (here.code == kLoad) {
        return {false, static_cast<uint32_t>(place - 1)};
      } else {
        place += here.holds(a) ? here.if_true : here.if_false;
      }
    }
  }

  const SeccompProgram& program_;
  std::set<uint32_t> architectures_, numbers_;
  std::set<size_t> rest_;
};

/// Puts the new program together. Places that look at arguments are only known at the end: until then a jump there has the old place.
class Assembly {
 public:
  explicit Assembly(const Original& original) : original_(original) {}

  void add_architecture(uint32_t architecture, const std::vector<Interval>& intervals) {
    const SeccompProgram block = block_of(intervals);
    code_.push_back(Instruction{kEqual, 0, 1, architecture}.word());
    code_.push_back(Instruction{kJump, 0, 0, 0}.word());
    blocks_.push_back({code_.size() - 1, block});
  }

  std::optional<SeccompProgram> finish(const std::vector<Interval>& others) {
    append(block_of(others));
    for (const auto& [jump, block] : blocks_) {
      code_[jump] = Instruction{kJump, 0, 0, static_cast<uint32_t>(code_.size() - jump - 1)}.word();
      append(block);
    }
    return add_rest();
  }

 private:
  /// Not in the kernel's language: go on at this place of the original.
  static constexpr uint16_t kOriginal = 0xffff;

  void append(const SeccompProgram& more) { code_.insert(code_.end(), more.begin(), more.end()); }

  SeccompProgram block_of(const std::vector<Interval>& intervals) {
    SeccompProgram block;
    if (intervals.size() > 1) block.push_back(Instruction{kLoad, 0, 0, kNumberAt}.word());
    const SeccompProgram tree = tree_of(intervals, 0, intervals.size());
    block.insert(block.end(), tree.begin(), tree.end());
    return block;
  }

  SeccompProgram tree_of(const std::vector<Interval>& intervals, size_t from, size_t to) {
    if (to - from == 1) {
      const Outcome& outcome = intervals[from].outcome;
      if (!outcome.decided) original_.reach(outcome.value, rest_);
      return {Instruction{outcome.decided ? kReturn : kOriginal, 0, 0, outcome.value}.word()};
    }
    const size_t middle = from + (to - from) / 2;
    const SeccompProgram below = tree_of(intervals, from, middle),
                         above = tree_of(intervals, middle, to);
    SeccompProgram tree;
    const uint32_t first = intervals[middle].first;
    if (below.size() <= kFarthest) {
      tree.push_back(Instruction{kAtLeast, static_cast<uint8_t>(below.size()), 0, first}.word());
    } else {
      tree.push_back(Instruction{kAtLeast, 0, 1, first}.word());
      tree.push_back(Instruction{kJump, 0, 0, static_cast<uint32_t>(below.size())}.word());
    }
    tree.insert(tree.end(), below.begin(), below.end());
    tree.insert(tree.end(), above.begin(), above.end());
    return tree;
  }

  std::optional<SeccompProgram> add_rest() {
    std::map<size_t, size_t> moved;
    for (const size_t place : rest_) moved.emplace(place, code_.size() + moved.size());
    for (size_t i = 0; i < code_.size(); ++i) {
      const Instruction here = Instruction::of(code_[i]);
      if (here.code == kOriginal)
        code_[i] =
            Instruction{kJump, 0, 0, static_cast<uint32_t>(moved.at(here.value) - i - 1)}.word();
    }
    for (const size_t place : rest_) {
      Instruction here = original_.at(place);
      const auto distance = [&](size_t by) {
        return moved.at(place + 1 + by) - moved.at(place) - 1;
      };
      if (here.code == kJump) {
        here.value = static_cast<uint32_t>(distance(here.value));
      } else if (here.compares()) {
        // Only what lay between was left out: nothing is farther than it was.
        here.if_true = static_cast<uint8_t>(distance(here.if_true));
        here.if_false = static_cast<uint8_t>(distance(here.if_false));
      } else if (here.code != kReturn && distance(0) != 0) {
        return {};
      }
      code_.push_back(here.word());
    }
    return code_;
  }

  const Original& original_;
  SeccompProgram code_ = {Instruction{kLoad, 0, 0, kArchitectureAt}.word()};
  std::vector<std::pair<size_t, SeccompProgram>> blocks_;
  std::set<size_t> rest_;
};

/// For each architecture and each number at which an answer changes, with what the arguments are compared with and the neighbours of that.
bool decides_the_same(const SeccompProgram& one, const SeccompProgram& other,
                      const std::set<uint32_t>& architectures) {
  std::set<uint32_t> values = {0, UINT32_MAX};
  for (const uint64_t word : one) {
    const Instruction here = Instruction::of(word);
    if (!here.compares()) continue;
    for (const uint32_t value : {here.value - 1, here.value, here.value + 1}) values.insert(value);
  }
  const std::vector<uint32_t> arguments(values.begin(), values.end());
  uint64_t turn = 0;
  for (const uint32_t architecture : architectures) {
    for (const uint32_t number : values) {
      constexpr int kRounds = 16;
      for (int round = 0; round < kRounds; ++round) {
        SystemCall call = {number, architecture};
        for (uint64_t& argument : call.arguments) {
          turn = turn * 6364136223846793005U + 1442695040888963407U;
          const uint64_t low = arguments[(turn >> 33) % arguments.size()];
          argument = round % 2 == 0 ? low : low | turn << 32;
        }
        if (decide(one, call) != decide(other, call)) return false;
      }
    }
  }
  return true;
}

}  // namespace

uint32_t decide(const SeccompProgram& program, const SystemCall& call) {
  static_assert(sizeof call == 64);
  uint32_t a = 0;
  for (size_t place = 0; place < program.size();) {
    const Instruction here = Instruction::of(program[place++]);
    if (here.code == kReturn) return here.value;
    if (here.code == kJump) {
      place += here.value;
    } else if (here.code == kLoad && here.value <= sizeof call - sizeof a) {
      memcpy(&a, reinterpret_cast<const char*>(&call) + here.value, sizeof a);
    } else if (here.code == kAnd) {
      a &= here.value;
    } else if (here.compares()) {
      place += here.holds(a) ? here.if_true : here.if_false;
    } else {
      break;
    }
  }
  return kKillProcess;
}

SeccompProgram compacted(const SeccompProgram& program) {
  Original original(program);
  if (program.empty() || !original.survey()) return program;
  // Any that is none of those.
  uint32_t another = 1;
  while (original.architectures().contains(another)) ++another;
  Assembly assembly(original);
  for (const uint32_t architecture : original.architectures())
    assembly.add_architecture(architecture, original.intervals(architecture));
  const auto made = assembly.finish(original.intervals(another));
  if (!made || made->size() >= program.size()) return program;
  std::set<uint32_t> architectures = original.architectures();
  architectures.insert(another);
  return decides_the_same(program, *made, architectures) ? *made : program;
}

}  // namespace berth::launch
