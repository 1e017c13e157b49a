// `exec`: one more program in a container that runs.
#pragma once

#include <string>
#include <vector>

#include "runtime/record.h"

namespace berth::runtime {

/// What the program is to be, where it is not as the container's own process is. `process`: a whole process object of the specification, and nothing else counts.
struct ExecProcess {
  std::string process;
  std::vector<std::string> args;
  bool terminal = false;
  std::string cwd;
  std::vector<std::string> env;           // NAME=VALUE
  std::string user;                       // UID[:GID]
  std::vector<std::string> groups;        // numbers
  std::vector<std::string> capabilities;  // on top
  bool no_new_privileges = false;
  std::string apparmor, process_label;
};

struct ExecRequest {
  ExecProcess process;
  std::string root;            // of the containers
  std::string pid_file;        // empty: none
  std::string console_socket;  // empty: none
  uint32_t preserved = 0;
  bool detach = false;
};

/// Gives 0 when detached, else the program's status as a shell has it. The program is then a child of whoever adopts this process's children, and ends with the container
/// at the latest.
int exec(const ContainerFolder& folder, const ExecRequest& request);

/// The config.json `text` with another process.
std::string config_with(const std::string& text, const ExecProcess& process);

}  // namespace berth::runtime
