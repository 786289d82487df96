# What a terminal's fish runs after the person's own files: hooks that tell the keeper when a command starts and ends.
builtin read __pryx_key </dev/fd/@ACK@
function __pryx_say
    set -l code $argv[2]
    builtin printf '%s\0' "$__pryx_key" $argv[1] $code "$PWD" (builtin string join -- : $PATH) "" "$argv[3]" >&@FD@ 2>/dev/null
    and builtin read __pryx_ack </dev/fd/@ACK@
    return $code
end
# Typed before a command: fish sets the window's title and its colours behind its own event, in the command's output.
function __pryx
    __pryx_say start $status
end
function __pryx_typed --on-event fish_preexec
    set -l code $status
    __pryx_say typed $code (builtin string sub --length 4096 -- "$argv[1]" | builtin string collect)
end
function __pryx_end --on-event fish_postexec
    __pryx_say end $status
end
function __pryx_prompt --on-event fish_prompt
    __pryx_say prompt $status
end
