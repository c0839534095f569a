#compdef orc
# Completion of orc for zsh. The words come from orc itself.
_orc() {
    local -a whole open
    local word about files=
    while IFS=$'\t' read -r word about; do
        if [[ $word == :files ]]; then
            files=1
        elif [[ $word == *= ]]; then
            open+=("${word//:/\\:}${about:+:$about}")
        else
            whole+=("${word//:/\\:}${about:+:$about}")
        fi
    done < <("${words[1]}" completion words -- "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)
    (( $#whole )) && _describe -V orc whole
    (( $#open )) && _describe -V orc open -S ''
    [[ -n $files ]] && _files
}
if [[ $funcstack[1] == _orc ]]; then _orc "$@"; else compdef _orc orc; fi
