# Runs in Debian's installer when the new system is there below /target: puts the node's
# program and its units there. hither-late.env has base, sum and user.
set -eu
. /hither-late.env
say() { wget -q -O /dev/null "$base/step/$1" || :; }
trap 'say failed' EXIT

wget -q -O /target/usr/local/bin/hither "$base/hither"
chmod 755 /target/usr/local/bin/hither
echo "$sum  /usr/local/bin/hither" >/target/usr/local/bin/hither.sum
in-target sha256sum -c /usr/local/bin/hither.sum
rm /target/usr/local/bin/hither.sum
in-target /usr/local/bin/hither --help >/dev/null # it runs there

cp /hither.service /hither-pair.service /target/etc/systemd/system/
mkdir -p /target/etc/hither
chmod 700 /target/etc/hither
cp /hither-join /target/etc/hither/join # only root reads it, and systemd for the unit
chmod 600 /target/etc/hither/join
in-target systemctl enable hither.service hither-pair.service
sync

trap - EXIT
say installed
