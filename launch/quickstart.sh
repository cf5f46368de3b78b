#!/usr/bin/env bash
# launch/quickstart.sh [--data FOLDER [--weights FILE]] [--np N] [--fresh] [-- FT_DIST_OPTIONS]
#
# From a fresh Debian 12 machine to a trained model and a comparison table: set-up, build, pack, then the same small
# budget of training three times: fine-tuned, fine-tuned with the lower layers frozen, and from scratch.
#
# Without --data it uses Fashion-MNIST (Debian's dataset-fashion-mnist): a source model is trained on 8 of its classes,
# and the target is to tell the other two apart, pullovers and coats, from 100 pictures of each.
#
#   --data FOLDER    your own pictures instead: FOLDER/train/<class>/* and FOLDER/test/<class>/* (or val/)
#   --weights FILE   the source model for them: torchvision's .pth or a .safetensors; without it, a source model is
#                    trained on Fashion-MNIST first, which is a poor start for photographs
#   --np N           ranks; default: one a GPU, or 2 on the CPU
#   --fresh          throw away what an earlier quickstart packed and trained; without it, finished parts are kept
#   -- OPTIONS       go to every ft_dist that trains on the target, for example: -- --set train.epochs=10
#   --help           this text
#
# Safe to repeat: what is done is not done again. Results are in runs/quickstart/, packed sets in packed/quickstart/.

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
readonly FT_ROOT
# shellcheck source=lib/messages.sh
source "$FT_ROOT/launch/lib/messages.sh"
# shellcheck source=lib/stages.sh
source "$FT_ROOT/launch/lib/stages.sh"
# shellcheck source=lib/machine.sh
source "$FT_ROOT/launch/lib/machine.sh"
# shellcheck source=lib/comparison.sh
source "$FT_ROOT/launch/lib/comparison.sh"

readonly kFashion=/usr/share/datasets/fashion-mnist
readonly kClothes=t-shirt,trouser,pullover,dress,coat,sandal,shirt,sneaker,bag,boot
readonly kTarget=pullover,coat

data='' weights='' ranks='' fresh=0
while (($#)); do
  case $1 in
    --data) need_value "$1" "$@"; data=$(realpath -m "$2"); shift ;;
    --weights) need_value "$1" "$@"; weights=$(realpath -m "$2"); shift ;;
    --np) need_value "$1" "$@"; ranks=$2; shift ;;
    --fresh) fresh=1 ;;
    --help | -h) print_help "$0"; exit 0 ;;
    --) shift; break ;;
    *) die "unknown option '$1' (see --help)" ;;
  esac
  shift
done
target_options=("$@")
[[ -z $ranks || $ranks =~ ^[1-9][0-9]*$ ]] || die "--np takes the number of ranks, not '$ranks'"
[[ -z $weights || -n $data ]] || die "--weights goes with --data"
[[ -z $weights || -e $weights ]] || die "--weights $weights: no such file"

# Two folders may have one name: a few digits of the path keep their sets and runs apart.
subject_of() { printf '%s-%04d' "$(basename "$1")" "$(($(printf %s "$1" | cksum | cut -d ' ' -f 1) % 10000))"; }

cd "$FT_ROOT"
subject=fashion config=configs/quickstart.yaml
if [[ -n $data ]]; then
  subject=$(subject_of "$data") config=configs/hotdog.yaml
  [[ -d $data/train ]] || die "--data $data: no folder $data/train in it"
  if [[ -d $data/test ]]; then test_folder=$data/test; else test_folder=$data/val; fi
  [[ -d $test_folder ]] || die "--data $data: neither test/ nor val/ in it"
  # Two CPU cores train some fifteen images of 224 pixels a second: smaller ones keep the first look short.
  has_gpu || target_options=(--set data.image_size=96 --set train.precision=bf16 "${target_options[@]}")
fi
readonly packed=packed/quickstart runs=runs/quickstart
if [[ -z $ranks ]]; then
  if has_gpu; then ranks=$(nvidia-smi --list-gpus | wc -l); else ranks=2; fi
fi

# pack NAME SOURCE OPTIONS...: unless it is there. A set without a manifest was not finished.
pack() {
  local out=$packed/$1
  shift
  if [[ -e $out/manifest.json ]]; then
    note "$out is packed already"
  else
    build/bin/ft_pack pack "$@" --out "$out"
  fi
}

pack_source() {
  pack source-train "$kFashion/train-images-idx3-ubyte.gz" --class-names "$kClothes" --limit-per-class 1500 \
    --classes t-shirt,trouser,dress,sandal,shirt,sneaker,bag,boot
  pack source-test "$kFashion/t10k-images-idx3-ubyte.gz" --class-names "$kClothes" --limit-per-class 200 \
    --classes t-shirt,trouser,dress,sandal,shirt,sneaker,bag,boot
}

pack_all() {
  [[ -n $weights ]] || pack_source
  if [[ -n $data ]]; then
    pack "$subject-train" "$data/train"
    pack "$subject-test" "$test_folder"
  else
    pack "$subject-train" "$kFashion/train-images-idx3-ubyte.gz" --class-names "$kClothes" --classes "$kTarget" \
      --limit-per-class 100
    pack "$subject-test" "$kFashion/t10k-images-idx3-ubyte.gz" --class-names "$kClothes" --classes "$kTarget"
  fi
}

# train RUN OPTIONS...: its four closing lines are kept for the table.
train() {
  local run=$1
  shift
  launch/run.sh -np "$ranks" -- "$@" --set "run.dir=$runs/$run" | tee "$runs/$run.result"
}

# A mean loss and a large rate with momentum: this one starts from nothing.
pretrain() {
  train source --config configs/quickstart.yaml --set "data.train=$packed/source-train" \
    --set "data.test=$packed/source-test" --set optimizer.loss_reduction=mean --set optimizer.lr=0.05 \
    --set optimizer.head_lr_factor=1 --set optimizer.momentum=0.9 --set optimizer.schedule=cosine \
    --set optimizer.warmup_steps=20 --set train.epochs=3 --set train.batch_size=128
}

# target RUN OPTIONS...
target() {
  local run=$1
  shift
  train "$run" --config "$config" --set "data.train=$packed/$subject-train" --set "data.test=$packed/$subject-test" "$@" \
    "${target_options[@]}"
}

stage "install" launch/setup.sh --no-build
stage "build" launch/setup.sh
if ((fresh)); then rm -rf "$packed" "$runs"; fi
mkdir -p "$packed" "$runs"
stage "pack" pack_all
if [[ -z $weights ]]; then
  stage "pre-train the source model" pretrain
  weights=$runs/source
fi
stage "train: fine-tuned" target "$subject-fine-tuned" --set "model.weights=$weights"
stage "train: fine-tuned, lower layers frozen" target "$subject-frozen" --set "model.weights=$weights" \
  --set "model.freeze=[conv1, bn1, layer1, layer2]"
stage "train: from scratch" target "$subject-scratch" --set model.weights=none

print_stages
print_comparison "$runs" "$subject-fine-tuned" "$subject-frozen" "$subject-scratch"
printf '\nThe runs are in %s/%s/{%s}: metrics.jsonl, final.safetensors.\n' "$FT_ROOT" "$runs" \
  "$subject-fine-tuned,$subject-frozen,$subject-scratch"
