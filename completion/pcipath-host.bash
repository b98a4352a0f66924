# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# bash completion of pcipath-host(1): verbs, options, and the ids of the given machine.

# Ids are untrusted text: compgen -W would run the commands in them, and readline inserts a completion unquoted.
_pcipath_host_complete_ids() {
    local ids id word quoted source=

    for word in "${words[@]}"; do
        [[ $word == --@(qmp|libvirt|cloud-hypervisor|firecracker|list)=* ]] && source=$word
    done
    [[ -n $source ]] || return
    mapfile -t ids < <(pcipath-host list --json "$source" 2>/dev/null | sed -n 's/^ *"id": *"\([^"\\]*\)".*/\1/p')
    for id in "${ids[@]}"; do
        printf -v quoted %q "$id"
        if [[ $id && $id != -* ]] && [[ $id == "$cur"* || $quoted == "$cur"* ]]; then
            COMPREPLY+=("$quoted")
        fi
    done
}

# The program itself lists its verbs, options and columns. A list of them in this file could become stale.
_pcipath_host_offer_words() { # PCIPATH-HOST-ARGUMENT...
    local list word

    mapfile -t list < <(pcipath-host "$@" 2>/dev/null)
    for word in "${list[@]}"; do
        [[ $word == "$cur"* && $word =~ ^(--)?[A-Za-z-]+=?$ ]] && COMPREPLY+=("$word")
    done
}

_pcipath_host() {
    local cur prev words cword
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n := cur prev words cword
    else
        cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
    fi

    if ((cword == 1)); then
        _pcipath_host_offer_words --list-verbs
        return
    fi
    if [[ ${words[1]} == list ]] && [[ $prev == @(-o|--output) || $cur == --output=* ]]; then
        cur=${cur#--output=}
        _pcipath_host_offer_words list --list-columns
        return
    fi
    case $cur in
        --qmp=*|--libvirt=*|--cloud-hypervisor=*|--firecracker=*|--list=*)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "${cur#*=}")
            ;;
        --to=*) mapfile -t COMPREPLY < <(compgen -W 'lines smbios fw-cfg libvirt kernel' -- "${cur#*=}") ;;
        -*)
            _pcipath_host_offer_words "${words[1]}" --list-options
            [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
            ;;
        *)  [[ ${words[1]} != of ]] || _pcipath_host_complete_ids ;;
    esac
}

complete -F _pcipath_host pcipath-host
