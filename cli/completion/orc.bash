# Completion of orc for bash. The words come from orc itself.
_orc() {
    local line=${COMP_LINE:0:COMP_POINT} words word files= current
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    COMPREPLY=()
    # bash begins a word anew behind "=" and ":"; what stands before it in ours is not to be given again
    current=${words[${#words[@]} - 1]}
    while IFS=$'\t' read -r word _; do
        if [[ $word == :files ]]; then
            files=1
        elif [[ $word != "$current" || $word != *= ]]; then
            COMPREPLY+=("${word#"${current%"${current##*[=:]}"}"}")
        fi
    done < <("${words[0]}" completion words -- "${words[@]:1}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    [[ $files ]] && compopt -o default
}
complete -F _orc orc
