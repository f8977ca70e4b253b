#!/usr/bin/env bash
# in-machine.sh CHECKOUT BUILD WORK - tries "berth install" in a virtual machine with systemd as its first process: install, a
# container that comes back after a reboot, an upgrade under load, a crash, uninstall with a comparison of all files.
#
# The machine is Debian's own kernel under QEMU without hardware virtualisation, so that it runs everywhere; it has no network.
# BUILD is a self-contained build; WORK a folder for the disk. Prints "fact: ..." lines and "passed", or what is broken.
set -euo pipefail
checkout=$(readlink -f "$1") build=$(readlink -f "$2") work=$3
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=../../../packaging/system-packages
. "$checkout/packaging/system-packages"
packages=systemd-sysv,linux-image-cloud-amd64,initramfs-tools,busybox-static,iproute2,kmod,procps,apparmor,$(system_packages | awk '{print $2}' | paste -sd ,)
say() { echo "in-machine: $*" >&2; }

mkdir -p "$work/root"
say "making a Debian with systemd"
mmdebstrap --quiet --variant=minbase --include=$packages bookworm "$work/root.tar" >"$work/mmdebstrap.log" 2>&1 || { tail -n 5 "$work/mmdebstrap.log" >&2; exit 1; }
tar -xf "$work/root.tar" -C "$work/root"
rm "$work/root.tar"
cp "$work"/root/boot/vmlinuz-* "$work/kernel"
cp "$work"/root/boot/initrd.img-* "$work/initrd"
echo '/dev/vda / ext4 defaults 0 1' >"$work/root/etc/fstab"
mkdir -p "$work/root/test/build"
cp -a "$checkout/packaging" "$work/root/test/packaging"
cp -a "$build/." "$work/root/test/build/"
cp "$here/facts.sh" "$here/machine-steps.sh" "$work/root/test/"
cat >"$work/root/etc/systemd/system/steps.service" <<'UNIT'
[Unit]
Description=The steps of the test
After=multi-user.target
[Service]
Type=simple
ExecStart=/test/machine-steps.sh
StandardOutput=file:/dev/ttyS1
StandardError=inherit
[Install]
WantedBy=multi-user.target
UNIT
ln -s /etc/systemd/system/steps.service "$work/root/etc/systemd/system/multi-user.target.wants/steps.service"
truncate -s 4G "$work/disk"
mke2fs -q -F -t ext4 -d "$work/root" "$work/disk"
rm -rf "$work/root"

say "starting it"
: >"$work/steps.log"
status=0
timeout -k 5 "${MACHINE_TIMEOUT:-2400}" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m 2048 -smp 2 -display none -nic none \
  -kernel "$work/kernel" -initrd "$work/initrd" -append "root=/dev/vda rw console=ttyS0 quiet" \
  -drive "file=$work/disk,if=virtio,format=raw,cache=unsafe" -serial "file:$work/console.log" -serial "file:$work/steps.log" </dev/null || status=$?
tr -d '\r' <"$work/steps.log"
[ $status = 0 ] || { say "the machine ended with $status"; tail -n 20 "$work/console.log" >&2; exit 1; }
grep -q '^passed' <(tr -d '\r' <"$work/steps.log")
