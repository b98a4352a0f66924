# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# bash completion of pcipath(1): verbs, options, and the paths and devices that exist.

# Offers each NAME that begins with the word before the cursor. Names are untrusted text: compgen -W would run the commands in them,
# and readline inserts a completion unquoted. A name that begins with '-' would be an option.
_pcipath_offer() { # NAME...
    local name quoted

    for name; do
        printf -v quoted %q "$name"
        if [[ $name && $name != -* ]] && [[ $name == "$cur"* || $quoted == "$cur"* ]]; then
            COMPREPLY+=("$quoted")
        fi
    done
    # For readline a colon ends a word.
    declare -F __ltrimcolon_completions >/dev/null && __ltrimcolon_completions "$cur"
}

_pcipath_complete_paths() {
    local paths aliases

    mapfile -t paths < <(pcipath list --all --noheadings --output PATH 2>/dev/null | sort -u)
    mapfile -t aliases < <(pcipath alias --noheadings --output NAME 2>/dev/null | sort -u)
    _pcipath_offer "${paths[@]}" "${aliases[@]/#/alias:}"
}

_pcipath_complete_devices() {
    local names interface

    if [[ $cur == /* ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
    fi
    mapfile -t names < <(pcipath list --all --noheadings --output ADDRESS 2>/dev/null | sort -u)
    for interface in /sys/class/net/*; do
        names+=("${interface##*/}")
    done
    _pcipath_offer "${names[@]}" /dev/
}

# The program itself lists its verbs, options and columns. A list of them in this file could become stale.
_pcipath_offer_words() { # PCIPATH-ARGUMENT...
    local list word

    mapfile -t list < <(pcipath "$@" 2>/dev/null)
    for word in "${list[@]}"; do
        [[ $word == "$cur"* && $word =~ ^(--)?[A-Za-z-]+=?$ ]] && COMPREPLY+=("$word")
    done
}

# bash-completion, where it is installed, puts a word with colons together.
_pcipath() {
    local cur prev words cword verb
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n := cur prev words cword
    else
        cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
    fi

    local formats='path flat kata kernel lspci uefi qemu'

    verb=${words[1]}
    [[ $verb != convert || $cur != --to=* ]] || formats+=' link'
    if ((cword == 1)); then
        _pcipath_offer_words --list-verbs
        return
    fi

    case $cur in
        --exec=*) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -fc -- "${cur#*=}"); return ;;
        --check=*) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "${cur#*=}"); return ;;
        --links=*|--write=*) compopt -o dirnames; mapfile -t COMPREPLY < <(compgen -d -- "${cur#*=}"); return ;;
        --to=*|--from=*) mapfile -t COMPREPLY < <(compgen -W "$formats" -- "${cur#*=}"); return ;;
        --type=*|--kind=*|--output=*) prev=${cur%%=*} cur=${cur#*=} ;;
        -*)
            _pcipath_offer_words "$verb" --list-options
            [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
            return
            ;;
    esac
    case $prev in
        -t|--type)   mapfile -t COMPREPLY < <(compgen -W 'block net pci all' -- "$cur"); return ;;
        -k|--kind)   mapfile -t COMPREPLY < <(compgen -W 'disk vfio rdma net alias' -- "$cur"); return ;;
        -o|--output) _pcipath_offer_words "$verb" --list-columns; return ;;
    esac
    case $verb in
        of) _pcipath_complete_devices ;;
        probe)
            if [[ $cur == [./]* ]]; then
                compopt -o filenames
                mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            else
                _pcipath_complete_paths
            fi
            ;;
        compare)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            ;;
        open)
            # Options and their arguments, the path, the command and its arguments.
            if ((cword == 2)) || [[ $prev == -* || ${words[cword - 2]} == -t || ${words[cword - 2]} == --type ]]; then
                _pcipath_complete_paths
            else
                compopt -o filenames
                mapfile -t COMPREPLY < <(compgen -cf -- "$cur")
            fi
            ;;
        coldplug|monitor|prune|cdi|alias) ;;
        *)  _pcipath_complete_paths ;;
    esac
}

complete -F _pcipath pcipath
