#!/usr/bin/env bash
# ft_pack as a user meets it: exit codes, one clear line an error, nothing half-made under a final name.
# usage: test_pack_cli.sh FT_PACK
set -euo pipefail

ft_pack=$1
work=$(mktemp -d)
mounted=
clean_up() {
  [[ -z $mounted ]] || umount "$mounted"
  rm -rf "$work"
}
trap clean_up EXIT
cd "$work"

fail() {
  echo "FAILED: $*" >&2
  sed 's/^/  stderr: /' stderr >&2
  exit 1
}

# expect CODE PATTERN ARGS...: ft_pack ends with CODE, and stderr's last line matches PATTERN.
expect() {
  local code=$1 pattern=$2 got=0
  shift 2
  "$ft_pack" "$@" >stdout 2>stderr || got=$?
  [[ $got == "$code" ]] || fail "ft_pack $*: exit $got, expected $code"
  [[ $(tail -n 1 stderr) =~ $pattern ]] || fail "ft_pack $*: no '$pattern'"
  [[ $code == 0 || $(grep -c '^ft_pack: error: ' stderr) == 1 ]] || fail "ft_pack $*: not one error line"
}

# A number as four bytes, the highest first.
be() {
  printf '%b' "$(printf '\\x%02x' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))"
}

# idx COUNT SIDE NAME: an IDX pair of two classes, in equal halves.
idx() {
  local count=$1 side=$2 name=$3
  { be 2051; be "$count"; be "$side"; be "$side"; head -c $((count * side * side)) /dev/zero; } >"$name-images-idx3-ubyte"
  { be 2049; be "$count"; head -c $((count / 2)) /dev/zero; head -c $((count - count / 2)) /dev/zero | tr '\0' '\1'; } \
    >"$name-labels-idx1-ubyte"
}

idx 100 8 small
small='small-images-idx3-ubyte'

# What works, and what is told.
expect 0 '' --help
expect 0 '' pack --help
grep -q -- '--limit-per-class' stdout || fail 'pack --help does not tell all options'
expect 0 '' --version
grep -q 'HDF5' stdout || fail '--version does not name HDF5'
expect 0 '' pack "$small" --out set --shards 3 --workers 2
grep -q '^100 images of 2 classes in 3 shards' stdout || fail 'the closing words are other ones'
expect 0 '' pack --classes 0,1 "$small" --out set2  # a list does not swallow SRC
expect 0 '' verify set
grep -q 'every hash matches' stdout || fail 'verify does not say so'
expect 0 '' info set
expect 0 '' info set --json
grep -q '"samples": 100' stdout || fail 'info --json does not count'

# A lost result is no success; a device is written to and stays one.
got=0
"$ft_pack" info set --json >/dev/full 2>stderr || got=$?
[[ $got == 3 ]] || fail "info > /dev/full: exit $got, expected 3"
grep -q 'cannot write to stdout: No space left' stderr || fail 'a full stdout is not named'
expect 0 '' extract set --sample 3 --out x
for target in /dev/stdout /dev/fd/1; do
  "$ft_pack" extract set --sample 3 --out $target 2>stderr | cat >both
  cmp -n "$(stat -c %s x)" both x || fail "extract to $target gives other bytes"
done
"$ft_pack" extract set --sample 3 --out /dev/stdout >both 2>stderr
cmp -n "$(stat -c %s x)" both x || fail 'extract to a redirected stdout gives other bytes'
expect 0 '' extract set --sample 3 --out /dev/null
[[ -c /dev/null ]] || fail '/dev/null is no device any more'

# What was typed is what is said.
expect 2 "got '-1'" extract set --sample -1 --out x
expect 2 "got '99999999999999999999'" extract set --sample 99999999999999999999 --out x
expect 2 'bogus' bogus
expect 2 'A command is required'
expect 2 '--out: expected a path' pack "$small" --out ''
expect 2 '--out: expected a path' extract set --sample 0 --out ''

expect 0 '' extract set --sample 99 --out raw
[[ $(stat -c %s raw) == 192 ]] || fail 'extract wrote other bytes'
expect 0 '' extract set --sample 99 --out x.png --decode
[[ $(head -c 4 x.png | tail -c 3) == PNG ]] || fail 'extract --decode wrote no PNG'
expect 0 '' pack "$small" --out raw4 --encoding raw --max-side 4
grep -q 'all stored as raw RGB, 100 resampled to at most 4 pixels a side' stdout || fail 'resampling is not told'
expect 0 '' info raw4
grep -q 'raw RGB, 100 resampled' stdout || fail 'info does not tell of resampling'
expect 0 '' pack "$small" --out restart --restart-index
grep -q '^0 transcoded with restart markers' stdout || fail 'transcoding is not told'
expect 0 '' sheet set --out sheet.png --cell 32
[[ $(head -c 4 sheet.png | tail -c 3) == PNG ]] || fail 'sheet wrote no PNG'
expect 0 '' sheet set --out seen.png --augmented --epochs 2 --image-size 16 --classes 1
grep -q '^seen.png: ' stdout || fail 'sheet does not say what it wrote'

# Wrong usage.
expect 2 'not expected: nothing' nothing
expect 2 'colour' pack "$small" --out new --colour
expect 2 '--shards excludes|excludes' pack "$small" --out new --shards 2 --shard-mib 3
expect 2 'on-error' pack "$small" --out new --on-error weep
expect 2 'only --encoding raw does' pack "$small" --out new --max-side 4
expect 2 'restart-index is for JPEGs' pack "$small" --out new --encoding raw --restart-index
expect 2 'max-side' pack "$small" --out new --encoding raw --max-side 0
expect 2 'set is not empty' pack "$small" --out set
expect 2 "no class '7'.*hint: did you mean" pack "$small" --out new --classes 0,7
expect 2 'class-names' pack . --out ../new --class-names a,b
expect 2 "no class '7'.*hint: did you mean" sheet set --out new --classes 7
expect 2 'the sheet would have .* pixels' sheet set --out new --per-class 50 --cell 2048
expect 2 'epochs requires --augmented' sheet set --out new --epochs 3

# Bad data.
expect 3 'cannot open missing: No such file' pack missing --out new
expect 3 'is not a packed set' info .
expect 3 'there is no sample 100' extract set --sample 100 --out raw
mkdir -p one/class empty/a empty/b
expect 3 'only one class folder' pack one --out new
expect 3 'has no files' pack empty --out new
echo text >empty/a/a.jpg && echo text >empty/b/b.jpg
expect 3 "class 'a' has no usable picture among its 1 files" pack empty --out new
expect 3 'a/a.jpg: ' pack empty --out new --on-error fail
[[ ! -e new && ! -e new.packing ]] || fail 'a failed pack left something'
mkdir -p nested/a nested/b && echo text | tee nested/a/a.jpg >nested/b/b.jpg
expect 2 'new is inside nested' pack nested --out nested/c/new
printf '\1' | dd of=set/shard-00001-of-00003.h5 bs=1 seek=5000 conv=notrunc status=none
expect 3 'is damaged' verify set
grep -q 'shard-00001-of-00003.h5' stdout || fail 'verify does not name the shard'
expect 3 'shard-00001-of-00003.h5' sheet set --out new --per-class 50
[[ ! -e new ]] || fail 'a failed sheet left something'

# bmp FILE GREY: one grey pixel.
bmp() {
  local grey
  grey=$(printf '\\x%02x' "$2")
  printf '%b' 'BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x1\0\0\0\x1\0\0\0\x1\0\x18\0\0\0\0\0\x4\0\0\0' \
    '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' "$grey$grey$grey\\0" >"$1"
}

# Too few descriptors: the pack ends or all is there, and no picture is taken for a bad one.
mkdir -p pictures/a pictures/b
for i in {1..60}; do
  bmp "pictures/a/$i.bmp" "$i"
  bmp "pictures/b/$i.bmp" $((i + 100))
done
refused=0
for descriptors in {5..16} 40; do
  got=0
  (ulimit -n "$descriptors" && "$ft_pack" pack pictures --out few --workers 64 >stdout 2>stderr) || got=$?
  if [[ $got == 0 ]]; then
    grep -q '^0 stored as found, 120 converted to RGB, 0 skipped' stdout || fail "pictures lost, $descriptors descriptors"
  else
    [[ $got == 3 ]] || fail "exit $got with $descriptors descriptors"
    ! grep -q 'cannot read .*\.bmp: Too many open files (hint: raise ulimit -n' stderr || refused=$((refused + 1))
  fi
  rm -rf few few.packing
done
[[ $refused -gt 0 ]] || fail 'no picture met too few descriptors'

# Stopped half-way: it dies of the signal, and goes on where it was (test_pack_kill.sh has more of that).
idx 200000 28 large
for signal in TERM INT; do
  # A background job of a script ignores INT, unless told otherwise.
  env --default-signal=INT "$ft_pack" pack large-images-idx3-ubyte --out stopped --workers 1 >stdout 2>stderr &
  pid=$!
  until [[ -s stopped.packing/journal-00001-00000 ]]; do
    kill -0 $pid 2>/dev/null || fail 'ended before it could be stopped'
    sleep 0.01
  done
  kill -$signal $pid
  got=0
  wait $pid || got=$?
  [[ $got == $((128 + $(kill -l $signal))) ]] || fail "exit $got after $signal"
  [[ ! -e stopped ]] || fail "$signal left half a set"
  grep -q 'is kept in .*stopped.packing: the same command goes on from there' stderr || fail "$signal: nothing is said"
  "$ft_pack" info stopped.packing >stdout 2>&1 && fail 'what is left passes for a set'
  rm -r stopped.packing
done

# The directory beside --out is used only when a pack has made it.
mkdir -p mine.packing/deep
echo precious >mine.packing/deep/file
expect 2 "mine.packing holds 'deep', which is not of a pack" pack "$small" --out mine
grep -q precious mine.packing/deep/file || fail 'a file of the user is gone'
mkdir -p photos.packing/cat
expect 2 'lies where pictures wait' pack photos.packing --out photos
[[ -d photos.packing/cat && ! -e photos ]] || fail 'SRC is gone'

# A link is what it leads to.
mkdir real
ln -s real link
ln -s nowhere/at/all broken
expect 0 '' pack "$small" --out link
[[ -e real/manifest.json && -L link && ! -e link.packing ]] || fail 'the link was not followed'
expect 2 '' pack "$small" --out broken

# A full disk: in the spool, and (as the spool then fits, but not the shards beside it) in a shard. With more room it
# goes on.
if [[ $(id -u) == 0 ]] && mkdir disk && mount -t tmpfs -o size=20M none disk 2>/dev/null; then
  mounted=$work/disk
  expect 2 'is where a file system begins.*choose a directory in it' pack "$small" --out disk
  idx 20000 28 medium
  for count in 20000 5500; do
    idx $count 28 medium
    expect 3 'No space left on device.*hint: free some space' pack medium-images-idx3-ubyte --out disk/set
    [[ $(ls -A disk) == set.packing ]] || fail 'a full disk left something else'
    [[ $count == 5500 ]] || rm -r disk/set.packing
  done
  mount -o remount,size=60M disk
  expect 0 '' pack medium-images-idx3-ubyte --out disk/set
  grep -q 'resumes: 5500 of 5500 pictures are there' stderr || fail 'the room was of no use'
else
  echo 'a full disk is not tested: mounting a small one needs root'
fi
rm -f large-* medium-*
echo ok
