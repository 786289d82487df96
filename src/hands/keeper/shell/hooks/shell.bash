# The start-up file of a terminal's bash: the person's own, then hooks that tell the keeper when a command starts and
# ends. Words are quoted with \ where an alias of the person's could change them.
\builtin read -r __pryx_key <&@FD@
if [ -r ~/.bashrc ]; then . ~/.bashrc; fi
__pryx_say() {
  __pryx_text=${3-}
  if [[ $1@HELD@ == promptheld ]]; then
    __pryx_text=$(\builtin export -p)
    if ((${#__pryx_text} > 32768)); then __pryx_text=; fi
  fi
  while \builtin read -t 0 -u @FD@; do \builtin read -r -t 1 -u @FD@ __pryx_ack || \builtin break; done
  \builtin printf '%s\0' "${__pryx_key-}" "$1" "$2" "${PWD-}" "${PATH-}" "$-:${BASHOPTS-}:${CDPATH:+cdpath}" "$__pryx_text" >&@FD@ &&
    \builtin read -r -t 10 -u @FD@ __pryx_ack
  \builtin return "$2"
}
__pryx_end() { __pryx_code=$?; __pryx_say end "$__pryx_code"; }
# The last of the prompt commands: it arms the first again, whatever the command did to it.
__pryx_prompt() {
  __pryx_say prompt "$?"
  __pryx_hist=${HISTCMD-}
  if [[ ${PROMPT_COMMAND[0]-} != '{ __pryx_end; } 2>/dev/null' ]]; then
    PROMPT_COMMAND=('{ __pryx_end; } 2>/dev/null' "${PROMPT_COMMAND[@]}")
  fi
  if [[ ${PS0-} != *__pryx_start* ]]; then __pryx_arm; fi
}
# What a person typed, as far as the history has a new entry; a command of the keeper's begins with a space, and has none.
__pryx_start() {
  \builtin set -- "$?" ""
  if [[ -n ${HISTCMD-} && $HISTCMD != "${__pryx_hist-}" ]]; then
    \builtin set -- "$1" "$(HISTTIMEFORMAT= \builtin history 1)"
  fi
  __pryx_say start "$1" "${2:0:4096}"
}
__pryx_arm() { PS0="${PS0-}"'$({ __pryx_start; } 2>/dev/null)'; }
__pryx_arm
if ((BASH_VERSINFO[0] > 5 || BASH_VERSINFO[0] == 5 && BASH_VERSINFO[1] > 0)); then
  PROMPT_COMMAND=('{ __pryx_end; } 2>/dev/null' "${PROMPT_COMMAND[@]}" '{ __pryx_prompt; } 2>/dev/null')
else
  # Before 5.1 it is one string, run from left to right.
  PROMPT_COMMAND='{ __pryx_end; } 2>/dev/null'${PROMPT_COMMAND:+$'\n'"$PROMPT_COMMAND"}$'\n''{ __pryx_say prompt "$__pryx_code"; __pryx_hist=${HISTCMD-}; } 2>/dev/null'
fi
case ${HISTCONTROL-} in
  *ignorespace* | *ignoreboth*) ;;
  *) HISTCONTROL=ignorespace${HISTCONTROL:+:$HISTCONTROL} ;;
esac
