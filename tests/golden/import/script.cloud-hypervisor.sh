#!/bin/sh
# the build machine
KERNEL=/srv/vmlinux
ip tuntap add dev tap0 mode tap
IMAGES=/srv/images
exec sudo cloud-hypervisor \
	--cpus boot=2,max=4,topology=1:2:1:2,affinity=[0@[0-1],1@[2,3]] \
	--memory size=1G,hotplug_size=2G,hotplug_method=virtio-mem,shared=on \
	--kernel "$KERNEL" --cmdline "console=hvc0 root=/dev/vda1" \
	--disk path=${IMAGES}/root.raw,num_queues=2,bw_size=10485760,bw_refill_time=1000 path=/srv/seed.img,readonly=on,serial=$SEED \
	--net tap=tap0,mac=12:34:56:78:90:ab,num_queues=4 fd=[3,4],id=net9 \
	--serial file=/tmp/serial.log --console off \
	--fs tag=x,socket=/tmp/x.sock --rng src=/dev/hwrng --api-socket /tmp/s.sock -v
