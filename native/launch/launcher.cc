#include "launch/launcher.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "launch/json.h"
#include "launch/launch_facts.h"
#include "launch/oci_config.h"
#include "launch/plan_writer.h"
#include "launch/resources.h"
#include "launch/running_supervisor.h"
#include "sys/defence.h"
#include "sys/kernel.h"
#include "sys/parked_threads.h"
#include "sys/process.h"
#include "sys/remove_tree.h"
#include "sys/sealed_file.h"
#include "sys/spare_folders.h"
#include "sys/spawn.h"
#include "sys/write_all.h"

namespace berth::launch {
namespace {

using sys::Fd;
using sys::Result;

/// Takes back what was done, last first, unless the launch succeeds.
class Undo {
 public:
  ~Undo() {
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) (*step)();
  }
  void add(std::function<void()> step) { steps_.push_back(std::move(step)); }
  void forget() { steps_.clear(); }

 private:
  std::vector<std::function<void()>> steps_;
};

Failure bad_document(const std::string& problem) {
  Failure failure;
  failure.code = "BAD_CONFIG";
  failure.path = problem;
  failure.step = "config";
  return failure;
}

/// Work that somebody else does meanwhile. std::binary_semaphore would spin on a processor that the work may need.
class Meanwhile {
 public:
  /// Here and now where there is no thread for it.
  explicit Meanwhile(const std::function<void()>& work) {
    const auto act = [this, work] {
      work();
      const std::lock_guard lock(mutex_);
      done_ = true;
      changed_.notify_one();
    };
    if (!sys::ParkedThreads::shared().run(act)) act();
  }
  Meanwhile(const Meanwhile&) = delete;
  Meanwhile& operator=(const Meanwhile&) = delete;
  ~Meanwhile() { wait(); }

  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return done_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
};

/// An error with the path it is about.
struct Trouble {
  sys::Error error;
  std::string path;
};

std::optional<Trouble> make_directory(const std::string& path, mode_t mode, Undo& undo) {
  if (mkdir(path.c_str(), mode) != 0) return Trouble{sys::last_error("mkdir"), path};
  undo.add([path] { (void)sys::remove_tree(AT_FDCWD, path.c_str()); });
  return {};
}

/// Whole or not at all: who reads it while the container is started once more knows the container by its durable record, and must not read half of one.
std::optional<Trouble> write_document(const std::string& directory, const char* name,
                                      std::initializer_list<const std::string*> parts) {
  const std::string path = directory + "/" + name;
  const std::string temporary = directory + "/." + name;
  const Fd file(
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return Trouble{sys::last_error("open"), temporary};
  for (const std::string* part : parts) {
    if (const auto written = sys::write_all(file.get(), part->data(), part->size()); !written)
      return Trouble{written.error(), temporary};
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return Trouble{sys::last_error("rename"), path};
  return {};
}

/// The upper directory is the container's `/`: it must look as the image's own does. `kept`: it may be there already.
std::optional<Trouble> make_upper(const Plan& plan, const std::string& container, bool kept) {
  const std::string upper = container + "/upper";
  const auto& rootfs = plan.rootfs;
  const std::string top = rootfs.layers.count == 0
                              ? std::string(rootfs.tree)
                              : std::string(rootfs.base) + "/" + rootfs.layers.items[0];
  struct stat wanted, status;
  if (stat(top.c_str(), &wanted) != 0) return Trouble{sys::last_error("stat"), top};
  if (mkdir(upper.c_str(), 0700) != 0 && !(kept && errno == EEXIST))
    return Trouble{sys::last_error("mkdir"), upper};
  if (stat(upper.c_str(), &status) != 0) return Trouble{sys::last_error("stat"), upper};
  if ((wanted.st_uid != status.st_uid || wanted.st_gid != status.st_gid) &&
      chown(upper.c_str(), wanted.st_uid, wanted.st_gid) != 0)
    return Trouble{sys::last_error("chown"), upper};
  if (wanted.st_mode != status.st_mode && chmod(upper.c_str(), wanted.st_mode & 07777) != 0)
    return Trouble{sys::last_error("chmod"), upper};
  return {};
}

/// A container that leaves nothing takes what another has left untouched: that of `spare`, if there is one and nobody else has taken it, else any.
bool take_spare_folder(Plan& plan, const std::string& container,
                       std::optional<SpareOverlays::Spare>& spare) {
  const std::string root = std::string(plan.root) + "/";
  const Fd directory(open(plan.root, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!plan.remove_when_done || plan.kept || !container.starts_with(root) || !directory) {
    // Its supervisor would keep one that it does not know of.
    spare.reset();
    return false;
  }
  const char* const path = container.c_str() + root.size();
  if (spare && sys::take_spare_folder(directory.get(), path, spare->folder.c_str())) {
    plan.rootfs.made = true;
    return true;
  }
  spare.reset();
  return sys::take_spare_folder(directory.get(), path);
}

std::optional<Trouble> make_directories(const LaunchRequest& request, Plan& plan,
                                        const LaunchFacts& facts,
                                        std::optional<SpareOverlays::Spare>& overlay, Undo& undo) {
  const std::string state = plan.state_directory;
  if (auto trouble = make_directory(state, 0700, undo)) return trouble;
  auto config = {&request.config, &request.seccomp, &request.config_end};
  if (auto trouble = write_document(state, "config.json", config)) return trouble;
  if (auto trouble = write_document(state, "launch.json", {&request.launch})) return trouble;
  // By this one others know the container: it appears after the rest.
  if (auto trouble = write_document(state, "container.json", {&request.container})) return trouble;
  const std::string& container = facts.container_directory;
  const bool spare = take_spare_folder(plan, container, overlay);
  if (!spare && mkdir(container.c_str(), 0700) != 0 && errno != EEXIST)
    return Trouble{sys::last_error("mkdir"), container};
  if (!plan.kept) undo.add([container] { (void)sys::remove_tree(AT_FDCWD, container.c_str()); });
  if (plan.rootfs.layers.count > 0 || *plan.rootfs.tree != '\0') {
    // What a container that ran before has written is in its upper directory still.
    const bool ran = plan.kept && access((container + "/work").c_str(), F_OK) == 0;
    if (ran || plan.rootfs.made) return {};
    // Of a launch that was killed in the middle: it is empty, and may have the wrong mode.
    if (auto trouble = make_upper(plan, container, plan.kept || spare)) return trouble;
    if (!spare && mkdir((container + "/work").c_str(), 0700) != 0)
      return Trouble{sys::last_error("mkdir"), container + "/work"};
  }
  return {};
}

Result<Fd> plan_file(Plan& plan) {
  const std::string stream = PlanWriter::write(plan);
  if (stream.size() > kPlanLimit) return sys::Error{E2BIG, "memfd_create"};
  return sys::sealed_file("berth-plan", stream.data(), stream.size(), 0400);
}

/// Starts the supervisor in the cgroup that all supervisors of the root share (none: in this process's own). That one may be removed at any moment by whoever
/// clears up after the last container; then it is made again.
Result<sys::Spawned> spawn_supervisor(const std::string& cgroup, sys::SpawnRequest request) {
  if (cgroup.empty()) return sys::spawn(request);
  constexpr int kTries = 20;
  for (int attempt = 0;; ++attempt) {
    if (mkdir(cgroup.c_str(), 0755) != 0 && errno != EEXIST) return sys::last_error("mkdir");
    const Fd directory(open(cgroup.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (directory) {
      request.cgroup = directory.get();
      auto spawned = sys::spawn(request);
      if (spawned || spawned.error().number != ENODEV || attempt == kTries) return spawned;
    } else if (errno != ENOENT || attempt == kTries) {
      return sys::last_error("open");
    }
  }
}

struct Supervisor {
  int program;
  const char* const* argv;
  const int* client;  // stdin, stdout, stderr
  int id_range;       // or the first process to join
  int held;
  int launching;
  int overlay;
  bool own_pid_namespace;
};

Result<Launched> start_supervisor(Plan& plan, const LaunchFacts& facts,
                                  const Supervisor& supervisor) {
  BERTH_ASSIGN(const Fd plan_fd, plan_file(plan));
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return sys::last_error("socketpair");
  Fd ours(ends[0]);
  const Fd theirs(ends[1]);
  BERTH_ASSIGN(const Fd nowhere, sys::adopt(open("/dev/null", O_RDWR | O_CLOEXEC), "open"));
  const char* const envp[] = {sys::weakness_variable(), nullptr};
  const auto client = [&](int number) {
    const int fd = supervisor.client[number];
    return fd >= 0 ? fd : nowhere.get();
  };
  const int inherited[kInheritedEnd] = {
      client(0), client(1), client(2), plan_fd.get(), theirs.get(), supervisor.id_range,
      supervisor.held,
      // It takes what it finds there for its own.
      supervisor.launching >= 0 ? supervisor.launching : nowhere.get(), supervisor.overlay};
  BERTH_ASSIGN(const sys::Spawned spawned,
               spawn_supervisor(facts.cgroups.supervisors,
                                {supervisor.program, supervisor.argv, envp, inherited,
                                 kInheritedEnd, -1, supervisor.own_pid_namespace}));
  return Launched{spawned.pid, std::move(ours)};
}

/// Of a supervisor that waits for the word to begin: it does nothing.
void call_off(Launched& launched) {
  launched.leash.reset();
  sys::retry_interrupted([&] { return waitpid(launched.supervisor, nullptr, __WALL); });
}

}  // namespace

Result<int> Launcher::supervisor_program(const std::string& path, const Plan& plan) {
  const std::lock_guard lock(mutex_);
  if (!program_ || program_path_ != path) {
    const std::string state = plan.state_directory;
    program_ = running_supervisor(path, state.substr(0, state.rfind('/')));
    if (!program_) {
      BERTH_ASSIGN(program_, sys::sealed_program(path.c_str()));
    }
    program_path_ = path;
  }
  return program_.get();
}

std::optional<Failure> Launcher::read(const std::string& config, const std::string& seccomp_text,
                                      const std::string& launch, Description& description) {
  Faults faults;
  simdjson::dom::parser config_parser, launch_parser;
  simdjson::dom::element config_document, launch_document;
  if (const auto error = config_parser.parse(config).get(config_document))
    return bad_document(std::string("config.json: ") + simdjson::error_message(error));
  if (const auto error = launch_parser.parse(launch).get(launch_document))
    return bad_document(std::string("launch.json: ") + simdjson::error_message(error));
  auto& [store, plan, limits, facts] = description;
  const Json config_json(config_document, "config.json:", faults);
  read_oci_config(config_json, store, plan, limits);
  facts = read_launch_facts(Json(launch_document, "launch.json:", faults), store, plan);
  if (faults.any()) return bad_document(faults.first());

  const Json seccomp = config_json["linux"]["seccomp"];
  if (!seccomp.present() && seccomp_text.empty()) return {};
  auto compiled = seccomp_text.empty()
                      ? seccomp_.compile(seccomp, facts.seccomp_directory)
                      : seccomp_.compile_text(seccomp_text, faults, facts.seccomp_directory);
  if (faults.any()) return bad_document(faults.first());
  if (auto* failure = std::get_if<Failure>(&compiled)) return *failure;
  plan.seccomp = store.list(std::move(std::get<SeccompProgram>(compiled)));
  return {};
}

std::optional<SpareOverlays::Spare> Launcher::take_spare(Plan& plan, SpareOverlays::Kind& kind) {
  plan.rootfs.reusable = plan.remove_when_done && !plan.kept && reached_by_nobody_else(plan);
  if (!plan.rootfs.reusable || spares_ == nullptr) return {};
  kind = SpareOverlays::Kind::of(plan);
  plan.rootfs.returned = !kind.rest.empty();
  return spares_->take(kind);
}

std::variant<Launched, Failure> Launcher::launch(const LaunchRequest& request) {
  Description description;
  const std::string& seccomp = request.seccomp;
  const std::string config =
      seccomp.empty() ? request.config : request.config + "null" + request.config_end;
  if (const auto failure = read(config, seccomp, request.launch, description)) return *failure;
  Plan& plan = description.plan;
  const LaunchFacts& facts = description.facts;
  auto program = supervisor_program(request.supervisor, plan);
  if (!program) return Failure(program.error(), "supervisor", request.supervisor);

  if (auto failure = mount_layers(facts.images)) return std::move(*failure);
  SpareOverlays::Kind kind;
  auto spare = take_spare(plan, kind);
  Undo undo;
  std::variant<std::monostate, Failure> cgroups;
  // A dozen calls each to file systems that know nothing of each other; and a program takes as long to start.
  Meanwhile making_cgroups([&] { cgroups = make_cgroups(facts.cgroups, description.limits); });
  const auto trouble = make_directories(request, plan, facts, spare, undo);
  const char* const argv[] = {"berth-init", "--root", plan.root, plan.id, nullptr};
  const auto start = [&] {
    return start_supervisor(
        plan, facts,
        {*program, argv, request.client, request.id_range, request.held, request.launching,
         spare ? spare->overlay.get() : -1, (plan.namespaces & sys::kernel::kCloneNewPid) != 0});
  };
  auto launched = trouble ? Result<Launched>(trouble->error) : start();
  making_cgroups.wait();
  if (auto* failure = std::get_if<Failure>(&cgroups)) {
    if (launched) call_off(*launched);
    return *failure;
  }
  undo.add([&facts] { remove_cgroups(facts.cgroups); });
  if (trouble) return Failure(trouble->error, "directories", trouble->path);
  // ENOENT: what the cgroup of supervisors lies in was not there yet.
  if (!launched && launched.error().number == ENOENT) launched = start();
  if (!launched) {
    const std::string& cgroup = facts.cgroups.supervisors;
    return Failure(launched.error(), "supervisor", cgroup.empty() ? request.supervisor : cgroup);
  }
  // If it is gone already, that is told by its leash.
  (void)send(launched->leash.get(), "g", 1, MSG_NOSIGNAL);
  undo.forget();
  if (plan.rootfs.returned) spares_->expect(launched->supervisor, plan.id, std::move(kind));
  return std::move(*launched);
}

std::variant<Launched, Failure> Launcher::exec(const ExecRequest& request) {
  Description description;
  if (const auto failure = read(request.config, "", request.launch, description)) return *failure;
  Plan& plan = description.plan;
  change_process(request.change, description.store, plan);
  auto program = supervisor_program(request.supervisor, plan);
  if (!program) return Failure(program.error(), "supervisor", request.supervisor);
  const Fd proc(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!proc) return Failure(sys::last_error("open"), "supervisor", "/proc");
  auto task = sys::open_process(proc.get(), request.pid, request.started);
  if (!task) return Failure(task.error(), "join", "");
  const char* const argv[] = {"berth-init", kExecRole, "--root", plan.root, plan.id, nullptr};
  // Not in a pid namespace of its own: from there the container's could not be joined (setns(2)).
  auto launched = start_supervisor(
      plan, description.facts, {*program, argv, request.client, task->get(), -1, -1, -1, false});
  if (!launched) return Failure(launched.error(), "supervisor", request.supervisor);
  return std::move(*launched);
}

std::variant<std::monostate, Failure> update_limits(const std::string& cgroup,
                                                    const std::string& before,
                                                    const std::string& after) {
  Faults faults;
  simdjson::dom::parser parsers[3];
  const auto document = [&](size_t index, const std::string& text, const char* name) {
    simdjson::dom::element element;
    if (const auto error = parsers[index].parse(text).get(element))
      faults.add(name, simdjson::error_message(error));
    return Json(element, name, faults);
  };
  const Json places = document(0, cgroup, "launch.json: cgroup");
  const Json old_resources = document(1, before, "config.json: linux.resources");
  const Json new_resources = document(2, after, "config.json: linux.resources");
  if (faults.any()) return bad_document(faults.first());
  const CgroupPlaces where = read_cgroup_places(places);
  const Limits old_limits = read_resources(old_resources);
  const Limits new_limits = read_resources(new_resources);
  if (faults.any()) return bad_document(faults.first());
  return update_cgroups(where, old_limits, new_limits);
}

}  // namespace berth::launch
