#!/bin/sh
# Installs Debian's packages that the tests use, where this may: as root, with apt. What is missing elsewhere is skipped and said.
set -eu
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need bash bash
need ssh-keygen openssh-client
need swtpm_setup "swtpm swtpm-tools"
need tpm2_createprimary tpm2-tools
need curl curl
need openssl openssl
need strace strace
need softhsm2-util softhsm2
need gpg gnupg
need mkfs.ext4 e2fsprogs
need redis-server redis-server
need unshare util-linux
need python3 python3
need rsyslogd rsyslog
need dbus-daemon dbus-daemon
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi
