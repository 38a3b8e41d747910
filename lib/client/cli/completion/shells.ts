/** The shells that can be told how to complete, and the lines that tell them; `program` is how a shell calls this one. */
export const shells = {
  bash: (program: string) => `# Completes agent-dispatch in bash.
_agent_dispatch() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) compopt -o default ;;
      :*) ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <(${program} complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _agent_dispatch agent-dispatch agentdispatch
`,

  zsh: (program: string) => `#compdef agent-dispatch agentdispatch
# Completes agent-dispatch in zsh.
_agent_dispatch() {
  local line files
  local -a values
  for line in "\${(@f)$(${program} complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      :files) files=yes ;;
      :*|'') ;;
      *) values+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  (( \${#values} )) && _describe -V agent-dispatch values
  [[ -n $files ]] && _files
}
if (( \${+functions[compdef]} )); then compdef _agent_dispatch agent-dispatch agentdispatch; fi
`,

  fish: (program: string) => `# Completes agent-dispatch in fish.
function __agent_dispatch_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in (${program} complete -- $words[2..-1] 2>/dev/null)
    switch $line
      case ':files'
        __fish_complete_path (commandline -ct)
      case ':*'
      case '*'
        echo $line
    end
  end
end
complete -c agent-dispatch -f -a '(__agent_dispatch_complete)'
complete -c agentdispatch -f -a '(__agent_dispatch_complete)'
`,
} as const;
