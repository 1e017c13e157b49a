# ./dev vm, cluster and test-vm: guests with pure cgroup v2. Sourced by ./dev.
vm_packages=(qemu-system-x86 busybox-static cpio lz4 xz-utils zstd kmod e2fsprogs util-linux iproute2)

# vm [OPTIONS] -- CMD…: see test/vm/run --help.
verb_vm() {
  need_packages "${vm_packages[@]}"
  cd "$called_from" || exit
  exec "$here/test/vm/run" "$@"
}

# cluster VERB…: see test/vm/cluster --help.
verb_cluster() {
  need_packages "${vm_packages[@]}"
  cd "$called_from" || exit
  exec "$here/test/vm/cluster" "$@"
}

# What is privileged, in the guest as on the host, from one definition. The quick ones are about what the kernel enforces, and start containers
# in their own process; many of the others call the command line, whose Node takes two seconds to start there.
quick_guest_tests=(test/container/{cgroup-limits,limits,change,confinement,escapes,program,regressions,scope}.test test/native test/containerizer)
all_guest_tests=(test/container test/native test/containerizer test/escapes test/image test/leaks test/inspect test/cli test/e2e test/network test/runtime test/front)

# test-vm [--quick | FILES]: the tests that need root in one guest; without --quick or FILES also what boots guests itself.
verb_test_vm() {
  verb_setup
  need_packages "${test_packages[@]}" "${vm_packages[@]}"
  tap_plugins
  test_programs
  case " ${*:-/escapes/} " in */escapes/*) weakened_build ;; esac
  local files=("$@") status=0
  case ${1:-} in
    --quick) mapfile -t files < <(compiled_tests "${quick_guest_tests[@]}") ;;
    '') mapfile -t files < <(compiled_tests "${all_guest_tests[@]}") ;;
  esac
  TAP_TIMEOUT=3600 BERTH_GUEST_TESTS=$(printf '%s\n' "${files[@]}") test/vm/run --timeout 3600 -- node dist/test/vm/suite.js || status=$?
  [ $# -gt 0 ] || node_modules/.bin/tap run --jobs=1 --timeout=5400 dist/test/vm/*.test.js || status=$?
  return $status
}
