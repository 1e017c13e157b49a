#include "init/journal.h"

#include <cstring>

#include "init/records.h"
#include "sys/journal.h"
#include "sys/timestamp.h"

namespace berth::init {
namespace {

constexpr size_t kNanoseconds = 9;
using Line = sys::Text<4096>;

/// As the text of a JSON string. Bytes that are no UTF-8 stay as they are: readers replace them.
void add_escaped(const char* from, sys::TextBase& text) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (; *from != '\0'; ++from) {
    const auto byte = static_cast<unsigned char>(*from);
    if (byte < ' ') {
      text.add("\\u00");
      text.add(kDigits[byte >> 4]);
      text.add(kDigits[byte & 15]);
    } else {
      if (byte == '"' || byte == '\\') text.add('\\');
      text.add(*from);
    }
  }
}

}  // namespace

void Journal::open(int root, const launch::Plan& plan) {
  root_ = root;
  id_.add(plan.id);
  const size_t length = strlen(plan.event);
  if (length < 2) return;
  const sys::Piece members = {plan.event + 1, length - 2};
  if (members.count <= kMostWhom) {
    whom_.add(members);
    find_name();
    return;
  }
  whom_.add("\"id\":\"");
  whom_.add(plan.id);
  whom_.add('"');
}

/// Names have nothing in them that JSON would escape.
void Journal::find_name() {
  constexpr char kMember[] = "\"name\":\"";
  const char* member = strstr(whom_.c_str(), kMember);
  if (member == nullptr) return;
  const char* name = member + sizeof kMember - 1;
  name_at_ = static_cast<size_t>(name - whom_.c_str());
  name_ends_ = name_at_ + strcspn(name, "\"");
  sys::copy_text(name_, ContainerName(sys::Piece{name, name_ends_ - name_at_}).c_str());
}

void Journal::add_whom(sys::TextBase& lines) const {
  if (name_ends_ == 0) return lines.add(whom_);
  sys::copy_text(name_, current_name(root_, id_.c_str(), name_).c_str());
  lines.add(sys::Piece{whom_.c_str(), name_at_});
  lines.add(name_);
  lines.add(whom_.c_str() + name_ends_);
}

void Journal::add(sys::TextBase& lines, const char* action, const sys::TextBase& attributes) const {
  lines.add("{\"time\":\"");
  lines.add(sys::now(kNanoseconds));
  lines.add("\",\"type\":\"container\",\"action\":\"");
  lines.add(action);
  lines.add("\",");
  add_whom(lines);
  lines.add(",\"attributes\":{");
  if (attributes.whole()) lines.add(attributes);
  lines.add("}}\n");
}

/// Nobody could be told of a failure, and it is no reason to end a container.
void Journal::write(const sys::TextBase& lines) const {
  if (whom_.size() > 0) (void)sys::append_to_journal(root_, lines.c_str(), lines.size());
}

void Journal::tell(const char* action, const sys::TextBase& attributes) const {
  Line line;
  add(line, action, attributes);
  write(line);
}

Journal::Attributes Journal::program(const launch::Process& process, pid_t pid) {
  Attributes text("\"pid\":", pid, ",\"command\":\"");
  // The arguments may be secrets.
  constexpr size_t kMostCommand = 128;
  char command[kMostCommand];
  sys::copy_text(command, process.args.count == 0 ? "" : process.args.items[0]);
  add_escaped(command, text);
  text.add('"');
  return text;
}

void Journal::tell_start(bool made, pid_t pid) const {
  sys::Text<2 * sizeof(Line)> lines;
  if (made) add(lines, "create", Attributes());
  add(lines, "start", Attributes("\"pid\":", pid));
  write(lines);
}

void Journal::tell_volume_gone(const char* name) const {
  const sys::Text<512> line("{\"time\":\"", sys::now(kNanoseconds).c_str(),
                            "\",\"type\":\"volume\",\"action\":\"destroy\",\"id\":\"", name,
                            "\",\"name\":\"", name, "\",\"image\":null,\"attributes\":{}}\n");
  write(line);
}

void Journal::tell_oom(const OomReport& killed) const {
  Attributes attributes;
  add_oom_members(killed, attributes);
  tell("oom", attributes);
}

void Journal::tell_end(const ExitStatus& exit) const {
  Attributes end("\"exit_code\":", exit.status, ",\"signal\":");
  if (exit.signal == 0) {
    end.add("null");
  } else {
    end.add(exit.signal);
  }
  end.add(exit.oom.kills > 0 ? ",\"oom_killed\":true" : ",\"oom_killed\":false");
  tell("die", end);
}

}  // namespace berth::init
