# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# bash completion of pcipath-host(1): verbs, options, and the ids of the machine that is named.

# Ids are foreign text: compgen -W would run the commands in them, and readline inserts what is offered as it stands.
_pcipath_host_complete_ids() {
    local ids id word quoted source=

    for word in "${words[@]}"; do
        [[ $word == --@(qmp|libvirt|cloud-hypervisor|firecracker)=* ]] && source=$word
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

_pcipath_host() {
    local cur prev words cword
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n := cur prev words cword
    else
        cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
    fi

    local sources='--qmp= --libvirt= --cloud-hypervisor= --firecracker= --timeout= --help --version'
    local -A options=(
        [list]="--json --noheadings --output= --list-columns $sources"
        [of]="$sources"
        [free]="--json --noheadings $sources"
        [tree]="--full --json --noheadings $sources"
    )

    if ((cword == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "${!options[*]} --help --version" -- "$cur")
        return
    fi
    if [[ ${words[1]} == list ]] && [[ $prev == @(-o|--output) || $cur == --output=* ]]; then
        cur=${cur#--output=}
        mapfile -t COMPREPLY < <(compgen -W "$(pcipath-host list --list-columns)" -- "$cur")
        return
    fi
    case $cur in
        --qmp=*|--libvirt=*|--cloud-hypervisor=*|--firecracker=*)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "${cur#*=}")
            ;;
        -*)
            mapfile -t COMPREPLY < <(compgen -W "${options[${words[1]:-none}]}" -- "$cur")
            [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
            ;;
        *)  [[ ${words[1]} != of ]] || _pcipath_host_complete_ids ;;
    esac
}

complete -F _pcipath_host pcipath-host
