export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/**
 * What a shell reads once. It asks the very berth that stands on the command line, so that verbs, flags and names are always those of now. A line of an answer is a word, a tab
 * and a hint; `:files` says that a path may stand there.
 */
export const scripts: Record<Shell, string> = {
  bash: `# Completion of berth for bash: source <(berth completion bash)
_berth() {
  local line=\${COMP_LINE:0:COMP_POINT} program=\${COMP_WORDS[0]/#\\~/$HOME} candidate word cut files=
  COMPREPLY=()
  while IFS=$'\\t' read -r candidate _; do
    if [[ $candidate == :files ]]; then files=1; else COMPREPLY+=("$candidate"); fi
  done < <("$program" completion --line "$line" 2>/dev/null)
  # For readline a word begins anew after a colon or an equals sign.
  word=\${line##*[[:space:]]}
  cut=\${word%"\${word##*[:=]}"}
  if [[ -n $cut ]]; then COMPREPLY=("\${COMPREPLY[@]#"$cut"}"); fi
  if [[ -n $files ]]; then compopt -o default; fi
}
complete -F _berth berth
`,
  zsh: `#compdef berth
# Completion of berth for zsh: source <(berth completion zsh)
_berth() {
  local candidate files typed
  local -a found
  typed="\${(j: :)words[1,CURRENT-1]} \${PREFIX}"
  for candidate in "\${(@f)$("\${words[1]}" completion --line "$typed" 2>/dev/null)}"; do
    if [[ $candidate == :files ]]; then files=1
    elif [[ -n $candidate ]]; then found+=("\${\${candidate%%$'\\t'*}//:/\\\\:}:\${candidate#*$'\\t'}")
    fi
  done
  (( \${#found} )) && _describe berth found
  [[ -n $files ]] && _files
}
compdef _berth berth
`,
  fish: `# Completion of berth for fish: berth completion fish | source
function __berth_complete
    set -l words (commandline -opc)
    for candidate in ($words[1] completion --line (commandline -cp | string collect) 2>/dev/null)
        if test "$candidate" = :files
            __fish_complete_path (commandline -ct)
        else
            echo $candidate
        end
    end
end
complete -c berth -f -a '(__berth_complete)'
`,
};
