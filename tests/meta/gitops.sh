#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# examples/gitops does what its README says: the commands, and the hook in a repository of its own.
weft=$(realpath "${WEFT:-./weft}")
source=$(realpath "${srcdir:-..}")/examples/gitops
n=0
failed=0

# result STATUS NAME: 0 is good
result() {
	n=$((n + 1))
	[[ $1 == 0 ]] && echo "ok $n - $2" && return
	failed=1
	echo "not ok $n - $2"
	sed 's/^/# /' "$folder/out"
}

command -v git >/dev/null || { echo "1..0 # SKIP git is not installed"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -r "$source" "$folder/repo"
cd "$folder/repo" || exit 99
export WEFT=$weft HOME=$folder GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
commit() { git add -A && git commit -q -m "$1" >"$folder/out" 2>&1; }

"$weft" fmt --check machines >"$folder/out" 2>&1; result $? "the machines are laid out"
"$weft" validate --separate machines/*/ >"$folder/out" 2>&1; result $? "the machines are valid"
grep -q "3 files: 3 valid, 0 invalid; 1 included by others" "$folder/out"; result $? "layers are no machines"
"$weft" validate machines >"$folder/out" 2>&1; [[ $? == 1 ]]; result $? "on one host they do not go together"

git init -q . && ln -s ../../pre-commit .git/hooks/pre-commit
commit first; result $? "the hook lets a good commit through"
sed -i '/^include/a cpus: { cout: 4 }' machines/rack2/web.yaml
commit bad; [[ $? != 0 ]] && grep -q "did you mean 'count'" "$folder/out"; result $? "the hook stops a bad one, and says why"
sed -i '/cout/d' machines/rack2/web.yaml && sed -i 's/00:02:01/00:01:01/' machines/rack2/web.yaml
commit conflict; [[ $? != 0 ]] && grep -q "MAC address 52:54:00:00:01:01 is used by two machines" "$folder/out"
result $? "the hook stops two that do not go together"
sed -i 's/00:01:01/00:02:02/; s/^name: web/name:   web/' machines/rack2/web.yaml
commit layout; [[ $? != 0 ]] && grep -q "weft fmt machines" "$folder/out"; result $? "the hook stops another layout"
"$weft" fmt machines >"$folder/out" && commit fixed; result $? "weft fmt mends it"
echo "not: good" >machines/rack1/new.yaml
sed -i 's/count: 2/count: 3/' machines/rack1/web.yaml && git add machines/rack1/web.yaml &&
	git commit -q -m staged >"$folder/out" 2>&1
result $? "the hook looks at what is committed, not at what lies around"
echo "1..$n"
exit $failed
