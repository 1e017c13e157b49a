#include "sys/proc_fields.h"

#include <charconv>

namespace berth::sys {
namespace {

constexpr std::string_view kBlanks = " \t\n";

std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(kBlanks));
  text.remove_prefix(word.size());
  return word;
}

std::optional<uint64_t> to_number(std::string_view word) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return {};
  return value;
}

/// The rest of the line that starts with `key`.
std::optional<std::string_view> keyed_line(std::string_view text, std::string_view key) {
  for (size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    if (at != 0 && text[at - 1] != '\n') continue;
    std::string_view rest = text.substr(at + key.size());
    if (!rest.empty() && kBlanks.find(rest[0]) == std::string_view::npos) continue;
    return rest.substr(0, rest.find('\n'));
  }
  return {};
}

}  // namespace

std::optional<uint64_t> next_number(std::string_view& text) { return to_number(next_word(text)); }

std::optional<uint64_t> only_number(std::string_view text) { return next_number(text); }

std::optional<uint64_t> keyed_number(std::string_view text, std::string_view key) {
  auto line = keyed_line(text, key);
  if (!line) return {};
  return next_number(*line);
}

std::optional<StatFields> parse_stat(std::string_view text) {
  // The command name may hold spaces and parentheses: it ends at the last ')'.
  const size_t open = text.find('('), close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return {};
  StatFields fields;
  fields.name = text.substr(open + 1, close - open - 1);
  text.remove_prefix(close + 1);
  for (int number = 3; number <= 42; ++number) {
    const std::string_view word = next_word(text);
    if (word.empty()) return {};
    const uint64_t value = to_number(word).value_or(0);
    switch (number) {
      case 3:
        fields.state = word[0];
        break;
      case 4:
        fields.parent = static_cast<pid_t>(value);
        break;
      case 12:
        fields.major_faults = value;
        break;
      case 14:
        fields.user = value;
        break;
      case 15:
        fields.system = value;
        break;
      case 20:
        fields.threads = value;
        break;
      case 22:
        fields.started = value;
        break;
      case 42:
        fields.block_io = value;
        break;
      default:
        break;
    }
  }
  return fields;
}

std::optional<SchedFields> parse_schedstat(std::string_view text) {
  const auto on_cpu = next_number(text), waiting = next_number(text);
  if (!on_cpu || !waiting) return {};
  return SchedFields{*on_cpu, *waiting};
}

std::optional<StatusFields> parse_status(std::string_view text) {
  auto pids = keyed_line(text, "NSpid:");
  const auto voluntary = keyed_number(text, "voluntary_ctxt_switches:");
  const auto involuntary = keyed_number(text, "nonvoluntary_ctxt_switches:");
  if (!pids || !voluntary || !involuntary) return {};
  StatusFields fields{.voluntary = *voluntary, .involuntary = *involuntary};
  while (const auto pid = next_number(*pids)) fields.inner_pid = static_cast<pid_t>(*pid);
  if (const auto kilobytes = keyed_number(text, "VmRSS:")) fields.resident = *kilobytes * 1024;
  return fields;
}

std::optional<IoFields> parse_io(std::string_view text) {
  const auto read = keyed_number(text, "read_bytes:"), write = keyed_number(text, "write_bytes:");
  const auto cancelled = keyed_number(text, "cancelled_write_bytes:");
  if (!read || !write || !cancelled) return {};
  // A process is blamed for truncating what another wrote, so the difference can be below zero.
  return IoFields{*read, *write > *cancelled ? *write - *cancelled : 0};
}

}  // namespace berth::sys
