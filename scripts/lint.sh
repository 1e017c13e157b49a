# ./dev lint and ./dev format. Sourced by ./dev.
source "$here/scripts/cmake.sh"

shell_scripts() { git ls-files --cached --others --exclude-standard dev .ci/run 'scripts/*.sh' test/vm/run test/vm/kernel test/vm/cluster test/vm/host/guest.sh images/host/build images/host/debian; }
native_sources() { git ls-files --cached --others --exclude-standard 'native/*.cc' 'native/*.h'; }

# lint [--all]: every linter over every file; clang-tidy, the slow one, only over what differs from main unless --all.
verb_lint() {
  need_packages "${build_packages[@]}" "${native_test_packages[@]}" "${lint_packages[@]}"
  verb_build
  local failed=()
  lint_stage biome node_modules/.bin/biome check --error-on-warnings --diagnostic-level=warn
  lint_stage shellcheck lint_shell
  lint_stage clang-format lint_clang_format
  lint_stage clang-tidy lint_clang_tidy "$@"
  [ ${#failed[@]} = 0 ] || die "lint: ${failed[*]} found something; ./dev format mends what is only form"
}

lint_stage() {
  local name=$1; shift
  say "$name"
  "$@" || failed+=("$name")
}

lint_shell() { shell_scripts | xargs shellcheck --shell=bash --external-sources --exclude=SC1091,SC2034,SC2154; }
lint_clang_format() { native_sources | xargs clang-format --dry-run -Werror; }

lint_clang_tidy() {
  cmake_js configure test
  local files
  if [ "${1:-}" = --all ]; then files=$(native_sources | grep '\.cc$'); else files=$(changed_sources); fi
  [ -n "$files" ] || return 0
  # No file of ours is compiled by clang: warnings of g++ that it lacks are not errors of the code.
  # The longest first, so that no processor waits for it at the end.
  xargs wc -c <<<"$files" | sort -rn | awk '$2 != "total" { print $2 }' |
    xargs -P "$(nproc)" -n 1 clang-tidy -p build-native/test --quiet --extra-arg=-Wno-unknown-warning-option \
    2> >(grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header-filter' >&2)
}

# The sources that differ from main, committed or not, and those that include a header which does.
changed_sources() {
  local changed headers
  changed=$( { git diff --name-only "$(git merge-base HEAD main 2>/dev/null || echo HEAD)"; git ls-files --others --exclude-standard; } |
    grep -E '^native/.*\.(cc|h)$' | sort -u || :)
  headers=$(sed -n 's,^native/\(.*\.h\)$,\1,p' <<<"$changed")
  {
    grep '\.cc$' <<<"$changed" || :
    [ -z "$headers" ] || native_sources | grep '\.cc$' | xargs grep -lF "$headers" || :
  } | sort -u | while read -r file; do [ ! -f "$file" ] || printf '%s\n' "$file"; done
}

# Puts every file into the form that lint asks for.
verb_format() {
  need_packages clang-format
  npm_packages
  node_modules/.bin/biome check --write --diagnostic-level=error || :
  native_sources | xargs clang-format -i
}
