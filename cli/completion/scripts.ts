export type Shell = 'bash' | 'zsh';

/**
 * The script that makes a shell complete `errand`. It asks the command itself, so it stays valid after an
 * upgrade.
 */
export const SCRIPTS: Record<Shell, string> = {
  bash: `# Completion of errand for bash. Put this line into ~/.bashrc:
#   source <(errand completion bash)
_errand() {
  local IFS=$'\\n'
  COMPREPLY=($("\${COMP_WORDS[0]}" __complete bash "\${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null))
}
# Without candidates, bash completes names of files.
complete -o default -F _errand errand
`,
  zsh: `#compdef errand
# Completion of errand for zsh. Put this line into ~/.zshrc:
#   source <(errand completion zsh)
_errand() {
  local -a candidates
  candidates=("\${(@f)$("\${words[1]}" __complete zsh "\${(@)words[2,CURRENT]}" 2> /dev/null)}")
  if [[ -n "\${candidates[1]}" ]]; then
    _describe 'errand' candidates
  else
    _files
  fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _errand errand
`,
};
