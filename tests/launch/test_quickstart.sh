#!/usr/bin/env bash
# quickstart.sh as a newcomer runs it, on a copy of the tree that shares the build: test_quickstart.sh SOURCE_DIR
# Then once more, which must be quick, and with a folder of one's own.
set -euo pipefail
source_dir=$(realpath "$1")
# shellcheck source=../lib/expect.sh
source "$source_dir/tests/lib/expect.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree"
# Scripts find the tree they stand in, so they are copied; the rest is linked.
cp -r "$source_dir/launch" "$source_dir/configs" "$work/tree"
for entry in CMakeLists.txt CMakePresets.json cmake include src data_prep tests build .venv README.md LICENSE docs slurm; do
  [[ ! -e $source_dir/$entry ]] || ln -s "$source_dir/$entry" "$work/tree/$entry"
done
# The build is a matter of launch/setup.sh, which CI runs for itself.
printf '#!/bin/sh\n' >"$work/tree/launch/setup.sh"
cd "$work/tree"

expect_status 0 launch/quickstart.sh
for pattern in 'install +[0-9]+' 'build +[0-9]+' 'pack +[0-9]+' 'train: fine-tuned +[0-9]+' \
  'fashion-fine-tuned +0\.[0-9]{3} +0\.[0-9]{3}-0\.[0-9]{3} +[0-9]+ of 2000' 'fashion-frozen +0\.' 'fashion-scratch +0\.' \
  'The runs are in .*runs/quickstart'; do
  expect_output "$pattern"
done
accuracy() { sed -n '1s/^test acc \([0-9.]*\).*/\1/p' "runs/quickstart/fashion-$1.result"; }
awk -v tuned="$(accuracy fine-tuned)" -v scratch="$(accuracy scratch)" 'BEGIN { exit !(tuned > scratch) }' ||
  fail "fine-tuning ($(accuracy fine-tuned)) is no better than training from scratch ($(accuracy scratch))"

started=$SECONDS
expect_status 0 launch/quickstart.sh
expect_output 'fashion-fine-tuned +0\.'
((SECONDS - started < 30)) || fail "repeating the quickstart took $((SECONDS - started)) s"

build/bin/ft_pack extract packed/quickstart/fashion-train --sample 0 --out "$work/a.png" --decode >/dev/null
build/bin/ft_pack extract packed/quickstart/fashion-train --sample 150 --out "$work/b.png" --decode >/dev/null
for split in train val; do
  mkdir -p "$work/mine/$split/one" "$work/mine/$split/two"
  for i in 1 2 3 4; do cp "$work/a.png" "$work/mine/$split/one/$i.png"; cp "$work/b.png" "$work/mine/$split/two/$i.png"; done
done
expect_status 0 launch/quickstart.sh --data "$work/mine" --weights runs/quickstart/source -- \
  --set data.image_size=32 --set train.batch_size=4 --set train.max_steps=2
expect_output 'mine-[0-9]{4}-fine-tuned +[01]\.'
expect_status 2 launch/quickstart.sh --data "$work/nowhere"
expect_output 'no folder .*nowhere/train'
finish
