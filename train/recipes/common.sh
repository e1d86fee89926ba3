# Shared by the recipes of this folder; read by them, not run.
#
# Each takes the same arguments and can be started again: rounds that are done are skipped, one that was stopped goes on.
# MINUTES=1 tries a recipe out: every round then takes so many minutes at most. PYTHON names the interpreter.

if [ $# -lt 3 ]; then
    echo "usage: $0 CORPUS BACKGROUNDS OUT [PAGES] (texts, photographs, folder for runs and weights, labelled pages)" >&2
    exit 2
fi
corpus=$1 backgrounds=$2 out=$3 pages=${4:-}
mkdir -p "$out"

python() {
    "${PYTHON:-python3}" "$@"
}

# round NAME MODULE MINUTES OPTION…: train OUT/NAME for some minutes.
round() {
    name=$1 module=$2 minutes=$3
    shift 3
    if [ "${MINUTES:-$minutes}" -lt "$minutes" ]; then minutes=$MINUTES; fi
    if [ ! -e "$out/$name/done" ]; then
        python -m "train.$module" --run "$out/$name" --resume --time-budget "${minutes}m" \
            --corpus "$corpus" --backgrounds "$backgrounds" ${pages:+--eval-data "$pages"} "$@"
        touch "$out/$name/done"
    fi
}

# mix BEFORE AFTER ALPHA NAME: OUT/NAME.safetensors = (1 - ALPHA) BEFORE + ALPHA AFTER (WiSE-FT).
mix() {
    python -m train.transfer.interpolate "$out/$1" "$out/$2" "$out/$4.safetensors" --alpha "$3"
}
