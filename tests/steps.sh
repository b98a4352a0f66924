# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Sourced by tests/setup, tests/run and tests/demo. Shows on standard error which step of how many runs, and how long the last one took:
# a line that is rewritten on a terminal, plain lines elsewhere. A script that another one runs goes on counting where that one is.

: "${PCIPATH_STEP:=0}" "${PCIPATH_STEPS:=0}"

add_steps() { # NUMBER: unless the script that runs this one has counted them
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
    clear_step
    printf '[%d/%d] %s%s' "$PCIPATH_STEP" "$PCIPATH_STEPS" "$step_name" "$last" >&2
    [ -t 2 ] || echo >&2
}

run_steps() { # NUMBER SCRIPT ARGUMENT...: a script that has so many steps
    steps=$1
    shift
    PCIPATH_STEPS_KNOWN=yes PCIPATH_STEP=$PCIPATH_STEP PCIPATH_STEPS=$PCIPATH_STEPS "$@"
    PCIPATH_STEP=$((PCIPATH_STEP + steps))
}
