# ./dev native-test and ./dev fuzz: the C++ alone, with no Node around it, under ASan and UBSan. Sourced by ./dev.
source "$here/scripts/cmake.sh"

# native-test [doctest's flags, e.g. -tc='*result*']: prints doctest's report, then `N passed, N failed`.
verb_native_test() {
  need_packages "${build_packages[@]}" "${native_test_packages[@]}"
  npm_packages
  say "building the native tests"
  cmake_js build test
  local report status=0
  report=$(mktemp)
  ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
    build-native/test/native-test "$@" >"$report" 2>&1 || status=$?
  cat "$report"
  # doctest closes with "[doctest] test cases: 12 | 12 passed | 0 failed | 0 skipped"; a crash leaves no such line.
  local passed failed
  passed=$(sed -nE 's/^\[doctest\] test cases: .*\| +([0-9]+) passed.*/\1/p' "$report")
  failed=$(sed -nE 's/^\[doctest\] test cases: .*\| +([0-9]+) failed.*/\1/p' "$report")
  rm -f "$report"
  if [ "$status" != 0 ] && [ "${failed:-0}" = 0 ]; then failed=1; fi
  printf '%s passed, %s failed\n' "${passed:-0}" "${failed:-0}"
  [ "$status" = 0 ] && [ "${passed:-0}" -gt 0 ]
}

# fuzz NAME SECONDS: native/fuzz/NAME.cc; what it finds and learns stays in build-native/corpus/NAME.
verb_fuzz() {
  local name=${1:-} seconds=${2:-60}
  [ -f "native/fuzz/$name.cc" ] || die "no fuzz target '$name'; there are: $(cd native/fuzz && printf '%s ' *.cc | sed 's/\.cc//g')"
  need_packages "${build_packages[@]}" "${native_test_packages[@]}" "${fuzz_packages[@]}"
  npm_packages
  say "building the fuzz targets"
  cmake_js build fuzz -C --CDBERTH_FUZZ=ON
  local corpus="build-native/corpus/$name"
  mkdir -p "$corpus"
  # Documents that are accepted: from nothing, a fuzzer needs long to write one.
  local seeds=()
  [ ! -d "native/fuzz/seeds/$name" ] || seeds=("native/fuzz/seeds/$name")
  "build-native/fuzz/fuzz-$name" -len_control=0 -max_len=16384 -max_total_time="$seconds" -print_final_stats=1 -artifact_prefix="$corpus-" "$corpus" "${seeds[@]}"
}
