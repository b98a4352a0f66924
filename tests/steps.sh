# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For tests/setup, tests/run and tests/demo. Shows on standard error the number and name of the current step, and how long the last
# one took: a line that is rewritten on a terminal, plain lines elsewhere. Scripts started with run_steps continue the count.

: "${PCIPATH_STEP:=0}" "${PCIPATH_STEPS:=0}"

add_steps() { # NUMBER: unless the calling script has counted them
    [ -n "${PCIPATH_STEPS_KNOWN-}" ] || PCIPATH_STEPS=$((PCIPATH_STEPS + $1))
}

clear_step() {
    [ ! -t 2 ] || printf '\r\033[K' >&2
}

begin_step() { # NAME
    now=$(date +%s)
    last=
    [ -z "${step_name-}" ] || last=" ($step_name: $((now - step_began)) s)"
    PCIPATH_STEP=$((PCIPATH_STEP + 1)) step_name=$1 step_began=$now
    line="[$PCIPATH_STEP/$PCIPATH_STEPS] $step_name$last"
    if [ -t 2 ]; then
        # A line that wraps could not be rewritten.
        columns=$(stty size <&2 2>/dev/null | cut -d ' ' -f 2)
        [ "${columns:-0}" -gt 0 ] || columns=80
        clear_step
        printf '%.*s' "$((columns - 1))" "$line" >&2
    else
        echo "$line" >&2
    fi
}

run_steps() { # NUMBER SCRIPT ARGUMENT...: a script that has NUMBER steps
    steps=$1 step_name=${2##*/} step_began=$(date +%s)
    shift
    PCIPATH_STEPS_KNOWN=yes PCIPATH_STEP=$PCIPATH_STEP PCIPATH_STEPS=$PCIPATH_STEPS "$@"
    PCIPATH_STEP=$((PCIPATH_STEP + steps))
}
