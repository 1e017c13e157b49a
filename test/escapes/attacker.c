// What a hostile program does that a shell cannot: `attacker WHAT [PATHS]` prints what it reached, or nothing.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const long kNewUser = 0x10000000;

/// As the 32-bit world has it, by the gate that takes its numbers.
static long call_32_bit(long number, long argument) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(argument) : "memory");
  return result;
}

/// Swaps two names for ever; says so once it does.
_Noreturn static void flip(const char* a, const char* b) {
  puts("flipping");
  fflush(stdout);
  for (;;) syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2 /* RENAME_EXCHANGE */);
}

/// Ends once it has seen a process that comes into the container before that is the program it is to be: whom it may look at, it may change.
static int watch(void) {
  const int own = getpid();
  // Its last field is the newest process of this pid namespace (proc(5)).
  const int newest = open("/proc/loadavg", O_RDONLY);
  for (;;) {
    char text[128] = {0}, path[32], program[64] = {0};
    if (pread(newest, text, sizeof text - 1, 0) <= 0) return 1;
    const int pid = atoi(strrchr(text, ' ') + 1);
    if (pid == own) continue;
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    if (readlink(path, program, sizeof program - 1) > 0 && strncmp(program, "/bin/", 5) != 0) return 0;
  }
}

int main(int count, char** words) {
  const char* what = count > 1 ? words[1] : "";
  if (strcmp(what, "flip") == 0 && count == 4) flip(words[2], words[3]);
  if (strcmp(what, "watch") == 0) return watch();
  if (strcmp(what, "root") == 0 && geteuid() == 0 && getuid() != 0) puts("became root");
  if (strcmp(what, "unshare") == 0 && unshare(CLONE_NEWUSER) == 0) puts("a user namespace by unshare");
  if (strcmp(what, "clone") == 0) {
    const long child = syscall(SYS_clone, kNewUser | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) _exit(0);
    if (child > 0) puts("a user namespace by clone");
    while (wait(NULL) > 0) {
    }
  }
  if (strcmp(what, "gate") == 0 && call_32_bit(20 /* getpid */, 0) > 0) puts("the 32-bit gate");
  if (strcmp(what, "32-bit") == 0 && call_32_bit(310 /* unshare */, kNewUser) == 0)
    puts("a user namespace by the 32-bit gate");
  return 0;
}
