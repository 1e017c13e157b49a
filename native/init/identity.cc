#include "init/identity.h"

#include <sys/stat.h>

#include <cstring>

#include "init/account_file.h"
#include "sys/defence.h"
#include "sys/text.h"

namespace berth::init {
namespace {

using sys::Result;

constexpr sys::Error kNoSuchUser = {ENOENT, "passwd"};
constexpr sys::Error kBadNumber = {ERANGE, "passwd"};

enum class Number { kNone, kGood, kBad };

/// A string of digits is a number whatever the files say. 4294967295 is (uid_t)-1, which set*id(2) takes for "unchanged".
Number parse_id(const char* text, uint32_t& id) {
  if (*text == '\0') return Number::kNone;
  uint64_t value = 0;
  for (const char* c = text; *c != '\0'; ++c) {
    if (*c < '0' || *c > '9') return Number::kNone;
    value = value * 10 + static_cast<uint64_t>(*c - '0');
    if (value >= 0xffffffffULL && sys::holds("user-range")) return Number::kBad;
  }
  id = static_cast<uint32_t>(value);
  return Number::kGood;
}

/// Inside the container's root, so that wherever links lead, it is inside too.
Result<void> owner_of(const char* path, struct stat& status) {
  if (stat(path, &status) != 0) return kNoSuchUser;
  return {};
}

Result<void> find_user(const char* wanted, Identity& identity, bool& listed, char (&name)[128]) {
  uint32_t id = 0;
  Number number = parse_id(wanted, id);
  if (number == Number::kBad) return kBadNumber;
  if (wanted[0] == '/') {
    struct stat status;
    BERTH_TRY(owner_of(wanted, status));
    id = status.st_uid;
    number = Number::kGood;
  }
  if (number == Number::kGood) identity.uid = id;
  AccountFile passwd("/etc/passwd");
  char* fields[7];
  while (passwd.next(fields, 7)) {
    uint32_t uid = 0, gid = 0;
    if (parse_id(fields[2], uid) != Number::kGood || parse_id(fields[3], gid) != Number::kGood)
      continue;
    if (number == Number::kGood ? uid != id : strcmp(fields[0], wanted) != 0) continue;
    listed = true;
    identity.uid = uid;
    identity.gid = gid;
    sys::copy_text(name, fields[0]);
    if (fields[5][0] == '/') sys::copy_text(identity.home, fields[5]);
    return {};
  }
  if (number == Number::kNone) return kNoSuchUser;
  return {};
}

Result<void> add_group(Identity& identity, gid_t group) {
  for (size_t i = 0; i < identity.group_count; ++i) {
    if (identity.groups[i] == group) return {};
  }
  if (identity.group_count == sizeof identity.groups / sizeof identity.groups[0])
    return sys::Error{E2BIG, "passwd"};
  identity.groups[identity.group_count++] = group;
  return {};
}

bool lists_member(char* members, const char* name) {
  for (char* rest = members; *rest != '\0';) {
    const size_t length = strcspn(rest, ",");
    if (strlen(name) == length && strncmp(rest, name, length) == 0) return true;
    rest += length + (rest[length] == ',' ? 1 : 0);
  }
  return false;
}

Result<void> find_named_group(const char* wanted, gid_t& gid) {
  uint32_t id = 0;
  if (wanted[0] == '/') {
    struct stat status;
    BERTH_TRY(owner_of(wanted, status));
    gid = status.st_gid;
    return {};
  }
  switch (parse_id(wanted, id)) {
    case Number::kBad:
      return kBadNumber;
    case Number::kGood:
      gid = id;
      return {};
    case Number::kNone:
      break;
  }
  AccountFile group("/etc/group");
  char* fields[4];
  while (group.next(fields, 4)) {
    if (strcmp(fields[0], wanted) != 0 || parse_id(fields[2], id) != Number::kGood) continue;
    gid = id;
    return {};
  }
  return kNoSuchUser;
}

Result<void> find_memberships(const char* name, Identity& identity) {
  AccountFile group("/etc/group");
  char* fields[4];
  while (group.next(fields, 4)) {
    uint32_t gid = 0;
    if (parse_id(fields[2], gid) != Number::kGood || !lists_member(fields[3], name)) continue;
    BERTH_TRY(add_group(identity, gid));
  }
  return {};
}

}  // namespace

Result<void> find_identity(const launch::Process& process, Identity& identity, Progress& progress) {
  identity.uid = process.uid;
  identity.gid = process.gid;
  for (const uint32_t group : process.groups) BERTH_TRY(add_group(identity, group));
  for (const char* group : process.group_names) {
    progress.at("user", group);
    gid_t gid = 0;
    BERTH_TRY(find_named_group(group, gid));
    BERTH_TRY(add_group(identity, gid));
  }
  progress.at("user", process.user);

  char user[128];
  // Cut off, it could name somebody else.
  if (strlen(process.user) >= sizeof user) return kNoSuchUser;
  sys::copy_text(user, process.user);
  char* group = strchr(user, ':');
  if (group != nullptr) *group++ = '\0';
  const sys::Text<16> number(process.uid);

  bool listed = false;
  char name[128] = "";
  BERTH_TRY(find_user(user[0] == '\0' ? number.c_str() : user, identity, listed, name));
  if (process.user[0] == '\0') identity.gid = process.gid;  // the plan's numbers are final
  if (group != nullptr && *group != '\0') return find_named_group(group, identity.gid);
  // As Docker has it: groups from the file only where no group was named.
  if (process.user[0] != '\0' && listed) return find_memberships(name, identity);
  return {};
}

}  // namespace berth::init
